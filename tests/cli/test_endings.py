"""How the program ends: signals, closed pipes, full disks, closed standard streams, homes that are not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import ENDLESS, ENDLESS_ADVICE, NO_FILE, answer, environment, start

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
LONG = ("run", "--sample", "sigmoid", *ENDLESS)


def interrupted(number: int, file: Path, *arguments: str) -> tuple[int, str, str]:
    """Waits until the run writes, then sends the signal; returns exit code, output and errors."""
    with file.open("w") as out, start(*LONG, *arguments, stdout=out) as process:
        deadline = time.monotonic() + 30
        while not file.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        err = process.communicate(timeout=30)[1]
    return process.returncode, file.read_text(encoding="utf-8"), err


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_stays_readable(tmp_path, number, code, form):
    ended, out, err = interrupted(number, tmp_path / "out", "--format", form)
    assert (ended, err) == (code, "")
    if form == "json":
        document = json.loads(out)
        steps, result = document["iterations"], document["result"]
    else:
        _, *steps, result = map(json.loads, out.splitlines())
    assert result["status"] == "stopped"
    assert result["iterations"] == len(steps) == steps[-1]["iteration"] > 0
    assert result["filter"] == steps[-1]["new_filter"]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
def test_a_signal_while_advice_is_tried_leaves_all_that_is_known(tmp_path, number, code, form):
    """It diverges at once; what is tried for the advice goes on for hours."""
    arguments = ("run", "--sample", "question", "--lr", "3", "--format", form)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
    with subprocess.Popen([*ENDLESS_ADVICE, *arguments], **pipes) as process:
        assert process.stderr.readline() == "trying\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    if form == "table":
        assert "── diverged after " in out
        assert "final filter" in out
    else:
        result = json.loads(out)["result"] if form == "json" else json.loads(out.splitlines()[-1])
        assert (result["status"], result["advice"]) == ("diverged", [])


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_pages_end_with_the_outcome(tmp_path, number, code):
    ended, out, err = interrupted(number, tmp_path / "out", "--all")
    assert (ended, err) == (code, "")
    assert "── stopped after " in out
    assert "You stopped it after iteration " in out


def test_the_second_signal_ends_it_at_once():
    with start(*LONG, "--quiet") as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=10)[1]
    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize(
    "arguments", [("run",), ("run", "--format", "json"), ("run", "--format", "jsonl"), ("samples",)]
)
def test_a_closed_pipe_ends_it_in_silence(arguments):
    given, out = os.pipe()
    os.close(given)
    try:
        process = start(*arguments, stdout=out)
    finally:
        os.close(out)
    err = process.communicate(timeout=30)[1]
    assert (process.returncode, err.removeprefix(NO_FILE)) == (141, "")


def test_head_takes_one_line_of_an_endless_run():
    with start(*LONG, "--format", "jsonl") as process:
        assert json.loads(process.stdout.readline())["type"] == "problem"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ("run",), ("run", "--quiet"), ("run", "--all"), ("run", "--format", "json"), ("run", "--format", "jsonl"),
        ("samples",), ("samples", "question"), ("--help",), ("--version",),
    ],
)  # fmt: skip
def test_a_full_disk_is_one_line(arguments):
    with open("/dev/full", "w") as full:
        code, _, err = answer(*arguments, stdout=full)
    assert code == 2
    assert err.removeprefix(NO_FILE) == "convstep: could not write the output: No space left on device\n"


def closed(streams: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs convstep from a shell that closes streams first."""
    command = f'exec "$0" -m convstep "$@" {streams}'
    python = [sys.executable, *arguments]
    return subprocess.run(
        ["sh", "-c", command, *python],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=30,
        check=False,
    )


def test_closed_standard_input():
    assert closed("<&-", "run", "--quiet").returncode == 0
    done = closed("<&-", "run", "-")
    assert (done.returncode, done.stderr) == (2, "convstep: <stdin>: there is no standard input\n")


@pytest.mark.parametrize("arguments", [("run", "--sample", "question"), ("run", "--format", "json"), ("samples",)])
def test_closed_standard_output(arguments):
    done = closed(">&-", *arguments)
    assert done.returncode == 2
    assert done.stderr == "convstep: could not write the output: standard output is closed\n"


def test_closed_standard_error():
    done = closed("2>&-", "run", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["status"] == "dead"
    assert closed("2>&-", "run", "--lr", "-3").returncode == 2


@pytest.mark.parametrize("home", [None, "/proc", "/nowhere/at/all"])
def test_no_home_is_needed(home):
    code, out, err = answer("run", "--quiet", env=environment(HOME=home))
    assert (code, err) == (0, NO_FILE)
    assert out.startswith("── dead after 35 iterations")


ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp437"},
]


@pytest.mark.parametrize("settings", ASCII)
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--sample", "question"), ("run", "--sample", "true-convolution"), ("run", "--sample", "channels"),
        ("run", "--sample", "momentum", "--color", "always"), ("run", "--sample", "question", "--format", "json"),
        ("samples",), ("samples", "true-convolution"), ("run", "--help"), ("run", "--show", "δelta"),
    ],
)  # fmt: skip
def test_old_encodings_never_crash(settings, arguments):
    done = answer(*arguments, env=environment(**settings), errors="surrogateescape")
    assert done[0] == (2 if "δelta" in arguments else 0)
    assert "Traceback" not in done[2]
    assert done[2].count("\n") <= 1


def test_plain_characters_keep_columns_columns():
    wide = answer("run", "--sample", "question")[1].splitlines()
    plain = answer("run", "--sample", "question", env=environment(PYTHONIOENCODING="ascii"))[1].splitlines()
    assert [len(line) for line in plain] == [len(line) for line in wide]
    assert "\n".join(plain).isascii()
    assert "?" not in "\n".join(plain)
