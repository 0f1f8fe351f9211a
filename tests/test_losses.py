"""Losses: values by hand, gradients by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import LOSS_CHOICES, SEEDS
from hypothesis import given
from profiles import examples

from convstep.choices import Choice
from convstep.correlation.in_order import CHUNK, sum_squares
from convstep.losses import LOSSES, make_loss

STEP = 1e-5
ERRORS = [3.0, -1.0, 0.0, -0.5]

BY_HAND = [
    (Choice("half_squared_error"), 5.125, [3, -1, 0, -0.5]),
    (Choice("squared_error"), 10.25, [6, -2, 0, -1]),
    (Choice("mean_squared_error"), 2.5625, [1.5, -0.5, 0, -0.25]),
    (Choice("mean_absolute_error"), 1.125, [0.25, -0.25, 0, -0.25]),
    # delta 1: 3 − ½, ½, 0, ⅛ → 3.125 / 4
    (Choice("huber"), 0.78125, [0.25, -0.25, 0, -0.125]),
    # delta 2: 2·(3 − 1), ½, 0, ⅛ → 4.625 / 4
    (Choice("huber", {"delta": 2.0}), 1.15625, [0.5, -0.25, 0, -0.125]),
]


def value(choice: Choice, error: np.ndarray) -> float:
    return float(make_loss(choice).values(error[None])[0])


def gradient(choice: Choice, error: np.ndarray) -> np.ndarray:
    out = np.full(error.shape, np.nan)
    make_loss(choice).gradient(error, out)
    return out


@pytest.mark.parametrize(("choice", "loss", "gradients"), BY_HAND, ids=lambda x: str(getattr(x, "spelled", "")))
def test_by_hand(choice: Choice, loss: float, gradients: list[float]) -> None:
    assert value(choice, np.array(ERRORS)) == loss
    assert gradient(choice, np.array(ERRORS)).tolist() == gradients


@pytest.mark.parametrize("choice", [choice for choice, *_ in BY_HAND], ids=lambda choice: str(choice.spelled))
def test_a_row_for_each_iteration(choice: Choice) -> None:
    rows = np.array([ERRORS, [0.0] * 4, [-1.0, 2.0, 5.0, 1.0]])
    assert make_loss(choice).values(rows).tolist() == [value(choice, row) for row in rows]
    assert make_loss(choice).values(rows)[1] == 0.0


@examples(100)
@given(LOSS_CHOICES, SEEDS)
def test_gradient_is_the_derivative(choice: Choice, seed: int) -> None:
    error = np.random.default_rng(seed).uniform(-4.0, 4.0, size=7)
    if choice.name == "mean_absolute_error":
        error += np.copysign(10 * STEP, error)
    steps = STEP * np.eye(len(error))
    numeric = [(value(choice, error + step) - value(choice, error - step)) / (2 * STEP) for step in steps]
    # Across a huber kink inside the step the difference is wrong by at most half a step.
    np.testing.assert_allclose(gradient(choice, error), numeric, rtol=1e-7, atol=1e-5)


@examples(100)
@given(LOSS_CHOICES, SEEDS)
def test_largest_curvature_bounds_the_gradient(choice: Choice, seed: int) -> None:
    """|g(e) − g(e′)| ≤ c/n·|e − e′|, and somewhere equal."""
    loss = make_loss(choice)
    if loss.largest_curvature is None:
        assert choice.name == "mean_absolute_error"
        return
    bound = loss.largest_curvature / (5 if loss.is_mean else 1)
    one, other = np.random.default_rng(seed).normal(size=(2, 5))
    change = np.abs(gradient(choice, one) - gradient(choice, other))
    assert (change <= bound * np.abs(one - other) * (1 + 1e-12)).all()
    small = np.full(5, 1e-3)
    np.testing.assert_allclose(gradient(choice, small), bound * small, rtol=1e-12)


FORMULAS = {
    "half_squared_error": ("½ Σ (a − t)²", "a − t"),
    "squared_error": ("Σ (a − t)²", "2·(a − t)"),
    "mean_squared_error": ("1/n · Σ (a − t)²", "2/n · (a − t)"),
    "mean_absolute_error": ("1/n · Σ |a − t|", "1/n · sign(a − t), 0 where a = t"),
    "huber": (
        "1/n · Σ (½e² where |e| ≤ delta, else delta·(|e| − ½·delta))",
        "1/n · (e, kept between −delta and delta)",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_each_says_its_formula(name: str) -> None:
    loss = make_loss(Choice(name))
    assert (loss.formula, loss.gradient_formula) == FORMULAS[name]
    assert loss.is_mean == (loss.formula.startswith("1/n"))


@pytest.mark.parametrize("name", LOSSES)
def test_formulas_name_the_target_that_is_compared(name: str) -> None:
    loss = make_loss(Choice(name))
    for told, formula in zip((loss.formula_with, loss.gradient_formula_with), FORMULAS[name], strict=True):
        assert told("t") == formula
        assert told("f(t)") == formula.replace("a − t", "a − f(t)")
    assert "a − f(t)" in loss.formula_with("f(t)") or name == "huber"


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_the_error_for_half_squared_error_alone(name: str) -> None:
    assert make_loss(Choice(name)).gradient_is_error == (name == "half_squared_error")


@pytest.mark.parametrize("name", LOSSES)
def test_who_says_that_its_gradient_jumps(name: str) -> None:
    above, below = (gradient(Choice(name), np.array([each])) for each in (1e-9, -1e-9))
    assert make_loss(Choice(name)).gradient_jumps == (np.abs(above - below) > 1e-3).item()


def test_many_errors_are_summed_as_few() -> None:
    """The squares of very long rows are not all kept at once."""
    whole = np.random.default_rng(1).integers(-9, 10, size=(2, 3 * CHUNK + 5)).astype(np.float64)
    assert np.array_equal(sum_squares(whole), (whole * whole).sum(axis=1))
    decimals = whole / 10.0
    np.testing.assert_allclose(sum_squares(decimals), (decimals * decimals).sum(axis=1), rtol=1e-14)
    assert np.array_equal(sum_squares(decimals[1:]), sum_squares(decimals)[1:])
