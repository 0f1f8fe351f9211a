"""The types of array that the whole house speaks of.

Where a problem is exact, the arrays of the same names hold fractions (of the type object), and single numbers are
fractions as well. Whoever merely hands numbers on takes both; the annotations name the usual case.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Spelled without numpy.typing, which costs time at every start.
Array = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
"""Numbers in float64, of any shape."""
Mask = np.ndarray[tuple[Any, ...], np.dtype[np.bool_]]
"""True or false, of any shape."""
Numbers = np.ndarray[tuple[Any, ...], np.dtype[Any]]
"""Numbers of any type: float64, or objects such as fractions."""
Number = Any
"""A fraction on its way to where the annotations name floats."""


def are_exact(numbers: Numbers) -> bool:
    """Whether an array holds fractions."""
    return numbers.dtype.hasobject


def as_float(number: Any) -> float:
    """The float nearest to a number; infinity beyond the largest."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def in_floats(numbers: Numbers) -> Array:
    """The array in float64: itself, or the floats nearest to its fractions, read-only."""
    if not are_exact(numbers):
        return numbers
    floats = np.array([as_float(number) for number in numbers.reshape(-1)], dtype=np.float64).reshape(numbers.shape)
    floats.flags.writeable = False
    return floats


def read_only(numbers: Array) -> Array:
    """The same numbers, which whoever gets them cannot change."""
    view = np.asarray(numbers).view()
    view.flags.writeable = False
    return view


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its leading axes of length 1."""
    start = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[start:]
