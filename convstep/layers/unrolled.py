"""The loop of a tiny problem, written out number by number.

Of a problem with a dozen numbers NumPy spends nearly all its time on being called. So what must go one iteration after
the other is written as a function of plain floats (``z0 = x0*w0 + x1*w1``), compiled once, and run for a whole block.
Every sum stands in the definition's order and every number comes out as in `Conv`, to the last digit. What floats have
no function of their own for, or one that rounds otherwise (``exp``), goes through the same NumPy functions as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from convstep.activation_base import Activation
from convstep.arrays import Array
from convstep.correlation.definition import meets, pad
from convstep.geometry import Geometry
from convstep.losses import Loss
from convstep.optimizers import Sgd
from convstep.problem.model import Problem

MOST_PRODUCTS = 64
"""The most products of a correlation for which floats one by one are faster than NumPy."""
MOST_CELLS = 256
"""The most cells of the input, padding included; windows far apart see few of them, but each gets a name."""

VALUES: Mapping[str, str] = {
    "linear": "z{i}",
    "relu": "0.0 if z{i} <= 0.0 else z{i}",
    "leaky_relu": "z{i} if z{i} > 0.0 else z{i} * slope",
}
AROUND_EXP: Mapping[str, tuple[str, str]] = {"sigmoid": ("-z{i}", "1.0 / (a{i} + 1.0)")}
SLOPES: Mapping[str, str] = {
    "linear": "1.0",
    "relu": "1.0 if z{i} > 0.0 else slope_at_zero if z{i} == 0.0 else 0.0",
    "leaky_relu": "1.0 if z{i} > 0.0 else slope_at_zero if z{i} == 0.0 else slope",
    "sigmoid": "a{i} * (1.0 - a{i})",
    "tanh": "1.0 - a{i} * a{i}",
}
LOSS_GRADIENTS: Mapping[str, str] = {
    "half_squared_error": "e{i}",
    "squared_error": "e{i} * 2.0",
    "mean_squared_error": "e{i} * 2.0 / outputs",
}
"""By the names that a problem file gives them, in floats, where that gives the same digits as in arrays; of the second
table what comes before and after ``exp``, which is NumPy's.
"""


class Numbers(NamedTuple):
    """What each iteration of a block comes to, iterations×numbers; the last four belong to the iteration after it.

    Attributes:
        slope, output_gradient, delta, gradient, update: f′(z), ∂L/∂a, δ, ∂L/∂w, Δw.
        weights, z, a, error: w, z, a and e; e only where there is a target.
    """

    slope: Array
    output_gradient: Array
    delta: Array
    gradient: Array
    update: Array
    weights: Array
    z: Array
    a: Array
    error: Array


def suits(problem: Problem, optimizer: object) -> bool:
    """Whether the problem is so small, and its update so plain, that floats one by one are faster than NumPy."""
    g = problem.geometry
    plain = isinstance(optimizer, Sgd) and not optimizer.momentum and not optimizer.weight_decay
    cells = g.batch * g.channels * math.prod(g.padded)
    return plain and g.positions * g.filters * g.taps <= MOST_PRODUCTS and cells <= MOST_CELLS


class Unrolled:
    """The loop of one problem.

    Args:
        problem: A problem that it `suits`.
        activation, loss: The problem's own.
        target: What the output is compared with, flat; ``None`` where ∂L/∂a is given.
    """

    def __init__(self, problem: Problem, activation: Activation, loss: Loss, target: Array | None) -> None:
        text = _Text(problem, target is not None)
        self.sizes = text.sizes
        g = problem.geometry
        self.inputs = pad(problem.input.reshape(g.input_shape), g).reshape(-1).tolist()
        goal = problem.output_gradient if target is None else target
        assert goal is not None
        assert problem.learning_rate is not None
        self.goal = goal.reshape(-1).tolist()
        known: dict[str, Any] = {
            "value": activation.value,
            "slope_of": activation.slope,
            "gradient_of": loss.gradient,
            "slope": activation.choice.parameters.get("slope"),
            "slope_at_zero": activation.slope_at_zero,
            "outputs": len(self.goal),
            "downhill": -problem.learning_rate,
            "empty": np.empty,
            "exp": np.exp,
        }
        exec(compile("\n".join(text.lines()), "<a loop written out>", "exec"), known)
        self._loop: Callable[..., list[float]] = known["loop"]

    def run(self, count: int, weights: Array, z: Array, a: Array) -> Numbers:
        """Does `count` iterations from the flat w, z and a of the first."""
        numbers = self._loop(count, self.inputs, self.goal, weights.tolist(), z.tolist(), a.tolist())
        table = np.fromiter(numbers, dtype=np.float64, count=len(numbers)).reshape(count, -1)
        ends = np.cumsum(self.sizes)
        return Numbers(*(table[:, end - size : end] for end, size in zip(ends, self.sizes, strict=True)))


class _Text:
    """The text of the loop. Names are a letter and an index: x, w (a bias, too), z, a, t, e as ever, s for a slope, o
    for ∂L/∂a, d for δ, g for a gradient, u for an update.

    Attributes:
        sizes: How many numbers each of `Numbers` has.
        windows: Of each output the inputs and the weights of its products.
        biases: Which parameter is its bias; empty where there is none.
    """

    def __init__(self, problem: Problem, has_target: bool) -> None:
        self.problem, self.has_target = problem, has_target
        self.geometry = g = problem.geometry
        self.outputs = g.positions * g.filters
        self.taps = g.filters * g.taps
        self.parameters = self.taps + (g.filters if problem.bias is not None else 0)
        self.sizes = (
            *[self.outputs] * 3,
            *[self.parameters] * 3,
            *[self.outputs] * 2,
            self.outputs if has_target else 0,
        )
        self.windows = list(_windows(g, problem.operation == "convolution"))
        filters = [f for _, f, _, _ in np.ndindex(*g.output_shape)]
        self.biases = [self.taps + f for f in filters] if problem.bias is not None else []

    def lines(self) -> Iterator[str]:
        """The function: from all that the first iteration begins with to the numbers of every iteration, flat."""
        inputs = self.geometry.batch * self.geometry.channels * math.prod(self.geometry.padded)
        yield "def loop(count, inputs, goal, weights, before, output):"
        yield f" {_names('x', inputs)} = inputs"
        yield f" {_names('t' if self.has_target else 'o', self.outputs)} = goal"
        yield f" {_names('w', self.parameters)} = weights"
        yield f" {_names('z', self.outputs)} = before"
        yield f" {_names('a', self.outputs)} = output"
        yield f" zs, values, slopes, errors, gradients = (empty({self.outputs}) for _ in range(5))"
        yield " zs[:], values[:] = before, output"
        yield from (f" {line}" for line in self._error())
        yield " numbers = []; extend = numbers.extend"
        yield " for _ in range(count):"
        yield from (f"  {line}" for line in (*self._backward(), *self._update(), *self._forward(), *self._error()))
        yield f"  extend(({' '.join(map(_names, 'sodguwzae', self.sizes))}))"
        yield " return numbers"

    def _forward(self) -> Iterator[str]:
        """z = x ⋆ w + b, a = f(z)."""
        for output, window in enumerate(self.windows):
            total = " + ".join(f"x{x} * w{w}" for x, w in window)
            yield f"z{output} = {total}" + (f" + w{self.biases[output]}" if self.biases else "")
        activation = self.problem.activation.name
        if activation in AROUND_EXP:
            before, after = AROUND_EXP[activation]
            yield from self._each(f"values[{{i}}] = {before}")
            yield from self._function("a", None, "exp(values, values)", "values")
            yield from self._each(f"a{{i}} = {after}")
            return
        if activation not in VALUES:
            yield from self._each("zs[{i}] = z{i}")
        yield from self._function("a", VALUES.get(activation), "value(zs, values)", "values")

    def _error(self) -> Iterator[str]:
        """e = a − t."""
        return self._each("e{i} = a{i} - t{i}" if self.has_target else "")

    def _backward(self) -> Iterator[str]:
        """∂L/∂a, δ = ∂L/∂a ⊙ f′(z), ∂L/∂w = x ⋆ δ, ∂L/∂b = Σδ."""
        formula = LOSS_GRADIENTS.get(self.problem.loss.name)
        if self.has_target:
            if formula is None:
                yield from self._each("errors[{i}] = e{i}")
            yield from self._function("o", formula, "gradient_of(errors, gradients)", "gradients")
        slope = SLOPES.get(self.problem.activation.name)
        yield from self._function("s", slope, "slope_of(zs, values, slopes)", "slopes")
        yield from self._each("d{i} = o{i} * s{i}")
        used: list[list[str]] = [[] for _ in range(self.parameters)]
        for output, window in enumerate(self.windows):
            for x, w in window:
                used[w].append(f"d{output} * x{x}")
            if self.biases:
                used[self.biases[output]].append(f"d{output}")
        yield from (f"g{parameter} = {' + '.join(terms)}" for parameter, terms in enumerate(used))

    def _update(self) -> Iterator[str]:
        """Δw = −η·∂L/∂w, w′ = w + Δw."""
        for parameter in range(self.parameters):
            yield f"u{parameter} = g{parameter} * downhill"
            yield f"w{parameter} = w{parameter} + u{parameter}"

    def _each(self, formula: str) -> Iterator[str]:
        """The formula for every output i."""
        return (formula.format(i=output) for output in range(self.outputs))

    def _function(self, letter: str, formula: str | None, call: str, result: str) -> Iterator[str]:
        """A function of every output: by its formula in floats, or through arrays."""
        if formula is not None:
            yield from self._each(f"{letter}{{i}} = {formula}")
        else:
            yield call
            yield f"{_names(letter, self.outputs)} = {result}.tolist()"


def _names(letter: str, count: int) -> str:
    """So many names: ``x0, x1, ``."""
    return "".join(f"{letter}{index}, " for index in range(count))


def _windows(geometry: Geometry, rotated: bool) -> Iterator[list[tuple[int, int]]]:
    """For every output in order the flat indices of the input's cell and of the weight in each of its products."""
    g = geometry
    cells = np.arange(g.batch * g.channels * math.prod(g.padded)).reshape(g.batch, g.channels, *g.padded)
    weights = np.arange(g.filters * g.taps).reshape(g.filter_shape)
    used = weights[..., ::-1, ::-1] if rotated else weights
    for n, f, i, j in np.ndindex(*g.output_shape):
        taps = np.ndindex(*g.filter_shape[1:])
        yield [(int(cells[(n, *meets(g, f, c, i, j, p, q))]), int(used[f, c, p, q])) for c, p, q in taps]
