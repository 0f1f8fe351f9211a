"""The optimizers: from a gradient to the update, with the state that they carry along.

Parameters, defaults and the order of every operation are those of ``torch.optim`` (2.x). All of a layer's
parameters lie in one flat vector, the filter's first, then the biases: no optimizer here mixes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from convstep.arrays import Array
from convstep.choices import Choice, Parameter

State = Mapping[str, Array]


class Optimizer:
    """Turns gradients into updates.

    Attributes:
        parameters: The parameters that the problem file may give, with their defaults.
        state_names: What is carried from one iteration to the next: the end of a quantity's name,
            as ``momentum`` in ``filter_momentum``.
    """

    parameters: ClassVar[Mapping[str, Parameter]]

    def __init__(self, choice: Choice, learning_rate: float) -> None:
        self.choice = choice = choice.completed(self.parameters)
        self.learning_rate = learning_rate
        self.weight_decay = choice.number("weight_decay")

    @property
    def state_names(self) -> tuple[str, ...]:
        """The state this choice of parameters needs, in the order it is shown."""
        return ()

    def first_state(self, name: str) -> float:
        """What every entry of the state holds before iteration 1."""
        return 0.0

    def decayed(self, gradient: Array, weights: Array) -> Array:
        """g + weight_decay·w, the gradient with the pull towards 0."""
        return gradient + self.weight_decay * weights if self.weight_decay else gradient

    def step(self, iteration: int, weights: Array, gradient: Array, before: State, after: State, out: Array) -> None:
        """One iteration of the optimizer.

        Args:
            iteration: Counted from 1.
            weights, gradient: w and ∂L/∂w, both flat.
            before: The state that the iteration before left.
            after: Where this iteration's state is written.
            out: Where the update Δw is written.
        """
        raise NotImplementedError


class Sgd(Optimizer):
    """Δw = −η·v, v = g, or with momentum v = μ·v + (1 − dampening)·g, started at v = g."""

    parameters = {
        "momentum": Parameter(0.0, least=0.0),
        "nesterov": Parameter(False),
        "dampening": Parameter(0.0),
        "weight_decay": Parameter(0.0, least=0.0),
    }

    def __init__(self, choice: Choice, learning_rate: float) -> None:
        super().__init__(choice, learning_rate)
        choice = self.choice
        self.momentum = choice.number("momentum")
        self.dampening = choice.number("dampening")
        self.nesterov = bool(choice.parameters["nesterov"])
        self._downhill = np.array(-learning_rate)  # an array: NumPy would make one of a float in every call

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def step(self, iteration: int, weights: Array, gradient: Array, before: State, after: State, out: Array) -> None:
        direction = self.decayed(gradient, weights) if self.weight_decay else gradient
        if self.momentum:
            velocity = after["momentum"]
            if iteration == 1:
                velocity[:] = direction
            else:
                velocity[:] = self.momentum * before["momentum"] + (1.0 - self.dampening) * direction
            direction = direction + self.momentum * velocity if self.nesterov else velocity
        np.multiply(direction, self._downhill, out=out)


class Adam(Optimizer):
    """Δw = −η/(1 − β₁ᵏ) · m / (√v/√(1 − β₂ᵏ) + ε), m and v running means of g and g²."""

    parameters = {
        "betas": Parameter((0.9, 0.999), least=0.0, below=1.0),
        "eps": Parameter(1e-8, least=0.0),
        "weight_decay": Parameter(0.0, least=0.0),
        "amsgrad": Parameter(False),
    }

    def __init__(self, choice: Choice, learning_rate: float) -> None:
        super().__init__(choice, learning_rate)
        choice = self.choice
        betas = choice.parameters["betas"]
        assert isinstance(betas, tuple)
        self.betas = betas
        self.eps = choice.number("eps")
        self.amsgrad = bool(choice.parameters["amsgrad"])

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("momentum", "square_average", *(["largest_square_average"] if self.amsgrad else []))

    def step(self, iteration: int, weights: Array, gradient: Array, before: State, after: State, out: Array) -> None:
        gradient = self.decayed(gradient, weights)
        beta1, beta2 = self.betas
        momentum, square = after["momentum"], after["square_average"]
        momentum[:] = before["momentum"] + (1.0 - beta1) * (gradient - before["momentum"])
        square[:] = beta2 * before["square_average"] + (1.0 - beta2) * gradient * gradient
        if self.amsgrad:
            largest = after["largest_square_average"]
            np.maximum(before["largest_square_average"], square, out=largest)
            square = largest
        scale = np.sqrt(square) / math.sqrt(1.0 - beta2**iteration) + self.eps
        np.multiply(momentum / scale, -self.learning_rate / (1.0 - beta1**iteration), out=out)


class RmsProp(Optimizer):
    """Δw = −η·g / (√v + ε), v a running mean of g²; `centered` takes the running mean of g off."""

    parameters = {
        "alpha": Parameter(0.99, least=0.0),
        "eps": Parameter(1e-8, least=0.0),
        "weight_decay": Parameter(0.0, least=0.0),
        "momentum": Parameter(0.0, least=0.0),
        "centered": Parameter(False),
    }

    def __init__(self, choice: Choice, learning_rate: float) -> None:
        super().__init__(choice, learning_rate)
        choice = self.choice
        self.alpha = choice.number("alpha")
        self.eps = choice.number("eps")
        self.momentum = choice.number("momentum")
        self.centered = bool(choice.parameters["centered"])

    @property
    def state_names(self) -> tuple[str, ...]:
        return (
            *(["momentum"] if self.momentum else []),
            "square_average",
            *(["gradient_average"] if self.centered else []),
        )

    def step(self, iteration: int, weights: Array, gradient: Array, before: State, after: State, out: Array) -> None:
        gradient = self.decayed(gradient, weights)
        square = after["square_average"]
        square[:] = self.alpha * before["square_average"] + (1.0 - self.alpha) * gradient * gradient
        spread = square
        if self.centered:
            mean = after["gradient_average"]
            mean[:] = before["gradient_average"] + (1.0 - self.alpha) * (gradient - before["gradient_average"])
            spread = square - mean * mean
        direction = gradient / (np.sqrt(spread) + self.eps)
        if self.momentum:
            velocity = after["momentum"]
            velocity[:] = self.momentum * before["momentum"] + direction
            direction = velocity
        np.multiply(direction, -self.learning_rate, out=out)


class Adagrad(Optimizer):
    """Δw = −η/(1 + (k − 1)·lr_decay) · g / (√s + ε), s the sum of all g² so far."""

    parameters = {
        "lr_decay": Parameter(0.0, least=0.0),
        "weight_decay": Parameter(0.0, least=0.0),
        "initial_accumulator_value": Parameter(0.0, least=0.0),
        "eps": Parameter(1e-10, least=0.0),
    }

    def __init__(self, choice: Choice, learning_rate: float) -> None:
        super().__init__(choice, learning_rate)
        choice = self.choice
        self.rate_decay = choice.number("lr_decay")
        self.eps = choice.number("eps")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("square_average",)

    def first_state(self, name: str) -> float:
        return self.choice.number("initial_accumulator_value")

    def step(self, iteration: int, weights: Array, gradient: Array, before: State, after: State, out: Array) -> None:
        gradient = self.decayed(gradient, weights)
        total = after["square_average"]
        total[:] = before["square_average"] + gradient * gradient
        rate = self.learning_rate / (1.0 + (iteration - 1) * self.rate_decay)
        np.multiply(gradient / (np.sqrt(total) + self.eps), -rate, out=out)


OPTIMIZERS: Mapping[str, type[Optimizer]] = {"sgd": Sgd, "adam": Adam, "rmsprop": RmsProp, "adagrad": Adagrad}
"""The optimizers by the name that a problem file gives them."""


def make_optimizer(choice: Choice, learning_rate: float) -> Optimizer:
    """The optimizer that a problem asks for."""
    return OPTIMIZERS[choice.name](choice, learning_rate)
