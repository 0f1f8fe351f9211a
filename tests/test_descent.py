"""One iteration after the other: numbers worked by hand, what a Step promises, and how runs end."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from drawn_problems import INTEGERS, SEEDS, numbers, problems, question
from hypothesis import given
from profiles import examples

from convstep.block import Block
from convstep.choices import Choice
from convstep.correlation import correlate
from convstep.descent import again, descend, run_from, stopped_after
from convstep.exact.descent import ExactDescent
from convstep.problem.load import load
from convstep.problem.model import Problem, Stop
from convstep.quantities import QUANTITIES
from convstep.stepping import state_after
from convstep.trace import Start, Step

LINEAR = Choice("linear")

# The question's own problem, on paper. Windows of the input: [1,-1,0,1], [-1,0,1,0], [0,1,0,-1], [1,0,-1,1].
ITERATION_1 = {
    "filter": [[1, -1], [1, 1]],
    "pre_activation": [[3, 0], [-2, 1]],
    "output": [[3, 0], [0, 1]],
    "error": [[2, 0], [0, 0]],
    "loss": 2,
    "output_gradient": [[2, 0], [0, 0]],
    "activation_slope": [[1, 0], [0, 1]],
    "delta": [[2, 0], [0, 0]],
    "filter_gradient": [[2, -2], [0, 2]],
    "input_gradient": [[2, -2, 0], [2, 2, 0], [0, 0, 0]],
    "filter_update": [[-1, 1], [0, -1]],
    "new_filter": [[0, 0], [1, 0]],
}
ITERATION_2 = {
    "filter": [[0, 0], [1, 0]],
    "pre_activation": [[0, 1], [0, -1]],
    "output": [[0, 1], [0, 0]],
    "error": [[-1, 1], [0, -1]],
    "loss": 1.5,
    "output_gradient": [[-1, 1], [0, -1]],
    "activation_slope": [[0, 1], [0, 0]],
    "delta": [[0, 1], [0, 0]],
    "filter_gradient": [[-1, 0], [1, 0]],
    "input_gradient": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "filter_update": [[0.5, 0], [-0.5, 0]],
    "new_filter": [[0.5, 0], [0.5, 0]],
}


def as_lists(step: Step) -> dict[str, Any]:
    return {name: step.array(name).tolist() for name in step}


def test_two_iterations_by_hand() -> None:
    run = descend(question())
    first, second = next(run), next(run)
    assert (first.iteration, as_lists(first)) == (1, ITERATION_1)
    assert (second.iteration, as_lists(second)) == (2, ITERATION_2)


def test_bias_channels_and_activated_target_by_hand() -> None:
    problem = Problem(
        input=np.array([[[2.0, 1.0]], [[0.0, -1.0]]]),
        filter=np.array([[[3.0]], [[1.0]]]),
        bias=np.array(-3.0),
        target=np.array([[4.0, -8.0]]),
        activation=Choice("leaky_relu", {"slope": 0.25}),
        target_through_activation=True,
        loss=Choice("squared_error"),
        learning_rate=0.5,
    )
    assert as_lists(next(descend(problem))) == {
        "filter": [[[3]], [[1]]],
        "bias": -3,
        "pre_activation": [[3, -1]],
        "output": [[3, -0.25]],
        "activated_target": [[4, -2]],
        "error": [[-1, 1.75]],
        "loss": 1 + 3.0625,
        "output_gradient": [[-2, 3.5]],
        "activation_slope": [[1, 0.25]],
        "delta": [[-2, 0.875]],
        "filter_gradient": [[[-4 + 0.875]], [[-0.875]]],
        "bias_gradient": -1.125,
        "input_gradient": [[[-6, 2.625]], [[-2, 0.875]]],
        "filter_update": [[[1.5625]], [[0.4375]]],
        "bias_update": 0.5625,
        "new_filter": [[[4.5625]], [[1.4375]]],
        "new_bias": -2.4375,
    }


def test_given_output_gradient_by_hand() -> None:
    gradient = np.array([[1.0, 2.0], [3.0, -4.0]])
    problem = question(target=None, output_gradient=gradient, stop=Stop(iterations=1))
    (step,) = descend(problem)
    expected = {
        "loss": 3 - 4,
        "output_gradient": [[1, 2], [3, -4]],
        "delta": [[1, 0], [0, -4]],
        "filter_gradient": [[1 - 4, -1], [4, 1 - 4]],
        "input_gradient": [[1, -1, 0], [1, 1 - 4, 4], [0, -4, -4]],
        "filter_update": [[1.5, 0.5], [-2, 1.5]],
        "new_filter": [[2.5, -0.5], [-1, 2.5]],
    }
    found = as_lists(step)
    assert {name: found[name] for name in expected} == expected
    assert "error" not in step


def test_gradient_without_a_rate() -> None:
    run = descend(question(target=None, learning_rate=None, output_gradient=np.array([[1.0, 2.0], [3.0, -4.0]])))
    (step,) = run
    found = as_lists(step)
    assert list(found) == [name for name in ITERATION_1 if name not in ("error", "filter_update", "new_filter")]
    assert found["loss"] == -1
    assert found["filter_gradient"] == [[-3, -1], [4, -3]]
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.iterations, run.outcome.loss) == ("stopped", 1, -1)
    assert run.outcome.filter.tolist() == ITERATION_1["filter"]


def test_forward_pass_alone() -> None:
    run = descend(question(target=None, learning_rate=None))
    (step,) = run
    assert as_lists(step) == {name: ITERATION_1[name] for name in ("filter", "pre_activation", "output")}
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.iterations, run.outcome.loss) == ("stopped", 1, None)


@pytest.mark.parametrize(
    ("changed", "status", "iterations", "loss", "period"),
    [
        ({"learning_rate": 0.5}, "dead", 35, 1.0, None),
        ({"learning_rate": 0.1}, "converged", 131, 9.056640156747772e-13, None),
        ({"learning_rate": 0.1, "target": np.array([[1.0, -1], [0, 1]])}, "stationary", 197, 0.5, None),
        ({"learning_rate": 0.5, "stop": Stop(iterations=34)}, "stopped", 34, None, None),
        ({"learning_rate": 0.5, "activation": LINEAR}, "diverged", None, None, None),
    ],
)
def test_how_the_question_ends(
    changed: dict[str, Any], status: str, iterations: int | None, loss: float | None, period: int | None
) -> None:
    run = descend(question(**changed))
    assert run.outcome is None
    *_, last = run
    outcome = run.outcome
    assert outcome is not None
    assert (outcome.status, outcome.period) == (status, period)
    assert iterations in (None, outcome.iterations)
    assert loss in (None, outcome.loss)
    assert last.iteration == outcome.iterations
    assert np.array_equal(outcome.filter, last.new_filter)


def test_the_question_oscillates_at_two_fifths() -> None:
    run = descend(question(learning_rate=0.4))
    steps = list(run)
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.period) == ("oscillating", 2)
    assert run.outcome.iterations == len(steps) < 1000
    np.testing.assert_allclose(steps[-1].filter, steps[-3].filter, rtol=1e-11)
    assert np.abs(steps[-1].filter - steps[-2].filter).max() > 0.01


def test_each_iteration_goes_on_where_the_last_one_ended() -> None:
    steps = list(descend(question(learning_rate=0.1, bias=np.array(0.25))))
    for before, after in pairwise(steps):
        assert np.array_equal(before.new_filter, after.filter)
        assert before.new_bias == after.bias
        assert after.iteration == before.iteration + 1


SHAPES = [
    # input, filter, bias, groups → output
    ((3, 4), (2, 2), (), 1, (2, 3)),
    ((1, 3, 4), (2, 2), (), 1, (2, 3)),
    ((2, 3, 4), (2, 2, 2), (), 1, (2, 3)),
    ((3, 4), (1, 2, 2), (), 1, (2, 3)),
    ((3, 4), (5, 1, 2, 2), (5,), 1, (5, 2, 3)),
    ((2, 3, 4), (1, 2, 2, 2), (1,), 1, (1, 2, 3)),
    ((4, 3, 4), (6, 2, 2, 2), (6,), 2, (6, 2, 3)),
    ((7, 1, 3, 4), (2, 2), (), 1, (7, 2, 3)),
    ((7, 2, 3, 4), (2, 2, 2), (), 1, (7, 2, 3)),
    ((7, 2, 3, 4), (5, 2, 2, 2), (5,), 1, (7, 5, 2, 3)),
    ((1, 2, 3, 4), (1, 2, 2, 2), (1,), 1, (1, 1, 2, 3)),
]


@pytest.mark.parametrize(("x", "w", "b", "groups", "a"), SHAPES)
def test_shapes(x: tuple[int, ...], w: tuple[int, ...], b: tuple[int, ...], groups: int, a: tuple[int, ...]) -> None:
    problem = Problem(
        input=numbers(1, x),
        filter=numbers(2, w),
        bias=numbers(3, b),
        target=numbers(4, a),
        groups=groups,
        target_through_activation=True,
        learning_rate=0.01,
        optimizer=Choice("adam", {"amsgrad": True}),
        stop=Stop(3, -1.0, -1.0),
    )
    assert problem.output_shape == a
    expected = {"input": x, "filter": w, "bias": b, "output": a, "number": ()}
    steps = list(descend(problem))
    assert len(steps) == 3
    for step in steps:
        assert {"bias_largest_square_average", "activated_target", "input_gradient"} <= set(step)
        for name in step:
            assert np.shape(step[name]) == expected[QUANTITIES[name].like], name


@examples(80)
@given(problems(INTEGERS, operation="convolution"))
def test_convolution_is_correlation_with_the_rotated_filter(problem: Problem) -> None:
    rotated = replace(problem, operation="cross-correlation", filter=problem.filter[..., ::-1, ::-1].copy())
    for step, other in zip(descend(problem), descend(rotated), strict=True):
        for name in step:
            turned = other[name][..., ::-1, ::-1] if QUANTITIES[name].like == "filter" else other[name]
            assert np.array_equal(step[name], turned), name


@examples(80)
@given(problems(INTEGERS, activation=LINEAR, loss=Choice("half_squared_error"), bias=None), SEEDS)
def test_the_three_inner_products_are_one(problem: Problem, seed: int) -> None:
    gradient = numbers(seed, problem.output_shape, INTEGERS)
    step = next(descend(replace(problem, target=None, output_gradient=gradient, learning_rate=1.0)))
    expected = np.sum(step.output * gradient)
    assert step.loss == expected
    assert np.sum(step.filter * step.filter_gradient) == expected
    assert np.sum(problem.input * step.input_gradient) == expected


@pytest.mark.parametrize("cell", [(0, 0), (20, 30), (33, 43)])
def test_a_sum_that_is_0_in_its_order_is_0_in_a_large_problem_too(cell: tuple[int, int]) -> None:
    problem = Problem(numbers(1, (40, 50)), numbers(2, (7, 7)))
    in_order = correlate(problem.input[None, None], problem.filter[None, None], problem.geometry)[0, 0]
    problem = replace(problem, bias=np.array(-in_order[cell]))
    assert Block(problem).layer.correlation.reorders
    assert next(descend(problem)).pre_activation[cell] == 0.0


def test_stopped_by_the_user() -> None:
    problem = question(learning_rate=0.1, bias=np.array(0.25))
    run = descend(problem)
    step, after = next(run), next(run)
    outcome = stopped_after(problem, step)
    assert (outcome.status, outcome.iterations, outcome.loss) == ("stopped", 1, after.loss)
    assert np.array_equal(outcome.filter, after.filter)
    assert outcome.bias == after.bias


def test_stopped_by_the_user_before_anything_was_learned() -> None:
    forward = question(target=None, learning_rate=None, bias=np.array(0.25))
    for problem, loss in ((forward, None), (replace(forward, output_gradient=np.ones((2, 2))), 3.25 + 0.25 + 1.25)):
        (step,) = descend(problem)
        outcome = stopped_after(problem, step)
        assert (outcome.status, outcome.iterations, outcome.loss) == ("stopped", 1, loss)
        assert outcome.filter is problem.filter
        assert outcome.bias is problem.bias


def test_stopped_by_the_user_in_fractions_has_a_fraction_for_a_loss() -> None:
    problem = load({"input": [[1]], "filter": [[1]], "target": [["1/3"]], "learning_rate": "1/7", "exact": True})
    step, after = islice(descend(problem), 2)
    assert stopped_after(problem, step).loss == after.loss
    assert type(stopped_after(problem, step).loss) is type(after.loss) is not float


# Runs that begin in the middle

ENDLESS = Stop(iterations=400, loss=-1.0, gradient=-1.0)
CARRIERS = [Choice("sgd"), Choice("sgd", {"momentum": 0.5, "dampening": 0.25}), Choice("adam", {"amsgrad": True})]


def later(problem: Problem, before: Step) -> Problem:
    """The problem as it stands after an iteration."""
    return replace(problem, filter=before.new_filter, bias=before.array("new_bias"))


@pytest.mark.parametrize("first", [2, 3, 22, 90])
@pytest.mark.parametrize("optimizer", CARRIERS, ids=lambda choice: str(choice.spelled))
def test_the_same_numbers_from_any_iteration_on(optimizer: Choice, first: int) -> None:
    problem = question(learning_rate=0.01, bias=np.array(0.25), optimizer=optimizer, stop=ENDLESS)
    steps = list(descend(problem))
    begun = later(problem, steps[first - 2])
    start = Start(first, 1, state_after(steps[first - 2]))
    for found in (list(islice(again(begun, start), 400 - first + 1)), list(run_from(begun, start))):
        assert [step.iteration for step in found] == list(range(first, 401))
        for step, known in zip(found, steps[first - 1 :], strict=True):
            assert list(step) == list(known)
            assert all(step.array(name).tobytes() == known.array(name).tobytes() for name in known)


def test_an_optimizer_that_begins_anew_counts_from_there() -> None:
    """With its state gone, Adam's first step is as long as the rate."""
    problem = question(optimizer=Choice("adam", {"eps": 0.0}), learning_rate=0.25)
    anew = next(again(problem, Start(5, 5)))
    assert anew.iteration == 5
    assert np.abs(anew.filter_update[np.nonzero(anew.filter_gradient)]).tolist() == pytest.approx([0.25] * 3)


