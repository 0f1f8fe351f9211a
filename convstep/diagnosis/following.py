"""A learner's numbers along the order of the calculation: are they right, and do they follow from those before?

This asks leniently: what rounding can explain is right. Naming a mistake is for `search`, and strict.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask, without_ones
from convstep.diagnosis.calculation import SIGN_OF, Stage, turned_with
from convstep.diagnosis.doubt import predicted_doubt, rounded_doubt
from convstep.diagnosis.kept import Kept, keys_along
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.tolerance import fits
from convstep.diagnosis.worlds import (
    RATHER_COMPUTED,
    STATES,
    gone_on_with,
    in_worlds,
    rounded,
    true_worlds,
    worlds_with,
)
from convstep.diagnosis.written import FLOOR, Written


class Followed(NamedTuple):
    """One given quantity, judged twice.

    Attributes:
        follows: Whether it is what follows from the learner's own numbers, in whatever sign.
        turned: Whether it follows with the other sign.
        true: 1 where it is the right one, −1 where it is that with the other sign, else 0.
        as_run: Whether it is the right one only as the problem's own run has it.
        expected: What follows from the learner's own earlier numbers, one row.
        doubt: How far that may be off by earlier rounding.
        truths: The right numbers: with all digits, and with every step rounded or cut; a row each.
        nothing: Whether it follows from zeros alone, and so shows nothing.
        held: Whether it would do with the other sign, which it was not allowed to have.
    """

    follows: bool
    turned: bool
    true: int
    expected: Array
    doubt: Array
    truths: Array
    nothing: bool
    held: bool = False
    as_run: bool = False

    @property
    def fails(self) -> bool:
        """Whether there is something to explain."""
        return not self.follows and not self.true


class Begun(NamedTuple):
    """How far the learner's numbers were followed; see `_Follower`."""

    place: int
    values: dict[str, Array]
    own: dict[str, Array]
    doubts: dict[str, Array]
    found: dict[str, Followed]

    @property
    def size(self) -> int:
        """How many bytes it holds, or few more."""
        return sum(each.nbytes for arrays in (self.values, self.doubts) for each in arrays.values())


class Course(NamedTuple):
    """The learner's numbers along the calculation.

    Attributes:
        found: How each given quantity was judged.
        values: The learner's numbers for all stages, in every world.
        keys: What the numbers up to each given quantity may be known by; see `keys_along`.
    """

    found: dict[str, Followed]
    values: dict[str, Array]
    keys: list[Hashable]


def follow(
    setting: Setting,
    stages: Sequence[Stage],
    written: Mapping[str, Written],
    truths: Mapping[str, Array],
    firm: frozenset[str] = frozenset(),
    kept: Kept[Begun] | None = None,
) -> Course:
    """Judges every given quantity.

    Args:
        setting: The exercise.
        stages: The stages that matter, in order.
        written: The learner's numbers.
        truths: `true_worlds` for the learner's digits.
        firm: The quantities that may not change the sign.
        kept: How far the numbers of others were followed.
    """
    follower = _Follower(setting, written, firm)
    keys = keys_along((follower.unit, follower.decimals), written, [stage.name for stage in stages], firm)
    kept = None if follower.literal is not None else kept
    begin = follower.go_on_from(kept, keys) if kept is not None else 0
    for place, stage in enumerate(stages[begin:], begin):
        follower.take(stage, truths[stage.name])
        if kept is not None and stage.name in written:
            begun = follower.so_far(place + 1)
            kept.keep(keys[len(begun.found)], begun, begun.size)
    return Course(follower.found, follower.values, keys)


