"""The worlds in which numbers are computed side by side, because nobody says how they were worked out.

With all digits; from the numbers that were written down; and, where there are digits to lose, with every step rounded,
or cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Stage
from convstep.diagnosis.setting import Setting
from convstep.quantities import QUANTITIES

EXACT_DECIMALS = 12
"""Numbers with so many digits were not rounded on the way."""
STATES = ("_momentum", "_average")
"""The ends of the names of an optimizer's state."""
RATHER_COMPUTED = "square_average"
"""The root of these is divided by, and a few digits of them leave nothing of it: one goes on with all digits."""


def worlds_with(decimals: int) -> int:
    """In how many worlds numbers are computed; where they have all digits, nothing was rounded on the way."""
    return 4 if 0 < decimals < EXACT_DECIMALS else 2


def rounded(numbers: Array, name: str, decimals: int) -> Array:
    """Numbers of a stage, worlds along the first axis, in those worlds in which every step was rounded or cut.

    What a learner starts from and the optimizer's state stay as they are: they are kept, not written down.
    """
    if len(numbers) < 4 or name not in QUANTITIES or name in ("filter", "bias") or name.endswith(STATES):
        return numbers
    result, scale = numbers.copy(), 10.0**decimals
    result[2] = np.round(numbers[2], decimals)
    # A float just below a short decimal is that decimal: it is not cut to the one before.
    result[3] = np.trunc(np.round(numbers[3] * scale, 6)) / scale
    return result


def true_worlds(setting: Setting, stages: Sequence[Stage], decimals: int) -> dict[str, Array]:
    """The right numbers of every stage, as they come out in each world; a row each.

    Behind them, where the learner's own numbers are gone on from, those of the problem's own run: who rounds only what
    is written down has them.
    """
    values: dict[str, Array] = {}
    found: dict[str, Array] = {}
    for stage in stages:
        found[stage.name] = in_worlds(stage.compute(setting, values), worlds_with(decimals))
        values[stage.name] = rounded(found[stage.name], stage.name, decimals)
    for name in found.keys() & setting.of_run.keys():
        found[name] = np.concatenate([found[name], setting.of_run[name]])
    return found


def in_worlds(rows: Array, worlds: int) -> Array:
    """Numbers that are the same in all worlds, for each of them."""
    return rows if len(rows) == worlds else np.broadcast_to(rows, (worlds, *rows.shape[1:]))


def gone_on_with(name: str, written: Array, predicted: Array) -> Array:
    """What is computed with after numbers were written down that are as predicted; worlds along the first axis.

    With all digits in the first world, else with the learner's. An optimizer's state is kept with all its digits.
    """
    if name.endswith(RATHER_COMPUTED):
        return predicted
    result = predicted.copy()
    rows = slice(1, 2) if name.endswith(STATES) else slice(1, None)
    result[rows] = written[rows]
    return result
