"""A sum as one does it with a pencil: symbolic = substituted = result."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from convstep.derivation.model import Cell, Factor, Term, values_of
from convstep.numbers import cell_text, show
from convstep.render.arithmetic import exact_value

MOST_TERMS = 36
"""Longer sums are shown without their middle."""
FIRST_TERMS, LAST_TERMS = 6, 3
MORE_DIGITS = (3, 6)
"""How many digits more are tried until the shown terms add up to the shown total."""
MOST_DIGITS = 17
"""No float has more."""


class Side(NamedTuple):
    """One side of an equation: its terms, each with the sign that joins it to those before."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """On one line."""
        return " ".join(self.parts)


class Equation(NamedTuple):
    """A cell's derivation in words.

    Attributes:
        head: The cell's name.
        sides: What stands between the equals signs.
        relations: The sign before each side: ``=``, or ``≈`` where = would be false.
        rounded: Whether digits of a number were left out.
        contradicted: Whether the trace has another number than the terms give.
    """

    head: str
    sides: tuple[Side, ...]
    relations: tuple[str, ...]
    rounded: bool = False
    contradicted: bool = False


def label(name: str, cell: Sequence[int]) -> str:
    """A cell by its name.

    >>> label("delta", (0, 1)), label("loss", ())
    ('delta[0,1]', 'loss')
    """
    return f"{name}{cell_text(cell)}" if len(cell) else name


def minus(text: str) -> str:
    """A number with a real minus sign."""
    return text.replace("-", "−")


class Shortened(NamedTuple):
    """A sum without its middle.

    Attributes:
        first, last: The terms that are shown.
        left_out: How many are not, and …
        subtotal: … what they add up to.
    """

    first: Sequence[Term]
    last: Sequence[Term] = ()
    left_out: int = 0
    subtotal: float = 0.0

    @property
    def shown(self) -> Sequence[Term]:
        """All terms that are shown."""
        return [*self.first, *self.last] if self.left_out else self.first

    @property
    def total(self) -> float:
        """What a reader would get who adds up from left to right, in floats."""
        values = [term.value for term in self.first]
        values += [self.subtotal, *(term.value for term in self.last)] if self.left_out else []
        return sum(values)


def shortened(terms: Sequence[Term], all_terms: bool = False) -> Shortened:
    """The sum as it is shown."""
    if all_terms or len(terms) <= MOST_TERMS:
        return Shortened(terms)
    end = len(terms) - LAST_TERMS
    subtotal = sum(values_of(terms)[FIRST_TERMS:end])
    return Shortened(terms[:FIRST_TERMS], terms[end:], end - FIRST_TERMS, subtotal)


def equation_of(cell: Cell, digits: int, *, all_terms: bool = False) -> Equation:
    """A cell's derivation, with as many digits as it needs to add up, if a few more do."""
    terms = shortened(cell.terms, all_terms)
    if cell.terms_give is not None:
        return _contradicted(cell, terms.total, digits, all_terms)
    tried = _digits_needed(cell, terms, digits)
    relation = _relation(cell.value, terms, tried)
    symbolic = Side(_joined(terms, _symbols, f"+ ({terms.left_out} more terms)"))
    subtotal = minus(show(terms.subtotal, tried).text)
    substituted = Side(
        _joined(terms, lambda term: _numbers(term, tried), f"+ ({terms.left_out} more terms: {subtotal})")
    )
    sides, relations = [symbolic, substituted], ["=", "="]
    expanded, certain = _expanded(cell, tried)
    if expanded not in ("", substituted.text):
        sides.append(Side((expanded,)))
        relations.append("=" if certain else "≈")
    total = minus(show(cell.value, tried).text)
    if sides[-1].text != total or relation != "=":
        sides.append(Side((total,)))
        relations.append(relation)
    if symbolic.text == substituted.text:
        del sides[0], relations[0]
    return Equation(label(cell.name, cell.cell), tuple(sides), tuple(relations), _is_rounded(cell.value, terms, tried))


