"""A run from beginning to end, kept whole."""

from __future__ import annotations

from convstep.descent import descend
from convstep.problem.model import Problem
from convstep.reasons.conclusion import conclude
from convstep.trace import Trace


def run(problem: Problem) -> Trace:
    """Runs the problem to its end and keeps every iteration.

    >>> import convstep
    >>> trace = convstep.run(convstep.load({"input": [[1, 2]], "filter": [[0.5]], "target": [[1, 2]],
    ...                                     "learning_rate": 0.2}))
    >>> trace.outcome.status, len(trace), trace.reason
    ('converged', 1, 'The loss 0 is at most 1e-12, so the output matches the target.')
    """
    descent = descend(problem)
    steps = tuple(descent)
    assert descent.outcome is not None
    verdict = conclude(problem, descent.outcome, steps[0], steps[-1])
    return Trace(problem, steps, descent.outcome, verdict.reason, verdict.advice)
