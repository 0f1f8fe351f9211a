"""The program run inside this process, many times a second, and what must hold of it whatever it is given."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn
from unittest import mock

from convstep.cli.main import main

CODES = (0, 1, 2)
"""What the program may exit with where nobody interrupts it."""
SECONDS = 20
"""How long one call may take; the slowest needs about one, and machines are busy."""

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What a terminal would obey, or hide, or turn around. Nothing of it leaves the program as it is."""


class Answer(NamedTuple):
    """Exit code, standard output and standard error of one call."""

    code: int
    out: str
    err: str


class TooSlowError(Exception):
    """A call that takes longer than it may."""


def call(arguments: list[str], given: bytes = b"") -> Answer:
    """Runs ``convstep`` with these arguments; `given` is its standard input."""
    out, err = _Text(), _Text()
    with _bounded(), mock.patch.multiple(sys, stdin=_stdin(given), stdout=out, stderr=err):
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else -1
    return Answer(code, out.text(), err.text())


class _Text(io.TextIOWrapper):
    """A stream that remembers; like a pipe in UTF-8."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)

    def text(self) -> str:
        """All that was written."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("utf-8")


def _stdin(given: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """At most so many seconds, own mistakes as they are raised, a state folder of its own, signals as before."""

    def too_slow(number: int, frame: Any) -> NoReturn:
        raise TooSlowError

    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(SECONDS)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict(os.environ, XDG_STATE_HOME=folder, CONVSTEP_TRACEBACK="1"),
        ):
            yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def check(answer: Answer, arguments: list[str]) -> None:
    """Whether the program behaved, whatever it was given.

    Raises:
        AssertionError: If it did not.
    """
    assert answer.code in CODES, answer
    assert "Traceback" not in answer.err, answer.err
    assert not CONTROL.search(answer.err), answer.err
    last = answer.err.splitlines()[-1:]
    if answer.code == 2:
        assert last, answer
        assert last[0].startswith("convstep: "), answer.err
        assert answer.err.count("convstep: ") == 1 or "convstep: " in " ".join(arguments), answer.err
        assert len(last[0]) < 4000, len(last[0])
    else:
        assert not last or not last[0].startswith("convstep: "), answer
    _check_output(answer, arguments)


def _check_output(answer: Answer, arguments: list[str]) -> None:
    if "samples" in arguments[:1]:
        return
    if "json" in arguments and answer.code != 2 and "--help" not in arguments:
        read_strictly(answer.out)
    elif "jsonl" in arguments:
        for line in answer.out.splitlines():
            read_strictly(line)
    assert not CONTROL.search(answer.out), CONTROL.search(answer.out)


def read_strictly(text: str) -> Any:
    """JSON as other programs read it: no NaN, no Infinity."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)
