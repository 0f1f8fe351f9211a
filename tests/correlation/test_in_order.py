"""Sums of rows: one number after the other where they are short, and what is done where they are long."""

from __future__ import annotations

import functools
import math
import operator

import numpy as np
import pytest

from convstep.correlation import sum_rows, sum_squares
from convstep.correlation.in_order import CHUNK, LONGEST_ROW

ROWS = np.random.default_rng(3).normal(size=(3, 100_000))


def one_after_the_other(rows: np.ndarray) -> list[float]:
    """The sum of each row as on paper."""
    return [functools.reduce(operator.add, row) for row in rows.tolist()]


@pytest.mark.parametrize("length", [1, 2, 3, 100, 4096])
def test_short_rows_are_added_one_number_after_the_other(length):
    rows = ROWS[:, :length]
    assert sum_rows(rows).tolist() == one_after_the_other(rows)
    assert sum_squares(rows).tolist() == one_after_the_other(rows * rows)


def test_long_rows_are_added_in_pairs():
    rows = ROWS[:, :4097]
    assert sum_rows(rows).tolist() == np.add.reduce(rows, axis=1).tolist() != one_after_the_other(rows)
    assert sum_squares(rows).tolist() == np.add.reduce(rows * rows, axis=1).tolist()


@pytest.mark.parametrize("length", [50_000, 65_536, 65_537, 80_000, 100_000])
def test_squares_of_very_long_rows_are_added_piece_by_piece(length):
    rows = ROWS[:, :length]
    found = sum_squares(rows).tolist()
    assert found == pytest.approx([math.fsum(row) for row in (rows * rows).tolist()], rel=1e-14)
    pieces = [rows] if length <= 65_536 else np.split(rows, range(32_768, length, 32_768), axis=1)
    assert found == functools.reduce(operator.add, [np.add.reduce(each * each, axis=1) for each in pieces]).tolist()


def test_the_limits_are_those_of_the_tests_above():
    assert (LONGEST_ROW, CHUNK) == (4096, 32_768)
