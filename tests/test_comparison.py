"""Numbers of another program beside convstep's: each way to be off is planted, and must be named; torch as well."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest
from drawn_problems import FLOATS, INTEGERS, SEEDS, numbers, problems, question
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.choices import Choice
from convstep.comparison import Compared, compare, compare_quantities, named_factors
from convstep.errors import ProblemError, UsageError
from convstep.problem.model import Problem
from convstep.problem.quantities_file import GivenQuantity
from convstep.torch_reference import compare_with_torch
from convstep.trace import Step

RIGHT = np.array([[2.0, -1.0, 0.5], [3.0, 7.0, -4.0], [1.5, 6.0, 0.25]])


def ids(given: Any, expected: np.ndarray = RIGHT, named: dict[float, str] | None = None) -> list[str]:
    """What is found out about the given numbers."""
    return [relation.id for relation in compared(given, expected, named).relations]


def compared(given: Any, expected: np.ndarray = RIGHT, named: dict[float, str] | None = None) -> Compared:
    names = {2.0: "2", 0.5: "1/2", 4.0: "n = 4", 0.25: "1/n, n = 4"} if named is None else named
    quantity = given if isinstance(given, GivenQuantity) else GivenQuantity.exactly(np.asarray(given, dtype=float))
    return compare("delta", quantity, expected, names)


def only(given: Any, expected: np.ndarray = RIGHT) -> Any:
    """The one relation that is found."""
    (relation,) = compared(given, expected).relations
    return relation


# Each way to be off


def test_what_is_equal_agrees():
    assert ids(RIGHT) == []
    assert compared(RIGHT).agrees
    assert compared(RIGHT).difference == 0.0


def test_the_other_sign():
    assert only(-RIGHT)[:3] == ("sign", "has the opposite sign", -1.0)


@pytest.mark.parametrize(("factor", "name"), [(2, "2"), (0.5, "1/2"), (4, "n = 4"), (0.25, "1/n, n = 4")])
def test_a_factor_that_has_a_name(factor, name):
    assert only(factor * RIGHT)[:3] == ("factor", f"is off by the factor {name}", factor)
    says = f"has the opposite sign and is off by the factor {name}"
    assert only(-factor * RIGHT)[:3] == ("sign+factor", says, -factor)


def test_a_factor_without_a_name_is_given_as_a_number():
    relation = only(1.7 * RIGHT)
    assert relation.says == "is off by the factor 1.7"
    assert relation.factor == pytest.approx(1.7)


def test_one_number_has_no_factor_but_one_with_a_name():
    assert ids(np.array(3.0), np.array(1.5)) == ["factor"]
    assert ids(np.array(3.1), np.array(1.5)) == ["unknown"]
    assert compared(np.array(3.1), np.array(1.5)).relations[0].says == "is 3.1, expected 1.5"


def test_a_rotation():
    assert only(RIGHT[::-1, ::-1])[:2] == ("rotation", "is rotated by 180°")


def test_a_transposition():
    assert only(RIGHT.T)[:2] == ("transposition", "is transposed")


def test_a_transposition_of_an_oblong_matrix_shows_in_its_shape():
    says = "has shape 2×3, expected 3×2: it is transposed"
    assert only(RIGHT[:, :2].T, RIGHT[:, :2])[:2] == ("transposition", says)
    assert only(np.ones((2, 3)), RIGHT[:, :2])[:2] == ("shape", "has shape 2×3, expected 3×2")


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [(1, 0, "1 row down"), (-1, 0, "1 row up"), (0, 1, "1 column to the right"), (0, -1, "1 column to the left")],
)
@pytest.mark.parametrize("rest", ["rolled", "zero"])
def test_a_shift(rows, columns, words, rest):
    moved = np.roll(RIGHT, (rows, columns), (0, 1))
    if rest == "zero":
        moved[{1: 0, -1: -1}[rows] if rows else slice(None), {1: 0, -1: -1}[columns] if columns else slice(None)] = 0
    assert only(moved)[1] == f"is shifted by {words}"
    assert only(moved).shift == (rows, columns)


def test_a_shift_both_ways():
    moved = np.roll(RIGHT, (1, -1), (0, 1))
    assert only(moved)[:2] == ("shift", "is shifted by 1 row down and 1 column to the left")


def test_turned_and_scaled():
    assert only(-RIGHT.T)[:2] == ("transposition+sign", "is transposed and has the opposite sign")
    assert only(0.5 * RIGHT[::-1, ::-1])[1] == "is rotated by 180° and is off by the factor 1/2"
    assert only(1.7 * RIGHT[::-1, ::-1])[1] == "is rotated by 180° and off by the factor 1.7"


def test_what_explains_every_number_goes_before_a_shift_that_explains_some():
    right = np.array([[-1.0, 1.0], [0.0, -1.0]])
    assert ids([[1, 0], [-1, 1]], right) == ["rotation+sign", "transposition+sign"]
    assert ids([[1, 5], [-1, 6]], right) == ["shift"]


def test_each_matrix_of_an_array_is_turned_by_itself():
    right = numbers(3, (2, 3, 2, 2))
    assert ids(right[..., ::-1, ::-1], right) == ["rotation"]
    assert ids(right.swapaxes(-1, -2), right) == ["transposition"]
    assert ids(right[::-1], right) == ["unknown"]


def test_all_equally_simple_explanations_are_given():
    right = np.array([[2.0, -2.0], [0.0, 2.0]])
    assert ids([[2, 0], [-2, 2]], right) == ["rotation", "transposition"]


def test_zeros_everywhere():
    assert only(0 * RIGHT)[:2] == ("zero", "is 0 everywhere")


def test_nothing_known_names_the_number_that_is_off_the_most():
    wrong = RIGHT.copy()
    wrong[1, 2] = 11
    says = "differs in 1 of 9 numbers, in no way known; [1,2] is 11, expected -4"
    assert only(wrong)[:2] == ("unknown", says)


def test_nothing_is_found_in_noise():
    for seed in range(50):
        assert ids(numbers(seed, (3, 3)), numbers(seed + 1000, (3, 3))) == ["unknown"]


@examples(100)
@given(SEEDS, st.sampled_from(["sign", "factor", "rotation", "transposition", "shift"]))
def test_what_was_done_is_found_out(seed, what):
    right = numbers(seed, (4, 4))
    done = {
        "sign": -right,
        "factor": 0.3 * right,
        "rotation": right[::-1, ::-1],
        "transposition": right.T,
        "shift": np.roll(right, 1, axis=0),
    }
    assert ids(done[what], right) == [what]


# Digits, open cells, shapes


@pytest.mark.parametrize(
    ("given", "expected", "agrees"),
    [
        (0.33, 1 / 3, True),
        (0.34, 1 / 3, True),
        (0.32, 1 / 3, False),
        ("0.330", 1 / 3, False),
        (3, 3.0000001, True),
        (3, 3.001, False),
        (0.5, 0.4, False),
        (1e-7, 1.4e-7, True),
        ("1/3", 0.3333332, True),
        ("1/3", 0.33, False),
        (0.1 + 0.2, 0.3, True),
        (2.0000021, 2.0, False),
        (2.0000019, 2.0, True),
    ],
)
def test_a_number_is_judged_to_its_digits(given, expected, agrees):
    found = compare("loss", GivenQuantity.of(given), np.array(expected), {})
    assert found.agrees is agrees


def test_the_finest_number_says_how_many_digits_all_have():
    right = np.array([[0.45, 0.123]])
    assert not compare("delta", GivenQuantity.of([[0.5, 0.123]]), right, {}).agrees
    assert compare("delta", GivenQuantity.of([[0.5, 0.1]]), right, {}).agrees


def test_an_open_cell_fits_anything():
    assert compared(GivenQuantity.of([[2, -1, 0.5], [None, 7, -4], [1.5, 6, None]])).agrees
    assert ids(GivenQuantity.of([[-2, 1, -0.5], [None, -7, 4], [-1.5, -6, None]])) == ["sign"]


def test_leading_axes_of_length_1_may_be_there_or_not():
    assert compared(RIGHT[None, None]).agrees
    assert compared(RIGHT, RIGHT[None, None]).agrees
    assert compared(np.array([[1.5]]), np.array(1.5)).agrees


# A whole iteration


def step_of(problem: Problem) -> Step:
    return next(convstep.descend(problem))


def test_the_factors_of_a_problem_have_their_names():
    problem = question(learning_rate=0.1)
    assert named_factors(problem) == {
        2.0: "2",
        0.5: "1/2",
        4.0: "n = 4",
        0.25: "1/n, n = 4",
        0.1: "the learning rate 0.1",
        10.0: "1 / the learning rate 0.1",
    }
    assert named_factors(question())[2.0] == "2, or 1 / the learning rate 0.5"
    assert named_factors(question(), rated=False)[2.0] == "2"


def test_nobody_brings_the_rate_into_a_loss():
    problem = question(learning_rate=0.5)
    step = step_of(problem)
    for name, says in (("loss", "is off by the factor 2"), ("delta", "is off by the factor 2, or 1 / the learning")):
        given = {name: GivenQuantity.of((2 * step.array(name)).tolist())}
        assert compare_quantities(problem, step, given).quantities[0].relations[0].says.startswith(says)


def test_a_number_that_is_off_by_a_unit_is_counted():
    found = compare("", GivenQuantity.of([[2.001, -2], [0, 2]]), np.array([[2.0, -2.0], [0.0, 2.0]]), {})
    assert found.relations[0].says == "differs in 1 of 4 numbers, in no way known; [0,0] is 2.001, expected 2"


def test_the_first_in_the_order_of_the_calculation_is_the_place_to_look():
    step = step_of(question())
    mine = {
        "new_filter": GivenQuantity.of([[2, -2], [1, 2]]),
        "filter_gradient": GivenQuantity.of([[-2, 2], [0, -2]]),
        "pre_activation": GivenQuantity.of([[3, 0], [-2, 1]]),
    }
    found = compare_quantities(question(), step, mine)
    assert [each.name for each in found.quantities] == ["pre_activation", "filter_gradient", "new_filter"]
    assert [each.agrees for each in found.quantities] == [True, False, False]
    assert found.first_wrong is not None
    assert (found.first_wrong.name, found.first_wrong.relations[0].id) == ("filter_gradient", "sign")
    assert not found.agrees


@examples(60)
@given(problem_documents())
def test_an_iterations_own_numbers_agree(document):
    problem = convstep.load(document)
    step = step_of(problem)
    assume(all(np.isfinite(step.array(name)).all() for name in step))
    own = {name: GivenQuantity.of(step.array(name).tolist()) for name in step}
    found = compare_quantities(problem, step, own)
    assert found.agrees
    assert found.first_wrong is None
    assert len(found.quantities) == len(own)


def test_a_quantity_that_the_problem_does_not_have():
    with pytest.raises(ProblemError, match=r"^bias: this problem has none; it has filter, pre_activation, output, "):
        compare_quantities(question(), step_of(question()), {"bias": GivenQuantity.of(1)})


# PyTorch


def test_torch_is_missed_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError) as error:
        compare_with_torch(question(), step_of(question()))
    message = "--against torch needs PyTorch, which is not installed: pip install torch (a CPU build is enough)"
    assert str(error.value) == message


def beside_torch(problem: Problem, iterations: int) -> None:
    """Every iteration has all its quantities, and they are PyTorch's."""
    before = None
    for step in itertools.islice(convstep.descend(problem), iterations):
        found = compare_with_torch(problem, step, before)
        assert [each.name for each in found.quantities] == [name for name in step if name not in ("filter", "bias")]
        assert [each for each in found.quantities if not each.agrees] == []
        assert found.first_wrong is None
        before = step


