"""A problem as a file: what is read back is the same problem, in YAML and in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.problem.document import to_document
from convstep.problem.json_text import read_json
from convstep.problem.yaml_text import read_yaml
from convstep.render.problem_file import json_text, quoted, yaml_text

TITLES = [
    "plain",
    "",
    "a: b # c",
    "'\"\\",
    "null",
    "1e3",
    "- x",
    "two\nlines",
    "\x00\x1b[2J\x7f\x85",
    "\u2028 😀 ‮",
]


@given(problem_documents(), st.sampled_from(TITLES))
@examples(100)
def test_what_is_written_is_read_back(document, title):
    problem = convstep.load(document | {"title": title})
    whole = to_document(problem)
    for text, read in ((yaml_text(problem, "A comment."), read_yaml), (json_text(problem), read_json)):
        assert to_document(convstep.load(read(text))) == whole


@given(st.text(max_size=20))
@examples(200)
def test_any_text_can_be_quoted(text):
    line = quoted(text)
    assert line.isprintable()
    assert read_yaml(f"title: {line}") == {"title": text}


def test_half_a_surrogate_pair_is_replaced():
    assert read_yaml(quoted("a\ud800b")) == "a\ufffdb"


@pytest.mark.parametrize("shape", ["matrix", "filters"])
def test_a_row_is_a_line(shape):
    filters = [[1, 2], [3, 4]] if shape == "matrix" else [[[[1, 2], [3, 4]]]]
    text = yaml_text(convstep.load({"input": [[1, 0.5], [1e-9, 1e20]], "filter": filters}))
    assert "input:\n  - [1, 0.5]\n  - [1e-09, 1e+20]\n" in text
    assert ("filter:\n  - [1, 2]\n  - [3, 4]\n" if shape == "matrix" else "filter:\n  - [[[1, 2], [3, 4]]]\n") in text


def test_json_is_json():
    document = json.loads(json_text(convstep.load({"input": [[1]], "filter": [[2]], "title": "ü"})))
    assert (document["title"], document["input"]) == ("ü", [[1]])