def _contradicted(cell: Cell, total: float, digits: int, all_terms: bool) -> Equation:
    """The equation of what the terms give, and behind it what the trace has in its place."""
    apart = (tried for tried in range(digits, MOST_DIGITS) if show(total, tried).text != show(cell.value, tried).text)
    digits = next(apart, MOST_DIGITS)
    equation = equation_of(cell._replace(value=total, terms_give=None), digits, all_terms=all_terms)
    *sides, result = equation.sides
    parts = (*result.parts[:-1], f"{result.parts[-1]},", f"but the trace has {minus(show(cell.value, digits).text)}")
    return equation._replace(sides=(*sides, Side(parts)), contradicted=True)


def _digits_needed(cell: Cell, terms: Shortened, digits: int) -> int:
    """The digits asked for, or those few more with which = is true, or with which a formula comes near its value."""
    choices = [digits, *(wider for more in MORE_DIGITS if (wider := min(digits + more, MOST_DIGITS)) > digits)]
    exact = (choice for choice in choices if _relation(cell.value, terms, choice) == "=")
    near = (choice for choice in choices if _comes_near(cell, choice, digits))
    return next(exact, None) or next(near, digits)


def _comes_near(cell: Cell, tried: int, digits: int) -> bool:
    """Whether a formula with rounded numbers does not cancel them to something else: 1 − 0.999965² is not 0."""
    found = exact_value(_expanded(cell, tried)[0])
    if found is None or not isinstance(cell.value, (float, int)):
        return True
    return abs(float(found) - cell.value) <= abs(cell.value) * 10.0 ** (2 - digits)


def _joined(terms: Shortened, text: Callable[[Term], str], middle: str) -> tuple[str, ...]:
    """The terms with their signs, and in one piece what stands for those left out."""
    parts: list[str] = []
    for position, term in enumerate(terms.shown):
        if terms.left_out and position == len(terms.first):
            parts.append(middle)
        sign, written = _sign(term), text(term)
        if parts:
            parts.append(f"{'−' if sign < 0 else '+'} {_guarded(written)}")
        else:
            parts.append(f"−{_guarded(written)}" if sign < 0 else written)
    return tuple(parts)


def _sign(term: Term) -> int:
    """−1 where the term begins with a minus sign."""
    first = term.factors[0]
    return -1 if first.value == -1 and not first.name and not first.symbol else 1


def _guarded(text: str) -> str:
    """A negative number behind a sign stands in parentheses."""
    return f"({text})" if text.startswith("−") else text


def _is_quotient(text: str) -> bool:
    """Whether a number is written as p/q, which stands in parentheses inside of a calculation."""
    return "/" in text and text.replace("−", "").replace("/", "", 1).isdigit()


def _plain_factors(term: Term) -> tuple[Factor, ...]:
    return term.factors[1:] if _sign(term) < 0 else term.factors


def _symbols(term: Term) -> str:
    """A term in names."""
    return _product(_plain_factors(term), _symbol)


def _numbers(term: Term, digits: int) -> str:
    """A term in numbers."""
    factors = _plain_factors(term)
    alone = len(factors) == 1

    def number(factor: Factor) -> str:
        text = _number(factor, digits)
        return text if alone else _guarded(f"({text})" if _is_quotient(text) and not _is_fraction(factor) else text)

    return _product(factors, number)


def _product(factors: Sequence[Factor], text: Callable[[Factor], str]) -> str:
    """The factors with dots between them, the same factor twice as a square."""
    parts: list[str] = []
    for position, factor in enumerate(factors):
        if position and factor == factors[position - 1]:
            parts[-1] += "²"
        else:
            parts.append(text(factor))
    return "·".join(parts)


def _symbol(factor: Factor) -> str:
    if not factor.name:
        return factor.symbol
    if factor.padding:
        return "padding" if factor.name == "input" else "0"
    name = label(factor.name, factor.cell)
    if factor.iteration is not None:
        name = f"previous {name}"
    return factor.function.format(name) if factor.function else name


def _number(factor: Factor, digits: int) -> str:
    """A factor with its number put in."""
    if _is_fraction(factor):
        return factor.symbol
    if factor.inline:
        return _formula(factor, digits)
    if factor.function and factor.argument is not None:
        return factor.function.format(minus(show(factor.argument, digits).text))
    return minus(show(factor.value, digits).text)


