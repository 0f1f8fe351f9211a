"""Without FILE: the last run of this directory, and never anything in the way of a run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import NO_FILE, START, answer, environment, start

from convstep.cli import last_run
from convstep.cli.last_run import LARGEST_TEXT, LastRun, recall, remember

PROBLEM = '{"title": "Mine", "input": [[1, 2]], "filter": [[3]], "target": [[1, 1]], "learning_rate": 0.125}'
WAITING = "Something is waiting on standard input, and it is not read: write - for FILE to read it.\n"


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path) -> Path:
    """An own state directory; there, nothing is remembered yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def home(call, tmp_path) -> Path:
    """The directory that `call` works in, with a problem."""
    (tmp_path / "problem.json").write_text(PROBLEM, encoding="utf-8")
    return tmp_path


def first_line(call, *arguments: str) -> str:
    code, out, err = call("explain", "--quantity", "loss", *arguments)
    assert (code, err) == (0, ""), err
    return out.splitlines()[0]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# Which problem


def test_nothing_was_run_so_it_is_the_sample(call):
    code, out, err = call("explain")
    assert (code, err) == (0, NO_FILE)
    assert out.startswith("sample question · ")


def test_the_last_run_of_this_directory(call, home):
    call("run", "problem.json", "--quiet")
    assert first_line(call) == "problem.json, the last run here · Mine"


def test_with_its_overrides(call, home):
    call("run", "problem.json", "--quiet", "--set", "filter[0,0]=2", "--lr", "0.25", "--iters", "7")
    _, out, _ = call("explain", "--cell", "filter_update[0,0]")
    head = "problem.json, the last run here with filter[0,0]=2, learning_rate=0.25, stop.iterations=7"
    assert " ".join(out.split()).startswith(f"{head} · Mine")
    assert "= −0.25·7 = −1.75" in out
    assert call("explain", "--iter", "8")[2] == "convstep: iteration 8 was not reached: there are only 7 iterations\n"


def test_more_overrides_come_on_top(call, home):
    call("run", "problem.json", "--quiet", "--set", "filter[0,0]=2", "--lr", "0.25")
    _, out, _ = call("explain", "--cell", "filter_update[0,0]", "--lr", "0.5")
    assert "= −0.5·7 = −3.5" in out
    assert "with filter[0,0]=2, learning_rate=0.25, learning_rate=0.5" in " ".join(out.split())
    _, out, _ = call("explain", "--cell", "filter_update[0,0]")
    assert "= −0.25·7 = −1.75" in out, "they are not kept"


def test_run_then_explain_iteration_1(call, home):
    assert call("run", "problem.json")[0] == 0
    assert call("explain", "--iter", "1")[0] == 0


def test_a_sample_is_remembered_by_its_name(call):
    call("run", "--sample", "momentum", "--quiet", "--lr", "0.05")
    assert first_line(call).startswith("sample momentum, the last run here with learning_rate=0.05")
    call("run", "--quiet")
    assert first_line(call).startswith("sample question, the last run here · ")


def test_a_file_or_a_sample_that_is_named_comes_first(call, home):
    call("run", "problem.json", "--quiet")
    assert first_line(call, "--sample", "linear").startswith("sample linear · ")
    (home / "other.json").write_text(PROBLEM.replace("Mine", "Other"), encoding="utf-8")
    assert first_line(call, "other.json") == "other.json · Other"
    assert first_line(call) == "problem.json, the last run here · Mine", "to explain is not to run"


def test_every_directory_has_its_own(call, home, monkeypatch):
    call("run", "problem.json", "--quiet")
    (home / "inner").mkdir()
    monkeypatch.chdir(home / "inner")
    assert call("explain")[2] == NO_FILE
    call("run", "../problem.json", "--quiet", "--lr", "0.25")
    assert first_line(call) == "../problem.json, the last run here with learning_rate=0.25 · Mine"
    monkeypatch.chdir(home)
    assert first_line(call) == "problem.json, the last run here · Mine"


def test_directories_whose_names_have_one_check_sum_are_not_mixed_up(call, home, monkeypatch):
    monkeypatch.setattr(last_run, "_place", lambda: (os.getcwd(), str(home / "state" / "one.json")))
    call("run", "problem.json", "--quiet")
    (home / "inner").mkdir()
    monkeypatch.chdir(home / "inner")
    assert recall() is None


def test_a_run_that_fails_is_not_remembered(call, home):
    call("run", "problem.json", "--quiet")
    (home / "wrong.json").write_text("{", encoding="utf-8")
    assert call("run", "wrong.json")[0] == 2
    assert first_line(call) == "problem.json, the last run here · Mine"


def test_a_text_from_standard_input_is_remembered(home):
    assert answer("run", "-", "--quiet", "--lr", "0.25", given=PROBLEM, cwd=home)[0] == 0
    code, out, err = answer("explain", "--cell", "filter_update[0,0]", cwd=home)
    assert (code, err) == (0, "")
    assert out.startswith("standard input, the last run here with learning_rate=0.25 · Mine\n")
    assert "= −0.25·12 = −3" in out


