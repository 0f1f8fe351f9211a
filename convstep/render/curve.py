"""The loss as a line of little bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from convstep.arrays import as_float

BARS = "▁▂▃▄▅▆▇█"
LOG_FROM = 100.0
"""Losses that differ by more than this factor are drawn on a logarithmic scale."""


class Curve:
    """A series that never grows: when it is full, every other point is dropped and the step is doubled."""

    def __init__(self, capacity: int = 512) -> None:
        self.capacity = capacity
        self.points: list[float] = []
        self.stride = 1
        self._seen = 0

    def add(self, value: float) -> None:
        """Adds the next point."""
        if self._seen % self.stride == 0:
            self.points.append(value)
            if len(self.points) == self.capacity:
                self.points = self.points[::2]
                self.stride *= 2
        self._seen += 1


def sparkline(values: Sequence[float], width: int) -> tuple[str, bool]:
    """Bars for the values, at most `width` of them, and whether the scale is logarithmic.

    >>> sparkline([1.0, 2.0, 3.0, 8.0], 10)
    ('▁▂▃█', False)
    >>> sparkline([1.0, 0.1, 0.01, 0.001], 10)
    ('█▆▃▁', True)
    """
    finite = [number for number in map(as_float, values) if math.isfinite(number)]
    if not finite:
        return "", False
    picked = _thinned(finite, width)
    low, high = min(picked), max(picked)
    logarithmic = low >= 0 and high > LOG_FROM * max(low, 1e-300)
    if logarithmic:
        least = min(value for value in picked if value > 0)
        picked = [math.log10(max(value, least)) for value in picked]
        low, high = min(picked), max(picked)
    span = high - low
    heights = [round((value - low) / span * (len(BARS) - 1)) if span > 0 else 0 for value in picked]
    return "".join(BARS[height] for height in heights), logarithmic


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """So many of the values, evenly spread, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    return [values[round(position * (len(values) - 1) / (width - 1))] for position in range(width)]
