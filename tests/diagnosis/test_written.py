"""The digits that a number was written with."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.diagnosis.written import Written, finest, read_written, shape_of
from convstep.numbers import WrittenNumber


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        *(("0.50", 0.01), ("-0.5", 0.1), ("+12.345", 0.001), (0.25, 0.01), (3.0, 0.1), (1e-05, 1e-05)),
        *(("2.", 1.0), (".5", 0.1), ("-.25", 0.01), ("1e-3", 1e-3), ("1.5e-3", 1e-4), ("1.5E-3", 1e-4)),
        *(("1.5e3", 1.0), ("1.25e1", 0.1), ("15e2", 0.0), ("2", 0.0), (2, 0.0), ("1/3", 0.0), (None, 0.0)),
        *((" 0.5 ", 0.1), ("0.1234567890123456789", 1e-15), ("1e-20", 1e-15), ("1.5e-20", 1e-15)),
        *((WrittenNumber(0.1, "0.10"), 0.01), (WrittenNumber(7, " 7 "), 0.0), (WrittenNumber(30, "0x1e"), 0.0)),
        *(("2e0", 0.0), ("20e-1", 0.1)),
    ],
)
def test_a_unit_of_the_last_decimal(value, unit):
    written = Written.of([[value, 1]])
    assert written.units.tolist() == [[unit, 0.0]]
    assert written.unit == unit if unit < 1 else written.unit == 0.0
    assert written.judged.tolist() == [[value is not None, True]]


def test_the_finest_digits_count():
    written = {"a": Written.of([["0.5", "0.25", None]]), "b": Written.of(["1.125"]), "c": Written.of(3)}
    assert [each.decimals for each in written.values()] == [2, 3, 0]
    assert finest(written) == 3
    assert finest({}) == 0
    assert finest({"c": written["c"]}) == 0


def test_cells_and_rows_left_open():
    written = Written.of([None, [["0.5", None], [1, 2]], [None, [3, "4.25"]]])
    assert written.values.tolist() == [[[0, 0], [0, 0]], [[0.5, 0], [1, 2]], [[0, 0], [3, 4.25]]]
    assert written.units.tolist() == [[[0, 0], [0, 0]], [[0.1, 0], [0, 0]], [[0, 0], [0, 0.01]]]
    assert written.judged.tolist() == [[[False] * 2] * 2, [[True, False], [True] * 2], [[False] * 2, [True] * 2]]
    assert written.judged_count == 5
    assert written.floor == pytest.approx(4.25e-9, rel=1e-12)


def test_nothing_but_an_open_row_has_no_numbers():
    assert shape_of(None) == ()
    assert shape_of([None, None]) == (2,)
    assert shape_of([None, [1, 2, 3]]) == (2, 3)
    read = read_written({"iteration": 3, "delta": [[None, None]], "loss": 2, "bias": None, "error": [[None, 0]]})
    assert [*read] == ["loss", "error"]
    assert Written.of(np.array([])).floor == 0.0


def test_an_array_has_all_its_digits():
    written = Written.of(np.array([[0.5, -3]]))
    assert written.values.tolist() == [[0.5, -3]]
    assert written.units.tolist() == [[0, 0]]
    assert written.judged.tolist() == [[True, True]]
    assert written.judged.dtype == bool
    assert written.decimals == 0
    assert written.unit == 0.0
    assert written.floor == pytest.approx(3e-9, rel=1e-12)
    assert Written.of(np.array([1, 2])).values.dtype == np.float64


def test_equal_numbers_have_the_same_key_and_others_another():
    alike = [Written.of([["0.5", 1]]).key, Written.of([[0.5, "1"]]).key]
    others = [[["0.50", 1]], [["0.5", 2]], [["0.5", None]], [["0.5"], [1]], [["0.5", "1.0"]], [["1.0", "0.5"]]]
    assert alike[0] == alike[1]
    assert len({alike[0], *(Written.of(each).key for each in others)}) == 7
    assert Written.of([0, None]).key != Written.of([0, 0]).key
