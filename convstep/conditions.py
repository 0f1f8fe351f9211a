"""Conditions on an iteration, as people write them: ``loss < 0.01``, ``filter[0,1] > 0.5``, ``slope changes``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from convstep.arrays import Array
from convstep.errors import UsageError
from convstep.numbers import cell_text
from convstep.problem.plain_scalars import as_float
from convstep.quantities import QUANTITIES
from convstep.trace import Step
from convstep.words import counted, either, nearest, visible

EXAMPLES = "loss < 0.01, filter[0,1] > 0.5, slope changes or status changes"
SHORT_NAMES = {"slope": "activation_slope"}
"""What people call a quantity besides its name."""
STATUS = "status"
"""Not a quantity: it changes when the run ends."""

COMPARISON = re.compile(r"([A-Za-z_]+)\s*((?:\[[\d\s,]*\]\s*)*)(<=|>=|==|=|<|>)\s*(\S+)")
CHANGE = re.compile(r"([A-Za-z_]+)\s+changes?", re.IGNORECASE)
LONGEST = 200


def _same(value: float, number: float) -> bool:
    """Whether a page would show the one as the other: 0.1 + 0.2 is 0.3."""
    return abs(value - number) <= 4 * math.ulp(number)


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": _same,
    "=": _same,
}


class Condition(NamedTuple):
    """What an iteration must be like.

    Attributes:
        text: As it is spelled in messages.
        holds: Tells it of an iteration, given the one before it.
    """

    text: str
    holds: Callable[[Step, Step | None], bool]


def quantity_called(name: str, known: Iterable[str]) -> str:
    """The quantity that a name, a short name or the beginning of a name means.

    >>> quantity_called("slope", ["activation_slope"]), quantity_called("filter_g", ["filter", "filter_gradient"])
    ('activation_slope', 'filter_gradient')

    Raises:
        UsageError: If it is none of the known ones; names the nearest.
    """
    names = tuple(known)
    wanted = name.lower().replace("-", "_")
    wanted = SHORT_NAMES.get(wanted, wanted)
    if wanted in names:
        return wanted
    beginnings = [each for each in names if wanted and each.startswith(wanted)]
    if len(beginnings) == 1:
        return beginnings[0]
    if beginnings:
        raise UsageError(f"{visible(name)} may be {either(beginnings)}")
    if wanted in QUANTITIES:
        raise UsageError(f"this problem has no {wanted}; it has {', '.join(names)}")
    near = nearest(name, [*names, *SHORT_NAMES])
    hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
    raise UsageError(f"there is no quantity {visible(name)}; {hint}")


def parse_condition(text: str, step: Step) -> Condition:
    """Reads a condition.

    Args:
        text: ``loss < 0.01``, ``filter[0,1] >= 0.5``, ``iteration == 20``, ``slope changes``: any quantity.
        step: An iteration of the run that is meant: it has the quantities and their shapes.

    Raises:
        UsageError: In one line what was expected.
    """
    written = text.strip()
    change = CHANGE.fullmatch(written) if len(written) <= LONGEST else None
    comparison = COMPARISON.fullmatch(written) if len(written) <= LONGEST else None
    if change:
        return _change(change[1], step)
    if comparison is None:
        raise UsageError(f"expected a condition, such as {EXAMPLES}; found {visible(written) or 'none'}")
    number = _number(comparison[4])
    return _comparison(comparison[1], comparison[2], comparison[3], number, comparison[4], step)


def _change(name: str, step: Step) -> Condition:
    """The condition that a quantity differs from the iteration before."""
    if name.lower() == STATUS:
        return Condition("status changes", lambda step, before: False)
    quantity = quantity_called(name, step)

    def differs(step: Step, before: Step | None) -> bool:
        return before is None or quantity not in before or not _equal(step.array(quantity), before.array(quantity))

    return Condition(f"{quantity} changes", differs)


def _equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def _comparison(name: str, brackets: str, sign: str, number: float, spelled: str, step: Step) -> Condition:
    """The condition that one number compares with another one."""
    holds = COMPARISONS[sign]
    if name.lower() == "iteration" and not brackets:
        return Condition(f"iteration {sign} {spelled}", lambda step, before: holds(step.iteration, number))
    quantity = quantity_called(name, step)
    cell = _cell(quantity, brackets, step)

    def compares(step: Step, before: Step | None) -> bool:
        return quantity in step and holds(float(step.array(quantity)[cell]), number)

    place = cell_text(cell) if brackets else ""
    return Condition(f"{quantity}{place} {sign} {spelled}", compares)


def _cell(quantity: str, brackets: str, step: Step) -> tuple[int, ...]:
    """The cell that brackets name; without them the only one there is."""
    array = step.array(quantity)
    cell = tuple(int(index) for index in re.findall(r"\d+", brackets))
    if not brackets and array.size == 1:
        return (0,) * array.ndim
    if len(cell) == array.ndim and all(index < size for index, size in zip(cell, array.shape, strict=True)):
        return cell
    if array.ndim == 0:
        raise UsageError(f"{quantity} is a single number; write it without brackets")
    last = cell_text(size - 1 for size in array.shape)
    asked = f"{quantity} has no cell {visible(brackets.strip())}:" if brackets else f"which cell of {quantity}?"
    indices = counted(array.ndim, "index", "indices")
    raise UsageError(f"{asked} it takes {indices}, from {quantity}{cell_text((0,) * array.ndim)} to {quantity}{last}")


def _number(text: str) -> float:
    """The number that a quantity is compared with."""
    number = as_float(text)
    if number is None or not math.isfinite(number):
        raise UsageError(f"expected a number to compare with, as in loss < 0.01; found {visible(text)}")
    return number
