"""How numbers are written: short for people, exact for programs."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.numbers import Shown, align, brief, cell_text, exact, listing, short, show
from convstep.problem.model import MOST_DIGITS

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text", "rounded"),
    [
        (0.0, "0", False),
        (-0.0, "0", False),
        (3.0, "3", False),
        (-2.0, "-2", False),
        (0.5, "0.5", False),
        (0.1 + 0.2, "0.3", False),
        (-(0.1 + 0.2), "-0.3", False),
        (1.1 * 3, "3.3", False),
        (0.25 * 3, "0.75", False),
        (123456.5, "123456", True),
        (123457.5, "123458", True),
        (0.123456, "0.123456", False),
        (0.1234567, "0.123457", True),
        (2 / 3, "0.666667", True),
        (1 / 3, "0.333333", True),
        (999999.9, "1e6", True),
        (1234567.0, "1234567", False),
        (999999999.0, "999999999", False),
        (-999999999.0, "-999999999", False),
        (1234567891.0, "1.23457e9", True),
        (1e9, "1e9", False),
        (1e20, "1e20", False),
        (-1e20, "-1e20", False),
        (1e-5, "1e-5", False),
        (0.0001, "0.0001", False),
        (1.5e-7, "1.5e-7", False),
        (9.056640156747772e-13, "9.05664e-13", True),
        (5e-324, "4.94066e-324", False),
        (1.7976931348623157e308, "1.79769e308", True),
        (math.inf, "∞", False),
        (-math.inf, "-∞", False),
        (math.nan, "not a number", False),
    ],
)
def test_six_digits(value: float, text: str, rounded: bool) -> None:
    assert show(value) == Shown(text, rounded)
    assert short(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text", "rounded"),
    [
        (2 / 3, 1, "0.7", True),
        (2 / 3, 3, "0.667", True),
        (2 / 3, 12, "0.666666666667", True),
        (2 / 3, 17, "0.66666666666666663", False),
        (0.1 + 0.2, 17, "0.3", False),
        (0.3, 17, "0.3", False),
        (-1.1, 16, "-1.1", False),
        (12.5, 2, "12", True),
        (12.0, 1, "12", False),
        (1234567891.0, 10, "1234567891", False),
        (12345678912345.0, 6, "1.23457e13", True),
        (12345678912345.0, 14, "12345678912345", False),
    ],
)
def test_other_digits(value: float, digits: int, text: str, rounded: bool) -> None:
    assert show(value, digits) == Shown(text, rounded)
    assert short(value, digits) == text


@pytest.mark.parametrize("decimal", [0.3, 0.7, 1.1, 123.456, 1e-7])
def test_four_ulp_and_no_more(decimal: float) -> None:
    near, far = decimal, decimal
    for _ in range(4):
        near = np.nextafter(near, math.inf)
    for _ in range(6):
        far = np.nextafter(far, math.inf)
    assert show(float(near)) == show(decimal)
    assert not show(decimal).rounded
    assert show(float(far)).rounded


@given(FINITE, st.integers(1, 17))
def test_what_is_shown_reads_back_near(value: float, digits: int) -> None:
    shown = show(value, digits)
    read = float(shown.text)
    assert math.isinf(read) or abs(read - value) <= 0.51 * 10 ** (1 - digits) * abs(value) + 4 * math.ulp(value)
    assert shown.rounded or abs(read - value) <= 4 * math.ulp(value)
    assert "e+" not in shown.text
    assert "e-0" not in shown.text
    assert shown.text != "-0"


@given(st.integers(-999_999_999, 999_999_999))
def test_whole_numbers_are_whole(value: int) -> None:
    assert show(float(value)) == Shown(str(value), False)


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ([], []),
        (["1"], ["1"]),
        (["1", "-20"], ["  1", "-20"]),
        (["1.5", "-20", "3.25"], ["  1.5 ", "-20   ", "  3.25"]),
        (["1e-5", "0.25"], ["1e-5", "0.25"]),
        (["12e20", "0.5"], ["12e20", " 0.5 "]),
        (["∞", "-1.5"], [" ∞  ", "-1.5"]),
    ],
)
def test_align(texts: list[str], lines: list[str]) -> None:
    assert align(texts) == lines


@given(st.lists(FINITE.map(lambda value: short(value)), max_size=6))
def test_aligned_columns(texts: list[str]) -> None:
    lines = align(texts)
    assert [line.strip() for line in lines] == texts
    assert len({len(line) for line in lines}) <= 1
    assert len({line.index(".") for line in lines if "." in line.split("e")[0]}) <= 1


def test_listing() -> None:
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b"]) == "a and b"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(iter("abc"), last="or") == "a, b or c"


def test_cell_text() -> None:
    assert cell_text(()) == "[]"
    assert cell_text((0,)) == "[0]"
    assert cell_text(np.array([1, 0, 12])) == "[1,0,12]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (-2.0, "-2"),
        (-0.0, "0"),
        (0.0, "0"),
        (0.5, "0.5"),
        (10.0, "10"),
        (-10.0, "-10"),
        (100.0, "100"),
        (1.05, "1.05"),
        (0.30000000000000004, "0.30000000000000004"),
        (9.056640156747772e-13, "9.056640156747772e-13"),
        (1e-05, "1e-05"),
        (9007199254740993.0, "9007199254740992"),
        (9999999999999998.0, "9999999999999998"),
        (1e16, "1e+16"),
        (1e22, "1e+22"),
        (math.inf, "null"),
        (-math.inf, "null"),
        (math.nan, "null"),
        (7, "7"),
        ([], "[]"),
        ([[]], "[[]]"),
        ([1.0, -0.0, 10.0, -10.0], "[1, 0, 10, -10]"),
        ([-0.0], "[0]"),
        ([-10.0, -0.0, -20.0], "[-10, 0, -20]"),
        ([[1.0, 0.1], [1e22, -1e-10]], "[[1, 0.1], [1e+22, -1e-10]]"),
        ([[1e-10, 2.0]], "[[1e-10, 2]]"),
        ([math.inf, -math.inf, math.nan, 1.0], "[null, null, null, 1]"),
    ],
)
def test_exact(value: object, text: str) -> None:
    assert exact(value) == text


@given(st.lists(st.lists(FINITE, max_size=4), max_size=4))
def test_exact_reads_back_to_the_same_bits(rows: list[list[float]]) -> None:
    text = exact(rows)
    for row, numbers in zip(json.loads(text), rows, strict=True):
        assert [float(number) for number in row] == numbers
    written = text.replace("[", "").replace("]", "").split(", ")
    assert not any(number == "-0" or number.endswith(".0") for number in written)


@given(st.floats())
def test_exact_follows_the_rule_for_each_number(value: float) -> None:
    text = exact([value])[1:-1]
    assert text == exact(value)
    if not math.isfinite(value):
        assert text == "null"
    elif value == int(value) and abs(value) < 1e16:
        assert text == str(int(value))
    else:
        assert text == repr(value)


# Fractions


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        ("0", "0"),
        ("-3", "-3"),
        ("1/2", "0.5"),  # as long as 1/2
        ("1/4", "1/4"),  # shorter than 0.25
        ("-9/10", "-0.9"),
        ("1/3", "1/3"),
        ("123/1000", "0.123"),
        ("1/1000", "0.001"),
        ("1/100000", "1e-5"),
        ("-125/10000000", "-1.25e-5"),
        ("1000000000", "1e9"),
        ("123456789012", "123456789012"),
        ("-1200000000000", "-1.2e12"),
    ],
)
def test_a_fraction_is_shown_exactly_and_as_short_as_can_be(fraction, text):
    assert show(Fraction(fraction)) == Shown(text)


@examples(500)
@given(st.fractions(), st.integers(0, 60), st.integers(0, 60), st.integers(1, 12))
def test_any_fraction_reads_back_or_is_cut(drawn, twos, fives, digits):
    for value in (drawn, Fraction(drawn.numerator, 2**twos * 5**fives), drawn * 10**twos):
        text = show(value).text
        assert Fraction(text) == value
        assert len(text) <= len(str(value))
        assert Fraction(json.loads(exact(value))) == value
        cut = brief(value, digits)
        if not cut.rounded:
            assert cut.text == text
            continue
        mantissa, dots, exponent = cut.text.partition("…")
        assert dots
        assert len(text) > 20
        shown = Fraction(mantissa + exponent)
        assert 0 <= abs(value) - abs(shown) < abs(value) / 10 ** (digits - 1)
        assert shown * value >= 0
        assert sum(each.isdigit() for each in mantissa.lstrip("-0.")) == digits


def test_the_longest_fractions_allowed_are_written():
    longest = 10**MOST_DIGITS - 1
    for value in (
        Fraction(longest, longest - 1),
        Fraction(1, 2**4650),
        Fraction(longest, 10**1399),
        Fraction(10**1399),
    ):
        assert Fraction(show(value).text) == value
        assert len(brief(value).text) < 20


def test_fractions_longer_than_python_spells_are_written_too():
    value = Fraction(10**9000 + 1, 10**5000 + 3)
    for text in (show(value).text, exact(value).strip('"')):
        assert text == f"1{'0' * 8999}1/1{'0' * 4998}03"[: len(text)]
        assert len(text) == 9001 + 1 + 5001
    assert brief(value).text == "9.99999…e3999"
    assert exact(Fraction(10**9000)) == "1" + "0" * 9000


def test_json_of_fractions():
    assert exact([[Fraction(1, 3), Fraction(-4)], [Fraction(0), Fraction(10**20)]]) == (
        '[["1/3", -4], [0, 100000000000000000000]]'
    )
    assert exact(Fraction(-1, 10)) == '"-1/10"'
