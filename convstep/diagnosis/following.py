"""A learner's numbers along the order of the calculation: are they right, and do they follow from those before?

This asks leniently: what rounding can explain is right. Naming a mistake is for `search`, and strict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.diagnosis.calculation import SIGN_OF, Stage, bias_beside, turned_with
from convstep.diagnosis.doubt import carried
from convstep.diagnosis.setting import Setting, without_ones
from convstep.diagnosis.tolerance import fits
from convstep.diagnosis.written import FLOOR, Written
from convstep.quantities import QUANTITIES


class Followed(NamedTuple):
    """One given quantity, judged twice.

    Attributes:
        follows: Whether it is what follows from the learner's own numbers, in whatever sign.
        turned: Whether it follows with the other sign.
        true: 1 where it is the right one, −1 where it is that with the other sign, else 0.
        expected: What follows from the learner's own earlier numbers, one row.
        doubt: How far that may be off by earlier rounding.
        truths: The right numbers: with all digits, and with every step rounded or cut; a row each.
        nothing: Whether it follows from zeros alone, and so shows nothing.
    """

    follows: bool
    turned: bool
    true: int
    expected: Array
    doubt: Array
    truths: Array
    nothing: bool

    @property
    def fails(self) -> bool:
        """Whether there is something to explain."""
        return not self.follows and not self.true


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
    """The right numbers of every stage, as they come out in each world; a row each."""
    values: dict[str, Array] = {}
    found: dict[str, Array] = {}
    for stage in stages:
        found[stage.name] = _in_worlds(stage.compute(setting, values), worlds_with(decimals))
        values[stage.name] = rounded(found[stage.name], stage.name, decimals)
    return found


def _in_worlds(rows: Array, worlds: int) -> Array:
    return rows if len(rows) == worlds else np.broadcast_to(rows, (worlds, *rows.shape[1:]))


def _rounded_doubt(setting: Setting, name: str, value: Array, doubt: Array, unit: float) -> Array:
    """The doubt about numbers that may have been rounded, or cut, to that unit; one that has no more digits is safe."""
    if not unit or not _rounds(setting, name):
        return doubt
    steps = value / unit
    lost = np.maximum(np.abs(steps - np.round(steps)), np.abs(steps - np.trunc(np.round(steps, 6)))) * unit
    return np.where(doubt > 0, doubt + unit, np.where(lost > 1e-6 * unit, lost, 0.0))


def _predicted_doubt(setting: Setting, stage: Stage, values: dict[str, Array], doubts: dict[str, Array]) -> Array:
    if stage.name in ("filter", "bias"):
        return np.full(values[stage.name].shape, setting.doubt)
    doubt = carried(setting, stage, values, doubts)
    if stage.name == "pre_activation" and not values[stage.name].all():
        # A program need not have found the 0 that there is on paper.
        sums = values["window_sums"] + (bias_beside(values) if "bias" in values else 0.0)
        doubt = np.where((values[stage.name] == 0) & (sums != 0), setting.roundings[stage.name], doubt)
    return doubt


def _rounds(setting: Setting, name: str) -> bool:
    """Whether rounding can change a number of this stage: what comes from the file, and slopes of 0 and 1, it can't."""
    if name in ("filter", "bias"):
        return setting.iteration > 1
    if name == "activated_target" or name not in QUANTITIES:
        return False
    if name == "output_gradient" and setting.target is None:
        return False
    return not (name == "activation_slope" and setting.problem.activation.name in ("relu", "linear"))


def follow(
    setting: Setting,
    stages: Sequence[Stage],
    written: Mapping[str, Written],
    truths: Mapping[str, Array],
    firm: frozenset[str] = frozenset(),
) -> tuple[dict[str, Followed], dict[str, Array]]:
    """Judges every given quantity; returns the learner's numbers for all stages as well, in every world.

    Args:
        setting: The exercise.
        stages: The stages that matter, in order.
        written: The learner's numbers.
        truths: `true_worlds` for the learner's digits.
        firm: The quantities that may not change the sign.
    """
    follower = _followed(setting, stages, written, truths, firm)
    return follower.found, follower.values


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
    follower = _followed(setting, stages, written, true_worlds(setting, stages, decimals), frozenset())
    numbers = follower.own
    for kind in ("filter", "bias"):
        judged, mine = follower.found.get(f"{kind}_gradient"), written.get(f"{kind}_gradient")
        if judged and mine and judged.fails and mine.values.size == judged.expected.size:
            # A wrong gradient: its sign is told by whether it goes with the right one or against it.
            against = float(np.vdot(mine.values, judged.expected)) < 0
            numbers[f"{kind}_sign"] = (-1.0 if against else 1.0) * numbers[f"{kind}_sign"]
    return numbers, follower.doubts


