"""The facts: what happened, with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array
from convstep.numbers import cell_text, listing, short
from convstep.problem.model import Problem
from convstep.reach import Reach
from convstep.reasons.best import Best, best_loss
from convstep.reasons.history import Death, History, deaths
from convstep.reasons.model import Fact
from convstep.reasons.rates import rate_facts, slow_fact
from convstep.reasons.solutions import Solutions, is_flat_below, judge_expected, solutions
from convstep.reasons.windows import decay_of, is_small, weights_of
from convstep.reasons.wording import MOST_CELLS, direction_text, filter_text
from convstep.verdict import MATCHING_LOSS, are, cells_text

MOST_NAMED = 4
"""How many outputs, filters or directions are named one by one."""


def all_facts(problem: Problem, history: History) -> Iterator[Fact]:
    """Everything that can be said of a run, the most telling first."""
    if not problem.learns or problem.target is None:
        return
    small = is_small(problem)
    status = history.outcome.status
    if status in ("dead", "stationary"):
        yield from _deaths(problem, history)
    if status not in ("converged", "diverged"):
        yield from _held_by_zeros(problem, history)
    if status == "oscillating":
        yield _cycle(history)
    yield from rate_facts(problem, history, small)
    if status not in ("converged", "diverged"):
        yield from _never_quite(problem)
    if small and status not in ("converged", "diverged"):
        yield from _reach(problem, history)
    if status == "stopped" and small:
        yield from slow_fact(problem, history)
    if status == "converged" and small and problem.stop.loss <= MATCHING_LOSS:
        yield from _solutions(problem, history)
    if problem.expected_filter is not None and small:
        yield _expected(problem, history)


def _deaths(problem: Problem, history: History) -> Iterator[Fact]:
    """Which outputs died when, from which z to which."""
    found = deaths(problem, history)
    yield from map(_death, found[:MOST_NAMED])
    rest = found[MOST_NAMED:]
    if rest:
        cells = [{"cell": list(death.cell), "iteration": death.iteration} for death in rest]
        yield Fact("died-too", _rest_words(rest), {"outputs": cells})


def _rest_words(rest: Sequence[Death]) -> str:
    """How the outputs died that are not named."""
    never = sum(death.iteration == 0 for death in rest)
    more = "1 more output that is wrong" if len(rest) == 1 else f"{len(rest)} more outputs that are wrong"
    unborn = f"{'was' if never == 1 else 'were'} dead from the start"
    if never in (0, len(rest)):
        return f"{more} {unborn if never else 'died too'}."
    return f"Of {more} {len(rest) - never} died too and {never} {unborn}."


def _held_by_zeros(problem: Problem, history: History) -> Iterator[Fact]:
    """The outputs that are wrong, and that no filter changes."""
    reach = Reach(problem)
    held = reach.held(history.last)
    if not held.any():
        return
    one = held.sum() == 1
    says = f"{cells_text(held, 'output')} {are(held)} {short(reach.at_zero)} with any filter:"
    says += f" {'it sees' if one else 'they see'} only zeros, and only a bias could change that."
    yield Fact("sees-only-zeros", says, {"outputs": np.argwhere(held).tolist(), "value": reach.at_zero})


def _death(death: Death) -> Fact:
    """How one output died."""
    name = f"output{cell_text(death.cell)}"
    values: dict[str, Any] = {"cell": list(death.cell), "iteration": death.iteration, "z_after": death.after}
    if death.iteration == 0:
        says = f"{name} was dead from the start: its z is {short(death.after)} in iteration 1."
        return Fact("dead-from-start", f"{says} That is the starting filter's doing, not the rate's.", values)
    says = f"{name} died by the update of iteration {death.iteration}: its z went from {short(death.before or 0.0)} to"
    return Fact("died", f"{says} {short(death.after)}.", values | {"z_before": death.before})


def _cycle(history: History) -> Fact:
    """The period, and the filters that are visited."""
    period = history.outcome.period or 0
    visited = [filters.tolist() for filters in history.filters[-period:]]
    shown = [filter_text(np.asarray(filters)) for filters in visited[:MOST_NAMED]]
    more = [f"{period - MOST_NAMED} more"] if period > MOST_NAMED else []
    says = f"The {period} filters that it visits by turns: {listing([*shown, *more])}."
    return Fact("cycle", says, {"period": period, "filters": visited})


def _never_quite(problem: Problem) -> Iterator[Fact]:
    """The targets at the very edge of what the activation produces, such as the sigmoid's 0 and 1."""
    assert problem.target is not None
    reach, bounds = Reach(problem), make_activation(problem.activation, problem.slope_at_zero).bounds
    at_the_edge = ~reach.is_produced & np.isin(problem.target, bounds) & ~reach.sees_only_zeros
    if not at_the_edge.any():
        return
    found = sorted({float(value) for value in problem.target[at_the_edge]})
    says = f"{problem.activation.name} comes near the target {listing([short(value) for value in found])}"
    says += " but never produces it: there the error shrinks only while the filter grows without end."
    yield Fact("never-quite", says, {"targets": found, "outputs": np.argwhere(at_the_edge).tolist()})


