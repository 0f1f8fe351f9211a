"""What comes of working by certain rules."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.simulation import same, signature, simulated
from convstep.diagnosis.written import Written

KEYS = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 2]],
    "target": [[1, -1], [2, 1]],
    "learning_rate": 0.5,
}


def at(**changes):
    setting = setting_at(convstep.load(KEYS | changes), 1)
    return setting, stages_of(setting)


def way(setting, name, stage=None):
    return next(each for each in rules_of(setting) if each.id == name and stage in (None, each.stage))


def numbers(found):
    return {name: each.reshape(-1).tolist() for name, each in found.items()}


def test_without_wrong_ways_it_is_the_run():
    setting, stages = at()
    found = simulated(setting, stages, ())
    step = next(convstep.descend(convstep.load(KEYS)))
    assert set(found) == set(step)
    assert all(np.array_equal(found[name][0].reshape(np.shape(step[name])), step[name]) for name in step)


def test_a_wrong_way_changes_what_follows():
    setting, stages = at()
    right, found = simulated(setting, stages, ()), simulated(setting, stages, [way(setting, "ascent")])
    assert numbers(found)["new_filter"] != numbers(right)["new_filter"]
    assert all(same(found[name], right[name]) for name in found if not name.endswith(("_filter", "_update")))


def test_written_numbers_are_gone_on_from():
    setting, stages = at()
    written = {"delta": Written.of([[1, None], [0, 0]]), "filter_gradient": Written.of([[1, 2, 3]])}
    found = simulated(setting, stages, (), written)
    step = next(convstep.descend(convstep.load(KEYS)))
    assert found["delta"].reshape(2, 2).tolist() == [[1, step["delta"][0][1]], [0, 0]]
    gradient = np.array(KEYS["input"])[:2, :2] + step["delta"][0][1] * np.array(KEYS["input"])[:2, 1:]
    assert np.array_equal(found["filter_gradient"].reshape(2, 2), gradient)  # what was written has another size


def test_written_numbers_of_several_images():
    setting, stages = at(input=[[[[1, 2]]], [[[3, 4]]]], filter=[[[[1]]]], target=[[[[0, 0]]], [[[0, 0]]]])
    written = {"output": Written.of([[[[9, 8]]], [[[7, 6]]]]), "delta": Written.of([[9, 8]])}
    found = simulated(setting, stages, (), written)
    assert found["output"].ravel().tolist() == [9, 8, 7, 6]
    assert found["delta"].ravel().tolist() == [9, 8, 7, 6]


def test_a_sign_that_changes_is_carried_on():
    """With t − a from the error on, every gradient has the other sign, and the new filter is the right one."""
    setting, stages = at()
    right, found = simulated(setting, stages, ()), simulated(setting, stages, (), None, ["error"])
    turned = {"error", "output_gradient", "delta", "filter_gradient", "input_gradient"}
    for name in found:
        assert same(found[name], -right[name] if name in turned else right[name])


def test_a_rule_may_turn_the_sign():
    setting, stages = at()
    rule = next(each for each in rules_of(setting) if each.turns)
    found, plain = (simulated(setting, stages, [each]) for each in (rule, rule._replace(turns=False)))
    assert same(found["new_filter"] - found["filter"], plain["filter"] - plain["new_filter"])
    assert not same(found["new_filter"], found["filter"])


def test_an_odd_size_ends_it_where_nothing_can_go_on():
    setting, stages = at(stride=2, target=[[1]])
    found = simulated(setting, stages, [way(setting, "stride-ignored")])
    assert found["pre_activation"].shape[1:] == (1, 1, 2, 2)
    assert found["output"].shape == found["pre_activation"].shape
    assert found["error"].shape == found["pre_activation"].shape  # one target for all of them
    assert list(found)[-1] == "error"


def test_a_gradient_of_another_size_can_be_gone_on_from():
    setting, stages = at()
    found = simulated(setting, stages, [way(setting, "input-gradient-valid")])
    assert found["input_gradient"].shape[1:] != setting.shape("input_gradient")
    assert same(found["new_filter"], simulated(setting, stages, ())["new_filter"])
    assert stages[-1].name == "input_gradient"


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        *(([1.0, 2.0], [1.0, 2.0], True), ([1.0, 2.0], [[1.0, 2.0]], False), ([1.0], [1.0, 2.0], False)),
        *(([1.0, 0.0], [1.0, 0.9e-9], True), ([1.0, 0.0], [1.0, 1.1e-9], False), ([0.0], [0.9e-300], True)),
        *(([-1e9, 0.0], [-1e9, 0.5], True), ([1.0, 0.0], [1e9, 0.0], False), ([np.nan, 1.0], [np.nan, 1.0], True)),
        *(([1.0], [1.0 + 1e-6], False), ([1.0], [1.0 - 1e-6], False)),
        *(([np.nan, 1.0], [1.0, 1.0], False), ([1.0, 1.0], [np.nan, 1.0], False), ([0.0], [2e-300], False)),
    ],
)
def test_same_numbers_for_all_that_floats_can_tell(one, other, are):
    assert same(np.array(one), np.array(other)) is are


def test_signatures_are_equal_for_the_same_numbers():
    def of(*values, name="delta"):
        return signature({name: np.array([values])})

    assert of(0.3, 7.0) == of(0.1 + 0.2, 7.0)
    assert of(0.0, 1.0) == of(-0.0, 1.0) == of(1e-12, 1.0) == of(-1e-12, 1.0)
    assert of(1.0) == of(1.0 + 4e-10)
    assert of(np.nan) == of(0.0)
    different = [of(1.0), of(1.0 + 1e-8), of(10.0), of(0.1), of(-1.0), of(1.0, 1.0), of(1.0, name="error"), of(0.0)]
    assert len(set(different)) == len(different)
    assert signature({"delta": np.ones((1, 2))}) != signature({"delta": np.ones((2, 1))})
    assert of(2e-6, 1.0) != of(3e-6, 1.0)
    assert of(2.0, 5e9) == of(2.3, 5e9)
    assert hash(of(1.0)) == hash(of(1.0))
