"""How long fractions have become: each iteration multiplies their denominators."""

from __future__ import annotations

import math
from collections.abc import Iterable

from convstep.trace import Step


def digits_of(number: int) -> int:
    """How many decimal digits a whole number has; of 0 one.

    >>> [digits_of(number) for number in (0, 9, 10, -999, 10**50 - 1, 10**50)]
    [1, 1, 2, 3, 50, 51]
    """
    size = abs(number)
    least = int((size.bit_length() - 1) * math.log10(2)) if size else 0
    return least + (2 if size >= 10 ** (least + 1) else 1)


def longest(numbers: Iterable[object]) -> int:
    """The digits of the longest numerator or denominator of some fractions."""
    most = 0
    for number in numbers:
        most = max(most, abs(number.numerator), number.denominator)  # type: ignore[attr-defined]
    return digits_of(most)


def longest_of(step: Step) -> int:
    """The digits of the longest numerator or denominator of an exact iteration."""
    return max(longest(step.array(name).reshape(-1)) for name in step)
