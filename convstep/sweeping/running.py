"""Runs carried to their end: side by side where they differ in filter, bias and rate alone, else one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.correlation import has_table
from convstep.descent import descend
from convstep.problem.model import Problem
from convstep.stopping import Progress, RowRules, last_iteration, longest_period
from convstep.sweeping.cycles import CycleCounts
from convstep.sweeping.lanes import FEWEST, Lanes
from convstep.trace import Outcome

MOST_LANES = 1024
"""How many runs go side by side: beyond, their numbers leave the processor's caches and nothing is gained."""
LANE_NUMBERS = 1 << 22
"""How many numbers runs side by side may hold at the most (32 MiB)."""
WORTHWHILE_LANES = 4
"""With fewer, single runs are as fast."""
KEPT_SHARE = 0.75
"""Ended runs are left out when no more than this share is still on its way: leaving out costs time as well."""


class Ended(NamedTuple):
    """A run that has come to its end.

    Attributes:
        position: Which of the problems it was, counted from 0.
        outcome: How it ended: what a single run of the problem ends with.
    """

    position: int
    outcome: Outcome


class Pulse(NamedTuple):
    """A sign that the work goes on: after each iteration of runs side by side, and each block of a single run.

    Attributes:
        iteration: How far the runs at work have come.
        ended: The runs that have come to their end.
    """

    iteration: int
    ended: Sequence[Ended] = ()


def run_all(problems: Sequence[Problem], groups: Iterable[Sequence[int]]) -> Iterator[Pulse]:
    """Runs all problems to their ends.

    Args:
        problems: The problems.
        groups: Positions of problems that differ in nothing but the numbers of filter, bias and rate.
    """
    for group in groups:
        width = lanes_of(problems[group[0]])
        if width < WORTHWHILE_LANES or len(group) < WORTHWHILE_LANES:
            for position in group:
                yield from _run_alone(position, problems[position])
            continue
        parts = -(-len(group) // width)
        for part in np.array_split(np.asarray(group), parts):
            yield from _run_together(part, [problems[position] for position in part])


def lanes_of(problem: Problem) -> int:
    """How many runs of the problem go side by side; 1 where single runs do better."""
    g = problem.geometry
    products = g.positions * g.filters * g.taps
    if not problem.learns or not has_table(g):
        return 1
    parameters = 3 * (problem.filter.size + g.filters)  # optimizers carry up to three numbers a parameter
    return max(1, min(MOST_LANES, LANE_NUMBERS // (2 * products + longest_period(parameters) * parameters)))


def _run_alone(position: int, problem: Problem) -> Iterator[Pulse]:
    run = descend(problem)
    for step in run:
        yield Pulse(step.iteration)
    assert run.outcome is not None
    yield Pulse(run.outcome.iterations, [Ended(position, run.outcome)])


def _run_together(positions: Numbers, problems: Sequence[Problem]) -> Iterator[Pulse]:
    lanes = Company(positions, problems)
    for iteration in range(1, problems[0].stop.iterations + 1):
        yield Pulse(iteration, lanes.advance(iteration))
        if not lanes.positions.size:
            return
    yield Pulse(problems[0].stop.iterations, lanes.stopped())


class Company:
    """Runs on their way together, and the rules that end each of them.

    Attributes:
        positions: Which runs are still on their way.
    """

    def __init__(self, positions: Numbers, problems: Sequence[Problem]) -> None:
        problem = self.problem = problems[0]
        bias = [np.zeros(0) if each.bias is None else each.bias.reshape(-1) for each in problems]
        weights = [np.concatenate([each.filter.reshape(-1), b]) for each, b in zip(problems, bias, strict=True)]
        rates = np.array([each.learning_rate for each in problems], dtype=np.float64)
        self.lanes = Lanes(problem, np.ascontiguousarray(np.stack(weights).T), rates)
        self.rules = RowRules(problem, self.lanes.losses, rates)
        self.cycles = CycleCounts(self.lanes.state.T)
        self._columns = np.arange(len(positions))
        self._everybody = np.asarray(positions)
        self._moving = np.ones(len(positions), dtype=bool)

    @property
    def positions(self) -> Numbers:
        """Which runs are still on their way."""
        return self._everybody[self._columns[self._moving]]

    def advance(self, iteration: int) -> list[Ended]:
        """One iteration; returns the runs that end with it."""
        weights, losses = self.lanes.weights, self.lanes.losses
        progress = self.lanes.advance(iteration)
        marks = self.rules.marks(progress)
        periods = self.cycles.find(progress.states)
        over = (marks.over | (periods > 0)) & self._moving
        if not over.any():
            return []
        ended = []
        for row in np.flatnonzero(over).tolist():
            status = self.rules.status(marks, progress, row)
            period = int(periods[row]) if status == "oscillating" else None
            done = last_iteration(marks, row, iteration)
            if done < iteration:
                outcome = self._outcome(status, done, float(losses[row]), weights[:, row])
            else:
                outcome = self._outcome(status, done, _loss(progress, row), self.lanes.weights[:, row], period)
            ended.append(Ended(int(self._everybody[self._columns[row]]), outcome))
        self._leave_out(over)
        return ended

    def _outcome(self, status: str, iterations: int, loss: float, weights: Array, period: int | None = None) -> Outcome:
        problem, size = self.problem, self.lanes.filter_size
        bias = None if problem.bias is None else weights[size:].reshape(problem.bias.shape)
        return Outcome(status, iterations, loss, weights[:size].reshape(problem.filter.shape).copy(), bias, period)

    def _leave_out(self, over: Numbers) -> None:
        """Lets ended runs stand still, and drops them once they are many."""
        self.lanes.park(np.flatnonzero(over))
        self._moving &= ~over
        left = np.flatnonzero(self._moving)
        if len(left) > KEPT_SHARE * len(self._moving) or len(self._moving) == FEWEST:
            return
        spare = np.flatnonzero(~self._moving)[: max(0, FEWEST - len(left))]
        columns = np.sort(np.concatenate([left, spare]))
        self.lanes.keep(columns)
        self.cycles.keep(columns)
        self.rules.keep(columns)
        self._moving, self._columns = self._moving[columns], self._columns[columns]

    def stopped(self) -> list[Ended]:
        """The runs that no rule has ended."""
        limit = self.problem.stop.iterations
        return [
            Ended(
                int(self._everybody[self._columns[row]]),
                self._outcome("stopped", limit, float(self.lanes.losses[row]), self.lanes.weights[:, row]),
            )
            for row in np.flatnonzero(self._moving)
        ]


def _loss(progress: Progress, row: int) -> float:
    """The loss after the iteration; there is none to speak of where a number overflowed."""
    return float(progress.loss[row]) if progress.finite[row] else float("nan")
