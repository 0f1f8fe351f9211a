"""States that come back, in many runs at once: the rule of `stopping.Cycles`, counted as the runs go on."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.stopping import direction_of, distance, longest_period, tolerance_of


class CycleCounts:
    """For each run and each period: for how many iterations on end the state has been that of one period before.

    Only the states of the longest period are kept. Row i of what is kept belongs to the period `longest` − i.
    """

    def __init__(self, states: Array) -> None:
        self.longest = longest_period(max(1, states.shape[1]))
        self.direction = direction_of(states.shape[1])
        self.periods = np.arange(self.longest, 1, -1)
        runs = len(states)
        # Shadows lie twice in their ring, so that those of the longest period are one slice in their order.
        self._shadows = np.full((2 * self.longest, runs), np.nan)
        self._states = np.full((self.longest, runs, states.shape[1]), np.nan)
        self._counts = np.zeros((self.longest - 1, runs), dtype=np.int16)
        self._any_counted = False
        self._differences = np.empty((self.longest - 1, runs))
        self._position = 0
        self._last = states
        self._keep(states, states @ self.direction)

    def _keep(self, states: Array, shadows: Array) -> None:
        """Puts the newest states in the place of the oldest."""
        at = self._position % self.longest
        self._shadows[at] = self._shadows[at + self.longest] = shadows
        self._states[at] = self._last = states
        self._position += 1

    @np.errstate(all="ignore")
    def find(self, states: Array) -> Numbers:
        """The period of each run whose state has now been repeating for two full periods; 0 for the others.

        Args:
            states: Runs×numbers, after the iteration.
        """
        found = np.zeros(len(states), dtype=np.int64)
        shadows = states @ self.direction
        tolerance = tolerance_of(states)
        moving = distance(states, self._last) > tolerance
        first = self._position % self.longest
        difference = np.subtract(self._shadows[first : first + self.longest - 1], shadows, out=self._differences)
        alike = np.abs(difference, out=difference) <= np.where(moving, tolerance * len(self.direction), -1.0)
        if alike.any():
            found = self._count(np.divmod(np.flatnonzero(alike), len(states)), states, tolerance)
        elif self._any_counted:
            self._counts.fill(0)
            self._any_counted = False
        self._keep(states, shadows)
        return found

    def _count(self, pairs: tuple[Numbers, ...], states: Array, tolerance: Array) -> Numbers:
        """Looks closely at pairs of a period's row and a run; the counts go on where the state did return."""
        rows, runs = pairs
        earlier = self._states[(self._position + rows) % self.longest, runs]
        returned = distance(earlier, states[runs]) <= tolerance[runs]
        rows, runs = rows[returned], runs[returned]
        counts = np.zeros_like(self._counts)
        counts[rows, runs] = self._counts[rows, runs] + 1
        self._counts, self._any_counted = counts, len(rows) > 0
        complete = counts[rows, runs] >= 2 * self.periods[rows]
        found = np.zeros(len(states), dtype=np.int64)
        # Rows rise, so periods fall: the shortest is written last.
        for row, run in zip(rows[complete], runs[complete], strict=True):
            found[run] = self.periods[row]
        return found

    def keep(self, columns: Numbers) -> None:
        """Goes on with these runs alone."""
        self._shadows, self._counts = self._shadows[:, columns], self._counts[:, columns]
        self._states, self._last = self._states[:, columns], self._last[columns]
        self._differences = np.empty(self._counts.shape)
