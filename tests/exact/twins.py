"""The same problem in floats and in fractions, and how far the two may be apart by the theory of rounding.

Every bound is the textbook's (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1): a
sum of n products in any order is off by at most γ(n)·Σ|products|, γ(n) = n·u/(1 − n·u), u = 2⁻⁵³; what its terms are
off by is added. The bounds are fractions too, so nothing is lost in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from convstep.correlation import correlate, filter_gradient, input_gradient, pad
from convstep.exact.descent import Iterations
from convstep.exact.functions import loss_of
from convstep.exact.layer import each
from convstep.problem.model import Exact, Problem, Stop
from convstep.trace import Start, Step

UNIT = Fraction(1, 2**53)


def gamma(n: int) -> Fraction:
    """The relative error of n roundings, one after the other."""
    return n * UNIT / (1 - n * UNIT)


def fractions(array: Any) -> Any:
    """The very numbers of a float array as fractions."""
    return each(lambda number: Fraction(float(number)), np.asarray(array))


def twin(problem: Problem) -> Problem:
    """The problem with its very floats as fractions: 0.1 is what the float is, not 1/10."""
    names = ("input", "filter", "bias", "target", "output_gradient")
    arrays: dict[str, Any] = {name: fractions(held) for name in names if (held := getattr(problem, name)) is not None}
    choices: dict[str, Any] = {
        name: getattr(problem, name).converted(lambda _, value: Fraction(value))
        for name in ("activation", "loss", "optimizer")
    }
    numbers: dict[str, Any] = {
        name: Fraction(held)
        for name in ("learning_rate", "slope_at_zero")
        if (held := getattr(problem, name)) is not None
    }
    stop: Any = Stop(problem.stop.iterations, Fraction(problem.stop.loss), Fraction(problem.stop.gradient))  # type: ignore[arg-type]
    return replace(problem, **arrays, **choices, **numbers, stop=stop, exact=Exact(1400))


def same_step(problem: Problem, step: Step, before: Step | None) -> Step:
    """The iteration in fractions that begins with the very floats this one began with."""
    exact = replace(twin(problem), filter=fractions(step.filter))
    if problem.bias is not None:
        exact = replace(exact, bias=fractions(step.bias))
    state = {}
    if before is not None and "filter_momentum" in before:
        kinds = [kind for kind in ("filter", "bias") if kind in before]
        state = {
            "momentum": np.concatenate([fractions(before.array(f"{kind}_momentum")).reshape(-1) for kind in kinds])
        }
    iterations = Iterations(exact, Start(step.iteration, 1, state))
    return iterations.advance() if problem.learns else iterations.without_update()


def absolute(numbers: Any) -> Any:
    """|number| of each."""
    return each(abs, np.asarray(numbers))


class Bounds:
    """How far each quantity of a float iteration may be from the exact one that began with the same numbers."""

    def __init__(self, problem: Problem, exact: Step) -> None:
        self.problem, self.exact = problem, exact
        self.g = problem.geometry
        self.size = self.g.positions * self.g.filters
        self.slope = max(Fraction(1), abs(Fraction(problem.activation.parameters.get("slope", 0))))  # type: ignore[arg-type]
        self.x = absolute(pad(fractions(problem.input).reshape(self.g.input_shape), self.g))
        used = exact.filter.reshape(self.g.filter_shape)
        self.w = absolute(used[..., ::-1, ::-1] if problem.operation == "convolution" else used)
        self.found: dict[str, Any] = {}
        self._forward()
        if "delta" in exact:
            self._backward()
        if "new_filter" in exact:
            for kind in ("filter", "bias"):
                if kind in exact:
                    self._update(kind)

    def _full(self, name: str) -> Any:
        return absolute(self.exact.array(name)).reshape(self.g.output_shape)

    def _note(self, name: str, bound: Any) -> Any:
        self.found[name] = np.asarray(bound).reshape(self.exact.array(name).shape)
        return bound

    def _forward(self) -> None:
        sums = correlate(self.x, self.w, self.g)
        if "bias" in self.exact:
            sums = sums + absolute(self.exact.bias).reshape(-1)[:, None, None]
        self.z = self._note("pre_activation", gamma(self.g.taps + 1) * sums)
        self.a = self._note("output", self.slope * self.z + UNIT * self.slope * (self._full("pre_activation") + self.z))
        if "error" not in self.exact:
            self.e = None
            return
        compared = 0 * self.z
        if "activated_target" in self.exact:
            compared = self._note("activated_target", UNIT * self._full("activated_target"))
        self.e = self._note("error", self.a + compared + UNIT * (self._full("error") + self.a + compared))

    def _loss(self, value: Callable[[Fraction], Fraction]) -> Fraction:
        """The parts are even and convex in the error, so they change most outwards."""
        total = Fraction(0)
        for error, off in zip(self._full("error").reshape(-1), self.e.reshape(-1), strict=True):
            total += value(error + off) * (1 + gamma(self.size + 6)) - value(error)
        return total

    def _backward(self) -> None:
        sent = self._full("output_gradient")
        if self.e is None:
            a = self._full("output")
            self._note("loss", (self.a * sent).sum() + gamma(self.size + 1) * ((a + self.a) * sent).sum())
            self.sent = 0 * sent
        else:
            self._note("loss", self._loss(loss_of(twin(self.problem), self.size).value))
            self.sent = self._output_gradient(sent)
        self._note("output_gradient", self.sent)
        undecided = self._full("pre_activation") <= self.z
        slope = self._note(
            "activation_slope", each(lambda unsure: 2 * self.slope if unsure else Fraction(0), undecided)
        )
        steep = self._full("activation_slope")
        inexact = self.sent * (steep + slope) + sent * slope
        self.delta = self._note("delta", inexact + UNIT * (sent * steep + inexact))
        delta = self._full("delta") + self.delta
        rotated = self.problem.operation == "convolution"
        gradient = filter_gradient(self.x, self.delta + gamma(self.g.positions + 1) * delta, self.g)
        self._note("filter_gradient", gradient[..., ::-1, ::-1] if rotated else gradient)
        if "bias" in self.exact:
            sums = (self.delta + gamma(self.g.positions) * delta).transpose(1, 0, 2, 3).reshape(self.g.filters, -1)
            self._note("bias_gradient", sums.sum(axis=1))
        terms = self.g.group_filters * self.g.kernel[0] * self.g.kernel[1]
        self._note("input_gradient", input_gradient(self.delta + gamma(terms + 1) * delta, self.w, self.g))

    def _output_gradient(self, sent: Any) -> Any:
        """As steep as the loss is curved; a sign may flip where the error is within its bound of 0."""
        name = self.problem.loss.name
        if name == "mean_absolute_error":
            unsure = self._full("error") <= self.e
            return each(lambda flips: Fraction(2 * bool(flips), self.size), unsure) + gamma(2) * (
                sent + Fraction(1, self.size)
            )
        steep = {
            "half_squared_error": Fraction(1),
            "squared_error": Fraction(2),
            "mean_squared_error": Fraction(2, self.size),
        }
        inexact = steep.get(name, Fraction(1, self.size)) * self.e
        return inexact + gamma(3) * (sent + inexact)

    def _update(self, kind: str) -> None:
        exact, parameters = self.exact, self.problem.optimizer.parameters
        rate = Fraction(self.problem.learning_rate)  # type: ignore[arg-type]
        momentum, dampening, decay = (
            Fraction(parameters.get(name, 0)) for name in ("momentum", "dampening", "weight_decay")
        )  # type: ignore[arg-type]
        weights, gradient = absolute(exact.array(kind)), absolute(exact.array(f"{kind}_gradient"))
        off = self.found[f"{kind}_gradient"]
        direction = gradient + off + decay * weights
        off = off + gamma(3) * direction
        if momentum:
            velocity = absolute(exact.array(f"{kind}_momentum"))
            share = 1 + abs(1 - dampening)
            # The state before is exact; its part of the velocity is at most the velocity and the gradient's part.
            off_velocity = share * off + gamma(5) * (velocity + 2 * share * direction)
            self._note(f"{kind}_momentum", off_velocity)
            ahead = direction + momentum * (velocity + off_velocity)
            nesterov = bool(parameters["nesterov"])
            off = off + momentum * off_velocity + gamma(3) * ahead if nesterov else off_velocity
            direction = ahead if nesterov else velocity + off_velocity
        update = self._note(f"{kind}_update", rate * off + gamma(2) * rate * (direction + off))
        self._note(f"new_{kind}", update + UNIT * (absolute(exact.array(f"new_{kind}")) + update))