def went_on_with(
    setting: Setting, stages: Sequence[Stage], written: Mapping[str, Written], decimals: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """A learner's numbers at the end of an iteration, written or following from those that were, and their doubt.

    Args:
        setting: The exercise.
        stages: All its stages, in order.
        written: The learner's numbers.
        decimals: The most that any number was written with.
    """
    follower, truths = _Follower(setting, written, frozenset()), true_worlds(setting, stages, decimals)
    for stage in stages:
        follower.take(stage, truths[stage.name])
    numbers = follower.own
    for kind in ("filter", "bias"):
        judged, mine = follower.found.get(f"{kind}_gradient"), written.get(f"{kind}_gradient")
        if judged and mine and judged.fails and mine.values.size == judged.expected.size:
            # A wrong gradient: its sign is told by whether it goes with the right one or against it.
            against = float(np.vdot(mine.values, judged.expected)) < 0
            numbers[f"{kind}_sign"] = (-1.0 if against else 1.0) * numbers[f"{kind}_sign"]
    return numbers, follower.doubts


class _Follower:
    """The learner's numbers so far.

    Attributes:
        values: The numbers in every world, a row each: with all digits, as long as what was written follows; from
            those that were written; with every step rounded, or cut.
        own: Those computed from what was written alone.
        doubts: How far `own` may be off.
        found: How each given quantity was judged.
        literal: Everything computed from what was written, an optimizer's state too, which the others keep with all
            its digits; only where such a state was written.
    """

    def __init__(self, setting: Setting, written: Mapping[str, Written], firm: frozenset[str]) -> None:
        self.setting = setting
        self.firm = firm
        self.written = written
        # Of the coarsest digits in use; 0 where all numbers are exact.
        self.unit = max((digits_of(each, written) for each in written.values() if each.decimals), default=0.0)
        self.decimals = max((each.decimals for each in written.values()), default=0)
        self.half = 0.5 * 10.0**-self.decimals if self.decimals else 0.0
        self.worlds = worlds_with(self.decimals)
        self.values: dict[str, Array] = {}
        self.own: dict[str, Array] = {}
        self.doubts: dict[str, Array] = {}
        self.found: dict[str, Followed] = {}
        self.literal: dict[str, Array] | None = {} if any(name.endswith(STATES) for name in written) else None

    def go_on_from(self, kept: Kept[Begun], keys: Sequence[Hashable]) -> int:
        """Takes over the longest beginning that is kept; returns the place of the stage that comes next."""
        for key in reversed(keys[1:]):
            begun = kept.get(key)
            if begun is not None:
                self.values, self.own = dict(begun.values), dict(begun.own)
                self.doubts, self.found = dict(begun.doubts), dict(begun.found)
                return begun.place
        return 0

    def so_far(self, place: int) -> Begun:
        """What is known before the stage at a place."""
        return Begun(place, dict(self.values), dict(self.own), dict(self.doubts), dict(self.found))

    def take(self, stage: Stage, truths: Array) -> None:
        """Goes through one more stage."""
        name, setting = stage.name, self.setting
        self._keep(name, in_worlds(stage.compute(setting, self.values), self.worlds))
        if self.literal is not None:
            self.literal[name] = stage.compute(setting, self.literal)
        self.doubts[name] = doubt = predicted_doubt(setting, stage, self.own, self.doubts)
        if name in self.written:
            self.found[name] = self._judge(stage, self.written[name], doubt, truths)
            self._go_on(name, self.written[name], self.found[name])
        else:
            self._keep(name, rounded(self.values[name], name, self.decimals))
            self.doubts[name] = rounded_doubt(setting, name, self.own[name], doubt, self.unit)

    def _keep(self, name: str, values: Array) -> None:
        self.values[name] = values
        self.own[name] = values[1:2]

    def _judge(self, stage: Stage, written: Written, doubt: Array, truths: Array) -> Followed:
        name, values = stage.name, self.values[stage.name]
        may_turn = name in SIGN_OF
        if name.endswith("_update"):
            may_turn = may_turn and self._is_taken_off(name.removesuffix("_update"), written)
        signs = (1, -1) if may_turn else (1,)
        # Of all worlds without a doubt, of the second with what is in doubt.
        own_rows = [values, values[1:2], *([] if self.literal is None else [self.literal[name]])]
        rows = np.concatenate([*own_rows, truths])
        near = dict(zip(signs, self._near(written, name, rows, doubt, signs), strict=True))
        held = name in self.firm and may_turn and bool(near.pop(-1).any())
        follows = [sign for sign in near if near[sign][: -len(truths)].any()]
        true = [sign for sign in near if near[sign][-len(truths) :].any()]
        # Where doubt is so large that both signs would do, the nearer is meant.
        follows.sort(key=lambda sign: _apart(written, sign * values[1:2]))
        sources = [self.own[need] for need in stage.needs if need != "filter"]  # a filter of zeros is one like others
        nothing = bool(sources) and not values[1].any() and any(not each.any() for each in sources)
        turned = follows[:1] == [-1]
        right = true[0] if true else 0
        own = len(truths) - (name in self.setting.of_run)
        as_run = bool(near[1][-len(truths) :][own:].any() and not near[1][-len(truths) :][:own].any())
        shows_nothing = nothing and bool(follows)
        return Followed(bool(follows), turned, right, values[1:2], doubt, truths, shows_nothing, held, as_run)

    def _is_taken_off(self, kind: str, update: Written) -> bool:
        """Whether an update was written as what is to be taken off, and was; added to w, it is an ascent."""
        new, start = self.written.get(f"new_{kind}"), self.own[kind][0]
        if new is None or not new.values.size == update.values.size == start.size:
            return False
        flat = [each.reshape(-1) for each in (new.values, start, update.values, new.units + update.units)]
        off, added = (np.abs(flat[0] - (flat[1] + sign * flat[2])) for sign in (-1, 1))
        allowed = flat[3] * (1.0 + 1e-9) + FLOOR * np.abs(flat[0]).max()
        judged = (new.judged & update.judged.reshape(new.judged.shape)).reshape(-1)
        return bool((off <= allowed)[judged].all()) and not (added <= allowed)[judged].all()

    def _near(self, written: Written, name: str, rows: Array, doubt: Array, signs: Sequence[int]) -> Mask:
        """Which rows are the written numbers, for each sign; `doubt` is about the one after those of all worlds."""
        count = len(rows)
        doubts = np.zeros((len(signs) * count, *doubt.shape[1:]))
        doubts[self.worlds :: count] = doubt[0]
        signed = rows if len(signs) == 1 else np.concatenate([rows, -rows])
        each = fits(self.setting, name, written, signed, doubts, self.half).reshape(len(signs), count, -1)
        return np.asarray(each.all(axis=2))

    def _go_on(self, name: str, written: Written, judged: Followed) -> None:
        """What comes after is computed from the learner's number, whether it is right or not."""
        turned = judged.turned or (not judged.follows and judged.true == -1)
        if turned:
            self._turn(name, as_before=judged.turned)
        expected = self.values[name]
        if without_ones(written.values.shape) != self.setting.form(name, expected.shape[1:]):
            return
        shape = expected.shape[1:]
        mine = written.judged.reshape(shape)
        numbers = np.where(mine, written.values.reshape(shape), expected)
        if self.literal is not None:
            self.literal[name] = np.where(mine, written.values.reshape(shape), self.literal[name])
        if judged.follows:
            numbers = gone_on_with(name, numbers, expected)
        if not (judged.follows and name.endswith(RATHER_COMPUTED)):
            self.doubts[name] = np.where(mine, self._left(written, judged, self.own[name]), self.doubts[name])
        self._keep(name, numbers)

    def _left(self, written: Written, judged: Followed, expected: Array) -> Array:
        """The doubt about numbers that were written down: what the digits leave open of them."""
        shape = expected.shape
        digits = np.where(written.units.reshape(shape) > 0, digits_of(written, self.written), 0.0)
        if not judged.follows:
            return digits
        # What there was no doubt about has lost what the digits cut off, and no more.
        lost = np.abs(written.values.reshape(shape) - expected)
        return np.where(judged.doubt > 0, digits, np.where(lost > 1e-9 * np.abs(expected), lost, 0.0))

    def _turn(self, name: str, *, as_before: bool) -> None:
        """The learner carries the other sign from here on."""
        sign = SIGN_OF[name]
        for each in (name, *turned_with(name)):
            if each in self.values and (each == name or each not in self.written):
                self._keep(each, -self.values[each])
                self._turn_literal(each)
        if sign in self.values:  # else nothing that follows asks for it
            self._keep(sign, -self.values[sign] if as_before else -np.ones(self.worlds))
            self._turn_literal(sign)

    def _turn_literal(self, name: str) -> None:
        if self.literal is not None:
            self.literal[name] = -self.literal[name]


def settled(setting: Setting, written: Mapping[str, Written]) -> frozenset[str]:
    """The quantities before which another given one, or the problem, has shown which sign the learner carries."""
    signed = [name for name, each in written.items() if SIGN_OF.get(name) == "sign" and each.values.any()]
    return frozenset(signed[1:] if setting.target is not None else signed)


def digits_of(written: Written, every: Mapping[str, Written]) -> float:
    """A unit of a quantity's digits: its own finest, or where it hardly has any the finest of all.

    A program drops zeros at the end: its 2.0 among numbers of four digits is 2.0000.
    """
    if written.decimals >= FEW_DECIMALS:
        return written.unit
    finest = max(each.decimals for each in every.values())
    return 10.0**-finest if finest else 0.0


FEW_DECIMALS = 2
"""From so many decimals on, a quantity's numbers are judged by its own digits."""


def _apart(written: Written, expected: Array) -> float:
    """How far the numbers are from the expected ones, all in all."""
    return float(np.abs(written.values.reshape(-1) - expected[0].reshape(-1))[written.judged.reshape(-1)].sum())
