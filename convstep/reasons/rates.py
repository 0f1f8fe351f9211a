"""The rate: the limits below which it is stable, and how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from convstep.activations import make_activation
from convstep.analysis import largest_curvature
from convstep.arrays import Array
from convstep.descent import descend
from convstep.losses import make_loss
from convstep.numbers import listing, short
from convstep.problem.model import Problem
from convstep.reach import is_produced
from convstep.reasons.best import compared_target
from convstep.reasons.history import History, deaths
from convstep.reasons.model import Fact
from convstep.reasons.windows import (
    curvature_scale,
    curved_eigenvalues,
    decay_of,
    eigenvalues,
    is_plain,
    weights_of,
    window_matrix,
)
from convstep.reasons.wording import direction_text

FAR = 1e6
"""So many times the safe limit is none that anybody should be told: the slopes there are as good as 0."""
MOST_VISITED = 8
"""At how many of the last filters it is looked how steep the loss is."""
STEP = 1e-5
"""How far to either side a slope is looked at to see how it changes."""
BELOW = "the rate is below it"
MOST_WRITTEN = 9
"""How many eigenvalues are written out in a sentence."""
MOST_LISTED = 100
"""How many eigenvalues are listed at most, the largest first."""
STANDING = " There an error keeps its size and changes its sign in each iteration."
MOST_ITERATIONS = 2**60
STRAIGHT = ("linear", "relu", "leaky_relu")
"""The activations made of straight pieces: between two kinks the loss is a quadratic function, exactly."""


def rate_facts(problem: Problem, history: History, small: bool) -> Iterator[Fact]:
    """The stable limits, for all outputs and for those that are alive now, and where the rate stands."""
    rate = problem.learning_rate or 0.0
    curvature = largest_curvature(problem) if is_plain(problem) else None
    if not curvature or not np.isfinite(curvature) or not np.isfinite(2.0 / curvature):
        return
    limit = 2.0 / curvature
    values: dict[str, Any] = {"rate": rate, "limit": limit, "largest_curvature": curvature}
    present = _present_limit(problem, history, values) if small else ""
    if small and history.outcome.status in ("dead", "stationary") and deaths(problem, history):
        present += _before_death(problem, history, values)
    relation = _relation(rate, limit)
    if relation == "below":
        says = f"The rate {short(rate)} is {short(rate / limit, 3)} of the limit 2/λmax = {short(limit)}."
        yield Fact("rate-below-limit", says + present, values)
        return
    place = "exactly" if relation == "exactly" else "above"
    opening = f"The rate {short(rate)} is {place} the limit 2/λmax = {short(limit)}"
    sizes = _written(values.get("eigenvalues", []))
    largest = f"the largest of the curvature's eigenvalues {sizes}" if sizes else "the largest curvature"
    curved = f"(λmax = {short(curvature)}, {largest})"
    yield Fact("rate-above-limit", f"{opening} {curved}; {_promise(problem)}.{present}", values)


def _written(found: Sequence[float]) -> str:
    """A few eigenvalues, largest first, with 0 where there is a rounding error; of many nothing."""
    if not 1 < len(found) <= MOST_WRITTEN:
        return ""
    return listing([short(value if value > 1e-12 * found[0] else 0.0) for value in found])


def _in_brackets(found: Sequence[float]) -> str:
    return f" (eigenvalues {_written(found)})" if _written(found) else ""


def _promise(problem: Problem) -> str:
    """What is known of the rates below the limit."""
    what = "the loss together with the weight decay's ½·decay·w²" if decay_of(problem) else "the loss"
    name = problem.activation.name
    if name == "linear" or (name == "relu" and bool((compared_target(problem) >= 0).all())):
        return f"only below it is {what} sure to fall"
    below = " with a target below 0" if name == "relu" else ""
    return f"a rate below it is a good start, though for {name}{below} no guarantee that {what} falls"


def _relation(rate: float, limit: float) -> str:
    return "above" if rate > limit * (1 + 1e-9) else "exactly" if rate >= limit * (1 - 1e-9) else "below"


class Present(NamedTuple):
    """The layer at the filter reached, as far as its errors are sent back.

    Attributes:
        matrix: X.
        slopes: Of the activation; 0 too where the loss has no curvature.
        bends: What each output adds to the curvature, for the square of its window: ∂²L/∂z².
        errors: a − t.
        quadratic: Whether the loss is a quadratic function around here, so that these slopes tell all.
    """

    matrix: Array
    slopes: Array
    bends: Array
    errors: Array
    quadratic: bool


def _present(problem: Problem, filters: Array, bias: Array | None) -> Present | None:
    """The layer with this filter and bias; ``None`` where a number is not finite."""
    matrix = window_matrix(problem)
    with np.errstate(all="ignore"):
        z = matrix @ weights_of(problem, filters, bias)
        activation = make_activation(problem.activation, problem.slope_at_zero)
        a, slopes = np.empty_like(z), np.empty_like(z)
        activation.value(z, a)
        activation.slope(z, a, slopes)
        errors = a - compared_target(problem)
        quadratic = problem.activation.name in STRAIGHT
        if problem.loss.name == "huber":
            curved = np.abs(errors) <= float(problem.loss.parameters["delta"])  # type: ignore[arg-type]
            slopes, quadratic = np.where(curved, slopes, 0.0), quadratic and bool(curved.all())
        bends = _bends(problem, z, slopes, errors)
    if not np.isfinite(slopes).all() or not np.isfinite(errors).all() or not np.isfinite(bends).all():
        return None
    return Present(matrix, slopes, bends, errors, quadratic)


def _bends(problem: Problem, z: Array, slopes: Array, errors: Array) -> Array:
    """∂²L/∂z² = ℓ″(e)·f′(z)² + ℓ′(e)·f″(z), by the chain rule: the loss is a sum of ℓ(f(z) − t).

    With it Σ ∂²L/∂z²·x̃x̃ᵀ is the Hessian, since z is linear in the parameters; the first part alone is that of
    Gauss and Newton (J. Nocedal, S. Wright, Numerical Optimization, 10.1). f″ is a central difference of f′, taken on
    the side of 0 that z lies on, since f′ may jump there.
    """
    bends: Array = (curvature_scale(problem) or 0.0) * slopes**2
    if problem.activation.name in STRAIGHT:
        return bends
    activation, outward = make_activation(problem.activation, problem.slope_at_zero), np.empty_like(errors)
    make_loss(problem.loss).gradient(errors, outward)
    beside = np.where(z > 0, np.maximum(z, 2 * STEP), np.minimum(z, -2 * STEP))
    values, higher, lower = (np.empty_like(z) for _ in range(3))
    for moved, slope in ((beside + STEP, higher), (beside - STEP, lower)):
        activation.value(moved, values)
        activation.slope(moved, values, slope)
    return bends + outward * (higher - lower) / (2 * STEP)


def _active_eigenvalues(problem: Problem, now: Present) -> Array:
    """The eigenvalues of the curvature as it is there, largest first."""
    if problem.activation.name in STRAIGHT:
        return eigenvalues(problem, now.matrix, now.slopes)
    return curved_eigenvalues(problem, now.matrix, now.bends)


def _limit_of(found: Array) -> float:
    """The limit of the rate with these eigenvalues."""
    return float(2.0 / found[0]) if found[0] > 0 else np.inf


def _least_visited(problem: Problem, history: History) -> float:
    """The limit of the rate at the steepest of the filters visited last."""
    visited = list(zip(history.filters, history.biases, strict=True))[-MOST_VISITED:]
    there = [now for each in visited if (now := _present(problem, *each)) is not None]
    return min((_limit_of(_active_eigenvalues(problem, now)) for now in there), default=np.inf)


def _present_limit(problem: Problem, history: History, values: dict[str, Any]) -> str:
    """The limit with the curvature as it is at the end, and the curvature's eigenvalues."""
    now = _present(problem, history.outcome.filter, history.outcome.bias)
    if now is None:
        return ""
    values["eigenvalues"] = eigenvalues(problem, now.matrix, np.ones(now.slopes.shape))[:MOST_LISTED].tolist()
    found = _active_eigenvalues(problem, now)
    limit = _limit_of(found)
    values["active_eigenvalues"] = found[:MOST_LISTED].tolist()
    values["active_limit"] = limit if found[0] > 0 else None
    if problem.activation.name == "linear":
        stands = now.quadratic and _relation(problem.learning_rate or 0.0, limit) == "exactly"
        return STANDING if stands else ""
    if not now.slopes.any():
        dead = problem.activation.name == "relu" and not decay_of(problem)
        return " No output is alive any more, so no rate changes anything now." if dead else ""
    if _after(problem, limit) == BELOW and (history.outcome.status == "oscillating" or not now.quadratic):
        steepest = _least_visited(problem, history)
        if _after(problem, steepest) != BELOW:
            return _at_the_steepest(problem, history, steepest, values)
        if history.outcome.status == "oscillating":
            return ""  # the rate may be the cause all the same
    return "" if limit > FAR * values["limit"] else _at_the_end(problem, history, now, values)


