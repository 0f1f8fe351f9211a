"""The input's gradient of many channels, for a stride of 1: fetched from δ, where it would cost more to put it back.

It is the full correlation of δ with the rotated filter. Rows of δ, made as wide as the input's by zeros on their right,
lie one after the other, so that a column of the filter is only a shift: the rows that a tile meets are copied once for
each row of the filter, and not once for each of its taps, and one matrix product does each column.
"""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array
from convstep.geometry import Geometry


class Around:
    """δ of one image and group with zeros around it, its rows side by side.

    Attributes:
        inside: Where δ is to be written, filters×rows×columns.
    """

    def __init__(self, geometry: Geometry, rows: int) -> None:
        g = self.geometry = geometry
        self.down, self.across = g.reach[0] - 1, g.reach[1] - 1
        self.width = g.padded[1]
        self._flat = np.zeros((g.group_filters, self.across + (g.padded[0] + self.down) * self.width))
        planes = self._flat[:, self.across :].reshape(g.group_filters, -1, self.width)
        self.inside = planes[:, self.down : self.down + g.output[0], : g.output[1]]
        self._met = np.empty((g.group_filters, g.kernel[0], self.across + rows * self.width))

    def met(self, first: int, count: int) -> list[Array]:
        """What the input's rows were sent to by each column of the filter, filters·kh×numbers."""
        g, length = self.geometry, count * self.width
        for p in range(g.kernel[0]):
            start = (first + self.down - p * g.dilation[0]) * self.width
            self._met[:, p, : self.across + length] = self._flat[:, start : start + self.across + length]
        side_by_side = self._met.reshape(g.group_filters * g.kernel[0], -1)
        starts = [self.across - q * g.dilation[1] for q in range(g.kernel[1])]
        return [side_by_side[:, start : start + length] for start in starts]


def pays(geometry: Geometry) -> bool:
    """Whether it copies fewer numbers than would be added where every δ is put back."""
    g = geometry
    return g.stride == (1, 1) and g.group_filters <= g.group_channels * g.kernel[1]


def rows_at_once(geometry: Geometry, tile_numbers: int) -> int:
    """How many rows of the input a tile has: as many as copy so many numbers of δ, and at least one."""
    g = geometry
    return min(g.padded[0], max(1, tile_numbers // (g.group_filters * g.kernel[0] * g.padded[1])))


def fetch(delta: Array, w: Array, geometry: Geometry, gradient: Array, tile_numbers: int) -> None:
    """Writes ∂L/∂x̂ into gradient.

    Args:
        delta: δ.
        w: The filters.
        geometry: The sizes.
        gradient: Memory for it, N×groups×channels×rows×columns.
        tile_numbers: About how many numbers are copied at a time.
    """
    g = geometry
    by_column = w.reshape(g.groups, g.group_filters, g.group_channels, *g.kernel).transpose(0, 4, 2, 1, 3)
    by_column = by_column.reshape(g.groups, g.kernel[1], g.group_channels, -1)
    rows = rows_at_once(g, tile_numbers)
    around = Around(g, rows)
    products = np.empty((g.group_channels, rows * g.padded[1]))
    flat = gradient.reshape(g.batch, g.groups, g.group_channels, -1)
    for n, group in np.ndindex(g.batch, g.groups):
        around.inside[...] = delta[n, group * g.group_filters : (group + 1) * g.group_filters]
        for first in range(0, g.padded[0], rows):
            count = min(rows, g.padded[0] - first)
            found = flat[n, group, :, first * g.padded[1] : (first + count) * g.padded[1]]
            _add_up(by_column[group], around.met(first, count), found, products[:, : found.shape[1]])


def _add_up(by_column: Array, met: list[Array], found: Array, products: Array) -> None:
    """Writes into found what the filter's columns make of what they met."""
    np.matmul(by_column[0], met[0], out=found)
    for taps, numbers in zip(by_column[1:], met[1:], strict=True):
        np.matmul(taps, numbers, out=products)
        np.add(found, products, out=found)
