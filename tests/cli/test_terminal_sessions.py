"""Sessions through a pseudo-terminal of 80×24: --step, Ctrl-C, colours and the sign of life."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pytest
from program import ENDLESS, ENDLESS_ADVICE, START, environment

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

QUESTION = ("run", "--sample", "question")
LONG = ("run", "--sample", "sigmoid", *ENDLESS)
CTRL_C, CTRL_D = "\x03", "\x04"
DEADLINE = 30.0


def _at_a_terminal() -> None:
    """A terminal of its own, and Ctrl-C not ignored, as it is by what a script has started in the background."""
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Session:
    """The program on a terminal; what it writes to standard output and error arrives together, as on a screen."""

    def __init__(
        self,
        *arguments: str,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        program: Sequence[str] = START,
        **env: str | None,
    ) -> None:
        self.terminal, inner = pty.openpty()
        termios.tcsetwinsize(inner, (24, 80))
        self.process = subprocess.Popen(
            [*program, *arguments],
            stdin=stdin or inner,
            stdout=stdout or inner,
            stderr=inner,
            env=environment(COLUMNS=None, **env),
            start_new_session=True,
            preexec_fn=_at_a_terminal,
        )
        os.close(inner)
        self.screen = ""

    def read_until(self, text: str) -> str:
        """All that has come since the last call, up to and with the text."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.screen:
            piece = self._piece(deadline)
            assert piece, f"the program ended before {text!r} came: {self.screen[-500:]!r}"
            self.screen += piece
        found, self.screen = self.screen.split(text, 1)
        return found + text

    def type(self, keys: str) -> None:
        """Presses keys."""
        os.write(self.terminal, keys.encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and the rest of what was written."""
        deadline = time.monotonic() + DEADLINE
        while piece := self._piece(deadline):
            self.screen += piece
        return self.process.wait(timeout=DEADLINE), self.screen

    def _piece(self, deadline: float) -> str:
        ready = select.select([self.terminal], [], [], max(0.0, deadline - time.monotonic()))[0]
        assert ready, f"nothing came any more after {self.screen[-500:]!r}"
        try:
            return os.read(self.terminal, 65536).decode("utf-8", "replace")
        except OSError:  # Linux's way to say that the other side is closed
            return ""

    def close(self) -> None:
        """Ends what is still running."""
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture
def session() -> Iterator[type[Session]]:
    """Starts sessions, and ends them when the test is over."""
    opened: list[Session] = []

    def begin(*arguments: str, **others: Any) -> Session:
        opened.append(Session(*arguments, **others))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


def plain(text: str) -> str:
    """The text without colours and line ends of terminals."""
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text).replace("\r\n", "\n")


def shown(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"── Iteration (\d+) ─", plain(text))]


def test_enter_shows_the_next_iteration(session):
    terminal = session(*QUESTION, "--step")
    assert shown(terminal.read_until("iteration 1> ")) == [1]
    for iteration in (2, 3):
        terminal.type("\n")
        assert shown(terminal.read_until(f"iteration {iteration}> ")) == [iteration]


@pytest.mark.parametrize("keys", ["q\n", CTRL_D])
def test_leaving_shows_the_outcome_so_far(session, keys):
    terminal = session(*QUESTION, "--step")
    terminal.read_until("iteration 1> ")
    terminal.type("\n")
    terminal.read_until("iteration 2> ")
    terminal.type(keys)
    code, rest = terminal.end()
    assert code == 0
    assert shown(rest) == []
    assert "── stopped after 2 iterations ─" in plain(rest)


@pytest.mark.parametrize("extra", [(), ("--quiet",)])
def test_control_c_ends_a_long_run_with_what_was_finished(session, extra):
    terminal = session(*LONG, *extra)
    terminal.read_until("Ctrl-C stops")
    terminal.type(CTRL_C)
    code, rest = terminal.end()
    assert code == 130
    assert re.search(r"── stopped after \d{3,} iterations ─", plain(rest))
    assert "You stopped it after iteration" in plain(rest)
    assert "Traceback" not in rest


def test_the_sign_of_life_comes_after_a_second_and_not_before(session):
    began = time.monotonic()
    terminal = session(*LONG, "--quiet")
    terminal.read_until("iteration ")
    assert time.monotonic() - began > 1
    assert "of at most 10,000,000, loss 0.12" in terminal.read_until("Ctrl-C stops")
    assert "iteration" not in plain(session(*QUESTION, "--quiet").end()[1]).split("── dead after 35")[0]


def test_the_sign_of_life_goes_to_standard_error_alone(session, tmp_path):
    with (tmp_path / "err").open("w") as err:
        inner_stdout = subprocess.Popen(
            [*START, *LONG, "--format", "jsonl"], stdout=subprocess.DEVNULL, stderr=err, env=environment()
        )
        time.sleep(2)
        inner_stdout.terminate()
        assert inner_stdout.wait(timeout=DEADLINE) == 143
    assert (tmp_path / "err").read_text() == ""


def test_the_pages_are_out_before_advice_is_tried(session):
    """Trying what helps would last for hours here; it is cut short, and the outcome is written all the same."""
    terminal = session(*QUESTION, program=ENDLESS_ADVICE)
    pages = plain(terminal.read_until("trying"))
    assert shown(pages) == [1, 35]
    assert "dead" not in pages
    terminal.read_until("trying what helps")
    assert re.search(r"[\d,]{5,} iterations so far; $", plain(terminal.read_until("Ctrl-C stops"))[:-12])
    terminal.type(CTRL_C)
    code, rest = terminal.end()
    assert code == 130
    assert "── dead after 35 iterations ─" in plain(rest)
    assert "You stopped it" not in plain(rest)
    assert "final filter" in plain(rest)


def test_reasons_that_last_show_a_sign_of_life(session):
    terminal = session("why", "--sample", "question", program=ENDLESS_ADVICE)
    assert "── " not in plain(terminal.read_until("trying what helps; Ctrl-C stops"))
    terminal.type(CTRL_C)
    code, rest = terminal.end()
    assert code == 130
    assert "Traceback" not in rest


def test_a_terminal_gets_colours_and_its_own_width(session):
    code, screen = session(*QUESTION).end()
    assert code == 0
    assert "\x1b[" in screen
    lines = plain(screen).splitlines()
    assert max(map(len, lines)) == 80
    assert "── dead after 35 iterations " in "\n".join(lines[-23:])


def test_nothing_gets_between_pages_and_their_reader(session):
    terminal = session(*QUESTION, "--step")
    terminal.read_until("iteration 1> ")
    time.sleep(1.5)
    terminal.type("\n")
    assert "Ctrl-C stops" not in terminal.read_until("iteration 2> ")
    terminal = session(*LONG, "--all")
    terminal.read_until("Iteration 1")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert "Ctrl-C stops" not in terminal.read_until("Iteration")


def test_no_color_and_dumb_terminals(session):
    assert re.search(r"\x1b\[[\d;]*3\dm", session(*QUESTION, "--quiet").end()[1])
    assert not re.search(r"\x1b\[[\d;]*3\dm", session(*QUESTION, "--quiet", NO_COLOR="1").end()[1])
    assert "\x1b[" not in session(*QUESTION, "--quiet", TERM="dumb").end()[1]
    assert "\x1b[" not in session(*QUESTION, "--quiet", "--color", "never").end()[1]
