"""Rounded or cut: what somebody's right numbers show counts for the others as well."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.following import Followed
from convstep.diagnosis.hand import Hand, hand_of, is_cut, is_rounded
from convstep.diagnosis.written import Written, read_written

KEYS = {
    "input": [[0.7, 0.3, 0.9], [0.2, 0.6, 0.1], [0.8, 0.5, 0.4]],
    "filter": [[0.3, 0.7], [0.9, 0.1]],
    "target": [[0.1, 0.2], [0.3, 0.4]],
    "bias": 0.1,
    "activation": "sigmoid",
    "learning_rate": 0.05,
}


BOTH = Hand(True, True)
ROUNDS, CUTS = Hand(True, False), Hand(False, True)


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


@pytest.mark.parametrize(
    ("value", "expected", "rounds", "cuts"),
    [
        (0.0, 0.75, True, True), (0.0, 0.875, False, True), (0.0, 1.0, False, False), (0.0, 1.125, False, True),
        (0.0, 1.25, False, False),
        (1.25, 1.0, True, True), (1.5, 1.0, True, False), (1.75, 1.0, True, False), (2.0, 1.0, False, False),
    ],
)  # fmt: skip
def test_floats_may_be_off_by_a_floor(value, expected, rounds, cuts):
    """By ¼ on top of half a unit, or of less than a whole one; a number without further digits has none to lose."""
    given = np.array([value]), np.array([expected])
    assert is_rounded(*given, 1.0, 0.25).tolist() == [rounds]
    assert is_cut(*given, 1.0, 0.25).tolist() == [cuts]


def test_a_whole_unit_is_not_cut_off():
    assert is_cut(np.array([0.0]), np.array([1.0]), 1.0, 0.0).tolist() == [False]
    assert is_cut(np.array([0.0, 0.0]), np.array([1.0, 0.75]), 1.0, 0.0).tolist() == [False, True]


def test_what_is_a_whole_unit_but_for_the_floor_is_one():
    """Of 1, which has no digits to lose, ¾ went and ¼ is the floor."""
    assert is_cut(np.array([0.25]), np.array([1.0]), 1.0, 0.25).tolist() == [False]


def test_what_has_overflowed_shows_nothing():
    judged = Followed(True, False, 1, np.array([[np.inf]]), np.zeros((1, 1)), np.full((4, 1), np.inf), False)
    assert hand_of({"output": Written.of(["0.00"])}, {"output": judged}) == BOTH


@pytest.mark.parametrize(("text", "hand"), [("0.66", CUTS), ("0.67", ROUNDS)])
def test_what_the_run_has_shows_it_where_no_step_was_rounded(text, hand):
    truths = np.array([[0.9], [0.9], [0.6666]])
    judged = Followed(True, False, 1, np.array([[0.9]]), np.zeros((1, 1)), truths, False)
    assert hand_of({"error": Written.of([text])}, {"error": judged}) == hand


def test_large_numbers_of_many_digits_are_not_exact():
    """Half a unit, and one in 10⁹ of the largest on top of it."""
    judged = Followed(True, False, 1, np.array([[8e8, 0.12 - 0.5]]), np.zeros((1, 2)), np.full((4, 2), 9.0), False)
    assert hand_of({"output": Written.of(["800000000.00", "0.12"])}, {"output": judged}) == ROUNDS
    judged = Followed(True, False, 1, np.array([[8e8, 0.12 - 0.9]]), np.zeros((1, 2)), np.full((4, 2), 9.0), False)
    assert hand_of({"output": Written.of(["800000000.00", "0.12"])}, {"output": judged}) == BOTH


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


def followed(own: float, exact: float, rounded_: float, cut_: float, sign: int = 1, *, fails: bool = False) -> Followed:
    """How a single number was judged: what it should be in each world."""
    truths = np.array([[exact], [exact], [rounded_], [cut_]])
    return Followed(not fails, sign < 0, 0 if fails else sign, np.array([[own]]), np.zeros((1, 1)), truths, False)


@pytest.mark.parametrize(
    ("text", "worlds", "hand"),
    [
        ("0.67", (0.9, 0.6666, 0.9, 0.9), ROUNDS), ("0.66", (0.9, 0.6666, 0.9, 0.9), CUTS),
        ("0.67", (0.6666, 0.9, 0.9, 0.9), ROUNDS), ("0.66", (0.6666, 0.9, 0.9, 0.9), CUTS),
        ("0.67", (0.9, 0.9, 0.6666, 0.9), ROUNDS), ("0.66", (0.9, 0.9, 0.9, 0.6666), CUTS),
        ("0.66", (0.9, 0.9, 0.6666, 0.9), BOTH), ("0.67", (0.9, 0.9, 0.9, 0.6666), BOTH),
        ("0.66", (0.9, 0.6633, 0.9, 0.9), BOTH), ("0.9", (0.3, 0.3, 0.3, 0.3), BOTH), ("2", (2, 2, 2, 2), BOTH),
        ("-0.67", (0.9, 0.6666, 0.9, 0.9, -1), ROUNDS), ("-0.66", (0.6666, 0.9, 0.9, 0.9, -1), CUTS),
        ("0.67", (0.9, 0.6666, 0.9, 0.9, -1), BOTH),
    ],
)  # fmt: skip
def test_each_world_can_show_it(text, worlds, hand):
    assert hand_of({"error": Written.of([text])}, {"error": followed(*worlds)}) == hand


def test_who_does_both_may_do_both_and_after_a_mistake_nothing_counts():
    written = {"output": Written.of(["0.67"]), "error": Written.of(["0.66"]), "delta": Written.of(["0.66"])}
    right = followed(0.6666, 0.6666, 0.6666, 0.6666)
    assert hand_of(written, {"output": right, "error": right, "delta": right}) == BOTH
    wrong = followed(0.6666, 0.6666, 0.6666, 0.6666, fails=True)
    assert hand_of(written, {"output": right, "error": wrong, "delta": right}) == ROUNDS
    assert hand_of(written, {"output": wrong, "error": right, "delta": right}) == BOTH


def test_open_cells_and_other_sizes_show_nothing():
    judged = Followed(True, False, 1, np.array([[0.6666, 5.0]]), np.zeros((1, 2)), np.full((4, 2), 0.6666), False)
    assert hand_of({"output": Written.of(["0.67", None])}, {"output": judged}) == ROUNDS
    assert hand_of({"output": Written.of(["0.67", "0.67", "0.67"])}, {"output": judged}) == BOTH
