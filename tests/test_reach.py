"""What an output could be: which have died, which see only zeros, which are as near to their target as they can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convstep.descent import descend
from convstep.problem.model import Choice, Problem
from convstep.reach import Reach

RELU, SILU = Choice("relu"), Choice("silu")


def died(x: Any, t: Any, activation: Choice, w: float = 1.0, **changed: Any) -> list[bool]:
    """Which outputs of one weight have died where its run ends."""
    facts: dict[str, Any] = {"filter": np.array([[w]]), "activation": activation, "learning_rate": 0.1}
    problem = Problem(np.array([x], dtype=float), target=np.array([t]), **(facts | changed))
    found: list[bool] = Reach(problem).died(list(descend(problem))[-1])[0].tolist()
    return found


@pytest.mark.parametrize("activation", ["relu", "linear", "tanh", "sigmoid", "leaky_relu", "elu"])
def test_an_output_that_sees_only_zeros_has_not_died(activation: str) -> None:
    right = {"sigmoid": 0.7310585786300049, "tanh": 0.7615941559557649}.get(activation, 1.0)  # f(1)
    assert died([0, 1], [0.9, right], Choice(activation)) == [False, False]
    assert died([0], [0.9], Choice(activation)) == [False]


def test_beside_one_that_has_died() -> None:
    """σ(0) = ½ sends an error back; that error meets nothing but zeros."""
    assert died([1, 0], [1.0, 1.0], RELU, w=-1.0) == [True, False]
    assert died([1, 0], [0.5, 0.9], Choice("sigmoid"), w=-40.0) == [True, False]


def test_an_output_that_is_as_good_as_right_has_not_died() -> None:
    """Its error is 4e-9 and its slope 0.2, so its δ is below stop.gradient; the other output sees only zeros."""
    assert died([1, 0], [0.7, 0.9], Choice("sigmoid"), w=1.0, learning_rate=5.0) == [False, False]


@pytest.mark.parametrize(
    ("activation", "w", "target", "rate"),
    [
        (Choice("sigmoid"), 40.0, 0.0, 1.0),
        (Choice("sigmoid"), -40.0, 1.0, 1.0),
        (Choice("sigmoid"), -40.0, 7.0, 1.0),
        (Choice("tanh"), 40.0, -1.0, 1.0),
        (SILU, -1.2, -1.0, 50.0),
        (Choice("gelu"), -40.0, -1.0, 1.0),
        (Choice("elu", {"alpha": -1.0}), -40.0, -1.0, 1.0),
    ],
)
@pytest.mark.parametrize("loss", ["half_squared_error", "mean_absolute_error"])
def test_far_from_a_target_out_of_range(activation: Choice, w: float, target: float, rate: float, loss: str) -> None:
    assert died([1], [target], activation, w, learning_rate=rate, loss=Choice(loss)) == [True]


@pytest.mark.parametrize(
    ("activation", "w", "target"),
    [
        (RELU, 1.0, -1.0),
        (RELU, -3.0, -1.0),
        (Choice("leaky_relu", {"slope": 0.0}), -3.0, -1.0),
        (Choice("sigmoid"), -40.0, -1.0),
        (Choice("sigmoid"), -11.0, 0.0),
        (Choice("tanh"), 40.0, 2.0),
        (Choice("elu"), -40.0, -2.0),
        (Choice("elu", {"alpha": 0.5}), -30.0, -1.0),
        (Choice("softplus", {"beta": 1e-4}), -4e5, -1.0),
        (SILU, -1.2, -1.0),
    ],
)
def test_near_a_target_out_of_range(activation: Choice, w: float, target: float) -> None:
    assert died([1], [target], activation, w, learning_rate=1.0) == [False]


def test_with_a_bias_an_output_that_sees_only_zeros_could_be_right() -> None:
    assert died([0, 0], [1.0, 1.0], RELU, bias=np.array(-1.0)) == [True, True]


def test_zeros_are_seen_filter_by_filter_and_group_by_group() -> None:
    """Of two groups the second sees the channel of zeros."""
    x = np.zeros((1, 2, 1, 2))
    x[0, 0, 0, 0] = 1.0
    problem = Problem(x, -np.ones((2, 1, 1, 1)), target=np.ones((1, 2, 1, 2)), groups=2, learning_rate=0.1)
    assert Reach(problem).sees_only_zeros.tolist() == [[[[False, True]], [[True, True]]]]
