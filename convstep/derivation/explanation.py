"""A Step, taken apart: every number of it as a sum of products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from convstep.derivation.fitting import misfit
from convstep.derivation.model import Cell, Factor, Index, Term, Uses, product
from convstep.derivation.pointwise import Pointwise
from convstep.derivation.sums import Sums
from convstep.derivation.update import Updates
from convstep.errors import UsageError
from convstep.numbers import cell_text, listing
from convstep.optimizers import make_optimizer
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.trace import FROM_THE_FIRST, Start, Step
from convstep.words import nearest, visible

GIVEN = ("input", "target")
"""What can be asked for besides the quantities of a Step."""
SYMBOLS = {"x": "input", "t": "target"} | {quantity.symbol: quantity.name for quantity in QUANTITIES.values()}
"""What a quantity is called on paper."""
MULTIPLIED = {
    "pre_activation": ("input", "filter"),
    "filter_gradient": ("delta", "input"),
    "bias_gradient": ("delta",),
    "input_gradient": ("delta", "filter"),
}
"""What the sums of a layer are made of."""
USED = ("input", "filter", "bias")
"""What the other way round can be asked of: which outputs used it?"""


class Explanation(NamedTuple):
    """Numbers of one iteration, each with the sum that gives it.

    Attributes:
        iteration: Which one.
        cells: The numbers, in the order of the calculation.
    """

    iteration: int
    cells: tuple[Cell, ...]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from convstep.render.html import explanation_html

        return explanation_html(self)


def explain(
    step: Step,
    problem: Problem,
    before: Step | None = None,
    *,
    quantity: str | None = None,
    cell: Sequence[int] | None = None,
) -> Explanation:
    """Where the numbers of a Step come from.

    Args:
        step: The iteration.
        problem: What was run.
        before: The iteration before it; only the state of an optimizer needs it, from iteration 2 on.
        quantity: Only this quantity; by default all, each whole: for a large problem that is a lot.
        cell: Only this cell of it.

    Raises:
        UsageError: If there is no such quantity or cell.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, 2]], "filter": [[3, 4]], "target": [[10]], "learning_rate": 0.1})
    >>> step = next(convstep.descend(problem))
    >>> cell = convstep.explain(step, problem, quantity="pre_activation", cell=(0, 0)).cells[0]
    >>> cell.value, [[factor.value for factor in term.factors] for term in cell.terms]
    (11.0, [[1.0, 3.0], [2.0, 4.0]])
    """
    source = Derivations(problem, step, before)
    names = [quantity] if quantity is not None else list(step)
    for name in names:
        source.check(name, tuple(cell) if cell is not None else None)
    cells = [
        source.cell(name, index)
        for name in names
        for index in (source.indices(name) if cell is None else [tuple(cell)])
    ]
    return Explanation(step.iteration, tuple(cells))


def quantities_of(problem: Problem) -> list[str]:
    """What an iteration of a problem holds, in the order of the calculation."""
    names = {"filter", "pre_activation", "output"}
    if problem.bias is not None:
        names.add("bias")
    if not problem.forward_only:
        names |= {"loss", "output_gradient", "activation_slope", "delta", "input_gradient"}
        names |= {"error"} if problem.target is not None else set()
        names |= {"activated_target"} if problem.target_through_activation else set()
        kinds = [kind for kind in ("filter", "bias") if kind in names]
        names |= {f"{kind}_gradient" for kind in kinds}
        if problem.learning_rate is not None:
            states = make_optimizer(problem.optimizer, problem.learning_rate).state_names
            names |= {f"{kind}_{state}" for kind in kinds for state in states}
            names |= {name for kind in kinds for name in (f"{kind}_update", f"new_{kind}")}
    return [name for name in QUANTITIES if name in names]


class Derivations:
    """All derivations of one Step; each is made when it is asked for."""

    def __init__(self, problem: Problem, step: Step, before: Step | None = None, start: Start = FROM_THE_FIRST) -> None:
        self.problem = problem
        self.step = step
        self.before = before
        self.start = start
        self.sums = Sums(problem, step)
        self.pointwise = Pointwise(problem, step)
        self._largest: dict[str, float] = {}
        self._rules: dict[str, Callable[[Index], Sequence[Term]]] = {
            "pre_activation": self.sums.pre_activation,
            "filter_gradient": self.sums.filter_gradient,
            "bias_gradient": self.sums.bias_gradient,
            "input_gradient": self.sums.input_gradient,
            "output": self.pointwise.output,
            "activated_target": self.pointwise.activated_target,
            "error": self.pointwise.error,
            "loss": self.pointwise.loss,
            "output_gradient": self.pointwise.output_gradient,
            "activation_slope": self.pointwise.activation_slope,
            "delta": self.pointwise.delta,
        }
        if problem.learns:
            for kind in ("filter", "bias"):
                self._rules |= self._update_rules(kind)

    def _update_rules(self, kind: str) -> dict[str, Callable[[Index], Sequence[Term]]]:
        updates = Updates(self.problem, self.step, self.before, kind, self.start)

        def state_rule(state: str) -> Callable[[Index], Sequence[Term]]:
            return lambda cell: updates.state(state, cell)

        states = {f"{kind}_{state}": state_rule(state) for state in updates.optimizer.state_names}
        return {
            **states,
            f"{kind}_update": updates.update,
            f"new_{kind}": updates.new,
            kind: lambda cell: self._from_iteration_before(kind, cell),
        }

    def _from_iteration_before(self, kind: str, cell: Index) -> Sequence[Term]:
        """A parameter is the new one of the iteration before; in the first the problem gives it."""
        value = self.step.array(kind).item(cell)
        if self.step.iteration == self.start.iteration and not self._was_left_with(value, kind, cell):
            return ()
        before, left = self.before, f"new_{kind}"
        if before is not None and before.iteration == self.step.iteration - 1 and left in before:
            value = before.array(left).item(cell)
        return (product(Factor(value, left, cell, iteration=self.step.iteration - 1)),)

    def _was_left_with(self, value: float, kind: str, cell: Index) -> bool:
        """Whether a run that goes on from another one found a parameter as the iteration before had left it."""
        left = f"new_{kind}"
        if self.before is None or left not in self.before or self.before.array(left).shape != self.shape(kind):
            return False
        return bool(self.before.array(left)[cell] == value)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a quantity, of the input or of the target."""
        if name == "input":
            return self.problem.input.shape
        if name == "target":
            return self.problem.output_shape
        return self.step.array(name).shape

    def indices(self, name: str) -> Iterator[Index]:
        """All cells of a quantity."""
        return np.ndindex(*self.shape(name))

    def cell(self, name: str, cell: Index) -> Cell:
        """One number and its sum."""
        terms = self._rules[name](cell) if name in self._rules else ()
        note = self.pointwise.slope_note(cell) if name == "activation_slope" else ""
        if not terms:
            note = "The problem gives it" if self.is_given(name) else "No window holds this cell of the input"
        return self.judged(Cell(name, cell, self.value(name, cell), terms, note))

    def judged(self, cell: Cell) -> Cell:
        """The cell, with what its terms give where its value is something else."""
        of_what = MULTIPLIED.get(cell.name, ())
        largest = math.prod(map(self._largest_of, of_what)) if of_what else 0.0
        return cell._replace(terms_give=misfit(cell.value, cell.terms, largest))

    def _largest_of(self, name: str) -> float:
        """The largest size of a quantity's numbers."""
        if name not in self._largest:
            numbers = self.problem.input if name == "input" else self.step.array(name)
            self._largest[name] = float(abs(numbers).max())
        return self._largest[name]

    def is_given(self, name: str) -> bool:
        """Whether the problem gives the quantity, so that there is nothing to derive."""
        if name in ("filter", "bias"):
            return self.step.iteration == 1 or name not in self._rules
        return name not in self._rules or (name == "output_gradient" and self.problem.target is None)

    def value(self, name: str, cell: Index) -> float:
        """The number itself."""
        if name in GIVEN:
            return self.pointwise.factor("target", cell).value if name == "target" else self.problem.input.item(cell)
        return self.step.array(name).item(cell)

    def uses(self, name: str, cell: Index) -> Uses:
        """Which outputs used a number of the input, of a filter or of a bias."""
        return {
            "input": self.sums.uses_of_input,
            "filter": self.sums.uses_of_filter,
            "bias": self.sums.uses_of_bias,
        }[name](cell)

    def check(self, name: str, cell: Index | None) -> None:
        """Complains about a quantity or a cell that is not there.

        Raises:
            UsageError: With what there is.
        """
        if name not in QUANTITIES and name not in GIVEN:
            near = SYMBOLS.get(name) or nearest(name, [*self.step, *GIVEN]) or nearest(name, QUANTITIES)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(self.step)}"
            raise UsageError(f"there is no quantity {visible(name)}; {hint}")
        if name not in self.step and (name not in GIVEN or (name == "target" and self.problem.target is None)):
            raise UsageError(
                f"this problem has no {name}; iteration {self.step.iteration} holds {', '.join(self.step)}"
            )
        if cell is not None:
            _check_cell(name, cell, self.shape(name))


def _check_cell(name: str, cell: Index, shape: tuple[int, ...]) -> None:
    """Complains about a cell that an array of this shape does not have."""
    if len(cell) == len(shape) and all(0 <= index < size for index, size in zip(cell, shape, strict=True)):
        return
    if not shape:
        raise UsageError(f"{name} is a single number; write it without {cell_text(cell)}")
    lasts = listing([str(size - 1) for size in shape])
    takes = f"it takes {len(shape)} {'index' if len(shape) == 1 else 'indices'}, from 0 up to {lasts}"
    if not cell:
        raise UsageError(f"which cell of {name}? {takes}: {name}{cell_text((0,) * len(shape))}")
    raise UsageError(f"{name} has no cell {cell_text(cell)}: {takes}")
