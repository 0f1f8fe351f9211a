"""Slips: each kind, told with the cell, the term or the neighbour that it is about."""

from __future__ import annotations

from typing import Any

import pytest
from made import PADDED

import convstep
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.matching import Verdict
from convstep.diagnosis.slips import _Cells, _neighbours, slip_cells
from convstep.diagnosis.written import Written

STRIDED: dict[str, Any] = {
    "input": [[1, -1, 0, 2, 1], [0, 1, 0, 1, -1], [2, -1, 1, 0, 3], [1, 0, 2, 1, 0], [0, 2, -1, 1, 1]],
    "filter": [[1, -1], [2, 1]],
    "stride": 2,
    "padding": [[0, 1], [0, 1]],
    "target": [[1, 0, 2], [0, 1, 0], [1, 1, 1]],
    "learning_rate": 0.5,
}
"""δ is 2 0 0 / 5 5 3 / 0 0 0, its filter's gradient 26 -7 / 15 7."""
Z = [[3, -1, -1], [5, 6, 3], [-2, -2, 1]]


def slips(quantity: str, numbers: Any, **more: Any) -> list[convstep.diagnosis.result.JudgedCell]:
    diagnosis = convstep.diagnose(convstep.load(STRIDED), {quantity: numbers, **more})
    assert (diagnosis.verdict, diagnosis.first_wrong) == ("slip", quantity)
    assert diagnosis[quantity].status == "slip"
    assert diagnosis.explanations == ()
    return list(diagnosis[quantity].cells)


def changed(numbers: list[list[float]], *cells: tuple[int, int, float]) -> list[list[float]]:
    result = [list(row) for row in numbers]
    for row, column, value in cells:
        result[row][column] = value
    return result


@pytest.mark.parametrize(
    ("cell", "given", "expected", "says"),
    [((0, 1), 7, -7, "a lost minus"), ((1, 1), -7, 7, "a minus too many")],
)
def test_a_lost_minus(cell, given, expected, says):
    gradient = changed([[26, -7], [15, 7]], (*cell, given))
    (slip,) = slips("filter_gradient", gradient)
    assert slip == (cell, given, expected, "lost-minus", says, None, None)


def test_a_slip_in_numbers_that_have_the_sign_of_t_minus_a():
    """What it should be has the learner's sign, and so has what is gone on with."""
    error, gradient = [[-2, 0, 2], [-5, 5, -3], [1, 1, 0]], [[-26, 7], [-15, -7]]
    (slip,) = slips("error", error, filter_gradient=gradient)
    assert slip == ((1, 1), 5, -5, "lost-minus", "a lost minus", None, None)
    told = convstep.diagnose(convstep.load(STRIDED), {"error": error, "filter_gradient": gradient})
    assert told["filter_gradient"].status == "follows"


@pytest.mark.parametrize(("sign", "value"), [(1, 10), (-1, -10)])
def test_a_term_is_missing_in_whatever_sign_the_learner_has(sign, value):
    """δ was not written down: its sign is that of the gradient."""
    gradient = [[sign * each for each in row] for row in ([16, -7], [15, 7])]
    (slip,) = slips("filter_gradient", gradient)
    says = f"without the term delta[1,0]·input[2,0] = {value}"
    assert slip == ((0, 0), 16 * sign, 26 * sign, "missing-term", says, None, 3)


def test_a_term_of_a_delta_that_was_written_has_the_sign_that_it_was_written_with():
    """The gradient's sign was changed back: that of δ[1,0]·x[2,0] = (−5)·2 would have to be as well."""
    delta = [[-2, 0, 0], [-5, -5, -3], [0, 0, 0]]
    (slip,) = slips("filter_gradient", [[16, -7], [15, 7]], delta=delta)
    assert (slip.given, slip.expected, slip.kind) == (16, 26, "other")


def test_a_number_within_the_digits_of_the_right_one_is_not_its_neighbours():
    """−0.01 is a unit from 0, and as near to the −0.02 beside it."""
    delta = [["2.00", "0.00", "-0.02"], ["5.00", "5.00", "3.00"], ["-0.03", "0.00", "-0.01"]]
    found = slips("delta", delta)
    assert [(slip.cell, slip.kind) for slip in found] == [((0, 2), "other"), ((2, 0), "other"), ((2, 2), "other")]


def test_a_swapped_pair():
    first, second = slips("pre_activation", changed(Z, (0, 0, 5), (1, 0, 3)))
    assert first == ((0, 0), 5, 3, "swapped", "swapped with [1,0]", (1, 0), None)
    assert second == ((1, 0), 3, 5, "swapped", "swapped with [0,0]", (0, 0), None)