@examples(60)
@given(problem_documents())
def test_every_quantity_is_pytorchs(document):
    pytest.importorskip("torch")
    beside_torch(convstep.load(document), 4)


@examples(60)
@given(problems(FLOATS) | problems(INTEGERS))
def test_every_quantity_of_drawn_problems_is_pytorchs(problem):
    pytest.importorskip("torch")
    beside_torch(problem, 3)


def changed(step: Step, name: str, value: np.ndarray) -> Step:
    """The step with one quantity replaced."""
    return Step(step.iteration, {each: step.array(each)[None] for each in step} | {name: value[None]})


def test_ulps_are_units_in_the_last_place_of_the_largest_number():
    pytest.importorskip("torch")
    step = step_of(question())
    off = step.filter_gradient.copy()
    off[0, 1] += 3 * 2.0**-52
    rows = {
        each.name: each for each in compare_with_torch(question(), changed(step, "filter_gradient", off)).quantities
    }
    row = rows["filter_gradient"]
    assert (row.largest, row.difference, row.ulps) == (2.0, 2.0**-51 + 2.0**-52, 1.5)
    assert row.agrees
    assert rows["pre_activation"].ulps == 0.0


@pytest.mark.parametrize("name", ["pre_activation", "output_gradient", "delta", "filter_gradient", "new_filter"])
def test_a_wrong_quantity_is_not_pytorchs(name):
    pytest.importorskip("torch")
    problem = question(activation=Choice("tanh"))
    step = step_of(problem)
    found = compare_with_torch(problem, changed(step, name, step.array(name) * (1 + 1e-9)))
    assert not found.agrees
    assert found.first_wrong is not None
    assert found.first_wrong.name == name


