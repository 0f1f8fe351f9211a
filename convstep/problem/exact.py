"""A problem in fractions: what it is made of, taken once more from the words of its file.

A decimal is what it is written as: 0.1 is 1/10. A float that was never written (drawn, or out of a ``.npy`` file) is
the shortest decimal that reads back to it, which is what is shown of it everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from convstep.arrays import Array, Number, Numbers
from convstep.choices import Choice
from convstep.errors import Path, ProblemError
from convstep.problem.checks_numbers import LONGEST_NUMBER, flag, integer, is_list
from convstep.problem.data_files import csv_cells
from convstep.problem.keys import present
from convstep.problem.model import MOST_DIGITS, Exact, Problem, Stop
from convstep.words import either, spelled_shape

Given = Mapping[str, Any]

RATIONAL: Mapping[str, tuple[str, ...]] = {
    "activation": ("relu", "linear", "leaky_relu"),
    "loss": ("half_squared_error", "squared_error", "mean_squared_error", "mean_absolute_error", "huber"),
    "optimizer": ("sgd",),
}
"""The functions that make fractions of fractions."""

ARRAYS = ("input", "filter", "bias", "target", "output_gradient", "expected_filter")

MOST_PRODUCTS = 2_000_000
"""How many products the correlation of an exact problem may take: they cost some microseconds each."""

TOO_LARGE = 10**MOST_DIGITS
EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")


def exactness(value: Any) -> Exact | None:
    """What the key `exact` says: true, false, or true with a bound, ``{max_digits: 500}``."""
    if isinstance(value, Mapping):
        given = present(value, Exact._fields, ("exact",))
        path = ("exact", "max_digits")
        return Exact(integer(given.get("max_digits", Exact().max_digits), path, 1, most=MOST_DIGITS))
    return Exact() if flag(value, ("exact",)) else None


def refuse_irrational(problem: Problem, given: Given) -> None:
    """Refuses what is no fraction, and what would take too long in fractions."""
    for key, known in RATIONAL.items():
        name = getattr(problem, key).name
        if name not in known:
            message = f"{name} makes no fractions out of fractions; with exact use {either(known)}"
            raise ProblemError(message, (key,))
    if given.get("learning_rate") == "auto":
        message = "auto is an eigenvalue, and no fraction; with exact use a positive number"
        raise ProblemError(message, ("learning_rate",))
    g = problem.geometry
    products = g.positions * g.filters * g.taps
    if products > MOST_PRODUCTS:
        sizes = f"input {spelled_shape(problem.input.shape)} with filter {spelled_shape(problem.filter.shape)}"
        message = f"{sizes} takes {products} products; in fractions at most {MOST_PRODUCTS} are calculated"
        raise ProblemError(message, ("exact",))


def in_fractions(problem: Problem, given: Given, folder: str | None) -> Problem:
    """The checked problem with all its numbers as fractions.

    Args:
        problem: The problem as it was checked, in floats.
        given: The keys that it was made of, decimals as text where they were written as text.
        folder: Where the names of data files begin.
    """
    stop = given.get("stop")
    changes: dict[str, Any] = {name: _array(problem, name, given, folder) for name in ARRAYS if name in given}
    for name in RATIONAL:
        changes[name] = _choice(getattr(problem, name), given.get(name), (name,))
    if problem.learning_rate is not None:
        changes["learning_rate"] = fraction(given["learning_rate"], ("learning_rate",))
    if problem.slope_at_zero is not None:
        default = changes["activation"].parameters.get("slope", 0)
        changes["slope_at_zero"] = fraction(given.get("slope_at_zero", default), ("slope_at_zero",))
    bounds: dict[str, Number] = {
        name: fraction(_held(stop, name, getattr(problem.stop, name)), ("stop", name)) for name in ("loss", "gradient")
    }
    changes["stop"] = Stop(problem.stop.iterations, **bounds)
    return replace(problem, **changes)


def fraction(value: Any, path: Path = ()) -> Fraction:
    """The number that was written, of at most `MOST_DIGITS` digits.

    >>> fraction("0.10"), fraction(0.1), fraction("1 / 3"), fraction("1e-3"), fraction(2)
    (Fraction(1, 10), Fraction(1, 10), Fraction(1, 3), Fraction(1, 1000), Fraction(2, 1))

    Raises:
        ProblemError: It takes more digits.
    """
    if isinstance(value, (np.floating, float)):
        value = repr(float(value))
    if isinstance(value, str):
        exponent = EXPONENT.search(value)
        if exponent and (len(exponent[1]) > 6 or abs(int(exponent[1])) > LONGEST_NUMBER):
            raise _too_long(path)
        value = "".join(value.split())
    number = Fraction(value)
    if max(abs(number.numerator), number.denominator) >= TOO_LARGE:
        raise _too_long(path)
    return number


def _too_long(path: Path) -> ProblemError:
    return ProblemError(
        f"expected a number of at most {MOST_DIGITS} digits where exact is set, found a longer one", path
    )


def _choice(choice: Choice, given: Any, path: Path) -> Choice:
    """A function with its parameters as fractions; `given` is how the problem asks for it."""
    written = given.get(choice.name) if isinstance(given, Mapping) else None
    return choice.converted(lambda name, value: fraction(_held(written, name, value), (*path, choice.name, name)))


def _held(given: Given | None, key: str, default: Any) -> Any:
    """What a key holds; a key that holds nothing counts as absent."""
    value = None if given is None else given.get(key)
    return default if value is None else value


def _array(problem: Problem, name: str, given: Given, folder: str | None) -> Numbers | None:
    """An array of the problem as fractions, in its shape."""
    floats: Numbers | None = getattr(problem, name)
    if floats is None:
        return None
    value = given[name]
    if isinstance(value, Mapping):  # drawn
        value = floats
    elif isinstance(value, str) and value.lower().endswith(".csv"):
        value = csv_cells(value, folder)
    elif isinstance(value, str) and value.lower().endswith(".npy"):
        value = floats
    numbers = [fraction(each, path) for path, each in _leaves(value, (name,))]
    if len(numbers) == 1:  # one bias for every filter
        numbers *= floats.size
    return fractions_array(numbers, floats.shape)


def fractions_array(numbers: list[Fraction], shape: tuple[int, ...]) -> Numbers:
    """The fractions as a read-only array of a shape."""
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


def decimals(floats: Array) -> Numbers:
    """Floats as the shortest decimals that read back to them."""
    return fractions_array([fraction(each) for each in floats.reshape(-1).tolist()], floats.shape)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The numbers of nested lists, or of an array, each with its path."""
    if isinstance(value, np.ndarray):
        yield from ((path, each) for each in value.reshape(-1).tolist())
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value
