"""Where things stand, in JSON and in YAML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstep.errors import Path
from convstep.problem.locate import locate

YAML = """\
# a comment
title: 'it''s: [here]'
stop:
  loss: 1
  iterations: 5
input: &x [[1, 2],
  [3, "é", 5]]
filter: *x
"a\\u202eb": {c: [0, {d: 1}]}
"""

JSON = """\
{"title": "it's \\"[here]\\" \\ud83d\\udE00",
\t"stop" : {"loss": 1, "iterations": 5},
 "input": [[1, 2],
  [3, "é", 5]], "a\\u202eb": {"c": [0, {"d": 1}]}}
"""


@pytest.mark.parametrize(
    ("path", "at_key", "in_yaml", "in_json"),
    [
        ((), False, (2, 1), (1, 1)),
        (("title",), False, (2, 8), (1, 11)),
        (("title",), True, (2, 1), (1, 2)),
        (("stop",), False, (4, 3), (2, 11)),
        (("stop", "iterations"), False, (5, 15), (2, 37)),
        (("stop", "iterations"), True, (5, 3), (2, 23)),
        (("input",), False, (6, 8), (3, 11)),
        (("input", 0, 1), False, (6, 16), (3, 16)),
        (("input", 1, 2), False, (7, 12), (4, 12)),
        (("a\u202eb", "c", 1, "d"), False, (9, 25), (4, 45)),
        (("a\\u202eb", "c", 1, "d"), True, (9, 22), (4, 40)),
        (("stop", "missing"), False, (4, 3), (2, 11)),
        (("missing",), False, (2, 1), (1, 1)),
        (("input", 7), False, (6, 8), (3, 11)),
        (("input", "key"), True, (6, 8), (3, 11)),
        (("title", 0), False, (2, 8), (1, 11)),
    ],
)
def test_places(path: Path, at_key: bool, in_yaml: tuple[int, int], in_json: tuple[int, int]) -> None:
    assert locate(YAML, path, at_key=at_key) == in_yaml
    assert locate(JSON, path, at_key=at_key, is_json=True) == in_json


def test_behind_an_alias_the_place_is_the_alias() -> None:
    assert locate(YAML, ("filter", 1, 1)) == (8, 9)


def test_the_beginning_of_a_text_is_enough() -> None:
    assert locate('{"a": [1, 2', ("a", 1), is_json=True) == (1, 11)
    assert locate('{"a": [1, 2', ("b",), is_json=True) == (1, 1)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.none(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES, st.data())
def test_what_stands_at_a_place_in_json_is_the_value_of_the_path(document: Any, data: st.DataObject) -> None:
    text = json.dumps(document, indent=data.draw(st.sampled_from([None, 1])))
    path, value = [], document
    while isinstance(value, (list, dict)) and value and data.draw(st.booleans()):
        keys = range(len(value)) if isinstance(value, list) else sorted(value)
        step = data.draw(st.sampled_from(keys))
        path.append(step)
        value = value[step]
    place = locate(text, tuple(path), is_json=True)
    assert place is not None
    rest = "\n".join(text.split("\n")[place[0] - 1 :])[place[1] - 1 :]
    assert json.JSONDecoder().raw_decode(rest)[0] == value
