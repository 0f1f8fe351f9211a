"""The losses: each one's value directly above its derivative. Sums and means run over all n entries of the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from convstep.arrays import Array
from convstep.choices import Choice, Parameter
from convstep.correlation import sum_rows, sum_squares


class Loss:
    """L(e), one number for the error e = a − t.

    Attributes:
        parameters: The parameters that the problem file may give, with their defaults.
        formula, gradient_formula: L and ∂L/∂a as they are written on paper.
        is_mean: Whether the sum is divided by n.
        largest_curvature: c, the largest second derivative in one error, before a division by n;
            ``None`` where there is none to speak of.
        gradient_is_error: Whether ∂L/∂a is e itself, so that one array serves as both.
        gradient_jumps: Whether ∂L/∂a jumps at e = 0, so that the last digit of e decides about it.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = {}
    formula: ClassVar[str]
    gradient_formula: ClassVar[str]
    is_mean: ClassVar[bool] = False
    largest_curvature: ClassVar[float | None]
    gradient_is_error: ClassVar[bool] = False
    gradient_jumps: ClassVar[bool] = False

    def __init__(self, choice: Choice) -> None:
        self.choice = choice.completed(self.parameters)

    def formula_with(self, target: str) -> str:
        """The formula with the target as it is compared: ``t``, or ``f(t)``."""
        return self.formula.replace("a − t", f"a − {target}")

    def gradient_formula_with(self, target: str) -> str:
        """The gradient's formula, likewise."""
        return self.gradient_formula.replace("a − t", f"a − {target}")

    def values(self, errors: Array) -> Array:
        """L for each row of errors; shape iterations×n → iterations."""
        raise NotImplementedError

    def gradient(self, error: Array, out: Array) -> None:
        """Writes ∂L/∂a into out, error's shape: n, or n×runs."""
        raise NotImplementedError


class HalfSquaredError(Loss):
    formula = "½ Σ (a − t)²"
    gradient_formula = "a − t"
    largest_curvature = 1.0
    gradient_is_error = True

    def values(self, errors: Array) -> Array:
        result: Array = 0.5 * sum_squares(errors)
        return result

    def gradient(self, error: Array, out: Array) -> None:
        np.copyto(out, error)


class SquaredError(Loss):
    formula = "Σ (a − t)²"
    gradient_formula = "2·(a − t)"
    largest_curvature = 2.0

    def values(self, errors: Array) -> Array:
        result: Array = sum_squares(errors)
        return result

    def gradient(self, error: Array, out: Array) -> None:
        np.multiply(error, 2.0, out=out)


class MeanSquaredError(Loss):
    formula = "1/n · Σ (a − t)²"
    gradient_formula = "2/n · (a − t)"
    is_mean = True
    largest_curvature = 2.0

    def values(self, errors: Array) -> Array:
        result: Array = sum_squares(errors) / errors.shape[1]
        return result

    def gradient(self, error: Array, out: Array) -> None:
        np.multiply(error, 2.0, out=out)
        np.divide(out, len(error), out=out)


class MeanAbsoluteError(Loss):
    formula = "1/n · Σ |a − t|"
    gradient_formula = "1/n · sign(a − t), 0 where a = t"
    is_mean = True
    largest_curvature = None
    gradient_jumps = True

    def values(self, errors: Array) -> Array:
        result: Array = sum_rows(np.abs(errors)) / errors.shape[1]
        return result

    def gradient(self, error: Array, out: Array) -> None:
        np.divide(np.sign(error), len(error), out=out)


class Huber(Loss):
    formula = "1/n · Σ (½e² where |e| ≤ delta, else delta·(|e| − ½·delta))"
    gradient_formula = "1/n · (e, kept between −delta and delta)"
    parameters = {"delta": Parameter(1.0, above=0.0)}
    is_mean = True
    largest_curvature = 1.0

    def values(self, errors: Array) -> Array:
        delta = self.choice.number("delta")
        size = np.abs(errors)
        each = np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
        result: Array = sum_rows(each) / errors.shape[1]
        return result

    def gradient(self, error: Array, out: Array) -> None:
        delta = self.choice.number("delta")
        np.clip(error, -delta, delta, out=out)
        np.divide(out, len(error), out=out)


LOSSES: Mapping[str, type[Loss]] = {
    "half_squared_error": HalfSquaredError,
    "squared_error": SquaredError,
    "mean_squared_error": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
}
"""The losses by the name that a problem file gives them."""


def make_loss(choice: Choice) -> Loss:
    """The loss that a problem asks for.

    >>> import numpy as np
    >>> error = np.array([3.0, -1.0]); gradient = np.empty(2)
    >>> loss = make_loss(Choice("mean_squared_error"))
    >>> loss.gradient(error, gradient); print(loss.values(error[None])[0], gradient)
    5.0 [ 3. -1.]
    """
    return LOSSES[choice.name](choice)
