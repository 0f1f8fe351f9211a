"""A class at a glance: how many made which mistake, where, and what could not be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from rich.text import Text

from convstep.diagnosis.catalogue import CATALOGUE
from convstep.quantities import QUANTITIES
from convstep.render.check_data import Judged
from convstep.render.json import text_of
from convstep.render.matrix import Look
from convstep.render.page import headline
from convstep.render.paragraphs import paragraphs
from convstep.words import counted

VERDICTS = ("right", "slip", "wrong", "unexplained", "unreadable")
BAR = "█"
LONGEST_BAR = 20


class Summary(NamedTuple):
    """A class, counted.

    Attributes:
        verdicts: How many attempts got which verdict.
        certain, possible: How many attempts hold a mistake for certain, and how many perhaps: in a tie.
        first_wrong: In which quantity the first mistake or slip is.
        ties: The ties, by their sets of ids joined by ``+``.
        conventions: How many use which convention.
    """

    verdicts: dict[str, int]
    certain: dict[str, int]
    possible: dict[str, int]
    first_wrong: dict[str, int]
    ties: dict[tuple[str, ...], int]
    conventions: dict[str, int]

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Summary:
        """Counts."""
        verdicts = Counter(each.verdict for each in judged)
        found = [each.diagnosis for each in judged if each.diagnosis is not None]
        certain: Counter[str] = Counter()
        possible: Counter[str] = Counter()
        ties: Counter[tuple[str, ...]] = Counter()
        for diagnosis in found:
            sets = [[mistake.id for mistake in one] for one in diagnosis.explanations]
            everywhere = set(sets[0]).intersection(*sets[1:]) if sets else set()
            certain.update(everywhere)
            possible.update({name for one in sets for name in one} - everywhere)
            if len(sets) > 1:
                ties[tuple("+".join(one) for one in sets)] += 1
        return cls(
            {name: verdicts[name] for name in VERDICTS if verdicts[name]},
            _in_order(certain, list(CATALOGUE)),
            _in_order(possible, list(CATALOGUE)),
            _in_order(Counter(each.first_wrong for each in found if each.first_wrong), list(QUANTITIES)),
            dict(ties.most_common()),
            dict(Counter(name for each in found for name in each.conventions)),
        )

    @property
    def attempts(self) -> int:
        """How many attempts there are."""
        return sum(self.verdicts.values())


def _in_order(counts: Counter[str], order: Sequence[str]) -> dict[str, int]:
    """The most frequent first, equals in the order of the calculation."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], order.index(item[0]))))


def summary_lines(summary: Summary, look: Look) -> list[Text]:
    """The page."""
    lines = [*headline(counted(summary.attempts, "attempt"), look.width), Text()]
    lines += _table(summary.verdicts, look)
    names = dict.fromkeys([*summary.certain, *summary.possible])
    if names:
        lines += [Text(), Text("  mistakes", style="bold")]
        lines += _table({name: summary.certain.get(name, 0) for name in names}, look, summary.possible)
    if summary.first_wrong:
        lines += [Text(), Text("  first wrong quantity", style="bold"), *_table(summary.first_wrong, look)]
    if summary.ties:
        lines += [Text(), Text("  not told apart", style="bold")]
        for sets, count in summary.ties.items():
            lines += paragraphs(f"{count} × {' or '.join(sets)}", look.width, 4)
    if summary.conventions:
        lines += [Text(), Text("  another convention, and fine", style="bold"), *_table(summary.conventions, look)]
    return lines


def _table(counts: dict[str, int], look: Look, more: dict[str, int] | None = None) -> list[Text]:
    """A line a name: how often, and a bar; behind it how often more it is one of several explanations."""
    more = more or {}
    widest = max(map(len, counts))
    digits = max(len(str(count)) for count in counts.values())
    largest = max(max(counts.values()), *more.values(), 1) if more else max(counts.values())
    room = max(1, min(LONGEST_BAR, look.width - widest - digits - 24))
    lines = []
    for name, count in counts.items():
        bar = BAR * round(room * count / largest)
        perhaps = f"  + {more[name]} perhaps" if more.get(name) else ""
        line = Text.assemble(f"    {name.ljust(widest)}  {str(count).rjust(digits)}  ", (bar, "cyan"))
        if line.cell_len + len(perhaps) <= look.width:
            lines.append(line + Text(perhaps))
        else:
            lines += [line, Text(f"    {perhaps}")]
    for line in lines:
        line.rstrip()
    return lines


def write_summary(stream: TextIO, summary: Summary) -> None:
    """The same as one JSON object."""
    data = {
        "format": "convstep-check-summary",
        "version": 1,
        "attempts": summary.attempts,
        "verdicts": summary.verdicts,
        "mistakes": {
            name: {"certain": summary.certain.get(name, 0), "possible": summary.possible.get(name, 0)}
            for name in dict.fromkeys([*summary.certain, *summary.possible])
        },
        "first_wrong": summary.first_wrong,
        "ties": [{"sets": [one.split("+") for one in sets], "attempts": count} for sets, count in summary.ties.items()],
        "conventions": summary.conventions,
    }
    stream.write(text_of(data) + "\n")
