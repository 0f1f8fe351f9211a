"""One iteration of a problem, as an exercise: what is given, and what is right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, without_ones
from convstep.diagnosis.candidate_sums import CandidateSums
from convstep.diagnosis.paper import are_whole, roundings
from convstep.geometry import Geometry
from convstep.losses import make_loss
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.trace import Step

State = Mapping[str, Array]


class Setting:
    """What a learner starts from in one iteration, and the right numbers of it.

    Numbers have the full shapes of `Geometry` here (N×F×rows×columns and so on), behind a first axis with a row a
    candidate; the setting's own have one row.

    Attributes:
        problem: The problem, with the filter and the bias that this iteration starts from.
        iteration: Which one.
        truth: Every quantity, right.
        first: The filter and the bias of iteration 1, by name.
        before: The optimizer's state before the iteration, by quantity (`filter_momentum`).
        earlier: The sums of the earlier iterations' gradients, by quantity; empty in iteration 1.
        accumulated: The gradients that the learner wrote in the iteration before, by quantity: perhaps sums already.
        of_run: Every quantity as the problem's own run has it, where that does not start from the same numbers.
        doubt: By how much the filter and the bias may be off because the learner had rounded them.
        is_own: Whether it starts from the learner's own numbers for earlier iterations, which are not the right ones.
        roundings: How far the floats of each quantity may be from the numbers on paper.
    """

    def __init__(
        self,
        problem: Problem,
        step: Step,
        *,
        first: Problem,
        before: State,
        earlier: State,
        accumulated: State = MappingProxyType({}),
        of_run: State = MappingProxyType({}),
        doubt: float = 0.0,
        is_own: bool = False,
    ) -> None:
        self.problem = problem
        self.iteration = step.iteration
        self.geometry: Geometry = problem.geometry
        self.truth = {name: self.full(name, step.array(name)) for name in step}
        self.first = {name: self.full(name, value) for name, value in _parameters(first).items()}
        self.before = {name: self.full(name, value) for name, value in before.items()}
        self.earlier = {name: self.full(name, value) for name, value in earlier.items()}
        self.accumulated = {name: self.full(name, value) for name, value in accumulated.items()}
        self.of_run = {name: self.full(name, value) for name, value in of_run.items()}
        self.doubt = doubt
        self.is_own = is_own
        self.roundings = roundings(problem, step)
        self._whole = are_whole(problem, _parameters(problem))
        self.sums = CandidateSums(problem.input.reshape(self.geometry.input_shape))
        self.activation = make_activation(problem.activation, problem.slope_at_zero)
        self.loss = make_loss(problem.loss)
        self.rotated = problem.operation == "convolution"
        self.outputs = int(np.prod(self.geometry.output_shape))

    @cached_property
    def _shapes(self) -> Mapping[str, tuple[int, ...]]:
        g = self.geometry
        return {
            "filter": g.filter_shape,
            "bias": (g.filters,),
            "output": g.output_shape,
            "input": g.input_shape,
            "number": (),
        }

    @cached_property
    def _own_shapes(self) -> Mapping[str, tuple[int, ...]]:
        problem = self.problem
        return {
            "filter": problem.filter.shape,
            "bias": () if problem.bias is None else problem.bias.shape,
            "output": problem.output_shape,
            "input": problem.input.shape,
            "number": (),
        }

    def shape(self, name: str) -> tuple[int, ...]:
        """The full shape of a quantity."""
        return self._shapes[QUANTITIES[name].like]

    def full(self, name: str, values: Array) -> Array:
        """The numbers of a quantity in its full shape, one row."""
        return np.asarray(values, dtype=np.float64).reshape(1, *self.shape(name))

    def shaped(self, name: str, row: Array) -> Array:
        """A row in the shape that the problem gives the quantity; one of another size stays as it is."""
        return row.reshape(self.own_shape(name)) if row.shape == self.shape(name) else row

    def own_shape(self, name: str) -> tuple[int, ...]:
        """The shape that the problem gives a quantity."""
        return self._own_shapes[QUANTITIES[name].like]

    def form(self, name: str, full: tuple[int, ...]) -> tuple[int, ...]:
        """How numbers of a full shape are compared with given ones: without axes that the problem does not have, and
        without leading axes of length 1. An axis that is longer than it should be stays.
        """
        if QUANTITIES[name].like == "output" and self.problem.filter.ndim != 4 and full[1] == 1:
            full = (full[0], *full[2:])
        return without_ones(full)

    @cached_property
    def x(self) -> Array:
        """The input, one row."""
        return self.sums.x[None]

    @cached_property
    def squares(self) -> CandidateSums:
        """Sums over the squares of the input."""
        return CandidateSums(np.square(self.sums.x))

    @cached_property
    def target(self) -> Array | None:
        """The target as the file has it, one row."""
        target = self.problem.target
        return None if target is None else target.reshape(1, *self.geometry.output_shape)

    @cached_property
    def given_gradient(self) -> Array | None:
        """∂L/∂a as the file has it, one row."""
        given = self.problem.output_gradient
        return None if given is None else given.reshape(1, *self.geometry.output_shape)

    def used(self, w: Array) -> Array:
        """A filter as it meets the input, and a gradient of the one as a gradient of the other."""
        return w[..., ::-1, ::-1] if self.rotated else w

    def on_paper(self, z: Array) -> Array:
        """z, and 0 where it is within rounding of 0."""
        return z if self._whole else np.where(np.abs(z) <= self.roundings["pre_activation"], 0.0, z)

    @np.errstate(all="ignore")
    def value(self, z: Array) -> Array:
        """f(z)."""
        out = np.empty(z.shape)
        self.activation.value(np.ascontiguousarray(z), out)
        return out

    @np.errstate(all="ignore")
    def slope(self, z: Array, at_zero: float | None = None) -> Array:
        """f′(z), with another convention at 0 if one is given."""
        activation = self.activation
        if at_zero is not None:
            activation = make_activation(self.problem.activation, at_zero)
        a, out, z = np.empty(z.shape), np.empty(z.shape), np.ascontiguousarray(z)
        activation.value(z, a)
        activation.slope(z, a, out)
        return out

    def losses(self, error: Array) -> Array:
        """L of each row."""
        return self.loss.values(error.reshape(len(error), -1))

    def loss_gradient(self, error: Array) -> Array:
        """∂L/∂a of each row."""
        by_run = error.reshape(len(error), -1).T
        out = np.empty(by_run.shape)
        self.loss.gradient(by_run, out)
        return out.T.reshape(error.shape)


def _parameters(problem: Problem) -> dict[str, Array]:
    bias = problem.bias
    return {"filter": problem.filter} | ({} if bias is None else {"bias": bias})
