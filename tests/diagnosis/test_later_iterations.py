"""Attempts at several iterations: right numbers are right however they were rounded on the way, in all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from program import SAMPLES

import convstep
from convstep.diagnosis.examiner import Examiner, Exercise

SIGMOID = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, -1], [0, 1]],
    "activation": "sigmoid",
    "learning_rate": 0.05,
}


def judged(problem: dict[str, Any], *attempts: dict[str, Any]) -> list[convstep.Diagnosis]:
    """What is said of attempts at the iterations from 1 on, each judged after those before it."""
    loaded = convstep.load(problem)
    numbered = [{"iteration": number, **attempt} for number, attempt in enumerate(attempts, 1)]
    return [convstep.diagnose(loaded, attempt, numbered[:number]) for number, attempt in enumerate(numbered)]


def ids(diagnosis: convstep.Diagnosis) -> list[list[str]]:
    return [[mistake.id for mistake in one] for one in diagnosis.explanations]


def test_who_rounds_only_what_is_written_down_has_the_numbers_of_the_run():
    """After two decimals of the gradient adam's direction is another one; the run's own is right all the same."""
    first = {
        "filter_gradient": [["-0.43", "0.01"], ["0.43", "-0.07"]],
        "filter_momentum": [["-0.04", "0.00"], ["0.04", "-0.01"]],
        "filter_update": [["0.05", "-0.05"], ["-0.05", "0.05"]],
        "new_filter": [["1.05", "-1.05"], ["0.95", "1.05"]],
    }
    second = {
        "filter_gradient": [["-0.41", "0.01"], ["0.41", "-0.06"]],
        "filter_momentum": [["-0.08", "0.00"], ["0.08", "-0.01"]],
        "filter_update": [["0.05", "-0.05"], ["-0.05", "0.05"]],
        "new_filter": [["1.10", "-1.10"], ["0.90", "1.10"]],
    }
    found = judged({**SIGMOID, "optimizer": "adam"}, first, second)
    assert [each.verdict for each in found] == ["right", "right"]
    # What is shown as right is what the run has.
    run = list(zip(range(2), convstep.descend(convstep.load({**SIGMOID, "optimizer": "adam"})), strict=False))[1][1]
    assert np.array_equal(found[1]["filter_update"].expected, run["filter_update"])


@pytest.mark.parametrize("sample", ["sigmoid", "channels", "momentum", "question"])
@pytest.mark.parametrize("digits", [4, 6, 8])
def test_the_numbers_of_a_page_are_right(sample, digits):
    """So many significant digits, as pages have them: some numbers have fewer decimals than others."""
    problem = convstep.load(SAMPLES / f"{sample}.yaml")
    attempts: list[dict[str, Any]] = []
    for step, _ in zip(convstep.descend(problem), range(4), strict=False):
        spelled = np.vectorize(lambda number: format(number, f".{digits}g"), otypes=[object])
        attempt = {name: spelled(step.array(name)).tolist() for name in step if name not in ("filter", "bias")}
        attempt["iteration"] = step.iteration
        diagnosis = convstep.diagnose(problem, attempt, attempts)
        assert diagnosis.verdict == "right", diagnosis
        attempts.append(attempt)


def test_who_writes_an_optimizers_state_may_go_on_from_it():
    gradient = [["-1.1001", "-0.0682"], ["1.1001", "-0.0319"]]
    adagrad = {
        "filter_gradient": gradient,
        "filter_square_average": [["1.2102", "0.0047"], ["1.2102", "0.0010"]],
        "filter_update": [["0.5000", "0.4974"], ["-0.5000", "0.5044"]],
    }
    tanh = {**SIGMOID, "activation": "tanh", "learning_rate": 0.5, "optimizer": "adagrad"}
    assert judged(tanh, adagrad)[0].verdict == "right"
    exactly = {**adagrad, "filter_update": [["0.5000", "0.5000"], ["-0.5000", "0.5000"]]}
    assert judged(tanh, exactly)[0].verdict == "right"
    turned = {name: [[each.lstrip("-") if each[0] == "-" else f"-{each}" for each in row] for row in rows]
              for name, rows in adagrad.items() if name == "filter_gradient"}  # fmt: skip
    assert judged(tanh, adagrad | turned)[0].verdict == "right"


def test_the_state_goes_on_from_iteration_to_iteration():
    first = {
        "filter_gradient": [[2, -2], [0, 2]],
        "filter_momentum": [[0.2, -0.2], [0, 0.2]],
        "filter_square_average": [[0.004, 0.004], [0, 0.004]],
        "filter_update": [[-0.1, 0.1], [0, -0.1]],
        "new_filter": [[0.9, -0.9], [1, 0.9]],
    }
    second = {
        "filter_gradient": [[0.4, -1.7], [1.3, 1.5]],
        "filter_momentum": [[0.22, -0.35], [0.13, 0.33]],
        "filter_square_average": [[0.0042, 0.0069], [0.0017, 0.0062]],
        "filter_update": [[-0.0799, 0.0992], [-0.0742, -0.0986]],
    }
    relu = {**SIGMOID, "activation": "relu", "learning_rate": 0.1, "optimizer": "adam"}
    assert [each.verdict for each in judged(relu, first, second)] == ["right", "right"]


def test_gradients_add_up_as_the_learner_has_them():
    """Two decimals at every step, and the gradient never set back to 0."""
    gradients = [
        [["-0.43", "0.01"], ["0.43", "-0.06"]],
        [["-0.71", "0.02"], ["0.71", "-0.08"]],
        [["-0.80", "0.03"], ["0.80", "-0.09"]],
    ]
    deltas = [
        [["0.00", "0.38"], ["0.01", "-0.05"]],
        [["0.00", "0.27"], ["0.01", "-0.01"]],
        [["0.00", "0.09"], ["0.01", "0.00"]],
    ]
    filters = [
        [["1.43", "-1.01"], ["0.57", "1.06"]],
        [["2.14", "-1.03"], ["-0.14", "1.14"]],
        [["2.94", "-1.06"], ["-0.94", "1.23"]],
    ]
    attempts = [
        {"delta": delta, "filter_gradient": gradient, "new_filter": new}
        for delta, gradient, new in zip(deltas, gradients, filters, strict=True)
    ]
    found = judged({**SIGMOID, "learning_rate": 1}, *attempts)
    assert [ids(each) for each in found] == [[], [["gradient-accumulated"]], [["gradient-accumulated"]]]


def test_a_zero_may_be_all_that_is_left_of_a_number_that_was_cut():
    cut = {"filter_gradient": [[-0.43, 0.014], [0.427, -0.067]], "filter_update": [[0.004, 0], [-0.004, 0]]}
    assert judged({**SIGMOID, "learning_rate": 0.01}, cut)[0].verdict == "right"
    above = {**cut, "filter_update": [[0.004, 0], [-0.004, 1]]}
    assert judged({**SIGMOID, "learning_rate": 0.01}, above)[0].verdict == "slip"


def test_each_attempt_is_judged_once_however_many_follow(monkeypatch):
    """What an iteration leads to is asked again for each that follows; it was worked out twice as often each time."""
    explained, calls = Exercise._explained, []
    monkeypatch.setattr(Exercise, "_explained", lambda *given: calls.append(1) or explained(*given))
    random = np.random.default_rng(1)
    guessed = [{"new_filter": random.integers(-5, 6, (2, 2)).tolist()} for _ in range(8)]
    examiner = Examiner(convstep.load(SIGMOID))
    numbered = [{"iteration": number, **attempt} for number, attempt in enumerate(guessed, 1)]
    for number, attempt in enumerate(numbered):
        examiner.diagnose(attempt, numbered[:number])
    assert len(calls) == len(guessed)


def test_what_an_earlier_attempt_should_not_have_is_passed_over():
    """That is told where that attempt itself is judged."""
    right = convstep.load(SIGMOID)
    new = next(iter(convstep.descend(right)))["new_filter"].tolist()
    earlier = [{"new_filter": new, "bias_gradient": 3, "new_bias": 1}]
    assert convstep.diagnose(right, {"iteration": 2, "new_filter": new}, earlier).iteration == 2
