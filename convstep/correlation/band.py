"""One large plane and a small filter: blocks of rows by matrix products with a band of filter numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convstep.arrays import Array
from convstep.correlation.reordered import Reordered
from convstep.geometry import Geometry

BLOCK_ROWS = 8
"""How many output rows one product makes: more rows multiply more zeros, fewer rows are many small products."""
PIECE_NUMBERS = 1 << 15
"""About how many output numbers are finished before the next are begun: they stay in the processor's cache."""


class Piece(NamedTuple):
    """Some blocks of output rows: where they begin, how many, and how many rows each has."""

    start: int
    blocks: int
    rows: int


class Band(Reordered):
    """Each filter sees one channel of its own, one row after the next: a stride of 1.

    For B rows of the output and column q of the filter: z[r:r+B] += T @ x̂[r:r+B+reach−1, q:q+columns], with
    T[b, b+p·d] = w[p,q], a B×(B+reach−1) matrix with a band of that column's numbers and zeros elsewhere.
    """

    @staticmethod
    def suits(geometry: Geometry) -> bool:
        """Whether the scheme can do this geometry."""
        return geometry.group_channels == geometry.group_filters == 1 and geometry.stride == (1, 1)

    def correlate_fast(self, w: Array, z: Array, scale: float, grain: float | None) -> bool:
        for n, c in np.ndindex(self.geometry.batch, self.geometry.groups):
            _correlate_plane(self.padded[n, c], w[c, 0], self.geometry.dilation, z[n, c])
        return True

    def filter_gradient_fast(self, delta: Array, gradient: Array, scale: float, grain: float | None) -> bool:
        gradient.fill(0.0)
        for n, c in np.ndindex(self.geometry.batch, self.geometry.groups):
            _add_filter_gradient(self.padded[n, c], delta[n, c], self.geometry.dilation, gradient[c, 0])
        return True

    def input_gradient_fast(self, delta: Array, w: Array, scale: float, grain: float | None) -> Array | None:
        """A full correlation of δ with the rotated filter, of which only the rows and columns of the input are made."""
        g = self.geometry
        gradient = np.empty(g.input_shape)
        (top, _), (left, _) = g.padding
        down, across = g.reach[0] - 1, g.reach[1] - 1
        around = np.zeros((g.output[0] + 2 * down, g.output[1] + 2 * across))
        for n, c in np.ndindex(g.batch, g.groups):
            around[down : down + g.output[0], across : across + g.output[1]] = delta[n, c]
            rows, columns = slice(top, top + g.size[0] + down), slice(left, left + g.size[1] + across)
            _correlate_plane(around[rows, columns], w[c, 0, ::-1, ::-1], g.dilation, gradient[n, c])
        return gradient


def _correlate_plane(x: Array, w: Array, dilation: tuple[int, int], z: Array) -> None:
    """Writes x ⋆ w into z; all are matrices, and the columns of x lie side by side."""
    reach = dilation[0] * (len(w) - 1) + 1
    pieces = _pieces(*z.shape)
    products = np.empty((pieces[0].blocks, pieces[0].rows, z.shape[1]))
    bands = {rows: _bands(w, dilation[0], rows) for rows in {piece.rows for piece in pieces}}
    for piece in pieces:
        met_rows = _blocks(x, piece, piece.rows + reach - 1)
        out = z[piece.start : piece.start + piece.blocks * piece.rows].reshape(piece.blocks, piece.rows, -1)
        part = products[: piece.blocks, : piece.rows]
        for q, band in enumerate(bands[piece.rows]):
            met = met_rows[:, :, q * dilation[1] : q * dilation[1] + z.shape[1]]
            if q == 0:
                np.matmul(band, met, out=out)
            else:
                np.matmul(band, met, out=part)
                np.add(out, part, out=out)


def _add_filter_gradient(x: Array, delta: Array, dilation: tuple[int, int], gradient: Array) -> None:
    """Adds Σ δ·x to gradient: the sums along the diagonals of δ[r:r+B] @ x[r:r+B+reach−1, q:q+columns]ᵀ."""
    reach = dilation[0] * (len(gradient) - 1) + 1
    columns = delta.shape[1]
    for piece in _pieces(*delta.shape):
        met_rows = _blocks(x, piece, piece.rows + reach - 1)
        sent = delta[piece.start : piece.start + piece.blocks * piece.rows].reshape(piece.blocks, piece.rows, columns)
        for q in range(gradient.shape[1]):
            met = met_rows[:, :, q * dilation[1] : q * dilation[1] + columns]
            products = np.matmul(sent, met.transpose(0, 2, 1)).sum(axis=0)
            for p in range(len(gradient)):
                gradient[p, q] += np.trace(products, offset=p * dilation[0])


def _pieces(rows: int, columns: int) -> list[Piece]:
    """The output's rows in blocks of `BLOCK_ROWS`, some blocks a piece, and a smaller block for the rest."""
    block = min(BLOCK_ROWS, rows)
    whole, rest = divmod(rows, block)
    most = max(1, PIECE_NUMBERS // (block * columns))
    pieces = [Piece(first * block, min(most, whole - first), block) for first in range(0, whole, most)]
    return [*pieces, Piece(whole * block, 1, rest)] if rest else pieces


def _blocks(x: Array, piece: Piece, rows: int) -> Array:
    """Overlapping blocks of rows of x, one for each block of the output, blocks×rows×columns."""
    down, across = x.strides
    shape = (piece.blocks, rows, x.shape[1])
    return as_strided(x[piece.start :], shape, (down * piece.rows, down, across), writeable=False)


def _bands(w: Array, dilation: int, rows: int) -> Array:
    """T for each column of the filter, columns×rows×(rows + reach − 1)."""
    bands = np.zeros((w.shape[1], rows, rows + dilation * (len(w) - 1)))
    each = np.arange(rows)
    for p, taps in enumerate(w):
        bands[:, each, each + p * dilation] = taps[:, None]
    return bands
