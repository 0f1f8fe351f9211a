"""Where one outcome gives way to another, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from convstep.render.matrix import Look
from convstep.render.sweep_look import (
    NARROW,
    Column,
    key_text,
    legend,
    long_table,
    named,
    sentence,
    span_text,
    value_text,
)
from convstep.sweeping.refine import Boundary, Refinement

DIGITS = 5
MOST_STEPS = 2
"""Up to how many changes of a stretch are named one by one."""
NEIGHBOURS = 0.01
"""Boundaries nearer than this share of their value belong to one stretch, in which outcomes mingle."""


def boundary_lines(refinement: Refinement, look: Look) -> list[Text]:
    """A row for each boundary, or for each stretch in which two outcomes mingle."""
    zones: list[list[Boundary]] = []
    for boundary in refinement.boundaries:
        if zones and _mingle(zones[-1][-1], boundary):
            zones[-1].append(boundary)
        else:
            zones.append([boundary])
    if not zones:
        return sentence("There is no boundary: all values end alike.", look.width)
    lines = [*sentence("Boundaries, by bisection:", look.width), *_table(zones, refinement, look)]
    if not refinement.complete:
        lines += sentence("There are more boundaries than have been looked for.", look.width)
    return lines


def _table(zones: Sequence[Sequence[Boundary]], refinement: Refinement, look: Look) -> list[Text]:
    key = zones[0][0].key
    others = [each.key for each in refinement.plan.variations[1:]]
    brief = look.width < NARROW or bool(others)
    digits = DIGITS - 1 if look.width < NARROW else DIGITS
    columns = [
        *(
            Column(key_text(other, look.width), [value_text(zone[0].below.set[other], 4) for zone in zones])
            for other in others
        ),
        Column(key_text(key, look.width), [_where(zone, digits) for zone in zones]),
        Column("change", [_change(zone, brief) for zone in zones]),
    ]
    lines = long_table(columns, look, len(columns))
    if brief:
        lines += _more_letters(zones, refinement, look)
    if brief and any(len(zone) > 1 for zone in zones):
        lines += sentence("×: so many changes between two outcomes", look.width)
    return lines


def _more_letters(zones: Sequence[Sequence[Boundary]], refinement: Refinement, look: Look) -> list[Text]:
    """What letters mean that are met in the table alone."""
    explained = {outcome.status for outcome in refinement.sweep.outcomes if outcome is not None}
    met = [run.outcome for zone in zones for each in zone for run in (each.below, each.above)]
    more = [outcome for outcome in met if outcome.status not in explained]
    return legend(more, look.width) if more else []


def _where(zone: Sequence[Boundary], digits: int) -> str:
    """The place of a boundary, or the ends of a stretch of them."""
    first, last = ((each.below.set[each.key] + each.above.set[each.key]) / 2 for each in (zone[0], zone[-1]))
    return span_text((first, last), digits)


def _change(zone: Sequence[Boundary], brief: bool) -> Text:
    """From what to what; in letters alone where there is little room."""
    width = 0 if brief else NARROW
    met = [zone[0].below.outcome.status, *(each.above.outcome.status for each in zone)]
    statuses = [named(status, width) for status in met]
    if len(zone) <= (1 if brief else MOST_STEPS):
        return Text(" → ").join(statuses)
    if brief:
        return Text.assemble(statuses[0], "/", statuses[1], f" ×{len(zone)}")
    return Text.assemble(statuses[0], " and ", statuses[1], f" mingle, {len(zone)} changes")


def _mingle(before: Boundary, after: Boundary) -> bool:
    """Whether two boundaries are parts of one stretch."""
    own = [value for key, value in before.below.set.items() if key != before.key]
    others = [value for key, value in after.below.set.items() if key != after.key]
    low, high = before.above.set[before.key], after.below.set[after.key]
    pairs = [{each.below.outcome.status, each.above.outcome.status} for each in (before, after)]
    return own == others and pairs[0] == pairs[1] and abs(high - low) <= NEIGHBOURS * max(abs(low), abs(high))
