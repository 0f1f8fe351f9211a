"""Measuring: processes from start to end, functions, and the memory of a process; medians of interleaved runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONVSTEP = str(Path(sys.executable).parent / "convstep")


_COMPILED = tempfile.TemporaryDirectory(prefix="convstep-benchmarks-")


def environment() -> dict[str, str]:
    """As after an installation: modules are compiled once (here into a folder of their own), output is buffered."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONPYCACHEPREFIX": _COMPILED.name}


def row(what: str, value: str, target: str = "") -> None:
    """A line of the table."""
    print(f"| {what} | {value} | {target} |", flush=True)


def process_seconds(command: Sequence[str]) -> float:
    """How long a command takes from start to end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    surroundings = environment()
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=surroundings, check=True, **quiet)
    return time.perf_counter() - began


def call_seconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def medians(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each measure; they take turns, so that what disturbs one disturbs all."""
    for measure in measures.values():
        measure()
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return {name: statistics.median(times) for name, times in found.items()}


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_mebibytes(command: Sequence[str]) -> float:
    """The most memory that a command takes."""
    measured = [sys.executable, "-c", PEAK, *command]
    done = subprocess.run(measured, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    return int(done.stdout) / (2**20 if sys.platform == "darwin" else 2**10)
