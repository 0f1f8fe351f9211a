"""The loop written out gives the digits of the loop over arrays: any geometry, activation and loss, to the overflow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from drawn_problems import FLOATS, INTEGERS, LOSS_CHOICES, problems, question
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import convstep
from convstep import block
from convstep.block import Block
from convstep.choices import Choice
from convstep.layers import unrolled
from convstep.optimizers import make_optimizer
from convstep.problem.model import Problem, Stop

kept = unrolled.Unrolled.run


def blocks(problem: Problem, written_out: bool, count: int = 5) -> list[Mapping[str, np.ndarray]]:
    """Two blocks of iterations, one after the other."""
    made = Block(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "LONG_BLOCK", 1 if written_out else 1000)
        patch.setattr(unrolled, "MOST_PRODUCTS", 10_000)
        patch.setattr(unrolled, "MOST_CELLS", 10_000)
        found = [made.advance(count, first)[0] for first in (1, count + 1)]
        assert ("_loop" in vars(made) and made._loop is not None) == written_out
    return [*found, {"loss ahead": np.array(made.first_loss), "state ahead": made.first_state}]


def same(problem: Problem) -> None:
    """Both loops come to the same numbers."""
    for ours, theirs in zip(blocks(problem, True), blocks(problem, False), strict=True):
        assert list(ours) == list(theirs)
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], name)


@given(problems(FLOATS))
@examples(150)
def test_any_problem(problem):
    same(problem)


@given(problems(INTEGERS), st.sampled_from([0.25, 1.0]))
@examples(100)
def test_whole_numbers_with_their_zeros(problem, rate):
    same(convstep.Problem(**{**vars_of(problem), "learning_rate": rate}))


@given(problems(FLOATS), LOSS_CHOICES, st.integers(0, 2**32 - 1))
@examples(60)
def test_a_gradient_that_is_given(problem, loss, seed):
    given = np.random.default_rng(seed).normal(size=problem.output_shape)
    facts = {**vars_of(problem), "target": None, "output_gradient": given, "loss": loss}
    same(Problem(**facts | {"target_through_activation": False}))


def vars_of(problem: Problem) -> dict[str, object]:
    """The problem's facts by name."""
    return {name: getattr(problem, name) for name in Problem.__dataclass_fields__}


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu", "sigmoid", "tanh", "softplus"])
def test_a_run_that_overflows_ends_alike(activation, monkeypatch):
    """Through every number up to infinity, and to the same status in the same iteration."""
    stop = Stop(iterations=700, loss=0.0, gradient=0.0)
    problem = question(activation=Choice(activation), learning_rate=30.0, stop=stop, bias=np.array(0.5))
    runs = []
    for written_out in (True, False):
        monkeypatch.setattr(block, "LONG_BLOCK", 1 if written_out else 1000)
        run = convstep.descend(problem)
        steps = list(run)
        assert run.outcome is not None
        runs.append((steps, run.outcome))
    (ours, our_outcome), (theirs, their_outcome) = runs
    assert (our_outcome.status, len(ours)) == (their_outcome.status, len(theirs))
    for our, their in zip(ours, theirs, strict=True):
        for name in our:
            np.testing.assert_array_equal(our.array(name), their.array(name), name)


def test_a_long_run_of_a_tiny_problem_is_written_out(monkeypatch):
    made: list[int] = []
    monkeypatch.setattr(unrolled.Unrolled, "run", lambda *given: made.append(1) or kept(*given))
    steps = list(convstep.descend(question(learning_rate=0.1, stop=Stop(iterations=100, loss=0.0, gradient=0.0))))
    assert (len(steps), len(made)) == (100, 1)  # blocks of 1, 4, 16, 64 and the rest


@pytest.mark.parametrize(
    "optimizer",
    [Choice("adam"), Choice("sgd", {"momentum": 0.9}), Choice("sgd", {"weight_decay": 0.1})],
)
def test_what_carries_a_state_is_not(optimizer):
    assert Block(question(optimizer=optimizer))._loop is None


def test_what_is_not_tiny_is_not():
    assert Block(Problem(np.ones((9, 9)), np.ones((3, 3)), target=np.ones((7, 7)), learning_rate=0.1))._loop is None


def test_few_windows_in_a_large_input_are_not():
    target = np.ones((2, 2))
    far_apart = Problem(np.ones((1000, 1000)), np.ones((1, 1)), stride=(999, 999), target=target, learning_rate=0.1)
    assert Block(far_apart)._loop is None


def test_sixty_four_products_are_tiny_and_one_more_is_not():
    sgd = make_optimizer(Choice("sgd"), 0.5)
    two_by_two = {"filter": np.ones((2, 2, 1, 1)), "learning_rate": 0.5}
    assert unrolled.suits(Problem(np.ones((2, 1, 16)), **two_by_two), sgd)
    assert not unrolled.suits(Problem(np.ones((2, 1, 17)), **two_by_two), sgd)
    assert not unrolled.suits(Problem(np.ones((5, 13)), np.ones((1, 1)), learning_rate=0.5), sgd)


@pytest.mark.parametrize(
    ("shape", "few"), [((1, 1, 1, 256), True), ((1, 1, 1, 257), False), ((2, 2, 8, 8), True), ((2, 2, 13, 5), False)]
)
def test_so_many_cells_are_few(shape, few):
    """Windows so far apart that there is one an image."""
    problem = Problem(np.ones(shape), np.ones((1, shape[1], 1, 1)), stride=(300, 300), learning_rate=0.5)
    assert unrolled.suits(problem, make_optimizer(Choice("sgd"), 0.5)) is few


@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error", "mean_squared_error"])
@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu"])
def test_what_floats_can_do_goes_through_no_array(activation, loss):
    text = "\n".join(unrolled._Text(question(activation=Choice(activation), loss=Choice(loss)), True).lines())
    for call in ("value(", "exp(", "slope_of(", "gradient_of("):
        assert call not in text


@pytest.mark.parametrize(
    ("activation", "calls"), [("sigmoid", ["exp"]), ("tanh", ["value"]), ("elu", ["value", "slope_of"])]
)
def test_only_what_floats_cannot_do_goes_through_arrays(activation, calls):
    text = "\n".join(unrolled._Text(question(activation=Choice(activation)), True).lines())
    assert [call for call in ("exp", "value", "slope_of", "gradient_of") if f"  {call}(" in text] == calls
