"""Activation and loss, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, Numbers
from convstep.derivation.fitting import Functions
from convstep.derivation.model import MINUS, Factor, Index, Term, constant, product, sum_of
from convstep.losses import make_loss
from convstep.numbers import short
from convstep.problem.model import Problem
from convstep.trace import Step

AT_ZERO = "z is exactly 0, where {name} has a kink and no derivative: {slope} is a convention (slope_at_zero)"


class Pointwise:
    """Reads the numbers of one Step for everything that happens to each output by itself."""

    def __init__(self, problem: Problem, step: Step) -> None:
        self.problem = problem
        self.step = step
        self.activation = make_activation(problem.activation, problem.slope_at_zero)
        self.functions = Functions(problem, step.is_exact)
        self.loss_function = make_loss(problem.loss)
        self.compared = "activated_target" if "activated_target" in step else "target"
        self.n = int(np.prod(problem.output_shape))

    def factor(self, name: str, cell: Index) -> Factor:
        """A number of the Step, or of the target, as it stands."""
        array: Array = self.step.array(name) if name != "target" else self._target()
        return Factor(array.item(cell), name, cell)

    def _target(self) -> Array:
        assert self.problem.target is not None
        return self.problem.target

    def _applied(self, name: str, cell: Index, found: float) -> Factor:
        """f of a number."""
        argument = self.factor(name, cell)
        value = self.functions.value(argument.value, found)
        piece = self.activation.piece_at(argument.value)
        letters = self.activation.letters(argument.value, value)
        return argument._replace(
            value=value,
            argument=argument.value,
            function=f"{self.problem.activation.name}({{}})",
            formula=piece.formula,
            numbers=tuple(letters.items()),
        )

    def output(self, cell: Index) -> tuple[Term, ...]:
        """a = f(z)."""
        return (product(self._applied("pre_activation", cell, self.step.output.item(cell))),)

    def activated_target(self, cell: Index) -> tuple[Term, ...]:
        """f(t)."""
        return (product(self._applied("target", cell, self.step.activated_target.item(cell))),)

    def error(self, cell: Index) -> tuple[Term, ...]:
        """e = a − t."""
        return product(self.factor("output", cell)), product(MINUS, self.factor(self.compared, cell))

    def activation_slope(self, cell: Index) -> tuple[Term, ...]:
        """f′(z)."""
        argument = self.factor("pre_activation", cell)
        piece = self.activation.slope_piece_at(argument.value)
        output = self.step.output.item(cell)
        letters = self.activation.letters(argument.value, output)
        value = self.functions.slope(argument.value, output, self.step.activation_slope.item(cell))
        function = f"{self.problem.activation.name}′({{}})"
        return (
            product(
                argument._replace(
                    value=value,
                    argument=argument.value,
                    function=function,
                    formula=piece.formula,
                    numbers=tuple(letters.items()),
                )
            ),
        )

    def slope_note(self, cell: Index) -> str:
        """That the slope at exactly 0 is a convention."""
        if not self.activation.takes_slope_at_zero or self.step.pre_activation[cell] != 0:
            return ""
        slope = short(self.step.activation_slope.item(cell))
        return AT_ZERO.format(name=self.problem.activation.name, slope=slope)

    def delta(self, cell: Index) -> tuple[Term, ...]:
        """δ = ∂L/∂a · f′(z)."""
        return (product(self.factor("output_gradient", cell), self.factor("activation_slope", cell)),)

    # The loss

    def _ratio(self, numerator: int, denominator: int) -> float:
        """A constant as the run has it: a float, or a fraction."""
        if not self.step.is_exact:
            return numerator / denominator
        from fractions import Fraction

        return cast(float, Fraction(numerator, denominator))

    def _shares(self) -> tuple[Factor, ...]:
        """1/n, if the loss is a mean."""
        return (constant(self._ratio(1, self.n), f"1/{self.n}"),)

    def loss(self, cell: Index) -> Sequence[Term]:
        """L, a term an output."""
        shape = self.problem.output_shape

        def term(position: int) -> Term:
            return self._loss_term(tuple(int(part) for part in np.unravel_index(position, shape)))

        def arrays() -> tuple[Array, dict[str, Numbers]]:
            cells = np.indices(shape).reshape(len(shape), -1).T
            names = ("error",) if self.problem.target is not None else ("output", "output_gradient")
            return self._loss_values(), dict.fromkeys(names, cells)

        return sum_of(self.n, term, arrays)

    def _loss_values(self) -> Array:
        """The values of all terms at once."""
        if self.problem.target is None:
            return (self.step.output * self.step.output_gradient).ravel()
        if self.step.is_exact:
            cells = np.ndindex(*self.problem.output_shape)
            return np.array([self._loss_term(cell).value for cell in cells], dtype=object)
        errors = self.step.error.reshape(-1, 1)  # a loss for each, as if it were alone
        each = self.loss_function.values(errors)
        return each / self.n if self.loss_function.is_mean else each

    def _loss_term(self, cell: Index) -> Term:
        if self.problem.target is None:
            return product(self.factor("output", cell), self.factor("output_gradient", cell))
        error = self.factor("error", cell)
        name = self.problem.loss.name
        if name == "half_squared_error":
            return product(constant(self._ratio(1, 2), "½"), error, error)
        if name == "squared_error":
            return product(error, error)
        if name == "mean_squared_error":
            return product(*self._shares(), error, error)
        if name == "mean_absolute_error":
            return product(*self._shares(), _of(error, "|{}|", abs(error.value), "|e|"))
        return product(*self._shares(), self._huber(error))

    def _huber(self, error: Factor) -> Factor:
        """½e² near 0, delta·(|e| − ½·delta) further out."""
        delta, size = self.loss_function.choice.number("delta"), abs(error.value)
        near = size <= delta
        value = size / 2 * size if near else delta * (size - delta / 2)
        formula = "0.5·|e|²" if near else "delta·(|e| − 0.5·delta)"
        return _of(error, "huber({})", value, formula, delta=delta)._replace(inline=True)

    def output_gradient(self, cell: Index) -> tuple[Term, ...]:
        """∂L/∂a; nothing to derive where the problem gives it."""
        if self.problem.target is None:
            return ()
        error = self.factor("error", cell)
        name = self.problem.loss.name
        if name == "half_squared_error":
            return (product(error),)
        if name == "squared_error":
            return (product(constant(2, "2"), error),)
        if name == "mean_squared_error":
            return (product(constant(self._ratio(2, self.n), f"2/{self.n}"), error),)
        if name == "mean_absolute_error":
            return (product(*self._shares(), _of(error, "sign({})", (error.value > 0) - (error.value < 0), "sign(e)")),)
        delta = self.loss_function.choice.number("delta")
        kept = min(max(error.value, -delta), delta)
        applied = _of(error, "({} kept within ±delta)", kept, "min(max(e, −delta), delta)", delta=delta)
        return (product(*self._shares(), applied._replace(inline=True)),)


def _of(factor: Factor, function: str, value: float, formula: str, **letters: float) -> Factor:
    """A function of an error, written out with e for it."""
    numbers = (("e", factor.value), *letters.items())
    return factor._replace(value=value, argument=factor.value, function=function, formula=formula, numbers=numbers)
