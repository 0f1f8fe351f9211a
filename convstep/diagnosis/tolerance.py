"""When a written number is an expected one for all that rounding can do: the lenient comparison."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array, Mask, without_ones
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.written import FLOOR, Written


def fits(setting: Setting, name: str, written: Written, expected: Array, doubt: Array, half: float = 0.0) -> Mask:
    """Which numbers are the expected ones for all that rounding can do; none where the shapes differ.

    Args:
        setting: The exercise.
        name: The quantity.
        written: The learner's numbers.
        expected: What they should be, in one row or in several that each may be it.
        doubt: How far that may be off; a row for each.
        half: Half a unit of the finest digits in use: a whole number may have been rounded to that.
    """
    shape = expected.shape[1:]
    if without_ones(written.values.shape) != setting.form(name, shape):
        return np.zeros(expected.shape, dtype=bool)
    apart = np.abs(written.values.reshape(shape) - expected)
    digits = units_of(written.values.reshape(shape), written.units.reshape(shape), expected, half)
    units = lost_units(expected, digits, doubt)
    allowed = (units + doubt) * (1.0 + 1e-9) + _floor(setting, name, written, expected)
    return np.asarray((apart <= allowed) | ~written.judged.reshape(shape))


def units_of(values: Array, units: Array, expected: Array, half: float) -> Array:
    """By how much numbers may be off by their digits.

    A whole number may be one of more digits that a program left out: rounded to half a unit of the finest in use, or
    cut to a whole one, which makes it smaller.

    Args:
        values: The written numbers.
        units: A unit of each one's last decimal; 0 where it has none.
        expected: What they should be.
        half: Half a unit of the finest digits in use.
    """
    if not half or units.all():
        return np.maximum(units, half)
    with np.errstate(all="ignore"):
        shorter = (np.abs(values) <= np.abs(expected)) & (values * expected >= 0)
    return np.where((units == 0) & shorter, 2.0 * half, np.maximum(units, half))


def lost_units(expected: Array, units: Array, doubt: Array | float) -> Array:
    """Up to a unit, where rounding can have changed a number: not where it has no more digits, and is in no doubt."""
    safe = np.where(units > 0, units, 1.0)
    with np.errstate(all="ignore"):
        steps = expected / safe
        # A float just below a short decimal: a program may have cut it to the one before.
        has_more = (np.abs(steps - np.rint(steps)) > 1e-12 * (1.0 + np.abs(steps))) | (
            np.trunc(steps) != np.rint(steps)
        )
    return np.where(has_more | (doubt > 0), units, 1e-9 * units)


def _floor(setting: Setting, name: str, written: Written, expected: Array) -> Array:
    """How far apart two numbers may always be, for each row."""
    sizes = np.abs(expected).reshape(len(expected), -1)
    largest = np.where(np.isfinite(sizes), sizes, 0.0).max(axis=1)
    floors = np.maximum(np.minimum(written.floor, FLOOR * largest), max(setting.roundings[name], 1e-300))
    return np.asarray(floors.reshape(-1, *[1] * (expected.ndim - 1)))
