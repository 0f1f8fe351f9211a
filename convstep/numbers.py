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
LONGEST_EXACT = 20
"""A fraction of more characters is shown by its first digits where there is no room for all."""
SMALL_PLACES = 4
"""A number with more zeros than this behind its point is written with an exponent."""
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
    """The number to so many significant digits, trailing zeros dropped; a fraction exactly, however long it is.

    A float within 4 ulp of a short decimal is that decimal; whole numbers have no point; −0 is 0.

    >>> [show(value).text for value in (0.1 + 0.2, 3.0, -0.0, 2 / 3, 9.056640156747772e-13, 1234567.0, 1e20)]
    ['0.3', '3', '0', '0.666667', '9.05664e-13', '1234567', '1e20']
    """
    if not isinstance(value, (float, int)):
        return Shown(_shortest_exact(value))
    if not math.isfinite(value):
        return Shown(str(float(value)).replace("nan", "not a number").replace("inf", "∞"))
    if value == int(value) and abs(value) < 10 ** max(WHOLE_DIGITS, digits):
        return Shown(str(int(value)))
    short = float(f"{value:.{SHORT_DECIMAL}g}")
    meant = short if abs(short - value) <= 4 * math.ulp(value) else value
    text = f"{meant:.{min(digits, SHORT_DECIMAL) if meant == short else digits}g}"
    return Shown(_tidy(text), float(text) != meant)


def short(value: float, digits: int = DIGITS) -> str:
    """`brief`, where it does not matter whether digits were left out.

    >>> short(0.29179606750063)
    '0.291796'
    """
    return brief(value, digits).text


def brief(value: float, digits: int = DIGITS, longest: int = LONGEST_EXACT) -> Shown:
    """`show`, but of a fraction that takes more characters than there may be only the first digits, with … behind them.

    >>> from fractions import Fraction
    >>> brief(Fraction(2, 3)).text, brief(Fraction(2 * 10**20, 3 * 10**20 + 1)).text, brief(-Fraction(10**30 + 1)).text
    ('2/3', '0.666666…', '-1.00000…e30')
    """
    shown = show(value, digits)
    if isinstance(value, (float, int)) or len(shown.text) <= longest:
        return shown
    return Shown(_first_digits(value, digits), rounded=True)


def _shortest_exact(value: Any) -> str:
    """A fraction p/q as a finite decimal, or as p/q if that is shorter.

    >>> from fractions import Fraction
    >>> [_shortest_exact(Fraction(n, d)) for n, d in ((1, 2), (1, 8), (-2, 3), (3, 10), (1, 10**12), (10**9, 1))]
    ['0.5', '1/8', '-2/3', '0.3', '1e-12', '1e9']
    """
    if value.denominator == 1:
        return _whole(value.numerator)
    quotient = f"{_digits(value.numerator)}/{_digits(value.denominator)}"
    decimal = _finite_decimal(value.numerator, value.denominator, len(quotient))
    return quotient if decimal is None or len(quotient) < len(decimal) else decimal


def _digits(number: int) -> str:
    """A whole number in full; Python's own `str` refuses more than 4300 digits."""
    if number.bit_length() < 14_000:
        return str(number)
    from decimal import Decimal

    return f"{Decimal(number):f}"


def _whole(number: int) -> str:
    """A whole number; one of many digits with an exponent if that is shorter."""
    text, sign = _digits(abs(number)), "-" if number < 0 else ""
    if len(text) <= WHOLE_DIGITS:
        return sign + text
    return sign + min(text, f"{_pointed(text.rstrip('0'))}e{len(text) - 1}", key=len)


def _finite_decimal(numerator: int, denominator: int, longest: int) -> str | None:
    """numerator/denominator with a point, if it has an end and few digits; a very small one with an exponent."""
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    bits = numerator.bit_length() - denominator.bit_length() + places * math.log2(10)
    if rest != 1 or bits * math.log10(2) > longest + 1:
        return None
    scaled = abs(numerator) * 10**places // denominator
    sign, digits = "-" if numerator < 0 else "", _digits(scaled)
    if places - len(digits) >= SMALL_PLACES:
        return f"{sign}{_pointed(digits)}e{len(digits) - 1 - places}"
    digits = digits.zfill(places + 1)
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _pointed(digits: str) -> str:
    """Digits with the point behind the first."""
    return f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits


def _first_digits(value: Any, digits: int) -> str:
    """The first significant digits of a fraction, cut and not rounded, and … for the rest."""
    numerator, denominator = abs(value.numerator), value.denominator
    exponent = len(_digits(numerator)) - len(_digits(denominator))
    if numerator * 10 ** max(-exponent, 0) < denominator * 10 ** max(exponent, 0):
        exponent -= 1
    places = digits - 1 - exponent
    cut = str(numerator * 10 ** max(places, 0) // (denominator * 10 ** max(-places, 0)))
    sign = "-" if value.numerator < 0 else ""
    if exponent >= digits or exponent < -SMALL_PLACES:
        return f"{sign}{_pointed(cut)}…e{exponent}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{cut}…"
    return f"{sign}{cut[: exponent + 1]}.{cut[exponent + 1 :]}…"


def _tidy(text: str) -> str:
    """An exponent without its plus and its zeros: 1e+20 → 1e20, 1e-05 → 1e-5."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def align(texts: Sequence[str]) -> list[str]:
    """The texts of one column, padded to one width with their points below each other.

    >>> align(["1.5", "-20", "3.25", "1/3"])
    ['  1.5 ', '-20   ', '  3.25', '  1/3 ']
    """
    parts = [_at_point(text) for text in texts]
    left = max((len(whole) for whole, _ in parts), default=0)
    right = max((len(rest) for _, rest in parts), default=0)
    return [whole.rjust(left) + rest.ljust(right) for whole, rest in parts]


def _at_point(text: str) -> tuple[str, str]:
    """What stands before the point (or the stroke of a fraction, the exponent, or the end), and the rest."""
    cut = next((index for index, character in enumerate(text) if character in "./e"), len(text))
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

    Whole floats below 10¹⁶ have no point, −0 is 0, and what is not finite is null. Fractions are text, "1/3", but for
    whole numbers.

    >>> exact([[1.0, -0.0], [0.1, 1e22]])
    '[[1, 0], [0.1, 1e+22]]'
    >>> exact(float("inf"))
    'null'
    """
    if isinstance(value, WrittenNumber):
        return value.json
    if not isinstance(value, (list, float, int)):
        return _fractions(value)
    text = repr(value) if isinstance(value, list) else f"{float(value)!r}]"
    text = text.replace(".0,", ",").replace(".0]", "]").replace("-0,", "0,").replace("-0]", "0]")
    if "Fraction" in text:
        return _fractions(value)
    if "n" in text:
        text = _NOT_FINITE.sub("null", text)
    return text if isinstance(value, list) else text[:-1]


def _fractions(value: Any) -> str:
    """Nested lists of fractions as JSON.

    >>> from fractions import Fraction
    >>> _fractions([[Fraction(1, 3), Fraction(-2)]])
    '[["1/3", -2]]'
    """
    if isinstance(value, list):
        return f"[{', '.join(map(_fractions, value))}]"
    numerator = _digits(value.numerator)
    return numerator if value.denominator == 1 else f'"{numerator}/{_digits(value.denominator)}"'
