"""Where the stepper's commands come from: a terminal with completion and history, or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

LONGEST_LINE = 1 << 20
"""How many characters a command may have."""
DELIMITERS = " \t\n,"

Candidates = Callable[[str], list[str]]
"""From the line up to the cursor to what its last word may become."""


class CommandLines:
    """The commands, line by line.

    On a terminal each is asked for with a prompt, with history (kept in memory alone) and completion where Python has
    readline. From a pipe or a file they are read as they are, without a prompt.

    Attributes:
        interactive: Whether somebody types them.
    """

    def __init__(self, candidates: Candidates, *, problem_from_stdin: bool = False) -> None:
        if problem_from_stdin:
            _turn_to_the_terminal()
        self.interactive = sys.stdin is not None and sys.stdin.isatty()
        self._readline = _readline() if self.interactive and sys.stdout.isatty() else None
        if self._readline is not None:
            _complete_with(self._readline, candidates)
        if hasattr(sys.stdin, "reconfigure"):
            # Bytes that are no text become a wrong command, not the end of the session.
            sys.stdin.reconfigure(errors="backslashreplace")

    def read(self, prompt: str) -> str | None:
        """The next command; ``None`` at the end of input.

        Raises:
            KeyboardInterrupt: At Ctrl-C, unless there was a line to throw away.
        """
        if self._readline is None:
            return self._plain(prompt)
        while True:
            try:
                return input(prompt)
            except EOFError:
                print(file=sys.stderr)
                return None
            except KeyboardInterrupt:
                print(file=sys.stderr)
                if not self._readline.get_line_buffer():
                    raise

    def _plain(self, prompt: str) -> str | None:
        """A line as it is; of one that is far too long only so much that it is seen to be wrong."""
        if sys.stdin is None:
            return None
        if self.interactive:
            print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline(LONGEST_LINE + 1)
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith("\n"):
            rest = sys.stdin.readline(LONGEST_LINE + 1)
        if self.interactive and not line.endswith("\n"):
            print(file=sys.stderr)
        return line.removesuffix("\n") if line else None


def _turn_to_the_terminal() -> None:
    """Makes the terminal, if there is one, standard input: what was there has been read to its end as the problem."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  It lasts as long as the program.


def _readline() -> Any:
    """The module, where this Python has it."""
    try:
        import readline
    except ImportError:
        return None
    return readline


def _complete_with(readline: Any, candidates: Candidates) -> None:
    """Has the Tab key ask for candidates."""
    found: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            found[:] = candidates(readline.get_line_buffer()[: readline.get_endidx()])
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(DELIMITERS)
    readline.set_auto_history(True)
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