def _at_the_steepest(problem: Problem, history: History, limit: float, values: dict[str, Any]) -> str:
    """Where the rate is below the limit at the end, and was not everywhere that the run has just been."""
    if history.outcome.status != "oscillating":
        return ""
    values["steepest_limit"] = limit
    return (
        f" At the steepest of the filters that it visits the limit is about {short(limit)}; {_after(problem, limit)}."
    )


def _at_the_end(problem: Problem, history: History, now: Present, values: dict[str, Any]) -> str:
    """The limit at the end, in words."""
    relu, limit = problem.activation.name == "relu", values["active_limit"]
    where = "With the slopes" if problem.activation.name in STRAIGHT else "With the curvature"
    where = "For the outputs that are alive" if relu else where
    rough = "" if now.quadratic or history.outcome.status == "converged" else " about"
    after = _after(problem, limit)
    sizes = _in_brackets(values["active_eigenvalues"]) if relu and after != BELOW else ""
    return f" {where} at the end the limit is{rough} {short(limit)}{sizes}; {after}."


def _after(problem: Problem, limit: float) -> str:
    """Where the rate stands to a limit, and what follows."""
    return {
        "below": BELOW,
        "exactly": "the rate is exactly it, where an error keeps its size and changes its sign in each iteration",
        "above": "the rate is above it, where an error grows until the slopes change",
    }[_relation(problem.learning_rate or 0.0, limit)]


