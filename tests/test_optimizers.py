"""Optimizers by hand: two iterations of one weight at the rate ½, state included; no PyTorch is needed."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from convstep.choices import Choice
from convstep.optimizers import OPTIMIZERS, make_optimizer

WEIGHT = np.array([4.0])
ADAM = {"betas": (0.5, 0.75), "eps": 1.0}
RMSPROP = {"alpha": 0.75, "eps": 1.0}
BY_HAND = [
    (Choice("sgd"), (2, 4), (-1, -2), {}),
    (Choice("sgd", {"weight_decay": 0.5}), (0, 2), (-1, -2), {}),
    # v = 2, then 0.5·2 + 0.75·4
    (Choice("sgd", {"momentum": 0.5, "dampening": 0.25}), (2, 4), (-1, -2), {"momentum": 4}),
    (Choice("sgd", {"momentum": 0.5, "dampening": 0.25, "weight_decay": 0.5}), (0, 2), (-1, -2), {"momentum": 4}),
    # v = 2, then 0.5·2 + 4; the direction is g + 0.5·v
    (Choice("sgd", {"momentum": 0.5, "nesterov": True}), (2, 4), (-1.5, -3.25), {"momentum": 5}),
    # m = 1, then 1 − 0.5·5; v = 1, then 0.75 + 4
    (
        Choice("adam", ADAM),
        (2, -4),
        (-1 / 3, 1 / (sqrt(4.75 / 0.4375) + 1)),
        {"momentum": -1.5, "square_average": 4.75},
    ),
    # m = 1, then 0.5; v = 1, then 0.75
    (
        Choice("adam", ADAM | {"weight_decay": 0.5}),
        (0, -2),
        (-1 / 3, -1 / 3 / (sqrt(0.75 / 0.4375) + 1)),
        {"momentum": 0.5, "square_average": 0.75},
    ),
    (
        Choice("adam", ADAM | {"amsgrad": True}),
        (2, 0),
        (-1 / 3, -1 / 3 / (sqrt(1 / 0.4375) + 1)),
        {"momentum": 0.5, "square_average": 0.75, "largest_square_average": 1},
    ),
    # v = 4, then 3 + 1
    (Choice("rmsprop", RMSPROP), (4, 2), (-2 / 3, -1 / 3), {"square_average": 4}),
    (Choice("rmsprop", RMSPROP | {"weight_decay": 0.5}), (2, 0), (-2 / 3, -1 / 3), {"square_average": 4}),
    (
        Choice("rmsprop", RMSPROP | {"momentum": 0.5}),
        (4, 2),
        (-2 / 3, -2 / 3),
        {"square_average": 4, "momentum": 4 / 3},
    ),
    # ḡ = 1, then 1 + 0.25·1
    (
        Choice("rmsprop", RMSPROP | {"centered": True}),
        (4, 2),
        (-2 / (sqrt(3) + 1), -1 / (sqrt(4 - 1.25**2) + 1)),
        {"square_average": 4, "gradient_average": 1.25},
    ),
    # s = 5 + 4, then 9 + 16; the rate is ½, then ¼
    (
        Choice("adagrad", {"lr_decay": 1.0, "initial_accumulator_value": 5.0, "eps": 1.0}),
        (2, 4),
        (-1 / 4, -1 / 6),
        {"square_average": 25},
    ),
    (Choice("adagrad", {"weight_decay": 0.5, "eps": 1.0}), (1, -2), (-3 / 8, 0), {"square_average": 9}),
]


@pytest.mark.parametrize(
    ("choice", "gradients", "updates", "last_state"), BY_HAND, ids=[str(choice.spelled) for choice, *_ in BY_HAND]
)
def test_by_hand(
    choice: Choice, gradients: tuple[float, float], updates: tuple[float, float], last_state: dict[str, float]
) -> None:
    optimizer = make_optimizer(choice, 0.5)
    assert set(optimizer.state_names) == set(last_state)
    state = {name: np.array([optimizer.first_state(name)]) for name in optimizer.state_names}
    for iteration, (gradient, update) in enumerate(zip(gradients, updates, strict=True), 1):
        after, out = {name: np.full(1, np.nan) for name in state}, np.full(1, np.nan)
        optimizer.step(iteration, WEIGHT, np.array([float(gradient)]), state, after, out)
        assert out.item() == pytest.approx(update, rel=1e-14)
        state = after
    assert {name: array.item() for name, array in state.items()} == pytest.approx(last_state, rel=1e-14)


def test_the_defaults_are_those_of_pytorch() -> None:
    assert {
        name: {key: parameter.default for key, parameter in kind.parameters.items()}
        for name, kind in OPTIMIZERS.items()
    } == {
        "sgd": {"momentum": 0.0, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0},
        "adam": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False},
        "rmsprop": {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False},
        "adagrad": {"lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
    }
