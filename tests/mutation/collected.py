"""Runs tests that are collected once with one mutant after the other, each in a process split off, and of them those
that run what is changed: a mutant that a quick test notices takes some milliseconds.
"""

from __future__ import annotations

import itertools
import mmap
import os
import pickle
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

import pytest

from tests.mutation.functions import Change, Functions, Key, keys_of
from tests.mutation.modules import QUICK, source, tests_of
from tests.mutation.mutants import Mutant

ALIVE, NOT_HERE, KILLED = -1, -2, 1 << 30
"""What came of a mutant, if it is not the number of the test that noticed: nobody did, it cannot be put in the place
of what was imported, and it ended in some other way.
"""
SLOWDOWN, GRACE = 2, 10
"""A mutant with which a test takes so many times as long as with the true module when it was watched, and so many
seconds more, runs for ever.
"""


class Outcomes:
    """What came of each mutant, in memory that the processes share."""

    def __init__(self, count: int) -> None:
        self._slot = struct.Struct("i")
        self._memory = mmap.mmap(-1, self._slot.size * (count + 1))

    def __getitem__(self, number: int) -> int:
        return int(self._slot.unpack_from(self._memory, self._slot.size * number)[0])

    def __setitem__(self, number: int, outcome: int) -> None:
        self._slot.pack_into(self._memory, self._slot.size * number, outcome)


def examine_collected(name: str, mutants: Sequence[Mutant], jobs: int) -> list[int] | None:
    """What came of each mutant; None if the tests fail without any change."""
    outcomes = Outcomes(len(mutants))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            silence()
            plugin = Examination(name, mutants, jobs, outcomes)
            code = int(pytest.main([*tests_of(name), *QUICK, "-s"], plugins=[plugin]))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return [outcomes[number] for number in range(len(mutants))] if status == 0 else None


def silence() -> None:
    """What tests print is of no interest."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class Watched(NamedTuple):
    """Which functions a test runs, and how many seconds that takes."""

    functions: set[Key]
    seconds: float


@contextmanager
def recorded(path: Path) -> Iterator[set[CodeType]]:
    """The functions of a file that are run inside the block."""
    ran: set[CodeType] = set()
    name = str(path)

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == name:
            ran.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield ran
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


class Examination:
    """A plugin of pytest that takes the place of its loop over the collected tests."""

    def __init__(self, name: str, mutants: Sequence[Mutant], jobs: int, outcomes: Outcomes) -> None:
        self.name, self.mutants, self.jobs, self.outcomes = name, mutants, jobs, outcomes
        self.path = source(name)
        self.collecting = ExitStack()
        self.ran = self.collecting.enter_context(recorded(self.path))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """First the tests as they are, then with every mutant those that run what is changed in it."""
        self.collecting.close()
        watched = self._unchanged(session)
        if watched is None:
            session.testsfailed = 1
            return True
        functions = Functions(f"convstep.{self.name}", self.path, self.ran)
        order = list(range(len(session.items)))
        running: dict[int, int] = {}
        for number, mutant in enumerate(self.mutants):
            change = functions.change(mutant)
            if change is None:
                self.outcomes[number] = NOT_HERE
                continue
            if len(running) >= self.jobs:
                self._await_one(running, order)
            changed = {key for function, _ in change for key in keys_of(function.__code__)}
            tests = {index: watched[index].seconds for index in order if watched[index].functions & changed}
            running[self._start(session, number, change, tests)] = number
        while running:
            self._await_one(running, order)
        return True

    def _unchanged(self, session: pytest.Session) -> list[Watched] | None:
        """Each test as it is; None if one fails."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                found = [self._watched(session, item) for item in session.items]
                with open(writer, "wb") as pipe:
                    pickle.dump(None if session.testsfailed else found, pipe)
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        result: list[Watched] | None = pickle.loads(text) if text else None
        return result

    def _watched(self, session: pytest.Session, item: pytest.Item) -> Watched:
        began = time.monotonic()
        with recorded(self.path) as ran:
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return Watched({key for code in ran for key in keys_of(code)}, time.monotonic() - began)

    def _start(self, session: pytest.Session, number: int, change: Change, tests: Mapping[int, float]) -> int:
        """Splits off a process that runs tests, of so many seconds each, with a mutant until one fails."""
        child = os.fork()
        if child:
            return child
        self.outcomes[number] = KILLED
        try:
            for function, code in change:
                function.__code__ = code
            for index, following in itertools.zip_longest(tests, [*tests][1:]):
                signal.setitimer(signal.ITIMER_REAL, SLOWDOWN * tests[index] + GRACE)  # its signal ends the process
                after = None if following is None else session.items[following]
                session.config.hook.pytest_runtest_protocol(item=session.items[index], nextitem=after)
                if session.testsfailed:
                    self.outcomes[number] = index
                    break
            else:
                self.outcomes[number] = ALIVE
        finally:
            os._exit(0)

    def _await_one(self, running: dict[int, int], order: list[int]) -> None:
        """Waits until one of the processes ends; the test that failed goes first from then on."""
        child, _ = os.wait()
        noticed = self.outcomes[running.pop(child)]
        if noticed in order:
            order.remove(noticed)
            order.insert(0, noticed)
