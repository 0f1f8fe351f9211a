"""The rules that end a run, in their one place.

After each iteration, in this order; the first that holds gives the status:

1. ``diverged``: a number overflowed, or the loss at the new filter is above 10¹² times the largest of the first loss,
   ½Σt² and ``stop.loss``. An iteration with a number that is not finite is not recorded, unless it is the first.
2. ``converged``: there is a target, and the loss at the new filter is at most ``stop.loss``.
3. the gradient vanished: its largest entry, weight decay added, is at most ``stop.gradient``, and the update at most
   the rate times that. Then it is ``dead`` if every output that is still wrong (its |∂L/∂a| above ``stop.gradient``)
   has |δ| at most ``stop.gradient``, and at least one of them has a target that its activation could produce;
   else ``stationary``.
4. ``oscillating``: for two full periods, parameters and optimizer state were those of one period before, within
   10⁻¹² of their size, without standing still.
5. ``stopped``: the iterations asked for were done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask, Numbers, are_exact
from convstep.problem.model import Problem
from convstep.reach import is_produced

LOSS_RISE = 10**12
"""How far the loss may rise before the run counts as diverged."""
CYCLE_TOLERANCE = 1e-12
"""How near a state must return, relative to its largest number."""
LONGEST_PERIOD = 64
"""The longest period looked for; shorter where the parameters are so many that their history would fill memory."""
HISTORY_NUMBERS = 1 << 20
"""How many numbers the history of states may hold."""


class Progress(NamedTuple):
    """What the rules look at: a block of iterations, a row each.

    Attributes:
        first_iteration: Of row 0.
        finite: Whether every number of the iteration is finite.
        loss: The loss at the new filter.
        gradient: The gradient with weight decay added, iterations×parameters.
        update: iterations×parameters.
        output_gradient, delta: iterations×outputs.
        states: The parameters and the optimizer's state after the iteration, iterations×numbers.
    """

    first_iteration: int
    finite: Mask
    loss: Array
    gradient: Array
    update: Array
    output_gradient: Array
    delta: Array
    states: Array


class Ending(NamedTuple):
    """Where and how a run ends.

    Attributes:
        rows: How many rows of the block are still part of the run.
        status: The status.
        period: Of an oscillation.
    """

    rows: int
    status: str
    period: int | None = None


class Marks(NamedTuple):
    """Which of the rules hold that look at one iteration alone: a mask a rule, in their order, an entry a row."""

    overflowed: Mask
    risen: Mask
    converged: Mask
    vanished: Mask

    @property
    def over(self) -> Mask:
        """Whether any of them holds."""
        return self.overflowed | self.risen | self.converged | self.vanished


class RowRules:
    """The rules that look at one iteration alone; a row is an iteration of one run, or a run of many at one iteration.

    Args:
        problem: What is run.
        first_loss: The loss at the first filter; of many runs one each.
        rate: The learning rate; of many runs one each.
    """

    @np.errstate(all="ignore")
    def __init__(self, problem: Problem, first_loss: float | Array, rate: float | Array) -> None:
        self.problem = problem
        self.rate = rate
        target = problem.target
        self.has_target = target is not None
        half_square = 0 if target is None else np.sum(target * target) / 2
        # A first loss and a target of 0 would make a rounding error a rise; stop.loss is what counts as nothing.
        scale = np.maximum(first_loss, max(half_square, problem.stop.loss))
        self.highest_loss = np.where((scale > 0) & self.has_target, LOSS_RISE * scale, np.inf)
        self.within_reach = is_produced(problem).reshape(-1) if self.has_target else np.zeros(1, dtype=bool)

    @np.errstate(all="ignore")
    def marks(self, progress: Progress) -> Marks:
        """Which rules hold where."""
        risen = (progress.loss > self.highest_loss) | ~_are_finite(progress.loss)
        converged = progress.loss <= self.problem.stop.loss if self.has_target else np.zeros_like(risen)
        return Marks(~progress.finite, risen, converged, self._vanished(progress))

    def _vanished(self, progress: Progress) -> Mask:
        """Whether gradient and update are as good as nothing."""
        least = self.problem.stop.gradient
        gradient = np.abs(progress.gradient).max(axis=1) <= least
        return np.asarray(gradient & (np.abs(progress.update).max(axis=1) <= self.rate * least))

    def status(self, marks: Marks, progress: Progress, row: int) -> str:
        """The status that the first rule to hold in the row gives; if none does, the state has come back."""
        if marks.overflowed[row] or marks.risen[row]:
            return "diverged"
        if marks.converged[row]:
            return "converged"
        if marks.vanished[row]:
            return "dead" if self._is_dead(progress, row) else "stationary"
        return "oscillating"

    def keep(self, runs: Numbers) -> None:
        """Of many runs: goes on with these alone."""
        self.highest_loss, self.rate = self.highest_loss[runs], np.asarray(self.rate)[runs]

    def _is_dead(self, progress: Progress, row: int) -> bool:
        """Whether outputs are wrong whose targets can be produced, and send nothing back."""
        least = self.problem.stop.gradient
        wrong = np.abs(progress.output_gradient[row]) > least
        silent = np.abs(progress.delta[row]) <= least
        return bool(silent[wrong].all() and (wrong & self.within_reach).any())


def _are_finite(numbers: Numbers) -> Mask:
    """Where numbers are finite; fractions always are."""
    return np.ones(numbers.shape, dtype=bool) if are_exact(numbers) else np.isfinite(numbers)


def last_iteration(marks: Marks, row: int, iteration: int) -> int:
    """The last iteration of a run that ends in this row: one that overflowed is no part of it, unless it is the first.

    Args:
        marks: The rules that hold.
        row: Where the run ends.
        iteration: Of this row.
    """
    return max(1, iteration - 1) if marks.overflowed[row] else iteration


class Rules:
    """The rules for one run. Blocks must be handed in one after the other."""

    def __init__(self, problem: Problem, first_loss: float, first_state: Array, cycles: Cycles | None = None) -> None:
        assert problem.learning_rate is not None
        self.of_a_row = RowRules(problem, first_loss, problem.learning_rate)
        self.cycles = cycles or Cycles(first_state)

    @np.errstate(all="ignore")
    def ending(self, progress: Progress) -> Ending | None:
        """The first row after which the run is over, if there is one."""
        marks = self.of_a_row.marks(progress)
        cycle = self.cycles.find(progress.states)
        over = marks.over
        if cycle is not None:
            over[cycle[0]] = True
        if not over.any():
            return None
        row = int(np.argmax(over))
        status = self.of_a_row.status(marks, progress, row)
        first = progress.first_iteration
        rows = last_iteration(marks, row, first + row) - first + 1
        return Ending(rows, status, cycle[1] if cycle is not None and status == "oscillating" else None)


def longest_period(size: int) -> int:
    """The longest period looked for in states of so many numbers."""
    return max(2, min(LONGEST_PERIOD, HISTORY_NUMBERS // (3 * size)))


def tolerance_of(states: Array) -> Array:
    """How near another state must be to count as the same, a number a row."""
    tolerance: Array = CYCLE_TOLERANCE * np.abs(states).max(axis=1)
    return tolerance


def distance(states: Array, others: Array) -> Array:
    """How far two states are apart in their most different number, a number a row."""
    result: Array = np.abs(states - others).max(axis=1)
    return result


def direction_of(size: int) -> Array:
    """What states are projected on: two projections differ at most by size times the tolerance if the states do not.

    A number a state is a cheap first look.
    """
    return np.cos(np.arange(size, dtype=np.float64))


class Cycles:
    """Looks for a state that comes back, again and again."""

    def __init__(self, first_state: Array) -> None:
        size = max(1, first_state.size)
        self.longest = longest_period(size)
        self.history = first_state.reshape(1, -1)
        self.direction = direction_of(size)

    def find(self, states: Array) -> tuple[int, int] | None:
        """The first row at which a state has been repeating for two periods, and the period."""
        everything = np.concatenate([self.history, states])
        known = len(self.history)
        self.history = everything[-3 * self.longest :].copy()
        tolerance = tolerance_of(everything)
        moving = np.zeros(len(everything), dtype=bool)
        moving[1:] = distance(everything[1:], everything[:-1]) > tolerance[1:]
        found = [
            (row, period)
            for period in self._candidates(everything, tolerance, moving, known)
            if (row := _first_repeat(everything, tolerance, moving, period, known)) is not None
        ]
        if not found:
            return None
        row, period = min(found)
        return row - known, period

    def _candidates(self, everything: Array, tolerance: Array, moving: Mask, known: int) -> Sequence[int]:
        """The periods that the last rows could have, judged by one number a state."""
        shadow = everything @ self.direction
        slack = tolerance * len(self.direction)
        if not moving[known:].any() or np.diff(np.sort(shadow)).min() > slack.max():
            return []
        periods = np.arange(2, self.longest + 1)
        rows = np.arange(known, len(everything))[:, None]
        earlier = rows - periods
        alike = np.abs(shadow[rows] - shadow[np.maximum(earlier, 0)]) <= slack[rows]
        return [int(period) for period in periods[((earlier >= 0) & alike & moving[rows]).any(axis=0)]]


def _first_repeat(states: Array, tolerance: Array, moving: Mask, period: int, known: int) -> int | None:
    """The first row from `known` on that ends two full periods of repetition, if there is one."""
    returned = np.zeros(len(states), dtype=bool)
    returned[period:] = distance(states[period:], states[:-period]) <= tolerance[period:]
    repeating = np.cumsum(returned & moving)
    window = 2 * period
    complete = np.flatnonzero(repeating[window:] - repeating[:-window] == window) + window
    complete = complete[complete >= known]
    return int(complete[0]) if len(complete) else None
