"""One compact row an iteration, thinned out on a logarithmic scale when there are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.text import Text

from convstep.numbers import align, short
from convstep.render.matrix import Look
from convstep.trace import Step

MOST = 30
"""Up to so many rows are all shown."""
LOG_GRID = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
"""The iterations shown of many: 1 to 10, then these and their tenfolds."""
SMALL_FILTER = 9
"""Up to how many numbers a row shows of the filter."""


def on_grid(iteration: int) -> bool:
    """Whether the iteration is shown when rows are thinned out.

    >>> [iteration for iteration in range(1, 200) if on_grid(iteration)][8:]
    [9, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150]
    """
    if iteration < LOG_GRID[0]:
        return True
    while iteration >= 10 * LOG_GRID[0] and iteration % 10 == 0:
        iteration //= 10
    return iteration in LOG_GRID


class Row(NamedTuple):
    """What is kept of an iteration for its row; `digits` are those of its longest fraction."""

    iteration: int
    loss: float
    gradient: float
    filter: tuple[float, ...]
    columns: int
    flat: int
    digits: int = 0

    @classmethod
    def of(cls, step: Step) -> Row:
        """The row of a Step."""
        names = [name for name in ("filter_gradient", "bias_gradient") if name in step]
        small = step.filter.size <= SMALL_FILTER
        return cls(
            step.iteration,
            step.loss,
            max((np.max(np.abs(step.array(name))) for name in names), default=0.0),
            tuple(step.filter.reshape(-1).tolist()) if small else (),
            step.filter.shape[-1],
            int(np.count_nonzero(step.activation_slope == 0)) if "activation_slope" in step else 0,
            _digits(step) if step.is_exact else 0,
        )


def _digits(step: Step) -> int:
    from convstep.exact.growth import longest_of

    return longest_of(step)


class Rows:
    """Keeps the rows that may be shown; never more than a screenful or two."""

    def __init__(self) -> None:
        self.kept: list[Row] = []
        self.thinned = False

    def add(self, row: Row) -> None:
        """Takes the next row."""
        if not self.thinned or on_grid(row.iteration):
            self.kept.append(row)
        if not self.thinned and len(self.kept) > MOST:
            self.thinned = True
            self.kept = [kept for kept in self.kept if on_grid(kept.iteration)]

    def between(self, first: int, last: int) -> tuple[list[Row], bool]:
        """The rows from one iteration to another, and whether some are left out."""
        return [row for row in self.kept if first <= row.iteration <= last], self.thinned


def row_lines(rows: Sequence[Row], look: Look) -> list[Text]:
    """The rows as a table; the filter's columns only where there is room for them."""
    columns = [("iteration", [str(row.iteration) for row in rows])]
    columns.append(("loss", align([look.number(row.loss) for row in rows])))
    columns.append(("max gradient", align([look.number(row.gradient) for row in rows])))
    if any(row.flat for row in rows):
        columns.append(("slope 0", [str(row.flat) for row in rows]))
    if any(row.digits for row in rows):
        columns.append(("digits", [str(row.digits) for row in rows]))
    while len(columns) > 2 and _table_width(columns) > look.width:
        columns.pop()
    room = look.width - _table_width(columns) - len(BETWEEN)
    filters = next((texts for digits in (look.digits, 4, 3) if (texts := _filters(rows, digits, room))), [])
    lines = [_line([(name.rjust(_width(name, texts)), "bold") for name, texts in columns], FILTER if filters else "")]
    for number, cells in enumerate(zip(*(texts for _, texts in columns), strict=True)):
        padded = [(cell.rjust(_width(*column)), "") for cell, column in zip(cells, columns, strict=True)]
        lines.append(_line(padded, filters[number] if filters else ""))
    return lines


BETWEEN = "   "
FILTER = "filter"


def _width(name: str, texts: Sequence[str]) -> int:
    return max(len(name), *(len(text) for text in texts))


def _table_width(columns: Sequence[tuple[str, Sequence[str]]]) -> int:
    return 2 + sum(_width(*column) for column in columns) + len(BETWEEN) * (len(columns) - 1)


def _line(cells: Sequence[tuple[str, str]], rest: str) -> Text:
    """One line of the table: its columns, then the filter."""
    line = Text("  ")
    for position, (text, style) in enumerate(cells):
        line.append(BETWEEN if position else "")
        line.append(text, style=style)
    line.append(f"{BETWEEN}{rest}" if rest else "", style="bold" if rest == FILTER else "")
    line.rstrip()
    return line


def _filters(rows: Sequence[Row], digits: int, room: int) -> list[str]:
    """The filters, each cell aligned with those above it: ``1 -1 / 1 1``; nothing where they need more room."""
    if not rows or not rows[0].filter:
        return []
    values = zip(*(row.filter for row in rows), strict=True)
    cells = [align([short(value, digits) for value in column]) for column in values]
    width = rows[0].columns
    texts = []
    for row in zip(*cells, strict=True):
        lines = [" ".join(row[start : start + width]) for start in range(0, len(row), width)]
        texts.append(" / ".join(lines))
    return texts if max(len(texts[0]), len(FILTER)) <= room else []
