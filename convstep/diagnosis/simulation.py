"""What numbers come out if somebody works by certain rules, wrong ones among them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from convstep.arrays import Array, without_ones
from convstep.diagnosis.calculation import SIGN_OF, Stage, turned_with
from convstep.diagnosis.plan import KEEPS_SHAPE
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.written import Written
from convstep.quantities import QUANTITIES


@np.errstate(all="ignore")
def simulated(
    setting: Setting,
    stages: Sequence[Stage],
    rules: Collection[Rule],
    written: Mapping[str, Written] | None = None,
    turned: Collection[str] = (),
) -> dict[str, Array]:
    """The numbers of every stage, one row each, as far as they can be computed.

    Args:
        setting: The exercise.
        stages: The stages to go through.
        rules: The wrong ways in which stages are done; the others are done right.
        written: Numbers that the learner wrote down, which are gone on from.
        turned: The quantities at which the learner's sign changes.
    """
    by_stage = {rule.stage: rule for rule in rules}
    values: dict[str, Array] = {}
    for stage in stages:
        if any(need not in values for need in stage.needs):
            continue
        rule = by_stage.get(stage.name)
        try:
            values[stage.name] = (rule.compute if rule else stage.compute)(setting, values)
        except (KeyError, ValueError):  # numbers of another size, from which this cannot be computed
            continue
        if rule is not None and rule.turns:
            values["sign"] = -values["sign"]
        if stage.name in turned:
            _turn(values, stage.name)
        if written and stage.name in written:
            _write(setting, values, stage.name, written[stage.name])
        if not _goes_on(setting, stage.name, values[stage.name]):
            break
    return {name: each for name, each in values.items() if name in QUANTITIES}


def _goes_on(setting: Setting, name: str, array: Array) -> bool:
    """Whether later stages can go on from an array: it has the size that it should have, or they can do without."""
    return name not in QUANTITIES or array.shape[1:] == setting.shape(name) or name in KEEPS_SHAPE


def _turn(values: dict[str, Array], name: str) -> None:
    for each in (name, SIGN_OF.get(name, ""), *turned_with(name)):
        if each in values:
            values[each] = -values[each]


def _write(setting: Setting, values: dict[str, Array], name: str, written: Written) -> None:
    """Puts the learner's numbers in the place of computed ones, if they have their size."""
    shape = values[name].shape
    if without_ones(written.values.shape) == setting.form(name, shape[1:]):
        mine = written.judged.reshape(shape)
        values[name] = np.where(mine, written.values.reshape(shape), values[name])


def signature(numbers: Mapping[str, Array]) -> tuple[object, ...]:
    """Something that is equal for equal numbers, for all that floats can tell, and quickly compared."""
    return tuple((name, array.shape, *_on_grid(array)) for name, array in numbers.items())


def _on_grid(array: Array) -> tuple[int, bytes]:
    """The power of ten of the largest number, and all numbers to nine digits below it."""
    finite = np.nan_to_num(array)
    largest = float(np.abs(finite).max())
    power = math.floor(math.log10(largest)) if largest else 0
    return power, (np.rint(finite / 10.0 ** (power - 9)) + 0.0).tobytes()


def same(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same numbers, for all that floats can tell."""
    if one.shape != other.shape:
        return False
    largest = float(np.abs(np.nan_to_num(one)).max())
    return bool(np.allclose(one, other, rtol=0.0, atol=1e-9 * largest + 1e-300, equal_nan=True))
