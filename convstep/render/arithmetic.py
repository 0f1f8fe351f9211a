"""What a printed calculation gives, exactly: so that ``=`` stands only where it is true."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[−-]?\d+)?|[^\W\d]+|[½²√()|,^/·+−-])")
LARGEST_POWER = 100
"""Of higher powers the exact value is not worth its time."""

_KNOWN: Mapping[str, tuple[int, Fraction]] = {
    "exp": (0, Fraction(1)),
    "ln": (1, Fraction(0)),
    "tanh": (0, Fraction(0)),
    "σ": (0, Fraction(1, 2)),
    "Φ": (0, Fraction(1, 2)),
}
"""The one place where the function of a fraction is a fraction, and its value there."""
_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "max": max,
    "min": min,
    "sign": lambda value: Fraction((value > 0) - (value < 0)),
}


class _UnreadableError(Exception):
    """Nothing that can be worked out."""


Value = Fraction | None
"""A fraction, or nothing where a number is none."""


def exact_value(text: str) -> Value:
    """The value of a calculation as it is printed; ``None`` where it is no fraction.

    >>> exact_value("2·(−1) + ½·3²"), exact_value("max(−2, 0)"), exact_value("1 / (1 + exp(−0))")
    (Fraction(5, 2), Fraction(0, 1), Fraction(1, 2))
    >>> exact_value("exp(1)") is exact_value("√2") is None, exact_value("0·exp(1)")
    (True, Fraction(0, 1))
    """
    try:
        return _Reader(text).whole()
    except _UnreadableError:
        return None


class _Reader:
    """Reads a calculation from left to right."""

    def __init__(self, text: str) -> None:
        text = text.strip()
        self._tokens: list[str] = []
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise _UnreadableError
            self._tokens.append(found[1].replace("-", "−"))
            place = found.end()
        self._tokens.append("")
        self._place = 0

    def whole(self) -> Value:
        value = self._sum()
        if self._now:
            raise _UnreadableError
        return value

    @property
    def _now(self) -> str:
        return self._tokens[self._place]

    def _take(self, *signs: str) -> str:
        """The next token, if it is one of these; else nothing."""
        token = self._now
        if token not in signs or not token:
            return ""
        self._place += 1
        return token

    def _sum(self) -> Value:
        value = self._product()
        while sign := self._take("+", "−"):
            other = self._product()
            if value is None or other is None:
                value = None
            else:
                value += other if sign == "+" else -other
        return value

    def _product(self) -> Value:
        if self._take("−"):
            value = self._product()
            return None if value is None else -value
        value = self._power()
        while sign := self._take("·", "/"):
            other = self._power()
            if sign == "/":
                other = _inverse(other)
            if value == 0 or other == 0:  # whatever the other is
                value = Fraction(0)
            else:
                value = None if value is None or other is None else value * other
        return value

    def _power(self) -> Value:
        value = self._atom()
        if self._take("²"):
            return None if value is None else value * value
        if self._take("^"):
            exponent = self._atom()
            if value is None or exponent is None or exponent.denominator != 1 or not 0 <= exponent <= LARGEST_POWER:
                return None
            return value ** int(exponent)
        return value

    def _atom(self) -> Value:
        if self._take("½"):
            return Fraction(1, 2)
        if self._take("√"):
            return _root(self._atom())
        if self._take("("):
            return self._until(")")[0]
        if self._take("|"):
            value = self._until("|")[0]
            return None if value is None else abs(value)
        token = self._now
        if not token:
            raise _UnreadableError
        self._place += 1
        if token[:1].isdigit():
            return Fraction(token.replace("−", "-"))
        if self._take("("):
            return _applied(token, self._until(")"))
        raise _UnreadableError

    def _until(self, closing: str) -> list[Value]:
        values = [self._sum()]
        while self._take(","):
            values.append(self._sum())
        if not self._take(closing):
            raise _UnreadableError
        return values


def _inverse(value: Value) -> Value:
    if value == 0:
        raise _UnreadableError
    return None if value is None else 1 / value


def _root(value: Value) -> Value:
    if value is None or value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


def _applied(name: str, values: list[Value]) -> Value:
    if name in _FUNCTIONS:
        known = [value for value in values if value is not None]
        return _FUNCTIONS[name](*known) if len(known) == len(values) else None
    place, value = _KNOWN.get(name, (0, Fraction(0)))
    return value if name in _KNOWN and values == [place] else None
