"""What is varied: ``learning_rate=0.01:1:60``, ``log:0.001:1:40``, or a list of numbers or words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

from convstep.errors import Path, ProblemError, UsageError, spell
from convstep.problem.checks_numbers import number
from convstep.problem.overrides import KEY, parse, steps
from convstep.words import visible

MOST_VALUES = 100_000
"""How many values one key may take."""
EVEN_DIGITS = 14
"""Significant digits of the values of a logarithmic range: 0.01 stays 0.01."""
OPENING, CLOSING = "[{(", "]})"
EXAMPLES = "learning_rate=0.01:1:60, learning_rate=log:0.001:1:40 or activation=relu,tanh"


class Variation(NamedTuple):
    """A key and the values that it takes, one after the other.

    Attributes:
        key: The key, as in ``optimizer.sgd.momentum``.
        path: The same in steps.
        values: What it takes: numbers, or whatever a problem file may hold there.
        logarithmic: Whether the values are evenly spread on a logarithmic scale.
        setting: What the user wrote.
    """

    key: str
    path: Path
    values: tuple[Any, ...]
    logarithmic: bool = False
    setting: str = ""

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers that rise, or fall, from each to the next."""
        if not self.numeric or len(self.values) < 2:
            return False
        pairs = list(zip(self.values, self.values[1:], strict=False))
        return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def parse_variation(setting: str) -> Variation:
    """Reads what ``--vary`` is given.

    >>> parse_variation("learning_rate=0.1:0.5:5").values
    (0.1, 0.2, 0.3, 0.4, 0.5)
    >>> parse_variation("learning_rate=log:0.001:1:4").values
    (0.001, 0.01, 0.1, 1.0)
    >>> parse_variation("activation=relu,{leaky_relu: {slope: 0.1}}").values
    ('relu', {'leaky_relu': {'slope': 0.1}})

    Raises:
        UsageError: In one line what is wrong with it.
    """
    key, equals, text = setting.partition("=")
    key = key.strip()
    try:
        if not equals or not KEY.fullmatch(key):
            raise ProblemError(f"expected a key and its values, as in {EXAMPLES}")
        path = steps(key)
        logarithmic, ends = _range(text)
        if ends is not None:
            values: tuple[Any, ...] = _spread(ends, path, logarithmic)
        else:
            values = tuple(_value(key, part) for part in _split(text))
    except ProblemError as error:
        raise UsageError(f"--vary {visible(setting, longest=80)}: {error}") from None
    return Variation(spell(path), path, values, logarithmic, setting)


def _range(text: str) -> tuple[bool, list[str] | None]:
    """Whether a range is logarithmic, and its start, stop and count; nothing where the text is a list."""
    bare = text.strip()
    logarithmic = bare.startswith("log:")
    parts = bare.removeprefix("log:").split(":")
    if any(sign in bare for sign in OPENING + "'\"") or (len(parts) == 1 and not logarithmic):
        return False, None
    if len(parts) != 3:
        raise ProblemError(f"expected start:stop:count, or a list, as in {EXAMPLES}")
    return logarithmic, parts


def _spread(ends: list[str], path: Path, logarithmic: bool) -> tuple[float, ...]:
    """The values of a range, both ends included; linear ones as exact as if they were written out."""
    start, stop = (number(text.strip(), path) for text in ends[:2])
    count = _count(ends[2])
    if count == 1:
        return (start,)
    if logarithmic:
        if start <= 0 or stop <= 0:
            raise ProblemError("a logarithmic range needs a start and a stop above 0")
        inner = [start * (stop / start) ** (place / (count - 1)) for place in range(1, count - 1)]
        return (start, *(float(f"{value:.{EVEN_DIGITS}g}") for value in inner), stop)
    first, last = (Fraction(text.strip().replace(" ", "")) for text in ends[:2])
    return tuple(float(first + (last - first) * place / (count - 1)) for place in range(count))


def _count(text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,9}\s*", text) or not 1 <= int(text) <= MOST_VALUES:
        raise ProblemError(f"expected a count from 1 to {MOST_VALUES}, found {visible(text.strip()) or 'nothing'}")
    return int(text)


def _value(key: str, text: str) -> Any:
    """One value of a list; what spells a number is one."""
    if not text.strip():
        raise ProblemError(f"a value is missing, as in {EXAMPLES}")
    _, value = parse(f"{key}={text.strip()}")
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*/\s*\d+\s*", value):
        return number(value, ())
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _split(text: str) -> list[str]:
    """The parts between commas, but for commas in brackets.

    >>> _split("1, [2, 3], {a: {b: 1, c: 2}}")
    ['1', ' [2, 3]', ' {a: {b: 1, c: 2}}']
    """
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in OPENING) - (sign in CLOSING)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    if len(parts) > MOST_VALUES:
        raise ProblemError(f"at most {MOST_VALUES} values are possible")
    return parts
