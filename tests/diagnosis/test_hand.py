"""Rounded or cut: what somebody's right numbers show counts for the others as well."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.hand import is_cut, is_rounded
from convstep.diagnosis.written import read_written

KEYS = {
    "input": [[0.7, 0.3, 0.9], [0.2, 0.6, 0.1], [0.8, 0.5, 0.4]],
    "filter": [[0.3, 0.7], [0.9, 0.1]],
    "target": [[0.1, 0.2], [0.3, 0.4]],
    "bias": 0.1,
    "activation": "sigmoid",
    "learning_rate": 0.05,
}


def rounded(numbers: np.ndarray) -> list[list[str]]:
    return [[f"{float(each):.2f}" for each in row] for row in numbers]


def cut(numbers: np.ndarray) -> list[list[str]]:
    return [[f"{np.trunc(float(each) * 100) / 100:.2f}" for each in row] for row in numbers]


@pytest.mark.parametrize(
    ("value", "expected", "rounds", "cuts"),
    [
        (0.67, 0.6666, True, False), (0.66, 0.6666, False, True), (0.66, 0.6633, True, True),
        (-0.66, -0.6666, False, True), (-0.67, -0.6666, True, False), (0.0, -0.009, False, True),
        (0.0, 0.004, True, True), (0.67, 0.6799, False, True), (0.67, 0.6801, False, False), (-0.0, 0.003, True, True),
        (0.01, -0.001, False, False), (0.5, 0.505, True, True),
    ],
)  # fmt: skip
def test_what_rounding_and_cutting_are(value, expected, rounds, cuts):
    given = np.array([value]), np.array([expected])
    assert is_rounded(*given, 0.01, 1e-12).tolist() == [rounds]
    assert is_cut(*given, 0.01, 1e-12).tolist() == [cuts]


@pytest.mark.parametrize(("write", "hand"), [(rounded, (True, False)), (cut, (False, True))])
def test_right_numbers_show_the_hand(write, hand):
    problem = convstep.load(KEYS)
    step = next(iter(convstep.descend(problem)))
    exercise = Examiner(problem).exercise(1)
    written = read_written({"output": write(step["output"]), "delta": write(step["delta"])})
    (_, start), *_ = exercise._starts(exercise.plan(frozenset(written)), written)
    assert {tuple(each.hand) for each in start.evidence.values()} == {hand}


@pytest.mark.parametrize(("write", "ids"), [(rounded, 1), (cut, 2)])
def test_who_rounds_has_not_cut_a_mean_to_0(write, ids):
    """The bias was not moved. Its mean gradient would have moved it by 0.0073: 0.00 when cut, and 0.01 when rounded."""
    problem = convstep.load({**KEYS, "learning_rate": 0.08})
    step = next(iter(convstep.descend(problem)))
    assert 0.005 < 0.08 * float(step["bias_gradient"]) / 4 < 0.01
    attempt = {"output": write(step["output"]), "error": write(step["error"]), "bias_update": 0}
    told = {mistake.id for one in convstep.diagnose(problem, attempt).explanations for mistake in one}
    assert "bias-gradient-forgotten" in told
    assert ("bias-gradient-mean" in told) == (ids == 2)