def _followed(
    setting: Setting,
    stages: Sequence[Stage],
    written: Mapping[str, Written],
    truths: Mapping[str, Array],
    firm: frozenset[str],
) -> _Follower:
    follower = _Follower(setting, written, firm)
    for stage in stages:
        follower.take(stage, truths[stage.name])
    return follower


class _Follower:
    """The learner's numbers so far.

    Attributes:
        values: The numbers in every world, a row each: with all digits, as long as what was written follows; from
            those that were written; with every step rounded, or cut.
        own: Those computed from what was written alone.
        doubts: How far `own` may be off.
        found: How each given quantity was judged.
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

    def take(self, stage: Stage, truths: Array) -> None:
        """Goes through one more stage."""
        name, setting = stage.name, self.setting
        self._keep(name, _in_worlds(stage.compute(setting, self.values), self.worlds))
        self.doubts[name] = doubt = _predicted_doubt(setting, stage, self.own, self.doubts)
        if name in self.written:
            self.found[name] = self._judge(stage, self.written[name], doubt, truths)
            self._go_on(name, self.written[name], self.found[name])
        else:
            self._keep(name, rounded(self.values[name], name, self.decimals))
            self.doubts[name] = _rounded_doubt(setting, name, self.own[name], doubt, self.unit)

    def _keep(self, name: str, values: Array) -> None:
        self.values[name] = values
        self.own[name] = values[1:2]

    def _judge(self, stage: Stage, written: Written, doubt: Array, truths: Array) -> Followed:
        name, values = stage.name, self.values[stage.name]
        may_turn = name in SIGN_OF and name not in self.firm
        if name.endswith("_update"):
            may_turn = may_turn and self._is_taken_off(name.removesuffix("_update"), written)
        signs = (1, -1) if may_turn else (1,)
        # Of all worlds without a doubt, of the second with what is in doubt.
        rows = np.concatenate([values, values[1:2], truths])
        near = {sign: self._near(written, name, sign * rows, doubt) for sign in signs}
        follows = [sign for sign in signs if near[sign][: len(values) + 1].any()]
        true = [sign for sign in signs if near[sign][len(values) + 1 :].any()]
        # Where doubt is so large that both signs would do, the nearer is meant.
        follows.sort(key=lambda sign: _apart(written, sign * values[1:2]))
        true.sort(key=lambda sign: _apart(written, sign * truths[:1]))
        sources = [self.own[need] for need in stage.needs if need not in _NO_SOURCE]
        nothing = bool(sources) and not values[1].any() and any(not each.any() for each in sources)
        turned = follows[:1] == [-1]
        return Followed(
            bool(follows), turned, true[0] if true else 0, values[1:2], doubt, truths, nothing and bool(follows)
        )

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

    def _near(self, written: Written, name: str, rows: Array, doubt: Array) -> Mask:
        """Which rows are the written numbers; `doubt` is about the one after those of all worlds."""
        doubts = np.zeros((len(rows), *doubt.shape[1:]))
        doubts[self.worlds] = doubt[0]
        each = fits(self.setting, name, written, rows, doubts, self.half).reshape(len(rows), -1)
        return np.asarray(each.all(axis=1))

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
        sign = SIGN_OF.get(name, "")
        for each in (name, *turned_with(name)):
            if each in self.values and (each == name or each not in self.written):
                self._keep(each, -self.values[each])
        if sign:
            self._keep(sign, -self.values[sign] if as_before else -np.ones(self.worlds))


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
EXACT_DECIMALS = 12
"""Numbers with so many digits were not rounded on the way."""
STATES = ("_momentum", "_average")
"""The ends of the names of an optimizer's state."""
RATHER_COMPUTED = "square_average"
"""The root of these is divided by, and a few digits of them leave nothing of it: one goes on with all digits."""
_NO_SOURCE = ("sign", "filter_sign", "bias_sign", "filter_step_sign", "bias_step_sign", "filter", "bias")


def _apart(written: Written, expected: Array) -> float:
    """How far the numbers are from the expected ones, all in all."""
    if written.values.size != expected[0].size:
        return 0.0
    return float(np.abs(written.values.reshape(-1) - expected[0].reshape(-1))[written.judged.reshape(-1)].sum())
