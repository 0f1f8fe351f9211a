"""Runs side by side are the single runs, to the bit: statuses, iterations, losses, filters, biases and periods."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_problems import SEEDS, problems, question
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.choices import Choice
from convstep.descent import descend
from convstep.problem.model import Problem, Stop
from convstep.sweeping import running
from convstep.sweeping.running import lanes_of, run_all
from convstep.trace import Outcome

LINEAR = Choice("linear")

OPTIMIZERS = st.sampled_from(
    [
        Choice("sgd"),
        Choice("sgd", {"weight_decay": 0.3}),
        Choice("sgd", {"momentum": 0.9}),
        Choice("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        Choice("adam"),
        Choice("adam", {"amsgrad": True, "weight_decay": 0.1}),
        Choice("rmsprop", {"momentum": 0.5, "centered": True}),
        Choice("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ]
)


def alone(problem: Problem) -> Outcome:
    """What a single run ends with."""
    run = descend(problem)
    assert sum(1 for _ in run) > 0
    assert run.outcome is not None
    return run.outcome


def together(runs: Sequence[Problem]) -> list[Outcome]:
    """What the runs end with side by side."""
    ended = {each.position: each.outcome for pulse in run_all(runs, [range(len(runs))]) for each in pulse.ended}
    assert sorted(ended) == list(range(len(runs)))
    return [ended[position] for position in range(len(runs))]


def told(outcome: Outcome) -> tuple[Any, ...]:
    """All that an outcome holds; a loss or a filter that is not a number equals another."""
    bias = None if outcome.bias is None else (outcome.bias.shape, [repr(float(b)) for b in outcome.bias.reshape(-1)])
    numbers = [repr(float(w) + 0.0) for w in outcome.filter.reshape(-1)]
    return outcome.status, outcome.iterations, outcome.period, repr(outcome.loss), outcome.filter.shape, numbers, bias


def check_equal(runs: Sequence[Problem]) -> Counter[str]:
    """Compares every run with its single run; returns how often each status was met."""
    assert lanes_of(runs[0]) >= running.WORTHWHILE_LANES <= len(runs)
    for problem, outcome in zip(runs, together(runs), strict=True):
        assert told(outcome) == told(alone(problem)), f"learning_rate {problem.learning_rate!r}"
    return Counter(alone(problem).status for problem in runs)


def ways(problem: Problem, count: int, seed: int, spread: float = 1.0) -> list[Problem]:
    """The problem with other filters, biases and rates, small and far too large."""
    random = np.random.default_rng(seed)
    return [
        replace(
            problem,
            filter=problem.filter + spread * random.normal(size=problem.filter.shape),
            bias=None if problem.bias is None else problem.bias + spread * random.normal(size=problem.bias.shape),
            learning_rate=float(10 ** random.uniform(-4, 1)),
        )
        for _ in range(count)
    ]


@examples(50)
@given(problems(stop=Stop(60, 1e-4, 1e-4)), OPTIMIZERS, SEEDS, st.integers(4, 12))
def test_drawn_problems(problem: Problem, optimizer: Choice, seed: int, count: int) -> None:
    check_equal(ways(replace(problem, optimizer=optimizer), count, seed))


@examples(15)
@given(problems("integers", activation=Choice("relu"), stop=Stop(300)), SEEDS)
def test_drawn_problems_to_their_end(problem: Problem, seed: int) -> None:
    check_equal(ways(problem, 8, seed))


@examples(25)
@given(problems(target=None, output_gradient=None, stop=Stop(20)), OPTIMIZERS, SEEDS)
def test_a_gradient_given_in_place_of_a_target(problem: Problem, optimizer: Choice, seed: int) -> None:
    gradient = np.random.default_rng(seed).normal(size=problem.output_shape)
    check_equal(
        ways(replace(problem, output_gradient=gradient, optimizer=optimizer, target_through_activation=False), 6, seed)
    )


def test_every_status_of_the_sample() -> None:
    rates = [*np.linspace(0.01, 1.2, 120).tolist(), 0.4, 0.398, 1e300]
    met = check_equal([question(learning_rate=rate) for rate in rates])
    assert set(met) == {"converged", "oscillating", "dead", "diverged", "stopped"}


def test_targets_out_of_reach() -> None:
    target = np.array([[1.0, -1.0], [0.0, 1.0]])
    met = check_equal([question(target=target, learning_rate=rate) for rate in np.linspace(0.01, 0.2, 9)])
    assert met["stationary"] > 5


def one_weight(rate: float, **changed: Any) -> Problem:
    facts = {"input": np.ones((1, 1)), "filter": np.zeros((1, 1)), "target": np.ones((1, 1)), "activation": LINEAR}
    return Problem(**(facts | changed), learning_rate=rate)


def test_cycles_of_two_end_in_the_same_iteration() -> None:
    met = check_equal([one_weight(rate) for rate in (2.0, 2.0, 1.9999999999999, 0.5, 2.0)])
    assert met == {"oscillating": 3, "converged": 1, "stopped": 1}


@pytest.mark.parametrize("period", [3, 4, 5, 7, 12, 31, 63, 64, 65])
def test_cycles_of_any_length(period: int) -> None:
    """The heavy ball without friction turns by the angle θ with 2 − 2·cos θ = rate: after 2π/θ it is back."""
    ball = Choice("sgd", {"momentum": 1.0})
    rates = [2 - 2 * np.cos(2 * np.pi * turns / period) for turns in (1, 2, 1, 3)]
    start = np.array([[0.3]])
    met = check_equal([one_weight(rate, filter=start, optimizer=ball, stop=Stop(400)) for rate in rates])
    assert met["oscillating"] >= 2 or period == 65


def test_slow_runs_are_no_cycles() -> None:
    """Steps about as small as the tolerance: alike at first look."""
    rates = [10.0**exponent for exponent in np.linspace(-14, -9, 25)]
    met = check_equal([question(learning_rate=rate, stop=Stop(50)) for rate in rates])
    assert met == {"stopped": 25}


def test_numbers_that_overflow_one_by_one() -> None:
    """∂L/∂x alone overflows, in another iteration of each run; the loss does not rise."""
    runs = [
        one_weight(
            1.797e208 / (last - 1.5),
            input=np.array([[1e-300]]),
            target=None,
            output_gradient=np.array([[1e200]]),
            stop=Stop(gradient=-1.0),
        )
        for last in range(2, 12)
    ]
    assert check_equal(runs) == {"diverged": 10}
    assert sorted({outcome.iterations for outcome in together(runs)}) == list(range(1, 11))


def test_overflow_in_the_first_iteration() -> None:
    large = question().filter * 1e200
    met = check_equal(
        [question(activation=LINEAR, learning_rate=rate, filter=large) for rate in (0.1, 1e-200, 1e300, 1e250)]
    )
    assert met == {"diverged": 4}


def test_the_state_of_an_optimizer_overflows_and_nothing_else() -> None:
    """g = 10²⁰⁰ and its square is infinite: the update is 0, and every other number is finite."""
    large = {"input": np.array([[1e60]]), "target": np.array([[1e140]]), "optimizer": Choice("rmsprop")}
    met = check_equal([one_weight(rate, **large) for rate in (0.1, 0.2, 0.3, 0.4)])
    assert met == {"diverged": 4}


def test_the_new_filter_overflows_and_nothing_else() -> None:
    """w + Δw is past 1.8·10³⁰⁸ where w and Δw are not."""
    facts: dict[str, Any] = {"filter": np.array([[-1.5e308]]), "target": None, "output_gradient": np.ones((1, 1))}
    runs = [one_weight(rate, **facts, stop=Stop(5, -1.0, -1.0)) for rate in (0.9e308, 0.1e308, 1e300, 0.2e308)]
    met = check_equal(runs)
    assert met["diverged"] == 3


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_whenever_ended_runs_are_left_out(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT_SHARE", share)
    momentum = Choice("sgd", {"momentum": 0.5})
    rates = np.linspace(0.05, 1.2, 23)
    check_equal([question(learning_rate=rate, optimizer=momentum, stop=Stop(120)) for rate in rates])


def test_the_last_run_adds_in_the_same_order_as_all_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """One output of sixteen taps: NumPy would add the products of a single run pairwise."""
    monkeypatch.setattr(running, "KEPT_SHARE", 1.0)
    random = np.random.default_rng(5)
    facts: dict[str, Any] = {
        "input": random.normal(size=(4, 4)),
        "filter": random.normal(size=(4, 4)),
        "target": np.array([[0.7]]),
        "activation": LINEAR,
        "stop": Stop(300),
    }
    met = check_equal([Problem(**facts, learning_rate=rate) for rate in (0.001, 5.0, 6.0, 7.0, 8.0)])
    assert met["diverged"] == 4


def test_ended_runs_stand_still_until_they_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT_SHARE", 0.0)
    rates = [0.1, 0.4, 0.2, 0.05]
    company = running.Company(np.arange(4), [question(learning_rate=rate) for rate in rates])
    ended = [each.position for iteration in range(1, 62) for each in company.advance(iteration)]
    assert ended == [1]
    before = company.lanes.weights.copy()
    company.advance(62)
    assert np.flatnonzero((company.lanes.weights == before).all(axis=0)).tolist() == [1]


def test_more_runs_than_go_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_LANES", 4)
    check_equal([question(learning_rate=rate, stop=Stop(50)) for rate in np.linspace(0.05, 1.2, 11)])


def test_single_runs_where_they_do_better() -> None:
    large = question(input=np.ones((400, 400)), target=np.ones((399, 399)), stop=Stop(2))
    assert lanes_of(large) == 1
    assert lanes_of(question(target=None, learning_rate=None)) == 1
    assert lanes_of(question()) > 500
    (few,) = together([question(learning_rate=0.1)])
    assert told(few) == told(alone(question(learning_rate=0.1)))


def test_memory_does_not_grow_with_the_iterations() -> None:
    def peak(iterations: int) -> int:
        endless = Stop(iterations, loss=-1.0, gradient=-1.0)
        runs = [question(learning_rate=rate, stop=endless) for rate in np.linspace(0.01, 0.2, 50)]
        tracemalloc.start()
        try:
            assert len(together(runs)) == 50
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    short, long = peak(200), peak(2000)
    assert long < 1.05 * short
