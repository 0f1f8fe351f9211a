"""Mistakes after which no number shows any more whether somebody works with a − t or t − a."""

from __future__ import annotations

import numpy as np
import pytest

import convstep

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
