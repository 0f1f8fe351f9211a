"""Traces go round: written, read back, and run again they are the same, byte for byte."""

from __future__ import annotations

import json
import re

import pytest
from program import NAMES, answer

FORMATS = ("json", "jsonl")


def trace_of(call, *arguments: str, form: str = "json") -> str:
    code, out, err = call("run", *arguments, "--format", form)
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_read_back_is_itself(call, tmp_path, name, form):
    text = trace_of(call, "--sample", name, form=form)
    (tmp_path / f"trace.{form}").write_text(text, encoding="utf-8")
    assert trace_of(call, f"trace.{form}", form=form) == text
    other = FORMATS[form == "json"]
    assert trace_of(call, f"trace.{form}", form=other) == trace_of(call, "--sample", name, form=other)


@pytest.mark.parametrize("name", NAMES)
def test_its_problem_fed_back_gives_the_same_trace(call, tmp_path, name):
    text = trace_of(call, "--sample", name)
    (tmp_path / "problem.json").write_text(json.dumps(json.loads(text)["problem"]), encoding="utf-8")
    assert trace_of(call, "problem.json") == text


@pytest.mark.parametrize("name", ["question", "channels", "textbook"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_is_shown_like_the_run(call, tmp_path, name, form):
    (tmp_path / f"trace.{form}").write_text(trace_of(call, "--sample", name, form=form), encoding="utf-8")
    _, run, _ = call("run", "--sample", name)
    _, shown, _ = call("run", f"trace.{form}")
    assert shown[shown.index("── Iteration") :] == run[run.index("── Iteration") :]


@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_through_standard_input(call, form):
    text = trace_of(call, "--sample", "momentum", form=form)
    assert answer("run", "-", "--format", form, given=text) == (0, text, "")


def test_a_document_and_its_lines_hold_the_same(call):
    for name in NAMES:
        document = json.loads(trace_of(call, "--sample", name))
        lines = [json.loads(line) for line in trace_of(call, "--sample", name, form="jsonl").splitlines()]
        kinds = [line.pop("type") for line in lines]
        assert kinds == ["problem", *["iteration"] * len(document["iterations"]), "result"]
        assert lines[1:-1] == document["iterations"]
        assert lines[-1] == document["result"]
        assert lines[0] == {key: document[key] for key in ("format", "version", "problem")}


@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_is_believed_not_computed_again(call, tmp_path, form):
    text = trace_of(call, "--sample", "textbook", form=form)
    changed, found = re.subn(r'(?<="filter_gradient": \[\[)[^,]+', "1234567", text)
    assert found == 1
    (tmp_path / f"trace.{form}").write_text(changed, encoding="utf-8")
    assert "1234567" in call("run", f"trace.{form}", "--iter", "1")[1]
    assert "1234567" not in call("run", f"trace.{form}", "--iter", "1", "--lr", "0.2")[1]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("narrow", [("--iter", "2,5"), ("--show", "delta")])
def test_a_partial_trace_is_run_again_to_be_shown_whole(call, tmp_path, form, narrow):
    (tmp_path / f"part.{form}").write_text(trace_of(call, "--sample", "question", *narrow, form=form), "utf-8")
    assert trace_of(call, f"part.{form}") == trace_of(call, "--sample", "question")


def test_a_setting_runs_the_problem_of_a_trace_again(call, tmp_path):
    (tmp_path / "trace.json").write_text(trace_of(call, "--sample", "question"), encoding="utf-8")
    assert trace_of(call, "trace.json", "--lr", "0.1") == trace_of(call, "--sample", "question", "--lr", "0.1")


def test_an_iteration_that_a_trace_does_not_hold(call, tmp_path):
    (tmp_path / "trace.json").write_text(trace_of(call, "--sample", "question"), encoding="utf-8")
    message = "convstep: iteration 36 was not reached: there are only 35 iterations\n"
    assert call("run", "trace.json", "--iter", "36") == (2, "", message)


def test_a_trace_that_was_cut_off_is_one_error(call, tmp_path):
    for form, place in (("json", "cut.json"), ("jsonl", "cut.jsonl:6")):
        text = trace_of(call, "--sample", "question", form=form)
        (tmp_path / f"cut.{form}").write_text(text[:3000], encoding="utf-8")
        code, _, err = call("run", f"cut.{form}")
        assert (code, err) == (2, f"convstep: {place}: the trace ends in the middle; run its problem again\n")


def test_a_trace_cut_inside_its_problem_is_one_error(call, tmp_path):
    for form in FORMATS:
        text = trace_of(call, "--sample", "question", form=form)
        (tmp_path / f"cut.{form}").write_text(text[:300], encoding="utf-8")
        code, out, err = call("run", f"cut.{form}")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"convstep: cut.{form}:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"iteration": 1', '"iteration": 0'),
        ('"iteration": 1', '"iteration": "one"'),
        ('"delta": [[2, 0]', '"delta": [[2, 0, 0]'),
        ('"delta": [[2, 0], [0, 0]]', '"delta": [[2]]'),
        ('"delta": [[2, 0]', '"delta": [["a", 0]'),
        ('"reason":', '"raison":'),
        ('"iterations": 35', '"iterations": "many"'),
        ('"type": "result"', '"type": "nonsense"'),
    ],
)
def test_a_line_that_convstep_did_not_write_is_one_error(call, tmp_path, old, new):
    text = trace_of(call, "--sample", "question", form="jsonl")
    assert old in text
    (tmp_path / "strange.jsonl").write_text(text.replace(old, new, 1), encoding="utf-8")
    code, _, err = call("run", "strange.jsonl", "--quiet")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("convstep: strange.jsonl")
