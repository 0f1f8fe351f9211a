"""The sums of a convolution layer for many candidates at once, each with numbers of its own.

Arrays have one axis more than elsewhere, the first: a row a candidate. An axis of length 1 there serves all rows.
The sum that makes a z goes in the definition's order, without fused products: where z is exactly 0 decides a slope.
"""

from __future__ import annotations

import math

import numpy as np

from convstep.arrays import Array
from convstep.correlation import input_gradients, pad
from convstep.geometry import Geometry, Pair

MOST_PRODUCTS = 1 << 22
"""From so many products on, the sums are taken tap by tap, for memory's sake."""


class CandidateSums:
    """Correlations with one input, for any geometry; the tables of windows are made once and kept.

    Attributes:
        x: The input, N×C×H×W.
    """

    def __init__(self, x: Array) -> None:
        self.x = x
        self._tables: dict[Geometry, Array] = {}

    def windows(self, geometry: Geometry) -> Array:
        """What each tap meets: taps×N×groups×cells."""
        if geometry not in self._tables:
            self._tables[geometry] = windows_of(self.x, geometry)
        return self._tables[geometry]

    def correlate(self, w: Array, geometry: Geometry) -> Array:
        """x̂ ⋆ w without bias: rows×F×C/groups×kh×kw → rows×N×F×rows×columns."""
        g = geometry
        table = self.windows(g).reshape(g.taps, 1, g.batch, g.groups, 1, -1)
        by_tap = w.reshape(len(w), g.groups, g.group_filters, g.taps).transpose(3, 0, 1, 2)[:, :, None, :, :, None]
        shape = len(w), *g.output_shape
        sums: Array
        # A single sum, or sums whose terms lie side by side, NumPy would add in another order.
        if 1 < math.prod(shape) <= MOST_PRODUCTS // g.taps:
            sums = np.add.reduce(np.multiply(table, by_tap, order="C"), axis=0)
        else:
            sums = sum((table[tap] * by_tap[tap] for tap in range(1, g.taps)), start=table[0] * by_tap[0])
        return sums.reshape(shape)

    def filter_gradient(self, delta: Array, geometry: Geometry) -> Array:
        """Σ δ·x̂ for the filter as it is used: rows×N×F×rows×columns → rows×F×C/groups×kh×kw."""
        g = geometry
        by_position = self.windows(g).transpose(2, 1, 3, 0).reshape(g.groups, -1, g.taps)
        grouped = delta.reshape(len(delta), g.batch, g.groups, g.group_filters, -1).transpose(2, 0, 3, 1, 4)
        sums = grouped.reshape(g.groups, len(delta) * g.group_filters, -1) @ by_position
        by_filter = sums.reshape(g.groups, len(delta), g.group_filters, g.taps).swapaxes(0, 1)
        return by_filter.reshape(len(delta), *g.filter_shape)


def windows_of(x: Array, geometry: Geometry) -> Array:
    """What each tap of the filter meets in x: N×C×H×W → taps×N×groups×cells."""
    g = geometry
    grouped = pad(x, g).reshape(g.batch, g.groups, g.group_channels, *g.padded)
    table = np.empty((g.group_channels, *g.kernel, g.batch, g.groups, *g.output))
    for p, q in np.ndindex(*g.kernel):
        table[:, p, q] = grouped[(..., *g.slices(p, q))].transpose(2, 0, 1, 3, 4)
    return table.reshape(g.taps, g.batch, g.groups, -1)


def input_gradient(delta: Array, w: Array, geometry: Geometry) -> Array:
    """Every δ times the filter as it is used, put back: rows×N×C×H×W."""
    rows = max(len(delta), len(w))
    deltas, filters = (np.broadcast_to(each, (rows, *each.shape[1:])) for each in (delta, w))
    return input_gradients(np.ascontiguousarray(deltas), np.ascontiguousarray(filters), geometry)


def sliding(geometry: Geometry, kernel: Pair, padding: tuple[Pair, Pair]) -> Geometry | None:
    """The geometry in which δ itself slides over an input with other padding; `kernel` is the size of the result.

    ``None`` where δ, spread out by the stride, is larger than the input.
    """
    found = geometry._replace(kernel=kernel, padding=padding, dilation=(1, 1))
    return found if found.output == geometry.output else None
