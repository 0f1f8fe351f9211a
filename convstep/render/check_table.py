"""Tables of comparisons: a name, numbers and a verdict a row; on a narrow page a row takes two lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from convstep.numbers import align

STYLES = {"agrees": "green", "kink": "yellow", "disagrees": "bold red"}
LONGEST_VERDICT = max(map(len, STYLES))


class Row(NamedTuple):
    """One comparison: what is compared, its cells as text, and the verdict, one of `STYLES`."""

    name: str
    cells: tuple[str, ...]
    verdict: str


class Section(NamedTuple):
    """Rows with a line above them that says what they are, and one below that says what is left out."""

    title: str
    rows: list[Row]
    left_out: str = ""


def table(heads: Sequence[str], sections: Sequence[Section], width: int, words: int = 0) -> list[Text]:
    """The sections below one head, their columns aligned.

    Args:
        heads: What the columns between name and verdict are called.
        sections: At least one row in all.
        width: Of the page.
        words: How many of the first columns hold words. They stand at the left, and are the first that a page has no
            room for.
    """
    rows = [row for section in sections for row in section.rows]
    columns = [[row.cells[n] for row in rows] for n in range(len(heads))]
    columns = [*columns[:words], *map(align, columns[words:])]
    sizes = [max(len(head), *map(len, column)) for head, column in zip(heads, columns, strict=True)]
    name = max(len("quantity"), *(len(row.name) for row in rows))
    left = width - 2 - name - 2 - LONGEST_VERDICT - sum(size + 2 for size in sizes)
    shape = _Shape(name, sizes, words, words if left >= 0 else 0, left + sum(size + 2 for size in sizes[:words]) < 0)
    lines = shape.lines("quantity", heads, Text("verdict", "bold"), "bold")
    cells = iter(zip(*columns, strict=True))
    for section in sections:
        lines += paragraph(section.title, width, "italic")
        for row in section.rows:
            lines += shape.lines(row.name, next(cells), Text(row.verdict, STYLES[row.verdict]))
        lines += [*paragraph(section.left_out, width, "dim"), Text()]
    return lines


class _Shape(NamedTuple):
    """How the lines of a table are cut.

    Attributes:
        name: The width of the names.
        sizes: The widths of the other columns.
        words: How many of them hold words.
        shown: How many of these there is room for.
        narrow: Whether a row takes two lines.
    """

    name: int
    sizes: list[int]
    words: int
    shown: int
    narrow: bool

    def lines(self, name: str, cells: Sequence[str], verdict: Text, style: str = "") -> list[Text]:
        """One row, or the head."""
        sized = list(zip(cells, self.sizes, strict=True))
        words = [cell.ljust(size) for cell, size in sized[: self.shown]]
        numbers = [cell.rjust(size) for cell, size in sized[self.words :]]
        parts = [name.ljust(self.name), *words, *([] if self.narrow else numbers)]
        first = Text.assemble("  ", ("  ".join(parts), style), "  ", verdict)
        return [first, Text(f"    {'  '.join(numbers).rstrip()}", style)] if self.narrow else [first]


def paragraph(text: str, width: int, style: str = "") -> list[Text]:
    """A text within the page's margins; no lines for an empty one."""
    return [Text(f"  {line}", style) for line in textwrap.wrap(text, max(10, width - 2), break_on_hyphens=False)]
