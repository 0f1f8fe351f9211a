"""Many channels: the windows of a few output rows are copied side by side, and one matrix product does them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convstep.arrays import Array
from convstep.correlation.fetched import fetch, pays
from convstep.correlation.reordered import Reordered
from convstep.geometry import Geometry

TILE_NUMBERS = 1 << 17
"""About how many numbers one tile of windows holds (1 MiB)."""


class Tile(NamedTuple):
    """Some rows of the output of one image and one group: image, group, the group's filters, rows."""

    image: int
    group: int
    filters: slice
    rows: slice


class Patches(Reordered):
    """Windows in tiles, for any geometry; the memory of one tile is used again and again."""

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        super().__init__(padded, geometry)
        g = geometry
        grouped = self.padded.reshape(g.batch, g.groups, g.group_channels, *g.padded)
        down, across = grouped.strides[3:]
        self._windows = as_strided(
            grouped,
            (g.batch, g.groups, g.group_channels, *g.kernel, *g.output),
            (
                *grouped.strides[:3],
                down * g.dilation[0],
                across * g.dilation[1],
                down * g.stride[0],
                across * g.stride[1],
            ),
            writeable=False,
        )
        self._tile_rows = min(g.output[0], max(1, TILE_NUMBERS // (g.taps * g.output[1])))
        self._memory = np.empty(g.taps * self._tile_rows * g.padded[1])

    def correlate_fast(self, w: Array, z: Array, scale: float, grain: float | None) -> bool:
        flat = self._flat(w)
        for tile in self._tiles():
            product = z[tile.image, tile.filters, tile.rows].reshape(len(flat[tile.group]), -1)
            np.matmul(flat[tile.group], self._met(tile), out=product)
        return True

    def filter_gradient_fast(self, delta: Array, gradient: Array, scale: float, grain: float | None) -> bool:
        flat = self._flat(gradient)
        flat.fill(0.0)
        for tile in self._tiles():
            sent = delta[tile.image, tile.filters, tile.rows].reshape(self.geometry.group_filters, -1)
            flat[tile.group] += sent @ self._met(tile).T
        return True

    def input_gradient_fast(self, delta: Array, w: Array, scale: float, grain: float | None) -> Array | None:
        g = self.geometry
        gradient = np.empty((g.batch, g.groups, g.group_channels, *g.padded))
        if pays(g):
            fetch(delta, w, g, gradient, TILE_NUMBERS)
        else:
            self._put_back(delta, w, gradient)
        return gradient.reshape(g.batch, g.channels, *g.padded)[(..., *g.inside)]

    def _put_back(self, delta: Array, w: Array, gradient: Array) -> None:
        """Every δ times the filter, added where its window was."""
        g = self.geometry
        gradient.fill(0.0)
        put_back = self._put_back_cells
        if g.stride == (1, 1):
            # Rows as wide as the input's: what a tap sends back is then one piece of memory, only moved.
            delta, put_back = self._widened(delta), self._put_back_rows
        flat = self._flat(w)
        for tile in self._tiles():
            sent = delta[tile.image, tile.filters, tile.rows].reshape(g.group_filters, -1)
            products = self._columns(tile, delta.shape[3])
            np.matmul(flat[tile.group].T, sent, out=products.reshape(g.taps, -1))
            put_back(products, gradient[tile.image, tile.group, :, tile.rows.start * g.stride[0] :])

    def _widened(self, delta: Array) -> Array:
        """δ with zeros on its right."""
        g = self.geometry
        wide = np.zeros((g.batch, g.filters, g.output[0], g.padded[1]))
        wide[..., : g.output[1]] = delta
        return wide

    def _tiles(self) -> Iterator[Tile]:
        g = self.geometry
        for n, group in np.ndindex(g.batch, g.groups):
            filters = slice(group * g.group_filters, (group + 1) * g.group_filters)
            for first in range(0, g.output[0], self._tile_rows):
                yield Tile(n, group, filters, slice(first, min(g.output[0], first + self._tile_rows)))

    def _flat(self, filters: Array) -> Array:
        """groups×filters×taps."""
        g = self.geometry
        return filters.reshape(g.groups, g.group_filters, g.taps)

    def _columns(self, tile: Tile, columns: int) -> Array:
        """Memory for the tile's windows or what they are sent back, channels×kh×kw×rows×columns."""
        g = self.geometry
        shape = (g.group_channels, *g.kernel, tile.rows.stop - tile.rows.start, columns)
        return self._memory[: g.taps * shape[3] * shape[4]].reshape(shape)

    def _met(self, tile: Tile) -> Array:
        """The tile's windows side by side, taps×cells."""
        columns = self._columns(tile, self.geometry.output[1])
        np.copyto(columns, self._windows[tile.image, tile.group, :, :, :, tile.rows])
        return columns.reshape(self.geometry.taps, -1)

    def _put_back_cells(self, products: Array, gradient: Array) -> None:
        """Adds every product where its tap's input was: channels×kh×kw×rows×columns into channels×rows×columns."""
        g = self.geometry
        rows, columns = products.shape[3:]
        for p, q in np.ndindex(*g.kernel):
            top, left = p * g.dilation[0], q * g.dilation[1]
            down = slice(top, top + (rows - 1) * g.stride[0] + 1, g.stride[0])
            across = slice(left, left + (columns - 1) * g.stride[1] + 1, g.stride[1])
            gradient[:, down, across] += products[:, p, q]

    def _put_back_rows(self, products: Array, gradient: Array) -> None:
        """The same for a stride of 1, where the products of a row go on to the right by zeros."""
        g = self.geometry
        columns = products.shape[4]
        flat = gradient.reshape(g.group_channels, -1)
        length = products.shape[3] * columns
        for p, q in np.ndindex(*g.kernel):
            left = q * g.dilation[1]
            first = p * g.dilation[0] * columns + left
            moved = products[:, p, q].reshape(g.group_channels, -1)[:, : length - left]
            flat[:, first : first + length - left] += moved
