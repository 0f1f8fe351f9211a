"""The worlds that numbers are computed in side by side."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.worlds import gone_on_with, in_worlds, rounded, true_worlds, worlds_with

KEYS = {"input": [[1, 2, 3]], "filter": [[0.125]], "target": [[1, 1, 1]], "learning_rate": 0.1}


def test_only_where_there_are_digits_to_lose_is_anything_rounded_on_the_way():
    assert [worlds_with(decimals) for decimals in (0, 1, 2, 11, 12, 15)] == [2, 4, 4, 4, 2, 2]


@pytest.mark.parametrize("name", ["delta", "filter_gradient", "new_filter"])
def test_in_the_third_world_steps_are_rounded_and_in_the_fourth_cut(name):
    number = np.array([[1.2379], [-1.2379], [0.29], [1.2300004]]).T
    found = rounded(np.repeat(number, 4, axis=0), name, 2)
    assert found[0].tolist() == found[1].tolist() == number[0].tolist()
    assert found[2].tolist() == [1.24, -1.24, 0.29, 1.23]
    assert found[3].tolist() == [1.23, -1.23, 0.29, 1.23]


def test_a_float_just_below_a_short_decimal_is_that_decimal():
    """By a millionth of a unit, and no more."""
    numbers = np.repeat(np.array([[0.24999999, 0.2499999, 0.249999]]), 4, axis=0)
    assert rounded(numbers, "delta", 2)[3].tolist() == [0.24, 0.24, 0.24]
    numbers = np.repeat(np.array([[0.25 - 4e-9, 0.25 - 6e-9]]), 4, axis=0)
    assert rounded(numbers, "delta", 2)[3].tolist() == [0.25, 0.24]


@pytest.mark.parametrize("name", ["filter", "bias", "filter_momentum", "filter_square_average", "window_sums", "sign"])
def test_what_is_kept_and_not_written_down_is_not_rounded(name):
    numbers = np.full((4, 1), 1.2379)
    assert rounded(numbers, name, 2) is numbers


def test_two_worlds_have_nothing_to_round():
    numbers = np.full((2, 1), 1.2379)
    assert rounded(numbers, "delta", 2) is numbers


def test_what_is_the_same_in_all_worlds():
    one, several = np.array([[1.0, 2.0]]), np.arange(8.0).reshape(4, 2)
    assert in_worlds(one, 4).tolist() == [[1.0, 2.0]] * 4
    assert in_worlds(several, 4) is several


def test_what_one_goes_on_with():
    written, predicted = np.full((4, 2), 9.0), np.arange(8.0).reshape(4, 2)
    assert gone_on_with("delta", written, predicted).tolist() == [[0, 1], [9, 9], [9, 9], [9, 9]]
    assert gone_on_with("filter_momentum", written, predicted).tolist() == [[0, 1], [9, 9], [4, 5], [6, 7]]
    assert gone_on_with("filter_average", written, predicted).tolist() == [[0, 1], [9, 9], [4, 5], [6, 7]]
    assert gone_on_with("filter_square_average", written, predicted) is predicted
    assert predicted.tolist() == np.arange(8.0).reshape(4, 2).tolist()


def test_the_right_numbers_of_every_world_and_of_the_run():
    """z is 0.125, 0.25 and 0.375, of one digit 0.1, 0.2 and 0.4, or cut 0.1, 0.2 and 0.3."""
    setting = setting_at(convstep.load(KEYS), 1)
    stages = stages_of(setting)
    found = true_worlds(setting, stages, 1)
    assert found["pre_activation"].reshape(4, 3).tolist() == [[0.125, 0.25, 0.375]] * 4
    error = found["error"].reshape(4, 3)
    assert error[:2].tolist() == [[-0.875, -0.75, -0.625]] * 2
    assert error[2:] == pytest.approx(np.array([[-0.9, -0.8, -0.6], [-0.9, -0.8, -0.7]]))
    assert true_worlds(setting, stages, 0)["error"].reshape(2, 3).tolist() == [[-0.875, -0.75, -0.625]] * 2
    setting.of_run = {"error": np.full((1, *setting.shape("error")), 7.0), "no-stage": np.zeros(1)}
    both = true_worlds(setting, stages, 1)
    assert both["error"].shape[0] == 5
    assert both["error"][:4].tolist() == found["error"].tolist()
    assert both["error"][4].ravel().tolist() == [7, 7, 7]
    assert both["delta"].shape[0] == 4
