"""A convolution layer in fractions, by the definition. Forward directly above backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Number, Numbers
from convstep.correlation import correlate, filter_gradient, input_gradient, pad
from convstep.exact.functions import activation_of, loss_of
from convstep.problem.model import Problem


class Forward(NamedTuple):
    """A forward pass.

    Attributes:
        filter, bias: The parameters it was done with.
        z, a: N×F×rows×columns.
        error: a − t, flat; ``None`` without a target.
        parts: What each output adds to the loss, flat; empty where there is none.
    """

    filter: Numbers
    bias: Numbers | None
    z: Numbers
    a: Numbers
    error: Numbers | None
    parts: Sequence[Fraction]

    @property
    def loss(self) -> Number:
        """L, the sum of its parts."""
        return sum(self.parts, Fraction(0))


class Backward(NamedTuple):
    """A backward pass.

    Attributes:
        output_gradient, slope, delta: N×F×rows×columns.
        filter_gradient: F×C/groups×kh×kw.
        bias_gradient: One a filter.
        input_gradient: N×C×H×W.
    """

    output_gradient: Numbers
    slope: Numbers
    delta: Numbers
    filter_gradient: Numbers
    bias_gradient: Numbers
    input_gradient: Numbers


class Layer:
    """The layer of an exact problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.geometry = g = problem.geometry
        self.activation = activation_of(problem)
        self.loss = loss_of(problem, g.positions * g.filters)
        self.target = self._compared_target()

    def _compared_target(self) -> Numbers | None:
        """What the output is compared with, flat."""
        target = self.problem.target
        if target is None or not self.problem.target_through_activation:
            return None if target is None else target.reshape(-1)
        return each(self.activation.value, target.reshape(-1))

    def _used(self, filters: Numbers) -> Numbers:
        """The filters as they meet the input: rotated by 180° for a true convolution."""
        shaped = filters.reshape(self.geometry.filter_shape)
        return shaped[..., ::-1, ::-1] if self.problem.operation == "convolution" else shaped

    def _padded(self, x: Numbers) -> Numbers:
        return pad(x.reshape(self.geometry.input_shape), self.geometry)

    def forward(self, filters: Numbers, bias: Numbers | None, x: Numbers | None = None) -> Forward:
        """z = x ⋆ w + b, a = f(z), and what the loss is made of.

        Args:
            filters, bias: The parameters.
            x: The input; by default the problem's.
        """
        z = correlate(self._padded(self.problem.input if x is None else x), self._used(filters), self.geometry)
        if bias is not None:
            z = z + bias.reshape(-1)[:, None, None]
        return self.from_pre_activation(filters, bias, each(Fraction, z))

    def from_pre_activation(self, filters: Numbers, bias: Numbers | None, z: Numbers) -> Forward:
        """The forward pass from z on."""
        a = each(self.activation.value, z)
        given = self.problem.output_gradient
        error = None if self.target is None else a.reshape(-1) - self.target
        if error is not None:
            return Forward(filters, bias, z, a, error, [self.loss.value(e) for e in error])
        parts = [] if given is None else list(a.reshape(-1) * given.reshape(-1))
        return Forward(filters, bias, z, a, None, parts)

    def backward(self, forward: Forward) -> Backward:
        """δ = ∂L/∂a ⊙ f′(z), ∂L/∂w = x ⋆ δ, ∂L/∂b = Σδ, ∂L/∂x: every δ times the filter."""
        given = self.problem.output_gradient
        sent = given if forward.error is None else each(self.loss.slope, forward.error)
        assert sent is not None
        return self.sent_back(forward, sent.reshape(self.geometry.output_shape))

    def sent_back(self, forward: Forward, output_gradient: Numbers) -> Backward:
        """The backward pass of what is sent back, N×F×rows×columns."""
        g = self.geometry
        slope = each(self.activation.slope, forward.z)
        delta = output_gradient * slope
        gradient = filter_gradient(self._padded(self.problem.input), delta, g)
        return Backward(
            output_gradient,
            slope,
            delta,
            each(Fraction, self._used(gradient)),
            delta.transpose(1, 0, 2, 3).reshape(g.filters, -1).sum(axis=1),
            each(Fraction, input_gradient(delta, self._used(forward.filter), g)),
        )


def each(function: Callable[[Any], Fraction], numbers: Numbers) -> Numbers:
    """The function of each number."""
    results = np.empty(numbers.size, dtype=object)
    results[:] = [function(number) for number in numbers.reshape(-1)]
    return results.reshape(numbers.shape)
