"""What one given quantity says about candidates: which of them have its numbers.

Strict where a mistake is to be named: every number must be the candidate's, rounded or cut to the finest digits that
the attempt uses anywhere. Lenient where nothing new is claimed.
"""

from __future__ import annotations

import math

import numpy as np

from convstep.arrays import Array, Mask, Numbers, without_ones
from convstep.diagnosis.following import FEW_DECIMALS, Followed
from convstep.diagnosis.hand import Hand, is_cut, is_rounded
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.tolerance import lost_units, units_of
from convstep.diagnosis.worlds import gone_on_with
from convstep.diagnosis.written import FLOOR, Written


class Evidence:
    """One given quantity.

    Attributes:
        name: Which one.
        written: The learner's numbers.
        shape: Their shape, leading axes of length 1 left out.
        hand: Whether numbers may have been rounded, or cut.
        values, units, judged: The same, flat.
        fits_shape: Whether it has the size that the quantity has here.
        truth: The right numbers, flat.
    """

    def __init__(
        self, setting: Setting, name: str, written: Written, followed: Followed, finest: float, hand: Hand
    ) -> None:
        self.name = name
        self.hand = hand
        self.written = written
        self.shape = without_ones(written.values.shape)
        self.values, self.units = written.values.reshape(-1), written.units.reshape(-1)
        self.judged = written.judged.reshape(-1)
        self.truth = setting.truth[name].reshape(-1)
        self.fits_shape = self.shape == setting.form(name, setting.shape(name))
        self.doubt = followed.doubt.reshape(-1)
        self.truths = followed.truths.reshape(len(followed.truths), -1)
        self.finest = written.unit if written.decimals >= FEW_DECIMALS else finest
        self.half = 0.5 * finest
        self.rounding = max(setting.roundings[name], 1e-300)
        self.largest = float(np.abs(self.values).max())
        self.count = int(self.judged.sum())

    def strict(self, predicted: Array) -> Mask:
        """Which cells are the predicted numbers, rounded, or else cut: ways×candidates×worlds×cells."""
        floor = self._floor(predicted)
        with np.errstate(invalid="ignore"):
            ways = [
                fits(self.values, predicted, self.finest, floor)
                for fits, used in ((is_rounded, self.hand.rounds), (is_cut, self.hand.cuts))
                if used
            ]
        result: Mask = np.stack(ways) | ~self.judged
        return result

    def lenient(self, predicted: Array) -> Mask:
        """Which cells are the predicted numbers but for rounding: candidates×worlds×cells.

        As where the learner's numbers were followed, what is in doubt is in doubt of the second world alone: in the
        others nothing was rounded that could be, or everything was.
        """
        if self.doubt.size != self.values.size:
            # Of numbers of another size nobody has worked out the doubt; the digits of those before make one.
            return self._within(predicted, self.finest)
        doubt = np.zeros((predicted.shape[1], self.doubt.size))
        doubt[1] = self.doubt
        return self._within(predicted, doubt)

    def _within(self, predicted: Array, doubt: Array | float) -> Mask:
        units = lost_units(predicted, units_of(self.values, self.units, predicted, self.half), doubt)
        allowed = (units + doubt) * (1.0 + 1e-9) + self._floor(predicted)
        result: Mask = (np.abs(predicted - self.values) <= allowed) | ~self.judged
        return result

    def distance(self, predicted: Array) -> Array:
        """How far the nearest world of each candidate is from the numbers, all in all."""
        apart = np.where(self.judged, np.abs(predicted - self.values), 0.0).sum(axis=2).min(axis=1)
        return np.asarray(np.where(np.isnan(apart), np.inf, apart))

    def true_sign(self, signs: tuple[int, ...]) -> int:
        """1 where the numbers are the right ones, −1 where they are those with the other sign, else 0."""
        if not self.fits_shape:
            return 0
        for sign in signs:
            if self._within(sign * self.truths, 0.0).all(axis=-1).any():
                return sign
        return 0

    def _floor(self, predicted: Array) -> Array:
        finite = np.where(np.isfinite(predicted), np.abs(predicted), 0.0)
        largest = np.minimum(finite.max(axis=-1, keepdims=True), self.largest)
        floor: Array = np.maximum(FLOOR * largest, self.rounding)
        return floor

    def going_on(self, predicted: Array) -> Array:
        """What candidates that have these numbers go on with."""
        by_world = predicted.swapaxes(0, 1)
        return gone_on_with(self.name, np.where(self.judged, self.values, by_world), by_world).swapaxes(0, 1)

    def chance(self, predictions: int, cells: int, base: Array | None = None) -> float:
        """How likely it is that one of so many different predictions fits by chance.

        Args:
            predictions: How many there are.
            cells: How many numbers speak for one.
            base: What the numbers started from; of new parameters only the change speaks.
        """
        moved = self.values if base is None or base.size != self.values.size else self.values - base.reshape(-1)
        largest = float(np.abs(moved[self.judged]).max())
        grid = self.finest or (1.0 if self._whole() else FLOOR * max(largest, 1e-300))
        logarithm = math.log(max(predictions, 1)) - cells * math.log(2.0 * largest / grid + 1.0)
        return math.exp(min(logarithm, 0.0)) if predictions else 0.0

    def _whole(self) -> bool:
        return bool((self.values == np.round(self.values)).all())


def mirrored(numbers: Numbers) -> list[Numbers]:
    """A matrix in every other order that people write it in by mistake: turned and mirrored."""
    if numbers.ndim < 2:
        return []
    turned = [numbers[..., ::-1, :], numbers[..., ::-1], numbers[..., ::-1, ::-1]]
    if numbers.shape[-1] == numbers.shape[-2]:
        flipped = numbers.swapaxes(-1, -2)
        turned += [flipped, flipped[..., ::-1, :], flipped[..., ::-1], flipped[..., ::-1, ::-1]]
    return turned
