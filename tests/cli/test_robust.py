"""What fuzzing has found, each once by itself."""

from __future__ import annotations

import ast
import json

import pytest
from program import ROOT, answer, environment

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.problem.load import load
from convstep.render.terminal import ASCII

OBEYED = "\x1b[31m\u202ex\u200b"
DEFUSED = "\\x1b[31m\\u202ex\\u200b"


@pytest.mark.parametrize(
    "arguments",
    [(OBEYED,), ("run", "a", OBEYED), ("run", "--format", OBEYED), ("run", "--digits", OBEYED), ("run", f"--{OBEYED}")],
)
def test_a_complaint_about_a_word_is_harmless(arguments):
    code, out, err = answer(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert DEFUSED in err
    assert OBEYED not in err


def test_a_complaint_about_a_megabyte_is_short():
    code, _, err = answer("run", "--format", "x" * 100_000)
    assert code == 2
    assert len(err) < 2100


def trace(**changed):
    """The trace of one iteration as a document, with something changed in it."""
    done = answer("run", "--sample", "question", "--iters", "1", "--format", "json")
    document = json.loads(done[1])
    step = document["iterations"][0]
    for key, value in changed.items():
        holder = document["result"] if key in ("status", "loss") else step
        if value is None:
            del holder[key]
        else:
            holder[key] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"activation_slope": None}, "iteration 1 has no activation_slope; run the trace's problem again"),
        ({"delta": [[10**400, 0], [0, 0]]}, "delta: expected numbers in equally long rows"),
        ({"status": "splendid"}, "the result is not one that convstep wrote"),
        ({"loss": "little"}, "the result is not one that convstep wrote"),
    ],
)
@pytest.mark.parametrize("arguments", [("run", "-", "--all"), ("explain", "-", "--iter", "last")])
def test_a_trace_that_somebody_changed(changed, error, arguments):
    code, _, err = answer(*arguments, given=trace(**changed))
    assert (code, err) == (2, f"convstep: <stdin>: {error}\n")


@pytest.mark.parametrize(
    "arguments", [("run", "-"), ("explain", "-", "--iter", "last"), ("run", "-", "--format", "json")]
)
def test_a_trace_whose_problem_somebody_changed(arguments):
    document = json.loads(trace())
    del document["problem"]["target"]
    code, _, err = answer(*arguments, given=json.dumps(document))
    error = "iteration 1 has error, and its problem has none; run the trace's problem again"
    assert (code, err) == (2, f"convstep: <stdin>: {error}\n")


def test_gradcheck_says_nothing_of_numpy_where_numbers_overflow():
    problem = {"input": [[1e155]], "filter": [[1]], "activation": {"gelu": {"approximate": "tanh"}}}
    code, _, err = answer("gradcheck", "-", given=json.dumps(problem))
    assert code in (0, 1, 2)
    assert "Warning" not in err


def test_a_mistake_of_our_own_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import convstep.descent\n"
        "def broken(*_):\n"
        "    raise LookupError('nowhere')\n"
        "convstep.descent.descend = broken\n"
    )
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    code, out, err = answer("run", "--sample", "question", env=environment(PYTHONPATH=path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("convstep: a mistake in convstep itself, LookupError: nowhere; ")


def test_what_the_machine_has_no_memory_for(monkeypatch):
    monkeypatch.setattr(limits, "machine_bytes", lambda: 2**30)
    with pytest.raises(ProblemError, match=r"one iteration needs at least .* GiB .* this machine has 1 GiB"):
        load({"input": [[1]], "filter": [[1]], "padding": 2500})
    monkeypatch.setattr(limits, "machine_bytes", lambda: None)
    assert load({"input": [[1]], "filter": [[1]], "padding": 2500}).output_shape == (5001, 5001)


def test_every_character_that_pages_are_made_of_has_a_plain_one():
    for path in (ROOT / "convstep").rglob("*.py"):
        if path.name == "yaml_complaints.py":  # a pattern of characters, none of which is shown
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
                without = [each for each in node.value if not each.isascii() and ord(each) not in ASCII]
                assert not without, f"{path.name}:{node.lineno}: {without}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("why",), ("explain",), ("explain", "--iter", "2", "--cell", "new_filter[0,0]"), ("gradcheck",),
        ("explain", "--set", "activation=softplus", "--cell", "output[0,0]"), ("sweep", "--starts", "5", "--lr", "0.1"),
        ("explain", "--set", "activation=gelu", "--set", "optimizer=adam", "--lr", "0.1", "--iter", "3"),
    ],
)  # fmt: skip
def test_pages_lose_nothing_without_unicode(arguments):
    code, out, err = answer(*arguments, "--sample", "question", env=environment(PYTHONIOENCODING="ascii"))
    assert (code, err) == (0, "")
    assert "?" not in out
    assert out.isascii()
