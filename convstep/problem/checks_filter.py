"""The filter: as given, or drawn at random from its size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convstep.arrays import Array
from convstep.errors import ProblemError
from convstep.problem.checks_arrays import array
from convstep.problem.checks_geometry import check_memory
from convstep.problem.checks_numbers import integer, pair, word
from convstep.problem.keys import present
from convstep.words import quoted

Shape = tuple[int, ...]
Draw = Callable[[Any, Shape, int, int], Array]

WORDS = "kh×kw, C×kh×kw or F×C/groups×kh×kw"


def _he(random: Any, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Normal, of variance 2/fan_in (He et al., 2015)."""
    drawn: Array = random.normal(0.0, math.sqrt(2.0 / fan_in), shape)
    return drawn


def _glorot(random: Any, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Uniform within ±√(6/(fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    drawn: Array = random.uniform(-limit, limit, shape)
    return drawn


def _uniform(random: Any, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Uniform within ±1/√fan_in, what PyTorch starts a convolution with."""
    limit = 1.0 / math.sqrt(fan_in)
    drawn: Array = random.uniform(-limit, limit, shape)
    return drawn


def _zeros(random: Any, shape: Shape, fan_in: int, fan_out: int) -> Array:
    return np.zeros(shape)


INITIALS: Mapping[str, Draw] = {"he": _he, "glorot": _glorot, "uniform": _uniform, "zeros": _zeros}
"""By name, how a filter's first numbers are drawn."""


def read_filter(value: Any, signal: Shape, groups: int, folder: str | None) -> tuple[Shape, Callable[[], Array]]:
    """The filter's shape, and how to come by its numbers once the shape is known to be right.

    Args:
        value: As the problem gives it.
        signal: The shape of the input.
        groups: Into how many parts the channels are split.
        folder: Where the names of data files begin.
    """
    if isinstance(value, Mapping):
        return _drawn(value, signal, groups)
    if value is None or isinstance(value, (bool, int, float)):
        words = f"nested lists of numbers ({WORDS}), a data file or {{size: 3}}"
        raise ProblemError(f"expected {words}, found {quoted(value)}", ("filter",))
    numbers = array(value, ("filter",), folder, (2, 3, 4), WORDS)
    return numbers.shape, lambda: numbers


def _drawn(value: Mapping[str, Any], signal: Shape, groups: int) -> tuple[Shape, Callable[[], Array]]:
    given = present(value, ("size", "filters", "initial", "seed"), ("filter",))
    if "size" not in given:
        raise ProblemError("expected size: n or [rows, columns], found none", ("filter",))
    rows, columns = pair(given["size"], ("filter", "size"), 1)
    filters = integer(given["filters"], ("filter", "filters"), 1) if "filters" in given else None
    draw = INITIALS[word(given.get("initial", "he"), ("filter", "initial"), tuple(INITIALS))]
    seed = integer(given.get("seed", 0), ("filter", "seed"), 0, most=2**128 - 1)
    channels = max(1, (signal[-3] if len(signal) >= 3 else 1) // groups)
    shape: Shape = (rows, columns)
    if filters is not None:
        shape = (filters, channels, *shape)
    elif len(signal) > 2:
        shape = (channels, *shape)
    check_memory("the filter", shape, "filter")
    fan_in, fan_out = channels * rows * columns, (filters or 1) * rows * columns
    return shape, lambda: draw(np.random.default_rng(seed), shape, fan_in, fan_out)
