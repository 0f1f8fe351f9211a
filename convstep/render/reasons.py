"""The answer to "why?" as a page, and as JSON."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from rich.text import Text

from convstep.reasons.model import Reasons
from convstep.render.json import text_of
from convstep.render.page import rule
from convstep.render.report import STATUS_STYLES

TOGETHER = re.compile(r"z [≤=] 0|-?\d[\d.e-]*(?: (?:/ )?-?\d[\d.e-]*)+")
GLUE = "\N{NO-BREAK SPACE}"
FORMAT = '"format": "convstep-reasons", "version": 1'


def reasons_lines(reasons: Reasons, command: Callable[[Mapping[str, Any]], str], width: int) -> list[Text]:
    """The facts, and the advice with the command to copy.

    Args:
        reasons: The answer.
        command: What runs the problem with the settings it is given.
        width: In columns.
    """
    times = "1 iteration" if reasons.iterations == 1 else f"{reasons.iterations} iterations"
    lines = [rule(f"{reasons.status} after {times}", width, STATUS_STYLES[reasons.status]), Text()]
    for fact in reasons.facts:
        lines += [*_paragraph(fact.says, "  • ", width), Text()]
    if reasons.advice:
        lines += [Text("What helps, as has been tried", style="bold"), Text()]
    for number, advice in enumerate(reasons.advice, start=1):
        lines += _paragraph(advice.says, f"  {number}. ", width)
        lines += [Text(f"     {command(advice.set)}", style="cyan"), Text()]
    return lines[:-1]


def _paragraph(text: str, lead: str, width: int) -> list[Text]:
    """The text, wrapped below its lead; a filter written into it stays on one line."""
    room = max(20, width)
    glued = TOGETHER.sub(lambda found: found[0].replace(" ", GLUE) if len(found[0]) < room // 2 else found[0], text)
    wrapped = textwrap.wrap(glued, room, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return [Text(line.replace(GLUE, " ")) for line in wrapped]


def write_reasons(stream: TextIO, reasons: Reasons) -> None:
    """The answer as one JSON document."""
    facts = [{"id": fact.id, "says": fact.says, "values": dict(fact.values)} for fact in reasons.facts]
    advice: list[dict[str, Any]] = [
        {
            "says": each.says,
            "set": dict(each.set),
            "tried": {"status": each.tried.status, "iterations": each.tried.iterations, "loss": each.tried.loss},
        }
        for each in reasons.advice
    ]
    body = {"status": reasons.status, "iterations": reasons.iterations, "facts": facts, "advice": advice}
    stream.write(f"{{{FORMAT}, {text_of(body)[1:]}\n")