def _reach(problem: Problem, history: History) -> Iterator[Fact]:
    """How small the loss can become, and whether the run got there."""
    outcome = history.outcome
    loss = outcome.loss if outcome.loss is not None else np.inf
    best = best_loss(problem, weights_of(problem, outcome.filter, outcome.bias))
    values = {
        "bound": best.bound,
        "found": best.found,
        "from_range": best.from_range,
        "from_zeros": best.from_zeros,
        "from_conflict": best.from_conflict,
        "smallest_possible": best.meets,
    }
    if best.bound > problem.stop.loss:
        yield Fact("out-of-reach", _reach_words(problem, best, loss), values)
    elif best.found < 0.999 * loss - problem.stop.loss:
        smaller = "0" if best.found <= best.noise else short(best.found)
        says = f"It could be better: there is a filter with the loss {smaller}, and the run ended at {short(loss)}."
        decay = " Weight decay pulls the run away from it." if decay_of(problem) else ""
        yield Fact("better-exists", says + decay, values)


def _reach_words(problem: Problem, best: Best, loss: float) -> str:
    causes = []
    if best.from_range > 0:
        causes.append(f"{short(best.from_range)} because {problem.activation.name} never produces some of the targets")
    if best.from_zeros > 0:
        causes.append(f"{short(best.from_zeros)} because some windows hold only zeros")
    if best.from_conflict > 0:
        causes.append(f"{short(best.from_conflict)} because outputs share weights, and no filter suits them all")
    reached = loss <= best.found * (1 + 1e-6) + problem.stop.loss
    if best.meets:
        opening = f"The smallest possible loss is {short(best.found)}"
        ending = "and the run got there." if reached else f"and the run ended at {short(loss)}."
    else:
        opening = f"No filter has a loss below {short(best.bound)}, and the best that was found has {short(best.found)}"
        ending = "which is where the run ended." if reached else f"while the run ended at {short(loss)}."
    # Of a single cause the number has just been said.
    why = causes[0].partition(" ")[2] if len(causes) == 1 and best.meets else ", and ".join(causes)
    return f"{opening}{f' ({why})' if why else ''}, {ending}"


def _solutions(problem: Problem, history: History) -> Iterator[Fact]:
    """Whether the solution is the only one."""
    found = solutions(problem, history.outcome)
    values = {
        "dimension": found.dimension,
        "directions": found.directions.tolist(),
        "free_outputs": found.free_outputs,
        "at_the_edge": found.at_the_edge,
    }
    if found.dimension == 0:
        nowhere = "There is" if found.everywhere else "Around the filter reached there is"
        yield Fact("unique", f"{nowhere} no other solution.", values)
        return
    says = f"The solution is not the only one. {_directions_words(problem, found)}"
    yield Fact("not-unique", f"{says}{_free_words(found)}{_span_words(problem)}", values)


def _directions_words(problem: Problem, found: Solutions) -> str:
    """Along what the filter can change."""
    one = found.dimension == 1
    many = "A change along one direction alters" if one else f"Changes along {found.dimension} directions alter"
    of_them = "no output whose target is above 0" if is_flat_below(problem) else "no output at all"
    shown = [direction_text(problem, row) for row in found.directions[:MOST_NAMED]]
    if not all(shown):
        return f"{many} {of_them}."
    more = found.dimension - MOST_NAMED
    return f"{many} {of_them}: {listing([*shown, f'{more} more'] if more > 0 else shown)}."


def _free_words(found: Solutions) -> str:
    """What the outputs need whose target is 0."""
    if not found.free_outputs:
        return ""
    one = found.free_outputs == 1
    who = (
        "The output whose target is 0 only needs"
        if one
        else f"The {found.free_outputs} outputs whose target is 0 only need"
    )
    if not found.at_the_edge:
        return f" {who} z ≤ 0, so a small change either way is as good."
    there = "it stands" if one else f"{found.at_the_edge} of them stand{'s' * (found.at_the_edge == 1)}"
    return f" {who} z ≤ 0; {there} at z = 0, where only one way is open."


def _span_words(problem: Problem) -> str:
    """Why the run came to this solution and to no other."""
    if problem.optimizer.name != "sgd" or decay_of(problem):
        return ""
    which = "that were alive and wrong" if is_flat_below(problem) else "that were wrong"
    return f" Why this one: each update is a sum of windows, of outputs {which}, so filter − start is one as well."


def _expected(problem: Problem, history: History) -> Fact:
    """How the expected filter stands to the one reached."""
    verdict, loss = judge_expected(problem, history.outcome)
    reached = history.outcome.loss
    there = "" if reached is None or not np.isfinite(reached) else f"; the filter reached has {short(reached)}"
    own, expected = _named(history.outcome.filter), _named(problem.expected_filter)
    right = (
        f"The filter reached{own} is not the expected one{expected}, and both are right: with the expected one the loss"
        f" is {short(loss)}."
        if history.outcome.status == "converged"
        else f"The expected filter{expected} is a solution: its loss is {short(loss)}. The run did not get to one."
    )
    says = {
        "same": "The filter reached is the expected one.",
        "another solution": right,
        "not a solution": f"The expected filter{expected} is not a solution: its loss is {short(loss)}{there}.",
    }[verdict]
    return Fact("expected-filter", says, {"verdict": verdict, "loss": loss})


def _named(filters: Array | None) -> str:
    """A small filter, to stand behind the word for it; nothing of a larger one."""
    small = filters is not None and filters.size <= MOST_CELLS
    return f" ({filter_text(filters)})" if filters is not None and small else ""
