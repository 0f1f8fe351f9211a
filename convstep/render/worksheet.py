"""A problem with empty matrices to fill in, as a file that can be checked when it is filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from convstep.problem.checks import check
from convstep.problem.document import to_document
from convstep.problem.model import Problem
from convstep.render.problem_file import document_yaml

ALWAYS = ("title", "input", "filter", "target", "output_gradient", "learning_rate", "activation")
"""The keys that are written even where they hold what they hold by default."""


def worksheet_text(problem: Problem, shapes: Sequence[tuple[str, tuple[int, ...]]], iteration: int) -> str:
    """The problem, then a ``null`` for every number to be filled in.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, 2]], "filter": [[2]], "target": [[1, 1]], "learning_rate": 0.1})
    >>> print(worksheet_text(problem, [("error", (1, 2))], 1).partition("attempt:")[2])
    <BLANKLINE>
      iteration: 1
      error:
        - [null, null]
    <BLANKLINE>

    Args:
        problem: The problem; an attempt in it is left out.
        shapes: The quantities to be filled in, each with its shape.
        iteration: Which iteration it is.
    """
    lines = ["# Put your numbers in the place of null, as many as you like, and then: convstep check FILE"]
    text = document_yaml(plain_document(replace(problem, attempt=None)))
    lines += [text.rstrip("\n"), "attempt:", f"  iteration: {iteration}"]
    for name, shape in shapes:
        lines += _empty(name, shape)
    return "\n".join(lines) + "\n"


def plain_document(problem: Problem) -> dict[str, Any]:
    """The problem's keys without those that hold their defaults."""
    usual = to_document(check({"input": [[0]], "filter": [[0]], "target": [[0]], "learning_rate": 1}))
    document = to_document(problem)
    return {key: value for key, value in document.items() if key in ALWAYS or usual.get(key) != value}


def _empty(name: str, shape: tuple[int, ...]) -> list[str]:
    """A quantity with nothing in it, a row of a matrix a line."""
    if not shape:
        return [f"  {name}: null"]
    if len(shape) == 1:
        return [f"  {name}: {_row(shape)}"]
    return [f"  {name}:", *[f"    - {_row(shape[1:])}"] * shape[0]]


def _row(shape: tuple[int, ...]) -> str:
    """Nested lists of null on one line."""
    return "[" + ", ".join([_row(shape[1:]) if len(shape) > 1 else "null"] * shape[0]) + "]"
