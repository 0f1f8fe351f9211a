"""convstep: see every number of a convolution layer as it learns.

>>> import convstep
>>> problem = convstep.load({"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]],
...                          "target": [[1, 0], [0, 1]], "learning_rate": 0.1})
>>> trace = convstep.run(problem)
>>> trace.outcome.status, trace.outcome.iterations
('converged', 131)
>>> trace.steps[0].filter_gradient.tolist()
[[2.0, -2.0], [0.0, 2.0]]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from convstep.version import __version__

if TYPE_CHECKING:
    from convstep.derivation.explanation import Explanation, explain
    from convstep.descent import Descent, descend
    from convstep.diagnosis.examiner import diagnose
    from convstep.diagnosis.result import Diagnosis
    from convstep.errors import ConvstepError, ProblemError, UsageError
    from convstep.problem.load import load
    from convstep.problem.model import Problem
    from convstep.reasons.answer import why
    from convstep.reasons.model import Reasons
    from convstep.recording import run
    from convstep.trace import Outcome, Step, Trace

_HOMES = {
    "ConvstepError": "errors",
    "Descent": "descent",
    "Diagnosis": "diagnosis.result",
    "Explanation": "derivation.explanation",
    "Outcome": "trace",
    "Problem": "problem.model",
    "ProblemError": "errors",
    "Step": "trace",
    "Trace": "trace",
    "UsageError": "errors",
    "descend": "descent",
    "diagnose": "diagnosis.examiner",
    "explain": "derivation.explanation",
    "load": "problem.load",
    "Reasons": "reasons.model",
    "run": "recording",
    "why": "reasons.answer",
}
"""Where each public name lives. It is imported when it is first used, so that the command line starts fast."""

__all__ = [
    "ConvstepError",
    "Descent",
    "Diagnosis",
    "Explanation",
    "Outcome",
    "Problem",
    "ProblemError",
    "Reasons",
    "Step",
    "Trace",
    "UsageError",
    "__version__",
    "descend",
    "diagnose",
    "explain",
    "load",
    "run",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convstep' has no attribute {name!r}")
    return getattr(importlib.import_module(f"convstep.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
