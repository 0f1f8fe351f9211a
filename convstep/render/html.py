"""Steps, traces and explanations as HTML for notebooks: escaped, and readable in light and dark."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from convstep.arrays import Array
from convstep.derivation.explanation import Explanation
from convstep.numbers import DIGITS, short
from convstep.quantities import QUANTITIES
from convstep.render.sums import equation_of, label, minus
from convstep.render.wrapping import equation_lines
from convstep.trace import Step, Trace

MOST = 10
"""A matrix with more rows or columns is shown by its corners."""
PRE_WIDTH = 100
MOST_EQUATIONS = 200
"""Of an explanation, so many cells are shown."""
# Colours are the notebook's own: currentColor is dark on light and light on dark.
BRACKETS = "border-left:2px solid currentColor;border-right:2px solid currentColor;border-radius:4px"
CELL = "text-align:right;padding:1px 6px;font-family:monospace;background:none;border:none"
BLOCK = "display:inline-block;vertical-align:top;margin:4px 14px 8px 0"


def step_html(step: Step) -> str:
    """Every quantity of an iteration, a small matrix each."""
    blocks = [_quantity(name, step.array(name)) for name in step]
    return f"<div><b>Iteration {step.iteration}</b><br>{''.join(blocks)}</div>"


def trace_html(trace: Trace) -> str:
    """How a run ended, and its first and last iteration."""
    outcome = trace.outcome
    head = f"<b>{_text(outcome.status)} after {outcome.iterations} iteration{'s' * (outcome.iterations != 1)}</b>"
    advice = "".join(f"<br>→ {_text(each)}" for each in trace.advice)
    steps = [trace.steps[0], *([trace.steps[-1]] if len(trace.steps) > 1 else [])]
    return f"<div>{head}<br>{_text(trace.reason)}{advice}</div>" + "".join(step_html(step) for step in steps)


def explanation_html(explanation: Explanation) -> str:
    """Each number's sum on a line of its own."""
    lines: list[str] = []
    for cell in explanation.cells[:MOST_EQUATIONS]:
        if cell.terms:
            lines += [line.plain for line in equation_lines(equation_of(cell, DIGITS), PRE_WIDTH, indent=0)]
        else:
            lines.append(f"{label(cell.name, cell.cell)} = {minus(short(cell.value))}")
        lines += [f"  {cell.note}"] if cell.note else []
    left = len(explanation.cells) - MOST_EQUATIONS
    lines += [f"… and {left} more"] if left > 0 else []
    body = "\n".join(_text(line) for line in lines)
    return f"<div><b>Iteration {explanation.iteration}</b><pre style='white-space:pre-wrap'>{body}</pre></div>"


def _text(text: str) -> str:
    return html.escape(text)


def _quantity(name: str, array: Array) -> str:
    title = f"<span style='font-family:monospace'>{_text(name)}</span> <i>{_text(QUANTITIES[name].symbol)}</i>"
    matrices = [_matrix(part) for part in _matrices(array)]
    more = _count(array) - len(matrices)
    note = f" <small>and {more} more</small>" if more > 0 else ""
    return f"<div style='{BLOCK}'>{title}{''.join(matrices)}{note}</div>"


def _count(array: Array) -> int:
    return int(np.prod(array.shape[:-2])) if array.ndim > 2 else 1


def _matrices(array: Array) -> Sequence[Array]:
    """The matrices of an array, the first few of many."""
    if array.ndim <= 2:
        return [np.atleast_2d(array)]
    return list(array.reshape(-1, *array.shape[-2:])[:4])


def _matrix(matrix: Array) -> str:
    rows, columns = (_kept(size) for size in matrix.shape)
    lines = []
    for row in rows:
        cells = ["…" if row is None or column is None else minus(short(matrix.item(row, column))) for column in columns]
        lines.append("<tr>" + "".join(f"<td style='{CELL}'>{cell}</td>" for cell in cells) + "</tr>")
    shape = f"<small>{matrix.shape[0]}×{matrix.shape[1]}</small>" if None in rows or None in columns else ""
    return f"<table style='{BRACKETS};border-collapse:separate;margin:2px 0'>{''.join(lines)}</table>{shape}"


def _kept(size: int) -> list[int | None]:
    """The indices shown; ``None`` for the gap."""
    if size <= MOST:
        return list(range(size))
    return [0, 1, 2, None, size - 3, size - 2, size - 1]
