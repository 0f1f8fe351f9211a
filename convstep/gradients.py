"""Gradients checked by central differences: does the backward pass belong to the forward pass?

The numeric side uses the forward pass alone. Two kinds of φ are differentiated:

- Σ G·a for random numbers G sent back: the layer by itself. An upstream gradient of all ones would miss a rotated or
  a shifted window, because it looks the same from everywhere.
- the loss: the whole chain, which the activation's slope and the loss's derivative belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.block import Block
from convstep.descent import descend
from convstep.differences import Path, central_difference
from convstep.errors import UsageError
from convstep.forward_paths import ROUNDINGS, UNIT, ForwardPaths, without_goal
from convstep.numbers import cell_text, listing
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.trace import Step
from convstep.words import visible

Index = tuple[int, ...]

GRADIENTS = {
    "output_gradient": "output",
    "delta": "pre_activation",
    "filter_gradient": "filter",
    "bias_gradient": "bias",
    "input_gradient": "input",
}
"""The gradients of the loss in the order of the calculation, and what each is the gradient with respect to."""

PARAMETERS = ("filter", "bias", "input")
RANDOM, BESIDE_KINKS, LOSS = "random", "random beside kinks", "loss"
"""What is sent back: random numbers, the same with 0 at kinks, or what the loss sends."""
DIRECTIONS = 5


class Kink(NamedTuple):
    """A number at a corner of a function, where there is more than one slope.

    Attributes:
        name: ``pre_activation``, a corner of the activation, or ``error``, a corner of the loss.
        cell: Its index.
        value: The number.
    """

    name: str
    cell: Index
    value: float


class Check(NamedTuple):
    """One comparison.

    Attributes:
        name: The quantity that is checked.
        kind: ``direction``: its product with a random direction; ``cell``: one number of it.
        upstream: What is sent back: ``random`` numbers; ``random beside kinks``, the same numbers and 0 at the outputs
            that were found at kinks, so that all others are judged strictly; or what the ``loss`` sends.
        cell: The cell's index; ``None`` for a direction.
        analytic, numeric: The derivative by the backward pass and by differences of the forward pass.
        step: h of the central difference.
        tolerance: By how much they may differ for rounding and for the step's own error.
        allowance: By how much more at the kinks.
        kinks: The kinks within the step.
    """

    name: str
    kind: str
    upstream: str
    cell: Index | None
    analytic: float
    numeric: float
    step: float
    tolerance: float
    allowance: float = 0.0
    kinks: tuple[Kink, ...] = ()

    @property
    def difference(self) -> float:
        """How far the two are apart."""
        return abs(self.analytic - self.numeric)

    @property
    def agrees(self) -> bool:
        """Whether they differ by no more than can be expected, kinks included."""
        return self.difference <= self.tolerance + self.allowance

    @property
    def verdict(self) -> str:
        """``agrees``, ``disagrees``, or ``kink`` where they differ only because of kinks."""
        if not self.agrees:
            return "disagrees"
        return "agrees" if self.difference <= self.tolerance else "kink"


@dataclass(frozen=True, match_args=False)
class GradientCheck:
    """All comparisons of one iteration.

    Attributes:
        iteration: Which one.
        seed: What the random numbers were drawn from.
        reach: How far a step moves a z at the most.
        checks: The comparisons, in the order of the calculation.
        exact: Whether they were made in fractions, with nothing allowed for rounding or for the step.
    """

    iteration: int
    seed: int
    reach: float
    checks: tuple[Check, ...]
    exact: bool = False

    @property
    def agrees(self) -> bool:
        """Whether every comparison agrees."""
        return all(check.agrees for check in self.checks)

    @property
    def first_wrong(self) -> str | None:
        """The first quantity in the order of the calculation that disagrees: the place to look."""
        wrong = {check.name for check in self.checks if not check.agrees}
        return next((name for name in QUANTITIES if name in wrong), None)

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """All kinks that were met, each once."""
        return tuple(sorted({kink for check in self.checks for kink in check.kinks}))


@np.errstate(all="ignore")
def check_gradients(
    problem: Problem,
    step: Step | None = None,
    *,
    directions: int = DIRECTIONS,
    seed: int = 0,
    cells: bool | Sequence[tuple[str, Index | None]] = False,
) -> GradientCheck:
    """Compares every gradient of an iteration with central differences of the forward pass.

    >>> import convstep
    >>> check = check_gradients(convstep.load({"input": [[1, 2], [3, 5]], "filter": [[1, -1]], "bias": 0.5,
    ...     "activation": "tanh", "target": [[1], [0]], "learning_rate": 0.1}), cells=[("filter_gradient", (0, 1))])
    >>> check.agrees, len(check.checks), check.checks[-1].difference < 1e-9
    (True, 46, True)

    Args:
        problem: The problem.
        step: The iteration; by default the first.
        directions: How many random directions each gradient is checked in, each under other random numbers sent back.
        seed: Of the random numbers.
        cells: True for every number of every gradient one by one; or the name of a gradient
            with the cell that is asked for, ``None`` for each.

    Raises:
        UsageError: The iteration holds numbers that are not finite, or a cell does not exist.
    """
    checker = _checker(problem, next(descend(problem)) if step is None else step, seed)
    checks = list(checker.in_directions(directions))
    checks += checker.every_cell() if cells is True else checker.at_cells(cells or ())
    return GradientCheck(checker.step.iteration, seed, checker.reach, tuple(checks), problem.exact is not None)


def _checker(problem: Problem, step: Step, seed: int) -> Checker:
    """What compares in floats, or in fractions."""
    if problem.exact is None:
        return Checker(problem, step, seed)
    from convstep.exact_gradients import ExactChecker

    return ExactChecker(problem, step, seed)


class Checker:
    """The comparisons of one iteration.

    Attributes:
        step: The iteration, whose gradients are checked.
        problem: The problem as it stands in this iteration: with its filter and bias, and without a learning rate.
        paths: Its forward pass.
        reach: How far a step moves a z at the most.
    """

    def __init__(self, problem: Problem, step: Step, seed: int) -> None:
        if not all(np.isfinite(step.array(name)).all() for name in step):
            raise UsageError(f"iteration {step.iteration} holds numbers that are not finite; there is nothing to check")
        self.prepare(problem, step, seed)
        self.paths = ForwardPaths(self.problem, step)
        self.reach = self.paths.reach
        self._paths_to_loss: dict[str, Path] = {}

    def prepare(self, problem: Problem, step: Step, seed: int) -> None:
        """Notes what is checked."""
        self.step = step
        bias = step.bias if problem.bias is not None else None
        self.problem = replace(problem, filter=step.filter, bias=bias, learning_rate=None)
        self.random = np.random.default_rng(seed)

    def drawn_numbers(self, shape: int | Index) -> Array:
        """Random numbers, to be sent back or as a direction."""
        drawn: Array = self.random.normal(size=shape)
        return drawn

    def in_directions(self, count: int) -> Iterator[Check]:
        """Every gradient in random directions, the layer's by itself first, then the whole chain's."""
        drawn = [self._drawn(name) for name in ["activation_slope", *self._of_parameters()] for _ in range(count)]
        checks = [self.under(RANDOM, *each) for each in drawn]
        yield from checks
        for (name, upstream, direction), check in zip(drawn, checks, strict=True):
            beside = upstream.copy()
            for kink in check.kinks:
                beside[kink.cell] = 0.0
            if check.kinks and beside.any():
                yield self.under(BESIDE_KINKS, name, beside, direction)
        for name in self._of_loss():
            for _ in range(count):
                yield self.from_loss(name, self.drawn_numbers(self.step.array(name).size))

    def _of_parameters(self) -> dict[str, Index]:
        """The gradients of the parameters that there are, each with its shape."""
        arrays = {f"{name}_gradient": getattr(self.problem, name) for name in PARAMETERS}
        return {name: array.shape for name, array in arrays.items() if array is not None}

    def _of_loss(self) -> dict[str, Index]:
        """The gradients that the iteration holds, without what was given, each with its shape."""
        given = "output_gradient" if self.problem.target is None else ""
        return {name: self.step.array(name).shape for name in GRADIENTS if name in self.step and name != given}

    def every_cell(self) -> Iterator[Check]:
        """Every number of every gradient; without a loss of those of the parameters."""
        return self.at_cells([(name, None) for name in self._of_loss() or self._of_parameters()])

    def at_cells(self, places: Sequence[tuple[str, Index | None]]) -> Iterator[Check]:
        """Numbers of gradients: of the loss, or without a loss under random numbers sent back."""
        of_loss = self._of_loss()
        shapes = of_loss or self._of_parameters()
        compare = self.from_loss if of_loss else self._under_random_upstream
        for name, cell in places:
            if name not in shapes:
                raise UsageError(f"there is no {visible(name)} to check here; there is {listing(shapes)}")
            shape = shapes[name]
            for index in np.ndindex(*shape) if cell is None else [_existing(name, cell, shape)]:
                direction = np.zeros(shape)
                direction[index] = 1.0
                yield compare(name, direction.reshape(-1), index)

    def _drawn(self, name: str) -> tuple[str, Array, Array]:
        """Random numbers to be sent back, and a random direction for a gradient."""
        shape = self.problem.output_shape
        size = int(np.prod(shape if name == "activation_slope" else self._of_parameters()[name]))
        return name, self.drawn_numbers(shape), self.drawn_numbers(size)

    def _under_random_upstream(self, name: str, direction: Array, cell: Index | None) -> Check:
        return self.under(RANDOM, name, self.drawn_numbers(self.problem.output_shape), direction, cell)

    def under(self, sent: str, name: str, upstream: Array, direction: Array, cell: Index | None = None) -> Check:
        step = Block(replace(without_goal(self.problem), output_gradient=upstream)).without_update()
        if name == "activation_slope":
            gradient, path = step.activation_slope * upstream, self.paths.from_pre_activation(upstream.reshape(-1))
        else:
            gradient, path = step.array(name), self.paths.from_parameter(GRADIENTS[name], upstream.reshape(-1))
        return self._compared(name, sent, cell, gradient.reshape(-1), path, direction)

    def from_loss(self, name: str, direction: Array, cell: Index | None = None) -> Check:
        if name not in self._paths_to_loss:
            self._paths_to_loss[name] = self._path_to_loss(name)
        return self._compared(name, LOSS, cell, self.step.array(name).reshape(-1), self._paths_to_loss[name], direction)

    def _path_to_loss(self, name: str) -> Path:
        if name == "output_gradient":
            return self.paths.from_error()
        if name == "delta":
            return self.paths.from_pre_activation(None)
        return self.paths.from_parameter(GRADIENTS[name], None)

    def _compared(
        self, name: str, upstream: str, cell: Index | None, gradient: Array, path: Path, direction: Array
    ) -> Check:
        products = gradient * direction
        found = central_difference(path, direction)
        rounding = (products.size + ROUNDINGS) * UNIT * float(np.abs(products).sum())
        return Check(
            name=name,
            kind="direction" if cell is None else "cell",
            upstream=upstream,
            cell=cell,
            analytic=float(products.sum()),
            numeric=found.value,
            step=found.step,
            tolerance=found.tolerance + rounding,
            allowance=found.allowance,
            kinks=tuple(self.kink(*each) for each in found.kinks),
        )

    def kink(self, name: str, output: int, value: float) -> Kink:
        return Kink(name, tuple(int(i) for i in np.unravel_index(output, self.problem.output_shape)), value)


def _existing(name: str, cell: Index, shape: Index) -> Index:
    """The cell, if there is one."""
    if len(cell) != len(shape) or any(i >= size for i, size in zip(cell, shape, strict=True)):
        last = f"its last is {name}{cell_text([size - 1 for size in shape])}" if shape else "it is one number"
        raise UsageError(f"{name} has no cell {cell_text(cell)}; {last}")
    return cell
