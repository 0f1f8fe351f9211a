"""What happens to single fractions: activations and losses, each value beside its derivative, and plain descent.

These are the definitions as they stand in a textbook; the float run has them in arrays, and is compared with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from convstep.problem.model import Problem

HALF = Fraction(1, 2)
ZERO, ONE = Fraction(0), Fraction(1)


class Function(NamedTuple):
    """A function of one number, and its derivative."""

    value: Callable[[Fraction], Fraction]
    slope: Callable[[Fraction], Fraction]


def activation_of(problem: Problem) -> Function:
    """f and f′.

    >>> import convstep
    >>> relu = activation_of(convstep.load({"input": [[1]], "filter": [[1]], "exact": True}))
    >>> [(relu.value(z), relu.slope(z)) for z in (Fraction(-1), ZERO, HALF)]
    [(Fraction(0, 1), Fraction(0, 1)), (Fraction(0, 1), Fraction(0, 1)), (Fraction(1, 2), Fraction(1, 1))]
    """
    if problem.activation.name == "linear":
        return Function(lambda z: z, lambda z: ONE)
    below = Fraction(problem.activation.parameters.get("slope", ZERO))  # type: ignore[arg-type]
    at_zero = Fraction(problem.slope_at_zero or ZERO)
    return Function(
        lambda z: z if z > 0 else below * z,
        lambda z: ONE if z > 0 else below if z < 0 else at_zero,
    )


def sign(number: Fraction) -> int:
    """1, 0 or −1."""
    return (number > 0) - (number < 0)


def loss_of(problem: Problem, n: int) -> Function:
    """What one error adds to the loss, and the derivative of that; n is how many errors a mean is taken over."""
    name, share = problem.loss.name, Fraction(1, n)
    if name == "half_squared_error":
        return Function(lambda e: HALF * e * e, lambda e: e)
    if name == "squared_error":
        return Function(lambda e: e * e, lambda e: 2 * e)
    if name == "mean_squared_error":
        return Function(lambda e: share * e * e, lambda e: 2 * share * e)
    if name == "mean_absolute_error":
        return Function(lambda e: share * abs(e), lambda e: share * sign(e))
    delta = Fraction(problem.loss.parameters["delta"])  # type: ignore[arg-type]
    return Function(
        lambda e: share * (HALF * e * e if abs(e) <= delta else delta * (abs(e) - HALF * delta)),
        lambda e: share * max(-delta, min(delta, e)),
    )


class Descended(NamedTuple):
    """What stochastic gradient descent makes of a parameter.

    Attributes:
        momentum: The running direction v; 0 where there is none.
        update: Δw.
    """

    momentum: Fraction
    update: Fraction


class PlainDescent:
    """Δw = −η·v, v = g, or with momentum v = μ·v + (1 − dampening)·g, started at v = g; as in ``torch.optim.SGD``."""

    def __init__(self, problem: Problem) -> None:
        parameters = problem.optimizer.parameters
        self.rate = Fraction(problem.learning_rate or ZERO)
        self.momentum, self.dampening, self.weight_decay = (
            Fraction(parameters[name])  # type: ignore[arg-type]
            for name in ("momentum", "dampening", "weight_decay")
        )
        self.nesterov = bool(parameters["nesterov"])

    def decayed(self, gradients: Sequence[Fraction], weights: Sequence[Fraction]) -> list[Fraction]:
        """g + weight_decay·w."""
        return [g + self.weight_decay * w for g, w in zip(gradients, weights, strict=True)]

    def step(self, direction: Fraction, before: Fraction | None) -> Descended:
        """One parameter's step.

        Args:
            direction: Its gradient, weight decay added.
            before: The running direction so far; ``None`` at the first step.
        """
        if not self.momentum:
            return Descended(ZERO, -self.rate * direction)
        velocity = direction if before is None else self.momentum * before + (1 - self.dampening) * direction
        downhill = direction + self.momentum * velocity if self.nesterov else velocity
        return Descended(velocity, -self.rate * downhill)
