"""Many starts: how many end in each way, and which filters they reach."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rich.text import Text

from convstep.numbers import short
from convstep.render.matrix import Look
from convstep.render.sweep_look import (
    COLOURS,
    LETTERS,
    NARROW,
    Column,
    legend,
    named,
    painted,
    percent,
    sentence,
    span_text,
    table,
    value_text,
)
from convstep.sweeping.basins import STATUSES, dead_at_once, reached, shares
from convstep.sweeping.sweep import Sweep
from convstep.trace import Outcome
from convstep.words import counted

BAR_ROOM = 30
MOST_FILTERS = 5
MOST_NUMBERS = 12
MOST_ROWS = 40


def basins(outcomes: Sequence[Outcome], look: Look) -> list[Text]:
    """The table of statuses, what is to be said of the dead, and the filters reached."""
    found = shares(outcomes)
    most = max(each.runs for each in found)
    bars = [Text("█" * round(BAR_ROOM * each.runs / most), style=COLOURS[each.status]) for each in found]
    columns = [
        Column("outcome", [named(each.status, look.width) for each in found]),
        Column("starts", [str(each.runs) for each in found], right=True),
        Column("share", [percent(each.runs, len(outcomes)) for each in found], right=True),
        Column("iterations", [span_text(each.iterations, 9) for each in found], right=True),
        Column("", bars),
    ]
    narrow = [Text(), *legend(outcomes, look.width)] if look.width < NARROW else []
    return [*table(columns, look.width), *narrow, *_of_the_dead(outcomes, look), *_reached(outcomes, look)]


def _of_the_dead(outcomes: Sequence[Outcome], look: Look) -> list[Text]:
    """How many starts were unlucky, and when it was decided."""
    dead = sum(1 for outcome in outcomes if outcome.status == "dead")
    if not dead:
        return []
    at_once = dead_at_once(outcomes)
    when = f"{at_once} at the start already, where no error reaches the filter, and {dead - at_once} on the way"
    if at_once in (0, dead):
        when = "all at the start already, where no error reaches the filter" if at_once else "all on the way"
    share = percent(dead, len(outcomes))
    return [Text(), *sentence(f"{counted(dead, 'start')} of {len(outcomes)} ({share}) died: {when}.", look.width)]


def _reached(outcomes: Sequence[Outcome], look: Look) -> list[Text]:
    """How many different filters are reached, and the most frequent ones."""
    found = reached(outcomes)
    if not found:
        return []
    resting = sum(each.runs for each in found)
    kinds = counted(len(found), "different filter")
    words = f"{counted(resting, 'start')} came to rest, at {kinds} (to 3 digits)"
    shown = found if look.all_cells else found[:MOST_FILTERS]
    more = len(found) - len(shown)
    columns = [
        Column("starts", [str(each.runs) for each in shown], right=True),
        Column("filter", [parameters_text(each.outcome) for each in shown]),
        Column("outcome", [named(each.outcome.status, look.width) for each in shown]),
        Column("loss", [short(each.outcome.loss or 0.0, 3) for each in shown]),
    ]
    tail = sentence(f"and {more} more; --all-cells shows them", look.width) if more else []
    return [Text(), *sentence(f"{words}:", look.width), *table(columns, look.width), *tail]


def parameters_text(outcome: Outcome) -> str:
    """A filter on one line, rows apart by strokes; of many numbers only their range."""
    rows = outcome.filter.reshape(-1, outcome.filter.shape[-1])
    if outcome.filter.size > MOST_NUMBERS:
        return span_text((float(outcome.filter.min()), float(outcome.filter.max())), 3)
    text = " / ".join(" ".join(short(float(number), 3) for number in row) for row in rows)
    if outcome.bias is None:
        return text
    return f"{text}, bias {' '.join(short(float(number), 3) for number in np.atleast_1d(outcome.bias))}"


def by_value(sweep: Sweep, look: Look) -> list[Text]:
    """One key and many starts: for each value how many starts end in each way."""
    variation = sweep.plan.variations[0]
    count = len(sweep.outcomes) // len(variation.values)
    groups = [
        [each for each in sweep.outcomes[n * count : (n + 1) * count] if each is not None]
        for n in range(len(variation.values))
    ]
    full = [n for n, group in enumerate(groups) if group]
    most = len(full) if look.all_cells else MOST_ROWS
    places = full if len(full) <= most else [full[n * (len(full) - 1) // (most - 1)] for n in range(most)]
    room = max(10, min(BAR_ROOM, look.width - 52))
    columns = [
        Column(variation.key, [value_text(variation.values[n], 4) for n in places], right=variation.numeric),
        Column(f"how {counted(count, 'start')} end", [_stack(groups[n], room) for n in places]),
        Column("converged", [percent(_count(groups[n], "converged"), len(groups[n])) for n in places], right=True),
        Column("dead", [percent(_count(groups[n], "dead"), len(groups[n])) for n in places], right=True),
        Column("iterations", [_median(groups[n]) for n in places], right=True),
    ]
    left_out = len(full) - len(places)
    note = sentence(f"{counted(left_out, 'value')} left out; --all-cells shows every one", look.width)
    median = sentence("iterations: the median of the starts that converge", look.width)
    lines = table(columns, look.width)
    notes = [*(note if left_out else []), *(median if columns[-1].title in lines[0].plain else [])]
    return [*lines, *notes, Text(), *legend(sweep.outcomes, look.width)]


def _count(outcomes: Sequence[Outcome], status: str) -> int:
    return sum(1 for outcome in outcomes if outcome.status == status)


def _median(outcomes: Sequence[Outcome]) -> str:
    """Of the starts that converge."""
    iterations = [outcome.iterations for outcome in outcomes if outcome.status == "converged"]
    return short(float(np.median(iterations))) if iterations else ""


def _stack(outcomes: Sequence[Outcome], room: int) -> Text:
    """A bar of letters, each status as long as its share; none that is met goes missing while there is room."""
    counts = [_count(outcomes, status) for status in STATUSES]
    ends = np.cumsum([0, *counts]) * room / len(outcomes)
    lengths = [round(high) - round(low) for low, high in pairwise(ends)]
    for n, count in enumerate(counts):
        largest = max(range(len(lengths)), key=lengths.__getitem__)
        if count and not lengths[n] and lengths[largest] > 1:
            lengths[n], lengths[largest] = 1, lengths[largest] - 1
    return painted("".join(LETTERS[status] * length for status, length in zip(STATUSES, lengths, strict=True)))
