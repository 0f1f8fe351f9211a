"""How somebody shortens numbers: rounds them, or cuts their digits off. Their right numbers show it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.diagnosis.following import Followed, digits_of
from convstep.diagnosis.tolerance import lost_units
from convstep.diagnosis.worlds import worlds_with
from convstep.diagnosis.written import FLOOR, Written

SLACK = 1e-6
"""By what share of half a unit a number may be off that lies between two roundings."""


class Hand(NamedTuple):
    """Whether numbers may have been rounded, and whether they may have been cut; both where nothing shows which."""

    rounds: bool
    cuts: bool


def is_rounded(values: Array, expected: Array, unit: float, floor: Array | float) -> Mask:
    """Which numbers are the expected ones, rounded to a unit."""
    return np.asarray(np.abs(expected - values) <= 0.5 * unit * (1.0 + SLACK) + floor)


def is_cut(values: Array, expected: Array, unit: float, floor: Array | float) -> Mask:
    """Which numbers are the expected ones, cut to a unit: smaller, never larger, and of the same sign or 0.

    A number that has no more digits has nothing to lose.
    """
    shorter = np.abs(expected) - np.abs(values)
    apart = np.abs(expected - values)
    found = np.asarray((apart < unit + floor) & (shorter >= -floor) & (expected * values >= 0))
    whole_unit = found & (apart > unit * (1.0 - SLACK) - floor)
    these = np.broadcast_to(expected, found.shape)[whole_unit]
    found[whole_unit] = lost_units(these, np.asarray(unit), 0.0) == unit
    return found


def hand_of(written: Mapping[str, Written], followed: Mapping[str, Followed]) -> Hand:
    """What the numbers before the first mistake show of the hand that wrote them.

    Args:
        written: The learner's numbers.
        followed: How they were judged.
    """
    before = takewhile(lambda name: not followed[name].fails, written)
    votes = {_vote(written[name], followed[name], digits_of(written[name], written)) for name in before}
    rounds, cuts = "rounds" in votes, "cuts" in votes
    return Hand(rounds or not cuts, cuts or not rounds)


def _vote(written: Written, followed: Followed, unit: float) -> str:
    values = written.values.reshape(-1)
    if not unit or followed.expected[0].size != values.size:
        return ""
    own = (-followed.expected if followed.turned else followed.expected)[0].reshape(-1)
    truths = (followed.true * followed.truths).reshape(len(followed.truths), -1)
    count = worlds_with(1) if len(truths) >= worlds_with(1) else worlds_with(0)
    (exact, *steps), of_run = truths[:count], truths[count:]
    judged = written.judged.reshape(-1)
    floor = FLOOR * float(np.abs(values).max())
    with np.errstate(invalid="ignore"):
        rounded = any(
            is_rounded(values, each, unit, floor)[judged].all() for each in (exact, own, *of_run, *steps[1:2])
        )
        cut = any(is_cut(values, each, unit, floor)[judged].all() for each in (exact, own, *of_run, *steps[2:]))
    return "rounds" if rounded and not cut else "cuts" if cut and not rounded else ""
