"""The optimizer's state and the update, term by term from the state that is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from convstep.derivation.model import MINUS, Factor, Index, Term, constant, product
from convstep.errors import UsageError
from convstep.numbers import cell_text
from convstep.optimizers import Adagrad, Adam, Optimizer, RmsProp, Sgd, make_optimizer
from convstep.problem.model import Problem
from convstep.trace import FROM_THE_FIRST, Start, Step


class Updates:
    """Reads the numbers of one Step, and the state that the Step before left, for one kind of parameter.

    Args:
        problem: The problem.
        step: The iteration.
        before: The iteration before it; needed for the state of an optimizer from iteration 2 on.
        kind: ``filter`` or ``bias``.
        start: Where the run began.
    """

    def __init__(
        self, problem: Problem, step: Step, before: Step | None, kind: str, start: Start = FROM_THE_FIRST
    ) -> None:
        assert problem.learning_rate is not None
        self.problem = problem
        self.step = step
        self.before = before
        self.kind = kind
        self.count = step.iteration - start.counted_from + 1
        self.optimizer: Optimizer = make_optimizer(problem.optimizer, problem.learning_rate)
        self.rate = constant(problem.learning_rate, "learning_rate")

    def _read(self, part: str, cell: Index) -> Factor:
        """A number of the Step: part is ``{}_gradient`` and the like."""
        name = part.format(self.kind)
        return Factor(self.step.array(name).item(cell), name, cell)

    def _name(self, part: str, cell: Index) -> str:
        """How a number of the Step is called in the middle of a function."""
        return part.format(self.kind) + (cell_text(cell) if cell else "")

    def _state_before(self, state: str, cell: Index) -> Factor:
        """A number of the state that the iteration before left; before the first, what the optimizer starts with."""
        name = f"{self.kind}_{state}"
        iteration = self.step.iteration - 1
        if self.count == 1:
            value = self.optimizer.first_state(state)
        elif self.before is None or self.before.iteration != iteration:
            raise UsageError(
                f"{name} of iteration {self.step.iteration} comes from iteration {iteration}; give it as before"
            )
        else:
            value = self.before.array(name).item(cell)
        return Factor(value, name, cell, iteration=iteration)

    def _gradient(self, cell: Index) -> Factor:
        """g, with weight decay where there is any."""
        gradient = self._read("{}_gradient", cell)
        decay = self.optimizer.weight_decay
        if not decay:
            return gradient
        weight = self._read("{}", cell)
        return gradient._replace(
            value=gradient.value + decay * weight.value,
            argument=gradient.value,
            function=f"({{}} + weight_decay·{self._name('{}', cell)})",
            formula="(g + decay·w)",
            numbers=(("g", gradient.value), ("decay", decay), ("w", weight.value)),
            inline=True,
        )

    # The state

    def state(self, state: str, cell: Index) -> tuple[Term, ...]:
        """The state after the iteration."""
        if state == "largest_square_average":
            return self._largest(cell)
        if isinstance(self.optimizer, Sgd):
            return self._momentum(self.optimizer, cell)
        if isinstance(self.optimizer, Adagrad):
            gradient = self._gradient(cell)
            return product(self._state_before(state, cell)), product(gradient, gradient)
        if isinstance(self.optimizer, RmsProp) and state == "momentum":
            before = product(constant(self.optimizer.momentum, "momentum"), self._state_before(state, cell))
            return before, product(self._gradient(cell), self._one_over_spread(cell))
        return self._average(state, cell)

    def _momentum(self, optimizer: Sgd, cell: Index) -> tuple[Term, ...]:
        """v = g at first, then μ·v + (1 − dampening)·g."""
        gradient = self._gradient(cell)
        if self.count == 1:
            return (product(gradient),)
        before = product(constant(optimizer.momentum, "momentum"), self._state_before("momentum", cell))
        if not optimizer.dampening:
            return before, product(gradient)
        return before, product(constant(1 - optimizer.dampening, "(1 − dampening)"), gradient)

    def _average(self, state: str, cell: Index) -> tuple[Term, ...]:
        """A running average: β·before + (1 − β)·g, or g²."""
        assert isinstance(self.optimizer, (Adam, RmsProp))
        if isinstance(self.optimizer, RmsProp):
            share, symbol = self.optimizer.alpha, "alpha"
        else:
            first = state == "momentum"
            share, symbol = self.optimizer.betas[0 if first else 1], "beta₁" if first else "beta₂"
        gradient = self._gradient(cell)
        gradients = (gradient, gradient) if state == "square_average" else (gradient,)
        return (
            product(constant(share, symbol), self._state_before(state, cell)),
            product(constant(1.0 - share, f"(1 − {symbol})"), *gradients),
        )

    def _largest(self, cell: Index) -> tuple[Term, ...]:
        """The larger of the square average and the largest before it."""
        before = self._state_before("largest_square_average", cell)
        now = self._read("{}_square_average", cell)
        value = max(before.value, now.value)
        numbers = (("before", before.value), ("now", now.value))
        function = f"max({{}}, previous {self._name('{}_largest_square_average', cell)})"
        return (product(_written(now, value, function, "max(now, before)", numbers)),)

    # The update

    def update(self, cell: Index) -> tuple[Term, ...]:
        """Δw: −η times the direction that the optimizer makes of gradient and state."""
        optimizer = self.optimizer
        if isinstance(optimizer, Sgd):
            return self._sgd(optimizer, cell)
        if isinstance(optimizer, Adam):
            rate = self._growing_rate(optimizer)
            return (product(MINUS, rate, self._read("{}_momentum", cell), self._one_over_adam(optimizer, cell)),)
        if isinstance(optimizer, RmsProp) and optimizer.momentum:
            return (product(MINUS, self.rate, self._read("{}_momentum", cell)),)
        return (product(MINUS, self._falling_rate(), self._gradient(cell), self._one_over_spread(cell)),)

    def _growing_rate(self, optimizer: Adam) -> Factor:
        """η/(1 − β₁ᵏ): the running average began with 0 and is too small at first."""
        k, beta = self.count, optimizer.betas[0]
        return Factor(
            optimizer.learning_rate / (1.0 - beta**k),
            symbol=f"learning_rate/(1 − beta₁^{k})",
            formula=f"rate/(1 − beta^{k})",
            numbers=(("rate", optimizer.learning_rate), ("beta", beta)),
            inline=True,
        )

    def _falling_rate(self) -> Factor:
        """η, for adagrad with lr_decay η/(1 + (k − 1)·lr_decay)."""
        optimizer = self.optimizer
        if not isinstance(optimizer, Adagrad) or not optimizer.rate_decay:
            return self.rate
        iterations = self.count - 1
        value = optimizer.learning_rate / (1.0 + iterations * optimizer.rate_decay)
        return Factor(
            value,
            symbol=f"learning_rate/(1 + {iterations}·lr_decay)",
            formula=f"rate/(1 + {iterations}·decay)",
            numbers=(("rate", optimizer.learning_rate), ("decay", optimizer.rate_decay)),
            inline=True,
        )

    def _sgd(self, optimizer: Sgd, cell: Index) -> tuple[Term, ...]:
        if not optimizer.momentum:
            return (product(MINUS, self.rate, self._gradient(cell)),)
        velocity = self._read("{}_momentum", cell)
        if not optimizer.nesterov:
            return (product(MINUS, self.rate, velocity),)
        ahead = product(MINUS, self.rate, constant(optimizer.momentum, "momentum"), velocity)
        return product(MINUS, self.rate, self._gradient(cell)), ahead

    def _one_over_adam(self, optimizer: Adam, cell: Index) -> Factor:
        """1/(√v/√(1 − β₂ᵏ) + ε)."""
        name = "{}_largest_square_average" if optimizer.amsgrad else "{}_square_average"
        square = self._read(name, cell)
        k, beta = self.count, optimizer.betas[1]
        value = _inverse(_root(square.value) / math.sqrt(1.0 - beta**k) + optimizer.eps)
        numbers = (("v", square.value), ("beta", beta), ("eps", optimizer.eps))
        return _written(square, value, f"1/(√{{}}/√(1 − beta₂^{k}) + eps)", f"1/(√v/√(1 − beta^{k}) + eps)", numbers)

    def _one_over_spread(self, cell: Index) -> Factor:
        """1/(√v + ε), for centered rmsprop 1/(√(v − m²) + ε)."""
        assert isinstance(self.optimizer, (RmsProp, Adagrad))
        square = self._read("{}_square_average", cell)
        numbers = [("v", square.value), ("eps", self.optimizer.eps)]
        spread, function, formula = square.value, "1/(√{} + eps)", "1/(√v + eps)"
        if isinstance(self.optimizer, RmsProp) and self.optimizer.centered:
            mean = self._read("{}_gradient_average", cell).value
            numbers.append(("m", mean))
            spread, formula = spread - mean * mean, "1/(√(v − m²) + eps)"
            function = f"1/(√({{}} − {self._name('{}_gradient_average', cell)}²) + eps)"
        return _written(square, _inverse(_root(spread) + self.optimizer.eps), function, formula, numbers)

    def new(self, cell: Index) -> tuple[Term, ...]:
        """w′ = w + Δw."""
        return product(self._read("{}", cell)), product(self._read("{}_update", cell))


def _written(factor: Factor, value: float, function: str, formula: str, numbers: Sequence[tuple[str, float]]) -> Factor:
    """A function of several numbers."""
    return factor._replace(
        value=value, argument=factor.value, function=function, formula=formula, numbers=tuple(numbers), inline=True
    )


def _root(value: float) -> float:
    """√, as NumPy takes it."""
    return math.sqrt(value) if value >= 0 else math.nan


def _inverse(value: float) -> float:
    """1/value, as NumPy divides."""
    return 1.0 / value if value else math.inf
