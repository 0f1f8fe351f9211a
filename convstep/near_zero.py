"""A z that is 0 on paper and 1e-17 in floats opens a ReLU, or closes it: where that may have happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Mask
from convstep.descent import descend
from convstep.numbers import cell_text, short
from convstep.problem.model import Problem
from convstep.trace import Step

UNIT = 2.0**-53
"""The most that one rounding changes a number, as a share of it."""
EACH_ITERATION = 2
"""How many roundings an iteration leaves in a weight."""
MOST_ITERATIONS = 100
"""Later roundings do not add up any more: what is learned takes the earlier ones back."""
MOST_FOUND = 64
"""So many are noted at the most."""
WORK = 200_000
"""How many products a run in fractions may take that is made for a note."""


class NearZero(NamedTuple):
    """A z within rounding of 0 that is not 0.

    Attributes:
        iteration, cell: Where it is.
        z, slope: Its value, and the slope that was taken for it.
    """

    iteration: int
    cell: tuple[int, ...]
    z: float
    slope: float | None


class Watch:
    """Looks at the iterations of a run in floats, one after the other.

    Attributes:
        found: Those that were met, the first at most of each iteration.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.found: list[NearZero] = []
        self._kinked = make_activation(problem.activation, problem.slope_at_zero).takes_slope_at_zero
        self._largest = float(np.abs(problem.input).max(initial=1.0))

    def look(self, step: Step) -> None:
        """Takes an iteration into account."""
        if not self._kinked or len(self.found) == MOST_FOUND:
            return
        z = step.pre_activation
        # At least as large as what any z is made of: what passes here is looked at once more.
        size = self._largest * float(np.abs(step.filter).sum())
        if "bias" in step:
            size += float(np.abs(step.array("bias")).max())
        near = (np.abs(z) <= self._roundings(step) * UNIT * size) & (z != 0)
        if near.any():
            self._search(step, near)

    def _roundings(self, step: Step) -> int:
        """How many roundings there may be in one z."""
        return self.problem.geometry.taps + 1 + EACH_ITERATION * min(step.iteration, MOST_ITERATIONS)

    def _search(self, step: Step, near: Mask) -> None:
        """Among the candidates the first that is near 0 for the numbers that it was made of."""
        from convstep.derivation.model import values_of
        from convstep.derivation.sums import Sums

        sums = Sums(self.problem, step)
        for position in np.argwhere(near):
            cell = tuple(int(index) for index in position)
            here = _at(step, cell)
            size = sum(map(abs, values_of(sums.pre_activation(cell))))
            if abs(here.z) <= self._roundings(step) * UNIT * size:
                self.found.append(here)
                return


def _at(step: Step, cell: tuple[int, ...]) -> NearZero:
    slope = step.activation_slope.item(cell) if "activation_slope" in step else None
    return NearZero(step.iteration, cell, step.pre_activation.item(cell), slope)


def decided(exact: Problem, found: Sequence[NearZero]) -> tuple[NearZero, NearZero] | None:
    """The first number whose slope is another one in fractions, or else the first; and the same number in fractions.

    Args:
        exact: The problem in fractions.
        found: What was met in floats, in the order of the iterations.

    Returns:
        ``None`` where the run in fractions would take long, or does not get there.
    """
    g = exact.geometry
    most = WORK // (g.positions * g.filters * g.taps)
    waiting, first = deque(found), None
    for step in descend(exact):
        if not waiting or step.iteration > most:
            break
        if step.iteration == waiting[0].iteration:
            pair = waiting[0], _at(step, waiting.popleft().cell)
            if pair[0].slope != pair[1].slope:
                return pair
            first = first or pair
    return first


def note(found: NearZero, exact: NearZero | None) -> str:
    """What there is to say of it, in one or two sentences; `exact` is the same number in fractions, if it is known."""
    name = f"pre_activation{cell_text(found.cell)}"
    slope = "" if found.slope is None else f"; the slope taken is {short(found.slope)}"
    says = f"In iteration {found.iteration} {name} is {short(found.z)}, within rounding of 0{slope}."
    if exact is None:
        return says
    value = short(exact.z) if exact.z else "exactly 0"
    slope = "" if exact.slope is None else f", and the slope {short(exact.slope)}"
    return f"{says} In fractions (--exact) it is {value}{slope}."
