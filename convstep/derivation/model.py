"""What an explanation is made of: a cell is a sum of terms, a term a product of factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, overload

from convstep.arrays import Array, Numbers

Index = tuple[int, ...]


class Factor(NamedTuple):
    """One number of a product, and where it stands.

    Attributes:
        value: The number that enters the product.
        name: The quantity it was read from (``input`` and ``target`` too); empty for a constant.
        cell: Which cell of it; of an input with padding the cell may lie outside of the input.
        padding: Whether it is a 0 that stands there for want of a number: padding, or a gap between spread deltas.
        function: What was done to the number read, with ``{}`` where it stands: ``relu({})``; empty if nothing was.
        argument: The number read, where a function was applied.
        symbol: How a constant is called (``learning_rate``), or spelled exactly (``½``).
        formula: The function written out in letters, ``a·(1 − a)``, and …
        numbers: … what its letters stand for.
        inline: Whether the formula stands in the sum where numbers are put in, because it needs more than one.
        iteration: Of the iteration before: its number.
    """

    value: float
    name: str = ""
    cell: Index = ()
    padding: bool = False
    function: str = ""
    argument: float | None = None
    symbol: str = ""
    formula: str = ""
    numbers: tuple[tuple[str, float], ...] = ()
    inline: bool = False
    iteration: int | None = None


class Term(NamedTuple):
    """One product.

    Attributes:
        value: The product of the factors' values.
        factors: In the order they are written; a first factor −1 without a symbol is a minus sign.
    """

    value: float
    factors: tuple[Factor, ...]


MOST_AT_ONCE = 4096
"""Of longer sums the terms are made when they are asked for."""


class LongSum(Sequence[Term]):
    """The terms of a long sum, each made when it is asked for.

    Attributes:
        values: The value of each term.
        cells: For each quantity that takes part the cells, a row each.
    """

    def __init__(self, values: Array, cells: Mapping[str, Numbers], term: Callable[[int], Term]) -> None:
        self.values = values
        self.cells = cells
        self._term = term

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, position: int) -> Term: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Term, ...]: ...
    def __getitem__(self, position: int | slice) -> Term | tuple[Term, ...]:
        if isinstance(position, slice):
            return tuple(self._term(each) for each in range(len(self))[position])
        return self._term(range(len(self))[position])


def sum_of(
    count: int, term: Callable[[int], Term], arrays: Callable[[], tuple[Array, Mapping[str, Numbers]]]
) -> Sequence[Term]:
    """A sum of so many terms.

    Args:
        count: How many.
        term: Makes one of them, by its position.
        arrays: Gives all values, and the cells that take part, at once.
    """
    if count <= MOST_AT_ONCE:
        return tuple(term(position) for position in range(count))
    return LongSum(*arrays(), term)


def values_of(terms: Sequence[Term]) -> list[float]:
    """The value of each term."""
    return terms.values.tolist() if isinstance(terms, LongSum) else [term.value for term in terms]


class Cell(NamedTuple):
    """One number of a Step and the sum that gives it.

    Attributes:
        name: The quantity.
        cell: Its index, counted from 0; ``()`` for a single number.
        value: The Step's own number.
        terms: What adds up to it; empty for what the problem gives.
        note: What else there is to say of it.
        terms_give: What the terms add up to, where the value is another number: a trace that was edited.
    """

    name: str
    cell: Index
    value: float
    terms: Sequence[Term]
    note: str = ""
    terms_give: float | None = None


class Use(NamedTuple):
    """One place where a number was used.

    Attributes:
        name, cell: What was computed with it.
        factor: What it was multiplied with there.
        back: What that place sends back to it: its delta times the factor; ``None`` where there is no gradient.
    """

    name: str
    cell: Index
    factor: Factor
    back: Term | None


class Uses(Sequence[Use]):
    """The places where a number was used, each made when it is asked for.

    Args:
        terms: What each sends back: a delta, and what it is multiplied with.
        has_gradient: Whether there is a delta.
    """

    def __init__(self, terms: Sequence[Term], has_gradient: bool) -> None:
        self._terms = terms
        self._has_gradient = has_gradient

    def __len__(self) -> int:
        return len(self._terms)

    @overload
    def __getitem__(self, position: int) -> Use: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Use, ...]: ...
    def __getitem__(self, position: int | slice) -> Use | tuple[Use, ...]:
        if isinstance(position, slice):
            return tuple(self._use(term) for term in self._terms[position])
        return self._use(self._terms[position])

    def _use(self, term: Term) -> Use:
        """The delta belongs to the place; the other factor, 1 for a bias, is what it was multiplied with there."""
        delta, *others = term.factors
        factor = others[0] if others else Factor(1)
        return Use("pre_activation", delta.cell, factor, term if self._has_gradient else None)


def product(*factors: Factor) -> Term:
    """The term of these factors.

    >>> product(Factor(2.0), Factor(-3.0, "delta", (0, 0))).value
    -6.0
    """
    return Term(math.prod(factor.value for factor in factors), factors)


MINUS = Factor(-1)
"""As the first factor: a minus sign."""


def constant(value: float, symbol: str) -> Factor:
    """A number that belongs to no quantity."""
    return Factor(value, symbol=symbol)
