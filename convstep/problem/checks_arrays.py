"""Nested lists, NumPy arrays and data files, to arrays of numbers."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.errors import Path, ProblemError, spell
from convstep.problem import limits
from convstep.problem.checks_numbers import is_list, number
from convstep.words import counted, quoted, spelled_shape

MOST_AXES = 8
"""How deep the lists of an array may be nested: N×F×rows×columns, and some leading axes of length 1."""

ITEMS = {1: ("row", "number", "numbers"), 2: ("matrix", "row", "rows"), 3: ("block", "matrix", "matrices")}
"""By how many axes it has: what a part of an array is called, and what it is made of."""

OTHER_ITEM = ("block", "block", "blocks")


def array(
    value: Any, path: Path, folder: str | None, axes: Collection[int] = range(MOST_AXES), words: str = ""
) -> Array:
    """The numbers of an array, finite and at least one, with as many axes as are allowed.

    Args:
        value: Nested lists, a NumPy array, or the name of a data file.
        path: Where it stands.
        folder: Where the names of data files begin.
        axes: How many axes it may have.
        words: How the shapes that it may have are spelled, as in ``H×W or C×H×W``.
    """
    expected = f"nested lists of numbers{words and f' ({words})'}"
    if isinstance(value, np.ndarray):
        result = numeric(value, path)
    elif is_list(value):
        result = _nested(value, path, axes, words)
    elif isinstance(value, str) and value.lower().endswith((".npy", ".csv")):
        from convstep.problem.data_files import read_data

        result = read_data(value, path, folder)
    elif 0 in axes:
        return np.array(number(value, path, f"{expected} or the name of a .npy or .csv file"))
    else:
        message = f"expected {expected} or the name of a .npy or .csv file, found {quoted(value)}"
        raise ProblemError(message, path)
    if result.ndim not in axes:
        raise ProblemError(f"expected {words}, found {spelled_shape(result.shape)}", path)
    return result


def fitted(values: Array, shape: tuple[int, ...], path: Path, reason: str) -> Array:
    """The array in the shape wanted, which it may miss by leading axes of length 1; see `sealed`."""
    if _without_leading_ones(values.shape) != _without_leading_ones(shape):
        message = f"expected {spelled_shape(shape)}, {reason}, found {spelled_shape(values.shape)}"
        raise ProblemError(message, path)
    return sealed(values, shape)


def sealed(values: Numbers, shape: tuple[int, ...] | None = None) -> Array:
    """A read-only float64 copy with memory of its own, and 0 in the place of −0."""
    result = np.empty(values.shape if shape is None else shape)
    np.add(values.reshape(result.shape), 0.0, out=result, casting="same_kind")
    result.setflags(write=False)
    return result


def numeric(values: Numbers, path: Path, name: str = "") -> Array:
    """A NumPy array's numbers as float64, if they are finite real numbers.

    Args:
        values: The array.
        path: Where it stands in the problem.
        name: The data file that it comes from, if any.
    """
    where = f"{name}: " if name else ""
    if values.dtype.kind not in "iuf":
        raise ProblemError(f"{where}expected real numbers, found an array of {values.dtype}", path)
    if values.size == 0:
        raise ProblemError(f"{where}expected numbers, found an empty array of shape {list(values.shape)}", path)
    if values.size * 8 > limits.ARRAY_BYTES:
        raise ProblemError(
            f"{where}{spelled_shape(values.shape)} numbers; the limit is {limits.spelled_bytes(limits.ARRAY_BYTES)}",
            path,
        )
    with np.errstate(over="ignore"):
        result = values.astype(np.float64)
    refuse_infinite(result, path, name)
    return result


def refuse_infinite(values: Array, path: Path, name: str = "") -> None:
    """Refuses NaN and infinities, and names the first one's index."""
    if np.isfinite(values).all():
        return
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    found = quoted(float(values[index]))
    if name:
        raise ProblemError(f"{name}: expected a finite number at {list(index)}, found {found}", path)
    raise ProblemError(f"expected a finite number, found {found}", (*path, *index))


def _nested(value: Any, path: Path, axes: Collection[int], words: str) -> Array:
    """Nested lists to an array: quick where all is well, and with a search for the first fault where it is not."""
    quick = _quick(value)
    if quick is not None and quick.ndim in axes:
        return quick
    depth = _depth(value, path)
    if depth not in axes:
        found = "a list of numbers; a single row is written [[1, 2, 3]]" if depth == 1 else f"lists nested {depth} deep"
        raise ProblemError(f"expected {words or f'at most {MOST_AXES - 1} axes'}, found {found}", path)
    return np.array(_Walk(path).numbers(value, (), depth))


def _quick(value: Any) -> Array | None:
    """The array, if the lists are regular and hold nothing but finite numbers; else ``None``."""
    shape = [len(value)]
    level = value
    while level and type(level[0]) is list and len(shape) < MOST_AXES:
        lengths = set(map(len, level)) if set(map(type, level)) == {list} else set()
        if len(lengths) != 1:
            return None
        shape.extend(lengths)
        level = list(chain.from_iterable(level))
    if not level or not set(map(type, level)) <= {int, float}:
        return None
    try:
        result = np.array(level, dtype=np.float64)
    except OverflowError:
        return None
    return result.reshape(shape) if np.isfinite(result).all() else None


def _depth(value: Any, path: Path) -> int:
    """How deep the lists are nested, judged by the first list at each level: a number beside it is the fault."""
    depth = 0
    while is_list(value):
        depth += 1
        if len(value) == 0:
            raise ProblemError("expected numbers, found an empty list", path)
        step, value = next(((i, item) for i, item in enumerate(value) if is_list(item)), (0, None))
        path = (*path, step)
    return depth


class _Walk:
    """Nested lists, part by part, up to the first that is out of order.

    Attributes:
        path: Where the array stands.
        first: By number of axes, the index and the length of the first part met: all others must be as long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: dict[int, tuple[Path, int]] = {}

    def numbers(self, value: Any, index: Path, axes: int) -> Any:
        """The numbers of the part at an index of the array, which should have so many axes."""
        path = (*self.path, *index)
        if axes == 0:
            return number(value, path)
        if not is_list(value):
            name, _, many = ITEMS.get(axes, OTHER_ITEM)
            raise ProblemError(f"expected a {name}, a list of {many}, found {quoted(value)}", path)
        if len(value) == 0:
            raise ProblemError("expected numbers, found an empty list", path)
        first = self.first.setdefault(axes, (index, len(value)))
        if len(value) != first[1]:
            raise ProblemError(_ragged(axes, (index, len(value)), first), path)
        return [self.numbers(item, (*index, i), axes - 1) for i, item in enumerate(value)]


def _ragged(axes: int, found: tuple[Path, int], first: tuple[Path, int]) -> str:
    name, one, many = ITEMS.get(axes, OTHER_ITEM)
    here, there = (spell(index) if len(index) > 1 else str(index[0]) for index, _ in (found, first))
    found_length, first_length = counted(found[1], one, many), first[1]
    rule = "every row of a matrix needs the same length" if axes == 1 else f"every {name} needs the same size"
    return f"{name} {here} has {found_length} and {name} {there} has {first_length}; {rule}"


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    start = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[start:]
