"""Mutants that change what an import runs: a process of its own imports one in the place of its module."""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import pytest

from tests.mutation.collected import silence
from tests.mutation.modules import QUICK, source, tests_of
from tests.mutation.mutants import Mutant

SECONDS = 600
"""A mutant that takes longer runs for ever."""


class MutantLoader(SourceFileLoader):
    """Loads a mutant in the place of its module."""

    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.mutant.tree, self.path, "exec", dont_inherit=True)


class MutantFinder:
    """Finds the mutant where its module is asked for."""

    def __init__(self, name: str, path: Path, mutant: Mutant) -> None:
        self.name = name
        self.loader = MutantLoader(name, str(path), mutant)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return spec_from_file_location(name, self.loader.path, loader=self.loader)


def survives(name: str, mutant: Mutant) -> bool:
    """Whether the tests pass."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            silence()
            sys.meta_path.insert(0, MutantFinder(f"convstep.{name}", source(name), mutant))  # type: ignore[arg-type]
            code = int(pytest.main([*tests_of(name), *QUICK]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status == 0
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False
