"""Traces explained: what they hold is believed, what they lack is computed."""

from __future__ import annotations

import json
import re

import pytest
from program import answer

QUESTION = ("run", "--sample", "question")
FORMATS = ("json", "jsonl")


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    """Nothing that was run elsewhere is remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def body(page: str) -> str:
    return page[page.index("\n── ") :]


@pytest.fixture
def forbid_computing(monkeypatch):
    """Whoever computes an iteration now fails."""

    def refuse(*arguments):
        raise AssertionError("it is computed again")

    monkeypatch.setattr("convstep.descent.descend", refuse)


@pytest.mark.parametrize("form", FORMATS)
def test_run_piped_into_explain(call, form):
    _, trace, _ = call(*QUESTION, "--format", form)
    code, out, err = answer("explain", "-", "--iter", "2", given=trace)
    assert (code, err) == (0, "")
    assert out.startswith("<stdin> · The filter that would not learn\n")
    assert body(out) == body(call("explain", "--sample", "question", "--iter", "2")[1])


@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_is_believed(call, tmp_path, form):
    """An edited number stands as it is there, behind what its terms give."""
    _, trace, _ = call(*QUESTION, "--format", form)
    edited, count = re.subn(r'("delta": \[\[)2', r"\g<1>7", trace, count=1)
    assert count == 1
    (tmp_path / f"trace.{form}").write_text(edited, encoding="utf-8")
    _, out, _ = call("explain", f"trace.{form}", "--cell", "delta[0,0]")
    assert "delta[0,0] = output_gradient[0,0]·activation_slope[0,0] = 2·1 = 2, but the trace has 7" in " ".join(
        out.split()
    )
    assert "The trace's numbers do not fit together" in out
    _, out, _ = call("explain", f"trace.{form}", "--cell", "delta[0,0]", "--lr", "0.5")
    assert "= 2·1 = 2\n" in out
    assert "fit together" not in out


@pytest.mark.parametrize("width", ["40", "80"])
def test_an_edited_trace_never_gets_a_false_equation(call, tmp_path, width):
    document = json.loads(call(*QUESTION, "--format", "json")[1])
    document["iterations"][0]["delta"] = [[9, 9], [9, 9]]
    (tmp_path / "t.json").write_text(json.dumps(document), encoding="utf-8")
    _, out, _ = call("explain", "t.json", "--cell", "filter_gradient[0,0]", "--width", width)
    assert "= 9·1 + 9·(−1) + 9·0 + 9·1 = 9, but the trace has 2 The" in " ".join(out.split())
    assert "≈" not in out
    _, out, _ = call("explain", "t.json", "--cell", "input_gradient[0,0]", "--width", width)
    assert out.count("but the trace has") == 2
    cell = json.loads(call("explain", "t.json", "--cell", "filter_gradient[0,0]", "--format", "json")[1])["cells"][0]
    assert (cell["value"], cell["terms_give"]) == (2, 9)


def test_a_number_edited_in_its_last_digits_is_shown_with_them(call, tmp_path):
    document = json.loads(call("run", "--sample", "sigmoid", "--format", "json")[1])
    document["iterations"][0]["loss"] *= 1.00001
    (tmp_path / "t.json").write_text(json.dumps(document), encoding="utf-8")
    _, out, _ = call("explain", "t.json", "--cell", "loss", "--digits", "3")
    ours, theirs = re.search(r"[=≈] (\S+), but\s+the trace has (\S+)", out).groups()
    assert ours != theirs


@pytest.mark.parametrize("wanted", ["1", "2", "3,7-9", "1,last", "last"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_a_trace_holds_is_not_computed(call, tmp_path, request, wanted, optimizer):
    settings = ("--set", f"optimizer={optimizer}", "--iters", "12")
    (tmp_path / "trace.json").write_text(call(*QUESTION, *settings, "--format", "json")[1], encoding="utf-8")
    fresh = call("explain", "--sample", "question", *settings, "--iter", wanted)[1]
    request.getfixturevalue("forbid_computing")
    code, out, err = call("explain", "trace.json", "--iter", wanted)
    assert (code, err) == (0, "")
    assert body(out) == body(fresh)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("narrow", "wanted"),
    [(("--iter", "2,3"), "1"), (("--iter", "1"), "1,last"), (("--show", "delta"), "2"),
     (("--show", "loss", "--iter", "2"), "2"), (("--iter", "2"), "3")],
)  # fmt: skip
def test_what_a_partial_trace_lacks_is_computed(call, tmp_path, form, narrow, wanted):
    (tmp_path / f"part.{form}").write_text(call(*QUESTION, *narrow, "--format", form)[1], encoding="utf-8")
    code, out, err = call("explain", f"part.{form}", "--iter", wanted)
    assert (code, err) == (0, "")
    assert body(out) == body(call("explain", "--sample", "question", "--iter", wanted)[1])


def test_state_whose_iteration_before_is_missing_is_computed(call, tmp_path):
    settings = ("--set", "optimizer=adam")
    (tmp_path / "part.json").write_text(call(*QUESTION, *settings, "--iter", "5", "--format", "json")[1], "utf-8")
    ask = ("--iter", "5", "--cell", "filter_momentum[0,0]")
    assert body(call("explain", "part.json", *ask)[1]) == body(
        call("explain", "--sample", "question", *settings, *ask)[1]
    )


def test_a_trace_without_the_state_is_computed(call, tmp_path):
    """All that plain descent needs is there, and the optimizer's state is not."""
    settings = ("--set", "optimizer=adam", "--iters", "3")
    names = "filter,pre_activation,output,error,loss,output_gradient,activation_slope,delta,filter_gradient," \
            "input_gradient,filter_update,new_filter"  # fmt: skip
    (tmp_path / "part.json").write_text(call(*QUESTION, *settings, "--show", names, "--format", "json")[1], "utf-8")
    ask = ("--iter", "2", "--cell", "filter_momentum[0,0]")
    assert body(call("explain", "part.json", *ask)[1]) == body(
        call("explain", "--sample", "question", *settings, *ask)[1]
    )


