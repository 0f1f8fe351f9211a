"""Central differences along a line, and what to expect of them: rounding, the step's own error, and kinks.

A central difference (φ(p + h·d) − φ(p − h·d)) / 2h misses the derivative by about h², and by about ε/h for rounding,
ε = 2⁻⁵². Both are smallest together near h = ∛ε (W. H. Press and others, Numerical Recipes, 3rd ed., section 5.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask

EPSILON = float(np.finfo(np.float64).eps)
STEP: float = EPSILON ** (1.0 / 3.0)
"""∛ε = 6.06e-6, the step for numbers of size 1."""

RATIO = 1.7
"""Over twice the step the slopes on both sides of a kink differ as much as over the step; on a bend, twice as much."""
BENDS = 8.0
"""A change of slope by more than so many times what the curvature does on the way is a kink, wherever it lies."""
SLIGHT = 1e-6
"""A change of slope by less than this share of the steepest part's is no kink but rounding."""


class Reading(NamedTuple):
    """What is read off at one point of a line.

    Attributes:
        parts: What each output adds to φ, flat.
        total: φ as a run computes it; ``None`` where φ is nothing but the sum of the parts.
        watched: Numbers, one an output, that may come to a corner of a function, by name: the first of them moves in
            proportion to the step.
    """

    parts: Array
    total: float | None
    watched: Mapping[str, Array]


class Path(NamedTuple):
    """A number φ that depends on some numbers p.

    Attributes:
        point: p, flat.
        here: What is read off at p.
        follow: From any other point to what is read off there.
        reach: How far the first of the watched numbers may move in one step.
        rounding: How far rounding may move φ.
        corners: By the names of the watched numbers, where a function of them changes its formula.
        steepness: How fast each part changes at the most, per unit of the first watched number.
        bend: How fast that rate itself changes at the most, roughly.
        chosen_at_zero: The watched numbers at whose exact 0 the slope is the problem's own choice: any, even where the
            function has no corner there.
    """

    point: Array
    here: Reading
    follow: Callable[[Array], Reading]
    reach: float
    rounding: float
    corners: Mapping[str, tuple[float, ...]]
    steepness: Array
    bend: Array
    chosen_at_zero: str | None = None

    def chosen_slopes(self, name: str) -> Array:
        """How far a slope that the problem chose may be from those beside it, where there is one."""
        return self.steepness * (name == self.chosen_at_zero and self.here.watched[name] == 0)


class Difference(NamedTuple):
    """A central difference.

    Attributes:
        value: The derivative of φ in the direction.
        step: h.
        tolerance: By how much rounding and the step's own error may falsify it.
        allowance: By how much the kinks may falsify it beyond that.
        kinks: Name, output (its flat index) and value of each watched number that is at a kink.
    """

    value: float
    step: float
    tolerance: float
    allowance: float
    kinks: tuple[tuple[str, int, float], ...]


@np.errstate(all="ignore")
def central_difference(path: Path, direction: Array) -> Difference:
    """dφ/dh at p + h·direction, h = 0.

    The step's own error is found by doubling the step: in each part it is a third of the change at the most, at a
    corner of the slope all of it. The bound is twice the change.

    >>> one = np.ones(1)
    >>> def square(p):
    ...     return Reading(p * p, None, {"p": p})
    >>> path = Path(3 * one, square(3 * one), square, STEP, 10 * EPSILON, {}, one, one)
    >>> found = central_difference(path, one)
    >>> round(found.value, 6), found.step == STEP, abs(found.value - 6.0) <= found.tolerance < 1e-9
    (6.0, True, True)
    """
    here = path.here
    step = _step(path, direction)
    near, far = (_Pair(path, direction, width) for width in (step, 2.0 * step))
    speed = near.speed(next(iter(here.watched)))
    excused = np.zeros(here.parts.shape, dtype=bool)
    kinks: list[tuple[str, int, float]] = []
    allowance = 0.0
    for name, corners in path.corners.items():
        within = near.meets(name, corners)
        steep = far.jumps > BENDS * path.bend * speed * speed * step
        slight = SLIGHT * float(path.steepness.max(initial=0.0)) * speed
        bent = (near.jumps > slight) & (steep | (far.jumps < RATIO * near.jumps))
        chosen = path.chosen_slopes(name) * speed
        kinked = within & (bent | (chosen > slight)) & ~excused
        excused |= kinked | (far.meets(name, corners) & ~within & steep)
        allowance += float((near.jumps + chosen)[kinked].sum())
        kinks += [(name, int(k), float(here.watched[name][k])) for k in np.flatnonzero(kinked)]
    own_error = 2.0 * float(np.abs(far.middle - near.middle)[~excused].sum())
    return Difference(near.value, step, path.rounding / step + own_error, allowance, tuple(kinks))


def _step(path: Path, direction: Array) -> float:
    """The step at which the fastest of the first watched numbers moves just as far as it may."""
    name = next(iter(path.here.watched))
    wide = max(1.0, float(np.abs(path.point).max(initial=0.0)))
    moved = path.follow(path.point + wide * direction).watched[name] - path.here.watched[name]
    fastest = float(np.abs(moved).max(initial=0.0)) / wide
    return path.reach / fastest if fastest > 0.0 else path.reach


class _Pair:
    """What is read off a step ahead and a step behind.

    Attributes:
        jumps: By how much the slopes of each part ahead and behind differ.
        middle: The central difference of each part.
    """

    def __init__(self, path: Path, direction: Array, width: float) -> None:
        here = path.here
        self.here, self.width = here, width
        self.ahead = path.follow(path.point + width * direction)
        self.behind = path.follow(path.point - width * direction)
        self.jumps: Array = np.abs(self.ahead.parts - 2.0 * here.parts + self.behind.parts) / width
        self.middle: Array = (self.ahead.parts - self.behind.parts) / (2.0 * width)

    @property
    def value(self) -> float:
        """The central difference of φ."""
        if self.ahead.total is None or self.behind.total is None:
            return float(np.add.reduce(self.middle))
        return (self.ahead.total - self.behind.total) / (2.0 * self.width)

    def speed(self, name: str) -> Array:
        """How fast the watched numbers move."""
        speed: Array = np.abs(self.ahead.watched[name] - self.behind.watched[name]) / (2.0 * self.width)
        return speed

    def meets(self, name: str, corners: tuple[float, ...]) -> Mask:
        """Which of the watched numbers move over a corner, or up to one."""
        readings = np.stack([reading.watched[name] for reading in (self.behind, self.here, self.ahead)])
        least, most = readings.min(axis=0), readings.max(axis=0)
        moves = most - least > 1e-9 * (most - least).max(initial=0.0)
        met = np.zeros(least.shape, dtype=bool)
        for corner in corners:
            met |= (least <= corner) & (corner <= most)
        result: Mask = met & moves
        return result