def test_a_neighbours_number():
    """6 = 2·1 + … − 0 no term of the sum is 3: it is the number to the right."""
    (slip,) = slips("activation_slope", changed([[1, 0, 0], [1, 1, 1], [0, 0, 1]], (0, 0, 0)))
    assert slip.kind == "neighbour"
    assert (slip.says, slip.with_cell) == ("the number of [1,0], its neighbour", (1, 0)) or slip.with_cell == (0, 1)
    assert slip.says == f"the number of [{slip.with_cell[0]},{slip.with_cell[1]}], its neighbour"


def test_a_missing_term():
    """26 = 2·1 + 5·2 + 5·1 + 3·3, without the last: 17."""
    (slip,) = slips("filter_gradient", [[17, -7], [15, 7]])
    assert (slip.kind, slip.term) == ("missing-term", 5)
    assert slip.says == "without the term delta[1,2]·input[2,4] = 9"


def test_a_term_with_the_other_sign():
    """26 − 2·9 = 8."""
    (slip,) = slips("filter_gradient", [[8, -7], [15, 7]])
    assert (slip.kind, slip.term) == ("term-sign", 5)
    assert slip.says == "with the term delta[1,2]·input[2,4] = 9 in the other sign"


def test_a_missing_term_of_z():
    """z[1,1] = 1·1 − 0 + 2·2 + 1·1 = 6."""
    (slip,) = slips("pre_activation", changed(Z, (1, 1, 2)))
    assert (slip.kind, slip.term, slip.says) == ("missing-term", 2, "without the term input[3,2]·filter[1,0] = 4")


@pytest.mark.parametrize(("given", "kind"), [(260, "point"), ("2.6", "point"), (31, "other")])
def test_the_point_and_all_else(given, kind):
    (slip,) = slips("filter_gradient", [[given, -7], [15, 7]])
    assert (slip.kind, slip.expected) == (kind, 26)
    assert bool(slip.says) == (kind == "point")


def test_later_numbers_may_go_on_from_it():
    given = {"filter_gradient": [[26, 7], [15, 7]]}
    from_it = convstep.diagnose(convstep.load(STRIDED), {**given, "new_filter": [["-12.0", "-4.5"], ["-5.5", "-2.5"]]})
    right = convstep.diagnose(convstep.load(STRIDED), {**given, "new_filter": [["-12.0", "2.5"], ["-5.5", "-2.5"]]})
    assert (from_it.verdict, from_it["new_filter"].status) == ("slip", "follows")
    assert (right.verdict, right["new_filter"].status) == ("slip", "right")


def test_after_a_slip_that_nobody_went_on_from_the_terms_are_of_the_right_numbers():
    """δ[1,1] was written as 6, and gone on from as 5: the sum of 26 lacks a 10, whatever was written."""
    delta = [[2, 0, 0], [5, 6, 3], [0, 0, 0]]
    diagnosis = convstep.diagnose(convstep.load(STRIDED), {"delta": delta, "filter_gradient": [[16, -7], [15, 7]]})
    assert diagnosis.verdict == "slip"
    (slip,) = diagnosis["filter_gradient"].cells
    assert (slip.given, slip.expected, slip.says) == (16, 26, "without the term delta[1,0]·input[2,0] = 10")


def test_too_many_wrong_numbers_are_no_slip():
    diagnosis = convstep.diagnose(convstep.load(STRIDED), {"filter_gradient": [[11, 5], [3, 7]]})
    assert diagnosis.verdict == "unexplained"
    assert [cell.kind for cell in diagnosis["filter_gradient"].cells] == [None] * 3


def test_a_cell_of_a_batch_is_named_as_the_problem_counts():
    problem = convstep.load({"input": [[[[1, 2], [3, 4]]], [[[2, 0], [1, 5]]]], "filter": [[2]]})
    diagnosis = convstep.diagnose(problem, {"output": [[[2, 4], [6, 8]], [[4, 0], [-2, 10]]]})
    (slip,) = diagnosis["output"].cells
    assert (slip.cell, slip.given, slip.expected, slip.kind) == ((1, 1, 0), -2, 2, "lost-minus")


@pytest.mark.parametrize(
    ("shape", "cell", "beside"),
    [
        ((2, 3), (0, 0), [(1, 0), (0, 1)]),
        ((2, 3), (1, 1), [(0, 1), (1, 0), (1, 2)]),
        ((3, 3), (1, 1), [(0, 1), (2, 1), (1, 0), (1, 2)]),
        ((2, 2, 2), (1, 0, 1), [(1, 1, 1), (1, 0, 0)]),
        ((3,), (1,), [(0,), (2,)]),
        ((), (), []),
    ],
    ids=str,
)
def test_neighbours_lie_in_the_same_matrix(shape, cell, beside):
    assert _neighbours(shape, cell) == beside


