"""0.1 + 0.2 − 0.3 is 0 on paper and 5.6e-17 in floats: a learner is right with the one, a program with the other."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.paper import on_paper
from convstep.diagnosis.settings import setting_at

KEYS = {"input": [[0.1, 0.2, -0.3, 0.5]], "filter": [[1, 1, 1]], "target": [[1, 2]], "learning_rate": 0.1}
"""z is 0 and 0.4; the error is −1 and −1.6, and ReLU lets the second through alone."""
WRITTEN = [
    {"pre_activation": [[0, "0.4"]]},
    {"pre_activation": [["0.0", "0.4"]], "delta": [[0, "-1.6"]]},
    {"delta": [["0.0", "-1.6"]], "filter_gradient": [["-0.32", "0.48", "-0.8"]]},
    {"output": [[0, "0.4"]], "delta": [[0, -1.6]]},
]
COMPUTED = [
    {"pre_activation": np.array([[5.551115123125783e-17, 0.4]]), "delta": np.array([[-1.0, -1.6]])},
    {"delta": np.array([[-1.0, -1.6]])},
    {"delta": np.array([[-1.0, -1.6]]), "filter_gradient": np.array([[-0.42, 0.28, -0.5]])},
]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("attempt", [*WRITTEN, *COMPUTED])
def test_what_is_right_on_paper_or_in_floats_is_right(attempt, exact):
    diagnosis = convstep.diagnose(convstep.load({**KEYS, "exact": exact}), attempt)
    assert diagnosis.verdict == "right"


@pytest.mark.parametrize("exact", [False, True])
def test_the_right_numbers_are_those_on_paper(exact):
    diagnosis = convstep.diagnose(convstep.load({**KEYS, "exact": exact}), {"pre_activation": [[9, 9]]})
    assert diagnosis["pre_activation"].expected.tolist() == [[0, 0.4]]
    setting = setting_at(convstep.load({**KEYS, "exact": exact}), 2)
    assert setting.truth["filter"].ravel().tolist() == [1.032, 0.952, 1.08]


def test_with_z_at_0_the_slope_is_0():
    """Who writes 0 knows that z is 0 and not 5.6e-17."""
    given = {"pre_activation": [[0, "0.4"]], "delta": [["-1.0", "-1.6"]]}
    ids = [one[0].id for one in convstep.diagnose(convstep.load(KEYS), given).explanations]
    assert "slope-at-zero" in ids


def test_a_quantity_of_nothing_but_noise_is_0():
    problem = convstep.load({"input": [[0.1, 0.2, -0.3]], "filter": [[1, 1, 1]], "target": [[0]], "learning_rate": 0.1})
    for name in ("pre_activation", "output", "error"):
        assert convstep.diagnose(problem, {name: [[0]]}).verdict == "right"
        assert convstep.diagnose(problem, {name: [[1]]}).verdict != "right"
    assert convstep.diagnose(problem, {"filter_gradient": [[0, 0, 0]]}).verdict == "right"


def test_from_own_numbers_of_an_earlier_iteration_in_fractions():
    problem = convstep.load({**KEYS, "exact": True})
    earlier = [{"iteration": 1, "new_filter": [["1.0", "0.95", "1.1"]]}]
    setting = setting_at(problem, 2, earlier)
    assert setting.truth["filter"].ravel().tolist() == [1.0, 0.95, 1.1]
    assert setting.truth["pre_activation"].ravel().tolist() == pytest.approx([-0.04, 0.465])


@pytest.mark.parametrize(
    "changes",
    [{"activation": "sigmoid"}, {"activation": "tanh", "loss": "huber"}, {"optimizer": "adam"}],
)
def test_without_fractions_there_are_none(changes):
    problem = convstep.load({**KEYS, "target": [[1, 0]], **changes})
    assert on_paper(problem, 1) is None
    assert convstep.diagnose(problem, {"pre_activation": [[0, "0.4"]]}).verdict == "right"


def test_a_long_way_in_fractions_is_not_gone():
    assert on_paper(convstep.load(KEYS), 10**6) is None


def test_where_numbers_overflow_not_everything_is_right():
    problem = convstep.load(
        {"input": [[1e200, 1]], "filter": [[1e200, 1]], "target": [[0]], "learning_rate": 1, "activation": "linear"}
    )
    assert convstep.diagnose(problem, {"pre_activation": [[5]]}).verdict != "right"