def test_where_a_last_digit_decides_pytorch_goes_on_with_our_number():
    pytest.importorskip("torch")
    problem = question(activation=Choice("relu"), target=np.ones((2, 2)))
    step = step_of(problem)
    z = step.pre_activation.copy()
    z[0, 1] = 1e-17
    other = changed(step, "pre_activation", z)
    slope, gradient = step.activation_slope.copy(), step.output_gradient
    slope[0, 1] = 1.0
    delta = gradient * slope
    other = changed(changed(other, "activation_slope", slope), "delta", delta)
    x, w = problem.input, problem.filter
    right = [[(delta * x[p : p + 2, q : q + 2]).sum() for q in range(2)] for p in range(2)]
    back = np.zeros((3, 3))
    for i, j in np.ndindex(2, 2):
        back[i : i + 2, j : j + 2] += delta[i, j] * w
    other = changed(changed(other, "filter_gradient", np.array(right)), "input_gradient", back)
    found = compare_with_torch(problem, other)
    assert [(kink.name, kink.cell, kink.value) for kink in found.kinks] == [("pre_activation", (0, 1), 1e-17)]
    rows = {each.name: each.agrees for each in found.quantities}
    assert all(rows[name] for name in ("pre_activation", "activation_slope", "delta", "filter_gradient"))
    assert rows["input_gradient"]


def test_the_number_that_is_told_is_one_that_is_off():
    """2.67 is 2.6667 to its digits."""
    found = compare("", GivenQuantity.of([[2.67, 0], [-2, 0]]), np.array([[2.6667, -0.001], [-2, 0]]), {})
    assert found.relations[0].says.startswith("differs in 1 of 4 numbers, in no way known; [0,1] is 0, expected -0.001")
