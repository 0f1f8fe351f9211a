"""Numbers keep the text that a learner wrote: in every notation, and only in attempts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convstep.numbers import WrittenNumber, exact
from convstep.problem.reader import read_source

PROBLEM = "input: [[1, 2]]\nfilter: [[0.50]]\ntarget: [[1, 1]]\nlearning_rate: 0.10\n"


def texts(value: Any) -> Any:
    """The same data with the text of each number that has kept one."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return f"<{value.text}>" if isinstance(value, WrittenNumber) else value


def read(tmp_path: Path, text: str, name: str = "file.yaml") -> Any:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_source(str(path), attempts=True).data


@pytest.mark.parametrize("written", ["0.50", "-0.50", "+.5", "5e-1", "5.0E-1", "-.25", "2.", "1.000"])
def test_yaml_keeps_every_notation(tmp_path: Path, written: str) -> None:
    data = read(tmp_path, f"error: [[{written}, 1], [0, null]]\n")
    assert texts(data) == {"error": [[f"<{written}>", 1], [0, None]]}
    assert data["error"][0][0] == float(written)


@pytest.mark.parametrize("written", ["0.50", "-0.50", "5e-1", "5.0E-1", "1.000"])
def test_json_keeps_every_notation(tmp_path: Path, written: str) -> None:
    assert texts(read(tmp_path, f'{{"error": [[{written}, 1]]}}', "file.json")) == {"error": [[f"<{written}>", 1]]}


def test_only_attempts_keep_their_texts(tmp_path: Path) -> None:
    data = read(tmp_path, PROBLEM + "attempt:\n  iteration: 1\n  error: [[0.50, 1.0]]\n")
    assert texts(data)["attempt"] == {"iteration": 1, "error": [["<0.50>", "<1.0>"]]}
    assert texts({key: value for key, value in data.items() if key != "attempt"}) == {
        "input": [[1, 2]],
        "filter": [[0.5]],
        "target": [[1, 1]],
        "learning_rate": 0.1,
    }


def test_lists_and_aliases(tmp_path: Path) -> None:
    text = "- error: &first [[0.50, 1.0]]\n- {iteration: 2, error: *first}\n"
    data = read(tmp_path, text)["attempt"]
    assert texts(data[0]) == {"error": [["<0.50>", "<1.0>"]]}
    assert data[1]["error"] == [[0.5, 1.0]]
    assert texts(read(tmp_path, "attempt:\n" + text))["attempt"][0] == {"error": [["<0.50>", "<1.0>"]]}


def test_text_stays_text(tmp_path: Path) -> None:
    assert texts(read(tmp_path, 'error: [["1/3", "0.50"]]\n')) == {"error": [["1/3", "0.50"]]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.50", "0.50"), ("+.50", "0.50"), ("-.5", "-0.5"), (" 1.0 ", "1.0"), ("1e-3", "1e-3"), ("2.", '"2."'),
        ("+2.", '"2."'), ("-2.e1", '"-2.e1"'), ("1.50E+2", "1.50E+2"),
    ],
)  # fmt: skip
def test_json_of_a_written_number_reads_back_to_its_digits(text: str, expected: str) -> None:
    written = exact(WrittenNumber(float(text), text))
    assert written == expected
    assert float(json.loads(written)) == float(text)
    decimals = len(text.strip().lower().partition("e")[0].partition(".")[2])
    assert len(written.strip('"').lower().partition("e")[0].partition(".")[2]) == decimals
