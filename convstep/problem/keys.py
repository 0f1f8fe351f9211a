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
)
"""The keys of a problem, in the order in which documents show them."""
USUAL = (
    "input",
    "filter",
    "target",
    "learning_rate",
    "activation",
    "loss",
    "iteration",
    "error",
    "delta",
    "new_filter",
)
"""What stands for all names where they are too many for a line."""
LONGEST_LIST = 90
"""How many characters a list of all names may have."""


def mapping(value: Any, path: Path, expected: str) -> Mapping[str, Any]:
    """The value, if it is a mapping from text to anything."""
    if not isinstance(value, Mapping):
        raise ProblemError(f"expected {expected}, found {quoted(value)}", path)
    for key in value:
        if not isinstance(key, str):
            raise ProblemError(f"expected text as a key, found {quoted(key)}", path)
    return value


def present(value: Mapping[str, Any], known: Iterable[str], path: Path = (), *, listed: str = "") -> dict[str, Any]:
    """The keys that hold something; a key that holds nothing counts as absent.

    Args:
        value: The mapping.
        known: The keys that there may be.
        path: Where it stands.
        listed: Where all keys can be read, if they are too many for a line.

    Raises:
        ProblemError: A key is none of the known ones.
    """
    names = tuple(known)
    for key in value:
        if key not in names:
            raise ProblemError(f"unknown key; {_instead(key, names, listed)}", (*path, visible(key)), at_key=True)
    return {key: held for key, held in value.items() if held is not None}


def _instead(key: str, known: tuple[str, ...], listed: str) -> str:
    meant = nearest(key, known)
    if meant is not None:
        return f"did you mean {meant}?"
    names = ", ".join(known)
    if len(names) > LONGEST_LIST:
        names = f"{', '.join(name for name in USUAL if name in known)} …; {listed}"
    return f"known here: {names}" if known else "there are none here"


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """What to say about a name that no table holds.

    >>> unknown_name("activation", "rellu", ["relu", "tanh"])
    'unknown activation "rellu"; did you mean relu?'
    """
    names = list(known)
    meant = nearest(name, names)
    instead = f"did you mean {meant}?" if meant else f"expected {either(names)}"
    return f'unknown {what} "{visible(name)}"; {instead}'
