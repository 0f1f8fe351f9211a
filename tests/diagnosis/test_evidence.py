"""What one given quantity says about candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest

import convstep
from convstep.diagnosis.evidence import Evidence, mirrored
from convstep.diagnosis.following import Followed
from convstep.diagnosis.hand import Hand
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.written import Written

KEYS = {"input": [[1, 2, 3]], "filter": [[0.5]], "target": [[1, 1, 1]], "learning_rate": 0.1, "activation": "linear"}
TRUTH = [-0.5, 0.0, 0.5]
"""The right δ."""
BOTH, ROUNDS, CUTS = Hand(True, True), Hand(True, False), Hand(False, True)


@pytest.fixture(scope="module")
def setting():
    return setting_at(convstep.load(KEYS), 1)


def evidence(setting, numbers, *, doubt=(0.0, 0.0, 0.0), finest=0.0, hand=BOTH, truths=(TRUTH,), name="delta"):
    shape = (-1, 1, 1, 1, 3)
    expected, truths = np.array([TRUTH]).reshape(shape), np.array(truths).reshape(shape)
    followed = Followed(False, False, 0, expected, np.array([doubt]).reshape(1, 1, 1, 1, -1), truths, False)
    return Evidence(setting, name, Written.of([numbers]), followed, finest, hand)


def worlds(*rows):
    """One candidate whose worlds have these numbers."""
    return np.array([rows], dtype=np.float64)


def test_what_was_written(setting):
    found = evidence(setting, ["0.50", None, "-0.25"], finest=0.01)
    assert found.values.tolist() == [0.5, 0, -0.25]
    assert found.units.tolist() == [0.01, 0, 0.01]
    assert found.judged.tolist() == [True, False, True]
    assert (found.count, found.largest, found.half, found.finest) == (2, 0.5, 0.005, 0.01)
    assert found.fits_shape
    assert found.shape == (3,)
    assert found.truth.tolist() == TRUTH
    assert found.rounding == setting.roundings["delta"]
    assert not evidence(setting, [1, 2]).fits_shape


def test_a_quantity_of_few_digits_is_judged_by_the_finest_of_all(setting):
    assert evidence(setting, ["0.5", "0.0", "0.5"], finest=0.001).finest == 0.001
    assert evidence(setting, ["0.50", "0.00", "0.50"], finest=0.001).finest == 0.01


@pytest.mark.parametrize(("hand", "ways"), [(BOTH, [[1, 1, 0], [1, 0, 1]]), (ROUNDS, [[1, 1, 0]]), (CUTS, [[1, 0, 1]])])
def test_strictly_a_number_is_rounded_or_else_cut(setting, hand, ways):
    found = evidence(setting, ["0.33", "0.34", "0.33"], finest=0.01, hand=hand).strict(worlds([0.332, 0.336, 0.338]))
    assert found.astype(int).tolist() == [[[way]] for way in ways]
    assert found.dtype == bool


def test_strictly_what_is_open_is_anything(setting):
    found = evidence(setting, [None, 1, 1], hand=ROUNDS).strict(worlds([5, 1, 2], [np.nan, np.inf, 1]))
    assert found.tolist() == [[[[True, True, False], [True, False, True]]]]
    endless = worlds([np.inf, np.nan, -np.inf], [0, 0, 0])
    assert evidence(setting, [0, 0, 0], hand=CUTS).strict(endless).tolist() == [[[[False] * 3, [True] * 3]]]


def test_leniently_doubt_is_about_the_second_world_alone(setting):
    made = evidence(setting, [1, 1, 1], doubt=(0.1, 0.1, 0.0))
    rows = [[1.05, 1.2, 1.05]] * 4
    assert made.lenient(worlds(*rows)).tolist() == [[[False] * 3, [True, False, False], [False] * 3, [False] * 3]]


def test_leniently_a_unit_may_be_lost(setting):
    made = evidence(setting, ["0.33", "0.33", None], finest=0.01)
    assert made.lenient(worlds([0.3399, 0.3401, 9], [0.3201, 0.34, 9])).tolist() == [
        [[True, False, True], [True, False, True]]
    ]


def test_leniently_the_digits_before_are_a_doubt_where_nobody_worked_it_out(setting):
    made = evidence(setting, ["0.50", "0.25"], finest=0.01)
    assert made.lenient(worlds([0.51, 0.2])).tolist() == [[[True, False]]]
    assert made.lenient(worlds([0.519, 0.2301])).tolist() == [[[True, True]]]
    assert made.lenient(worlds([0.521, 0.2299])).tolist() == [[[False, False]]]


def test_leniently_all_of_what_doubt_and_digits_leave_open(setting):
    """A share of a billionth is left to floats, also where numbers are small and the doubt is large."""
    made = evidence(setting, [0, 0, 0], doubt=(1e-3 * (1 - 1e-10),) * 3)
    assert made.lenient(worlds([0, 0, 0], [1e-3, -1e-3, 1.00001e-3]))[0, 1].tolist() == [True, True, False]
    assert made.lenient(worlds([np.nan, np.inf, 0], [0, 0, 0]))[0, 0].tolist() == [False, False, True]


@pytest.mark.parametrize(("off", "fits"), [(0.9e-9, True), (1.1e-9, False)])
def test_the_floor_is_a_billionth_of_the_largest_of_each_row(setting, off, fits):
    made = evidence(setting, [1, 0, 0])
    found = made.lenient(worlds([1, off, np.inf], [0.5, off, 0], [1000, off, 0]))
    assert found[0, :, 1].tolist() == [fits, False, fits]
    assert not made.lenient(worlds([np.inf, 5e-10, 0], [1, 0, 0]))[0, 0, 1]
    tiny = made.rounding
    assert evidence(setting, [0, 0, 0]).lenient(worlds([tiny, 2 * tiny, 0], [0, 0, 0]))[0, 0].tolist() == [
        True,
        False,
        True,
    ]


def test_the_distance_is_that_of_the_nearest_world(setting):
    made = evidence(setting, [1, None, 3])
    predicted = np.array([[[1, 9, 5], [2, 9, 3]], [[0, 0, 0], [1, 0, 3]], [[np.nan, 0, 3], [1, 0, 2]]])
    with np.errstate(all="raise"):
        assert made.distance(predicted.astype(float)).tolist() == [1, 0, math.inf]
    assert made.distance(np.array([[[np.inf, 0, 3.0]]])).tolist() == [math.inf]


def test_the_true_sign(setting):
    truths = (TRUTH, [-0.5, 0.1, 0.6])
    assert evidence(setting, TRUTH, truths=truths).true_sign((1, -1)) == 1
    assert evidence(setting, [0.5, 0, -0.5], truths=truths).true_sign((1, -1)) == -1
    assert evidence(setting, [0.5, 0, -0.5], truths=truths).true_sign((1,)) == 0
    assert evidence(setting, [-0.5, 0.1, 0.6], truths=truths).true_sign((1, -1)) == 1
    assert evidence(setting, [-0.5, 0.1, 0.3], truths=truths).true_sign((1, -1)) == 0
    assert evidence(setting, [0.5, 0.0], truths=truths).true_sign((1, -1)) == 0


def test_candidates_go_on_with_the_written_numbers_and_with_all_digits(setting):
    made = evidence(setting, ["0.3", None, "0.5"], finest=0.1)
    found = made.going_on(np.array([[[0.33, 0.2, 0.51], [0.34, 0.21, 0.52]], [[0.3, 7, 0.5], [0.3, 8, 0.5]]]))
    assert found.tolist() == [[[0.33, 0.2, 0.51], [0.3, 0.21, 0.5]], [[0.3, 7, 0.5], [0.3, 8, 0.5]]]


def test_the_chance_that_one_of_many_predictions_fits(setting):
    """Of 100 different ones, one number in 2·5/0.1 + 1 possible ones; of whole numbers, in 2·5 + 1."""
    tenths = evidence(setting, ["5.0", "0.5", "0.5"], finest=0.1)
    assert tenths.chance(100, 1) == pytest.approx(100 / 101)
    assert tenths.chance(100, 2) == pytest.approx(100 / 101**2)
    assert tenths.chance(1000, 1) == 1.0
    assert tenths.chance(0, 1) == 0.0
    assert tenths.chance(1, 1) == pytest.approx(1 / 101)
    assert evidence(setting, [5, -1, 2]).chance(3, 1) == pytest.approx(3 / 11)
    assert evidence(setting, [0.25, 0.5, 5], finest=0.0).chance(3, 1) == pytest.approx(3 / 1001)
    exact = evidence(setting, ["1/3", 0, 0]).chance(1, 1)
    assert exact == pytest.approx(1 / (2e9 + 1))
    assert evidence(setting, ["0.0", None, "0.0"], finest=0.1).chance(2, 5) == 1.0


def test_of_new_parameters_only_the_change_speaks(setting):
    made = evidence(setting, ["5.0", "5.0", None], finest=0.1)
    assert made.chance(1, 1, np.array([[4.5, 4.8, 99.0]])) == pytest.approx(1 / 11)
    assert made.chance(1, 1, np.array([4.5])) == pytest.approx(1 / 101)


def test_every_other_order_of_a_matrix():
    square = np.array([[1, 2], [3, 4]])
    found = {tuple(each.ravel().tolist()) for each in mirrored(square)}
    assert found == {
        *((3, 4, 1, 2), (2, 1, 4, 3), (4, 3, 2, 1)),
        *((1, 3, 2, 4), (2, 4, 1, 3), (3, 1, 4, 2), (4, 2, 3, 1)),
    }
    assert [each.tolist() for each in mirrored(np.array([[1, 2, 3]]))] == [[[1, 2, 3]], [[3, 2, 1]], [[3, 2, 1]]]
    assert mirrored(np.array([1, 2])) == []
    assert [each.shape for each in mirrored(np.zeros((2, 1, 2, 2)))] == [(2, 1, 2, 2)] * 7
    assert [each.shape for each in mirrored(np.zeros((2, 2, 3, 2)))] == [(2, 2, 3, 2)] * 3
