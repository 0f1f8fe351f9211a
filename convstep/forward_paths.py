"""The forward pass as paths: from one of its arrays to a number φ, for differences to be taken along.

φ is either the loss, as a run computes it, or Σ G·a for numbers G that stand for what a later layer sends back.
Nothing here uses a derivative of convstep's: a wrong one shall be found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from convstep.activations import Softplus, make_activation
from convstep.arrays import Array
from convstep.block import Block
from convstep.choices import Choice
from convstep.differences import EPSILON, STEP, Path, Reading
from convstep.losses import make_loss
from convstep.problem.model import Problem
from convstep.trace import Step

UNIT = 0.5 * EPSILON
"""The most that one rounding changes a number, as a share of it."""
ROUNDINGS = 32
"""How many roundings a number is allowed beside those of its sum."""


class ForwardPaths:
    """The paths of one iteration.

    Attributes:
        problem: The problem with the iteration's filter and bias, and without a learning rate.
        step: The iteration.
        sizes: Σ |x|·|w| + |b|, the size of the numbers that each z is made of, flat.
    """

    def __init__(self, problem: Problem, step: Step) -> None:
        self.problem = problem
        self.step = step
        self.activation = make_activation(problem.activation, problem.slope_at_zero)
        self.loss = make_loss(problem.loss)
        self.target = Block(problem).target
        self.sizes = self._sizes()

    def _sizes(self) -> Array:
        problem = self.problem
        absolute: dict[str, Any] = {"input": np.abs(problem.input), "filter": np.abs(problem.filter)}
        if problem.bias is not None:
            absolute["bias"] = np.abs(problem.bias)
        return _forward(replace(problem, **absolute, activation=Choice("linear"), slope_at_zero=None))[0]

    @property
    def reach(self) -> float:
        """How far a step from a parameter may move a z."""
        return self._reach(float(self.sizes.max()))

    def _reach(self, size: float) -> float:
        """A share ∛ε of the size, which is all that a piecewise linear activation knows; others know the size 1."""
        if self.activation.takes_slope_at_zero or self.problem.activation.name == "linear":
            return STEP * size or STEP
        return math.cbrt(EPSILON * max(1.0, size))

    @property
    def corners(self) -> dict[str, tuple[float, ...]]:
        """Where the activation and the loss change their formula."""
        activation, loss = self.problem.activation.name, self.problem.loss.name
        found: dict[str, tuple[float, ...]] = {}
        if activation in ("relu", "leaky_relu", "elu"):
            found["pre_activation"] = (0.0,)
        if activation == "softplus":
            found["pre_activation"] = (Softplus.straight_above / self.activation.choice.number("beta"),)
        if loss == "mean_absolute_error":
            found["error"] = (0.0,)
        if loss == "huber":
            delta = self.loss.choice.number("delta")
            found["error"] = (-delta, delta)
        return found

    def from_parameter(self, name: str, upstream: Array | None) -> Path:
        """From the filter, the bias or the input through the whole layer.

        Args:
            name: ``filter``, ``bias`` or ``input``.
            upstream: G, flat; ``None``: φ is the loss.
        """
        array: Array = getattr(self.problem, name)
        problem = self.problem if upstream is None else without_goal(self.problem)

        def follow(point: Array) -> Reading:
            parameter: Any = {name: point.reshape(array.shape)}
            z, a, loss = _forward(replace(problem, **parameter))
            return self._reading(z, a, upstream, loss)

        return self._path(array.reshape(-1), follow, self.sizes, upstream, self.problem.geometry.taps)

    def from_pre_activation(self, upstream: Array | None) -> Path:
        """From z through the activation; `upstream` as in `from_parameter`."""
        point = self.step.pre_activation.reshape(-1)

        def follow(z: Array) -> Reading:
            a = np.empty_like(z)
            self.activation.value(z, a)
            return self._reading(z, a, upstream, self._loss_at(a) if upstream is None else None)

        return self._path(point, follow, np.abs(point), upstream, 0)

    def from_error(self) -> Path:
        """From e through the loss alone."""
        point = self.step.error.reshape(-1)

        def follow(error: Array) -> Reading:
            return Reading(self._part_losses(error), float(self.loss.values(error[None])[0]), {"error": error})

        rounding = ROUNDINGS * UNIT * float(np.abs(self._part_losses(point)).sum())
        corners = {name: at for name, at in self.corners.items() if name == "error"}
        reach = STEP * float(np.abs(point).max()) or STEP
        steepness = self._steepness(point)
        return Path(point, follow(point), follow, reach, rounding, corners, steepness, steepness + self._loss_bend)

    def _path(
        self, point: Array, follow: Callable[[Array], Reading], sizes: Array, upstream: Array | None, terms: int
    ) -> Path:
        """The path with what rounding does to it: to each z as to a sum of so many terms, to each a a few units."""
        here = follow(point)
        a = self.step.output.reshape(-1)
        given = upstream if upstream is not None else self._given
        of_output = self._steepness(self._error(a)) if given is None else np.abs(given)
        steepness = of_output * self.activation.largest_slope
        moved = steepness * sizes + of_output * np.abs(a) + np.abs(here.parts)
        corners = {name: at for name, at in self.corners.items() if name in here.watched}
        return Path(
            point=point,
            here=here,
            follow=follow,
            reach=self._reach(float(sizes.max())),
            rounding=(terms + ROUNDINGS) * UNIT * float(moved.sum()),
            corners=corners,
            steepness=steepness,
            bend=steepness + (0.0 if given is not None else self._loss_bend * self.activation.largest_slope**2),
            chosen_at_zero=None if self.problem.slope_at_zero is None else "pre_activation",
        )

    def _reading(self, z: Array, a: Array, upstream: Array | None, loss: float | None) -> Reading:
        watched = {"pre_activation": z}
        given = upstream if upstream is not None else self._given
        if given is not None:
            return Reading(given * a, loss, watched)
        error = self._error(a)
        return Reading(self._part_losses(error), loss, watched | {"error": error})

    @property
    def _given(self) -> Array | None:
        """∂L/∂a where the problem gives it, flat."""
        return None if self.problem.output_gradient is None else self.problem.output_gradient.reshape(-1)

    def _loss_at(self, a: Array) -> float:
        """L of an output."""
        if self._given is not None:
            return float(np.add.reduce(a * self._given))
        return float(self.loss.values(self._error(a)[None])[0])

    def _error(self, a: Array) -> Array:
        assert self.target is not None
        return a - self.target

    def _part_losses(self, error: Array) -> Array:
        """What each error adds to the loss."""
        parts: Array = self.loss.values(error[:, None]) / (error.size if self.loss.is_mean else 1)
        return parts

    @property
    def _loss_bend(self) -> float:
        """The largest second derivative of the loss with respect to one error."""
        return (self.loss.largest_curvature or 0.0) / (self.sizes.size if self.loss.is_mean else 1)

    def _steepness(self, error: Array) -> Array:
        """How fast the loss changes with each error at the most, on either side."""
        step = STEP * np.maximum(1.0, np.abs(error))
        here, ahead, behind = (self._part_losses(error + way * step) for way in (0.0, 1.0, -1.0))
        return np.maximum(np.abs(ahead - here), np.abs(here - behind)) / step


def without_goal(problem: Problem) -> Problem:
    """The problem's forward pass, with nothing to compare its output with."""
    return replace(problem, target=None, output_gradient=None, target_through_activation=False)


def _forward(problem: Problem) -> tuple[Array, Array, float | None]:
    """z and a, flat, and the loss if there is one, as a run computes them."""
    block = Block(problem)
    step = block.without_update()
    return step.pre_activation.reshape(-1), step.output.reshape(-1), block.first_loss
