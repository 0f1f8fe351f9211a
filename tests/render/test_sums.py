"""The printed text, read back and added up: where = stands it is true, and where ≈ stands there is a reason."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from drawn_problems import problems as drawn
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.derivation.explanation import Derivations
from convstep.derivation.model import Cell, Factor, Term, product
from convstep.numbers import show
from convstep.problem.model import Problem
from convstep.render.arithmetic import exact_value
from convstep.render.sums import Equation, equation_of
from convstep.render.wrapping import equation_lines
from render.reading import NotRationalError, Printed, equations, exactly, number, parsed

EXAMPLES = 25
STEPS = 2


def source_of(problem: Problem, iteration: int) -> Derivations:
    """The iteration, or the last there is."""
    before = step = None
    for step in convstep.descend(problem):
        if step.iteration == iteration:
            break
        before = step
    assert step is not None
    return Derivations(problem, step, None if before is step else before)


def printed_of(equation: Equation, width: int) -> Printed:
    lines = [line.plain for line in equation_lines(equation, width)]
    found = parsed(lines)
    assert found.name == equation.head
    assert found.relations == list(equation.relations)
    check_widths(lines, width)
    return found


def check_widths(lines: list[str], width: int) -> None:
    """Only what cannot be broken is wider."""
    for line in lines:
        assert len(line) <= width or " " not in line.lstrip(" =≈+−"), line


def check(cell: Cell, found: Printed, problem: Problem) -> None:
    """The calculation that is printed gives the result that is printed, if = says so."""
    if not found.calculation:
        assert found.relations == ["="] * len(found.sides)
        return
    try:
        exact: Fraction | None = exactly(found.calculation, problem)
    except (NotRationalError, ZeroDivisionError):
        exact = None
    if found.relations[-1] == "=":
        assert exact == found.result, found
        return
    floats = sum(term.value for term in cell.terms)
    assert exact != found.result or floats != cell.value or "more terms" in found.calculation, found
    if exact is not None:
        assert abs(exact - found.result) <= rounding(cell, found), found


def rounding(cell: Cell, found: Printed) -> Fraction:
    """How far rounded numbers may lead astray: half a digit of every factor, generously."""
    fewest = 3
    sizes = [abs(term.value) + max(abs(factor.value) for factor in term.factors) for term in cell.terms]
    powers = [len(term.factors) + 1 for term in cell.terms]
    scale = sum(Fraction(size) * power for size, power in zip(sizes, powers, strict=True)) + abs(found.result)
    letters = [abs(value) for term in cell.terms for factor in term.factors for _, value in factor.numbers]
    return (scale + Fraction(max(letters, default=0.0))) * 4 / 10 ** (fewest - 1)


def test_numbers_that_cancel_get_digits_until_the_result_can_be_seen():
    assert pointwise("activation_slope", "tanh", 5, 3).endswith("≈ 1 − 0.999909² ≈ 0.000181583")
    assert pointwise("output", {"gelu": {"approximate": "tanh"}}, -4, 3).endswith(
        "≈ 0.5·(−4)·(1 + (−0.999965)) ≈ −7.02459e−5"
    )


DOCUMENTS = problem_documents().map(lambda document: convstep.load(document | {"stop": {"iterations": STEPS}}))


@given(
    st.one_of(DOCUMENTS, drawn()), st.sampled_from([3, 6, 12]), st.sampled_from([40, 80, 200]), st.integers(1, STEPS)
)
@examples(EXAMPLES)
def test_what_is_printed_adds_up(problem, digits, width, iteration):
    source = source_of(problem, iteration)
    for name in source.step:
        for index in source.indices(name):
            cell = source.cell(name, index)
            if cell.terms:
                check(cell, printed_of(equation_of(cell, digits), width), problem)


@given(problem_documents(goals=("target",)), st.sampled_from([3, 6, 12]))
@examples(EXAMPLES)
def test_sums_without_their_middle_add_up_too(document, digits):
    problem = convstep.load(document)
    source = source_of(problem, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convstep.render.sums.MOST_TERMS", 3)
        patch.setattr("convstep.render.sums.FIRST_TERMS", 1)
        patch.setattr("convstep.render.sums.LAST_TERMS", 1)
        for name in ("pre_activation", "filter_gradient", "loss"):
            for index in source.indices(name):
                cell = source.cell(name, index)
                found = printed_of(equation_of(cell, digits), 80)
                check(cell, found, problem)
                assert ("more terms" in " ".join(found.sides)) == (len(cell.terms) > 3)


def sum_cell(*values: float, total: float | None = None) -> Cell:
    """A cell that is the sum of inputs."""
    terms = tuple(product(Factor(value, "input", (0, place))) for place, value in enumerate(values))
    return Cell("output", (0, 0), sum(values) if total is None else total, terms)


def text(cell: Cell, digits: int = 6, **wishes: Any) -> str:
    equation = equation_of(cell, digits, **wishes)
    sides = zip(equation.relations, equation.sides, strict=True)
    return " ".join([equation.head, *(f"{relation} {side.text}" for relation, side in sides)]).partition(" = ")[2]


def test_digits_are_added_until_it_adds_up():
    assert text(sum_cell(0.1234567, 0.1)).endswith("= 0.123457 + 0.1 = 0.223457")
    assert text(sum_cell(0.1234567, 0.1234567)).endswith("= 0.1234567 + 0.1234567 = 0.2469134")
    assert text(sum_cell(1 / 3, 1 / 3)).endswith("= 0.333333 + 0.333333 ≈ 0.666667")


def test_floats_that_disagree_are_said_to():
    assert text(sum_cell(0.1, 0.2)).endswith("= 0.1 + 0.2 = 0.3")
    assert text(sum_cell(0.1, 0.2, total=0.3)).endswith("= 0.1 + 0.2 ≈ 0.3")


def test_negative_numbers_stand_in_parentheses_behind_a_sign():
    minus, rate = Factor(-1.0), Factor(0.5, symbol="learning_rate")
    term = Term(1.5, (minus, rate, Factor(-3.0, "delta", (0, 0))))
    cell = Cell("filter_update", (0, 0), 0.5, (term, Term(-1.0, (Factor(-1.0, "input", (0, 1)),))))
    assert text(cell) == "−learning_rate·delta[0,0] + input[0,1] = −0.5·(−3) + (−1) = 0.5"


def test_the_same_factor_twice_is_a_square():
    error = Factor(-2.0, "error", (0, 0))
    cell = Cell("loss", (), 2.0, (product(Factor(0.5, symbol="½"), error, error),))
    assert text(cell) == "½·error[0,0]² = ½·(−2)² = 2"


def test_a_long_sum_is_shown_without_its_middle():
    cell = sum_cell(*map(float, range(1, 101)))
    shown = text(cell)
    assert shown.endswith("= 1 + 2 + 3 + 4 + 5 + 6 + (91 more terms: 4732) + 98 + 99 + 100 = 5050")
    assert "input[0,5] + (91 more terms) + input[0,97]" in shown
    assert "more terms" not in text(cell, all_terms=True)
    assert text(cell, all_terms=True).count(" + ") == 2 * 99
    assert "more terms" not in text(sum_cell(*map(float, range(36))))


def test_a_subtotal_that_was_rounded_gives_no_equals_sign():
    values = [1.0] * 20 + [1 / 3] * 20
    assert " ≈ " in text(sum_cell(*values))
    assert " ≈ " not in text(sum_cell(*([1.0] * 20 + [0.5] * 20)))


def pointwise(name: str, activation: Any, z: float, digits: int = 6) -> str:
    problem = convstep.load({"input": [[z]], "filter": [[1]], "activation": activation, "output_gradient": [[1]],
                             "learning_rate": 1})  # fmt: skip
    return text(source_of(problem, 1).cell(name, (0, 0)), digits)


ACTIVATED = [
    ("relu", -2, "relu(−2) = max(−2, 0) = 0", "relu′(−2) = 0"),
    ({"leaky_relu": {"slope": 0.25}}, -2, "leaky_relu(−2) = 0.25·(−2) = −0.5", "leaky_relu′(−2) = 0.25"),
    ("linear", 3, "linear(3) = 3", "linear′(3) = 1"),
    ("sigmoid", 0, "sigmoid(0) = 1 / (1 + exp(−0)) = 0.5", "sigmoid′(0) = 0.5·(1 − 0.5) = 0.25"),
    ("sigmoid", 1, "sigmoid(1) = 1 / (1 + exp(−1)) ≈ 0.731059",
     "sigmoid′(1) ≈ 0.731059·(1 − 0.731059) ≈ 0.196612"),
    ("tanh", 0.001, "tanh(0.001) ≈ 0.001", "tanh′(0.001) ≈ 1 − 0.001² = 0.999999"),
    ("tanh", 30, "tanh(30) ≈ 1", "tanh′(30) = 1 − 1² = 0"),
    ({"softplus": {"beta": 2}}, 20, "softplus(20) = 20", "softplus′(20) = 1"),
    ("silu", -1, "silu(−1) = (−1)·σ(−1) ≈ −0.268941", "silu′(−1) = σ(−1)·(1 + (−1)·(1 − σ(−1))) ≈ 0.0723295"),
    ("gelu", 0, "gelu(0) = 0·Φ(0) = 0", "gelu′(0) = Φ(0) + 0·φ(0) = 0.5"),
    ({"gelu": {"approximate": "tanh"}}, 1, "gelu(1) ≈ 0.5·1·(1 + 0.682384) = 0.841192",
     "gelu′(1) ≈ 0.5·(1 + 0.682384) + 0.5·1·(1 − 0.682384²)·0.904917 ≈ 1.08296"),
    ("elu", -1, "elu(−1) = 1·(exp(−1) − 1) ≈ −0.632121", "elu′(−1) = 1·exp(−1) ≈ 0.367879"),
]  # fmt: skip


@pytest.mark.parametrize(("activation", "z", "value", "slope"), ACTIVATED)
def test_activations_with_their_numbers_put_in(activation, z, value, slope):
    assert pointwise("output", activation, z).partition(" = ")[2] == value
    assert pointwise("activation_slope", activation, z).partition(" = ")[2] == slope


def test_a_parameter_that_was_rounded_gets_its_digits():
    leaky = {"leaky_relu": {"slope": 0.2345}}
    assert pointwise("activation_slope", leaky, -2, 3).endswith("= leaky_relu′(−2) = 0.2345")
    assert pointwise("output", leaky, -2, 3).endswith("= 0.2345·(−2) = −0.469")


def test_no_number_of_digits_makes_a_rounded_function_equal():
    """17 digits are all that a float has, and still not all that exp(−1) has."""
    for digits in (3, 6, 12, 16, 17):
        assert " ≈ 0.73" in pointwise("output", "sigmoid", 1, digits)
        assert "tanh(0.01) ≈ 0.0" in pointwise("output", "tanh", 0.01, digits)


def optimized(name: str, optimizer: Any, iteration: int = 1, target: float = 1.0) -> str:
    problem = convstep.load({"input": [[1]], "filter": [[2]], "target": [[target]], "activation": "linear",
                             "learning_rate": 0.5, "optimizer": optimizer})  # fmt: skip
    return text(source_of(problem, iteration).cell(name, (0, 0)))


OPTIMIZED = [
    ({"sgd": {"weight_decay": 0.5}}, "filter_update", 1,
     "−learning_rate·(filter_gradient[0,0] + weight_decay·filter[0,0]) = −0.5·(1 + 0.5·2) = −1"),
    ({"sgd": {"momentum": 0.5, "nesterov": True}}, "filter_update", 1,
     "−learning_rate·filter_gradient[0,0] − learning_rate·momentum·filter_momentum[0,0] = −0.5·1 − 0.5·0.5·1 = −0.75"),
    ({"sgd": {"momentum": 0.5, "dampening": 0.25}}, "filter_momentum", 2,
     "momentum·previous filter_momentum[0,0] + (1 − dampening)·filter_gradient[0,0] = 0.5·1 + 0.75·0.5 = 0.875"),
    ("adam", "filter_update", 1,
     "−learning_rate/(1 − beta₁^1)·filter_momentum[0,0]·1/(√filter_square_average[0,0]/√(1 − beta₂^1) + eps) "
     "= −0.5/(1 − 0.9^1)·0.1·1/(√0.001/√(1 − 0.999^1) + 1e−8) ≈ −0.5"),
    ({"adam": {"amsgrad": True}}, "filter_largest_square_average", 1,
     "max(filter_square_average[0,0], previous filter_largest_square_average[0,0]) = max(0.001, 0) = 0.001"),
    ({"rmsprop": {"centered": True, "alpha": 0.5}}, "filter_update", 1,
     "−learning_rate·filter_gradient[0,0]·1/(√(filter_square_average[0,0] − filter_gradient_average[0,0]²) + eps) "
     "= −0.5·1·1/(√(0.5 − 0.5²) + 1e−8) ≈ −1"),
    ({"adagrad": {"lr_decay": 0.5, "eps": 0}}, "filter_update", 1,
     "−learning_rate/(1 + 0·lr_decay)·filter_gradient[0,0]·1/(√filter_square_average[0,0] + eps) "
     "= −0.5/(1 + 0·0.5)·1·1/(√1 + 0) = −0.5"),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "name", "iteration", "shown"), OPTIMIZED)
def test_optimizers_term_by_term(optimizer, name, iteration, shown):
    assert optimized(name, optimizer, iteration) == shown


def test_nothing_times_something_is_exactly_nothing():
    assert optimized("filter_update", "adam", target=2.0).endswith("+ 1e−8) = 0")


def test_losses_that_are_means_are_divided_by_their_number():
    def lost(name: str, loss: Any) -> str:
        problem = convstep.load({"input": [[3, 0]], "filter": [[1]], "target": [[1, 1]], "loss": loss,
                                 "activation": "linear", "learning_rate": 1})  # fmt: skip
        source = source_of(problem, 1)
        return text(source.cell(name, () if name == "loss" else (0, 0)))

    assert lost("loss", "mean_squared_error") == "1/2·error[0,0]² + 1/2·error[0,1]² = 1/2·2² + 1/2·(−1)² = 2.5"
    assert lost("loss", "mean_absolute_error") == "1/2·|error[0,0]| + 1/2·|error[0,1]| = 1/2·|2| + 1/2·|−1| = 1.5"
    assert lost("loss", "huber") == (
        "1/2·huber(error[0,0]) + 1/2·huber(error[0,1]) = 1/2·1·(|2| − 0.5·1) + 1/2·0.5·|−1|² = 1"
    )
    assert lost("output_gradient", "mean_squared_error") == "2/2·error[0,0] = 2/2·2 = 2"
    assert lost("output_gradient", "mean_absolute_error") == "1/2·sign(error[0,0]) = 1/2·sign(2) = 0.5"
    assert lost("output_gradient", "huber") == "1/2·(error[0,0] kept within ±delta) = 1/2·min(max(2, −1), 1) = 0.5"


CALCULATIONS = [
    ("1 + 2·3", 7), ("−2² + 1", -3), ("(−2)²", 4), ("6/2/3", 1), ("1/3·3", 1), ("2^3 − 1", 7), ("½·|−4|", 2),
    ("max(1, −2) + min(1, −2)", -1), ("sign(−3)", -1), ("√0.25", Fraction(1, 2)), ("√(4 + 5)·2", 6), ("1e−3", "1/1000"),
    ("1 − (−1)", 2), ("exp(0) + ln(1) + tanh(0)", 1), ("σ(0)·Φ(0)", Fraction(1, 4)), ("0.1 + 0.2", "3/10"),
]  # fmt: skip


@pytest.mark.parametrize(("calculation", "value"), CALCULATIONS)
def test_calculations_are_worked_out_exactly(calculation, value):
    assert exact_value(calculation) == Fraction(value)


@pytest.mark.parametrize(
    "calculation",
    ["exp(1)", "√2", "√(−1)", "1/0", "relu(1)", "1 +", "", "(1", "1)", "φ(0)", "2^0.5", "9^999999999", "?"],
)
def test_what_is_no_fraction_is_not_guessed(calculation):
    assert exact_value(calculation) is None


def test_the_reader_of_these_tests_reads_a_page():
    page = (
        "  a[0] = b[1] = 2\n    a note\n\n  loss\n    = ½·e[0]²\n      + ½·e[1]²\n    = ½·2²\n      + ½·0²\n    ≈ 2\n"
    )
    first, second = equations(page.replace("    a note\n", ""))
    assert first == Printed("a[0]", ["b[1]", "2"], ["=", "="])
    assert second == Printed("loss", ["½·e[0]² + ½·e[1]²", "½·2² + ½·0²", "2"], ["=", "=", "≈"])
    assert number("−0.5") == Fraction(-1, 2)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_broken_between_terms(width):
    cell = sum_cell(*[0.25] * 30)
    lines = [line.plain for line in equation_lines(equation_of(cell, 6), width)]
    check_widths(lines, width)
    assert parsed(lines).sides[-1] == show(7.5).text
    assert not any(line.endswith(("+", "·", "=")) for line in lines)
