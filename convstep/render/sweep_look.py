"""What all pictures of a sweep share: letters and colours, tables, and values laid along a line."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from convstep.numbers import short
from convstep.problem.model import Problem
from convstep.problem.overrides import CHOICES
from convstep.render.json import text_of
from convstep.render.matrix import Look
from convstep.render.report import facts
from convstep.sweeping.basins import STATUSES
from convstep.trace import Outcome
from convstep.words import visible

LETTERS = {"converged": "C", "stopped": "T", "oscillating": "O", "stationary": "S", "dead": "D", "diverged": "V"}
"""A letter of each status that no other has."""
CELLS = {
    "converged": "black on green",
    "stopped": "black on cyan",
    "oscillating": "black on yellow",
    "stationary": "white on blue",
    "dead": "white on red",
    "diverged": "black on magenta",
}
"""How a letter stands in a picture; the letter says the same without colours."""
COLOURS = {status: style.rpartition(" ")[2] for status, style in CELLS.items()}
"""The colours by themselves, of names and bars."""
NOT_ENDED = "·"
INDENT, GAP = 2, 3
MOST_ROWS = 40
TICK_DISTANCE = 14
AXIS_DIGITS = 4
LIMIT_WORDS = "2/λ = {}"
LONGEST_VALUE = 24
NARROW = 60
"""On narrower pages tables name statuses by their letters, and a legend says what these mean."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: Above it.
        cells: Its entries.
        right: Whether they stand at the right.
    """

    title: str
    cells: Sequence[Text | str]
    right: bool = False

    @property
    def width(self) -> int:
        """In columns of the terminal."""
        return max([len(self.title), *(len(cell) for cell in self.cells)])


def table(columns: Sequence[Column], width: int, least: int = 2) -> list[Text]:
    """The columns side by side, as many as there is room for, but never fewer than the first `least`."""
    shown = list(columns)
    while len(shown) > least and INDENT + sum(each.width + GAP for each in shown) - GAP > width:
        shown.pop()
    titles = [Text(each.title, style="dim") for each in shown]
    rows = [titles, *([Text.assemble(each.cells[n]) for each in shown] for n in range(len(shown[0].cells)))]
    return [_row(cells, shown) for cells in rows]


def long_table(columns: Sequence[Column], look: Look, least: int = 2) -> list[Text]:
    """A table; of many rows the first."""
    rows = len(columns[0].cells)
    if rows <= MOST_ROWS or look.all_cells:
        return table(columns, look.width, least)
    few = [each._replace(cells=each.cells[:MOST_ROWS]) for each in columns]
    note = f"and {rows - MOST_ROWS} more rows; --all-cells shows them"
    return [*table(few, look.width, least), *sentence(note, look.width)]


def _row(cells: Sequence[Text], columns: Sequence[Column]) -> Text:
    line = Text(" " * INDENT)
    for n, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        room = " " * (column.width - cell.cell_len)
        line.append(" " * GAP if n else "")
        line.append_text(Text.assemble(room, cell) if column.right else Text.assemble(cell, room))
    line.rstrip()
    return line


def key_text(key: str, width: int) -> str:
    """A key as the head of a column: its last part where there is little room."""
    return key if width >= NARROW else key.rpartition(".")[2]


def value_text(value: Any, digits: int, longest: int = LONGEST_VALUE) -> str:
    """A value of a key, short."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return short(value, digits)
    return visible(value if isinstance(value, str) else text_of(value).replace('"', ""), longest=longest)


def named(status: str, width: int = NARROW) -> Text:
    """A status with its letter, as legends and tables have it; the letter alone where there is little room."""
    name = f" {status}" if width >= NARROW else ""
    return Text.assemble((LETTERS[status], CELLS[status]), (name, f"bold {COLOURS[status]}"))


def letter(outcome: Outcome | None) -> str:
    """The letter of an outcome."""
    return LETTERS[outcome.status] if outcome is not None else NOT_ENDED


def painted(letters: str) -> Text:
    """Letters of statuses in their colours."""
    styles = {LETTERS[status]: style for status, style in CELLS.items()}
    line = Text()
    for sign in letters:
        line.append(sign, style=styles.get(sign, "dim"))
    return line


def legend(outcomes: Iterable[Outcome | None], width: int) -> list[Text]:
    """The letters that are in a picture, and what they stand for."""
    met = {outcome.status if outcome is not None else "" for outcome in outcomes}
    items = [named(status) for status in STATUSES if status in met]
    items += [Text(f"{NOT_ENDED} not ended", style="dim")] if "" in met else []
    lines = [Text(" " * INDENT)]
    for item in items:
        if lines[-1].cell_len > INDENT and lines[-1].cell_len + GAP + item.cell_len > width:
            lines.append(Text(" " * INDENT))
        lines[-1].append_text(Text.assemble(" " * GAP if lines[-1].cell_len > INDENT else "", item))
    return lines


