"""Do the numbers of a Step fit together? Those of a run always do; those of a trace that was edited may not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import cast

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, are_exact
from convstep.derivation.model import LongSum, Term, values_of
from convstep.problem.model import Problem

CLOSE = 1e-6
"""Against the sizes of the terms: far more than rounding does, so that whoever writes 7 digits is not accused."""
CLOSE_TO_LARGEST = 1e-12
"""Against what the largest numbers would give: a Fourier transform errs as they do, wherever small ones stand."""
CLOSE_FUNCTION = 1e-12
"""A function of one number; near its zeros no digit of it may be right."""
LARGEST, SMALLEST = 1e150, 1e-150
"""Beyond these a calculation may overflow, or lose digits, on the way: there the order decides."""


def misfit(value: float, terms: Sequence[Term], largest: float = 0.0) -> float | None:
    """What the terms add up to, where that is not the value; ``None`` where it is, but for what rounding does.

    >>> from convstep.derivation.model import Factor, product
    >>> terms = [product(Factor(0.1)), product(Factor(0.2))]
    >>> misfit(0.3, terms), misfit(0.4, terms)
    (None, 0.30000000000000004)

    Args:
        value: The number that is said to be the sum.
        terms: The terms.
        largest: The largest product that there is in the whole calculation.
    """
    if isinstance(terms, LongSum) and not are_exact(terms.values):
        return _long_misfit(value, terms.values, largest)
    values = values_of(terms)
    total = sum(values)
    if total == value or not values:
        return None
    if not isinstance(total, (float, int)):
        return total
    if not all(map(_is_safe, values)) or not all(map(_has_safe_factors, terms)):
        return None
    return None if _is_close(value, total, sum(map(abs, values)), len(values) * largest) else total


def _long_misfit(value: float, values: Array, largest: float) -> float | None:
    """The same for a long sum, whose terms are not made for it."""
    sizes = np.abs(values)
    if not (((sizes > SMALLEST) & (sizes < LARGEST)) | (sizes == 0)).all():
        return None
    total = values.sum().item()
    return None if _is_close(value, total, sizes.sum().item(), len(values) * largest) else total


def _is_close(value: float, total: float, sizes: float, largest: float) -> bool:
    return abs(total - value) <= CLOSE * sizes + CLOSE_TO_LARGEST * largest


def _is_safe(number: float) -> bool:
    return number == 0 or SMALLEST < abs(number) < LARGEST


def _has_safe_factors(term: Term) -> bool:
    numbers = (each for factor in term.factors for each in (factor.value, factor.argument or 0.0))
    return all(map(_is_safe, numbers))


class Functions:
    """The activation and its derivative, applied to single numbers once more."""

    def __init__(self, problem: Problem, is_exact: bool) -> None:
        self.problem = problem
        self.is_exact = is_exact
        self._activation = make_activation(problem.activation, problem.slope_at_zero)

    def value(self, z: float, found: float) -> float:
        """f(z): the number found, unless it is another one."""
        return self._settled(found, z, lambda numbers, out: self._activation.value(numbers, out), "value")

    def slope(self, z: float, a: float, found: float) -> float:
        """f′(z), where a is f(z): the number found, unless it is another one."""
        return self._settled(
            found, z, lambda numbers, out: self._activation.slope(numbers, np.array([float(a)]), out), "slope"
        )

    def _settled(self, found: float, z: float, apply: Callable[[Array, Array], None], name: str) -> float:
        if self.is_exact:
            from convstep.exact.functions import activation_of

            return cast(float, getattr(activation_of(self.problem), name)(Fraction(z)))
        out = np.empty(1)
        with np.errstate(all="ignore"):
            apply(np.array([float(z)]), out)
        right = out.item()
        if not _is_safe(z) or not math.isfinite(right):
            return found
        return found if abs(right - found) <= CLOSE * abs(right) + CLOSE_FUNCTION else right
