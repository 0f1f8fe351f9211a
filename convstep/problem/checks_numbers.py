"""Single numbers, flags and words: is it one, and is it in its range?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

from convstep.errors import Path, ProblemError
from convstep.geometry import Pair
from convstep.words import either, quoted

FRACTION = re.compile(r"\s*([-+]?[0-9]+)\s*/\s*([0-9]+)\s*")
DECIMAL = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")
COMMA = re.compile(r"\s*[-+]?[0-9]*,[0-9]+\s*")
POINT = "; decimals are written with a point, as in 0.5"

LONGEST_NUMBER = 4000
"""How many characters the text of a number may have: Python reads integers of up to 4300 digits."""

LARGEST_STEP = 10**9
"""The largest stride, dilation or padding: far beyond every array, and safe in NumPy's own arithmetic."""

LARGEST_COUNT = 2**63 - 1
"""The largest number of iterations."""


def number(value: Any, path: Path, expected: str = "a number") -> float:
    """A finite number; text that spells a fraction or a decimal number is one.

    >>> number("1/3", ()), number(2, ())
    (0.3333333333333333, 2.0)
    """
    if isinstance(value, float) and math.isfinite(value):  # nearly all there is; asking for a Real is slow
        return float(value) + 0.0  # −0 becomes 0
    if isinstance(value, str):
        return _spelled(value, path, expected)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    return result + 0.0


def _spelled(text: str, path: Path, expected: str) -> float:
    """The number that a text spells."""
    if len(text) < LONGEST_NUMBER:
        if DECIMAL.fullmatch(text):
            return number(float(text), path, expected)
        fraction = FRACTION.fullmatch(text)
        if fraction:
            return _quotient(int(fraction[1]), int(fraction[2]), path, expected)
    hint = POINT if COMMA.fullmatch(text) and "integer" not in expected else ""
    raise ProblemError(f"expected {expected}, found {quoted(text)}{hint}", path)


def _quotient(numerator: int, denominator: int, path: Path, expected: str) -> float:
    if denominator == 0:
        raise ProblemError(f"expected {expected}, found a fraction whose denominator is 0", path)
    try:
        return numerator / denominator + 0.0
    except OverflowError:
        return number(numerator, path, expected)


def in_range(
    value: Any,
    path: Path,
    *,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    most: float | None = None,
    others: str = "",
) -> float:
    """A number between bounds, those named `above` and `below` excluded; `others` is what else it may be."""
    expected = _range_words(least, above, below, most) + others
    result = number(value, path, expected)
    if (
        (least is not None and result < least)
        or (most is not None and result > most)
        or (above is not None and result <= above)
        or (below is not None and result >= below)
    ):
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    return result


def _range_words(least: float | None, above: float | None, below: float | None, most: float | None) -> str:
    words = "a number"
    if above is not None:
        words = "a positive number" if above == 0 else f"{words} above {above:g}"
    if least is not None:
        words += f" of at least {least:g}" if most is None and below is None else f" from {least:g}"
    if most is not None:
        words += f" to {most:g}"
    return words + (f" to less than {below:g}" if below is not None else "")


def integer(value: Any, path: Path, least: int, most: int = LARGEST_STEP, others: str = "") -> int:
    """An integer between bounds; 2.0 is one."""
    expected = f"an integer of at least {least}{others}"
    exact = value if isinstance(value, int) and not isinstance(value, bool) else number(value, path, expected)
    result = int(exact)
    if result != exact or result < least:
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    if result > most:
        raise ProblemError(f"expected at most {most}, found {quoted(value)}", path)
    return result


def pair(value: Any, path: Path, least: int, others: str = "") -> Pair:
    """One integer for both directions, or [rows, columns]."""
    if not is_list(value):
        one = integer(value, path, least, others=others or " or [rows, columns]")
        return one, one
    if len(value) != 2:
        raise ProblemError(f"expected two integers, [rows, columns], found a list of {len(value)}", path)
    return integer(value[0], (*path, 0), least), integer(value[1], (*path, 1), least)


def is_list(value: Any) -> bool:
    """Whether the value is a list, and not text."""
    if isinstance(value, (list, float, int, str, bytes)):  # nearly all there is; asking for a Sequence is slow
        return isinstance(value, list)
    return isinstance(value, Sequence)


def flag(value: Any, path: Path) -> bool:
    """True or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise ProblemError(f"expected true or false, found {quoted(value)}", path)
    return value


def word(value: Any, path: Path, words: Sequence[str]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in words:
        raise ProblemError(f"expected {either(words)}, found {quoted(value)}", path)
    return value
