"""``convstep check`` on a terminal: a sign of life after a second, and Ctrl-C keeps what has been judged."""

from __future__ import annotations

import json
import signal
import time

import pytest
from program import SAMPLES, start

from cli.test_terminal_sessions import CTRL_C, plain, session  # noqa: F401  a fixture

ATTEMPT = "filter_gradient: [[{}, 5], [3, -4]]\n"
"""Nothing explains it, with whatever large number: each takes its time."""


@pytest.fixture
def files(tmp_path):
    """A problem and a class that lasts."""
    (tmp_path / "p.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())
    attempts = [tmp_path / f"a{number}.yaml" for number in range(500)]
    for number, path in enumerate(attempts):
        path.write_text(ATTEMPT.format(107 + number))
    return [str(path) for path in (tmp_path / "p.yaml", *attempts)]


def test_the_sign_of_life_comes_after_a_second_and_ctrl_c_stops(session, files):  # noqa: F811
    began = time.monotonic()
    terminal = session("check", *files, "--summary")
    terminal.read_until("of 500 attempts judged; Ctrl-C stops")
    assert time.monotonic() - began > 1.0
    terminal.type(CTRL_C)
    code, rest = terminal.end()
    assert code == 130
    assert " attempts ──" in plain(rest)
    assert "Traceback" not in rest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_was_judged_is_written_whole(files, form, number, code):
    with start("check", *files, "--format", form) as process:
        first = process.stdout.readline() if form == "jsonl" else time.sleep(3) or ""
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")
    out = first + out
    found = json.loads(out)["results"] if form == "json" else [json.loads(line) for line in out.splitlines()]
    assert 0 < len(found) < 500
    assert {each["verdict"] for each in found} == {"unexplained"}
