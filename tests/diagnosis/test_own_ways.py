"""Right in another way: amounts to take off, slopes from outputs, own numbers that go on; and digits that count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made import PADDED

import convstep
from convstep.diagnosis.mistakes_forward import same_size
from convstep.geometry import Geometry

KEYS = {
    "input": [[2, -1, 0, 3], [1, 3, -2, 1], [0, -1, 4, 2], [1, 2, -3, 1]],
    "filter": [[1, -2], [3, 1]],
    "bias": -1,
    "target": [[3, 2, 1], [4, -1, 5], [2, 7, 3]],
    "learning_rate": 0.1,
}
GRADIENT = [[25, -22], [27, 60]]
AMOUNT = [[2.5, -2.2], [2.7, 6]]
NEW = [[-1.5, 0.2], [0.3, -5]]
RAISED = [[3.5, -4.2], [5.7, 7]]


def judged(attempt: dict[str, object], **changes: object) -> convstep.Diagnosis:
    return convstep.diagnose(convstep.load({**KEYS, **changes}), attempt)


def ids(diagnosis: convstep.Diagnosis) -> list[list[str]]:
    return [[mistake.id for mistake in one] for one in diagnosis.explanations]


@pytest.mark.parametrize("before", [{}, {"filter_gradient": GRADIENT}])
def test_an_amount_that_is_taken_off_is_a_convention(before):
    diagnosis = judged({**before, "filter_update": AMOUNT, "new_filter": NEW})
    assert (diagnosis.verdict, diagnosis.conventions) == ("right", ("gradient-sign",))
    assert diagnosis["filter_update"].status == "convention"


def test_an_amount_that_is_added_is_an_ascent_and_alone_it_is_one_too():
    assert ids(judged({"filter_update": AMOUNT, "new_filter": RAISED})) == [["ascent"]]
    assert ["ascent"] in ids(judged({"filter_update": AMOUNT}))


def test_the_slope_may_come_from_the_rounded_output():
    """1 − 0.91² is 0.1719; from z = 1.5 it is 0.1807."""
    keys = {"input": [[1]], "filter": [[1.5]], "target": [[0]], "learning_rate": 0.5}
    for activation, output, slope in (("tanh", "0.91", "0.17"), ("sigmoid", "0.82", "0.15")):
        problem = convstep.load({**keys, "activation": activation})
        assert convstep.diagnose(problem, {"output": [[output]], "activation_slope": [[slope]]}).verdict == "right"
        assert convstep.diagnose(problem, {"output": [[output]], "activation_slope": [["0.33"]]}).verdict != "right"


@pytest.mark.parametrize(
    "attempt",
    [
        {"new_filter": [[-1.4, 0.3], [0.4, -5.1]]}, {"loss": 108.1}, {"pre_activation": np.ones((3, 3)).tolist()},
    ],
)  # fmt: skip
def test_what_has_no_more_digits_cannot_be_rounded(attempt):
    assert judged(attempt).verdict != "right"


def test_that_delta_was_right_may_be_shown_by_what_was_made_of_it():
    wrong = [[-0.6, 5.1], [0.6, -7.1]]
    assert ids(judged({"new_filter": wrong, "bias_gradient": 25})) == [["gradient-from-error"]]
    assert ["slope-forgotten"] in ids(judged({"new_filter": wrong}))


MOMENTUM = {
    "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
    "filter": [[1, 1], [1, 1]],
    "target": [[2, 3], [1, 4]],
    "activation": "linear",
    "learning_rate": 0.1,
    "optimizer": {"sgd": {"momentum": 0.5}},
}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_momentum_goes_on_from_ones_own_gradient(sign):
    """In iteration 1 the gradient was rotated, 12 7 / 9 9; −0.2 − 0.1·(0.5·12 − 10.7) is 0.27."""
    problem = convstep.load(MOMENTUM)
    first = {"filter_gradient": (sign * np.array([[12, 7], [9, 9]])).tolist(), "new_filter": [[-0.2, 0.3], [0.1, 0.1]]}
    second = {
        "iteration": 2,
        "filter_gradient": (sign * np.array([[-10.7, -13.1], [-4, -13.7]])).tolist(),
        "new_filter": [[0.27, 1.26], [0.05, 1.02]],
    }
    assert ids(convstep.diagnose(problem, first)) == [["gradient-rotated"]]
    assert convstep.diagnose(problem, second, [first]).verdict == "right"


def test_where_no_new_filter_was_written_the_mistake_leads_to_one():
    """The bias forgotten, and no gradient written: iteration 2 starts from where that leads."""
    problem = convstep.load(KEYS)
    x = np.array(KEYS["input"], dtype=float)
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    w, t = np.array(KEYS["filter"], dtype=float), np.array(KEYS["target"], dtype=float)

    def without_bias(w: np.ndarray) -> dict[str, np.ndarray]:
        z = (windows * w).sum(axis=(2, 3))
        delta = (np.maximum(z, 0) - t) * (z > 0)
        return {
            "pre_activation": z,
            "delta": delta,
            "filter_gradient": (windows * delta[..., None, None]).sum(axis=(0, 1)),
        }

    one = without_bias(w)
    two = without_bias(w - 0.1 * one["filter_gradient"])
    first = {"pre_activation": one["pre_activation"], "delta": one["delta"]}
    assert ids(convstep.diagnose(problem, first)) == [["bias-forgotten"]]
    second = {"iteration": 2, **two}
    assert ids(convstep.diagnose(problem, second, [first])) == [["bias-forgotten"]]


def test_one_may_go_on_after_the_run_has_ended():
    """The run converges in iteration 1; with numbers of one's own there is a second one."""
    problem = convstep.load({"input": [[1, 2]], "filter": [[1]], "target": [[1, 2]], "learning_rate": 0.1})
    first = {"new_filter": [["0.9"]]}
    second = {"iteration": 2, "pre_activation": [["0.9", "1.8"]]}
    assert convstep.diagnose(problem, second, [first]).verdict == "right"


