"""By how much a number may be off by its digits."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import convstep
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.tolerance import fits, lost_units, units_of
from convstep.diagnosis.written import Written

KEYS = {"input": [[1, 2, 3]], "filter": [[0.5]], "target": [[1, 1, 1]], "learning_rate": 0.1}


@pytest.fixture(scope="module")
def setting():
    return setting_at(convstep.load(KEYS), 1)


def fitting(setting, written, expected, doubt=0.0, half=0.0, name="delta"):
    """Which of three numbers fit."""
    rows = np.array(expected, dtype=np.float64).reshape(-1, 1, 1, 1, 3)
    found = fits(setting, name, Written.of([written]), rows, np.full(rows.shape, doubt), *filter(None, [half]))
    assert found.shape == rows.shape
    assert found.dtype == bool
    return found.reshape(-1, 3).tolist()


def test_a_unit_of_the_last_decimal_may_be_lost_and_no_more(setting):
    assert fitting(setting, ["0.33", "0.34", "0.35"], [1 / 3, 1 / 3, 1 / 3]) == [[True, True, False]]
    assert fitting(setting, ["0.33", "0.33", "0.33"], [0.34, 0.32, 0.3399]) == [[False, False, True]]
    assert fitting(setting, ["0.5", "0.5", "0.5"], [0.5, 0.4000001, 0.5999999]) == [[True, True, True]]


def test_doubt_comes_on_top(setting):
    assert fitting(setting, ["0.33", "0.33", "0.33"], [0.345, 0.36, 0.345], 0.01) == [[True, False, True]]
    assert fitting(setting, [1, 1, 1], [1.01, 0.99, 1.011], 0.01) == [[True, True, False]]
    just = 1e-3 * (1 - 1e-10)
    assert fitting(setting, [0, 0, 0], [1e-3, -1e-3, 1.00001e-3], just) == [[True, True, False]]


def test_each_row_by_itself(setting):
    assert fitting(setting, ["0.1", "0.2", "0.3"], [0.1, 0.2, 0.3, 0.1, 0.9, 0.3]) == [[True] * 3, [True, False, True]]


def test_what_is_open_is_not_judged(setting):
    assert fitting(setting, [None, 7, None], [1, 2, 3]) == [[True, False, True]]


def test_another_shape_never_fits(setting):
    expected, doubt = np.ones((2, 1, 1, 1, 3)), np.zeros((2, 1, 1, 1, 3))
    found = fits(setting, "delta", Written.of([[1], [1], [1]]), expected, doubt)
    assert found.dtype == bool
    assert not found.any()
    assert not fits(setting, "delta", Written.of([[None, None]]), expected, doubt).any()
    assert fits(setting, "delta", Written.of([[[1, 1, 1]]]), expected, doubt).all()


@pytest.mark.parametrize(("off", "is_same"), [(0.9e-9, True), (1.2e-9, False)])
def test_exact_numbers_have_a_floor_of_their_largest(setting, off, is_same):
    """A billionth of the largest, of the smaller one of what is written and what is expected."""
    assert fitting(setting, [1, 0, 0], [1, off, 0]) == [[True, is_same, True]]
    assert fitting(setting, [1, 0, 0], [1000, off, 0]) == [[False, is_same, True]]
    assert fitting(setting, [1000, 0, 0], [1, off, 0]) == [[False, is_same, True]]
    assert fitting(setting, [1, 0, 0], [1, off, 0, 2, off, 0]) == [[True, is_same, True], [False, is_same, True]]
    assert fitting(setting, [1, 0, 0], [1, off, 0, 0.1, off, 0]) == [[True, is_same, True], [False, False, True]]
    assert fitting(setting, [1, 0, 0], [np.inf, off, 0.5]) == [[False, off < 0.5e-9, False]]


def test_the_floats_of_a_run_may_round(setting):
    """And where nothing rounds, two numbers that are 0 for all that floats can tell are the same."""
    tiny = setting.roundings["delta"]
    assert 0 < tiny < 1e-14
    assert fitting(setting, [0, 0, 0], [tiny, 2 * tiny, 0]) == [[True, False, True]]
    unrounded = copy.copy(setting)
    unrounded.roundings = {"delta": 0.0}
    assert fitting(unrounded, [0, 0, 0], [9e-301, 2e-300, 0]) == [[True, False, True]]


HALF = 0.005
"""Half a unit of two decimals."""


def test_a_whole_number_may_be_one_that_lost_its_digits(setting):
    """Rounded to half a unit of the finest in use, or cut to a unit where that made it smaller."""
    assert fitting(setting, ["1", "1", "1"], [1.004, 1.009, 1.011], half=HALF) == [[True, True, False]]
    assert fitting(setting, ["1", "1", "-1"], [0.996, 0.994, -1.009], half=HALF) == [[True, False, True]]
    assert fitting(setting, ["0", "0", "-1"], [0.009, -0.009, -0.994], half=HALF) == [[True, True, False]]


def test_units_of():
    values, units = np.array([1.0, 1.0, -1.0, 1.0, 0.5]), np.array([0, 0, 0, 0, 0.1])
    expected = np.array([1.0, 0.9, -2.0, -2.0, 9.0])
    assert units_of(values, units, expected, 0.0).tolist() == units.tolist()
    assert units_of(values, units, expected, HALF).tolist() == [2 * HALF, HALF, 2 * HALF, HALF, 0.1]
    assert units_of(values, np.full(5, 0.001), expected, HALF).tolist() == [HALF] * 5
    assert units_of(values, np.full(5, 0.1), expected, HALF).tolist() == [0.1] * 5
    zeros, ends = np.zeros(3), np.array([0, np.inf, np.nan])
    assert units_of(zeros, zeros, ends, HALF).tolist() == [2 * HALF, HALF, HALF]


@pytest.mark.parametrize(
    ("expected", "unit", "doubt", "share"),
    [
        *((0.333, 0.01, 0.0, 1), (0.34, 0.01, 0.0, 1e-9), (0.34, 0.01, 1e-12, 1), (12.0, 0.01, 0.0, 1e-9)),
        *((0.29, 0.01, 0.0, 1), (0.57, 0.01, 0.0, 1), (0.25, 0.125, 0.0, 1e-9), (5.0, 0.0, 0.0, 1)),
        *((0.34 + 1e-13, 0.01, 0.0, 1e-9), (0.34 + 1e-10, 0.01, 0.0, 1), (-0.29, 0.01, 0.0, 1)),
        *((1e6 + 1e-9, 1.0, 0.0, 1e-9), (1.0 + 3e-12, 1.0, 0.0, 1), (1.0 + 1.5e-12, 1.0, 0.0, 1e-9)),
        *((1.5e-12, 1.0, 0.0, 1), (0.5e-12, 1.0, 0.0, 1e-9)),
    ],
)
def test_a_number_that_has_no_more_digits_loses_none(expected, unit, doubt, share):
    """0.29 is just below 29 hundredths in floats: a program that cuts makes 0.28 of it."""
    assert lost_units(np.array([expected]), np.array([unit]), doubt).tolist() == [share * unit]