def test_again_goes_on_past_every_end() -> None:
    steps = list(islice(again(question(stop=Stop(2)), Start(3)), 500))
    assert [step.iteration for step in steps] == list(range(3, 503))


def test_a_run_that_begins_after_its_last_iteration_does_one() -> None:
    for last, done in ((9, [5, 6, 7, 8, 9]), (5, [5]), (3, [5])):
        run = run_from(question(learning_rate=0.1, stop=Stop(last)), Start(5))
        assert [step.iteration for step in run] == done
        assert run.outcome is not None
        assert (run.outcome.status, run.outcome.iterations) == ("stopped", done[-1])


def test_what_does_not_learn_has_the_number_that_it_begins_at() -> None:
    problem = question(target=None, learning_rate=None)
    run = run_from(problem, Start(5))
    (step,) = run
    assert run.outcome is not None
    assert (step.iteration, run.outcome.iterations) == (5, 5)
    (step,) = again(problem, Start(5))
    assert step.iteration == 5
    assert step.output.tolist() == ITERATION_1["output"]


def test_fractions_if_asked_for() -> None:
    document = {"input": [[1]], "filter": [[1]], "target": [[3]], "learning_rate": "1/2"}
    assert type(descend(load(document))) is not ExactDescent
    assert type(descend(load(document | {"exact": True}))) is ExactDescent
    assert not next(again(load(document), Start())).is_exact
    step = next(again(load(document | {"exact": True}), Start(2)))
    assert (step.is_exact, step.iteration) == (True, 2)


