"""Explanations as text, as ``convstep explain`` prints them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

import convstep
from convstep.derivation.explanation import Derivations
from convstep.problem.model import Problem
from convstep.render.explanation import ExplainedPage
from convstep.render.matrix import Look
from convstep.render.report import header
from convstep.render.terminal import page_console, write


def derivations(problem: Problem, iteration: int = 1) -> Derivations:
    """An iteration, ready to be explained."""
    before = None
    for step in convstep.descend(problem):
        if step.iteration == iteration:
            return Derivations(problem, step, before)
        before = step
    raise AssertionError(f"iteration {iteration} is not reached")


def explained(
    problem: Problem | Mapping[str, Any],
    width: int = 80,
    *,
    cells: Sequence[tuple[str, tuple[int, ...]]] = (),
    names: Sequence[str] | None = None,
    iteration: int = 1,
    color: str = "never",
    digits: int = 6,
    all_cells: bool = False,
    all_terms: bool = False,
) -> str:
    """The header, and the cells asked for or else the iteration."""
    if isinstance(problem, Mapping):
        problem = convstep.load(problem)
    stream = io.StringIO()
    console = page_console(color, width, stream)
    page = ExplainedPage(derivations(problem, iteration), Look(width, digits, all_cells), all_terms=all_terms)
    write(console, [*header(problem, "problem.yaml", width), Text()])
    for lines in [page.one(*cell) for cell in cells] or [page.iteration(names)]:
        write(console, lines)
    return stream.getvalue()
