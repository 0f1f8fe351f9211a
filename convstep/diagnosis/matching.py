"""What becomes of candidates at a quantity that the learner gave: they have its numbers, or they are out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.diagnosis.calculation import SIGN_OF, turned_with
from convstep.diagnosis.candidates import Candidates, Index, Layer, Marks, Paths, bits_set
from convstep.diagnosis.evidence import Evidence, mirrored
from convstep.diagnosis.following import settled
from convstep.diagnosis.levels import Level
from convstep.diagnosis.plan import Plan
from convstep.diagnosis.setting import Setting

LARGEST_CHANCE = 0.02
"""Above this, a set of several mistakes in one segment may fit by chance, and is not told."""
UNSIGNED = np.uint64(1 << 63)
"""Among the groups of a candidate: its numbers have lost their sign, and so are not turned any more."""
AGAIN = 16
"""What a change of sign counts after another number has settled the sign; others count 1."""
MOST_SLIPS = 3
"""So many single numbers may be slips."""


class Verdict(NamedTuple):
    """What was said of a candidate at one given quantity.

    Attributes:
        quantity: Which one.
        kind: ``follows``, ``turned`` (with the other sign), ``true`` (right after wrong ones), ``shown`` (it has the
            numbers of a mistake) or ``slip``.
        turned: Whether the sign changed here.
        cells: The cells that are slips, flat.
        expected: What the numbers should be for the candidate, flat; only for slips.
        chance: How likely a single mistake would have fitted by chance.
    """

    quantity: str
    kind: str
    turned: bool
    cells: tuple[int, ...] = ()
    expected: tuple[float, ...] = ()
    chance: float = 0.0


class Matching:
    """Matches candidates with given quantities, at one level of the search."""

    def __init__(
        self, setting: Setting, plan: Plan, level: Level, paths: Paths, evidence: Mapping[str, Evidence]
    ) -> None:
        self.setting = setting
        self.plan = plan
        self.level = level
        self.paths = paths
        self.settled = settled(setting, {name: each.written for name, each in evidence.items()})

    def cost_of_turning(self, name: str) -> int:
        """What a change of sign at a quantity counts: much where an earlier number has already settled the sign."""
        return AGAIN if name in self.settled else 1

    def matched(self, candidates: Candidates, evidence: Evidence) -> Candidates:
        """The candidates that can stay, each as often as there are ways for it to."""
        name = evidence.name
        array = candidates.array(name)
        if evidence.shape != self.setting.form(name, array.shape[2:]):
            return self._of_other_shape(candidates, evidence)
        predicted = array.reshape(len(candidates), candidates.worlds, -1)
        pending = (candidates.marks.pending & self.plan.ancestors[name]) != 0
        parts: list[Candidates] = []
        signs = self._signs(name)
        signed = np.concatenate([predicted, -predicted]) if len(signs) == 2 else predicted
        found = self._have(evidence, signed, np.tile(pending, len(signs)))
        has = dict(zip(signs, np.split(found, len(signs)), strict=True))
        if len(has) == 2:
            # Where doubt is so large that both signs would do, the nearer is meant.
            distance = dict(zip(signs, np.split(evidence.distance(signed), 2), strict=True))
            if SIGN_OF[name] in ("sign", ""):
                has[-1] &= (candidates.marks.groups & UNSIGNED) == 0
            has[-1] &= ~has[1] | (distance[-1] < distance[1])
            has[1] &= ~has[-1]
        for sign, mask in has.items():
            rows = np.flatnonzero(mask)
            if len(rows):
                parts += self._going_on(candidates, evidence, rows, sign * predicted[rows], pending[rows], sign == -1)
        rest = np.flatnonzero(~np.logical_or.reduce(list(has.values())))
        parts += self._true_after_all(candidates, evidence, rest[~pending[rest]])
        if self.level.slips and len(rest):
            parts += self._with_slips(candidates, evidence, rest, predicted, pending)
        return _joined(parts) if parts else candidates.take(np.zeros(0, dtype=np.intp))

    def _signs(self, name: str) -> tuple[int, ...]:
        if name.endswith("_update"):
            # The amount to take off in the place of the amount to add: only where the outcome says that it was meant.
            return (1, -1) if f"new_{name.removesuffix('_update')}" in self.plan.given else (1,)
        return (1, -1) if name in SIGN_OF else (1,)

    def _have(self, evidence: Evidence, predicted: Array, pending: Mask) -> Mask:
        """Which candidates have all the numbers: strictly those with a mistake to confirm, the others leniently."""
        result = np.empty(len(predicted), dtype=bool)
        if not pending.all():
            result[~pending] = np.any(evidence.lenient(predicted[~pending]).all(axis=2), axis=1)
        if pending.any():
            result[pending] = np.any(evidence.strict(predicted[pending]).all(axis=3), axis=(0, 2))
        return result

    def _going_on(
        self, candidates: Candidates, evidence: Evidence, rows: Index, predicted: Array, pending: Mask, turned: bool
    ) -> list[Candidates]:
        """The candidates that have the numbers, if that is not by chance."""
        marks, name = candidates.marks, evidence.name
        in_segment = bits_set(marks.pending[rows] & self.plan.ancestors[name])
        likely = np.zeros(len(rows))
        for several in set(in_segment.tolist()) - {0}:
            likely[in_segment == several] = self._chance(candidates, evidence, several, evidence.count)
        stay = (in_segment < 2) | (likely <= LARGEST_CHANCE)
        rows, predicted, pending, likely = rows[stay], predicted[stay], pending[stay], likely[stay]
        if not len(rows):
            return []
        kept = self._with_numbers(candidates, evidence, rows, predicted, turned)
        verdicts = [
            Verdict(name, "shown" if seen else "turned" if turned else "follows", turned, chance=float(chance))
            for seen, chance in zip(pending, likely, strict=True)
        ]
        return [self._confirmed(kept, name, verdicts, turned)]

    def _chance(self, candidates: Candidates, evidence: Evidence, several: int, cells: int) -> float:
        """How likely one of all candidates with so many mistakes since the last given number fits by chance."""
        pending = bits_set(candidates.marks.pending & self.plan.ancestors[evidence.name])
        rows = np.flatnonzero(pending == several)
        predictions = candidates.array(evidence.name)[rows, 0].reshape(len(rows), -1)
        grid = evidence.finest or 1e-9 * max(evidence.largest, 1e-300)
        different = len({row.tobytes() for row in np.rint(np.nan_to_num(predictions) / grid) + 0.0})
        base = evidence.name.removeprefix("new_")
        start = self.setting.truth[base] if evidence.name.startswith("new_") else None
        return evidence.chance(different, cells, start)

    def _with_numbers(
        self, candidates: Candidates, evidence: Evidence, rows: Index, predicted: Array, turned: bool
    ) -> Candidates:
        """Chosen candidates, which go on from the learner's numbers, and with the learner's sign."""
        name = evidence.name
        shape = candidates.array(name).shape[1:]
        added = {name: evidence.going_on(predicted).reshape(len(rows), *shape)}
        sign = SIGN_OF.get(name, "")
        if turned and sign:
            added |= {each: -candidates.array(each)[rows] for each in (sign, *self._unseen(name)) if each in candidates}
        return candidates.take(rows).adding(added)

    def _unseen(self, name: str) -> list[str]:
        """What was not given, and has the other sign as well where a quantity has it."""
        return [each for each in turned_with(name) if each not in self.plan.given]

    def _confirmed(self, kept: Candidates, name: str, verdicts: list[Verdict], turned: bool) -> Candidates:
        """Notes what was said; what led here has been confirmed by it."""
        marks = kept.marks
        nodes = np.concatenate([self.paths.grow(marks.node[[row]], verdict) for row, verdict in enumerate(verdicts)])
        leads = self.plan.ancestors[name]
        turns = marks.turns + (self.cost_of_turning(name) if turned else 0)
        return kept.marked(node=nodes, pending=marks.pending & ~leads, owing=marks.owing & ~leads, turns=turns)

    def _true_after_all(self, candidates: Candidates, evidence: Evidence, rows: Index) -> list[Candidates]:
        """Right numbers after wrong ones: copied, or found another way."""
        sign = evidence.true_sign(self._signs(evidence.name)) if len(rows) else 0
        if not sign:
            return []
        truth = np.broadcast_to(sign * evidence.truth, (len(rows), candidates.worlds, len(evidence.truth)))
        kept = self._with_numbers(candidates, evidence, rows, truth, False)
        name = SIGN_OF.get(evidence.name, "")
        if name:
            kept = kept.adding({name: np.full((len(rows), candidates.worlds), float(sign))})
        verdicts = [Verdict(evidence.name, "true", sign == -1)] * len(rows)
        # A slip before it is not borne out by a number that does not follow from it.
        owing = kept.marks.owing
        return [self._confirmed(kept, evidence.name, verdicts, sign == -1).marked(owing=owing)]

    def _of_other_shape(self, candidates: Candidates, evidence: Evidence) -> Candidates:
        """Numbers of the right size after odd ones can only be right; of a wrong size they must be a mistake's own."""
        nothing = candidates.take(np.zeros(0, dtype=np.intp))
        if not evidence.fits_shape:
            return nothing
        free = np.flatnonzero((candidates.marks.pending & self.plan.ancestors[evidence.name]) == 0)
        sign = evidence.true_sign(self._signs(evidence.name)) if len(free) else 0
        if not sign:
            return nothing
        shape = self.setting.shape(evidence.name)
        truth = np.broadcast_to(sign * evidence.truth, (len(free), candidates.worlds, len(evidence.truth)))
        kept = candidates.take(free).adding(
            {evidence.name: truth.reshape(len(free), candidates.worlds, *shape)}, candidates.odd - {evidence.name}
        )
        return self._confirmed(kept, evidence.name, [Verdict(evidence.name, "true", sign == -1)] * len(free), False)

    def _with_slips(
        self, candidates: Candidates, evidence: Evidence, rest: Index, predicted: Array, pending: Mask
    ) -> list[Candidates]:
        """Candidates of which a few numbers differ: they go on from the written one, and from the one it should be."""
        parts = []
        for row in rest:
            room = MOST_SLIPS - int(candidates.marks.slips[row])
            for sign in self._signs(evidence.name) if room > 0 else ():
                found = self._slipped(evidence, sign * predicted[row], bool(pending[row]), room)
                if found is None:
                    continue
                cells, numbers, owes = found
                if pending[row] and not self._beyond_chance(candidates, evidence, int(row), len(cells)):
                    continue
                parts += self._both_ways(candidates, evidence, int(row), numbers, cells, owes, sign == -1)
                break
        return parts

    def _beyond_chance(self, candidates: Candidates, evidence: Evidence, row: int, slips: int) -> bool:
        several = int(bits_set(candidates.marks.pending[[row]] & self.plan.ancestors[evidence.name])[0])
        return several < 2 or self._chance(candidates, evidence, several, evidence.count - slips) <= LARGEST_CHANCE

    def _slipped(
        self, evidence: Evidence, predicted: Array, pending: bool, room: int
    ) -> tuple[list[int], Array, bool] | None:
        """The cells that are slips, the numbers they should be, and whether a later number must bear it out."""
        if pending:
            fit = evidence.strict(predicted[None])[:, 0].reshape(-1, predicted.shape[-1])
            worlds = np.tile(np.arange(len(predicted)), len(fit) // len(predicted))
        else:
            fit, worlds = evidence.lenient(predicted[None])[0], np.arange(len(predicted))
        best = int(np.argmax(fit.sum(axis=1)))
        cells = np.flatnonzero(~fit[best]).tolist()
        if not cells or len(cells) > room or len(cells) > evidence.count / 2:
            return None
        numbers = predicted[worlds[best]]
        if not np.isfinite(numbers).all() or self._is_another_order(evidence, numbers):
            return None
        if pending and not numbers[fit[best] & evidence.judged].any():
            return None  # Zeros alone show no method.
        return cells, predicted, pending and len(cells) > evidence.count / 4

    def _is_another_order(self, evidence: Evidence, numbers: Array) -> bool:
        """Whether the whole matrix is there, in another order: that is a method, not a slip."""
        if not evidence.fits_shape or not evidence.judged.all():
            return False
        matrix = numbers.reshape(self.setting.shape(evidence.name))
        given = evidence.values.reshape(matrix.shape)
        allowed = max(evidence.finest, 1e-9 * evidence.largest)
        return any(bool((np.abs(other - given) <= allowed).all()) for other in mirrored(matrix))

    def _both_ways(
        self,
        candidates: Candidates,
        evidence: Evidence,
        row: int,
        predicted: Array,
        cells: list[int],
        owes: bool,
        turned: bool,
    ) -> list[Candidates]:
        name, rows = evidence.name, np.array([row])
        off = cells
        if candidates.marks.pending[row] & self.plan.ancestors[name]:
            # Beside a mistake that other cells bear out, rounding is no slip.
            near = evidence.lenient(predicted[None])[0].any(axis=0)
            off = [cell for cell in cells if not near[cell]]
        verdict = Verdict(name, "slip" if off else "shown", turned, tuple(off), tuple(predicted[0].tolist()))
        result = []
        for as_written in (True, False):
            if as_written and owes:
                continue
            kept = self._with_numbers(candidates, evidence, rows, predicted[None], turned)
            numbers = kept.array(name).reshape(1, kept.worlds, -1).copy()
            numbers[..., cells] = evidence.values[cells] if as_written else predicted[:, cells]
            kept = kept.adding({name: numbers.reshape(kept.array(name).shape)})
            kept = self._confirmed(kept, name, [verdict], turned)
            owing = kept.marks.owing | (self.plan.bit[name] if owes else np.uint64(0))
            result.append(kept.marked(slips=kept.marks.slips + len(cells), owing=owing))
        return result


def _joined(parts: list[Candidates]) -> Candidates:
    """Several sets of candidates of the same shapes as one."""
    if len(parts) == 1:
        return parts[0]
    names = dict.fromkeys(name for part in parts for layer in part.layers for name in layer.arrays)
    arrays = {name: np.concatenate([part.array(name) for part in parts]) for name in names}
    marks = Marks.joined([part.marks for part in parts])
    rows = np.arange(len(marks.node))
    return Candidates((Layer(arrays, rows),), marks, parts[0].worlds, parts[0].odd)
