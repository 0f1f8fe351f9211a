"""The one place that writes a number: short for people, exact for programs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

DIGITS = 6
"""How many significant digits people are shown if they do not ask for another number."""
SHORT_DECIMAL = 12
"""A decimal of at most so many digits is a short one: what a float near it was meant to be."""
WHOLE_DIGITS = 9
"""Up to how many digits a whole number is written out."""
_NOT_FINITE = re.compile(r"-?inf|nan")


class WrittenNumber(float):
    """A float with the text that a person wrote: 0.50 says that two decimals are meant.

    Attributes:
        text: As it stands in the file.

    >>> half = WrittenNumber(0.5, "+.50")
    >>> half + 1, exact(half)
    (1.5, '0.50')
    """

    text: str

    def __new__(cls, value: float, text: str) -> WrittenNumber:
        result = super().__new__(cls, value)
        result.text = text
        return result

    @property
    def json(self) -> str:
        """The text as JSON spells it: digits on both sides of a point, and no plus.

        JSON has no number that ends with its point; such a one becomes text, so that its digits stay what they are.
        """
        text = re.sub(r"^(-?)\.", r"\g<1>0.", self.text.strip().lstrip("+"))
        return f'"{text}"' if re.search(r"\.(?!\d)", text) else text


class Shown(NamedTuple):
    """A number as people are shown it.

    Attributes:
        text: The characters, ``-`` for minus.
        rounded: Whether digits were left out.
    """

    text: str
    rounded: bool = False


def show(value: float, digits: int = DIGITS) -> Shown:
    """The number to so many significant digits, trailing zeros dropped.

    A float within 4 ulp of a short decimal is that decimal; whole numbers have no point; −0 is 0.

    >>> [show(value).text for value in (0.1 + 0.2, 3.0, -0.0, 2 / 3, 9.056640156747772e-13, 1234567.0, 1e20)]
    ['0.3', '3', '0', '0.666667', '9.05664e-13', '1234567', '1e20']
    """
    if not math.isfinite(value):
        return Shown(str(float(value)).replace("nan", "not a number").replace("inf", "∞"))
    if value == int(value) and abs(value) < 10 ** max(WHOLE_DIGITS, digits):
        return Shown(str(int(value)))
    short = float(f"{value:.{SHORT_DECIMAL}g}")
    meant = short if abs(short - value) <= 4 * math.ulp(value) else value
    text = f"{meant:.{min(digits, SHORT_DECIMAL) if meant == short else digits}g}"
    return Shown(_tidy(text), float(text) != meant)


def short(value: float, digits: int = DIGITS) -> str:
    """`show`, where it does not matter whether digits were left out.

    >>> short(0.29179606750063)
    '0.291796'
    """
    return show(value, digits).text


def _tidy(text: str) -> str:
    """An exponent without its plus and its zeros: 1e+20 → 1e20, 1e-05 → 1e-5."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def align(texts: Sequence[str]) -> list[str]:
    """The texts of one column, padded to one width with their points below each other.

    >>> align(["1.5", "-20", "3.25"])
    ['  1.5 ', '-20   ', '  3.25']
    """
    parts = [_at_point(text) for text in texts]
    left = max((len(whole) for whole, _ in parts), default=0)
    right = max((len(rest) for _, rest in parts), default=0)
    return [whole.rjust(left) + rest.ljust(right) for whole, rest in parts]


def _at_point(text: str) -> tuple[str, str]:
    """What stands before the point (or the exponent, or the end), and the rest."""
    cut = next((index for index, character in enumerate(text) if character in ".e"), len(text))
    return text[:cut], text[cut:]


def listing(items: Iterable[str], last: str = "and") -> str:
    """Items in a sentence.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    *head, tail = list(items) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def cell_text(index: Iterable[int]) -> str:
    """A cell's index as everywhere: [row,column], counted from 0.

    >>> cell_text((1, 0))
    '[1,0]'
    """
    return f"[{','.join(str(int(part)) for part in index)}]"


def exact(value: Any) -> str:
    """Nested lists of numbers as JSON, in the shortest digits that read back to the same values.

    Whole floats below 10¹⁶ have no point, −0 is 0, and what is not finite is null.

    >>> exact([[1.0, -0.0], [0.1, 1e22]])
    '[[1, 0], [0.1, 1e+22]]'
    >>> exact(float("inf"))
    'null'
    """
    if isinstance(value, WrittenNumber):
        return value.json
    text = repr(value) if isinstance(value, list) else f"{float(value)!r}]"
    text = text.replace(".0,", ",").replace(".0]", "]").replace("-0,", "0,").replace("-0]", "0]")
    if "n" in text:
        text = _NOT_FINITE.sub("null", text)
    return text if isinstance(value, list) else text[:-1]
