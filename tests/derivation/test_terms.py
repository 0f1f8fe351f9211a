"""Every number of a Step is the sum of its terms, and every factor is the number that stands at its name and cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from drawn_problems import INTEGERS, question
from drawn_problems import problems as drawn
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.choices import Choice
from convstep.derivation import model
from convstep.derivation.explanation import Derivations, quantities_of
from convstep.derivation.model import Cell, Factor, LongSum, Term
from convstep.errors import UsageError
from convstep.problem.model import Problem, Stop
from convstep.trace import Step

EXAMPLES = 40
ANY_PROBLEM = st.one_of(problem_documents().map(convstep.load), drawn())
WHOLE = {
    "activation": st.sampled_from([Choice("relu"), Choice("linear")]),
    "loss": st.sampled_from([Choice("half_squared_error"), Choice("squared_error")]),
}


def never_ending(problem: Problem) -> Problem:
    """The same for three iterations, whatever happens in them."""
    return problem.__class__(**{**vars_of(problem), "stop": Stop(iterations=3, loss=-1.0, gradient=-1.0)})


def vars_of(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in problem.__dataclass_fields__}


def steps_of(problem: Problem, most: int = 3) -> list[tuple[Step, Step | None]]:
    """The first iterations, each with the one before it."""
    found: list[tuple[Step, Step | None]] = []
    for step in convstep.descend(problem):
        found.append((step, found[-1][0] if found else None))
        if len(found) == most:
            break
    return found


def all_cells(source: Derivations) -> list[Cell]:
    return [source.cell(name, index) for name in source.step for index in source.indices(name)]


def is_given(source: Derivations, name: str) -> bool:
    """Whether the problem gives the quantity, so that there is nothing to derive."""
    first = name in ("filter", "bias") and (source.step.iteration == 1 or not source.problem.learns)
    return first or (name == "output_gradient" and source.problem.target is None)


def close(one: float, other: float, scale: float = 1.0) -> bool:
    return abs(one - other) <= 1e-12 * max(abs(one), abs(other), scale)


def check_sums(source: Derivations, exactly: bool = False) -> None:
    for cell in all_cells(source):
        assert cell.value == float(source.step.array(cell.name)[cell.cell])
        if is_given(source, cell.name):
            assert cell.terms == ()
            continue
        assert cell.terms or cell.name == "input_gradient", cell
        total = sum(term.value for term in cell.terms)
        scale = sum(abs(term.value) for term in cell.terms)
        assert total == cell.value if exactly else close(total, cell.value, scale), cell
        for term in cell.terms:
            check_term(source, term)


def check_term(source: Derivations, term: Term) -> None:
    assert term.value == math.prod(factor.value for factor in term.factors)
    for factor in term.factors:
        check_factor(source, factor)


def check_factor(source: Derivations, factor: Factor) -> None:
    """The number read is the one that stands there."""
    read = factor.value if factor.argument is None else factor.argument
    if not factor.name:
        assert factor.symbol or factor == model.MINUS
    elif factor.padding:
        assert read == 0
        assert factor.name == "input"
        size = source.problem.input.shape[-2:]
        assert any(not 0 <= index < most for index, most in zip(factor.cell[-2:], size, strict=True))
    else:
        assert read == number_at(source, factor)


def number_at(source: Derivations, factor: Factor) -> float:
    problem, step = source.problem, source.step
    if factor.iteration is not None:
        assert factor.iteration == step.iteration - 1
        if factor.name.startswith("new_"):
            return float(step.array(factor.name.removeprefix("new_"))[factor.cell])
        if factor.iteration == 0:
            return problem.optimizer.parameters.get("initial_accumulator_value", 0.0)  # type: ignore[return-value]
        assert source.before is not None
        return float(source.before.array(factor.name)[factor.cell])
    if factor.name == "input":
        return float(problem.input[factor.cell])
    if factor.name == "target":
        assert problem.target is not None
        return float(problem.target.reshape(problem.output_shape)[factor.cell])
    return float(step.array(factor.name)[factor.cell])


@given(ANY_PROBLEM)
@examples(EXAMPLES)
def test_terms_add_up_to_each_number(problem):
    problem = never_ending(problem)
    for step, before in steps_of(problem):
        check_sums(Derivations(problem, step, before))


@given(drawn(kind=INTEGERS), st.data())
@examples(EXAMPLES)
def test_they_do_so_exactly_on_whole_numbers(problem, data):
    facts = vars_of(problem) | {name: data.draw(choices) for name, choices in WHOLE.items()}
    facts |= {"slope_at_zero": None, "learning_rate": 2.0}
    if data.draw(st.booleans()):
        facts["optimizer"] = Choice("sgd", {"momentum": 1.0, "nesterov": True, "weight_decay": 1.0})
    problem = Problem(**facts)
    for step, before in steps_of(problem, 2):
        check_sums(Derivations(problem, step, before), exactly=bool(np.all(np.abs(step.filter) < 1e6)))


OPTIMIZERS = [
    Choice("sgd", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    Choice("sgd", {"momentum": 0.9, "nesterov": True}),
    Choice("adam", {"weight_decay": 0.1}),
    Choice("adam", {"amsgrad": True, "betas": (0.3, 0.1)}),
    Choice("rmsprop", {"momentum": 0.9, "weight_decay": 0.1}),
    Choice("rmsprop", {"centered": True}),
    Choice("adagrad", {"lr_decay": 0.5, "initial_accumulator_value": 0.25}),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: f"{each.name}-{'-'.join(each.parameters)}")
def test_each_optimizer_from_the_state_before(optimizer):
    problem = question(optimizer=optimizer, bias=np.array(0.5), activation=Choice("tanh"))
    for step, before in steps_of(problem):
        check_sums(Derivations(problem, step, before))


@given(ANY_PROBLEM)
@examples(EXAMPLES)
def test_it_is_known_what_an_iteration_holds(problem):
    assert quantities_of(problem) == list(steps_of(problem, 1)[0][0])


@given(problem_documents(goals=("target", "output_gradient")))
@examples(EXAMPLES)
def test_a_long_sum_is_the_same_sum(document):
    """Of long sums the terms are made one by one; values and cells come from arrays."""
    problem = convstep.load(document)
    step, _ = steps_of(problem, 1)[0]
    source = Derivations(problem, step)
    names = [name for name in ("pre_activation", "filter_gradient", "bias_gradient", "loss") if name in step]
    short = {(name, index): source.cell(name, index).terms for name in names for index in source.indices(name)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "MOST_AT_ONCE", -1)
        for (name, index), terms in short.items():
            check_long(source.cell(name, index).terms, terms)


def check_long(long: Any, terms: Any) -> None:
    assert isinstance(long, LongSum)
    assert len(long) == len(terms)
    assert tuple(long) == terms == long[:]
    assert long[-1] == terms[-1]
    assert np.allclose(model.values_of(long), [term.value for term in terms], rtol=1e-14, atol=0)
    cells: dict[str, list[tuple[int, ...]]] = {}
    for term in terms:
        for name, cell in dict.fromkeys((factor.name, factor.cell) for factor in term.factors if factor.name):
            cells.setdefault(name, []).append(cell)
    assert {name: [tuple(row) for row in rows.tolist()] for name, rows in long.cells.items()} == cells


def test_padding_is_said_to_be_padding():
    problem = convstep.load({"input": [[5]], "filter": [[1, 2], [3, 4]], "padding": [[1, 0], [0, 1]]})
    cell = Derivations(problem, steps_of(problem)[0][0]).cell("pre_activation", (0, 0))
    factors = [term.factors[0] for term in cell.terms]
    assert [(factor.cell, factor.padding, factor.value) for factor in factors] == [
        ((-1, 0), True, 0), ((-1, 1), True, 0), ((0, 0), False, 5), ((0, 1), True, 0)
    ]  # fmt: skip


def test_the_slope_at_exactly_0_has_a_note_and_no_other():
    problem = question()
    source = Derivations(problem, steps_of(problem)[0][0])
    notes = {index: source.cell("activation_slope", index).note for index in source.indices("activation_slope")}
    note = "z is exactly 0, where relu has a kink and no derivative: 0 is a convention (slope_at_zero)"
    assert notes == {(0, 0): "", (0, 1): note, (1, 0): "", (1, 1): ""}


def test_the_state_needs_the_iteration_before():
    problem = question(optimizer=Choice("adam"))
    (first, _), (second, _) = steps_of(problem, 2)
    message = "filter_momentum of iteration 2 comes from iteration 1; give it as before"
    for before in (None, second):
        with pytest.raises(UsageError) as error:
            convstep.explain(second, problem, before, quantity="filter_momentum")
        assert str(error.value) == message
    assert convstep.explain(second, problem, first, quantity="filter_momentum", cell=[0, 0]).cells[0].terms


def test_the_library_explains_all_or_a_part():
    problem = question()
    step, _ = steps_of(problem, 1)[0]
    everything = convstep.explain(step, problem)
    assert everything.iteration == 1
    assert [(cell.name, cell.cell) for cell in everything.cells] == [
        (name, index) for name in step for index in np.ndindex(step.array(name).shape)
    ]
    part = convstep.explain(step, problem, quantity="delta")
    assert part.cells == tuple(cell for cell in everything.cells if cell.name == "delta")
    assert convstep.explain(step, problem, quantity="delta", cell=(0, 1)).cells == part.cells[1:2]
    assert convstep.explain(step, problem, quantity="target", cell=(1, 1)).cells[0].value == 1


COMPLAINTS = [
    ("delt", None, "there is no quantity delt; did you mean delta?"),
    ("bias", None, "this problem has no bias; iteration 1 holds filter, pre_activation, output, error, loss, "
     "output_gradient, activation_slope, delta, filter_gradient, input_gradient, filter_update, new_filter"),
    ("delta", (0,), "delta has no cell [0]: it takes 2 indices, from 0 up to 1 and 1"),
    ("delta", (0, 2), "delta has no cell [0,2]: it takes 2 indices, from 0 up to 1 and 1"),
    ("delta", (0, -1), "delta has no cell [0,-1]: it takes 2 indices, from 0 up to 1 and 1"),
    ("input", (3, 0), "input has no cell [3,0]: it takes 2 indices, from 0 up to 2 and 2"),
    ("loss", (0,), "loss is a single number; write it without [0]"),
    ("delta", (), "which cell of delta? it takes 2 indices, from 0 up to 1 and 1: delta[0,0]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cell", "message"), COMPLAINTS)
def test_what_is_not_there(name, cell, message):
    problem = question()
    with pytest.raises(UsageError) as error:
        convstep.explain(steps_of(problem, 1)[0][0], problem, quantity=name, cell=cell)
    assert str(error.value) == message


def test_one_index_is_called_so():
    problem = convstep.load({"input": [[1]], "filter": [[[[1]]], [[[1]]]], "bias": [1, 2]})
    with pytest.raises(UsageError) as error:
        convstep.explain(steps_of(problem, 1)[0][0], problem, quantity="bias", cell=(2,))
    assert str(error.value) == "bias has no cell [2]: it takes 1 index, from 0 up to 1"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_past_all_bounds_are_explained_too():
    """The first iteration is recorded even where it overflows, and eps may be 0 where a gradient is."""
    large = question(input=np.full((3, 3), 1e200), filter=np.full((2, 2), 1e200))
    flat = question(target=np.array([[3.0, 0.0], [0.0, 1.0]]), optimizer=Choice("adam", {"eps": 0.0}))
    for problem in (large, flat):
        step, _ = steps_of(problem, 1)[0]
        assert convstep.explain(step, problem).cells