def header(problem: Problem, name: str, width: int, varied: Collection[str], more: Sequence[str]) -> list[Text]:
    """What is run, without what is varied."""
    title = [visible(problem.title, longest=4 * width)] if problem.title else []
    names = {key: getattr(problem, key).name for key in CHOICES}
    unsaid = {names.get(key, key) for key in varied}
    kept = [fact for fact in facts(problem) if fact.split()[0] not in unsaid]
    lines = [
        Text(line, style="bold") for line in textwrap.wrap(" · ".join([visible(name, longest=400), *title]), width)
    ]
    return [*lines, *(Text(line, style="dim") for line in textwrap.wrap(" · ".join([*kept, *more]), width))]


def sentence(text: str, width: int) -> list[Text]:
    """A sentence on as many lines as it needs."""
    return [Text(" " * INDENT + line) for line in textwrap.wrap(text, max(10, width - INDENT))]


class Axis:
    """Values laid along a line: each takes several columns, or several share one.

    Attributes:
        values: The values.
        buckets: For each column the values in it, by position.
    """

    def __init__(self, values: Sequence[Any], room: int, widest: int = 6) -> None:
        self.values = values
        count = len(values)
        each = min(widest, room // count)
        if each >= 1:
            self.buckets = [range(column // each, column // each + 1) for column in range(each * count)]
        else:
            ends = [column * count // room for column in range(room + 1)]
            self.buckets = [range(ends[column], ends[column + 1]) for column in range(room)]

    @property
    def shares(self) -> bool:
        """Whether several values share a column."""
        return len(self.buckets) < len(self.values)

    def column_of(self, value: float) -> int | None:
        """Where a number falls between the values; ``None`` outside of them.

        A number that is none of them stands at the end of the one before it, where each takes several columns.
        """
        rising = self.values[-1] >= self.values[0]
        passed = sum(1 for each in self.values if (each <= value if rising else each >= value))
        if not 0 < passed < len(self.values):
            return None
        columns = [column for column, bucket in enumerate(self.buckets) if passed - 1 in bucket]
        return columns[0 if self.values[passed - 1] == value else -1]

    def ticks(self, indent: int) -> list[Text]:
        """Two lines: marks, and some of the values below them."""
        width = len(self.buckets)
        parts = max(1, min(width // TICK_DISTANCE, len(self.values) - 1))
        columns = sorted({part * (width - 1) // parts for part in range(parts + 1)})
        marks, labels = [" "] * width, ""
        for column in columns:
            text = short(self.values[self.buckets[column][0 if column < width - 1 else -1]], AXIS_DIGITS)
            at = max(0, min(column - len(text) // 2, width - len(text)))
            if labels and at <= len(labels):
                continue
            marks[column] = "'"
            labels = labels.ljust(at) + text
        return [Text(" " * indent + "".join(line), style="dim") for line in (marks, labels)]

    def marker(self, value: float, words: str, indent: int) -> list[Text]:
        """A line with a mark below the column where a number falls; none if it falls outside."""
        column = self.column_of(value)
        if column is None:
            return []
        fits = column + 2 + len(words) <= max(len(self.buckets), 36)
        text = " " * column + f"^ {words}" if fits else f"{words} ^".rjust(column + 1)
        return [Text(" " * indent + text, style="bold")]


def majority(outcomes: Sequence[Outcome | None]) -> Outcome | None:
    """One of the outcomes that share a column: of the most frequent status, the one with the most iterations."""
    counted = Counter(None if each is None else each.status for each in outcomes)
    status = counted.most_common(1)[0][0]
    alike = [each for each in outcomes if each is not None and each.status == status]
    return max(alike, key=lambda each: each.iterations, default=None)


def span_text(ends: tuple[float, float], digits: int) -> str:
    """Two ends, or one number where they are the same.

    >>> span_text((3, 3), 6), span_text((14, 1000), 6)
    ('3', '14 to 1000')
    """
    low, high = (short(end, digits) for end in ends)
    return low if low == high else f"{low} to {high}"


def percent(part: int, whole: int) -> str:
    """A share in per cent.

    >>> percent(1, 8), percent(3, 3)
    ('12.5 %', '100 %')
    """
    return f"{short(round(100 * part / whole, 1))} %"
