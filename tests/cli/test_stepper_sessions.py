"""`run --step` on a terminal of 80×24: the prompt, completion, history, Ctrl-C, and where commands come from."""

from __future__ import annotations

import re
import subprocess
import time

import pytest
from program import START, environment

from cli.test_terminal_sessions import CTRL_C, CTRL_D, LONG, QUESTION, plain, session, shown  # noqa: F401

TAB, UP = "\t", "\x1b[A"
FIRST = "iteration 1> "


@pytest.fixture
def stepping(session):  # noqa: F811
    """A session at its first prompt."""
    terminal = session(*QUESTION, "--step")
    assert "Enter: next iteration   ?: help   q: leave" in plain(terminal.read_until(FIRST))
    return terminal


def interrupt(terminal) -> None:
    """Presses Ctrl-C as a person does: a moment after the prompt, when readline waits for keys."""
    time.sleep(0.5)
    terminal.type(CTRL_C)


def test_stepping_to_the_end_and_staying_there(session):  # noqa: F811
    terminal = session(*QUESTION, "--step", "--iters", "2")
    terminal.read_until(FIRST)
    terminal.type("\n")
    last = plain(terminal.read_until("iteration 2, stopped> "))
    assert shown(last) == [2]
    assert "The run is over: stopped after 2 iterations." in last
    terminal.type("\n")
    assert shown(terminal.read_until("iteration 2, stopped> ")) == []
    terminal.type("q\n")
    code, rest = terminal.end()
    assert code == 0
    assert "── stopped after 2 iterations ─" in plain(rest)


def test_the_prompt_says_where_it_stands(stepping):
    stepping.type("jump 5\n")
    stepping.read_until("iteration 5> ")
    stepping.type("set learning_rate 0.1\n")
    assert "── Iteration 5, branch 1: learning_rate=0.1 ─" in plain(stepping.read_until("iteration 5, branch 1> "))
    stepping.type("back\n")
    stepping.read_until("iteration 4, before branch 1> ")
    stepping.type("continue\n")
    stepping.read_until("branch 1, converged> ")
    stepping.type("undo\n")
    stepping.read_until("iteration 5> ")


@pytest.mark.parametrize(
    "command", ["?", "? set", "? until", "set nonsense 1", "until", "explain filter_gradient[0,1]", "set " + "x" * 300]
)
def test_what_is_said_fits_the_screen(stepping, command):
    stepping.type(f"{command}\n")
    lines = plain(stepping.read_until(FIRST)).split("\n", 1)[1].splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_completion_and_history(stepping):
    pytest.importorskip("readline")
    stepping.type(f"sh{TAB}act{TAB}\n")
    assert "⎡ 1   0× ⎤" in plain(stepping.read_until(FIRST))
    stepping.type(f"{UP}\n")
    assert "⎡ 1   0× ⎤" in plain(stepping.read_until(FIRST))
    stepping.type(f"set act{TAB}lea{TAB}\n")
    assert "Iteration 1, branch 1: activation=leaky_relu" in plain(stepping.read_until("iteration 1, branch 1> "))


def test_history_is_kept_in_memory_alone(session, tmp_path):  # noqa: F811
    terminal = session(*QUESTION, "--step", HOME=str(tmp_path), XDG_STATE_HOME=None)
    terminal.read_until(FIRST)
    terminal.type("show delta\nq\n")
    assert terminal.end()[0] == 0
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("show delta" in path.read_text(encoding="utf-8") for path in kept)


def test_control_c_at_the_prompt_leaves_with_the_outcome(stepping):
    interrupt(stepping)
    code, rest = stepping.end()
    assert code == 130
    assert "── stopped after 1 iteration ─" in plain(rest)
    assert "Traceback" not in rest


def test_control_c_leaves_the_command_and_then_the_session(session):  # noqa: F811
    terminal = session(*LONG, "--step")
    terminal.read_until(FIRST)
    terminal.type("continue\n")
    terminal.read_until("Ctrl-C stops")
    terminal.type(CTRL_C)
    screen = plain(terminal.read_until("> "))
    where = re.search(r"Interrupted at iteration (\d+)\.", screen)
    assert where
    assert shown(screen) == [int(where[1])]
    terminal.type("back\n")
    assert shown(terminal.read_until("> ")) == [int(where[1]) - 1]
    interrupt(terminal)
    code, rest = terminal.end()
    assert code == 130
    assert f"── stopped after {where[1]} iterations ─" in plain(rest)
    assert "Traceback" not in rest


def test_control_c_throws_a_line_away(stepping):
    pytest.importorskip("readline")
    stepping.type("jump 7")
    stepping.read_until("jump 7")
    interrupt(stepping)
    stepping.read_until(FIRST)
    stepping.type("\n")
    assert shown(stepping.read_until("iteration 2> ")) == [2]


def test_a_problem_from_standard_input_leaves_the_terminal_for_commands(session, tmp_path):  # noqa: F811
    given = subprocess.run([*START, "samples", "question"], capture_output=True, env=environment(), check=True).stdout
    (tmp_path / "p.yaml").write_bytes(given)
    with (tmp_path / "p.yaml").open("rb") as problem:
        terminal = session("run", "-", "--step", stdin=problem)
        terminal.read_until(FIRST)
        terminal.type("3\n")
        assert shown(terminal.read_until("iteration 3> ")) == [3]
        terminal.type(CTRL_D)
        assert terminal.end()[0] == 0


def test_the_prompt_does_not_get_into_a_file(session, tmp_path):  # noqa: F811
    with (tmp_path / "out").open("w") as out:
        terminal = session(*QUESTION, "--step", stdout=out)
        terminal.read_until(FIRST)
        terminal.type("\n")
        terminal.read_until("iteration 2> ")
        terminal.type(CTRL_D)
        assert terminal.end()[0] == 0
    text = (tmp_path / "out").read_text(encoding="utf-8")
    assert shown(text) == [1, 2]
    assert "> " not in text
    assert "Enter" not in text
