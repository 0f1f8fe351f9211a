"""``convstep sweep``: its options, its formats, the last run's problem, and its ends."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time

import pytest
from program import ENDLESS, NO_FILE, SAMPLES, environment, start

LINE = ("sweep", "--sample", "question", "--vary", "learning_rate=0.01:1:60")


def test_the_page_of_the_question(call):
    code, out, err = call(*LINE, "--refine")
    assert (code, err) == (0, "")
    assert "── learning_rate 0.01 to 1, 60 values ─" in out
    assert "^ 2/λ = 0.2918" in out
    assert re.search(r"^  0\.3976\d? +C converged → T stopped$", out, re.MULTILINE)
    assert re.search(r"^  0\.400\d*( to 0\.400\d*)? +T stopped and D dead mingle", out, re.MULTILINE)
    assert re.search(r"^  0\.998\d* +D dead → V diverged$", out, re.MULTILINE)
    assert re.search(r"Quickest: learning_rate 0\.3\d* converges in 3\d iterations\.", out)


def test_the_formats_tell_the_same(call):
    vary = ("sweep", "--sample", "question", "--vary", "learning_rate=0.1,0.4,0.5,1.2")
    document = json.loads(call(*vary, "--format", "json")[1])
    lines = [json.loads(line) for line in call(*vary, "--format", "jsonl")[1].splitlines()]
    rows = list(csv.DictReader(io.StringIO(call(*vary, "--format", "csv")[1])))
    assert document["runs"] == lines
    told = [(run["status"], run["iterations"], run["loss"]) for run in lines]
    assert told == [(row["status"], int(row["iterations"]), float(row["loss"])) for row in rows]
    assert [status for status, *_ in told] == ["converged", "oscillating", "dead", "diverged"]
    assert told[0][1:] == (131, 9.056640156747772e-13)
    assert told[2][1:] == (35, 1)


def test_each_run_is_the_run_that_its_settings_make(call):
    arguments = ("--vary", "learning_rate=0.1:1.2:4", "--starts", "3", "--seed", "5", "--format", "json")
    for run in json.loads(call("sweep", "--sample", "question", *arguments)[1])["runs"]:
        settings = [f"{key}={json.dumps(value)}" for key, value in run["set"].items()]
        options = [word for setting in settings for word in ("--set", setting)]
        result = json.loads(call("run", "--sample", "question", *options, "--format", "json")[1])["result"]
        assert all(result[key] == run[key] for key in ("status", "iterations", "loss", "filter"))


def test_the_rate_is_varied_without_a_word(call):
    code, out, err = call("sweep")
    assert (code, err) == (0, NO_FILE)
    assert "── learning_rate 0.01 to 10, 61 values ─" in out


def test_the_last_run_with_its_changes(call, tmp_path):
    (tmp_path / "problem.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())
    call("run", "problem.yaml", "--set", "target[0,0]=2", "--quiet")
    found = json.loads(call("sweep", "--vary", "learning_rate=0.1,0.2", "--format", "json")[1])
    own = call("sweep", "problem.yaml", "--set", "target[0,0]=2", "--vary", "learning_rate=0.1,0.2", "--format", "json")
    assert found == json.loads(own[1])


def test_data_files_are_found_beside_the_problem(call, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x.csv").write_text("1,-1,0\n0,1,0\n0,-1,1\n")
    text = (SAMPLES / "question.yaml").read_text().replace("[[1, -1, 0], [0, 1, 0], [0, -1, 1]]", "x.csv")
    (tmp_path / "there" / "problem.yaml").write_text(text)
    code, out, err = call("sweep", "there/problem.yaml", "--vary", "learning_rate=0.1,0.5", "--format", "csv")
    assert (code, err) == (0, "")
    assert [line.split(",")[1] for line in out.splitlines()] == ["status", "converged", "dead"]


def test_a_trace_is_swept(call, tmp_path):
    (tmp_path / "trace.json").write_text(call("run", "--sample", "question", "--format", "json")[1])
    out = call("sweep", "trace.json", "--vary", "learning_rate=0.1,0.5", "--format", "csv")[1]
    assert [line.split(",")[1] for line in out.splitlines()] == ["status", "converged", "dead"]


def test_starts(call):
    code, out, err = call("sweep", "--sample", "question", "--lr", "0.1", "--starts", "200", "--seed", "1")
    assert (code, err) == (0, "")
    assert re.search(r"^  \d+ starts of 200 \([\d.]+ %\) died: ", out, re.MULTILINE)
    assert re.search(r"^  \d+ starts came to rest, at \d+ different filters \(to 3 digits\):$", out, re.MULTILINE)
    assert call("sweep", "--sample", "question", "--lr", "0.1", "--starts", "200", "--seed", "1")[1] == out
    assert call("sweep", "--sample", "question", "--lr", "0.1", "--starts", "200", "--seed", "2")[1] != out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--vary", "learning_rate"], "--vary learning_rate: expected a key and its values"),
        (["--vary", "learning_rate=0,1"], "--vary learning_rate=0,1: expected a positive number"),
        (["--vary", "rate=1,2"], "--vary rate=1,2: unknown key"),
        (["--starts", "0"], "Invalid value for '--starts'"),
        (["--around", "0.5"], "give --starts as well"),
        (["--starts", "2", "--around", "0"], "--around: expected a positive number"),
        (["--starts", "2", "--around", "nan"], "--around: expected a positive number"),
        (["--starts", "2", "--around", "1", "--initial", "he"], "give --around or --initial, not both"),
        (["--starts", "2", "--refine"], "--refine needs --vary"),
        (["--vary", "activation=relu,tanh", "--refine"], "--refine needs --vary"),
        (["--plot", "sweep.gif"], "--plot sweep.gif: expected a file that ends in .png or .svg"),
        (["--plot", "nowhere/sweep.png"], "--plot nowhere/sweep.png: there is no such folder"),
        (["--format", "xml"], "Invalid value for '--format'"),
    ],
)
def test_complaints(call, arguments, complaint):
    code, out, err = call("sweep", "--sample", "question", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("convstep: ")
    assert complaint in err
    assert err.count("\n") == 1


def test_without_matplotlib_nothing_is_run(call, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, out, err = call(*LINE, "--plot", "sweep.png")
    wanted = "convstep: --plot needs matplotlib, which is not installed: pip install 'convstep[plot]'\n"
    assert (code, out, err) == (2, "", wanted)


def test_a_plot_beside_the_page(call, tmp_path):
    pytest.importorskip("matplotlib")
    code, out, err = call(*LINE, "--plot", "sweep.svg")
    assert (code, err) == (0, "")
    assert "Quickest" in out
    assert (tmp_path / "sweep.svg").read_text().startswith("<?xml")


def imported(*arguments: str) -> set[str]:
    """Which of the heavy packages a command imports."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"from convstep.__main__ import main\nmain({list(arguments)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment(), timeout=60, check=False
    )
    assert done.returncode == 0
    return {name.partition(".")[0] for name in done.stderr.split()} & {"numpy", "rich", "yaml", "matplotlib", "scipy"}


def test_only_what_is_needed_is_imported():
    assert imported("sweep", "--help") == set()
    assert imported(*LINE, "--format", "json") <= {"numpy", "yaml"}
    assert imported(*LINE) <= {"numpy", "yaml", "rich"}


MIXED = ("sweep", "--sample", "question", *ENDLESS[:6], "--vary", "learning_rate=0.0001,0.5,0.6,1.2,0.4,0.0002")
"""Four runs that end soon, and two that never do."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_what_has_ended_is_kept(number, code, form):
    with start(*MIXED, "--format", form) as process:
        time.sleep(2)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")
    if form == "json":
        document = json.loads(out)
        assert document["partial"] is True
        assert [run["set"]["learning_rate"] for run in document["runs"]] == [0.5, 0.6, 1.2, 0.4]
    elif form == "jsonl":
        assert [json.loads(line)["set"]["learning_rate"] for line in out.splitlines()] == [0.5, 0.6, 1.2, 0.4]
    elif form == "csv":
        assert len(out.splitlines()) == 5
    else:
        assert "You stopped it: 4 of 6 runs have ended." in out
