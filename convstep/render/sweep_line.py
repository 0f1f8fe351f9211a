"""One key varied: a line of outcomes over the values with a bar for the iterations, or a row for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from convstep.numbers import short
from convstep.render.curve import BARS
from convstep.render.matrix import Look
from convstep.render.sweep_look import (
    COLOURS,
    INDENT,
    LIMIT_WORDS,
    LONGEST_VALUE,
    NARROW,
    Axis,
    Column,
    key_text,
    legend,
    letter,
    majority,
    named,
    painted,
    sentence,
    span_text,
    value_text,
)
from convstep.sweeping.basins import share_of
from convstep.sweeping.grids import Variation
from convstep.sweeping.sweep import Run, Sweep
from convstep.trace import Outcome

FEW = 20
"""Up to how many values each has a row."""
HEIGHT = 4
"""Of the bars, in lines."""
BAR_ROOM = 20


def is_line(variation: Variation) -> bool:
    """Whether the values are to be shown along a line."""
    return variation.ordered and len(variation.values) > FEW


def picture(sweep: Sweep, limit: float | None, look: Look) -> list[Text]:
    """The bars, the letters, the values, and the limit where there is one."""
    variation = sweep.plan.variations[0]
    most = max((outcome.iterations for outcome in sweep.outcomes if outcome is not None), default=1)
    indent = INDENT + len(str(most)) + 1
    axis = Axis(variation.values, look.width - indent)
    shown = [majority([sweep.outcomes[n] for n in bucket]) for bucket in axis.buckets]
    letters = Text(" " * indent)
    letters.append_text(painted("".join(letter(each) for each in shown)))
    marker = axis.marker(limit, LIMIT_WORDS.format(short(limit, 4)), indent) if limit is not None else []
    title = sentence("iterations, on a logarithmic scale", look.width)
    shared = ["several values share a column: the most frequent outcome is shown"] if axis.shares else []
    notes = [line for note in shared for line in sentence(note, look.width)]
    return [
        *title,
        *_bars(shown, most, indent),
        letters,
        *axis.ticks(indent),
        *marker,
        Text(),
        *legend(sweep.outcomes, look.width),
        *notes,
    ]


def _bars(outcomes: Sequence[Outcome | None], most: int, indent: int) -> list[Text]:
    """The iterations of each column as a bar from 1 to the most, in several lines."""
    steps = HEIGHT * len(BARS)
    scale = (steps - 1) / max(math.log(most), 1e-9)
    levels = [0 if each is None else 1 + round(math.log(each.iterations) * scale) for each in outcomes]
    lines = []
    for row in reversed(range(HEIGHT)):
        label = {HEIGHT - 1: str(most), 0: "1"}.get(row, "")
        line = Text(f"{label:>{indent - 1}} ", style="dim")
        for level, outcome in zip(levels, outcomes, strict=True):
            part = min(len(BARS), level - row * len(BARS))
            style = COLOURS[outcome.status] if outcome is not None else ""
            line.append(BARS[part - 1] if part > 0 else " ", style=f"not dim {style}")
        line.rstrip()
        lines.append(line)
    return lines


def spans(sweep: Sweep, look: Look) -> list[Column]:
    """A row for each stretch of values with the same outcome."""
    variation = sweep.plan.variations[0]
    stretches: list[list[int]] = []
    for n, outcome in enumerate(sweep.outcomes):
        before = sweep.outcomes[stretches[-1][-1]] if stretches else None
        if outcome is None:
            continue
        if before is not None and before.status == outcome.status and stretches[-1][-1] == n - 1:
            stretches[-1].append(n)
        else:
            stretches.append([n])
    groups = [[outcome for n in stretch if (outcome := sweep.outcomes[n]) is not None] for stretch in stretches]
    found = [share_of(group) for group in groups]
    ends = [(variation.values[stretch[0]], variation.values[stretch[-1]]) for stretch in stretches]
    return [
        Column("outcome", [named(each.status, look.width) for each in found]),
        Column(variation.key, [span_text(pair, look.digits) for pair in ends]),
        Column("values", [str(each.runs) for each in found], right=True),
        Column("iterations", [span_text(each.iterations, 9) for each in found], right=True),
        Column("loss", ["" if each.losses is None else span_text(each.losses, 2) for each in found]),
    ]


def rows(sweep: Sweep, limit: float | None, look: Look) -> list[Column]:
    """A row for each run, and between them one for the limit."""
    columns, values = _rows(sweep.runs, sweep.plan.keys, look), sweep.plan.variations[0].values
    if limit is None or len(sweep.plan.keys) > 1 or not sweep.plan.variations[0].ordered or not sweep.complete:
        return columns
    place = sum(1 for value in values if (value <= limit) == (values[0] <= limit)) if values[0] != values[-1] else 0
    mark: list[Text | str] = [Text(LIMIT_WORDS.format(short(limit, 4)), style="bold"), *[""] * len(columns)]
    return [
        each._replace(cells=[*each.cells[:place], cell, *each.cells[place:]]) if 0 < place < len(values) else each
        for each, cell in zip(columns, mark, strict=False)
    ]


def _rows(runs: Sequence[Run], keys: Sequence[str], look: Look) -> list[Column]:
    most = max((run.outcome.iterations for run in runs), default=1)
    bars = ["█" * max(1, round(BAR_ROOM * run.outcome.iterations / most)) for run in runs]
    styles = [COLOURS[run.outcome.status] for run in runs]
    losses = [run.outcome.loss for run in runs]
    longest = LONGEST_VALUE if look.width >= NARROW else LONGEST_VALUE // 2
    values = [
        Column(key_text(key, look.width), [value_text(run.set[key], look.digits, longest) for run in runs])
        for key in keys
    ]
    outcome = Column("outcome", [named(run.outcome.status, look.width) for run in runs])
    return [
        *([*values, outcome] if len(values) == 1 else [outcome, *values]),
        Column("iterations", [str(run.outcome.iterations) for run in runs], right=True),
        Column("loss", ["" if loss is None else short(loss, min(look.digits, 4)) for loss in losses]),
        Column("", [Text(bar, style=style) for bar, style in zip(bars, styles, strict=True)]),
    ]
