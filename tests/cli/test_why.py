"""``convstep why``: the command, its formats, its exit codes, and which problem it speaks of."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from program import NAMES, SAMPLES, answer, environment

NO_FILE = "No file given: this is the built-in sample question.\n"


@pytest.fixture(autouse=True)
def a_place_of_its_own(monkeypatch, tmp_path):
    """What was run last is remembered beside the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def document(out: str):
    """The JSON on standard output, which is all there is, without NaN and Infinity."""

    def refuse(word: str):
        raise AssertionError(f"{word} in JSON")

    return json.loads(out, parse_constant=refuse)


def test_without_a_file_and_a_last_run_it_is_the_sample(call):
    code, out, err = call("why")
    assert (code, err) == (0, NO_FILE)
    assert out.startswith("sample question · The filter that would not learn\n")
    assert "── dead after 35 iterations ──" in out


def test_without_a_file_it_speaks_of_the_last_run(call, tmp_path):
    Path("mine.yaml").write_text((SAMPLES / "question.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    call("run", "mine.yaml", "--lr", "0.4", "--quiet")
    code, out, err = call("why")
    assert (code, err) == (0, "")
    assert out.startswith("mine.yaml, the last run here with learning_rate=0.4\n")
    assert "── oscillating after 60 iterations ──" in out
    assert "convstep run mine.yaml --lr 0.1459" in out
    assert "── converged after " in call("why", "--lr", "0.1")[1]
    # Its own question is no run: the last one is still that with 0.4.
    assert "── oscillating" in call("why")[1]


def test_the_last_run_of_a_sample(call):
    call("run", "--sample", "out-of-reach", "--set", "learning_rate=0.2", "--quiet")
    _, out, _ = call("why")
    assert out.startswith("sample out-of-reach, the last run here with learning_rate=0.2\n")
    assert "convstep run --sample out-of-reach --set activation=linear --lr auto" in out
    assert "convstep run --sample out-of-reach --set learning_rate=0.2 --set target_through_activation=true" in out


def test_settings_of_the_last_run_are_quoted_in_commands(call):
    call("run", "--sample", "out-of-reach", "--set", "title=it's", "--quiet")
    assert """--sample out-of-reach --set 'title=it'"'"'s' --set activation=linear""" in call("why")[1]


def test_a_trace_is_a_problem_too(call):
    trace = call("run", "--sample", "question", "--format", "json")[1]
    Path("trace.json").write_text(trace, encoding="utf-8")
    code, out, err = call("why", "trace.json")
    assert (code, err) == (0, "")
    assert "convstep run trace.json --lr 0.1459" in out


def test_standard_input():
    text = (SAMPLES / "question.yaml").read_text(encoding="utf-8")
    code, out, err = answer("why", "-", given=text)
    assert (code, err) == (0, "")
    assert "convstep run - --lr 0.1459" in out


@pytest.mark.parametrize("name", NAMES)
def test_json_is_as_the_format_says(call, name):
    code, out, err = call("why", "--sample", name, "--format", "json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    found = document(out)
    assert list(found) == ["format", "version", "status", "iterations", "facts", "advice"]
    assert (found["format"], found["version"]) == ("convstep-reasons", 1)
    result = document(call("run", "--sample", name, "--format", "json")[1])["result"]
    assert (found["status"], found["iterations"]) == (result["status"], result["iterations"])
    for fact in found["facts"]:
        assert list(fact) == ["id", "says", "values"]
    assert found["facts"][0]["says"] == result["reason"]
    assert len(found["advice"]) == len(result["advice"]) <= 3
    for advice in found["advice"]:
        assert list(advice) == ["says", "set", "tried"]
        assert list(advice["tried"]) == ["status", "iterations", "loss"]


def test_the_numbers_of_the_question_as_json(call):
    found = document(call("why", "--format", "json")[1])
    facts = {fact["id"]: fact["values"] for fact in found["facts"]}
    assert facts["rate-above-limit"]["limit"] == pytest.approx(0.2917960675, abs=5e-11)
    assert facts["died"]["cell"] == [1, 1]
    assert found["advice"][0]["set"] == {"learning_rate": 0.1459}
    assert found["advice"][0]["tried"]["status"] == "converged"
    assert found["advice"][0]["tried"]["iterations"] == 88


def test_the_question_at_a_rate_that_converges(call):
    """It ends in 0.633 0.184 / 0.184 0.551, not in the 1 0 / 0 0 that was expected, and both are right."""
    found = document(call("why", "--sample", "question", "--lr", "0.1", "--format", "json")[1])
    assert (found["status"], found["iterations"], found["advice"]) == ("converged", 131, [])
    facts = {fact["id"]: fact for fact in found["facts"]}
    assert list(facts) == ["outcome", "rate-below-limit", "not-unique", "expected-filter"]
    assert facts["expected-filter"]["says"] == (
        "The filter reached (0.6328 0.1836 / 0.1836 0.5508) is not the expected one (1 0 / 0 0), and both are right: "
        "with the expected one the loss is 0."
    )
    assert facts["not-unique"]["values"]["dimension"] == 2


@pytest.mark.parametrize("lines", [1, 3])
def test_numbers_that_json_cannot_hold_are_null(call, lines):
    """The input's square overflows in iteration 1, or the loss does later."""
    keys = {"input": [[1e200]], "filter": [[1]], "target": [[1]], "learning_rate": 1, "activation": "linear"}
    if lines == 3:
        keys |= {"input": [[1]], "filter": [[1e150]], "learning_rate": 1e10}
    Path("problem.json").write_text(json.dumps(keys), encoding="utf-8")
    code, out, _ = call("why", "problem.json", "--format", "json")
    assert code == 0
    assert document(out)["status"] == "diverged"


def test_a_hostile_title_and_file_name(call):
    keys = {
        "title": "\x1b[31mred\x07\u202e\n── dead",
        "input": [[1]],
        "filter": [[-1]],
        "target": [[1]],
        "learning_rate": 1,
    }
    Path("-\x1b[2Jname.json").write_text(json.dumps(keys), encoding="utf-8")
    code, out, err = call("why", "./-\x1b[2Jname.json")
    assert (code, err) == (0, "")
    commands = [line for line in out.splitlines() if line.startswith("     convstep run")]
    assert commands
    shown = "\n".join(line for line in out.splitlines() if line not in commands)
    assert not set(shown) & set("\x1b\x07\u202e")
    assert "\x1b" not in "".join(commands)
    assert commands[0].strip().startswith(r"convstep run $'./-\u001b[2Jname.json' --set ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("why", "nowhere.yaml"), "nowhere.yaml"),
        (("why", "--sample", "questio"), "did you mean question?"),
        (("why", "--sample", "question", "--lr", "-1"), "learning_rate"),
        (("why", "--format", "jsonl"), "'jsonl' is not"),
        (("why", "--width", "5"), "--width"),
        (("why", "a", "b"), "b"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(call, arguments, says):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_the_status_does_not_matter_for_the_exit_code(call):
    for name in NAMES:
        assert call("why", "--sample", name)[0] == 0


def test_a_problem_that_does_not_learn(call):
    Path("forward.json").write_text('{"input": [[1, 2]], "filter": [[3]]}', encoding="utf-8")
    code, out, _ = call("why", "forward.json")
    assert code == 0
    assert "• There is no target and no output_gradient, so this is the forward pass\n    alone.\n" in out
    assert "What helps" not in out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_full_disk_is_one_line(form):
    with open("/dev/full", "w") as full:
        code, _, err = answer("why", "--sample", "question", "--format", form, stdout=full)
    assert (code, err) == (2, "convstep: could not write the output: No space left on device\n")


def test_old_encodings_never_crash():
    for settings in ({"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}):
        code, out, err = answer("why", "--sample", "question", env=environment(**settings), errors="surrogateescape")
        assert (code, err) == (0, "")
        assert "dead after 35 iterations" in out


@pytest.mark.parametrize("name", NAMES)
def test_within_a_second_after_imports(name):
    """By the clock of the process itself, which other processes do not disturb."""
    code = (
        "import convstep, sys, time, numpy, convstep.problem.load, convstep.reasons.answer\n"
        "began = time.process_time()\n"
        "convstep.why(convstep.load(sys.argv[1]))\n"
        "print(time.process_time() - began)"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code, str(SAMPLES / f"{name}.yaml")],
        capture_output=True, text=True, env=environment(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1"), check=True,
    )  # fmt: skip
    assert float(done.stdout) < 1.0
