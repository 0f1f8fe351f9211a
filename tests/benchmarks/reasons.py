"""The answer to "why?" on every sample, and what a run pays for it.

Run with ``python -m tests.benchmarks.reasons``.
"""

from __future__ import annotations

from collections.abc import Callable

import convstep
from convstep.descent import descend
from convstep.problem.model import Problem
from convstep.reasons.answer import why
from convstep.reasons.conclusion import conclude
from tests.benchmarks.timing import ROOT, call_seconds, medians, row

PROMISED = 1.0
"""How many seconds `why` may take on a sample, after imports."""


def concluding(problem: Problem) -> Callable[[], object]:
    """What `run` does for its verdict, once its iterations are done."""
    descent = descend(problem)
    steps = list(descent)
    assert descent.outcome is not None
    outcome = descent.outcome
    return lambda: conclude(problem, outcome, steps[0], steps[-1])


def main() -> int:
    """Prints what was measured; returns 1 if less than promised."""
    samples = {path.stem: convstep.load(path) for path in sorted((ROOT / "samples").glob("*.yaml"))}
    answers = {name: lambda problem=problem: call_seconds(lambda: why(problem)) for name, problem in samples.items()}
    found = medians(answers, 5)
    slowest = max(found, key=lambda name: found[name])
    row(f"`why` after imports, the slowest sample ({slowest})", f"{found[slowest]:.2f} s", f"< {PROMISED:.0f} s")
    converging = concluding(samples["question-converges"])
    single = medians({"verdict": lambda: call_seconds(converging)}, 101)["verdict"]
    row("the verdict of a run that converged", f"{single * 1e6:.0f} µs", "nothing to speak of")
    return 0 if found[slowest] < PROMISED else 1


if __name__ == "__main__":
    raise SystemExit(main())
