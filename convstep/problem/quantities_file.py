"""Quantities that another program computed: a file of names and numbers, to be compared with convstep's own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.errors import ProblemError
from convstep.problem.checks_attempt import attempt
from convstep.problem.checks_numbers import DECIMAL, is_list, number
from convstep.problem.reader import Source
from convstep.quantities import QUANTITIES
from convstep.words import quoted


class GivenQuantity(NamedTuple):
    """One quantity as it was given.

    Attributes:
        values: Its numbers; NaN where a cell was left open.
        units: By how much each may be off because of the digits it was written with; 0 where it is exact.
    """

    values: Array
    units: Array

    @classmethod
    def of(cls, value: Any) -> GivenQuantity:
        """Reads nested lists of numbers. The number with the most decimals says how many all were written with.

        >>> given = GivenQuantity.of([[0.5, 0.333], [1, None]])
        >>> given.values.tolist(), given.units.tolist()
        ([[0.5, 0.333], [1.0, nan]], [[0.001, 0.001], [0.0, 0.0]])
        """
        cells = np.array(value, dtype=object)
        flat = cells.reshape(-1).tolist()
        decimals = [_decimals(each) for each in flat]
        finest = max((each for each in decimals if each), default=0)
        unit = 10.0**-finest if finest else 0.0
        values = np.array([np.nan if each is None else number(each, ()) for each in flat])
        units = np.array([0.0 if each is None else unit for each in decimals])
        return cls(values.reshape(cells.shape), units.reshape(cells.shape))

    @classmethod
    def exactly(cls, values: Array) -> GivenQuantity:
        """Numbers with all their digits."""
        return cls(values, np.zeros(values.shape))


def _decimals(value: Any) -> int | None:
    """How many decimals a number was written with; ``None`` for what is exact or open: integers and fractions."""
    if value is None or isinstance(value, int) or (isinstance(value, str) and not DECIMAL.fullmatch(value)):
        return None
    exponent = Decimal(value.strip() if isinstance(value, str) else repr(float(value))).as_tuple().exponent
    whole = isinstance(value, float) and value.is_integer()
    return 0 if whole or not isinstance(exponent, int) else max(0, -exponent)


def given_quantities(source: Source) -> tuple[dict[str, GivenQuantity], int | None]:
    """The quantities that a file holds by their names, and the iteration that it says they belong to.

    The names may stand by themselves or below ``attempt``, as in a problem file.

    Raises:
        ProblemError: In one line what is wrong, and where.
    """
    try:
        return _given(source.data)
    except ProblemError as error:
        from convstep.problem.locate import locate

        if "attempt" not in source.data:
            error.path = error.path[1:]
        place = locate(source.text, error.path, at_key=error.at_key, is_json=source.is_json)
        error.file, (error.line, error.column) = source.name, place or (None, None)
        raise


def _given(data: Mapping[str, Any]) -> tuple[dict[str, GivenQuantity], int | None]:
    value = data.get("attempt", data)
    if is_list(value):
        raise ProblemError(f"expected the quantities of one iteration, found {quoted(value)}", ("attempt",))
    named = attempt(value)
    if not named.keys() & QUANTITIES.keys():
        raise ProblemError("expected quantities, such as delta and filter_gradient; found none", ("attempt",))
    for name, held in named.items():
        _refuse_ragged(name, held)
    found = {name: GivenQuantity.of(named[name]) for name in QUANTITIES if name in named}
    iteration = named.get("iteration")
    return found, None if iteration is None else int(iteration)


def _refuse_ragged(name: str, value: Any) -> None:
    """An open cell fits any row when an attempt is read; here it must be one number."""
    if np.array(value, dtype=object).size and _depths(value) != {np.array(value, dtype=object).ndim}:
        raise ProblemError("expected null in place of single numbers only, not of rows", ("attempt", name))


def _depths(value: Any, depth: int = 0) -> set[int]:
    return {d for each in value for d in _depths(each, depth + 1)} if is_list(value) else {depth}
