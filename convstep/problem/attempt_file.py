"""A learner's attempts as a file holds them: one or a list, by themselves, below ``attempt``, or in a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstep.errors import ProblemError
from convstep.problem.checks_attempt import attempt
from convstep.problem.checks_numbers import is_list
from convstep.problem.reader import Source
from convstep.quantities import QUANTITIES

Attempt = Mapping[str, Any]
ATTEMPT = "an attempt, as in error: [[1, 0]], or a problem with input and filter"
"""What a file behind a problem may hold."""


def attempts_of(source: Source) -> list[Attempt]:
    """The attempts in a file, in the order of their iterations; none in a problem without one.

    Raises:
        ProblemError: In one line what is wrong with it, and where.
    """
    data = source.data
    if "attempt" not in data and "input" in data:
        return []
    try:
        _refuse_strays(data)
        found = attempt(data.get("attempt", data))
        attempts = found if is_list(found) else [found]
        if not attempts:
            raise ProblemError("expected at least one attempt, found an empty list", ("attempt",))
        for each in attempts:
            _refuse_empty(each)
        return sorted(attempts, key=lambda each: int(each.get("iteration", 1)))
    except ProblemError as error:
        blame(error, source)
        raise


def _refuse_strays(data: Mapping[str, Any]) -> None:
    """Refuses what stands beside ``attempt`` in an attempt's own file: nobody would judge it."""
    stray = next((key for key in data if key != "attempt"), None) if "attempt" in data else None
    if stray is not None and "input" not in data:
        raise ProblemError("stands beside attempt; write it below attempt", (stray,), at_key=True)


def _refuse_empty(given: Attempt) -> None:
    if not given.keys() & QUANTITIES.keys():
        raise ProblemError("expected quantities, such as error and filter_gradient; found none", ("attempt",))


def blame(error: ProblemError, source: Source) -> None:
    """Adds where in the file of an attempt the error stands."""
    from convstep.problem.locate import locate

    if source.bare or "attempt" not in source.data:
        error.path = error.path[1:]
    place = locate(source.text, (*source.prefix, *error.path), at_key=error.at_key, is_json=source.is_json)
    error.file, (error.line, error.column) = source.name, place or (None, None)
