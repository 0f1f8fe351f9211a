"""What a word in YAML means when it stands without quotes: the core schema of YAML 1.2 (section 10.3.2)."""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][-+]?[0-9]+)?")
"""A decimal number; one of its groups takes part where it is no integer."""

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((sign + word for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
"""The words that mean something else than themselves."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar.

    >>> [plain(text) for text in ("1e-3", "-2", "0x1F", "1:30", "yes", "1_000", "~", "true")]
    [0.001, -2, 31, '1:30', 'yes', '1_000', None, True]
    """
    match = NUMBER.match(text)
    if match is None:
        return WORDS.get(text, text)
    if match.end() == len(text):
        return float(text) if match.lastindex else _decimal(text)
    number = as_integer(text)
    return text if number is None else number


def written(text: str) -> Scalar:
    """The value of an unquoted scalar, a decimal as the text that it is.

    >>> [written(text) for text in ("1e-3", "-2", "0.50", "yes", "true")]
    ['1e-3', -2, '0.50', 'yes', True]
    """
    value = plain(text)
    return text if isinstance(value, float) else value


def as_integer(text: str) -> int | float | None:
    """The integer that the text spells; infinity for one with more digits than Python reads (4300)."""
    match = NUMBER.fullmatch(text)
    if match:
        return None if match.lastindex else _decimal(text)
    if OCTAL.fullmatch(text):
        return int(text[2:], 8)
    return int(text[2:], 16) if HEXADECIMAL.fullmatch(text) else None


def _decimal(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def as_float(text: str) -> float | None:
    """The decimal number that the text spells, infinities and NaN included."""
    if NUMBER.fullmatch(text):
        return float(text)
    word = WORDS.get(text)
    return word if isinstance(word, float) else None
