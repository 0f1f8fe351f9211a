"""Disks that are full, files cut short, programs killed in the middle, two at once, terminals of one column."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from program import answer, environment, start

COMMANDS = [
    ("run", "--sample", "question"), ("run", "--sample", "question", "--format", "json"),
    ("run", "--sample", "question", "--format", "jsonl"), ("run", "--sample", "question", "--all"),
    ("explain", "--sample", "question", "--iter", "1"), ("explain", "--sample", "question", "--format", "json"),
    ("why", "--sample", "question"), ("why", "--sample", "question", "--format", "json"),
    ("gradcheck", "--sample", "question"), ("gradcheck", "--sample", "question", "--format", "json"),
    ("sweep", "--sample", "question", "--vary", "learning_rate=0.1:0.6:5"),
    ("sweep", "--sample", "question", "--starts", "5", "--seed", "1", "--format", "csv"),
    ("check", "--sample", "question-attempt"), ("check", "--sample", "answer-attempt", "--format", "csv"),
    ("check", "--sample", "question-attempt", "--summary"), ("check", "--mistakes"),
    ("check", "--sample", "question", "--blind"), ("worksheet", "--sample", "question"),
    ("distinguish", "ascent", "rate-forgotten", "--sample", "question"),
    ("samples",), ("samples", "question"), ("--help",), ("check", "--help"),
]  # fmt: skip
each_command = pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)


def limited(size: int) -> Callable[[], None]:
    """For a process in which no file may grow beyond a size, as on a disk that is nearly full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@each_command
def test_a_full_disk_is_one_line_whatever_is_written(arguments):
    with open("/dev/full", "w") as full:
        code, _, err = answer(*arguments, stdout=full)
    assert (code, err) == (2, "convstep: could not write the output: No space left on device\n")


@each_command
def test_a_disk_that_fills_up_on_the_way_is_one_line(arguments, tmp_path):
    with (tmp_path / "out").open("w") as out:
        code, _, err = answer(*arguments, stdout=out, preexec_fn=limited(20))
    assert (code, err) == (2, "convstep: could not write the output: File too large\n")


@each_command
def test_a_closed_pipe_is_silent_whatever_is_written(arguments):
    given, out = os.pipe()
    os.close(given)
    try:
        process = start(*arguments, stdout=out)
    finally:
        os.close(out)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 141)


@each_command
@pytest.mark.parametrize("columns", ["1", "2", "7"])
def test_a_terminal_of_one_column(arguments, columns):
    plain = answer(*arguments)
    code, out, err = answer(*arguments, env=environment(COLUMNS=columns))
    assert (code, err) == (plain[0], plain[2])
    assert out.strip()


@each_command
def test_a_dumb_terminal_and_a_read_only_home(arguments, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    surroundings = environment(TERM="dumb", HOME=str(home), XDG_STATE_HOME=None)
    code, out, err = answer(*arguments, env=surroundings, cwd=tmp_path)
    assert (code, out, err) == answer(*arguments, cwd=tmp_path)


def session(folder: Path, *commands: str, **others: object) -> subprocess.CompletedProcess[str]:
    """A stepper session in a folder."""
    with start("run", "--sample", "question", "--step", stdin=subprocess.PIPE, cwd=folder, **others) as process:
        out, err = process.communicate("".join(f"{each}\n" for each in commands), timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    old = tmp_path / "mine.yaml"
    old.write_text("old: true\n")
    done = session(tmp_path, "next", "save! mine.yaml", "quit", preexec_fn=limited(10))
    assert old.read_text() == "old: true\n"
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]
    assert "could not be written: File too large" in done.stdout + done.stderr or done.returncode == 2


def test_a_plot_that_cannot_be_written_leaves_the_old_one(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "plot.png").write_text("old\n")
    sweep = ("sweep", "--sample", "question", "--vary", "learning_rate=0.1:0.6:5", "--plot", "plot.png")
    done = answer(*sweep, cwd=tmp_path, preexec_fn=limited(1000), env=environment(MPLCONFIGDIR=str(tmp_path / "mpl")))
    assert done[0] == 2
    assert "plot.png" in done[2]
    assert "Traceback" not in done[2]
    assert (tmp_path / "plot.png").read_text() == "old\n"
    assert {each.name for each in tmp_path.iterdir()} <= {"plot.png", "mpl"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whenever_it_is_killed_the_file_is_the_old_or_the_new_one(tmp_path, number):
    """Saved over and over again, and killed at some moment: what stands there can always be read."""
    chance = random.Random(int(number))
    place = tmp_path / "mine.json"
    rows = [[chance.randrange(10**15, 10**16) for _ in range(100)] for _ in range(100)]
    place.write_text(json.dumps({"input": rows, "filter": [[1, -1], [1, 1]], "learning_rate": 0.5, "target": rows}))
    place.write_text(place.read_text().replace('"target": [', '"padding": [[0, 1], [0, 1]], "target": ['))
    commands = tmp_path / "commands"
    commands.write_text("".join(f"set learning_rate 0.{1 + n % 8}\nsave! mine.json\n" for n in range(4000)))
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    for _ in range(6):
        before = place.stat().st_mtime_ns
        with (
            commands.open() as given,
            start("run", "--sample", "question", "--step", stdin=given, **streams) as process,
        ):
            deadline = time.monotonic() + 30
            while place.stat().st_mtime_ns == before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(chance.random() / 10)
            process.send_signal(number)
            time.sleep(0.1)
            process.kill()
        assert json.loads(place.read_text())["filter"] == [[1, -1], [1, 1]]


def test_many_at_once_in_one_folder(tmp_path):
    """They remember their run in one place; whichever was last, it is a whole one."""
    surroundings = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    names = ["question", "channels", "sigmoid", "true-convolution"] * 3
    running = [start("run", "--sample", name, "--quiet", cwd=tmp_path, env=surroundings) for name in names]
    for process in running:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    code, out, err = answer("explain", "--iter", "1", cwd=tmp_path, env=surroundings)
    assert (code, "Traceback" in err) == (0, False)
    assert out.strip()


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_windows_line_ends_and_a_byte_order_mark(tmp_path, ends, mark):
    texts = {
        "problem.yaml": (
            "learning_rate: 0.5\ninput: [[1, -1, 0], [0, 1, 0], [0, -1, 1]]\n"
            "filter:\n  - [1, -1]\n  - [1, 1]\ntarget: [[1, 0], [0, 1]]\n"
        ),
        "mine.yaml": "output:\n  - [3, 0]\n  - [0, 1]\n",
        "problem.json": (
            '{\n  "learning_rate": 0.5,\n  "input": "x.csv",\n'
            '  "filter": [[1, -1], [1, 1]],\n  "target": [[1, 0], [0, 1]]\n}\n'
        ),
        "x.csv": "1,-1,0\n0,1,0\n0,-1,1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(mark + text, encoding="utf-8", newline=ends)
    runs = [answer("run", f"problem.{kind}", "--format", "json", cwd=tmp_path) for kind in ("yaml", "json")]
    first, second = (json.loads(out)["iterations"] for _, out, _ in runs)
    assert [(code, err) for code, _, err in runs] == [(0, ""), (0, "")]
    assert first == second
    assert answer("check", "problem.yaml", "mine.yaml", "--format", "csv", cwd=tmp_path)[:1] == (0,)
