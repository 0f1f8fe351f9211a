"""Two keys varied: a map with a letter for each pair of values."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from convstep.numbers import short
from convstep.render.matrix import Look
from convstep.render.sweep_look import (
    INDENT,
    LIMIT_WORDS,
    Axis,
    legend,
    letter,
    majority,
    painted,
    sentence,
    value_text,
)
from convstep.sweeping.grids import Variation
from convstep.sweeping.limits import common_limit
from convstep.sweeping.plan import RATE
from convstep.sweeping.sweep import Sweep
from convstep.trace import Outcome

MOST_ROWS = 40
WIDEST = 4


def is_map(variations: Sequence[Variation]) -> bool:
    """Whether two keys can be shown as a map: one of them must be numbers in their order."""
    return len(variations) == 2 and any(each.ordered for each in variations)


class Map:
    """The outcomes over two keys.

    Attributes:
        across, down: The keys, and the values from left to right and from top to bottom.
    """

    def __init__(self, sweep: Sweep, look: Look) -> None:
        self.sweep = sweep
        first, second = sweep.plan.variations
        self.turned = not first.ordered or (second.path == RATE and second.ordered)
        self.across, self.down = (second, first) if self.turned else (first, second)
        texts = [value_text(value, 4) for value in self.down.values]
        # As on paper: numbers rise from the bottom to the top.
        order = range(len(texts))
        rising = self.down.ordered and self.down.values[0] < self.down.values[-1]
        self.order = list(reversed(order)) if rising else list(order)
        self.indent = INDENT + max(len(text) for text in texts) + 1
        self.columns = Axis(self.across.values, look.width - self.indent, WIDEST)
        most = len(texts) if look.all_cells else MOST_ROWS
        self.rows = Axis(texts, most, 1)
        self.look = look

    def outcome(self, column: int, row: int) -> Outcome | None:
        """The outcome of one pair of values."""
        first, second = (row, column) if self.turned else (column, row)
        return self.sweep.outcomes[first * len(self.sweep.plan.variations[1].values) + second]

    def lines(self) -> list[Text]:
        """The map with its values at the left and below, the limit, and what the letters mean."""
        shared = self.columns.shares or self.rows.shares
        note = "several values share a cell: the most frequent outcome is shown"
        return [
            Text(" " * INDENT + self.down.key, style="dim"),
            *(self._row([self.order[n] for n in bucket]) for bucket in self.rows.buckets),
            *self.columns.ticks(self.indent),
            Text(" " * self.indent + self.across.key, style="dim"),
            *self._limit(),
            Text(),
            *legend(self.sweep.outcomes, self.look.width),
            *(sentence(note, self.look.width) if shared else []),
        ]

    def _row(self, rows: Sequence[int]) -> Text:
        label = value_text(self.down.values[rows[0]], 4)
        cells = [
            letter(majority([self.outcome(column, row) for column in bucket for row in rows]))
            for bucket in self.columns.buckets
        ]
        return Text.assemble((f"{label:>{self.indent - 1}} ", "dim"), painted("".join(cells)))

    def _limit(self) -> list[Text]:
        """2/λ below its column, if it is the same in all rows."""
        limit = common_limit(self.sweep.plan) if self.across.path == RATE else None
        return [] if limit is None else self.columns.marker(limit, LIMIT_WORDS.format(short(limit, 4)), self.indent)
