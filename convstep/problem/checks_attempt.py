"""A learner's own numbers: do the names exist, and are the numbers numbers? Whether they are right comes later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convstep.errors import Path, ProblemError
from convstep.problem.checks_arrays import MOST_AXES
from convstep.problem.checks_numbers import LARGEST_COUNT, integer, is_list, number
from convstep.problem.keys import mapping, present
from convstep.quantities import QUANTITIES
from convstep.words import counted, quoted, visible

_WORDS: Mapping[str, tuple[str, ...]] = {
    "filter": ("w", "weights", "kernel"),
    "bias": ("b",),
    "pre_activation": ("z", "preactivation", "net"),
    "output": ("a", "y", "activation"),
    "error": ("e",),
    "loss": ("l",),
    "output_gradient": ("da", "dl/da"),
    "activation_slope": ("slope", "derivative", "f'(z)"),
    "delta": ("d", "dz", "δ", "dl/dz"),
    "filter_gradient": ("g", "grad", "gradient", "dw", "dl/dw", "kernel_gradient"),
    "bias_gradient": ("db", "dl/db"),
    "input_gradient": ("dx", "dl/dx"),
    "filter_update": ("update", "step", "δw"),
    "new_filter": ("new_weights", "new_kernel", "w'", "w_new"),
}
CALLED: Mapping[str, str] = {word: name for name, words in _WORDS.items() for word in words}
"""What else people call the quantities, in small letters."""

NAMES = ("name", "title", "student", "learner")
"""How a teacher would say whose attempt it is."""


def attempt(value: Any) -> Any:
    """The attempt, or the list of attempts, as plain data."""
    if not is_list(value):
        return _one(value, ("attempt",))
    attempts = [_one(each, ("attempt", i)) for i, each in enumerate(value)]
    _refuse_same_iteration(attempts)
    return attempts


def _refuse_same_iteration(attempts: Sequence[Mapping[str, Any]]) -> None:
    """Refuses two attempts at one iteration: the second is most likely the next one, and would be judged as wrong."""
    seen: set[int] = set()
    for position, each in enumerate(attempts):
        iteration = int(each.get("iteration", 1))
        if iteration in seen:
            path: Path = ("attempt", position, "iteration") if "iteration" in each else ("attempt", position)
            said = f"a second attempt at iteration {iteration}; write which one it is, as in iteration: {iteration + 1}"
            raise ProblemError(said, path)
        seen.add(iteration)


def _one(value: Any, path: Path) -> dict[str, Any]:
    named = mapping(value, path, "a mapping from names, as in error or filter_gradient, to numbers")
    for key in named:
        if key not in QUANTITIES and key.lower() in CALLED:
            raise ProblemError(f"unknown key; did you mean {CALLED[key.lower()]}?", (*path, visible(key)), at_key=True)
        if key not in QUANTITIES and key.lower() in NAMES:
            raise ProblemError("an attempt has no name; check calls it by its file", (*path, key), at_key=True)
    given = present(named, ("iteration", *QUANTITIES), path, listed="convstep worksheet prints all")
    if "iteration" in given:
        integer(given["iteration"], (*path, "iteration"), 1, most=LARGEST_COUNT)
    return {key: held if key == "iteration" else _numbers(held, (*path, key)) for key, held in given.items()}


def _numbers(value: Any, path: Path) -> Any:
    """Nested lists of numbers as they stand; ``None`` is a cell that is not judged."""
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    _shape(plain, path, 0)
    return plain


def _shape(value: Any, path: Path, depth: int) -> tuple[int, ...] | None:
    """The shape of a number or a regular list; ``None`` for a cell left open, which fits any."""
    if value is None:
        return None
    if not is_list(value):
        number(value, path, "a number or null")
        return ()
    if not len(value) or depth == MOST_AXES:
        raise ProblemError(f"expected numbers, found {'an empty list' if not len(value) else 'a list'}", path)
    first: tuple[int, tuple[int, ...]] | None = None
    for index, item in enumerate(value):
        shape = _shape(item, (*path, index), depth + 1)
        if shape is not None and first is None:
            first = index, shape
        elif shape is not None and first is not None and shape != first[1]:
            raise ProblemError(_irregular(item, shape, index, first), (*path, index))
    return len(value), *(first[1] if first else ())


def _irregular(item: Any, shape: tuple[int, ...], index: int, first: tuple[int, tuple[int, ...]]) -> str:
    expected = first[1]
    if len(shape) == len(expected) == 1:
        found = counted(shape[0], "number")
        return (
            f"row {index} has {found} and row {first[0]} has {expected[0]}; every row of a matrix needs the same length"
        )
    found = quoted(item) if not shape else f"a list of {shape[0]}"
    wanted = "a number" if not expected else f"a list of {expected[0]}"
    return f"expected {wanted} as at position {first[0]}, found {found}"