def worked_uphill(iterations: int, momentum: float, decimals: int | None) -> list[dict[str, np.ndarray]]:
    """Somebody who moves up the gradient, filter and bias alike; plainly, apart from the diagnosis."""
    x, t = np.pad(np.array(PADDED["input"]), 1), np.array(PADDED["target"])
    w, b = np.array(PADDED["filter"]), float(PADDED["bias"])
    places = [(i, j) for i in range(2) for j in range(2)]
    met = {(i, j): x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] for i, j in places}

    def shortened(numbers: Any) -> Any:
        return numbers if decimals is None else np.round(numbers, decimals)

    found, momenta = [], [np.zeros((3, 3)), 0.0]
    for _ in range(iterations):
        z = shortened(np.array([[(met[i, j] * w).sum() + b for j in range(2)] for i in range(2)]))
        delta = shortened(np.maximum(z, 0) - t) * (z > 0)
        gradients = [shortened(sum(delta[at] * met[at] for at in places)), shortened(delta.sum())]
        momenta = [shortened(momentum * m + g) for m, g in zip(momenta, gradients, strict=True)]
        w, b = shortened(w + 0.1 * momenta[0]), shortened(b + 0.1 * momenta[1])
        found.append({"filter_gradient": gradients[0], "new_filter": w, "new_bias": b})
    return found


@pytest.mark.parametrize("momentum", [0, 0.5])
@pytest.mark.parametrize("given", [["filter_gradient", "new_filter"], ["new_filter", "new_bias"], ["new_filter"]])
@pytest.mark.parametrize("decimals", [None, 5, 3])
def test_what_was_not_written_goes_on_as_the_mistakes_have_it(momentum, given, decimals):
    """The bias, and the momentum, of somebody who moves up the gradient are those of one who does."""
    problem = convstep.load({**PADDED, "optimizer": {"sgd": {"momentum": momentum}}})
    attempts: list[dict[str, Any]] = []
    for iteration, numbers in enumerate(worked_uphill(3, momentum, decimals), 1):
        kept = {name: numbers[name] for name in given}
        if decimals is not None:
            kept = {
                name: np.vectorize(lambda each: f"{each:.{decimals}f}")(each).tolist() for name, each in kept.items()
            }
        diagnosis = convstep.diagnose(problem, {"iteration": iteration, **kept}, attempts)
        assert ids(diagnosis) == [["ascent"]]
        assert not any(cell.kind for each in diagnosis.quantities for cell in each.cells)
        attempts.append({"iteration": iteration, **kept})


def test_a_mistake_shows_in_more_than_one_quantity():
    """The new bias does not follow from the new filter: both come from the same mistake."""
    uphill = worked_uphill(1, 0, None)[0]
    diagnosis = convstep.diagnose(convstep.load(PADDED), {name: uphill[name] for name in ("new_filter", "new_bias")})
    assert ids(diagnosis) == [["ascent"]]
    assert [(each.status, each.id) for each in diagnosis.quantities] == [("wrong", "ascent")] * 2


@pytest.mark.parametrize(
    ("stride", "padding"),
    [((1, 1), ((1, 1), (0, 1))), ((1, 2), ((1, 1), (0, 0))), ((2, 1), ((1, 1), (0, 1))), ((3, 3), ((0, 1), (0, 0)))],
)
def test_the_same_size_has_the_odd_row_and_column_at_the_end(stride, padding):
    found = same_size(Geometry(1, 1, (5, 6), 1, (3, 2), stride=stride, padding=((9, 9), (9, 9))))
    assert found.padding == padding
    assert found.output == (-(-5 // stride[0]), -(-6 // stride[1]))
