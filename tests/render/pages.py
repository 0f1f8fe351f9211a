"""A run's pages as text, on a console whose width and colours are pinned."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import convstep
from convstep.iterations import Iterations
from convstep.problem.model import Problem
from convstep.render.matrix import Look
from convstep.render.report import Report, Wishes
from convstep.render.terminal import page_console
from convstep.verdict import judge

Matrix = list[list[str]]


def printed(
    problem: Problem | Mapping[str, Any],
    width: int = 80,
    *,
    name: str = "problem.yaml",
    color: str = "never",
    digits: int = 6,
    all_cells: bool = False,
    **wishes: Any,
) -> str:
    """All that a run prints.

    Args:
        problem: A problem, or the keys of one.
        width: In columns.
        name: What the header calls the problem.
        color: ``never`` or ``always``.
        digits, all_cells: As in `Look`.
        wishes: As in `Wishes`; `chosen` as text.
    """
    if isinstance(problem, Mapping):
        problem = convstep.load(problem)
    if "chosen" in wishes:
        wishes["chosen"] = Iterations.parse(wishes["chosen"])
    stream = io.StringIO()
    console = page_console(color, width, stream)
    report = Report(console, Look(width, digits, all_cells), Wishes(**wishes), name)
    descent = convstep.descend(problem)
    steps = list(descent)
    report.begin(problem)
    for step in steps:
        report.step(step)
    assert descent.outcome is not None
    report.rest(descent.outcome)
    report.end(descent.outcome, judge(problem, descent.outcome, steps[0], steps[-1]))
    return stream.getvalue()


TITLE = re.compile(r"[a-z]+(?:_[a-z]+)*(?= [^\s=]+(?:\s|$))")
PIECE = re.compile(r"[⎡⎢⎣\[] (.*?) [⎤⎥⎦\]]")
SIGNS = "×°*"


def matrices(page: str) -> list[dict[str, Matrix]]:
    """The matrices of each equation of a wide page, by their titles, as they are printed; marks are taken off."""
    return [found for group in page.split("\n\n") if (found := _equation(group.splitlines()))]


def _equation(lines: list[str]) -> dict[str, Matrix]:
    """Titles stand in the order of their matrices, and the pieces of a matrix below each other."""
    while lines and lines[0].startswith("──"):
        lines = lines[1:]
    columns: dict[int, Matrix] = {}
    for line in lines[1:]:
        for piece in PIECE.finditer(line):
            columns.setdefault(piece.start(), []).append([cell.strip(SIGNS) for cell in piece[1].split()])
    titles = TITLE.findall(lines[0]) if lines else []
    if not columns or len(titles) != len(columns):
        return {}
    return dict(zip(titles, (columns[start] for start in sorted(columns)), strict=True))
