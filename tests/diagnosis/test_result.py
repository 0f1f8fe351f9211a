"""What a diagnosis says of itself."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.result import JudgedQuantity

PROBLEM = {"input": [[1, 2, 3]], "filter": [[1, -1]], "target": [[1, 1]], "learning_rate": 0.5, "activation": "linear"}


@pytest.mark.parametrize(
    ("follows", "expected", "differs"),
    [
        *(([1.0, 2.0], [1.0, 2.0], False), ([1.0, 2.0], [1.0, 2.1], True), ([[1.0, 2.0]], [1.0, 2.0], True)),
        *(([1.0, 0.9e-9], [1.0, 0.0], False), ([1.0, 1.1e-9], [1.0, 0.0], True), ([0.5, 1e-9], [1.0, 0.0], True)),
        *(([-1e9, 0.5], [-1e9, 0.0], False), ([-1e9, 1.5], [-1e9, 0.0], True), ([0.0, 2e-300], [0.0, 0.0], True)),
        *(([np.nan, 1.0], [np.nan, 1.0], False), ([np.nan, 1.0], [1.0, 1.0], True)),
    ],
)
def test_follows_differs_where_more_than_floats_lies_between(follows, expected, differs):
    expected = np.array(expected)
    quantity = JudgedQuantity("delta", "follows", expected, expected, np.array(follows), None, (), False, False)
    assert quantity.follows_differs is differs


def test_it_shows_the_verdict_and_every_set_of_mistakes():
    problem = convstep.load(PROBLEM)
    right = [[-1, -1]]
    assert repr(convstep.diagnose(problem, {"pre_activation": right})) == "<Diagnosis: right>"
    tie = convstep.diagnose(problem, {"delta": [[4, 4]]})
    pair = convstep.diagnose(problem, {"filter_gradient": [[-10, -6]], "new_filter": [[-4, -4]]})
    assert repr(tie) == "<Diagnosis: wrong, factor-two or error-squared>"
    assert repr(pair) == "<Diagnosis: wrong, gradient-rotated+ascent>"
    with pytest.raises(StopIteration):
        tie["filter_gradient"]


def test_conventions_are_named_once_and_nothing_else_is():
    problem = convstep.load(PROBLEM)
    given = {"error": [[2, 2]], "delta": [[2, 2]], "filter_gradient": [[10, 6]], "new_filter": [["-4.0", "-4.0"]]}
    told = convstep.diagnose(problem, given)
    assert told.conventions == ("error-sign",)
    assert told["filter_gradient"].id == "gradient-rotated"
    assert convstep.diagnose(problem, {"delta": [[-2, -2]]}).conventions == ()
