"""A convolution layer: a correlation, a bias and an activation. Forward directly above backward."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array
from convstep.correlation import make_correlation, sum_rows
from convstep.losses import make_loss
from convstep.optimizers import Optimizer
from convstep.problem.model import Problem

if TYPE_CHECKING:
    from convstep.layers.unrolled import Numbers, Unrolled


def continued(last: Array, count: int) -> tuple[Array, Array]:
    """Memory for `count` rows that go on from `last`, and for the row after them.

    Row 0 holds what `last` (1×…) held. A single row is handed on as it is, without a copy.
    """
    if count == 1:
        return last, np.empty_like(last)
    rows = np.empty((count + 1, *last.shape[1:]))
    rows[0] = last[0]
    return rows[:count], rows[count:]


def put_after(rows: Array, ahead: Array, found: Array) -> None:
    """Writes into memory from `continued` what was found for every row but the first, and for the row after them."""
    rows.reshape(len(rows), -1)[1:] = found[:-1]
    ahead.reshape(1, -1)[:] = found[-1]


class Conv:
    """The numbers of one convolution layer over a block of iterations, an iteration a row.

    All parameters lie in one flat vector: the filters' numbers first, then the biases. What one row hands to the
    next (parameters, optimizer state, and the forward pass, which is one row ahead) lies in one piece, row after
    row, so that a block goes on where the block before it ended.
    """

    def __init__(
        self, problem: Problem, optimizer: Optimizer | None, state: Mapping[str, Array] = MappingProxyType({})
    ) -> None:
        self.problem = problem
        self.geometry = geometry = problem.geometry
        self.activation = make_activation(problem.activation, problem.slope_at_zero)
        self.optimizer = optimizer
        in_order = make_loss(problem.loss).gradient_jumps
        self.correlation = make_correlation(problem.input.reshape(geometry.input_shape), geometry, in_order)
        self.has_bias = problem.bias is not None
        self.rotated = problem.operation == "convolution"
        self.filter_size = geometry.filters * geometry.taps
        parameters = [problem.filter] if problem.bias is None else [problem.filter, problem.bias]
        self._next_weights = np.concatenate([array.ravel() for array in parameters])[None]
        self._next_z = np.empty((1, *geometry.output_shape))
        self._next_a = np.empty_like(self._next_z)
        states = {name: optimizer.first_state(name) for name in optimizer.state_names} if optimizer else {}
        self._next_states = {
            name: np.full_like(self._next_weights, state.get(name, first)) for name, first in states.items()
        }

    def allocate(self, count: int, first_iteration: int, by_rows: bool = True) -> None:
        """Makes room for `count` iterations, and cuts it into rows if they are to be done one by one."""
        g = self.geometry
        self.count = count
        self.first_iteration = first_iteration
        self.weights, self._next_weights = continued(self._next_weights, count)
        self.z, self._next_z = continued(self._next_z, count)
        self.a, self._next_a = continued(self._next_a, count)
        pairs = {name: continued(last, count) for name, last in self._next_states.items()}
        self._next_states = {name: after for name, (_, after) in pairs.items()}
        self.states = {name: rows for name, (rows, _) in pairs.items()}
        self.slope = np.empty((count, *g.output_shape))
        self.delta = np.empty((count, *g.output_shape))
        self.gradient = np.empty(self.weights.shape)
        self.update = np.empty(self.weights.shape)
        if by_rows:
            self._cut()

    def _cut(self) -> None:
        """The views, one an iteration: making them here costs less than in every iteration."""
        scheme, outputs = self.correlation, self.geometry.positions * self.geometry.filters
        weights = [self.weights, self._next_weights]
        flat = [rows.reshape(len(rows), outputs) for rows in (self.z, self._next_z, self.a, self._next_a)]
        self._z_rows, self.a_rows = [*flat[0], *flat[1]], [*flat[2], *flat[3]]
        self._weight_rows = [row for rows in weights for row in rows]
        if not self.rotated:
            self._filter_views = [v for rows in weights for v in scheme.filter_views(self._filters(rows))]
        self._z_views = [v for rows in (self.z, self._next_z) for v in scheme.output_views(rows)]
        self._z_by_filter = [v for rows in (self.z, self._next_z) for v in rows] if self.has_bias else []
        self.slope_rows = list(self.slope.reshape(self.count, outputs))
        self.delta_rows = list(self.delta.reshape(self.count, outputs))
        self._delta_views = scheme.delta_views(self.delta)
        self._gradient_rows = list(self.gradient)
        self._gradient_views = scheme.gradient_views(self._filters(self.gradient))
        self._bias_gradient_rows = list(self.gradient[:, self.filter_size :]) if self.has_bias else []
        self._update_rows = list(self.update)
        states = {name: [*rows, *self._next_states[name]] for name, rows in self.states.items()}
        by_row = ({name: rows[row] for name, rows in states.items()} for row in range(self.count + 1))
        self._state_rows = list(by_row) if states else [{}] * (self.count + 1)

    def _filters(self, rows: Array) -> Array:
        """The filters' part of rows of parameters, iterations×F×C/groups×kh×kw."""
        return rows[:, : self.filter_size].reshape(len(rows), *self.geometry.filter_shape)

    def _used(self, filters: Array) -> Array:
        """The filters as they meet the input: rotated by 180° for a true convolution."""
        return filters[..., ::-1, ::-1] if self.rotated else filters

    def forward(self, row: int) -> None:
        """z = x ⋆ w + b, a = f(z)."""
        if self.rotated:
            used = np.ascontiguousarray(self._used(self._filters(self._weight_rows[row][None])))
            view = self.correlation.filter_views(used)[0]
        else:
            view = self._filter_views[row]
        self.correlation.correlate(view, self._z_views[row])
        bias = self._weight_rows[row][self.filter_size :] if self.has_bias else None
        if bias is not None:
            z = self._z_by_filter[row]
            np.add(z, bias[:, None, None], out=z)
        if self.correlation.reorders:
            self.correlation.settle(view, self._z_views[row], bias)
        self.activation.value(self._z_rows[row], self.a_rows[row])

    def backward(self, row: int, output_gradient: Array) -> None:
        """δ = ∂L/∂a ⊙ f′(z), ∂L/∂w = x ⋆ δ, ∂L/∂b = Σδ."""
        slope, delta = self.slope_rows[row], self.delta_rows[row]
        self.activation.slope(self._z_rows[row], self.a_rows[row], slope)
        np.multiply(output_gradient, slope, delta)
        self.correlation.filter_gradient(self._delta_views[row], self._gradient_views[row])
        if self.rotated:
            gradient = self._filters(self._gradient_rows[row][None])
            gradient[...] = gradient[..., ::-1, ::-1].copy()
        if self.has_bias:
            by_filter = self.delta[row].transpose(1, 0, 2, 3).reshape(self.geometry.filters, -1)
            self._bias_gradient_rows[row][:] = sum_rows(by_filter)

    def learn(self, row: int) -> None:
        """w′ = w + Δw."""
        assert self.optimizer is not None
        weights, update = self._weight_rows[row], self._update_rows[row]
        self.optimizer.step(
            self.first_iteration + row,
            weights,
            self._gradient_rows[row],
            self._state_rows[row],
            self._state_rows[row + 1],
            update,
        )
        np.add(weights, update, self._weight_rows[row + 1])

    def go_through(self, loop: Unrolled) -> Numbers:
        """All iterations at once: forward, backward and learn by the loop written out."""
        numbers = loop.run(self.count, self.weights[0], self.z[0].ravel(), self.a[0].ravel())
        for here, found in ((self.slope, numbers.slope), (self.delta, numbers.delta)):
            here.reshape(self.count, -1)[:] = found
        self.gradient[:], self.update[:] = numbers.gradient, numbers.update
        put_after(self.weights, self._next_weights, numbers.weights)
        put_after(self.z, self._next_z, numbers.z)
        put_after(self.a, self._next_a, numbers.a)
        return numbers

    def input_gradient(self) -> Array:
        """∂L/∂x of every row, iterations×N×C×H×W: every δ times the filter, put back where its window was."""
        return self.correlation.input_gradients(self.delta, self._used(self._filters(self.weights)))

    @property
    def outputs(self) -> Array:
        """a of every row, iterations×outputs."""
        return self.a.reshape(self.count, -1)

    @property
    def outputs_ahead(self) -> Array:
        """a of the row after the last, 1×outputs."""
        return self._next_a.reshape(1, -1)

    @property
    def state_ahead(self) -> Array:
        """The parameters and the optimizer's state of the row after the last, flat."""
        return np.concatenate([self._next_weights[0], *(rows[0] for rows in self._next_states.values())])

    @property
    def new_weights(self) -> Array:
        """w′ of every row."""
        return np.concatenate([self.weights[1:], self._next_weights])

    def new_state(self, name: str) -> Array:
        """The optimizer's state after every row."""
        return np.concatenate([self.states[name][1:], self._next_states[name]])