def _before_death(problem: Problem, history: History, values: dict[str, Any]) -> str:
    """Where the rate stood in the iteration whose update killed the last output that is missed now."""
    died = [death.iteration for death in deaths(problem, history) if death.iteration]
    if problem.activation.name != "relu" or problem.loss.name == "huber" or not died:
        return ""
    alive = next(step for step in descend(problem) if step.iteration == died[0]).activation_slope != 0
    found = eigenvalues(problem, window_matrix(problem), alive.astype(float))
    if not np.isfinite(found).all() or not found[0] > 0:
        return ""
    limit = float(2.0 / found[0])
    values["before_death"] = {"iteration": died[0], "limit": limit, "eigenvalues": found[:MOST_LISTED].tolist()}
    opening = f" For the outputs that were alive in iteration {died[0]} the limit was {short(limit)}"
    return f"{opening}{_in_brackets(found.tolist())}; {_after(problem, limit)}."


def slow_fact(problem: Problem, history: History) -> Iterator[Fact]:
    """The condition number, the slowest direction, and how long it would still take."""
    now = _present(problem, history.outcome.filter, history.outcome.bias)
    scale = curvature_scale(problem)
    if now is None or scale is None or not is_plain(problem) or decay_of(problem):
        return
    outputs, sizes, directions = np.linalg.svd(now.matrix * now.slopes[:, None], full_matrices=False)
    kept = sizes > 1e-9 * max(float(sizes.max(initial=0.0)), 1e-150)
    curvatures = scale * sizes[kept] ** 2
    if not kept.any() or not np.isfinite(curvatures).all():
        return
    slowest = directions[kept][-1]
    slowest = slowest * (1.0 if slowest[np.argmax(np.abs(slowest))] > 0 else -1.0)
    most, least = float(curvatures[0]), float(curvatures[-1])
    values: dict[str, Any] = {"condition": most / least, "slowest_direction": slowest.tolist()}
    where = {"linear": "", "relu": " on the outputs that are alive"}.get(
        problem.activation.name, " at the present slopes"
    )
    says = f"The condition number{where} is {short(most / least, 4)}."
    shrinks = abs(1.0 - (problem.learning_rate or 0.0) * least)
    if shrinks < 1.0 and kept.sum() > 1:
        shown = direction_text(problem, slowest)
        shown = f", {shown}," if shown else ""
        how = f"shrinks to {_share(shrinks)} of itself an iteration" if shrinks < 1 - 1e-9 else "hardly shrinks at all"
        says += f" In the slowest direction{shown} what is missing {how}."
    parts = 0.5 * scale * (outputs[:, kept].T @ now.errors) ** 2
    rest = 0.5 * scale * float(now.errors @ now.errors) - float(parts.sum())
    if bool(is_produced(problem).all()) and (now.quadratic or problem.loss.name != "huber"):
        says += _needed(problem, curvatures, parts, max(0.0, rest), values)
    yield Fact("slow", says, values)


