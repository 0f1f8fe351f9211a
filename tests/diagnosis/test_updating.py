"""The stages of the update, taken apart, give what the optimizers give: with each of their parameters, later on too."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.plan import right_values
from convstep.diagnosis.settings import setting_at

PROBLEM = {
    "input": [[0.7, 0.3, 0.9], [0.2, 0.6, 0.1], [0.8, 0.5, 0.4]],
    "filter": [[0.3, 0.7], [0.9, -0.1]],
    "bias": 0.2,
    "target": [[0.1, 0.9], [0.3, 1.4]],
    "activation": "tanh",
    "learning_rate": 0.5,
}
OPTIMIZERS = [
    "sgd",
    {"sgd": {"weight_decay": 0.3}},
    {"sgd": {"momentum": 0.8, "dampening": 0.4, "weight_decay": 0.2}},
    {"sgd": {"momentum": 0.7, "nesterov": True}},
    {"adam": {"betas": [0.8, 0.9], "eps": 0.1, "weight_decay": 0.1}},
    {"adam": {"betas": [0.5, 0.3], "amsgrad": True}},
    {"rmsprop": {"alpha": 0.8, "eps": 0.1, "weight_decay": 0.2}},
    {"rmsprop": {"alpha": 0.7, "centered": True}},
    {"rmsprop": {"alpha": 0.7, "centered": True, "momentum": 0.6}},
    {"adagrad": {"lr_decay": 0.4, "initial_accumulator_value": 0.5, "eps": 0.1, "weight_decay": 0.1}},
]


@pytest.mark.parametrize("iteration", [1, 2, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_they_give_what_the_run_gives(optimizer, iteration):
    setting = setting_at(convstep.load(PROBLEM | {"optimizer": optimizer}), iteration)
    values = right_values(setting, stages_of(setting))
    assert set(setting.truth) <= set(values)
    for name, right in setting.truth.items():
        assert np.allclose(values[name], right, rtol=1e-9, atol=1e-12), name
