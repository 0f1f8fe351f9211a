"""The verdict at the end of a run: the reason, and advice that has been tried."""

from __future__ import annotations

from collections.abc import Callable

from convstep.problem.model import Problem
from convstep.trace import Outcome, Step
from convstep.verdict import Verdict, judge

FEWEST_ITERATIONS = 100
"""A run that was stopped earlier than this was not meant to arrive; nothing is tried for it."""


def conclude(
    problem: Problem,
    outcome: Outcome,
    first: Step,
    last: Step,
    *,
    interrupted: bool = False,
    goes_on: Callable[[int], bool] | None = None,
) -> Verdict:
    """What to say at the end of a run.

    Args:
        problem: What was run.
        outcome: How it ended.
        first, last: Its first and its last iteration.
        interrupted: Whether the user stopped it.
        goes_on: Told how many iterations were tried for the advice, whether to go on; see `advise`.
    """
    verdict = judge(problem, outcome, first, last, interrupted=interrupted)
    early = outcome.status == "stopped" and outcome.iterations < FEWEST_ITERATIONS
    if interrupted or early or outcome.status == "converged" or not problem.learns or problem.target is None:
        return verdict
    from convstep.reasons.settings import options
    from convstep.reasons.trials import advise

    advice = advise(problem.in_floats, outcome.in_floats, goes_on)
    tried = "" if problem.exact is None else " (tried in floats)"
    sentences = (f"{each.says.removesuffix('.')}{tried}: {options(each.set)}" for each in advice)
    return Verdict(verdict.reason, tuple(sentences))
