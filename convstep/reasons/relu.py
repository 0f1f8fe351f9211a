"""The smallest loss of a ReLU layer, in squares: a proven bound, and parameters that could be the best.

Outputs with a positive target are undecided: each is either alive (z ≥ 0, and its error z − t) or not (z ≤ 0, and its
error is its target). Once all are decided the rest is a convex problem, solved exactly. The choices are searched as a
tree; a branch whose bound is no better than the best that was met is cut off. Windows that are the same but for a
positive factor are alive together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.reasons.vectors import least_squares, null_space

MOST_ROUNDS = 10
MOST_UNDECIDED = 40
"""Up to how many undecided outputs the choices are searched, as far as the work allows."""
WORK = 15_000_000
"""How much arithmetic the search may take; no clock, so that the same problem gets the same answer every time."""
OVERHEAD = 5000
"""What a step costs besides its arithmetic."""
TOLERANCE = 1e-9
FORBIDDEN = 1e4
"""How strongly an output is kept from the side of z = 0 that was not chosen, in units of the largest target."""


class Found(NamedTuple):
    """What a search found.

    Attributes:
        bound: No parameters have a smaller Σ(max(z, 0) − t)²; where the search was cut short, less than could be.
        candidates: Parameters that could be the best.
    """

    bound: float
    candidates: list[Array]


def search(matrix: Array, target: Array, starts: Iterable[Array]) -> Found:
    """The bound, and the parameters that could be the best.

    Args:
        matrix: X, z = X·w.
        target: What max(z, 0) is compared with.
        starts: Parameters that are known, the run's own among them.
    """
    size, height = float(np.abs(matrix).max(initial=0.0)) or 1.0, float(np.abs(target).max(initial=0.0)) or 1.0
    tree = _Tree(matrix / size, target / height)
    tree.begin([start * (size / height) for start in starts])
    undecided = target > 0
    bound = 0.0
    if undecided.sum() <= MOST_UNDECIDED:
        nobody = np.zeros(len(target), dtype=bool)
        bound = tree.bound_below(undecided, nobody, np.zeros(matrix.shape[1])) * height**2
    return Found(bound, [weights * (height / size) for weights in tree.candidates])


class _Tree:
    """The search over who is alive; remembers the best that was met."""

    def __init__(self, matrix: Array, target: Array) -> None:
        self.matrix, self.target = matrix, target
        directions = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-150)
        self.alike = np.unique(directions.round(12), axis=0, return_inverse=True)[1].reshape(-1)
        self.work = WORK
        self.best = np.inf
        self.candidates: list[Array] = []

    def begin(self, starts: list[Array]) -> None:
        """Takes the starts into account, and what comes of each: the best for those alive, whoever is alive then …"""
        positive = self.target > 0
        nobody = np.zeros(len(positive), dtype=bool)
        for start in [*starts, None]:
            living, weights = positive, np.zeros(self.matrix.shape[1])
            if start is not None:
                self._note(start)
                living, weights = positive & (self.matrix @ start > 0), start
            for _ in range(MOST_ROUNDS):
                # Whoever is to be alive counts without being kept there.
                _, weights = self._solve(living, nobody, weights)
                before, living = living, positive & (self.matrix @ weights > 0)
                if (before == living).all():
                    break

    def bound_below(self, undecided: Mask, living: Mask, start: Array) -> float:
        """A lower bound of the sum for all choices that agree with the one made so far.

        Args:
            undecided: The outputs with a positive target that may be alive or not.
            living: Those that are to be alive; the others are given up.
            start: Where the solver begins.
        """
        decided = (self.target > 0) & ~undecided
        lost = float(np.sum(self.target[decided & ~living] ** 2))
        if lost >= self.best or self.work <= 0:
            return lost
        value, weights = self._solve(living, decided, start)
        value = max(value, lost)
        # What can be better only in digits that do not count is not looked into.
        if value >= self.best * (1 - 1e-12) or not undecided.any():
            return value
        errors = np.maximum(self.matrix @ weights, 0.0) - self.target
        chosen = undecided & (self.alike == self.alike[np.argmax(np.where(undecided, np.abs(errors), -1.0))])
        if_alive = self.bound_below(undecided & ~chosen, living | chosen, weights)
        return min(if_alive, self.bound_below(undecided & ~chosen, living, weights))

    def _solve(self, living: Mask, decided: Mask, start: Array) -> tuple[float, Array]:
        """The least sum while other outputs with a positive target cost nothing, and where; 0 where it was not found.

        Args:
            living: Those that are alive, without a kink.
            decided: Those that are kept on their side of the kink.
            start: Where the solver begins.
        """
        dead, kept, rest = decided & ~living, decided & living, self.target <= 0
        # What must not be is z > 0 for the dead, −z > 0 for the living.
        rows = np.concatenate([self.matrix[living], self.matrix[rest], self.matrix[dead], -self.matrix[kept]])
        forbidden = np.full(dead.sum() + kept.sum(), -FORBIDDEN)
        target = np.concatenate([self.target[living], self.target[rest], forbidden])
        as_it_is = np.arange(len(rows)) < living.sum()
        weights, work = least_convex(rows, target, as_it_is, start, max(0, self.work))
        self.work -= work
        if weights is None:
            return 0.0, start
        self._note(weights)
        z = rows @ weights
        beyond = np.maximum(z[-len(forbidden) :] if len(forbidden) else 0.0, 0.0)
        excess = float(np.sum(beyond * (beyond + 2 * FORBIDDEN)))
        errors = (np.where(as_it_is, z, np.maximum(z, 0.0)) - target)[: len(z) - len(forbidden)]
        value = float(errors @ errors) + float(np.sum(self.target[dead] ** 2))
        # A small excess is a rounding error; a large one says that there is no such choice.
        return value + (excess if excess > 1.0 else 0.0), weights

    def _note(self, weights: Array) -> None:
        """Keeps the parameters if they are the best so far."""
        errors = np.maximum(self.matrix @ weights, 0.0) - self.target
        size = float(errors @ errors)
        if size < self.best:
            self.best = size
            self.candidates.append(weights)


def least_convex(matrix: Array, target: Array, living: Mask, start: Array, most: int) -> tuple[Array | None, int]:
    """The least Σ(z − t)² over the living outputs plus Σ(max(z, 0) − t)² over the others, whose t ≤ 0; and the work.

    An active-set method (J. Nocedal, S. Wright, Numerical Optimization, 16.5): outputs at the kink z = 0 are pinned
    there while the pull of the others keeps them; each step goes towards the least on the present face, past kinks
    as long as it goes down.

    Args:
        matrix, target, living: The outputs, a row or a number each.
        start: Where to begin.
        most: How much work may be done; ``None`` is returned where it is not enough.
    """
    weights = start
    active, pinned = ~living & (matrix @ start > 0), np.zeros(len(target), dtype=bool)
    each = OVERHEAD + 4 * matrix.size
    for step in range(1, most // each + 1):
        change, pull = _to_the_least(matrix, target, living | active, pinned, weights)
        z, moved = matrix @ weights, matrix @ change
        if np.abs(moved).max(initial=0.0) <= TOLERANCE:
            # At the kink the slope of ½(max(z, 0) − t)² jumps from 0 to −t.
            too_low, too_high = np.where(pinned, -pull, 0.0), np.where(pinned, pull + target, 0.0)
            if max(too_low.max(initial=0.0), too_high.max(initial=0.0)) <= TOLERANCE:
                return weights, step * each
            worst = int(np.argmax(np.maximum(too_low, too_high)))
            pinned[worst], active[worst] = False, too_high[worst] > too_low[worst]
            continue
        share, stop = _downward(z, moved, target, living | active, ~living & ~pinned)
        passed = ~living & ~pinned & np.where(active, moved < -TOLERANCE, moved > TOLERANCE)
        passed &= -z / np.where(passed, moved, 1.0) < share
        active ^= passed
        weights = weights + share * change
        if stop is not None:
            pinned[stop], active[stop] = True, False
    return None, most


def _downward(z: Array, moved: Array, target: Array, counted: Mask, kinked: Mask) -> tuple[float, int | None]:
    """How far along z + s·moved the sum goes down, and the output at whose kink that ends, if it does at one.

    Args:
        z, moved, target: The outputs.
        counted: Those on the far side of their kink, or without one: their error counts.
        kinked: Those with a kink.
    """
    crosses = np.flatnonzero(kinked & np.where(counted, moved < -TOLERANCE, moved > TOLERANCE))
    places = np.maximum(0.0, -z[crosses] / moved[crosses])
    order = np.argsort(places, kind="stable")
    crosses, places = crosses[order], places[order]
    enters = np.where(counted[crosses], -1.0, 1.0)
    # The slope is first + curve·s up to the first kink; each kink changes both.
    first = float(np.sum(((z - target) * moved)[counted]))
    curve = float(np.sum((moved**2)[counted]))
    firsts = first + np.concatenate([[0.0], np.cumsum(enters * ((z - target) * moved)[crosses])])
    curves = curve + np.concatenate([[0.0], np.cumsum(enters * (moved**2)[crosses])])
    before, after = firsts[:-1] + curves[:-1] * places, firsts[1:] + curves[1:] * places
    ends = np.flatnonzero(after >= 0)
    n = int(ends[0]) if len(ends) else len(places)
    if n < len(places) and before[n] < 0:
        return float(places[n]), int(crosses[n])
    return (float(-firsts[n] / curves[n]) if curves[n] > 0 else 1.0), None


def _to_the_least(matrix: Array, target: Array, counted: Mask, pinned: Mask, weights: Array) -> tuple[Array, Array]:
    """The way to the least Σ(z − t)² of some outputs while others stay where they are, and the pull on those."""
    rows, held = matrix[counted], matrix[pinned]
    free = null_space(held) if held.size else np.eye(matrix.shape[1])
    missing = target[counted] - rows @ weights
    change: Array = free @ least_squares(rows @ free, missing, 10.0) if free.size else np.zeros(len(weights))
    pull = np.zeros(len(target))
    if held.size:
        pull[pinned] = least_squares(held.T, rows.T @ (missing - rows @ change))
    return change, pull
