"""The search for the smallest sets of mistakes that reproduce a learner's numbers: by outcome, not by path.

Candidates go forward through the stages. Where a quantity was given, only those stay that have its numbers, and go on
from the learner's own. Candidates with equal numbers are one. From one mistake to three, with and without slips; the
first level that explains everything ends the search.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.candidates import Candidates, Index, Layer, Marks, Paths, Rows
from convstep.diagnosis.catalogue_kinds import BIT_OF, group_bits
from convstep.diagnosis.kept import Kept
from convstep.diagnosis.levels import LEVELS, Found, Level, Start, TooMuchError
from convstep.diagnosis.matching import UNSIGNED, Matching, Verdict
from convstep.diagnosis.plan import Plan
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.worlds import rounded, worlds_with

MOST_NUMBERS = 1 << 24
"""So many numbers one stage may hold for all candidates; a level that would need more is given up."""
MOST_PRODUCTS = 1 << 29
"""So many products a level may take beyond the first; on one core, a second or two."""
SUMS = ("window_sums", "summed_gradient", "input_gradient")
"""The stages that sum over taps or positions."""
FEW = 8
"""So few candidates are not worth comparing with each other."""


def _signs(signs: Array, rule: Rule | None) -> Array:
    """The signs of rows after a stage was done by a rule."""
    return -signs if rule is not None and rule.turns else signs


Part = tuple[Index, Array, Rule | None]
"""Candidates, by their rows, to which something was done; what came out; and by which wrong way, if by one."""


class Reached(NamedTuple):
    """Where a search stood when it came to a given quantity, and had not looked at its numbers.

    Attributes:
        place: That of the quantity's stage.
        sets: The candidates, those of each shape by themselves.
        paths: How they came.
        products: How many products had been counted.
    """

    place: int
    sets: list[Candidates]
    paths: Paths
    products: int

    @property
    def size(self) -> int:
        """How many bytes it holds, or few more."""
        return sum(each.size for each in self.sets)


class Search:
    """One level of the search.

    Args:
        setting: The exercise.
        plan: The stages that matter.
        start: What is known.
        level: How much is searched for.
        kept: How far other searches came.
    """

    def __init__(
        self, setting: Setting, plan: Plan, start: Start, level: Level, kept: Kept[Reached] | None = None
    ) -> None:
        self.setting = setting
        self.kept = kept
        self.plan = plan
        self.level = level
        self.start = start
        self.evidence = start.evidence
        self.decimals = start.decimals
        self.worlds = worlds_with(start.decimals)
        self.paths = Paths()
        self.products = 0
        odd = [each.written.values.shape[-2:] for each in start.evidence.values() if not each.fits_shape]
        self.sizes = frozenset([*odd, *(each[::-1] for each in odd)])
        self.matching = Matching(setting, plan, level, self.paths, start.evidence)
        self.hand = next(each.hand for each in start.evidence.values())
        self.failing = tuple(name for name in plan.order if name in start.followed and start.followed[name].fails)
        self.rules = plan.rules_for(self.failing, one=level == LEVELS[0])

    def run(self) -> list[Found]:
        """All candidates with exactly so many mistakes that have the learner's numbers.

        Raises:
            TooMuchError: There are too many candidates for the size of the problem.
        """
        order = self.plan.order
        with np.errstate(all="ignore"):
            reached = self._where_others_came()
            begin = self._first_doubtful() if reached is None else reached.place
            sets = [self._as_followed(begin)] if reached is None else reached.sets
            for place in range(begin, len(order)):
                if reached is None or place > begin:
                    sets = [after for each in sets for after in self._done(each, order[place])]
                    self._keep(place, sets)
                sets = [after for each in sets for after in self._looked_at(each, order[place])]
                if not sets:
                    return []
        return [found for each in sets for found in self._complete(each)]

    def _key(self, number: int) -> Hashable:
        """All that the candidates depend on when they come to one of the given quantities, counted from 0."""
        ways = self.plan.ways_up_to(self.plan.places_given[number], self.failing, one=self.level == LEVELS[0])
        return self.level, ways, self.sizes, self.hand, self.start.keys[number]

    def _where_others_came(self) -> Reached | None:
        """The last given quantity that another search came to from the same numbers."""
        if self.kept is None:
            return None
        least = self._first_doubtful()
        for number, place in reversed(list(enumerate(self.plan.places_given))):
            reached = self.kept.get(self._key(number)) if place >= least else None
            if reached is not None:
                self.paths.take_over(reached.paths)
                self.products = reached.products
                return reached
        return None

    def _keep(self, place: int, sets: list[Candidates]) -> None:
        if self.kept is not None and place in self.plan.places_given:
            reached = Reached(place, sets, self.paths.copy(), self.products)
            self.kept.keep(self._key(self.plan.places_given.index(place)), reached, reached.size)

    def _first_doubtful(self) -> int:
        """The place of the first stage at which anything but the right way has to be looked at."""
        followed = self.start.followed
        return next(
            place
            for place, name in enumerate(self.plan.order)
            if name in self.rules or (name in followed and not followed[name].follows)
        )

    def _as_followed(self, begin: int) -> Candidates:
        """The one candidate up to a stage: what `follow` has already found out."""
        names = self.plan.order[:begin]
        node, turns = np.zeros(1, dtype=np.int64), 0
        for name in names:
            if name in self.start.followed:
                turned = self.start.followed[name].turned
                turns += self.matching.cost_of_turning(name) if turned else 0
                node = self.paths.grow(node, Verdict(name, "turned" if turned else "follows", turned))
        first = Layer({name: self.start.values[name][None] for name in names}, np.zeros(1, dtype=np.intp))
        marks = Marks.of_one()._replace(node=node, turns=np.array([turns]))
        return Candidates((first,), marks, self.worlds)

    def _done(self, candidates: Candidates, name: str) -> list[Candidates]:
        """The candidates after one stage: right, and by every mistake that may still be made."""
        ready = self._put_right(candidates, name)
        return [] if ready is None else self._made(ready, name)

    def _looked_at(self, candidates: Candidates, name: str) -> list[Candidates]:
        """Those that go on after a stage: with the learner's numbers, if there are any; equal ones are one."""
        if name in self.evidence:
            candidates = self.matching.matched(candidates, self.evidence[name])
        elif self.worlds == 4:
            by_world = candidates.array(name).swapaxes(0, 1)
            if (array := rounded(by_world, name, self.decimals)) is not by_world:
                candidates = candidates.adding({name: array.swapaxes(0, 1)})
        if len(candidates) > FEW:
            candidates = self._merged(candidates, name)
        return [candidates] if len(candidates) else []

    def _put_right(self, candidates: Candidates, name: str) -> Candidates | None:
        """Before a stage that cannot go on from an array of another size: with the right one instead.

        The learner must have had other numbers to go on with; where the odd ones have not even been seen, nobody can.
        """
        needs = self.plan.needs[name]
        if not candidates.odd or name in self.plan.keeps_shape or not any(need in candidates.odd for need in needs):
            return candidates
        if candidates.marks.pending.any():
            confirmed = np.flatnonzero(candidates.marks.pending == 0)
            if not len(confirmed):
                return None
            candidates = candidates.take(confirmed)
        for stage in self.plan.stages:
            if stage.name in candidates.odd:
                right = stage.compute(self.setting, Rows(candidates))
                candidates = candidates.adding(
                    {stage.name: self._by_candidate(right, len(candidates))}, candidates.odd - {stage.name}
                )
        return candidates

    def _by_candidate(self, rows: Array, count: int) -> Array:
        """Rows of all worlds, put back to candidates×worlds×shape."""
        if len(rows) == 1:
            return np.broadcast_to(rows[None], (count, self.worlds, *rows.shape[1:]))
        return rows.reshape(count, self.worlds, *rows.shape[1:])

    def _made(self, candidates: Candidates, name: str) -> list[Candidates]:
        """The stage done, in every way; candidates whose result has another shape stand by themselves."""
        stage = self.plan.stage[name]
        everyone = np.arange(len(candidates))
        parts: list[Part] = [
            (everyone, self._by_candidate(stage.compute(self.setting, Rows(candidates)), len(candidates)), None)
        ]
        # Whatever is done with a filter or a gradient of another size afterwards, the size says enough.
        may_go_wrong = name not in ("window_sums", "filter_gradient") or not candidates.odd
        allowed: dict[tuple[str, bool], Index] = {}
        for rule in self.rules.get(name, ()) if may_go_wrong else ():
            if rule.size is not None and rule.size not in self.sizes and rule.size != self.plan.shape[name][-2:]:
                continue
            if name not in self.plan.keeps_shape and any(need in candidates.odd for need in rule.needs):
                continue  # Only the right way's numbers were put right.
            kind = rule.id, rule.again
            if kind not in allowed:
                allowed[kind] = self._allowed(candidates.marks, rule)
            rows = allowed[kind]
            if len(rows):
                self._count(name, len(rows))
                made = rule.compute(self.setting, Rows(candidates, rows if len(rows) < len(candidates) else None))
                parts.append((rows, self._by_candidate(made, len(rows)), rule))
        normal = self.plan.shape[name]
        if len(parts) == 1:
            array, odd = parts[0][1], candidates.odd
            names = odd - {name} if array.shape[2:] == normal else odd | {name}
            return [candidates.adding({name: array}, names)]
        by_shape: dict[tuple[int, ...], list[Part]] = {}
        for part in parts:
            by_shape.setdefault(part[1].shape[2:], []).append(part)
        return [self._joined(candidates, name, same, shape != normal) for shape, same in by_shape.items()]

    def _count(self, name: str, rows: int) -> None:
        """Counts products before they are made; the first level is done whatever it takes."""
        each = self.setting.outputs * (self.setting.geometry.taps if name in SUMS else 1)
        self.products += rows * self.worlds * each
        if self.products > MOST_PRODUCTS and self.level != LEVELS[0]:
            raise TooMuchError

    def _allowed(self, marks: Marks, rule: Rule) -> np.ndarray:
        """The candidates in which this mistake may be made: there is room for one more, and it excludes none."""
        if len(marks.ids) == 1 and not marks.ids[0]:
            return np.arange(int(self.level.mistakes > 0 and not rule.again))
        bit = np.uint64(BIT_OF[rule.id])
        already = (marks.ids & bit) != 0
        if rule.again:
            return np.flatnonzero(already)
        # The same mistake twice on the way to one number would undo itself, or be none.
        twice = (marks.pending & self.plan.ancestors[rule.stage] & np.uint64(self.plan.stages_of_id[rule.id])) != 0
        free = (marks.groups & np.uint64(group_bits(rule.id))) == 0
        return np.flatnonzero((already & ~twice) | (~already & (marks.mistakes < self.level.mistakes) & free))

    def _joined(self, candidates: Candidates, name: str, parts: Sequence[Part], odd: bool) -> Candidates:
        """The candidates of several ways, with the stage's array."""
        rows = np.concatenate([each[0] for each in parts])
        arrays = np.concatenate([each[1] for each in parts]) if len(parts) > 1 else parts[0][1]
        if arrays.size > MOST_NUMBERS:
            raise TooMuchError
        added = {name: arrays}
        if any(rule is not None and rule.turns for _, _, rule in parts):
            added["sign"] = np.concatenate([_signs(candidates.array("sign")[each], rule) for each, _, rule in parts])
        result = candidates.take(rows, self._marked(candidates.marks.take(rows), name, parts)).adding(added)
        names = result.odd | {name} if odd else result.odd - {name}
        return Candidates(result.layers, result.marks, result.worlds, names)

    def _marked(self, marks: Marks, name: str, parts: Sequence[Part]) -> Marks:
        """The marks of candidates, some of which a mistake has just been made in; those of each part stand together."""
        counts = [len(rows) for rows, _, _ in parts]
        rules = [rule for _, _, rule in parts]

        def for_each(what: Callable[[Rule], int], kind: type[np.generic]) -> Any:
            return np.repeat(np.array([0 if rule is None else what(rule) for rule in rules], dtype=kind), counts)

        bits = for_each(lambda rule: BIT_OF[rule.id], np.uint64)
        kinds = for_each(lambda rule: group_bits(rule.id) | (int(UNSIGNED) if rule.unsigned else 0), np.uint64)
        stages = for_each(lambda rule: int(self.plan.bit[name]), np.uint64)
        new = (bits != 0) & ((marks.ids & bits) == 0)
        node, end = marks.node.copy(), 0
        for rule, count in zip(rules, counts, strict=True):
            end += count
            if rule is not None:
                node[end - count : end] = self.paths.grow(node[end - count : end], rule)
        return marks._replace(
            node=node,
            mistakes=marks.mistakes + new,
            ids=marks.ids | bits,
            groups=marks.groups | kinds,
            pending=marks.pending | stages,
            turns=marks.turns + for_each(lambda rule: int(rule.turns), np.int64),
        )

    def _merged(self, candidates: Candidates, name: str) -> Candidates:
        """Candidates that cannot be told apart any more are one; of those with fewer mistakes and more, the former."""
        if name not in self.plan.merges:
            return candidates
        marks = candidates.marks
        keys = [
            each.reshape(len(candidates), -1)
            for each in (
                *(self._grid(candidates.array(live)) for live in self.plan.merges[name]),
                *(np.asarray(each, dtype=np.float64) for each in (marks.pending, marks.owing, marks.slips)),
            )
        ]
        table = np.ascontiguousarray(np.concatenate(keys, axis=1))
        order = np.lexsort((marks.turns, marks.mistakes))
        groups: dict[bytes, list[int]] = {}
        for row in order.tolist():
            groups.setdefault(table[row].tobytes(), []).append(row)
        kept = np.array([rows[0] for rows in groups.values()])
        if len(kept) == len(candidates):
            return candidates
        taken = candidates.take(kept)
        nodes, ids, kinds = taken.marks.node.copy(), taken.marks.ids.copy(), taken.marks.groups.copy()
        for place, rows in enumerate(groups.values()):
            equal = [row for row in rows[1:] if marks.mistakes[row] == marks.mistakes[rows[0]]]
            if equal:
                nodes[place] = self.paths.join(int(marks.node[rows[0]]), [int(marks.node[row]) for row in equal])
                ids[place] = np.bitwise_and.reduce(marks.ids[[rows[0], *equal]])
                kinds[place] = np.bitwise_and.reduce(marks.groups[[rows[0], *equal]])
        return taken.marked(node=nodes, ids=ids, groups=kinds)

    def _grid(self, array: Array) -> Array:
        """Numbers that differ by rounding errors only, made equal."""
        finite = np.where(np.isfinite(array), np.abs(array), 0.0)
        return np.rint(array / max(1e-10 * float(finite.max()), 1e-300)) + 0.0

    def _complete(self, candidates: Candidates) -> list[Found]:
        """Those that have exactly as many mistakes as asked for, each of them confirmed by a given number."""
        marks = candidates.marks
        over = (marks.mistakes == self.level.mistakes) & (marks.pending == 0) & (marks.owing == 0)
        if self.level.slips:
            over &= marks.slips > 0
        return [
            Found(self.paths.labels_of(int(marks.node[row])), int(marks.slips[row]), int(marks.turns[row]))
            for row in np.flatnonzero(over)
        ]
