"""A thousand rates side by side against a thousand single runs, and the memory of many iterations.

Run with ``python -m tests.benchmarks.sweep``.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import convstep
from convstep.problem.model import Problem, Stop
from convstep.sweeping.running import run_all
from convstep.trace import Outcome
from tests.benchmarks.timing import call_seconds, medians, row

RATES, ITERATIONS, ROUNDS = 1000, 1000, 3
PROMISED = 0.1
"""The largest share of the time of single runs that a sweep may take."""


def problems(rates: int, iterations: int) -> list[Problem]:
    """The sample `question` with rates at which no run ends before its time."""
    question = convstep.load(
        {
            "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
            "filter": [[1, -1], [1, 1]],
            "target": [[1, 0], [0, 1]],
            "learning_rate": 0.1,
        }
    )
    endless = replace(question, stop=Stop(iterations, loss=-1.0, gradient=-1.0))
    return [replace(endless, learning_rate=float(rate)) for rate in np.linspace(0.001, 0.02, rates)]


def side_by_side(runs: Sequence[Problem]) -> list[Outcome]:
    """The outcomes of all runs, in their order."""
    ended = [each for pulse in run_all(runs, [range(len(runs))]) for each in pulse.ended]
    return [each.outcome for each in sorted(ended, key=lambda each: each.position)]


def one_by_one(runs: Sequence[Problem]) -> list[Outcome]:
    """The same by single runs of the library."""
    outcomes = []
    for problem in runs:
        run = convstep.descend(problem)
        for _ in run:
            pass
        assert run.outcome is not None
        outcomes.append(run.outcome)
    return outcomes


def peak(iterations: int) -> int:
    """The most memory that a sweep takes, in bytes."""
    runs = problems(100, iterations)
    tracemalloc.start()
    side_by_side(runs)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def main() -> int:
    """Prints what was measured; returns 1 if less than promised."""
    runs = problems(RATES, ITERATIONS)
    told = [[(each.status, each.iterations, each.loss) for each in way(runs)] for way in (side_by_side, one_by_one)]
    assert told[0] == told[1]
    found = medians(
        {
            "together": lambda: call_seconds(lambda: side_by_side(runs)),
            "alone": lambda: call_seconds(lambda: one_by_one(runs)),
        },
        ROUNDS,
    )
    share = found["together"] / found["alone"]
    row(f"a sweep of {RATES:,} rates × {ITERATIONS:,} iterations", f"{found['together']:.2f} s")
    row(f"… ÷ {RATES:,} single library runs", f"{share:.3f}", f"< {PROMISED}")
    short, long = peak(1000), peak(10000)
    row("… memory of 100 rates, 10,000 iterations (1,000)", f"{long / 1e6:.1f} MB ({short / 1e6:.1f} MB)", "the same")
    return 0 if share < PROMISED and long < 1.1 * short else 1


if __name__ == "__main__":
    raise SystemExit(main())
