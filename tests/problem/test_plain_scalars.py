"""YAML 1.2's core schema, value by value, beside what YAML 1.1 made of it."""

from __future__ import annotations

import math

import pytest

from convstep.problem.plain_scalars import plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1.5E+2", 150.0),
        ("1e999", math.inf),
        (".inf", math.inf),
        ("+.INF", math.inf),
        ("-.Inf", -math.inf),
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("FALSE", False),
        ("9" * 5000, math.inf),
        ("-" + "9" * 5000, -math.inf),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_nan() -> None:
    number = plain(".NaN")
    assert isinstance(number, float)
    assert math.isnan(number)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "No",
        "on",
        "1:30",
        "1_000",
        "2024-01-01",
        "nuLL",
        "tRue",
        "0o8",
        "0xg",
        "-0x1",
        "1e",
        ".",
        "-",
        "NaN",
        "=",
        "١",
    ],
)
def test_all_else_is_text(text: str) -> None:
    assert plain(text) == text
