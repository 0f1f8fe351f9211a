"""What happened on the way: the run once more, watched."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, in_floats
from convstep.descent import descend
from convstep.problem.model import Problem
from convstep.reach import Reach
from convstep.trace import Outcome, Step

MOST_FILTERS = 64
"""How many of the last filters are kept, to show those that an oscillation visits."""

FLAT = 1e-6
"""Up to this slope an output is dead: of a ReLU it is 0, of a sigmoid it only comes near it."""


class Death(NamedTuple):
    """When an output was last alive.

    Attributes:
        cell: The output.
        iteration: The last iteration in which it was alive, its slope not as good as 0; 0 if it never was.
        before, after: Its z there, and in the iteration after.
    """

    cell: tuple[int, ...]
    iteration: int
    before: float | None
    after: float


class History(NamedTuple):
    """A run, and what was noted on the way.

    Attributes:
        outcome: How it ended.
        first, last: Its first and its last iteration.
        alive: For each output the last iteration in which its slope was not as good as 0; 0 for never.
        before, after: For each output its z in that iteration and in the next.
        filters: The last filters that were visited, the oldest first.
        biases: The biases that went with them; ``None`` where there are none.
    """

    outcome: Outcome
    first: Step
    last: Step
    alive: Array
    before: Array
    after: Array
    filters: tuple[Array, ...]
    biases: tuple[Array | None, ...]

    @property
    def in_floats(self) -> History:
        """The history with the numbers of an exact run as floats."""
        return self._replace(outcome=self.outcome.in_floats, first=self.first.in_floats, last=self.last.in_floats)


def watch(problem: Problem) -> History:
    """Runs the problem and notes when each output was last alive."""
    descent = descend(problem)
    first = last = next(descent)
    recent: deque[Step] = deque([first.in_floats], maxlen=MOST_FILTERS)
    shape = first.pre_activation.shape
    alive, before, after = np.zeros(shape), np.full(shape, np.nan), in_floats(first.pre_activation).copy()
    flat = _flat(problem)
    _note(first.in_floats, flat, alive, before, after)
    for step in descent:
        _note(step.in_floats, flat, alive, before, after)
        recent.append(step.in_floats)
        last = step
    assert descent.outcome is not None
    filters = tuple(step.filter for step in recent)
    biases = tuple(step.bias if "bias" in step else None for step in recent)
    return History(descent.outcome, first, last, alive, before, after, filters, biases)


def _flat(problem: Problem) -> float:
    """The largest slope that counts as 0."""
    return max(FLAT, float(problem.stop.gradient))


def _note(step: Step, flat: float, alive: Array, before: Array, after: Array) -> None:
    """Takes an iteration into account."""
    if "activation_slope" not in step:
        return
    living = np.abs(step.activation_slope) > flat
    np.copyto(alive, step.iteration, where=living)
    np.copyto(before, step.pre_activation, where=living)
    if step.iteration > 1:
        np.copyto(after, step.pre_activation, where=alive == step.iteration - 1)


def deaths(problem: Problem, history: History) -> list[Death]:
    """The outputs that are wrong at the end, could be better, and send nothing back; those that died last first."""
    last = history.last
    silent = np.abs(last.activation_slope) <= _flat(problem)
    if problem.target is None:
        return []
    silent &= Reach(problem).died(last)
    found = [
        Death(
            tuple(int(index) for index in cell),
            int(history.alive[tuple(cell)]),
            float(history.before[tuple(cell)]) if history.alive[tuple(cell)] else None,
            float(history.after[tuple(cell)]),
        )
        for cell in np.argwhere(silent)
    ]
    return sorted(found, key=lambda death: (-death.iteration, death.cell))