def _share(value: float) -> str:
    """A number below 1 that is never shown as 1."""
    digits = next((n for n in range(4, 12) if float(f"{value:.{n}g}") < 1.0), 12)
    return short(value, digits)


def _needed(problem: Problem, curvatures: Array, parts: Array, rest: float, values: dict[str, Any]) -> str:
    """How many iterations are still needed, at this rate and at the one that is best in the long run."""
    best_rate = 2.0 / float(curvatures[0] + curvatures[-1])
    loss = rest + float(parts.sum())
    goal = problem.stop.loss - (rest if rest > 1e-12 * loss else 0.0)
    if goal <= 0:
        return ""
    needed = iterations_to(goal, parts, 1.0 - (problem.learning_rate or 0.0) * curvatures)
    at_best = iterations_to(goal, parts, 1.0 - best_rate * curvatures)
    values |= {"iterations_needed": needed, "iterations_at_best_rate": at_best, "best_rate": best_rate}
    if needed is None or at_best is None:
        return ""
    stay = {"linear": "", "relu": "If the same outputs stay alive, "}.get(
        problem.activation.name, "If the slopes stay about what they are, "
    )
    says = f"{stay}about {needed} more iterations are needed at this rate"
    faster = f", and {at_best} at {short(best_rate, 4)}, the best rate in the long run"
    return f" {says[0].upper()}{says[1:]}{faster if at_best < needed else ''}."


def iterations_to(goal: float, parts: Array, factors: Array) -> int | None:
    """The first k with Σ parts·factors²ᵏ ≤ goal; ``None`` where that never comes."""

    def reached(k: int) -> bool:
        with np.errstate(under="ignore"):
            return float(np.sum(parts * np.abs(factors) ** (2.0 * k))) <= goal

    if reached(0):
        return 0
    high = 1
    while not reached(high):
        high *= 2
        if high > MOST_ITERATIONS or np.abs(factors[parts > 0]).max() >= 1.0:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
