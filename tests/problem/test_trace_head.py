"""Traces in the place of problem files: only their beginning is read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from convstep.errors import ProblemError
from convstep.problem import limits, trace_head
from convstep.problem.load import load
from convstep.problem.reader import read_source

PROBLEM = {"input": [[1, 2]], "filter": [[1]]}
HEAD: dict[str, Any] = {"format": "convstep-trace", "version": 1}
LINE = {"type": "problem", **HEAD, "problem": PROBLEM}
ITERATIONS = [{"iteration": i, "filter": [[0.5]], "text": "é}]"} for i in range(10_000)]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def whole(**more: Any) -> str:
    return json.dumps({**HEAD, **more, "problem": PROBLEM, "iterations": ITERATIONS, "result": {}}, ensure_ascii=False)


def lines() -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in (LINE, *ITERATIONS))


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t", "t.yaml"])
@pytest.mark.parametrize("text", [whole(), whole(partial=True), lines(), json.dumps(LINE), "\ufeff \n" + whole()])
def test_the_problem_of_a_trace(name: str, text: str) -> None:
    Path(name).write_text(text)
    source = read_source(name)
    assert source.data == PROBLEM
    assert (source.is_trace, source.is_json, source.prefix) == (True, True, ("problem",))


@pytest.mark.parametrize("text", [whole(), lines()])
def test_from_standard_input_the_text_is_kept_to_its_end(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    source = read_source("-")
    assert source.data == PROBLEM
    assert source.text == text


def test_of_a_file_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.json").write_text(whole())
    monkeypatch.setattr(limits, "TEXT_BYTES", 1000)
    assert len(read_source("t.json").text.encode()) == trace_head.FIRST_BYTES
    assert read_source("t.json").data == PROBLEM


def test_a_problem_longer_than_the_first_piece() -> None:
    problem = {"input": [[0.125] * 100_000], "filter": [["é"]]}
    Path("t.json").write_text(json.dumps({**HEAD, "problem": problem, "iterations": [1] * 100_000}, ensure_ascii=False))
    assert read_source("t.json").data == problem


def test_a_trace_whose_keys_were_put_into_another_order() -> None:
    Path("t.json").write_text(json.dumps({**HEAD, "iterations": ITERATIONS, "problem": PROBLEM}, sort_keys=True))
    assert read_source("t.json").data == PROBLEM
    Path("t.json").write_text(json.dumps({"problem": PROBLEM, "iterations": ITERATIONS, **HEAD}))
    assert read_source("t.json").data == PROBLEM
    assert read_source("t.json").is_trace


def test_the_document_of_a_trace_as_a_mapping() -> None:
    assert load({**HEAD, "problem": PROBLEM}).output_shape == (1, 2)


END = "expected a comma or the end of the list or mapping"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            json.dumps({**HEAD, "version": 2, "problem": {}}),
            "1:41: version: a trace of version 2; this convstep reads version 1",
        ),
        (
            '{"format": "convstep-trace", "problem": {}}',
            "1:1: version: a trace of version nothing; this convstep reads version 1",
        ),
        (
            json.dumps({**HEAD, "version": True, "problem": {}}),
            "1:41: version: a trace of version true; this convstep reads version 1",
        ),
        (json.dumps({**HEAD, "problem": []}), "1:55: problem: expected a mapping, found an empty list"),
        (json.dumps(HEAD), "1:1: problem: expected a mapping, found nothing"),
        (json.dumps(LINE)[:-4], f"1:107: not readable as JSON: {END}, found the end of the text"),
        (
            json.dumps({**HEAD, "problem": {**PROBLEM, "stride": 0}}),
            "1:102: stride: expected an integer of at least 1 or [rows, columns], found 0",
        ),
        (
            json.dumps({**HEAD, "problem": {"input": [[1]]}}),
            "1:55: filter: missing; a problem needs an input and a filter",
        ),
        (
            '{"format": "convstep-reasons"}',
            "1:12: format: a convstep-reasons document holds no problem; expected a problem file or a trace",
        ),
        (json.dumps(HEAD)[:-1] + ', "problem": ' + "[" * 5000, "nested too deeply, more than 100 lists in each other"),
        (
            json.dumps(HEAD)[:-1] + ', "problem": {"a": 1, "a": 2}}',
            "1:64: problem.a: duplicate key; it stands above already",
        ),
    ],
)
def test_every_refusal(text: str, error: str) -> None:
    Path("t.json").write_text(text)
    with pytest.raises(ProblemError) as caught:
        load("t.json")
    assert str(caught.value) == f"t.json:{'' if error[0].isdigit() else ' '}{error}"


def test_a_trace_whose_problem_comes_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEXT_BYTES", 100_000)
    Path("t.json").write_text(json.dumps({**HEAD, "iterations": ITERATIONS, "problem": PROBLEM}))
    with pytest.raises(ProblemError, match=r"^t.json: a trace whose problem is not within its first 64 MiB$"):
        read_source("t.json")


def test_a_trace_in_another_encoding() -> None:
    Path("t.json").write_bytes(json.dumps(HEAD)[:-1].encode() + b', "problem": {"title": "\xe9"}}')
    with pytest.raises(ProblemError, match=r"^t.json: a trace that is not UTF-8 text$"):
        read_source("t.json")