def test_yaml_and_traces_from_standard_input_too(home):
    trace = answer("run", "--sample", "momentum", "--format", "json", cwd=home)[1]
    yaml = "title: Yaml\ninput: [[1, 2]]\nfilter: [[3]]\n"
    for text, title in ((yaml, "Yaml"), (trace, "Gradient descent with momentum")):
        answer("run", "-", "--quiet", given=text, cwd=home)
        code, out, err = answer("explain", cwd=home)
        assert (code, err) == (0, "")
        assert title in out.splitlines()[0]


def test_a_very_long_text_is_not_kept(call, home, state):
    call("run", "problem.json", "--quiet")
    long = PROBLEM.replace("Mine", "x" * LARGEST_TEXT)
    assert answer("run", "-", "--quiet", given=long, cwd=home)[0] == 0
    assert sum(path.stat().st_size for path in files_in(state)) < 1000


def test_a_pipe_that_has_a_name_is_kept_as_its_text(home):
    """It can be read only once: neither run nor explain may wait for somebody who writes to it again."""
    os.mkfifo(home / "pipe")
    process = start("run", "pipe", "--quiet", cwd=home)
    with (home / "pipe").open("w") as writer:
        writer.write(PROBLEM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    code, out, err = answer("explain", cwd=home)
    assert (code, err) == (0, "")
    assert out.startswith("standard input, the last run here · Mine")


def test_a_file_that_has_changed_is_said_to(call, home):
    call("run", "problem.json", "--quiet")
    (home / "problem.json").write_text(PROBLEM.replace("Mine", "Changed"), encoding="utf-8")
    code, out, err = call("explain")
    assert code == 0
    assert out.startswith("problem.json, the last run here · Changed")
    assert err == "problem.json has changed since it was last run here; this is the file as it is now.\n"
    call("run", "problem.json", "--quiet")
    assert call("explain")[2] == ""


def test_a_file_that_is_gone_is_one_error(call, home):
    call("run", "problem.json", "--quiet")
    (home / "problem.json").unlink()
    message = "convstep: problem.json, the last run in this directory, is gone; name a FILE or a --sample\n"
    assert call("explain") == (2, "", message)


def test_a_sample_that_is_gone_is_one_error(call):
    remember(LastRun(None, "no-such-sample", None, 0, ()))
    code, out, err = call("explain")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("convstep: there is no sample no-such-sample; ")


# How it is kept


def test_one_small_file_a_directory(call, home, state):
    for _ in range(3):
        call("run", "problem.json", "--quiet", "--lr", "0.25")
    (path,) = files_in(state)
    assert path.parent == state / "convstep" / "last-run"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept == {"directory": str(home), "file": str(home / "problem.json"), "sample": None, "text": None,
                    "check_sum": kept["check_sum"], "settings": ["learning_rate=0.25"]}  # fmt: skip
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other places")
def test_where_it_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", given)
        assert last_run.state_folder() == f"{tmp_path}/.local/state/convstep/last-run"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert last_run.state_folder() == f"{tmp_path}/.local/state/convstep/last-run"


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "7", '"x"', "{}", '{"directory": 1}', '{"directory": "HERE"}', "\x00", "\xff",
     '{"directory": "HERE", "settings": 3, "check_sum": 0, "file": null, "sample": null, "text": null}',
     '{"directory": "HERE", "settings": [], "check_sum": "x", "file": null, "sample": null, "text": null}',
     '{"directory": "HERE", "settings": [], "check_sum": 0, "file": null, "sample": null, "text": null}',
     '{"directory": "HERE", "settings": [], "check_sum": 0, "file": 7, "sample": null, "text": null}',
     '{"directory": "HERE", "settings": [], "check_sum": 0, "file": null, "sample": [], "text": null}',
     '{"directory": "HERE", "settings": [], "check_sum": 0, "file": null, "sample": null, "text": {}}',
     '{"directory": "HERE", "settings": [], "check_sum": 0, "file": null, "sample": null, "text": null, "more": 1}',
     "[" * 100_000],
)  # fmt: skip
def test_a_corrupt_file_is_ignored(call, home, state, text):
    call("run", "problem.json", "--quiet")
    (path,) = files_in(state)
    path.write_bytes(text.replace("HERE", str(home)).encode("latin-1"))
    code, out, err = call("explain")
    assert (code, err) == (0, NO_FILE)
    assert out.startswith("sample question · ")
    call("run", "problem.json", "--quiet")
    assert first_line(call) == "problem.json, the last run here · Mine"


