"""YAML text to plain data, and each way in which it is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.problem.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a: 1e-3\nb: '1e-3'\nc: yes\n", {"a": 0.001, "b": "1e-3", "c": "yes"}),
        ("- [1, -2.5]\n- {a: ~, b: true}\n", [[1, -2.5], {"a": None, "b": True}]),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("1: a\nnull: b\n", {"1": "a", "null": "b"}),
        ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
        ("a: &x 5\nb: [*x, *x]\n", {"a": 5, "b": [5, 5]}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        (
            "a: !!str 1\nb: !!float 1\nc: !!int '7'\nd: !!null ''\ne: !!bool true\n",
            {"a": "1", "b": 1.0, "c": 7, "d": None, "e": True},
        ),
        ("a: !!seq [1]\nb: !!map {c: 1}\n!!str d: ! 5\n", {"a": [1], "b": {"c": 1}, "d": "5"}),
        ("<<: {a: 1}\n", {"<<": {"a": 1}}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("a: 1\r\nb: [2,\r\n 3]\r\n", {"a": 1, "b": [2, 3]}),
    ],
)
def test_what_yaml_means(text: str, value: Any) -> None:
    assert read_yaml(text) == value


NO_TAG = "is not allowed here; a problem is made of numbers, text, lists and mappings"
COLON = 'BAD: a ": " where none can stand; put text in quotes, and a space behind every colon'
UNFIT = "BAD: this line does not fit the lines above; mend the indentation, or close what is open"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: a: duplicate key; it stands above already"),
        ("a: {b: 1, b: 2}\n", "1:11: a.b: duplicate key; it stands above already"),
        ("a: [0, {b: 1, 'b': 2}]\n", "1:15: a[1].b: duplicate key; it stands above already"),
        ("a: !!python/name:os.system x\n", f"1:4: a: the tag !!python/name:os.system {NO_TAG}"),
        ("a: [!!set {b}]\n", f"1:5: a[0]: the tag !!set {NO_TAG}"),
        ("a: !!timestamp 2024-01-01\n", f"1:4: a: the tag !!timestamp {NO_TAG}"),
        ("a: !foo 1\n", f"1:4: a: the tag !foo {NO_TAG}"),
        ("a: !!int 1.5\n", '1:4: a: !!int cannot be text "1.5"'),
        ("a: !!bool yes\n", '1:4: a: !!bool cannot be text "yes"'),
        ("a: !!seq 1\n", f"1:4: a: the tag !!seq {NO_TAG}"),
        ("!!int 1: a\n", "1:1: expected a key without a tag, found !!int"),
        ("a: *b\n", "1:4: a: *b stands for nothing: there is no &b above"),
        ("a: &b [1, *b]\n", "1:11: a[1]: *b stands inside of what it stands for"),
        ("? [1]\n: 2\n", "1:3: expected text as a key, found a list or mapping"),
        ("a: &x b\n*x : 2\n", "2:1: expected text as a key, found an alias"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; a file holds one problem"),
        ("[" * 101 + "]" * 101, "1:101: nested more than 100 deep"),
        ("a: [1, 2\nb: 3\n", "2:2: BAD: expected , or ] in the list that begins on line 1"),
        ("a: [1 2}\n", "1:8: BAD: expected , or ] in the list"),
        ("a: {b: 1\n", "2:1: BAD: expected , or } in the mapping that begins on line 1"),
        (
            "a: 1\n b: 2\n",
            f"2:3: {COLON}",
        ),
        ("a: [1]\n b: 2\n", f"2:2: {UNFIT}"),
        ("- [1]\n- [2]\n  - [3]\n", '3:3: BAD: expected "- " as on the lines above; mend the indentation'),
        ("a: [1]\nb [2]\n", '2:1: BAD: expected "key: value", and found no ": " (the space counts)'),
        (
            "a: b: c\n",
            f"1:5: {COLON}",
        ),
        ("a: - 1\n", '1:4: BAD: a "- " where none can stand; begin the list on a line of its own'),
        ("a:\n\t- 1\n", "2:1: BAD: a tab cannot indent; use spaces"),
        ("a: @b\n", "1:4: BAD: no value can begin with @; put the text in quotes"),
        ("a: 'b\n\n", "1:4: BAD: the quotes that open here are never closed"),
        (
            'a: "x\n---\n',
            "1:4: BAD: the quotes that open here are not closed before a line of --- or ...",
        ),
        (
            'a: "\\q"\n',
            r"1:5: BAD: unknown escape after \; in quotes of the kind '…' the sign means itself",
        ),
        ("a: 1\nb: é\x01\n", r"2:5: BAD: the character \x01 is not allowed"),
        ("a: \udc80", "not text: it holds half of a surrogate pair"),
    ],
)
def test_every_refusal(text: str, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_yaml(text)
    assert str(caught.value) == error.replace("BAD:", "not readable as YAML:")


def test_values_are_counted_with_aliases_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "YAML_VALUES", 9)
    assert read_yaml("a: &a [1, 1]\nb: [*a]\n") == {"a": [1, 1], "b": [[1, 1]]}
    with pytest.raises(ProblemError) as caught:
        read_yaml("a: &a [1, 1]\nb: [*a, *a]\n")
    message = "2:11: more than 9 values, aliases expanded; put large matrices into a .npy file and give its name"
    assert str(caught.value) == message


def test_without_libyaml_the_same_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert read_yaml("a: [1e-3, yes]\n") == {"a": [0.001, "yes"]}
    with pytest.raises(ProblemError) as caught:
        read_yaml("a: [1, 2\nb: 3\n")
    assert str(caught.value) == "2:2: not readable as YAML: expected , or ] in the list that begins on line 1"
