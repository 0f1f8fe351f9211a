"""The arithmetic of one iteration, a block of iterations at a time. This is where every number is computed."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, Mask
from convstep.correlation import sum_rows
from convstep.layers.conv import Conv, continued, put_after
from convstep.losses import make_loss
from convstep.optimizers import make_optimizer
from convstep.problem.model import Problem
from convstep.stopping import Progress
from convstep.trace import FROM_THE_FIRST, Start, Step

if TYPE_CHECKING:
    from convstep.layers.unrolled import Unrolled

LONGEST_BLOCK = 256
"""How many iterations are done before any of them is handed out."""
LONG_BLOCK = 64
"""From how many iterations on a loop written out pays."""
BLOCK_NUMBERS = 1 << 17
"""How many numbers a block may hold; a larger problem is handed out iteration by iteration."""


class Block:
    """The arithmetic of one iteration, done for a block of iterations at a time.

    Only what the next iteration needs is computed one iteration after the other; the rest (losses, the gradient of
    the input) is computed for the whole block at once. Both are written into memory that belongs to the block alone.
    """

    def __init__(self, problem: Problem, start: Start = FROM_THE_FIRST) -> None:
        self.problem = problem
        self.start = start
        rate = problem.learning_rate
        self.optimizer = make_optimizer(problem.optimizer, rate) if rate is not None else None
        self.layer = Conv(problem, self.optimizer, start.state)
        self.loss = make_loss(problem.loss)
        self.target = self._compared_target()
        self.given = None if problem.output_gradient is None else problem.output_gradient.reshape(-1)
        outputs = int(np.prod(problem.output_shape))
        per_iteration = 6 * outputs + problem.input.size + 5 * problem.filter.size
        self.longest = max(1, min(LONGEST_BLOCK, BLOCK_NUMBERS // per_iteration))
        self._next_error = np.empty((1, outputs))
        with np.errstate(all="ignore"):
            self.layer.allocate(0, 1)
            self.layer.forward(0)
            self._compare(self.layer.outputs_ahead, self._next_error)
            self._next_loss = self._losses(self.layer.outputs_ahead, self._next_error)

    @property
    def first_loss(self) -> float | None:
        """The loss at the filter that the next block starts from."""
        return None if self.problem.forward_only else float(self._next_loss[0])

    @property
    def first_state(self) -> Array:
        """The parameters and the optimizer's state that the next block starts from."""
        return self.layer.state_ahead

    @np.errstate(all="ignore")
    def _compared_target(self) -> Array | None:
        """What the output is compared with, flat: the target, passed through the activation if asked."""
        problem = self.problem
        if problem.target is None:
            return None
        target = problem.target.reshape(-1)
        if not problem.target_through_activation:
            return target
        activated = np.empty_like(target)
        make_activation(problem.activation, problem.slope_at_zero).value(target, activated)
        return activated

    def _compare(self, outputs: Array, errors: Array) -> None:
        """e = a − t, if there is a t."""
        if self.target is not None:
            np.subtract(outputs, self.target, out=errors)

    def _losses(self, outputs: Array, errors: Array) -> Array:
        """L of each row."""
        if self.given is not None:
            return sum_rows(outputs * self.given)
        return self.loss.values(errors) if self.target is not None else np.zeros(len(outputs))

    def without_update(self) -> Step:
        """The only iteration of a problem that does not learn: forward, and backward if a gradient is given."""
        layer = self.layer
        with np.errstate(all="ignore"):
            layer.allocate(1, 1)
            arrays = self._forward_arrays()
            if self.given is not None:
                layer.backward(0, self.given)
                arrays |= {"loss": self._next_loss} | self._backward_arrays(self.given[None])
        return Step(self.start.iteration, _sealed(arrays))

    def advance(self, count: int, first_iteration: int) -> tuple[dict[str, Array], Progress]:
        """Does `count` iterations; every array has an iteration a row. The first of all is 1, wherever it starts."""
        with np.errstate(all="ignore"):
            return self._advance(count, first_iteration)

    def _advance(self, count: int, first_iteration: int) -> tuple[dict[str, Array], Progress]:
        layer = self.layer
        loop = self._loop if count >= LONG_BLOCK else None
        layer.allocate(count, first_iteration + self.start.iteration - self.start.counted_from, by_rows=loop is None)
        errors, self._next_error = continued(self._next_error, count)
        gradients = self._iterate(errors) if loop is None else self._go_through(loop, errors)
        first_loss = self._next_loss
        losses_after = np.concatenate(
            [self._losses(layer.outputs[1:], errors[1:]), self._losses(layer.outputs_ahead, self._next_error)]
        )
        self._next_loss = losses_after[-1:]
        arrays = self._forward_arrays()
        if self.target is not None:
            arrays["error"] = errors.reshape(count, *self.problem.output_shape)
        arrays["loss"] = np.concatenate([first_loss, losses_after[:-1]])
        arrays |= self._backward_arrays(gradients)
        arrays |= self._update_arrays()
        return _sealed(arrays), self._progress(first_iteration, arrays, losses_after, gradients)

    @cached_property
    def _loop(self) -> Unrolled | None:
        """The loop written out, where the problem is tiny."""
        from convstep.layers.unrolled import Unrolled, suits  # here, since most runs are short

        if not suits(self.problem, self.optimizer):
            return None
        return Unrolled(self.problem, self.layer.activation, self.loss, self.target)

    def _gradients_for(self, errors: Array) -> Array:
        """Memory for ∂L/∂a of every row; what is known of it is there."""
        if self.given is not None:
            return np.broadcast_to(self.given, (self.layer.count, self.given.size))
        return errors if self.loss.gradient_is_error else np.empty_like(errors)

    def _go_through(self, loop: Unrolled, errors: Array) -> Array:
        """What `_iterate` does, by the loop written out."""
        gradients = self._gradients_for(errors)
        numbers = self.layer.go_through(loop)
        if self.target is not None:
            put_after(errors, self._next_error, numbers.error)
            if not self.loss.gradient_is_error:
                gradients[:] = numbers.output_gradient
        return gradients

    def _iterate(self, errors: Array) -> Array:
        """The part of a block that must go one iteration after the other; returns ∂L/∂a of every row."""
        layer, target = self.layer, self.target
        gradients = self._gradients_for(errors)
        error_rows, gradient_rows = [*errors, *self._next_error], list(gradients)
        own_gradient = target is not None and not self.loss.gradient_is_error
        for row in range(layer.count):
            if own_gradient:
                self.loss.gradient(error_rows[row], gradient_rows[row])
            layer.backward(row, gradient_rows[row])
            layer.learn(row)
            layer.forward(row + 1)
            if target is not None:
                np.subtract(layer.a_rows[row + 1], target, error_rows[row + 1])
        return gradients

    def _forward_arrays(self) -> dict[str, Array]:
        layer, problem = self.layer, self.problem
        shape = (layer.count, *problem.output_shape)
        arrays = self._parameter_arrays("{}", layer.weights)
        arrays |= {"pre_activation": layer.z.reshape(shape), "output": layer.a.reshape(shape)}
        if problem.target_through_activation and self.target is not None:
            arrays["activated_target"] = np.broadcast_to(self.target.reshape(problem.output_shape), shape)
        return arrays

    def _backward_arrays(self, gradients: Array) -> dict[str, Array]:
        layer, problem = self.layer, self.problem
        shape = (layer.count, *problem.output_shape)
        arrays = {
            "output_gradient": gradients.reshape(shape),
            "activation_slope": layer.slope.reshape(shape),
            "delta": layer.delta.reshape(shape),
        }
        arrays |= self._parameter_arrays("{}_gradient", layer.gradient)
        arrays["input_gradient"] = layer.input_gradient().reshape(layer.count, *problem.input.shape)
        return arrays

    def _update_arrays(self) -> dict[str, Array]:
        layer = self.layer
        state: dict[str, Array] = {}
        for name in layer.states:
            state |= self._parameter_arrays("{}_" + name, layer.new_state(name))
        update = self._parameter_arrays("{}_update", layer.update)
        new = self._parameter_arrays("new_{}", layer.new_weights)
        filter_first = sorted(state, key=lambda name: name.startswith("bias"))
        return {name: state[name] for name in filter_first} | update | new

    def _parameter_arrays(self, name: str, rows: Array) -> dict[str, Array]:
        """Cuts rows of parameters into the filter's and the bias's, named by the pattern."""
        problem, size = self.problem, self.layer.filter_size
        arrays = {name.format("filter"): rows[:, :size].reshape(len(rows), *problem.filter.shape)}
        if problem.bias is not None:
            arrays[name.format("bias")] = rows[:, size:].reshape(len(rows), *problem.bias.shape)
        return arrays

    def _progress(self, first: int, arrays: dict[str, Array], losses: Array, gradients: Array) -> Progress:
        layer = self.layer
        assert self.optimizer is not None
        finite = np.ones(layer.count, dtype=bool)
        for name, array in arrays.items():
            if name != "output_gradient" or not self.loss.gradient_is_error:
                finite &= _finite_rows(array.reshape(layer.count, -1))
        states = [layer.new_weights, *(layer.new_state(name) for name in layer.states)]
        return Progress(
            first_iteration=first,
            finite=finite,
            loss=losses,
            gradient=self.optimizer.decayed(layer.gradient, layer.weights),
            update=layer.update,
            output_gradient=gradients,
            delta=layer.delta.reshape(layer.count, -1),
            states=np.concatenate(states, axis=1),
        )


def _finite_rows(rows: Array) -> Mask:
    """Which rows hold nothing but finite numbers."""
    flat = rows.reshape(-1)
    if math.isfinite(np.dot(flat, flat)):
        return np.ones(len(rows), dtype=bool)  # a sum of squares is not finite if a number is not, and takes one pass
    return np.asarray(np.isfinite(rows).all(axis=1))


def _sealed(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays, no longer to be written by anybody."""
    for array in arrays.values():
        array.flags.writeable = False
    return arrays
