"""Filters and directions inside a sentence."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array
from convstep.numbers import short
from convstep.problem.model import Problem

MOST_CELLS = 9
"""The largest filter that is written out on one line."""


def filter_text(filters: Array) -> str:
    """A small filter on one line, its rows apart; of a larger one the range.

    >>> filter_text(np.array([[0.5, -1.0], [2.0, 1 / 3]]))
    '0.5 -1 / 2 0.3333'
    """
    if filters.size > MOST_CELLS:
        return f"one from {short(float(filters.min()), 4)} to {short(float(filters.max()), 4)}"
    rows = filters.reshape(-1, filters.shape[-1])
    return " / ".join(" ".join(short(float(value), 4) for value in row) for row in rows)


def direction_text(problem: Problem, direction: Array) -> str:
    """A direction of all parameters; nothing where the filter is too large to be written out."""
    count = problem.filter.size
    if count > MOST_CELLS:
        return ""
    # Beside the direction's largest number a rounding error is 0.
    tidy = np.where(np.abs(direction) < 1e-12 * np.abs(direction).max(initial=0.0), 0.0, direction)
    biases = " ".join(short(float(value), 4) for value in tidy[count:])
    return filter_text(tidy[:count].reshape(problem.filter.shape)) + (f" with bias {biases}" if biases else "")
