"""0.1 + 0.2 − 0.3 is 0 on paper and 5.6e-17 in floats: a learner is right with the one, a program with the other."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.paper import are_whole, on_paper, roundings
from convstep.diagnosis.settings import setting_at
from convstep.trace import Step

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


SMALL = {
    "input": [[1, -2], [3, 0.5]],
    "filter": [[2, -1]],
    "bias": 0.25,
    "target": [[5], [-7]],
    "activation": "linear",
    "learning_rate": 0.5,
}
"""z and a are 4.25 and 5.75, e and δ are −0.75 and 12.75, g is 37.5 7.875 and 12 for the bias."""
SIZES = {
    "filter": 2, "bias": 0.25, "pre_activation": 9.25, "output": 9.25, "error": 16.25, "loss": 81.5625,
    "output_gradient": 12.75, "activation_slope": 1, "delta": 12.75, "filter_gradient": 40.5, "bias_gradient": 13.5,
    "input_gradient": 38.25, "filter_update": 18.75, "bias_update": 6, "new_filter": 16.75, "new_bias": 5.75,
}  # fmt: skip
"""What each number is made of, at most: z of 3·(2 + 1) + ¼, e of 7 more; g of 13.5·3 and ∂L/∂x of 12.75·3."""


def test_how_far_floats_are_off_by_pencil():
    """A unit in the last place, four times for safety, for each of two taps, the sum, and twice for the weights."""
    problem = convstep.load(SMALL)
    step = next(convstep.descend(problem))
    assert roundings(problem, step) == {name: 4 * 5 * 2.0**-53 * size for name, size in SIZES.items()}
    slow = convstep.load({**SMALL, "learning_rate": 1e-3})
    found = roundings(slow, next(convstep.descend(slow)))
    assert (found["new_filter"], found["new_bias"]) == (20 * 2.0**-53 * 2, 20 * 2.0**-53 * 0.25)


def test_later_iterations_are_off_further_up_to_the_hundredth():
    problem = convstep.load({"input": [[0.0, 0.5]], "filter": [[2, 0.25]], "bias": 7})
    arrays = {"filter": [[[2, 0.25]]], "bias": [7], "pre_activation": [[[7.125]]], "output": [[[7.125]]]}
    named = {name: np.array(value, dtype=float) for name, value in arrays.items()}
    for iteration, roundings_ in ((1, 5), (3, 9), (100, 203), (5000, 203)):
        found = roundings(problem, Step(iteration, named))
        assert found["pre_activation"] == 4 * roundings_ * 2.0**-53 * (0.5 * 2.25 + 7)


def test_without_a_bias_and_past_all_measure():
    """Of numbers that have overflowed nothing is known: they count as they are."""
    problem = convstep.load({"input": [[0.0, 0.5]], "filter": [[2, 0.25]]})
    named = {
        "filter": np.array([[[2, 0.25]]]),
        "pre_activation": np.array([[[0.125]]]),
        "output": np.array([[[0.125]]]),
    }
    found = roundings(problem, Step(1, {**named, "output_gradient": np.array([[[np.inf]]])}))
    assert found["pre_activation"] == 4 * 5 * 2.0**-53 * (0.5 * 2.25)
    assert found["output_gradient"] == 0.0


def test_whole_sums():
    whole = convstep.load({"input": [[1, 2]], "filter": [[3]]})
    assert are_whole(whole, {"filter": np.array([[3.0]]), "bias": np.array([-1.0])})
    assert not are_whole(whole, {"filter": np.array([[3.0, 0.5]])})
    assert not are_whole(convstep.load({"input": [[1, 0.5]], "filter": [[3]]}), {"filter": np.array([[3.0]])})


def test_how_long_a_way_is_gone_in_fractions():
    """Nine windows, two filters, four taps: 72 products an iteration, of 200,000."""
    keys = {"input": np.ones((4, 4)).tolist(), "filter": np.ones((2, 1, 2, 2)).tolist(), "activation": "linear"}
    problem = convstep.load({**keys, "target": np.ones((2, 3, 3)).tolist(), "learning_rate": 0.1})
    assert on_paper(problem, 200_000 // 72) is not None
    assert on_paper(problem, 200_000 // 72 + 1) is None
    even = convstep.load({**keys, "input": np.ones((2, 6)).tolist()})  # 5 windows: 40 products
    assert on_paper(even, 5000) is not None
    assert on_paper(even, 5001) is None
