"""A learner's rule run to its end beside the right one, as a page."""

from __future__ import annotations

from rich.text import Text

from convstep.diagnosis.replay import Course, Replay
from convstep.diagnosis.result import Diagnosis
from convstep.numbers import short
from convstep.render.curve import sparkline
from convstep.render.layout import Term, equation
from convstep.render.matrix import Look, array_block
from convstep.render.page import headline
from convstep.render.paragraphs import paragraphs
from convstep.words import counted

CURVE_WIDTH = 40


def replay_lines(replay: Replay, look: Look) -> list[Text]:
    """Both runs: what became of the loss, and the filters that they end with."""
    lines = [*headline(f"your rule run to its end: {replay.learner.status}", look.width, "bold")]
    lines += paragraphs(f"With {' and '.join(replay.ids)}, {_story(replay.learner)}", look.width)
    lines += paragraphs(f"With the right rule, {_story(replay.right)}", look.width)
    lines += [Text(), _curve("yours", replay.learner, look), _curve("right", replay.right, look), Text()]
    axes = ("filter", "channel")
    terms = [
        Term("", array_block(Text(title, style="italic"), course.filter, look, axes=axes[-(course.filter.ndim - 2) :]))
        for title, course in (("your final filter", replay.learner), ("final filter", replay.right))
    ]
    return [*lines, *equation(terms, look.width)]


def _story(course: Course) -> str:
    """What became of the loss, in a sentence."""
    first, last, lowest = course.losses[0], course.losses[-1], course.losses[course.lowest]
    times = counted(course.iterations, "iteration")
    told = f"the loss goes from {short(first)} to {short(last)} in {times}: {course.status}."
    if 0 < course.lowest < course.iterations and lowest < 0.9 * last:
        told = (
            f"the loss is {short(lowest)} after {counted(course.lowest, 'iteration')} and back at {short(last)} after "
            f"{course.iterations}: {course.status}."
        )
    return told


def _curve(name: str, course: Course, look: Look) -> Text:
    room = max(4, min(CURVE_WIDTH, look.width - len(name) - 8))
    bars, logarithmic = sparkline(course.losses, room)
    line = Text.assemble(f"  {name}  ", (bars, "green"))
    note = "   logarithmic scale"
    if logarithmic and line.cell_len + len(note) <= look.width:
        line.append(note, style="dim")
    return line


def no_replay_lines(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """Why there is nothing to run."""
    if diagnosis.verdict == "right":
        says = "There is no other rule to run: yours is the right one."
    elif diagnosis.verdict == "slip":
        says = "There is no other rule to run: only the arithmetic slipped."
    elif len(diagnosis.explanations) > 1:
        says = "Several explanations fit; give the quantity that tells them apart, and the one left can be run."
    elif diagnosis.explanations:
        says = "This problem does not learn, so there is nothing to run."
    else:
        says = "Nobody knows the rule behind these numbers, so it cannot be run."
    return paragraphs(says, look.width, style="dim")
