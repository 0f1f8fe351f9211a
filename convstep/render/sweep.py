"""A sweep as a page: what was varied, a picture of the outcomes, and the numbers behind it."""

from __future__ import annotations

from rich.text import Text

from convstep.numbers import short
from convstep.render import sweep_line, sweep_map, sweep_starts
from convstep.render.matrix import Look
from convstep.render.page import rule
from convstep.render.sweep_boundaries import boundary_lines
from convstep.render.sweep_look import (
    LIMIT_WORDS,
    NARROW,
    Column,
    header,
    legend,
    long_table,
    named,
    percent,
    sentence,
    span_text,
    table,
    value_text,
)
from convstep.sweeping.basins import quickest, shares
from convstep.sweeping.grids import Variation
from convstep.sweeping.limits import common_limit, is_guarantee
from convstep.sweeping.refine import Refinement
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import Run, Sweep
from convstep.words import counted, visible

GUARANTEE = "below it a rate is sure to be stable; above it one may still do, as long as few outputs are active."
START = "a good place to start looking."


def sweep_lines(sweep: Sweep, refinement: Refinement | None, name: str, look: Look) -> list[Text]:
    """The page."""
    plan = sweep.plan
    drawn = [] if plan.starts is None else [_drawn(plan.starts)]
    lines = [*header(plan.base, name, look.width, {each.key for each in plan.variations}, drawn), Text()]
    lines += [rule(_fitting_title(sweep, look.width), look.width), Text()]
    if not sweep.complete:
        ended = f"You stopped it: {sweep.ended:,} of {len(sweep.outcomes):,} runs have ended."
        lines += [*sentence(ended, look.width), Text()]
    if sweep.ended:
        lines += _picture(sweep, look)
    if refinement is not None:
        lines += [Text(), *boundary_lines(refinement, look)]
    return [*lines, *_remarks(sweep, look)]


def title(sweep: Sweep) -> str:
    """What is varied, in a line."""
    parts = [_varied(each) for each in sweep.plan.variations]
    if sweep.plan.starts is not None:
        parts.append(counted(sweep.plan.starts.number, "start"))
    return " × ".join(parts)


def _fitting_title(sweep: Sweep, width: int) -> str:
    """What is varied, as fully as there is room for."""
    starts = [] if sweep.plan.starts is None else [counted(sweep.plan.starts.number, "start")]
    short_title = " × ".join([*(each.key for each in sweep.plan.variations), *starts])
    return next(
        (each for each in (title(sweep), short_title) if len(each) <= width - 5),
        visible(short_title, longest=width - 6),
    )


def _varied(variation: Variation) -> str:
    if len(variation.values) == 1:
        return f"{variation.key} {value_text(variation.values[0], 4)}"
    if not variation.ordered:
        return f"{variation.key}, {len(variation.values)} values"
    ends = span_text((variation.values[0], variation.values[-1]), 4)
    return f"{variation.key} {ends}, {len(variation.values)} values"


def _drawn(starts: Starts) -> str:
    how = starts.initial if starts.around is None else f"around the filter by {short(starts.around)}"
    return f"starts: {how}, seed {starts.seed}"


def _picture(sweep: Sweep, look: Look) -> list[Text]:
    """The outcomes, in the form that suits what was varied."""
    plan = sweep.plan
    if plan.starts is not None:
        if plan.variations:
            return sweep_starts.by_value(sweep, look)
        return sweep_starts.basins([each for each in sweep.outcomes if each is not None], look)
    if sweep_map.is_map(plan.variations):
        return [*sweep_map.Map(sweep, look).lines(), Text(), *_shares(sweep, look)]
    if len(plan.variations) == 1 and sweep_line.is_line(plan.variations[0]):
        spans = sweep_line.spans(sweep, look)
        return [*sweep_line.picture(sweep, common_limit(plan), look), Text(), *long_table(spans, look)]
    narrow = [Text(), *legend(sweep.outcomes, look.width)] if look.width < NARROW else []
    return [*long_table(sweep_line.rows(sweep, common_limit(plan), look), look, len(plan.keys) + 1), *narrow]


def _shares(sweep: Sweep, look: Look) -> list[Text]:
    found = shares(each for each in sweep.outcomes if each is not None)
    columns = [
        Column("outcome", [named(each.status, look.width) for each in found]),
        Column("runs", [str(each.runs) for each in found], right=True),
        Column("share", [percent(each.runs, sweep.ended) for each in found], right=True),
        Column("iterations", [span_text(each.iterations, 9) for each in found], right=True),
        Column("loss", ["" if each.losses is None else span_text(each.losses, 2) for each in found]),
    ]
    return table(columns, look.width)


def _remarks(sweep: Sweep, look: Look) -> list[Text]:
    """The limit, and which run converged first."""
    plan, lines = sweep.plan, []
    limit = common_limit(plan)
    if limit is not None:
        meaning = GUARANTEE if is_guarantee(plan.base) else START
        lines += sentence(f"{LIMIT_WORDS.format(short(limit, 4))} is computed, not tried: {meaning}", look.width)
    best = quickest(sweep.outcomes)
    if best is not None and plan.variations:
        run = Run(plan.settings[best], sweep.outcomes[best])  # type: ignore[arg-type]
        setting = ", ".join(f"{each.key} {value_text(run.set[each.key], look.digits)}" for each in plan.variations)
        times = counted(run.outcome.iterations, "iteration")
        lines += sentence(f"Quickest: {setting} converges in {times}.", look.width)
    return [Text(), *lines] if lines else []