# How much is computed ahead


def test_blocks_grow_until_they_are_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    advance = Block.advance
    monkeypatch.setattr(
        Block, "advance", lambda block, count, first: asked.append((count, first)) or advance(block, count, first)
    )
    whole = [(1, 1), (4, 2), (16, 6), (64, 22), (256, 86), (256, 342)]
    assert len(list(descend(question(stop=Stop(600, -1.0, -1.0))))) == 600
    assert asked == [*whole, (3, 598)]
    asked.clear()
    assert sum(1 for _ in islice(again(question(), Start()), 598 - 1)) == 597
    assert asked == whole


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"learning_rate": 0.1, "stop": Stop(7)},
        {"activation": LINEAR},
        {"learning_rate": 0.1},
        {"learning_rate": 0.4},
    ],
    ids=["dead", "stopped", "diverged", "converged", "oscillating"],
)
def test_the_outcome_is_there_with_the_last_step(changed: dict[str, Any]) -> None:
    run = descend(question(**changed))
    known = [run.outcome is not None for _ in run]
    assert known == [False] * (len(known) - 1) + [True]


def test_a_first_loss_of_0_sets_no_bound() -> None:
    """Weight decay flings the weight away from where the loss is 0: w → −9w, bounded by ½Σt², as always."""
    problem = Problem(
        np.array([[1e-9]]),
        np.array([[1.0]]),
        target=np.array([[1e-9]]),
        activation=LINEAR,
        learning_rate=10.0,
        optimizer=Choice("sgd", {"weight_decay": 1.0}),
        stop=Stop(1000, 0.0, -1.0),
    )
    run = descend(problem)
    *_, last = run
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.iterations) == ("diverged", 7)
    assert last.loss <= 1e12 * 0.5e-18 < run.outcome.loss
