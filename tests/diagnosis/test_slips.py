"""Slips: each kind, told with the cell, the term or the neighbour that it is about."""

from __future__ import annotations

from typing import Any

import pytest

import convstep

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
