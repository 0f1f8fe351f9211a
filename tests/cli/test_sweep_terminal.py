"""``convstep sweep`` on a terminal: a sign of life after a second, and Ctrl-C."""

from __future__ import annotations

import re
import time

from cli.test_sweep import LINE, MIXED
from cli.test_terminal_sessions import CTRL_C, plain, session  # noqa: F401  a fixture


def test_the_sign_of_life_comes_after_a_second(session):  # noqa: F811
    began = time.monotonic()
    terminal = session(*MIXED)
    terminal.read_until("4 of 6 runs have ended, iteration ")
    assert time.monotonic() - began > 1.0
    terminal.read_until("Ctrl-C stops")
    terminal.type(CTRL_C)
    code, rest = terminal.end()
    assert code == 130
    assert "You stopped it: 4 of 6 runs have ended." in plain(rest)
    assert "Traceback" not in rest


def test_a_short_sweep_shows_its_page_alone_and_in_colours(session):  # noqa: F811
    code, out = session(*LINE).end()
    assert code == 0
    assert "have ended" not in out
    assert re.search(r"\x1b\[[\d;]*42m.*C", out)
    assert max(map(len, plain(out).splitlines())) <= 80
