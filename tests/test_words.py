"""Names of values and shapes in messages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convstep.words import counted, either, nearest, quoted, spelled_shape, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ∂L/∂w and 日本", "plain text, ∂L/∂w and 日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202eabc\u2066\u200e\u061c", "\\u202eabc\\u2066\\u200e\\u061c"),
        ("\u2028\x85\x00\x7f", "\\u2028\\x85\\x00\\x7f"),
        ("\udc80", "\\udc80"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 40 + "…"),
        ("", ""),
    ],
)
def test_text_is_shown_short_and_harmless(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        ("", "empty text"),
        ("a\x1b", 'text "a\\x1b"'),
        (3, "3"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "a number past 1.8e308"),
        (-math.inf, "a number past -1.8e308"),
        (10**400, "a number past 1.8e308"),
        pytest.param(-(10**9999), "a number past -1.8e308", id="9999 digits"),
        (10**60, "1" + "0" * 39 + "…"),
        ([1], "a list"),
        ((), "an empty list"),
        ({1: 2}, "a mapping"),
        ({}, "an empty mapping"),
        (b"", "a value of type bytes"),
        (np.float64(0.5), "0.5"),
    ],
)
def test_values_have_names(value: object, name: str) -> None:
    assert quoted(value) == name


def test_a_mistyped_name_finds_its_neighbour_whatever_its_spelling() -> None:
    assert nearest("Learning-Rate", ["loss", "learning_rate"]) == "learning_rate"
    assert nearest("x" * 10_000_000, ["loss"]) is None


def test_small_words() -> None:
    assert spelled_shape((2, 3, 4)) == "2×3×4"
    assert counted(0, "row") == "0 rows"
    assert either(["a"]) == "a"
