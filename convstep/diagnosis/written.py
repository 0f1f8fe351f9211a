"""A learner's numbers with the digits that they were written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.numbers import WrittenNumber
from convstep.problem.checks_numbers import DECIMAL, is_list, number

FLOOR = 1e-9
"""However many digits there are, a number is never judged tighter than this share of the largest of its quantity."""
MOST_DECIMALS = 15
UNITS = tuple(10.0**-decimals for decimals in range(MOST_DECIMALS + 1))
"""A unit of the last decimal, by how many there are."""


class Written(NamedTuple):
    """One quantity as a learner wrote it.

    Attributes:
        values: Its numbers in the shape that they were given; 0 where a cell was left open.
        units: A unit of each number's last decimal; 0 where it is exact: integers, fractions, floats of a program.
        judged: Where there is a number to judge.
        decimals: The most decimals that a number of it was written with.
    """

    values: Array
    units: Array
    judged: Mask
    decimals: int

    @classmethod
    def of(cls, value: Any) -> Written:
        """Reads nested lists of numbers, or an array, whose numbers have all their digits.

        >>> written = Written.of([["0.50", 0.333], [1, None]])
        >>> written.values.tolist(), written.units.tolist(), written.decimals
        ([[0.5, 0.333], [1.0, 0.0]], [[0.01, 0.001], [0.0, 0.0]], 3)
        """
        if isinstance(value, np.ndarray):
            values = np.asarray(value, dtype=np.float64)
            return cls(values, np.zeros(values.shape), np.ones(values.shape, dtype=bool), 0)
        shape = shape_of(value)
        flat = list(_flat(value, len(shape)))
        decimals = [_decimals(each) for each in flat]
        values = np.array([0.0 if each is None else number(each, ()) for each in flat]).reshape(shape)
        units = np.array([0.0 if each is None else UNITS[each] for each in decimals]).reshape(shape)
        judged = np.array([each is not None for each in flat]).reshape(shape)
        return cls(values, units, judged, max((each for each in decimals if each is not None), default=0))

    @property
    def floor(self) -> float:
        """How far apart two numbers may always be."""
        return FLOOR * float(np.abs(self.values).max(initial=0.0))

    @property
    def unit(self) -> float:
        """A unit of the finest digits that a number of it was written with; 0 where all are exact."""
        return 10.0**-self.decimals if self.decimals else 0.0

    @property
    def key(self) -> tuple[object, ...]:
        """Something that is equal for equal numbers, and quickly compared."""
        arrays = self.values, self.units, self.judged
        return self.values.shape, self.decimals, *(each.tobytes() for each in arrays)

    @property
    def judged_count(self) -> int:
        """How many numbers are judged."""
        return int(self.judged.sum())


def read_written(attempt: Mapping[str, Any]) -> dict[str, Written]:
    """The quantities of an attempt in which there is a number to judge."""
    found = {name: Written.of(value) for name, value in attempt.items() if name != "iteration"}
    return {name: each for name, each in found.items() if each.judged.any()}


def finest(written: Mapping[str, Written]) -> int:
    """The most decimals that any number was written with."""
    return max((each.decimals for each in written.values()), default=0)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of nested lists; an open row has the shape of the others."""
    if not is_list(value):
        return ()
    shapes = [shape_of(each) for each in value]
    return (len(value), *max(shapes, key=len))


def _flat(value: Any, depth: int) -> Iterable[Any]:
    """The cells of nested lists of that depth; the cells of an open row are open."""
    if depth == 0:
        yield value
        return
    if depth == 1:
        yield from value
        return
    for each in value:
        if each is None:
            yield from [None] * int(np.prod(shape_of(value)[1:]))
        else:
            yield from _flat(each, depth - 1)


def _decimals(value: Any) -> int | None:
    """How many decimals a number was written with; ``None`` for what is exact or open.

    >>> [_decimals(each) for each in ("0.50", 0.25, "1e-3", "2.", 2, "1/3", None)]
    [2, 2, 3, 0, None, None, None]
    """
    if isinstance(value, WrittenNumber):
        text = value.text.strip()
    elif value is None or isinstance(value, int):
        return None
    else:
        text = value.strip() if isinstance(value, str) else repr(float(value))
    before, point, after = text.partition(".")
    if after.isdecimal() and before.lstrip("+-").isdecimal():  # the usual case
        return min(len(after), MOST_DECIMALS)
    if not (point or "e" in text.lower()) or not DECIMAL.fullmatch(text):
        return None
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    return min(max(0, -exponent), MOST_DECIMALS) if exponent < 0 or point else None
