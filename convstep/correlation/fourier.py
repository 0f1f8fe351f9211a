"""One large plane and a large filter: a correlation is a product of Fourier transforms, whatever the filter's size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.correlation.in_order import CHUNK
from convstep.correlation.reordered import ROUNDOFF, VANISHING, Reordered, spread
from convstep.geometry import Geometry

LARGEST_TILE = 256
"""The longest side of a tile, unless the filter needs more: beyond it, a tile leaves the processor's cache."""


class Tile(NamedTuple):
    """A row of tiles: which plane (image and channel), which row, and the output rows that it makes."""

    image: int
    channel: int
    row: int
    rows: slice


class Fourier(Reordered):
    """Each filter sees one channel of its own, one row after the next: a stride of 1.

    The plane is cut into tiles that overlap by the filter's reach, so that no sum wraps around (overlap-save; W. Press
    et al., Numerical Recipes, 2007, section 13.1). The input's transforms are made once; those of δ serve both
    gradients.

    A transform rounds relative to the largest of all sums, so what is 0 by the definition comes out as noise. Where
    nothing but zeros meet, that noise is wiped off; where all numbers are whole, results are rounded.
    """

    @staticmethod
    def suits(geometry: Geometry) -> bool:
        """Whether the scheme can do this geometry."""
        return geometry.group_channels == geometry.group_filters == 1 and geometry.stride == (1, 1)

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        super().__init__(padded, geometry)
        g = geometry
        self.tile = tuple(tile_size(size, reach) for size, reach in zip(g.output, g.reach, strict=True))
        self.step = tuple(tile - reach + 1 for tile, reach in zip(self.tile, g.reach, strict=True))
        self.tiles = tuple(-(-size // step) for size, step in zip(g.output, self.step, strict=True))
        cells = self.tile[0] * self.tile[1]
        # Every transform's error is at most 8·log₂(cells) roundings of the root mean square of what it makes
        # (Higham, theorem 24.2), and three go one after the other.
        self._noise = 24.0 * (math.log2(cells) + 1.0) * math.sqrt(cells) * ROUNDOFF
        self.noise += self._noise
        self._spectra = self._transformed(self.padded, self.tile)
        self._delta: Array | None = None
        self._delta_spectra = np.empty_like(self._spectra)

    def correlate_fast(self, w: Array, z: Array, scale: float, grain: float | None) -> bool:
        if grain and self._noise * scale > 0.25 * grain:
            return False
        spectra = np.conj(self._filter_spectra(w))
        for tile in self._rows_of_tiles():
            found = self._back(self._spectra[tile.image, tile.channel, tile.row] * spectra[tile.channel])
            self._join(found, z[tile.image, tile.channel, tile.rows])
        if grain:
            round_to(z, grain)
        elif self.blank is not None:
            z[self.blank] = 0.0
        return True

    def filter_gradient_fast(self, delta: Array, gradient: Array, scale: float, grain: float | None) -> bool:
        noise = (self._noise + math.prod(self.tiles) * math.sqrt(math.prod(self.tile)) * ROUNDOFF) * scale
        if grain and noise > 0.25 * grain:
            return False
        self._transform_delta(delta)
        g = self.geometry
        for c in range(g.groups):
            total = np.zeros(self._spectra.shape[-2:], dtype=np.complex128)
            for n, row in np.ndindex(g.batch, self.tiles[0]):
                sent = np.conj(self._delta_spectra[n, c, row])
                total += np.einsum("tij,tij->ij", self._spectra[n, c, row], sent)
            gradient[c, 0] = self._back(total[None])[0][: g.reach[0] : g.dilation[0], : g.reach[1] : g.dilation[1]]
        if grain:
            round_to(gradient, grain)
        else:
            self._wipe_gradient(delta, gradient, noise + VANISHING)
        return True

    def input_gradient_fast(self, delta: Array, w: Array, scale: float, grain: float | None) -> Array | None:
        if grain and self._noise * scale > 0.25 * grain:
            return None
        if self._delta is None or not _same_memory(self._delta, delta):
            self._transform_delta(delta)
        g = self.geometry
        spectra = self._filter_spectra(w)
        extent = [count * step + reach - 1 for count, step, reach in zip(self.tiles, self.step, g.reach, strict=True)]
        gradient = np.zeros((g.batch, g.groups, *extent))
        for tile in self._rows_of_tiles():
            found = self._back(self._delta_spectra[tile.image, tile.channel, tile.row] * spectra[tile.channel])
            rows = gradient[tile.image, tile.channel, tile.rows.start : tile.rows.start + self.tile[0]]
            for column, each in enumerate(found):
                first = column * self.step[1]
                rows[:, first : first + self.tile[1]] += each
        cut = gradient[(..., *g.inside)]
        if grain:
            round_to(cut, grain)
        else:
            _wipe(cut, delta, g)
        return cut

    def _rows_of_tiles(self) -> Iterator[Tile]:
        g = self.geometry
        for n, c, row in np.ndindex(g.batch, g.groups, self.tiles[0]):
            first = row * self.step[0]
            yield Tile(n, c, row, slice(first, min(g.output[0], first + self.step[0])))

    def _transform_delta(self, delta: Array) -> None:
        """The transforms of δ, kept for the other gradient."""
        self._delta = delta
        self._transformed(delta, self.step, self._delta_spectra)

    def _transformed(self, planes: Array, taken: tuple[int, ...], out: Numbers | None = None) -> Numbers:
        """The transforms of all tiles: N×C×tile rows×tile columns×tile. Of each tile only `taken` cells are not 0."""
        g = self.geometry
        shape = (g.batch, g.groups, *self.tiles, self.tile[0], self.tile[1] // 2 + 1)
        spectra = np.empty(shape, dtype=np.complex128) if out is None else out
        cells = np.empty((self.tiles[1], *self.tile))
        for tile in self._rows_of_tiles():
            rows = planes[tile.image, tile.channel, tile.rows.start : tile.rows.start + taken[0]]
            for column in range(self.tiles[1]):
                first = column * self.step[1]
                part = rows[:, first : first + taken[1]]
                cells[column, : part.shape[0], : part.shape[1]] = part
                cells[column, part.shape[0] :], cells[column, :, part.shape[1] :] = 0.0, 0.0
            spectra[tile.image, tile.channel, tile.row] = np.fft.rfft2(cells)
        return spectra

    def _filter_spectra(self, w: Array) -> Numbers:
        """The transforms of the filters, channels×tile."""
        g = self.geometry
        spread = np.zeros((g.groups, *self.tile))
        spread[:, : g.reach[0] : g.dilation[0], : g.reach[1] : g.dilation[1]] = w[:, 0]
        return np.asarray(np.fft.rfft2(spread))

    def _back(self, spectra: Numbers) -> Array:
        """What these are the transforms of."""
        return np.asarray(np.fft.irfft2(spectra, s=self.tile))

    def _join(self, found: Array, rows: Array) -> None:
        """Writes the valid cells of a row of tiles side by side."""
        for column, each in enumerate(found):
            part = rows[:, column * self.step[1] : (column + 1) * self.step[1]]
            part[...] = each[: part.shape[0], : part.shape[1]]

    def _wipe_gradient(self, delta: Array, gradient: Array, noise: float) -> None:
        """Sets what is no more than noise to 0 exactly, if nothing but products with a 0 came together in it."""
        g = self.geometry
        for c, p, q in np.argwhere(np.abs(gradient[:, 0]) <= noise):
            met = self.padded[:, c, *g.slices(p, q)]
            sent = delta[:, c]
            step = max(1, CHUNK // g.output[1])
            if not any(
                ((met[:, first : first + step] != 0.0) & (sent[:, first : first + step] != 0.0)).any()
                for first in range(0, g.output[0], step)
            ):
                gradient[c, 0, p, q] = 0.0


def _wipe(gradient: Array, delta: Array, geometry: Geometry) -> None:
    """Sets the cells of ∂L/∂x that no δ other than 0 reaches to 0 exactly."""
    sent = delta != 0.0
    if sent.all():
        return
    reached = spread(sent, geometry)[(..., *geometry.inside)]
    if not reached.all():
        gradient[~reached] = 0.0


def round_to(numbers: Array, grain: float) -> None:
    """Rounds every number to the nearest multiple of a power of two; −0 becomes 0."""
    numbers /= grain
    np.rint(numbers, out=numbers)
    numbers *= grain
    numbers += 0.0


SMALLEST_TILE = 64
"""The shortest side of a tile, unless the plane is smaller: a tile costs something for itself."""


def tile_size(output: int, reach: int) -> int:
    """The side of a tile with the least work: much larger than the reach, and of small prime factors.

    >>> tile_size(1000, 31), tile_size(20, 5)
    (200, 24)
    """
    longest = max(LARGEST_TILE, 4 * reach)
    sizes = [size for size in _smooth_sizes(2 * longest) if size >= max(reach, SMALLEST_TILE)]
    whole = next(size for size in _smooth_sizes(4 * (output + reach)) if size >= output + reach - 1)
    sizes = [size for size in sizes if size <= longest and size < whole] + ([whole] if whole <= 2 * longest else [])
    return min(sizes, key=lambda size: -(-output // (size - reach + 1)) * size * math.log2(size + 1))


def _smooth_sizes(most: int) -> list[int]:
    """The numbers up to most whose prime factors are 2, 3 and 5."""
    powers = [2**a * 3**b * 5**c for a in range(14) for b in range(9) for c in range(6)]
    return sorted(size for size in powers if size <= most)


def _same_memory(one: Array, other: Array) -> bool:
    """Whether two arrays of the same shape are the same cells of memory."""
    return one.__array_interface__["data"] == other.__array_interface__["data"] and one.shape == other.shape
