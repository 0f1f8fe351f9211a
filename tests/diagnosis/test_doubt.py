"""What rounding can move, and what it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.doubt import carried, predicted_doubt, rounded_doubt
from convstep.diagnosis.plan import right_values
from convstep.diagnosis.settings import setting_at

GIVEN = {"input": [[0.5, 2]], "filter": [[0.3]], "output_gradient": [[1, 2]], "learning_rate": 1}
TARGETED = {"input": [[0.5, 2]], "filter": [[0.3]], "target": [[1, 2]], "learning_rate": 1}


@pytest.mark.parametrize(
    ("problem", "changes", "name", "rounds"),
    [
        (TARGETED, {}, "output", True),
        (TARGETED, {}, "output_gradient", True),
        (GIVEN, {}, "output_gradient", False),
        (GIVEN, {}, "delta", True),
        (GIVEN, {}, "activation_slope", False),
        (GIVEN, {"activation": "linear"}, "activation_slope", False),
        (GIVEN, {"activation": "tanh"}, "activation_slope", True),
        (TARGETED, {"target_through_activation": True}, "activated_target", False),
        (TARGETED, {}, "filter", False),
        (TARGETED, {}, "gradient_source", False),
    ],
)
def test_what_is_given_or_never_written_is_not_rounded(problem, changes, name, rounds):
    setting = setting_at(convstep.load(problem | changes), 1)
    value, doubt = np.array([1.234, 1.23]), np.zeros(2)
    found = rounded_doubt(setting, name, value, doubt, 0.01)
    assert found.tolist() == (pytest.approx([0.004, 0.0]) if rounds else [0.0, 0.0])


def test_a_number_that_is_cut_loses_more_than_one_that_is_rounded():
    setting = setting_at(convstep.load(TARGETED), 1)
    assert rounded_doubt(setting, "delta", np.array([0.019]), np.zeros(1), 0.01) == pytest.approx([0.009])
    assert rounded_doubt(setting, "delta", np.array([0.02]), np.array([0.003]), 0.01) == pytest.approx([0.013])
    assert rounded_doubt(setting, "delta", np.array([0.02 - 3e-9]), np.zeros(1), 0.01).tolist() == [0.0]


@pytest.mark.parametrize(("bias", "z", "unsure"), [(-0.3, [0, 0.2, 0.7], [1, 0, 0]), (-0.5, [-0.2, 0, 0.5], [0, 0, 0])])
def test_a_program_need_not_have_found_the_zero_on_paper(bias, z, unsure):
    """0.1 + 0.2 − 0.3 is 0 on paper, and not in floats; 0.25 + 0.25 − 0.5 is 0 in both."""
    keys = {"input": [[0.1, 0.2, 0.25, 0.25, 1, 0]], "filter": [[1, 1]], "stride": [1, 2], "target": [[1, 1, 1]]}
    setting = setting_at(convstep.load(keys | {"learning_rate": 1, "bias": bias}), 1)
    stages = {stage.name: stage for stage in stages_of(setting)}
    values = right_values(setting, list(stages.values()))
    doubts = {name: np.zeros(each.shape) for name, each in values.items()}
    found = predicted_doubt(setting, stages["pre_activation"], values, doubts)
    rounding = setting.roundings["pre_activation"]
    assert 0 < rounding < 1e-14
    assert values["pre_activation"].reshape(-1) == pytest.approx(z, rel=1e-12, abs=0)
    assert found.reshape(-1).tolist() == [rounding * each for each in unsure]


@pytest.mark.parametrize(("second", "moved"), [(0, 0), (0.75, 1)])
def test_where_a_doubt_reaches_below_a_root_it_says_nothing(second, moved):
    """g/√v of two weights: the first v is in doubt by twice itself, the second by nothing, or by ¾."""
    keys = {"input": [[2, 1]], "filter": [[1, 1]], "target": [[1]], "learning_rate": 0.1, "activation": "linear"}
    setting = setting_at(convstep.load(keys | {"optimizer": {"rmsprop": {"momentum": 0.9}}}), 1)
    stages = {stage.name: stage for stage in stages_of(setting)}
    values = right_values(setting, list(stages.values()))
    doubts = {name: np.zeros(each.shape) for name, each in values.items()}
    average = values["filter_square_average"]
    doubts["filter_square_average"] = average * np.reshape([2, second], average.shape)
    with np.errstate(invalid="ignore"):
        found = carried(setting, stages["filter_momentum"], values, doubts)
    quotient = values["filter_momentum"].reshape(-1)[1]
    assert found.reshape(-1) == pytest.approx([0, moved * quotient], abs=1e-6)