def test_no_complaint_where_nothing_can_be_kept(call, home, monkeypatch, tmp_path):
    """A state directory below a file cannot be made, whoever tries."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "inner"):
        monkeypatch.setenv("XDG_STATE_HOME", str(place))
        code, out, err = call("run", "problem.json", "--quiet")
        assert (code, err) == (0, "")
        assert "stationary after" in out
        assert call("explain")[2] == NO_FILE


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_no_complaint_where_home_is_read_only_or_missing(home):
    """As somebody who may not write there: even root is stopped by a file system without room for a directory."""
    (home / "sealed").mkdir(mode=0o500)
    places = [str(home / "sealed"), "/proc/self", "/nonexistent/home"]
    for place in places:
        env = environment(XDG_STATE_HOME=None, HOME=place)
        if os.geteuid() == 0 and place == str(home / "sealed"):
            continue
        assert answer("run", "problem.json", "--quiet", cwd=home, env=env)[2] == ""
        assert answer("explain", cwd=home, env=env)[2] in ("", NO_FILE)
    for env in (environment(XDG_STATE_HOME=None, HOME=None), environment(XDG_STATE_HOME=None, HOME="")):
        env = {**env, "USERPROFILE": str(home)}
        probe = "import convstep.cli.last_run as l, os; l.os.path.expanduser = lambda path: path; print(l.recall())"
        done = subprocess.run([sys.executable, "-c", probe], env=env, capture_output=True, text=True, timeout=30)
        assert (done.stdout, done.stderr) == ("None\n", "")


def test_no_complaint_in_a_directory_that_is_gone(home, tmp_path):
    gone = tmp_path / "gone"
    script = f"mkdir {gone} && cd {gone} && rmdir {gone} && exec {' '.join(START)}"
    run = [f"{script} run {home / 'problem.json'} --quiet", f"{script} explain --sample question --quantity loss"]
    for command in run:
        done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, "")


def test_many_at_once_leave_a_whole_file(home, state):
    """Each of many processes keeps what it ran and reads what is there, all in one directory."""
    code = (
        "import sys\n"
        "from convstep.cli.last_run import LastRun, recall, remember\n"
        "mine = sys.argv[1] * 200_000\n"
        "for _ in range(30):\n"
        "    remember(LastRun(None, None, mine, 0, (sys.argv[1],)))\n"
        "    found = recall()\n"
        "    assert found is not None and found.text == found.settings[0] * 200_000, 'a part of a file'\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, letter], cwd=home, env=environment(), stderr=subprocess.PIPE)
        for letter in "abcdefgh"
    ]
    for process in processes:
        assert process.communicate(timeout=60)[1] == b""
        assert process.returncode == 0
    assert len(files_in(state)) == 1, "nothing else is left behind"


def test_two_runs_at_once(home, state):
    processes = [start("run", "problem.json", "--quiet", "--lr", f"0.{n}", cwd=home) for n in range(1, 5)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    out = answer("explain", cwd=home)[1]
    assert re.match(r"problem.json, the last run here with learning_rate=0\.[1-4] · Mine\n", out)
    assert len(files_in(state)) == 1


def test_a_file_half_written_is_taken_away(call, home, state, monkeypatch):
    def full(*arguments, **others):
        arguments[1].write("{")
        raise OSError("no space left on device")

    monkeypatch.setattr(json, "dump", full)
    assert call("run", "problem.json", "--quiet")[0] == 0
    assert files_in(state) == []


# Standard input


@pytest.mark.parametrize("command", [("run", "--quiet"), ("explain", "--quantity", "loss")])
def test_an_open_pipe_without_data_is_not_waited_for(home, command):
    began = time.monotonic()
    read, write = os.pipe()
    with os.fdopen(read) as pipe:
        code, out, err = answer(*command, stdin=pipe, cwd=home)
    os.close(write)
    assert time.monotonic() - began < 10
    assert (code, err) == (0, NO_FILE)
    assert out


@pytest.mark.parametrize("remembered", [False, True])
def test_what_is_waiting_is_hinted_at_and_not_read(home, remembered):
    if remembered:
        answer("run", "problem.json", "--quiet", cwd=home)
    (home / "in.json").write_text(PROBLEM.replace("Mine", "Waiting"), encoding="utf-8")
    (home / "empty").write_text("")
    told = WAITING + ("" if remembered else NO_FILE)
    read, write = os.pipe()
    os.write(write, PROBLEM.encode())
    os.close(write)
    with (home / "in.json").open() as file, (home / "empty").open() as empty, os.fdopen(read) as pipe:
        for stream, expected in ((file, told), (pipe, told), (empty, told.removeprefix(WAITING))):
            code, out, err = answer("explain", "--quantity", "loss", stdin=stream, cwd=home)
            assert (code, err) == (0, expected)
            assert "Waiting" not in out


def test_no_hint_where_a_file_is_named_or_standard_input_is_closed(home):
    (home / "in.json").write_text(PROBLEM, encoding="utf-8")
    for arguments in (("problem.json",), ("--sample", "question"), ("-",)):
        with (home / "in.json").open() as file:
            assert answer("explain", *arguments, "--quantity", "loss", stdin=file, cwd=home)[2] == ""
    closed = f"cd {home} && exec {' '.join(START)} explain --quantity loss <&-"
    done = subprocess.run(["bash", "-c", closed], env=environment(), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, NO_FILE)
