"""Arrays as people read them: bracketed matrices, channel by channel, large ones as corners and edges."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from rich.text import Text

from convstep.arrays import Array, Mask, are_exact
from convstep.numbers import DIGITS, LONGEST_EXACT, align, brief, short
from convstep.render.layout import Block

MOST_ROWS = 12
"""A matrix with more rows is shown by its first and last ones."""
MOST_COLUMNS = 16
"""The same for columns, however wide the terminal."""
EDGE = 3
"""How many rows or columns are shown at each edge of a large matrix."""
MOST_SLICES = 8
"""How many channels, filters or images of one quantity are shown."""
GAP = "…"
PADDING = "·"


class Mark(NamedTuple):
    """A sign behind the cells where something is so, and the style that says it in colour."""

    sign: str
    style: str
    where: Mask

    @property
    def row(self) -> Mark:
        """The marks of a vector, for the matrix of one row that shows it."""
        return Mark(self.sign, self.style, self.where[None])


@dataclass
class Look:
    """How arrays are shown on one page.

    Attributes:
        width: The columns there are.
        digits: Significant digits.
        all_cells: Whether large matrices are shown whole.
        rounded: Set as soon as a number was shown with fewer digits than it has.
        signs: The marks that the page has used.
    """

    width: int = 80
    digits: int = DIGITS
    all_cells: bool = False
    rounded: bool = False
    signs: set[str] = field(default_factory=set)

    @property
    def room(self) -> int:
        """The columns that one matrix may take: a page's indent and an operator stand before it."""
        return self.width - 5

    def number(self, value: float, longest: int = LONGEST_EXACT) -> str:
        """The number as it is shown, a fraction in so many characters at most; remembers whether it was rounded."""
        shown = brief(value, self.digits, longest)
        self.rounded |= shown.rounded
        return shown.text


def heading(name: str, symbol: str) -> Text:
    """The title of a quantity: its name and its symbol."""
    return Text.assemble((name, "bold"), " ", (symbol, "cyan")) if symbol else Text(name, style="bold")


def number_block(title: Text, value: float, look: Look) -> Block:
    """A single number below its title."""
    return Block(title, (Text(look.number(value)),))


def array_block(
    title: Text,
    array: Array,
    look: Look,
    *,
    axes: Sequence[str] = (),
    marks: Sequence[Mark] = (),
    padding: Mask | None = None,
    labels: Sequence[str] = (),
) -> Block:
    """An array below its title.

    Args:
        title: What it is.
        array: 0-D to 4-D.
        look: Width, digits and the like.
        axes: What the axes before the last two count (``channel``, ``filter``, ``image``).
        marks: The signs behind its cells.
        padding: Where a 0 is padding, in the shape of the last two axes.
        labels: What each matrix of a 3-D array is called, where it is not by its axes.
    """
    if array.ndim == 0:
        return number_block(title, array.item(), look)
    if array.ndim == 1:
        return Block(title, tuple(_fitted(array[None], look, [mark.row for mark in marks], None).lines))
    if array.ndim == 2:
        return Block(title, tuple(_fitted(array, look, marks, padding).lines))
    indices = list(np.ndindex(*array.shape[:-2]))
    names = list(labels) or [
        ", ".join(f"{axis} {part}" for axis, part in zip(axes, index, strict=True)) for index in indices
    ]
    return Block(title, tuple(_slices(array, look, names, marks, padding)))


def _slices(array: Array, look: Look, names: Sequence[str], marks: Sequence[Mark], padding: Mask | None) -> list[Text]:
    """Each matrix of a larger array below its label, as many side by side as the width allows."""
    indices = list(np.ndindex(*array.shape[:-2]))
    shown = indices if look.all_cells or len(indices) <= MOST_SLICES else indices[: MOST_SLICES - 1]
    own = {index: [Mark(mark.sign, mark.style, mark.where[index]) for mark in marks] for index in shown}
    fitted = {index: _fitted(array[index], look, own[index], padding) for index in shown}
    # Those that have to be cut are cut alike.
    most = max((each.cut for each in fitted.values()), key=CUTS.index)
    rows: list[list[list[Text]]] = [[]]
    for index, label in zip(shown, names, strict=False):
        lines = fitted[index].lines
        if fitted[index].cut not in (WHOLE, most):
            lines = _cut(array[index], look, own[index], padding, most)
        part = [Text(label, style="italic"), *lines]
        used = sum(_width(other) + 3 for other in rows[-1])
        next_filter = array.ndim == 4 and index[1] == 0 and array.shape[1] > 1
        if rows[-1] and (next_filter or used + _width(part) > look.room):
            rows.append([])
        rows[-1].append(part)
    lines = [line for row in rows for line in _beside(row)]
    if len(shown) < len(indices):
        note = f"{GAP} and {len(indices) - len(shown)} more (--all-cells shows them)"
        lines += [Text(line, style="dim") for line in textwrap.wrap(note, look.room, break_on_hyphens=False)]
    return _squared(lines)


def _width(lines: Sequence[Text]) -> int:
    return max(line.cell_len for line in lines)


def _beside(parts: Sequence[Sequence[Text]]) -> list[Text]:
    """Rectangles of text side by side, aligned at the top."""
    height = max(len(part) for part in parts)
    lines = [Text() for _ in range(height)]
    for part in parts:
        width = _width(part)
        for number, line in enumerate(lines):
            piece = part[number].copy() if number < len(part) else Text()
            piece.pad_right(width - piece.cell_len + 3)
            line.append_text(piece)
    return lines


