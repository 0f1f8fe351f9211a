"""A checked problem as plain data: what a trace holds, and what reads back as the same problem."""

from __future__ import annotations

from typing import Any

from convstep.arrays import Array
from convstep.choices import Choice
from convstep.problem.checks_geometry import shortest_padding, shortest_pair
from convstep.problem.model import Exact, Problem


def to_document(problem: Problem) -> dict[str, Any]:
    """The problem with every default spelled out; keys without a value are left out, arrays are nested lists.

    >>> from convstep.problem.checks import check
    >>> document = to_document(check({"input": [[1, 2]], "filter": [[1]]}))
    >>> document["input"], document["stride"], document["stop"]["iterations"]
    ([[1.0, 2.0]], 1, 1)
    """
    values = {
        "title": problem.title,
        "input": _lists(problem.input),
        "filter": _lists(problem.filter),
        "target": _lists(problem.target),
        "output_gradient": _lists(problem.output_gradient),
        "bias": _lists(problem.bias),
        "activation": _spelled(problem.activation),
        "slope_at_zero": problem.slope_at_zero,
        "target_through_activation": problem.target_through_activation,
        "operation": problem.operation,
        "stride": shortest_pair(problem.stride),
        "dilation": shortest_pair(problem.dilation),
        "padding": shortest_padding(problem.padding),
        "groups": problem.groups,
        "loss": _spelled(problem.loss) if problem.target is not None else None,
        "learning_rate": problem.learning_rate,
        "optimizer": _spelled(problem.optimizer) if problem.learning_rate is not None else None,
        "stop": {name: getattr(problem.stop, name) for name in ("iterations", "loss", "gradient")},
        "attempt": problem.attempt,
        "expected_filter": _lists(problem.expected_filter),
        "exact": _exactness(problem),
    }
    return {key: value for key, value in values.items() if value is not None}


def _exactness(problem: Problem) -> bool | dict[str, int]:
    if problem.exact is None or problem.exact == Exact():
        return problem.exact is not None
    return problem.exact._asdict()


def _lists(array: Array | None) -> Any:
    return None if array is None else array.tolist()


def _spelled(choice: Choice) -> Any:
    """The choice as a problem file writes it, pairs as lists."""
    if not choice.parameters:
        return choice.name
    return {choice.name: {key: list(v) if isinstance(v, tuple) else v for key, v in choice.parameters.items()}}