def cells(given: Any, expected: list[float]) -> _Cells:
    exercise = Examiner(convstep.load(STRIDED)).exercise(1)
    flat = tuple(range(len(expected)))
    verdict = Verdict("filter_gradient", "slip", False, cells=flat, expected=tuple(expected))
    return _Cells(exercise.setting, "filter_gradient", Written.of(given), verdict)


def test_a_number_is_the_same_within_a_unit_of_its_last_digit():
    seen = cells([["0.50", 3], [2000, "1.5"]], [0.0] * 4)
    assert seen.units.tolist() == [0.01, 0, 0, 0.1]
    assert [seen.same(0, number) for number in (0.51, 0.49, 0.5101, 0.48)] == [True, True, False, False]
    assert [seen.same(1, 3 + apart) for apart in (2.9e-9, 3.1e-9, -3.1e-9)] == [True, False, False]
    assert [seen.same(2, 2000 + apart) for apart in (1.9e-6, 2.1e-6)] == [True, False]
    assert [cells([[0, 0], [0, 0]], [0.0] * 4).same(0, number) for number in (0.9e-9, 1.2e-9)] == [True, False]
    assert seen.shape == (2, 2)
    assert cells([[1, 2, 3]], [1.0] * 3).shape == (1, 3)


@pytest.mark.parametrize(
    ("given", "expected", "kind", "says"),
    [
        ("26", 2.6, "point", "the decimal point in the wrong place"),
        ("0.26", 26.0, "point", "the decimal point in the wrong place"),
        ("260", 2.6, "point", "the decimal point in the wrong place"),
        ("-0.4", 0.4, "lost-minus", "a minus too many"),
        ("0.4", -0.4, "lost-minus", "a lost minus"),
        ("91", 0.4, "other", ""),
    ],
)
def test_what_a_single_number_shows(given, expected, kind, says):
    """Beside numbers that nothing else has."""
    exercise = Examiner(convstep.load(STRIDED)).exercise(1)
    verdict = Verdict("filter_gradient", "slip", False, cells=(0,), expected=(expected, 811.0, 577.0, 1013.0))
    written = Written.of([[given, 811], [577, 1013]])
    (slip,) = slip_cells(exercise.setting, "filter_gradient", written, verdict, ())
    assert (slip.kind, slip.says) == (kind, says)


def test_only_two_that_hold_each_others_numbers_are_swapped():
    exercise = Examiner(convstep.load(STRIDED)).exercise(1)
    verdict = Verdict("filter_gradient", "slip", False, cells=(0, 3), expected=(4001.0, 811.0, 577.0, 1013.0))
    written = Written.of([[1013, 811], [577, 9000]])
    first, second = slip_cells(exercise.setting, "filter_gradient", written, verdict, ())
    assert (first.kind, second.kind) == ("other", "other")


def test_a_number_below_one_that_has_no_more_digits_is_a_slip_and_no_mistakes():
    """Six mistakes change nothing here; that none of them makes 1.9 of 2 by cutting, it took a learner to notice."""
    question = {
        "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
        "filter": [[1, -1], [1, 1]],
        "target": [[1, 0], [0, 1]],
        "learning_rate": 0.5,
    }
    for given in ("1.9", "2.1"):
        diagnosis = convstep.diagnose(convstep.load(question), {"filter_gradient": [[given, "-2.0"], ["0.0", "2.0"]]})
        assert (diagnosis.verdict, diagnosis.explanations) == ("slip", ())


def test_a_slip_is_not_put_down_to_a_mistake_that_changes_nothing():
    """In iteration 1 the momentum is the gradient: who writes 0.72 in the place of 0.743 has not left it out."""
    problem = convstep.load({**PADDED, "optimizer": {"sgd": {"momentum": 0.5}}})
    gradient = [["1.79", "-0.54", "-1.79"], ["-0.10", "0.69", "-0.91"], ["-2.05", "-2.93", "0.96"]]
    new = [["0.12", "-0.65", "0.38"], ["0.61", "0.03", "-0.31"], ["-0.05", "0.72", "0.05"]]
    diagnosis = convstep.diagnose(problem, {"filter_gradient": gradient, "new_filter": new})
    assert (diagnosis.verdict, diagnosis.explanations) == ("slip", ())
    assert [cell.cell for cell in diagnosis["new_filter"].cells] == [(2, 1)]
