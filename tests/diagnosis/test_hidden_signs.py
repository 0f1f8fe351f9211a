"""Mistakes after which no number shows any more whether somebody works with a − t or t − a."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import SIGN_OF, turned_with
from convstep.quantities import QUANTITIES

KEYS = {
    "input": [[0.7, 0.3, 0.9], [0.2, 0.6, 0.1], [0.8, 0.5, 0.4]],
    "filter": [[0.3, 0.7], [0.9, 0.1]],
    "target": [[0.1, 0.9], [0.3, 1.4]],
    "activation": "sigmoid",
    "learning_rate": 0.5,
}
X = np.array(KEYS["input"])


def correlated(delta: np.ndarray) -> np.ndarray:
    return np.array([[(X[p : p + 2, q : q + 2] * delta).sum() for q in range(2)] for p in range(2)])


def told(**given: object) -> list[set[str]]:
    diagnosis = convstep.diagnose(convstep.load(KEYS), given)
    return [{mistake.id for mistake in one} for one in diagnosis.explanations]


@pytest.fixture
def step() -> convstep.Step:
    return next(iter(convstep.descend(convstep.load(KEYS))))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_slope_alone_may_be_added_or_subtracted(step, sign):
    gradient = correlated(step["activation_slope"])
    assert told(filter_gradient=gradient, new_filter=step["filter"] + sign * 0.5 * gradient) == [{"upstream-forgotten"}]


def test_with_the_error_written_down_adding_is_an_ascent(step):
    gradient = correlated(step["activation_slope"])
    new_filter = step["filter"] + 0.5 * gradient
    assert told(error=step["error"], filter_gradient=gradient, new_filter=new_filter) == [
        {"upstream-forgotten", "ascent"}
    ]


@pytest.mark.parametrize(("even", "name"), [(np.square, "error-squared"), (np.abs, "error-absolute")])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_error_that_was_squared_after_the_loss(step, even, name, sign):
    gradient = correlated(even(step["error"]) * step["activation_slope"])
    new_filter = step["filter"] + sign * 0.5 * gradient
    assert {name} in told(loss=step["loss"], filter_gradient=gradient, new_filter=new_filter)


def test_of_two_ways_that_change_the_sign_once_both_are_told():
    """A ReLU with z 1 1 −1 and e of 1 −1 −1: to let pass t − a > 0 is, in t − a, to let 2 and 3 pass."""
    problem = convstep.load({"input": [[1, 1, -1]], "filter": [[1]], "target": [[0, 2, 1]], "learning_rate": 1})
    (step,) = [next(iter(convstep.descend(problem)))]
    assert step["error"].tolist() == [[1, -1, -1]]
    diagnosis = convstep.diagnose(problem, {"delta": [[0, 1, 1]]})
    ids = {mistake.id for one in diagnosis.explanations for mistake in one}
    assert {"activation-for-slope", "slope-of-error"} <= ids


def test_the_gradient_that_the_problem_gives_may_be_written_with_the_other_sign():
    """Alone it shows a convention; nothing that follows asks for the sign."""
    problem = convstep.load({"input": [[1, 2]], "filter": [[1]], "output_gradient": [[3, -1]], "learning_rate": 1})
    diagnosis = convstep.diagnose(problem, {"output_gradient": [[-3, 1]]})
    assert (diagnosis.verdict, diagnosis.conventions) == ("right", ("error-sign",))


QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}


@pytest.mark.parametrize("name", ["output_gradient", "delta"])
def test_a_sign_that_changes_on_the_way_is_a_convention_and_no_mistake(name):
    """A mistake that fits only if the sign changed as well explains nothing that the sign alone does not."""
    problem = convstep.load(QUESTION)
    step = next(iter(convstep.descend(problem)))
    given = {"error": step["error"], name: -step[name], "filter_gradient": -step["filter_gradient"]}
    for new_filter, verdict, told_ids in (
        (step["new_filter"], "right", []),
        (2 * step["filter"] - step["new_filter"], "wrong", ["ascent"]),
    ):
        diagnosis = convstep.diagnose(problem, {**given, "new_filter": new_filter})
        assert (diagnosis.verdict, [each.id for one in diagnosis.explanations for each in one]) == (verdict, told_ids)
        assert [each.status for each in diagnosis.quantities][:2] == ["right", "convention"]
        assert diagnosis.conventions == ("gradient-sign",)


@pytest.mark.parametrize(
    ("name", "unseen"),
    [
        ("error", ()),
        ("output_gradient", ("error",)),
        ("delta", ("error", "output_gradient")),
        ("filter_gradient", ()),
        ("filter_update", ()),
        ("bias_momentum", ("bias_gradient", "decayed_bias_gradient", "bias_gradient_average")),
    ],
)
def test_what_nobody_saw_turns_with_what_was_made_of_it(name, unseen):
    assert turned_with(name) == unseen


def test_only_what_was_made_of_the_error_can_have_its_sign():
    assert set(SIGN_OF) <= set(QUANTITIES)


def test_delta_alone_may_have_the_other_sign(step):
    diagnosis = convstep.diagnose(convstep.load(KEYS), {"delta": -step["delta"], "new_filter": step["new_filter"]})
    assert (diagnosis.verdict, [each.status for each in diagnosis.quantities]) == ("right", ["convention", "right"])
