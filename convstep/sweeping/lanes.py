"""The arithmetic of many runs at once: the same layer, input and target; each run has its own filter, bias and rate.

Runs lie on the last axis, so that every operation goes over all of them in one sweep through memory. Each number comes
about as in a single run, products first and sums in the same order: the results are the same to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from convstep.arrays import Array, Mask, Numbers
from convstep.block import Block
from convstep.correlation import input_gradients, pad, sum_rows
from convstep.optimizers import Optimizer, make_optimizer
from convstep.problem.model import Problem
from convstep.stopping import Progress

FEWEST = 2
"""A sum over an array of one column would go pairwise in NumPy, and no longer in its order."""
SAFE_PRODUCT = 1e300
"""Sums of products that stay below this cannot overflow."""


class Lanes:
    """Runs side by side, all at the same iteration.

    Attributes:
        weights: The parameters of each run, parameters×runs; the filters' first, then the biases.
        losses: The loss of each run at these.
        states: The optimizer's state by name, each like `weights`.
        rates: The learning rate of each run.
    """

    @np.errstate(all="ignore")
    def __init__(self, problem: Problem, weights: Array, rates: Array) -> None:
        assert weights.shape[1] >= FEWEST
        self.problem = problem
        self.geometry = g = problem.geometry
        model = Block(problem)
        self.activation, self.loss = model.layer.activation, model.loss
        self.target, self.given = model.target, model.given
        self.outputs = g.positions * g.filters
        self.filter_size = g.filters * g.taps
        self._windows = self._table()
        self.weights, self.rates = weights, rates
        self.optimizer = self._optimizer()
        self.states = {name: np.full_like(weights, self.optimizer.first_state(name)) for name in self._state_names}
        self._allocate()
        self._forward()

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.rates)

    @property
    def state(self) -> Array:
        """Parameters and optimizer state of each run, numbers×runs."""
        return np.concatenate([self.weights, *self.states.values()]) if self.states else self.weights

    @property
    def _state_names(self) -> tuple[str, ...]:
        return self.optimizer.state_names

    def _optimizer(self) -> Optimizer:
        rates: Any = self.rates  # an optimizer multiplies with its rate, and does not mind one for each run
        return make_optimizer(self.problem.optimizer, rates)

    def _table(self) -> Array:
        """The cells that each tap meets, taps×batch×groups×1×cells×1."""
        g = self.geometry
        padded = pad(self.problem.input.reshape(g.input_shape), g)
        grouped = padded.reshape(g.batch, g.groups, g.group_channels, *g.padded)
        met = [grouped[(slice(None), slice(None), c, *g.slices(p, q))] for c, p, q in self._taps()]
        return np.stack(met).reshape(g.taps, g.batch, g.groups, 1, -1, 1)

    def _taps(self) -> list[tuple[int, ...]]:
        g = self.geometry
        return list(np.ndindex(g.group_channels, *g.kernel))

    def _allocate(self) -> None:
        """Memory that every iteration uses again."""
        g = self.geometry
        cells = self.outputs // (g.batch * g.filters)
        grouped = (g.batch, g.groups, g.group_filters, cells, self.count)
        self._tap_products = np.empty((g.taps, *grouped))
        self._position_products = np.empty((g.batch, cells, g.groups, g.group_filters, g.taps, self.count))
        self.z, self.a, self.slope, self.delta = (np.empty(grouped) for _ in range(4))
        self.error = np.empty((self.outputs, self.count))
        self.gradient, self.update = np.empty_like(self.weights), np.empty_like(self.weights)

    def _rotated(self, filters: Array) -> Array:
        """Filters as they meet the input, groups×filters×taps×runs; a second time, and they are as they were."""
        g = self.geometry
        grouped = filters.reshape(g.groups, g.group_filters, g.group_channels, *g.kernel, -1)
        if self.problem.operation == "convolution":
            grouped = grouped[..., ::-1, ::-1, :]
        return grouped.reshape(g.groups, g.group_filters, g.taps, -1)

    def _forward(self) -> None:
        """z = x ⋆ w + b, a = f(z), e = a − t, and the loss."""
        g = self.geometry
        by_tap = self._rotated(self.weights[: self.filter_size]).transpose(2, 0, 1, 3)
        np.multiply(self._windows, by_tap[:, None, :, :, None], out=self._tap_products)
        np.add.reduce(self._tap_products, axis=0, out=self.z)
        if self.problem.bias is not None:
            by_filter = self.z.reshape(g.batch, g.filters, -1, self.count)
            by_filter += self.weights[self.filter_size :, None]
        self.activation.value(self.z, self.a)
        outputs = self.a.reshape(self.outputs, -1)
        if self.given is not None:
            self.losses = sum_rows(np.ascontiguousarray((outputs * self.given[:, None]).T))
        elif self.target is not None:
            np.subtract(outputs, self.target[:, None], out=self.error)
            self.losses = self.loss.values(np.ascontiguousarray(self.error.T))

    def _backward(self) -> None:
        """δ = ∂L/∂a ⊙ f′(z), ∂L/∂w = x ⋆ δ, ∂L/∂b = Σδ."""
        g = self.geometry
        self.activation.slope(self.z, self.a, self.slope)
        np.multiply(self.output_gradient.reshape(self.z.shape), self.slope, out=self.delta)
        by_position = self.delta.transpose(0, 3, 1, 2, 4)[:, :, :, :, None]
        np.multiply(self._windows.transpose(1, 4, 2, 3, 0, 5), by_position, out=self._position_products)
        rows = self._position_products.reshape(g.positions, self.filter_size, -1)
        np.add.reduce(rows, axis=0, out=self.gradient[: self.filter_size])
        if self.problem.operation == "convolution":
            flipped = self._rotated(self.gradient[: self.filter_size].copy())
            self.gradient[: self.filter_size] = flipped.reshape(self.filter_size, -1)
        if self.problem.bias is not None:
            by_filter = self.delta.reshape(g.batch, g.filters, -1, self.count).transpose(3, 1, 0, 2)
            sums = sum_rows(by_filter.reshape(self.count * g.filters, -1))
            self.gradient[self.filter_size :] = sums.reshape(self.count, -1).T

    def _outward_gradient(self) -> Array:
        """∂L/∂a, outputs×runs."""
        if self.given is not None:
            return np.repeat(self.given[:, None], self.count, axis=1)
        if self.loss.gradient_is_error:
            return self.error.copy()
        gradient = np.empty_like(self.error)
        self.loss.gradient(self.error, gradient)
        return gradient

    @np.errstate(all="ignore")
    def advance(self, iteration: int) -> Progress:
        """One iteration of every run; a row of the progress is a run."""
        self.output_gradient = self._outward_gradient()
        self._backward()
        before, after = self.states, {name: np.empty_like(state) for name, state in self.states.items()}
        self.optimizer.step(iteration, self.weights, self.gradient, before, after, self.update)
        decayed = self.optimizer.decayed(self.gradient, self.weights)
        finite = self._finite_so_far()
        self.states, self.weights = after, self.weights + self.update
        finite &= self._finite([self.update, self.weights, *after.values()])
        self._forward()
        return Progress(
            first_iteration=iteration,
            finite=finite,
            loss=self.losses,
            gradient=decayed.T,
            update=self.update.T,
            output_gradient=self.output_gradient.T,
            delta=self.delta.reshape(self.outputs, -1).T,
            states=self.state.T,
        )

    def _finite(self, arrays: Sequence[Array]) -> Mask:
        """Which runs have nothing but finite numbers in all of these arrays."""
        # A sum is finite only if every number is: the numbers are looked at one by one where it is not.
        if all(math.isfinite(np.add.reduce(array, axis=None)) for array in arrays):
            return np.ones(self.count, dtype=bool)
        each = [np.isfinite(array.reshape(-1, self.count)).all(axis=0) for array in arrays]
        return np.asarray(np.logical_and.reduce(each))

    def _finite_so_far(self) -> Mask:
        """Which runs have seen nothing but finite numbers in this iteration, the update aside."""
        arrays = [self.losses, self.weights, self.z, self.a, self.output_gradient, self.slope, self.delta]
        arrays += [self.gradient] if self.target is None else [self.gradient, self.error]
        finite = self._finite(arrays)
        return finite & self._finite_input_gradient(finite)

    def _finite_input_gradient(self, finite: Mask) -> Mask:
        """Whether ∂L/∂x is finite as well; it is worked out only where its sums could overflow."""
        g = self.geometry
        filters = self.weights[: self.filter_size]
        bounds = np.abs(self.delta).reshape(-1, self.count).max(axis=0) * np.abs(filters).max(axis=0)
        doubtful = np.flatnonzero(finite & ~(bounds * self.filter_size < SAFE_PRODUCT))
        result = np.ones(self.count, dtype=bool)
        if len(doubtful):
            deltas = self.delta.reshape(self.outputs, -1)[:, doubtful].T.reshape(-1, *g.output_shape)
            used = self._rotated(filters).reshape(self.filter_size, -1)[:, doubtful].T.reshape(-1, *g.filter_shape)
            gradients = input_gradients(deltas, used, g).reshape(len(doubtful), -1)
            result[doubtful] = np.isfinite(gradients).all(axis=1)
        return result

    def park(self, columns: Numbers) -> None:
        """Lets these runs stand still: they have ended, and only wait to be left out."""
        self.rates = self.rates.copy()
        self.rates[columns] = 0.0
        self.optimizer = self._optimizer()

    def keep(self, columns: Numbers) -> None:
        """Goes on with these runs alone."""
        self.weights, self.rates, self.losses = self.weights[:, columns], self.rates[columns], self.losses[columns]
        self.states = {name: state[:, columns] for name, state in self.states.items()}
        ahead = self.z[..., columns], self.a[..., columns], self.error[:, columns]
        self.optimizer = self._optimizer()
        self._allocate()
        self.z[...], self.a[...], self.error[...] = ahead
