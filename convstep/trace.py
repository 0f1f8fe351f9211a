"""The record of a run: one `Step` an iteration, and the `Outcome`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from convstep.arrays import Array, are_exact, as_float, in_floats
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES


class Start(NamedTuple):
    """Where a run begins: at iteration 1, or where another run had come to.

    Attributes:
        iteration: The number of its first iteration.
        counted_from: The iteration from which its optimizer counts: the first, or where its state began anew.
        state: The optimizer's state before the first iteration by the end of a quantity's name, flat, the filter's
            numbers first; empty where it begins anew.
    """

    iteration: int = 1
    counted_from: int = 1
    state: Mapping[str, Array] = MappingProxyType({})


FROM_THE_FIRST = Start()


class Step:
    """One iteration, with every number of it.

    Each quantity is an attribute by its name (``step.delta``), and an item too (``step["delta"]``). Arrays are
    float64 and read-only, shaped as the problem's own (a matrix stays a matrix); `loss` is a float. Of an exact problem
    all numbers are fractions. Quantities that the problem does not have (a bias, a target, an update) are not there:
    ``"bias" in step`` tells.

    Attributes:
        iteration: Counted from 1.

    >>> import convstep
    >>> step = next(convstep.descend(convstep.load({
    ...     "input": [[1, 2], [3, 4]], "filter": [[1]], "target": [[1, 1], [1, 1]], "learning_rate": 0.01})))
    >>> step.loss, step.filter_gradient.item()
    (7.0, 20.0)
    >>> "bias" in step
    False
    """

    __slots__ = ("_arrays", "_row", "iteration")

    filter: Array
    bias: Array
    pre_activation: Array
    output: Array
    activated_target: Array
    error: Array
    loss: float
    output_gradient: Array
    activation_slope: Array
    delta: Array
    filter_gradient: Array
    bias_gradient: Array
    input_gradient: Array
    filter_momentum: Array
    filter_square_average: Array
    bias_momentum: Array
    bias_square_average: Array
    filter_update: Array
    bias_update: Array
    new_filter: Array
    new_bias: Array

    def __init__(self, iteration: int, arrays: Mapping[str, Array], row: int = 0) -> None:
        """A row of arrays that hold several iterations; each array is iterations×shape."""
        self.iteration = iteration
        self._arrays = arrays
        self._row = row

    def __getattr__(self, name: str) -> Any:
        if name in QUANTITIES:
            if name in self._arrays:
                return self[name]
            raise AttributeError(f"iteration {self.iteration} holds no {name}; it holds {', '.join(self._arrays)}")
        raise AttributeError(f"a Step has no attribute {name}")

    def __getitem__(self, name: str) -> Any:
        value = self._arrays[name][self._row]
        if type(value) is ndarray:  # most are, and this is done for every number of a run
            return value
        if isinstance(value, np.float64):
            return float(value) if name == "loss" else value
        return value if name == "loss" else np.asarray(value)

    @property
    def is_exact(self) -> bool:
        """Whether its numbers are fractions."""
        return any(map(are_exact, self._arrays.values()))

    @property
    def in_floats(self) -> Step:
        """The iteration in floats: itself, or the floats nearest to its fractions."""
        if not self.is_exact:
            return self
        return Step(self.iteration, {name: in_floats(self.array(name)[None]) for name in self})

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __repr__(self) -> str:
        loss = f", loss={self.loss}" if "loss" in self else ""
        return f"Step(iteration={self.iteration}{loss})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from convstep.render.html import step_html

        return step_html(self)

    @property
    def block(self) -> tuple[Mapping[str, Array], int]:
        """The arrays that hold this iteration beside its neighbours, iterations×shape, and its row in them."""
        return self._arrays, self._row

    def array(self, name: str) -> Array:
        """The quantity as an array, a single number as one of no dimensions."""
        return np.asarray(self._arrays[name][self._row])


@dataclass(frozen=True, eq=False, match_args=False)
class Outcome:
    """How a run ended.

    Attributes:
        status: ``converged``, ``dead``, ``stationary``, ``oscillating``, ``diverged`` or ``stopped``.
        iterations: How many were done.
        loss: The loss at the last filter; ``None`` for a forward pass alone.
        filter, bias: The last parameters.
        period: After how many iterations an oscillation repeats itself; ``None`` for other statuses.
        digits: Of an exact run that was stopped because its fractions grew too long: how many digits the next iteration
            would have needed.
    """

    status: str
    iterations: int
    loss: float | None
    filter: Array
    bias: Array | None = None
    period: int | None = None
    digits: int | None = None

    @property
    def in_floats(self) -> Outcome:
        """The outcome with its numbers as floats."""
        bias = None if self.bias is None else in_floats(self.bias)
        loss = None if self.loss is None else as_float(self.loss)
        return replace(self, loss=loss, filter=in_floats(self.filter), bias=bias)


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class Trace:
    """A whole run, kept: the problem, each iteration, and how it ended.

    Attributes:
        problem: What was run, complete.
        steps: The iterations, from the first to the last.
        outcome: How it ended.
        reason: One sentence that says why it ended, with numbers.
        advice: What to try, with numbers; may be empty.
    """

    problem: Problem
    steps: tuple[Step, ...]
    outcome: Outcome
    reason: str = ""
    advice: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from convstep.render.html import trace_html

        return trace_html(self)

    def __repr__(self) -> str:
        return f"<Trace: {self.outcome.status} after {self.outcome.iterations} iterations>"

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __getitem__(self, position: int) -> Step:
        return self.steps[position]
