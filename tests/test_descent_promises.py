"""What a Step promises: the same bits whatever the block, read-only arrays, known names, memory that stays."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from drawn_problems import numbers, problems, question
from hypothesis import given
from profiles import examples

from convstep import block
from convstep.choices import Choice
from convstep.descent import descend
from convstep.problem.model import Problem, Stop
from convstep.quantities import QUANTITIES
from convstep.trace import Step

LINEAR = Choice("linear")
ENDLESS = Stop(10**9, -1.0, -1.0)


def as_bytes(step: Step) -> dict[str, bytes]:
    return {name: step.array(name).tobytes() for name in step}


# The same bits, however the iterations are cut into blocks.

OPTIMIZERS = [
    Choice("sgd"),
    Choice("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    Choice("adam", {"amsgrad": True}),
    Choice("rmsprop", {"momentum": 0.5, "centered": True}),
    Choice("adagrad", {"initial_accumulator_value": 0.1, "lr_decay": 0.1}),
]


def deep(seed: int = 3, **changed: Any) -> Problem:
    """A problem with every axis there is."""
    facts: dict[str, Any] = {
        "input": numbers(seed, (2, 4, 5, 6)),
        "filter": numbers(seed + 1, (4, 2, 3, 2)),
        "bias": numbers(seed + 2, (4,)),
        "target": numbers(seed + 3, (2, 4, 3, 5)),
        "groups": 2,
        "activation": Choice("gelu"),
        "loss": Choice("mean_squared_error"),
        "learning_rate": 0.05,
        "stop": Stop(40, -1.0, -1.0),
    }
    return Problem(**(facts | changed))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda choice: str(choice.spelled))
@pytest.mark.parametrize("operation", ["cross-correlation", "convolution"])
def test_block_length_changes_no_bit(optimizer: Choice, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = deep(optimizer=optimizer, operation=operation)
    expected = [as_bytes(step) for step in descend(problem)]
    for longest in (1, 3, 256):
        monkeypatch.setattr(block, "LONGEST_BLOCK", longest)
        assert [as_bytes(step) for step in descend(problem)] == expected


@examples(60)
@given(problems(stop=Stop(7, -1.0, -1.0)))
def test_block_length_changes_no_bit_of_drawn_problems(problem: Problem) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "LONGEST_BLOCK", 1)
        single = [as_bytes(step) for step in descend(problem)]
    assert [as_bytes(step) for step in descend(problem)] == single


def test_a_shorter_run_is_a_prefix() -> None:
    problem = question(learning_rate=0.1, bias=np.array(0.1))
    longest = [as_bytes(step) for step in descend(replace(problem, stop=Stop(20)))]
    for count in range(1, 21):
        run = descend(replace(problem, stop=Stop(count)))
        assert [as_bytes(step) for step in run] == longest[:count]
        assert run.outcome is not None
        assert (run.outcome.status, run.outcome.iterations) == ("stopped", count)
        if count < 20:
            assert np.array([run.outcome.loss]).tobytes() == longest[count]["loss"]


@pytest.mark.parametrize("problem", [question(learning_rate=0.1), deep()], ids=["question", "deep"])
def test_plain_descent_can_start_anew_from_any_filter(problem: Problem) -> None:
    steps = list(descend(problem))[:30]
    for before, after in pairwise(steps):
        bias = before.array("new_bias") if "new_bias" in before else None
        again = next(descend(replace(problem, filter=before.new_filter, bias=bias)))
        assert as_bytes(again) == as_bytes(after)


def test_a_large_problem_is_done_iteration_by_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert block.Block(question()).longest == 256
    assert block.Block(Problem(np.ones((30, 30)), np.ones((1, 1)))).longest == 2**17 // (6 * 900 + 900 + 5)
    for numbers_held, longest in ((53 * 40, 40), (53 * 40 - 1, 39), (53, 1), (52, 1)):
        monkeypatch.setattr(block, "BLOCK_NUMBERS", numbers_held)
        assert block.Block(question()).longest == longest  # 6·4 outputs, 9 cells and 5·4 weights make 53


# What a Step promises


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda choice: str(choice.spelled))
def test_arrays_are_read_only_and_stay_as_they_are(optimizer: Choice) -> None:
    problem = deep(optimizer=optimizer, target_through_activation=True)
    given_before = {name: getattr(problem, name).copy() for name in ("input", "filter", "bias", "target")}
    kept = []
    for step in descend(problem):
        for name in step:
            array = step._arrays[name]
            assert array.dtype == np.float64
            assert not array.flags.writeable, name
        with pytest.raises(ValueError, match="read-only"):
            step.delta[0, 0, 0, 0] = 1.0
        kept.append((step, as_bytes(step)))
    assert all(as_bytes(step) == before for step, before in kept)
    assert all(np.array_equal(getattr(problem, name), before) for name, before in given_before.items())


@examples(40)
@given(problems())
def test_names_are_known_and_in_order(problem: Problem) -> None:
    order = list(QUANTITIES)
    for step in descend(problem):
        assert list(step) == sorted(step, key=order.index)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda choice: str(choice.spelled))
def test_names_with_optimizer_state_are_in_order(optimizer: Choice) -> None:
    assert list(step := next(descend(deep(optimizer=optimizer)))) == sorted(step, key=list(QUANTITIES).index)


def test_memory_does_not_grow_with_the_iterations() -> None:
    problem = question(learning_rate=0.1, activation=LINEAR, stop=ENDLESS)
    run = descend(problem)
    tracemalloc.start()
    try:
        for _ in zip(run, range(5_000), strict=False):
            pass
        early = tracemalloc.get_traced_memory()[1]
        for _ in zip(run, range(25_000), strict=False):
            pass
        assert tracemalloc.get_traced_memory()[1] < early + 20_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("number", "finite"), [(np.nan, False), (-np.inf, False), (1e200, True), (0.5, True)])
def test_which_rows_are_finite(number: float, finite: bool) -> None:
    """Long rows are judged by the sum of their squares, unless that overflows."""
    for shape in ((1, block.BLOCK_NUMBERS), (2, 40), (1, 40)):
        rows = np.ones(shape)
        rows[-1, 17] = number
        with np.errstate(all="ignore"):
            found = block._finite_rows(rows).tolist()
        assert found == [True] * (len(rows) - 1) + [finite]
