"""JSON text to plain data, and each way in which it is refused."""

from __future__ import annotations

import math

import pytest

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.problem.json_text import read_json


def test_what_json_means() -> None:
    assert read_json(' {"a": [1, -2.5e3, true, null, "\\ud83d\\ude00\\/"]} \n') == {
        "a": [1, -2500.0, True, None, "😀/"]
    }


def test_numbers_beyond_floats_are_left_to_the_checks() -> None:
    assert read_json("[1e999, -Infinity]") == [math.inf, -math.inf]
    assert read_json(f"[{'9' * 5000}, -{'9' * 5000}, 7]") == [math.inf, -math.inf, 7]


END = "expected a comma or the end of the list or mapping"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"a": 1,}', "1:8: BAD: a comma with nothing behind it; take it away"),
        ('{"a": [1,\n 2 , \n]}', "2:4: BAD: a comma with nothing behind it; take it away"),
        ('{"a": 1', f"1:8: BAD: {END}, found the end of the text"),
        ('{"a": [1 2]}', f"1:10: BAD: {END}, found 2"),
        ('{"a": }', "1:7: BAD: expected a value, found }"),
        ('{"a" 1}', "1:6: BAD: expected a colon after the key, found 1"),
        (
            "{'a': 1}",
            "1:2: BAD: expected a key in double quotes, as in \"input\", found ' (JSON's quotes are double)",
        ),
        ("# a\n{}", "1:1: BAD: expected a value, found # (JSON has no comments, YAML has)"),
        ("[.5]", "1:2: BAD: expected a value, found . (a number begins with a digit, as in 0.5)"),
        ("[+5]", "1:2: BAD: expected a value, found + (a positive number has no sign)"),
        ('["a]', "1:2: BAD: the text in quotes that begins here has no end"),
        (
            '["a\nb"]',
            r"1:4: BAD: the control character \n inside of quotes; write it as \n, \t or \u0000",
        ),
        (r'["\q"]', r"1:3: BAD: unknown escape after \; write \\ for the sign itself"),
        ("{} {}", "1:4: BAD: the text goes on after the end, with {}"),
        ("", "1:1: BAD: expected a value, found the end of the text"),
        ('{"a": 1,\n "a": 2}', "2:2: a: duplicate key; it stands above already"),
        ('{"b": [0, {"a": 1, "\\u0061": 2}]}', "1:20: b[1].a: duplicate key; it stands above already"),
        ("[" * 100_000, "nested too deeply, more than 100 lists in each other"),
    ],
)
def test_every_refusal(text: str, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(text)
    assert str(caught.value) == error.replace("BAD:", "not readable as JSON:")


@pytest.mark.parametrize(
    ("limit", "text", "error"),
    [
        (
            "CONTAINERS",
            "[[],[],[]]",
            "more than 3 lists and keys; put large matrices into a .npy file and give its name",
        ),
        ("JSON_VALUES", "[1,2,3,4,5]", "more than 3 values; put large matrices into a .npy file and give its name"),
    ],
)
def test_texts_that_would_swell_are_refused(monkeypatch: pytest.MonkeyPatch, limit: str, text: str, error: str) -> None:
    monkeypatch.setattr(limits, limit, 3)
    with pytest.raises(ProblemError) as caught:
        read_json(text)
    assert str(caught.value) == error
