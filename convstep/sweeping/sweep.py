"""A sweep: all runs of a plan, each with its outcome."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convstep.problem.overrides import apply
from convstep.problem.reader import read_source
from convstep.problem.trace_head import is_trace, problem_of
from convstep.sweeping.grids import parse_variation
from convstep.sweeping.limits import default_variation
from convstep.sweeping.plan import Plan
from convstep.sweeping.running import Pulse, run_all
from convstep.sweeping.starts import Starts
from convstep.trace import Outcome


class Run(NamedTuple):
    """One run of a sweep.

    Attributes:
        set: What was set, by key.
        outcome: What a single run of the problem with these settings ends with.
    """

    set: Mapping[str, Any]
    outcome: Outcome


class Sweep:
    """The runs of a plan. Iterate to carry them out; whoever stops iterating keeps what has ended.

    Attributes:
        plan: Which runs.
        outcomes: How each ended; ``None`` where it has not yet.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcomes: list[Outcome | None] = [None] * len(plan.problems)
        self.ended = 0

    def __iter__(self) -> Iterator[Pulse]:
        for pulse in run_all(self.plan.problems, self.plan.groups):
            for position, outcome in pulse.ended:
                self.outcomes[position] = outcome
            self.ended += len(pulse.ended)
            yield pulse

    @property
    def complete(self) -> bool:
        """Whether every run has ended."""
        return self.ended == len(self.outcomes)

    @property
    def runs(self) -> list[Run]:
        """The runs that have ended, in the order of the plan."""
        pairs = zip(self.plan.settings, self.outcomes, strict=True)
        return [Run(setting, outcome) for setting, outcome in pairs if outcome is not None]


def sweep(
    source: str | os.PathLike[str] | Mapping[str, Any],
    vary: Sequence[str] = (),
    starts: Starts | None = None,
    overrides: Sequence[str] = (),
) -> list[Run]:
    """All runs of a problem with one or two keys varied, or from many starts.

    >>> question = {"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]],
    ...             "target": [[1, 0], [0, 1]], "learning_rate": 0.5}
    >>> [(run.set["learning_rate"], run.outcome.status, run.outcome.iterations)
    ...  for run in sweep(question, ["learning_rate=0.1,0.4,0.5"])]
    [(0.1, 'converged', 131), (0.4, 'oscillating', 60), (0.5, 'dead', 35)]

    Args:
        source: As for `convstep.load`.
        vary: One or two keys with their values, as ``--vary`` takes them; without any, and without starts, the rate.
        starts: Random filters to start from.
        overrides: ``KEY=VALUE``, made first.

    Raises:
        UsageError, ProblemError: In one line what is wrong.
    """
    folder = None
    if isinstance(source, Mapping):
        data = problem_of(source) if is_trace(source) else source
    else:
        found = read_source(source)
        data, folder = found.data, found.folder
    whole = Sweep(planned(apply(data, overrides), folder, vary, starts))
    for _ in whole:
        pass
    return whole.runs


def planned(data: Mapping[str, Any], folder: str | None, vary: Sequence[str], starts: Starts | None) -> Plan:
    """The plan that the settings describe; the rate is varied where they say nothing."""
    variations = [parse_variation(setting) for setting in vary]
    if not variations and starts is None:
        variations = [default_variation(Plan(data, folder, (), None).base)]
    return Plan(data, folder, variations, starts)
