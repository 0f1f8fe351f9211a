"""Numbers that nothing explains: never a guess, never a failure, and how far an explanation goes."""

from __future__ import annotations

import numpy as np
import pytest

import convstep

QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, -1], [0, 1]],
    "learning_rate": 0.5,
}
NONSENSE = [[17, 3.5], [-4, 11]]


def test_the_first_quantity_that_cannot_be_reduced_is_named():
    """At [0,1] z is 0: the error 1 that went through there is a known mistake; the numbers after it are none."""
    problem = convstep.load(QUESTION)
    given = {"error": [[2, 1], [0, 0]], "delta": [[2, 1], [0, 0]], "filter_gradient": NONSENSE}
    diagnosis = convstep.diagnose(problem, given)
    assert (diagnosis.verdict, diagnosis.first_wrong, diagnosis.explanations) == ("unexplained", "filter_gradient", ())
    assert "slope-forgotten" in [mistake.id for one in diagnosis.so_far for mistake in one]
    assert {mistake.at for one in diagnosis.so_far for mistake in one} == {"delta"}
    assert [each.status for each in diagnosis.quantities] == ["right", "wrong", "wrong"]
    assert diagnosis["filter_gradient"].follows.tolist() == [[1, -2], [1, 2]]


def test_without_a_mistake_before_it_nothing_is_said_of_before():
    problem = convstep.load(QUESTION)
    diagnosis = convstep.diagnose(problem, {"error": [[2, 1], [0, 0]], "delta": NONSENSE, "new_filter": NONSENSE})
    assert (diagnosis.verdict, diagnosis.first_wrong, diagnosis.so_far) == ("unexplained", "delta", ())


def test_a_slip_before_it_is_told_as_one():
    problem = convstep.load(QUESTION)
    given = {"output": [[3, 0], [0, 7]], "error": [[2, 1], [0, 6]], "filter_gradient": NONSENSE}
    diagnosis = convstep.diagnose(problem, given)
    assert (diagnosis.verdict, diagnosis.first_wrong) == ("unexplained", "filter_gradient")
    assert [each.status for each in diagnosis.quantities] == ["slip", "follows", "wrong"]


@pytest.mark.parametrize(
    "gradient",
    [[[7, 5], [3, -4]], [[0, 0], [0, 1e300]], [[1e-300, 2], [3, 4]], [[1e17, -1e17], [1e17, 1]]],
    ids=["small", "huge", "tiny", "wide"],
)
def test_no_number_makes_it_fail(gradient):
    problem = convstep.load(
        {
            "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
            "filter": [[1, 0], [-1, 2]],
            "output_gradient": [[1, -1], [2, 0.5]],
            "learning_rate": 0.1,
        }
    )
    diagnosis = convstep.diagnose(problem, {"filter_gradient": gradient})
    assert (diagnosis.verdict, diagnosis.first_wrong) == ("unexplained", "filter_gradient")


def test_random_numbers_are_not_explained():
    """A guard against chance, not a promise for each draw: these are fixed."""
    problem = convstep.load(QUESTION)
    random = np.random.default_rng(7)
    for _ in range(25):
        drawn = {name: np.round(random.normal(0, 3, (2, 2)), 2).tolist() for name in ("filter_gradient", "new_filter")}
        assert convstep.diagnose(problem, drawn).verdict == "unexplained"


def test_a_size_that_only_the_output_has_ends_no_search():
    """The output of another padding has no place where the input is expected; the slope may hide its size."""
    problem = convstep.load(
        {
            "input": [[[[-3, -2], [-1, -3]]], [[[1, -2], [-2, 1]]]],
            "filter": [[3, 3], [-1, 2], [2, 2]],
            "output_gradient": [[[1, -2], [-3, 2]], [[-3, 2], [1, -2]]],
            "activation": "sigmoid",
            "operation": "convolution",
            "padding": "full",
            "stride": 2,
            "learning_rate": 0.05,
        }
    )
    assert convstep.diagnose(problem, {"filter_update": [["0.01"], ["0.04"]]}).verdict == "unexplained"