def test_what_a_partial_trace_holds_is_not_computed(call, tmp_path, request):
    (tmp_path / "part.json").write_text(call(*QUESTION, "--iter", "2,5", "--format", "json")[1], encoding="utf-8")
    request.getfixturevalue("forbid_computing")
    assert call("explain", "part.json", "--iter", "2,5")[0] == 0


def test_iterations_that_a_trace_does_not_reach(call, tmp_path):
    (tmp_path / "trace.json").write_text(call(*QUESTION, "--format", "json")[1], encoding="utf-8")
    (tmp_path / "part.json").write_text(call(*QUESTION, "--iter", "1", "--format", "json")[1], encoding="utf-8")
    message = "convstep: iteration 36 was not reached: there are only 35 iterations\n"
    for name in ("trace.json", "part.json"):
        assert call("explain", name, "--iter", "1,36") == (2, "", message)
        assert call("explain", name, "--iter", "36,last") == (2, "", message)


def test_a_last_run_that_was_a_trace(call, tmp_path, request):
    (tmp_path / "trace.json").write_text(call(*QUESTION, "--format", "json")[1], encoding="utf-8")
    call("run", "trace.json", "--quiet")
    request.getfixturevalue("forbid_computing")
    code, out, err = call("explain", "--iter", "last")
    assert (code, err) == (0, "")
    assert out.startswith("trace.json, the last run here · ")


def test_json_of_a_trace_is_json_of_the_run(call, tmp_path):
    (tmp_path / "trace.json").write_text(call(*QUESTION, "--format", "json")[1], encoding="utf-8")
    ask = ("--iter", "3", "--format", "json")
    assert call("explain", "trace.json", *ask) == call("explain", "--sample", "question", *ask)
    assert json.loads(call("explain", "trace.json", *ask)[1])["iteration"] == 3
