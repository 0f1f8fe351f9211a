"""Advice, tried before it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from convstep.analysis import largest_curvature
from convstep.descent import descend
from convstep.errors import ConvstepError
from convstep.numbers import short
from convstep.problem.checks import check
from convstep.problem.document import to_document
from convstep.problem.model import Problem
from convstep.problem.overrides import put, steps
from convstep.reach import Reach
from convstep.reasons.best import cost_of_range
from convstep.reasons.model import Advice, Trial
from convstep.reasons.windows import is_plain
from convstep.trace import Outcome

MOST_ADVICE = 3
WORK = 2e8
"""How many products all trials together may take; no clock, so that the same run gets the same advice every time."""
OVERHEAD = 5000
"""What an iteration costs besides its products, in products."""
RATES = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01)
"""The ladder of rates, in units of 1/λ, from the largest down."""
SEEDS = (1, 2, 3)


class Idea(NamedTuple):
    """Something to try.

    Attributes:
        kind: Of several ideas of one kind only the first that works is told.
        words: What it is, up to "it …".
        set: The keys to set.
    """

    kind: str
    words: str
    set: Mapping[str, Any]


def advise(problem: Problem, outcome: Outcome, goes_on: Callable[[int], bool] | None = None) -> tuple[Advice, ...]:
    """At most three changes that were tried and helped, the best first.

    Args:
        problem: What was run.
        outcome: How it ended.
        goes_on: Called after each iteration that was tried, with their number until then; once it says no, nothing
            more is tried, and what helped so far is the answer.
    """
    if outcome.status == "converged" or not problem.learns or problem.target is None:
        return ()
    budget, forced = Budget(problem, goes_on), cost_of_range(problem)
    died = _has_died(problem, outcome)
    found: dict[str, Advice] = {}
    for idea in _ideas(problem, outcome, died):
        if idea.kind not in found and not budget.stopped:
            trial = _tried(problem, idea.set, budget)
            if trial is not None and _helps(idea, trial, outcome, forced):
                found[idea.kind] = Advice(_words(idea, trial), idea.set, trial)
    converged = [advice for advice in found.values() if advice.tried.status == "converged"]
    if (died or outcome.status == "oscillating") and not Reach(problem).is_produced.all():
        converged = []  # the layer as it is cannot; what makes the best of it is told beside another layer
    return tuple((converged or list(found.values()))[:MOST_ADVICE])


def _has_died(problem: Problem, outcome: Outcome) -> bool:
    """Whether outputs that could be better send nothing back where the run came to rest."""
    if outcome.status not in ("dead", "stationary"):
        return False
    end = replace(problem, filter=outcome.filter, bias=outcome.bias)
    return bool(Reach(problem).died(next(iter(descend(end)))).any())


class Budget:
    """How many iterations of this problem may be tried.

    Attributes:
        tried: How many were.
        most: How many may be.
        stopped: Whether the user wants no more.
    """

    def __init__(self, problem: Problem, goes_on: Callable[[int], bool] | None) -> None:
        g = problem.geometry
        self.most = int(WORK / (3 * g.positions * g.filters * g.taps + OVERHEAD))
        self.tried = 0
        self.stopped = False
        self._goes_on = goes_on

    def spend(self) -> bool:
        """One more iteration was tried; returns whether there may be more."""
        self.tried += 1
        self.stopped = self._goes_on is not None and not self._goes_on(self.tried)
        return self.tried <= self.most and not self.stopped


def _helps(idea: Idea, trial: Trial, outcome: Outcome, forced: float) -> bool:
    """Whether a trial ended better than the run; with another target its loss cannot be compared.

    Args:
        idea: What was tried.
        trial: How that ended.
        outcome: How the run ended.
        forced: The loss that the activation's range costs whatever the filter; better is what is above it.
    """
    if trial.status == "converged" or idea.kind == "through":
        return trial.status == "converged"
    before = outcome.loss if outcome.loss is not None and np.isfinite(outcome.loss) else np.inf
    if "activation" in idea.set or before - forced <= 1e-3 * forced:
        forced = 0.0
    return trial.status in ("stopped", "stationary") and max(0.0, trial.loss - forced) < 0.5 * (before - forced)


def _words(idea: Idea, trial: Trial) -> str:
    times = "1 iteration" if trial.iterations == 1 else f"{trial.iterations} iterations"
    ended = {
        "converged": f"it converges in {times}",
        "stationary": f"it comes to rest at the loss {short(trial.loss)} after {times}",
        "stopped": f"the loss is down to {short(trial.loss)} after {times}",
    }[trial.status]
    return f"{idea.words} {ended}."


def _ideas(problem: Problem, outcome: Outcome, died: bool) -> Iterator[Idea]:
    """What might help, the likeliest first."""
    plain = problem.optimizer.name == "sgd"
    curvature = largest_curvature(problem) if plain else None
    too_large = outcome.status == "stopped" and (problem.learning_rate or 0.0) * (curvature or 0.0) >= 2.0
    if (died or outcome.status in ("oscillating", "diverged") or too_large) and curvature:
        for share in RATES:
            rate = float(f"{share / curvature:.4g}")
            if rate < (problem.learning_rate or np.inf):
                limit = f"below the limit 2/λmax = {short(2.0 / curvature)} for this input"
                yield Idea("rate", f"With learning_rate {short(rate)}, {limit},", {"learning_rate": rate})
    if outcome.status == "stopped":
        yield from _slow(problem, curvature)
    if died:
        yield from _alive(problem, curvature)
    yield from _reach(problem, at_rest=outcome.status in ("dead", "stationary") and not died)


def _alive(problem: Problem, curvature: float | None) -> Iterator[Idea]:
    """For a run whose outputs died."""
    if problem.activation.name == "relu":
        leaky = {"activation": {"leaky_relu": {"slope": 0.1}}, **_no_slope_at_zero(problem)}
        words = "With a leaky ReLU (slope 0.1), which never cuts an error off,"
        if curvature and (problem.learning_rate or 0.0) > 1.0 / curvature:
            rate = float(f"{1.0 / curvature:.4g}")
            leaky, words = leaky | {"learning_rate": rate}, f"{words} and learning_rate {short(rate)}"
        yield Idea("slope", words, leaky)
    yield from _starts(problem, curvature)


def _slow(problem: Problem, curvature: float | None) -> Iterator[Idea]:
    """For a run that was on its way."""
    if curvature:
        rate = float(f"{1.0 / curvature:.4g}")
        if rate > (problem.learning_rate or 0.0):
            yield Idea("rate", f"With learning_rate {short(rate)}", {"learning_rate": rate})
    if is_plain(problem):
        others = {name: value for name, value in problem.optimizer.parameters.items() if value}  # 0 is their default
        yield Idea("momentum", "With momentum 0.9", {"optimizer": {"sgd": {**others, "momentum": 0.9}}})
    more = 10 * problem.stop.iterations
    yield Idea("more", f"With up to {more} iterations", {"stop.iterations": more})


def _reach(problem: Problem, *, at_rest: bool) -> Iterator[Idea]:
    """For a target that the activation, or the layer, cannot produce."""
    reach = Reach(problem)
    beyond = at_rest or not reach.is_produced.all()
    if beyond and problem.activation.name != "linear" and not problem.target_through_activation:
        linear = {"activation": "linear", **_no_slope_at_zero(problem), "learning_rate": "auto"}
        if is_plain(problem):
            yield Idea(
                "linear", "With a linear activation and learning_rate auto, which can produce any number,", linear
            )
        yield Idea("through", "With the target passed through the activation", {"target_through_activation": True})
    if problem.bias is None and (beyond or reach.held_by_zeros.any()):
        yield Idea("bias", "With a bias", {"bias": 0})
        # At z = 0 a ReLU sends nothing back, so a bias of 0 would stay there.
        yield Idea("bias", "With a bias that starts at 0.1", {"bias": 0.1})


def _no_slope_at_zero(problem: Problem) -> Mapping[str, Any]:
    """What takes a slope at 0 away that another activation would not understand."""
    return {} if problem.slope_at_zero is None else {"slope_at_zero": None}


def _starts(problem: Problem, curvature: float | None) -> Iterator[Idea]:
    """Other first filters, at a rate that is safe."""
    rows, columns = problem.filter.shape[-2:]
    size: Any = rows if rows == columns else [rows, columns]
    filters = {"filters": problem.filter.shape[0]} if problem.filter.ndim == 4 else {}
    if problem.filter.ndim != 4 and problem.input.ndim == 2 and problem.filter.ndim == 3:
        return
    safe = float(f"{1.0 / curvature:.4g}") if curvature else problem.learning_rate
    rate = {} if safe is None or safe >= (problem.learning_rate or 0.0) else {"learning_rate": safe}
    for seed in SEEDS:
        start = {"size": size, **filters, "initial": "he", "seed": seed}
        spelled = f"With another start (he, seed {seed})" + (
            f" and learning_rate {short(safe)}" if rate and safe else ""
        )
        yield Idea("start", spelled, {"filter": start, **rate})


def changed(problem: Problem, settings: Mapping[str, Any]) -> Problem:
    """The problem with keys set."""
    data: Mapping[str, Any] = to_document(problem)
    for key, value in settings.items():
        data = put(data, steps(key), value)
    return check(data)


def _tried(problem: Problem, settings: Mapping[str, Any], budget: Budget) -> Trial | None:
    """How the run ends with these keys set; nothing where that would take too long."""
    try:
        descent = descend(changed(problem, settings))
    except ConvstepError:  # a setting that this problem cannot have is no advice
        return None
    for _ in descent:
        if not budget.spend():
            return None
    outcome = descent.outcome
    assert outcome is not None
    loss = float("inf") if outcome.loss is None else outcome.loss
    return Trial(outcome.status, outcome.iterations, loss)