def _squared(lines: list[Text]) -> list[Text]:
    """The lines, all as wide as the widest."""
    width = _width(lines)
    for line in lines:
        line.rstrip()
        line.pad_right(width - line.cell_len)
    return lines


def _fitted(array: Array, look: Look, marks: Sequence[Mark], padding: Mask | None) -> Fitted:
    """A matrix as much of which is shown as fits the width."""
    small = array.shape[0] <= MOST_ROWS and array.shape[1] <= MOST_COLUMNS
    for cut in CUTS[:-1] if not look.all_cells else ():
        if small or cut != WHOLE:
            lines = _cut(array, look, marks, padding, cut)
            if _width(lines) <= look.room:
                return Fitted(cut, lines)
    least = IN_CHUNKS if small or look.all_cells else CUTS[-2]
    return Fitted(least, _cut(array, look, marks, padding, least))


WHOLE, IN_CHUNKS = 0, -1
CUTS = (WHOLE, EDGE, 2, 1, IN_CHUNKS)
"""All cells of a matrix, so many rows and columns at each edge, or what fits any width: all cells, in groups."""


class Fitted(NamedTuple):
    """What is shown of a matrix, one of `CUTS`, and its lines."""

    cut: int
    lines: list[Text]


def _cut(array: Array, look: Look, marks: Sequence[Mark], padding: Mask | None, cut: int) -> list[Text]:
    """A matrix, and below it its shape and range if not all of it is shown."""
    if cut == IN_CHUNKS:
        return _in_chunks(array, look, marks, padding)
    if cut == WHOLE:
        return _matrix(array, look, marks, padding)
    lines = _matrix(array, look, marks, padding, cut)
    finite = array if are_exact(array) else array[np.isfinite(array)]
    ends = f", {short(finite.min(), 4)} to {short(finite.max(), 4)}" if finite.size else ""
    return _squared([*lines, Text(f"{array.shape[0]}×{array.shape[1]}{ends}", style="dim")])


def _in_chunks(array: Array, look: Look, marks: Sequence[Mark], padding: Mask | None) -> list[Text]:
    """All cells, the columns broken into groups that fit the width."""
    columns = per_chunk = array.shape[1]
    while True:
        parts = [slice(start, min(start + per_chunk, columns)) for start in range(0, columns, per_chunk)]
        chunks = []
        for part in parts:
            own = [Mark(mark.sign, mark.style, mark.where[:, part]) for mark in marks]
            chunks.append(_matrix(array[:, part], look, own, None if padding is None else padding[:, part]))
        if per_chunk == 1 or max(map(_width, chunks)) <= look.room:
            break
        per_chunk = (per_chunk + 1) // 2
    if len(chunks) == 1:
        return chunks[0]
    result: list[Text] = []
    for part, chunk in zip(parts, chunks, strict=True):
        ends = f"columns {part.start} to {part.stop - 1}" if part.stop - part.start > 1 else f"column {part.start}"
        result += [Text(ends, style="italic"), *chunk]
    return _squared(result)


def _matrix(
    array: Array, look: Look, marks: Sequence[Mark], padding: Mask | None, edge: int | None = None
) -> list[Text]:
    """A matrix in brackets, its columns aligned on the point; with `edge`, only so many rows and columns a side."""
    rows, columns = (_kept(size, limit, edge) for size, limit in zip(array.shape, (MOST_ROWS, EDGE), strict=True))
    lines = [Text() for _ in rows]
    for position, column in enumerate(columns):
        for line, cell in zip(lines, _column(array, look, marks, padding, rows, column), strict=True):
            line.append("  " if position else " ")
            line.append_text(cell)
    for number, line in enumerate(lines):
        left, right = _brackets(number, len(lines))
        lines[number] = Text.assemble((left, "dim"), line, " ", (right, "dim"))
    return lines


def _kept(size: int, limit: int, edge: int | None) -> list[int | None]:
    """The indices that are shown; ``None`` for the gap."""
    if edge is None or size <= max(2 * edge + 1, limit if edge == EDGE else 0):
        return list(range(size))
    return [*range(edge), None, *range(size - edge, size)]


def _column(
    array: Array,
    look: Look,
    marks: Sequence[Mark],
    padding: Mask | None,
    rows: Sequence[int | None],
    column: int | None,
) -> list[Text]:
    """The cells of one column, equally wide."""
    if column is None:
        return [Text(GAP, style="dim") for _ in rows]
    is_padding = [row is not None and padding is not None and bool(padding[row, column]) for row in rows]
    texts = align(
        [
            GAP if row is None else PADDING if pad else look.number(array.item(row, column))
            for row, pad in zip(rows, is_padding, strict=True)
        ]
    )
    signs = [[] if row is None else [mark for mark in marks if mark.where[row, column]] for row in rows]
    widest = max(len(found) for found in signs)
    cells = []
    for text, found, pad, row in zip(texts, signs, is_padding, rows, strict=True):
        look.signs.update(mark.sign for mark in found)
        style = " ".join(mark.style for mark in found) or ("dim" if pad or row is None else "")
        cell = Text(text.rstrip() if found else text, style=style)
        cell.append("".join(mark.sign for mark in found))
        cell.pad_right(len(text) + widest - cell.cell_len)
        cells.append(cell)
    return cells


def _brackets(number: int, height: int) -> tuple[str, str]:
    """The left and the right piece of the brackets on line `number`."""
    if height == 1:
        return "[", "]"
    if number == 0:
        return "⎡", "⎤"
    return ("⎣", "⎦") if number == height - 1 else ("⎢", "⎥")
