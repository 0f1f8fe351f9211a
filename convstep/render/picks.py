"""A matrix with the cells that took part in a sum picked out, so that the eye sees the window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from convstep.arrays import Array, Mask, Numbers
from convstep.derivation.model import Index
from convstep.render.layout import Block
from convstep.render.matrix import MOST_COLUMNS, MOST_ROWS, Look, Mark, array_block, heading

PICK = "•"
STYLE = "bold reverse"
MOST_MATRICES = 4
"""Of an array with channels, so many matrices are shown at the most."""

Cells = Sequence[Index] | Numbers
"""Cells of one array, one after the other or a row each."""
Padding = tuple[tuple[int, int], tuple[int, int]]


def picked_block(
    name: str,
    symbol: str,
    array: Array,
    cells: Cells,
    look: Look,
    padding: Padding,
    gaps: Mask | None = None,
) -> Block:
    """An array with cells of it marked; of a large one only the part around them.

    Args:
        name, symbol: What it is.
        array: 0-D to 4-D.
        cells: Those that took part; they may lie in the padding.
        look: Width, digits and the like.
        padding: The zeros around each matrix.
        gaps: Which zeros of a matrix are no numbers but gaps.
    """
    title = heading(name, symbol)
    if array.ndim < 2:
        marks = np.zeros(array.shape, dtype=bool)
        if len(cells):
            marks[_places(cells)] = True
        return array_block(title, array, look, marks=[Mark(PICK, STYLE, marks)] if array.ndim else [])
    padded, marks, border = _with_padding(array, cells, padding)
    if gaps is not None:
        border = border | gaps
    rows, columns = (_part(marks, axis, most) for axis, most in ((-2, MOST_ROWS), (-1, MOST_COLUMNS)))
    if (rows, columns) != (slice(0, padded.shape[-2]), slice(0, padded.shape[-1])):
        # As the array itself counts: rows of the padding above it are negative.
        spans = ((rows, padding[0][0]), (columns, padding[1][0]))
        down, across = (f"{part.start - before}–{part.stop - 1 - before}" for part, before in spans)
        title.append(f", rows {down}, columns {across}", style="dim")
    return _matrices(title, padded, marks, border, (rows, columns), look)


def _with_padding(array: Array, cells: Cells, padding: Padding) -> tuple[Array, Mask, Mask]:
    """An array with the zeros around each of its matrices, its marked cells, and which cells of a matrix are zeros."""
    (top, bottom), (left, right) = padding
    padded = np.pad(array, [(0, 0)] * (array.ndim - 2) + [(top, bottom), (left, right)])
    marks = np.zeros(padded.shape, dtype=bool)
    if len(cells):
        places = _places(cells)
        marks[(*places[:-2], places[-2] + top, places[-1] + left)] = True
    border = np.ones(padded.shape[-2:], dtype=bool)
    border[top : top + array.shape[-2], left : left + array.shape[-1]] = False
    return padded, marks, border


def _places(cells: Cells) -> tuple[Numbers, ...]:
    """The cells' indices, an array an axis."""
    return tuple(np.asarray(cells, dtype=np.intp).reshape(len(cells), -1).T)


def _part(marks: Mask, axis: int, most: int) -> slice:
    """Along one axis: everything, or of a long one what lies around the marks."""
    size = marks.shape[axis]
    hit = np.flatnonzero(marks.any(axis=tuple(other for other in range(marks.ndim) if other != marks.ndim + axis)))
    if size <= most or not len(hit):
        return slice(0, size)
    return slice(max(0, int(hit[0]) - 1), min(size, int(hit[-1]) + 2))


def _matrices(title: Text, padded: Array, marks: Mask, border: Mask, part: tuple[slice, slice], look: Look) -> Block:
    """The matrices that hold marks, each under its index."""
    shown_border = border[part] if border.any() else None
    if padded.ndim == 2:
        return array_block(title, padded[part], look, marks=[Mark(PICK, STYLE, marks[part])], padding=shown_border)
    leading = padded.shape[:-2]
    hit = [index for index in np.ndindex(*leading) if marks[index].any()] or [(0,) * len(leading)]
    kept = hit[:MOST_MATRICES]
    title.append(
        f", {len(kept)} of {int(np.prod(leading))} matrices" if len(kept) < int(np.prod(leading)) else "", style="dim"
    )
    stack = np.stack([padded[index][part] for index in kept])
    chosen = np.stack([marks[index][part] for index in kept])
    names = [f"[{','.join(map(str, index))},·,·]" for index in kept]
    return array_block(title, stack, look, marks=[Mark(PICK, STYLE, chosen)], padding=shown_border, labels=names)