def _is_fraction(factor: Factor) -> bool:
    """Whether a constant is spelled exactly, ½ or 2/9."""
    return not factor.name and (
        factor.symbol == "½" or ("/" in factor.symbol and factor.symbol.replace("/", "").isdigit())
    )


def _expanded(cell: Cell, digits: int) -> tuple[str, bool]:
    """The formula of a function with its numbers put in, where it is more than a number.

    Returns:
        The text, and whether it is the function itself: not where a number in it has been rounded before.
    """
    if len(cell.terms) != 1 or len(cell.terms[0].factors) != 1:
        return "", True
    factor = cell.terms[0].factors[0]
    text = _formula(factor, digits)
    return "" if _is_bare(text) else text, not _has_rounded_letters(factor, digits)


def _is_bare(text: str) -> bool:
    """Whether nothing is left to calculate."""
    return text.replace("−", "").replace(".", "").isdigit() or _is_quotient(text)


def _has_rounded_letters(factor: Factor, digits: int) -> bool:
    """Whether a number in a formula, other than the one it is the function of, is shown with fewer digits."""
    between = [value for letter, value in factor.numbers if value != factor.argument and _uses(factor.formula, letter)]
    return any(show(value, digits).rounded for value in between)


def _formula(factor: Factor, digits: int) -> str:
    """The formula of a function with its numbers put in."""
    text = factor.formula
    for letter, value in sorted(factor.numbers, key=lambda pair: -len(pair[0])):
        if letter in text:
            text = _substituted(text, letter, minus(show(value, digits).text))
    return text


def _letter(letter: str) -> str:
    """A letter where it stands by itself, as a pattern."""
    return rf"(?<![A-Za-z_]){letter}(?![A-Za-z_(])"


def _uses(formula: str, letter: str) -> bool:
    return letter in formula and re.search(_letter(letter), formula) is not None


def _substituted(text: str, letter: str, number: str) -> str:
    """The formula with a number in place of a letter; a negative one in parentheses unless it stands alone."""

    def placed(found: re.Match[str]) -> str:
        before, after = text[: found.start()], text[found.end() :]
        alone = before[-1:] in ("", "(", "|") and after[:1] in ("", ")", ",", "|")
        return number if alone or not (number.startswith("−") or _is_quotient(number)) else f"({number})"

    return re.sub(_letter(letter), placed, text)


def _relation(value: float, terms: Shortened, digits: int) -> str:
    """``=`` if the shown terms give exactly the shown total, and the floats agree; else ``≈``."""
    if terms.total != value:
        return "≈"
    total = _shown_value(terms.subtotal, digits)
    for term in terms.shown:
        factors = [_factor_value(factor, digits) for factor in term.factors]
        if total is None or (None in factors and 0 not in factors):
            return "≈"
        if 0 not in factors:
            total += math.prod(factor for factor in factors if factor is not None)
    return "=" if total is not None and total == _shown_value(value, digits) else "≈"


def _shown_value(value: float, digits: int) -> Fraction | None:
    """A number as a reader sees it; nothing where it is not finite."""
    return Fraction(show(value, digits).text) if math.isfinite(value) else None


def _factor_value(factor: Factor, digits: int) -> Fraction | None:
    """What a reader would calculate with; nothing where a function's value is no fraction."""
    if _is_fraction(factor):
        return exact_value(factor.symbol)
    if not factor.formula:
        return _shown_value(factor.value, digits)
    text = _formula(factor, digits)
    hidden = _is_bare(text) and _has_rounded_letters(factor, digits)
    return None if hidden else exact_value(text)


def _is_rounded(value: float, terms: Shortened, digits: int) -> bool:
    """Whether digits of any shown number were left out."""
    numbers = [value, terms.subtotal]
    for term in terms.shown:
        for factor in term.factors:
            if not _is_fraction(factor):
                numbers.append(factor.value if factor.argument is None else factor.argument)
    return any(show(number, digits).rounded for number in numbers)
