"""The verdict at the end of a run: when advice is given, and how it is spelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_problems import question
from program import NAMES, SAMPLES

import convstep
from convstep.choices import Choice
from convstep.descent import descend, stopped_after
from convstep.problem.model import Problem, Stop
from convstep.reasons.conclusion import FEWEST_ITERATIONS, conclude

LINEAR = Choice("linear")


def advice(problem: Problem) -> tuple[str, ...]:
    return convstep.run(problem).advice


def row(x: list[float], t: list[float], w: float = 0.0, rate: float = 0.5, **changed: Any) -> Problem:
    """One weight that looks at each cell of a row."""
    facts: dict[str, Any] = {"input": np.array([x]), "filter": np.array([[w]]), "target": np.array([t])}
    return Problem(**(facts | {"activation": LINEAR, "learning_rate": rate} | changed))


def test_the_rate_and_another_start_for_the_question() -> None:
    assert advice(question()) == (
        "With learning_rate 0.1459, below the limit 2/λmax = 0.291796 for this input, it converges in 88 iterations: "
        "--lr 0.1459",
        "With another start (he, seed 1) and learning_rate 0.1459 it converges in 86 iterations: "
        """--set 'filter={"size": 2, "initial": "he", "seed": 1}' --lr 0.1459""",
    )


def test_the_rate_where_it_oscillates_or_diverges() -> None:
    best = (
        "With learning_rate 0.1459, below the limit 2/λmax = 0.291796 for this input, it converges in 88 iterations: "
    )
    for rate in (0.4, 3.0):
        assert advice(question(learning_rate=rate)) == (best + "--lr 0.1459",)
    # x = 1: at the rate 1/λ = 1 the first step is the last.
    once = "With learning_rate 1, below the limit 2/λmax = 2 for this input, it converges in 1 iteration: --lr 1"
    assert advice(row([1], [1], rate=10.0)) == (once,)
    assert advice(row([1], [1], rate=1e300)) == (once,)


def test_another_start_where_the_rate_is_not_to_blame() -> None:
    dead = row([1], [1], w=-1.0, rate=0.1, activation=Choice("relu"))
    assert [text.partition(" it ")[0] for text in advice(dead)] == [
        "With a leaky ReLU (slope 0.1), which never cuts an error off,",
        "With another start (he, seed 2)",
    ] or advice(dead)


def test_a_leaky_relu_at_a_rate_of_its_own_says_so() -> None:
    """With the rate 2 and the target 3 the weight 5 is thrown to −… : a leaky ReLU needs a smaller rate too."""
    dead = row([1, 1], [3, 3], w=6.0, rate=2.0, activation=Choice("relu"))
    trace = convstep.run(dead)
    assert trace.outcome.status == "dead"
    (leaky,) = (text for text in trace.advice if "leaky" in text)
    assert leaky.startswith("With a leaky ReLU (slope 0.1), which never cuts an error off, and learning_rate 0.5 it")
    assert leaky.endswith("""--set 'activation={"leaky_relu": {"slope": 0.1}}' --lr 0.5""")


def test_another_start_where_all_is_at_the_wrong_end_of_a_range() -> None:
    """Nothing converges to the sigmoid's 0, but half the range away is no place to stay."""
    start, linear = advice(row([1], [0], w=40.0, activation=Choice("sigmoid")))
    assert start.startswith("With another start (he, seed 1) the loss is down to")
    assert linear.startswith("With a linear activation")


@pytest.mark.parametrize("rate", [14.0, 50.0])
def test_a_lower_rate_where_the_range_forces_most_of_the_loss(rate: float) -> None:
    """At 14 the run oscillates, at 50 it dies; ½(1 − 0.278)² = 0.260307 is the least there is."""
    first = advice(row([1], [-1], w=-1.27, rate=rate, activation=Choice("silu")))[0]
    assert first.startswith("With learning_rate 0.8267, below the limit 2/λmax = 1.65338 for this input, it comes to")
    assert "rest at the loss 0.260307 after" in first


def test_a_bias_for_outputs_that_see_only_zeros() -> None:
    """The bias 0 leaves a ReLU's z at 0, where its slope is 0."""
    linear, relu = (row([0, 1], [1, 1], w=1.0, rate=0.1, activation=Choice(name)) for name in ("linear", "relu"))
    assert advice(linear) == ("With a bias it converges in 342 iterations: --set bias=0",)
    assert advice(relu) == ("With a bias that starts at 0.1 it converges in 341 iterations: --set bias=0.1",)


def test_momentum_keeps_the_other_settings() -> None:
    slow = row([1, 2], [1, 5], rate=1e-3, optimizer=Choice("sgd", {"weight_decay": 1e-6}), stop=Stop(200))
    (momentum,) = (text for text in advice(slow) if "momentum" in text)
    assert '"weight_decay": 1e-06' in momentum


def test_no_advice_once_it_converged() -> None:
    for name in NAMES:
        trace = convstep.run(convstep.load(SAMPLES / f"{name}.yaml"))
        if trace.outcome.status == "converged":
            assert trace.advice == ()


@pytest.mark.parametrize(
    "problem",
    [
        row([1], [1], rate=1e-3, stop=Stop(FEWEST_ITERATIONS - 1)),  # not meant to arrive
        row([1e200], [1], w=1.0),  # no λ
        question(target=None, output_gradient=np.ones((2, 2))),
        question(target=None, output_gradient=np.zeros((2, 2))),
        question(target=None, learning_rate=None),
    ],
)
def test_no_advice_where_there_is_none(problem: Problem) -> None:
    assert advice(problem) == ()


def test_advice_for_a_run_that_was_to_arrive() -> None:
    assert advice(row([1], [1], rate=1e-3, stop=Stop(FEWEST_ITERATIONS)))


def test_no_advice_when_it_was_interrupted() -> None:
    problem = replace(question(learning_rate=1e-6), stop=Stop(300))
    steps = list(descend(problem))
    outcome = stopped_after(problem, steps[150])
    assert conclude(problem, outcome, steps[0], steps[150]).advice
    assert conclude(problem, outcome, steps[0], steps[150], interrupted=True).advice == ()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_advice_of_why(name: str) -> None:
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    trace, reasons = convstep.run(problem), convstep.why(problem)
    assert len(trace.advice) == len(reasons.advice) <= 3
    for text, advice in zip(trace.advice, reasons.advice, strict=True):
        assert text.startswith(advice.says.removesuffix("."))
