"""The keys of a mapping: which ones there may be, and which ones are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from convstep.errors import Path, ProblemError
from convstep.words import either, nearest, quoted, visible

KEYS = (
    "title",
    "input",
    "filter",
    "target",
    "output_gradient",
    "bias",
    "activation",
    "slope_at_zero",
    "target_through_activation",
    "operation",
    "stride",
    "dilation",
    "padding",
    "groups",
    "loss",
    "learning_rate",
    "optimizer",
    "stop",
    "attempt",
    "expected_filter",
    "exact",
    "layers",
)
"""The keys of a problem, in the order in which documents show them."""


def mapping(value: Any, path: Path, expected: str) -> Mapping[str, Any]:
    """The value, if it is a mapping from text to anything."""
    if not isinstance(value, Mapping):
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    for key in value:
        if not isinstance(key, str):
            raise ProblemError(f"expected text as a key, found {quoted(key)}", path)
    return value


def present(value: Mapping[str, Any], known: Iterable[str], path: Path = ()) -> dict[str, Any]:
    """The keys that hold something; a key that holds nothing counts as absent.

    Raises:
        ProblemError: A key is none of the known ones.
    """
    names = tuple(known)
    for key in value:
        if key not in names:
            raise ProblemError(f"unknown key; {_instead(key, names)}", (*path, visible(key)), at_key=True)
    return {key: held for key, held in value.items() if held is not None}


def _instead(key: str, known: tuple[str, ...]) -> str:
    meant = nearest(key, known)
    if meant is not None:
        return f"did you mean {meant}?"
    return f"known here: {', '.join(known)}" if known else "there are none here"


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """What to say about a name that no table holds.

    >>> unknown_name("activation", "rellu", ["relu", "tanh"])
    'unknown activation "rellu"; did you mean relu?'
    """
    names = list(known)
    meant = nearest(name, names)
    instead = f"did you mean {meant}?" if meant else f"expected {either(names)}"
    return f'unknown {what} "{visible(name)}"; {instead}'
