"""From what the search found to a diagnosis: each quantity's status, the mistakes in words, the slips by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, takewhile
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array, read_only, without_ones
from convstep.diagnosis.catalogue_kinds import COMMON_FIRST
from convstep.diagnosis.following import Followed
from convstep.diagnosis.levels import MOST_MISTAKES, Found, Level
from convstep.diagnosis.matching import Verdict
from convstep.diagnosis.plan import Plan
from convstep.diagnosis.result import Diagnosis, JudgedCell, JudgedQuantity, ToldMistake
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.simulation import same, simulated
from convstep.diagnosis.slips import slip_cells
from convstep.diagnosis.telling import told
from convstep.diagnosis.tolerance import fits
from convstep.diagnosis.written import Written
from convstep.quantities import QUANTITIES

FEW_CHANCE = 0.01
"""Above this, a single mistake is told with a word of caution."""
FEW_CELLS = 4
"""So few numbers speak softly, too."""


class Reading(NamedTuple):
    """A learner's numbers, judged leniently.

    Attributes:
        setting: The exercise.
        plan: The stages that matter.
        written: The numbers.
        followed: How each quantity was judged.
        values: The learner's numbers for all stages; where one was not given, what follows from those before.
        mended: The same, with the slips that were found put right.
    """

    setting: Setting
    plan: Plan
    written: Mapping[str, Written]
    followed: Mapping[str, Followed]
    values: dict[str, Array]
    mended: dict[str, Array] = {}

    @property
    def size(self) -> int:
        """How many bytes its arrays hold, or few more."""
        judged = (array for each in self.followed.values() for array in (each.expected, each.doubt, each.truths))
        return sum(each.nbytes for each in (*judged, *self.values.values(), *self.mended.values()))


class Way(NamedTuple):
    """One way to the learner's numbers: the mistakes in it, and what was said of each given quantity."""

    rules: tuple[Rule, ...]
    verdicts: Mapping[str, Verdict]
    at: Mapping[str, str]
    turns: int

    @property
    def turned(self) -> tuple[str, ...]:
        """The quantities at which the learner's sign changes."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict.turned)

    @property
    def ids(self) -> tuple[str, ...]:
        """The mistakes, each once, in the order of the calculation."""
        return tuple(dict.fromkeys(rule.id for rule in self.rules))


def report(reading: Reading, level: Level | None, found: Sequence[Found], looked_for: int = MOST_MISTAKES) -> Diagnosis:
    """The diagnosis.

    Args:
        reading: The learner's numbers.
        level: The level of the search that ended it; ``None`` where all is right, or nothing explains it.
        found: What it found.
        looked_for: How many mistakes at a time were looked for, where nothing was found.
    """
    judged, ways = reading, _best_ways(reading, found)
    best = ways[0] if ways else None
    reading = reading._replace(values=reading.values | _worked(reading, best)) if best else reading
    reading = reading._replace(mended=dict(reading.values))
    quantities = tuple(_judged(reading, name, best) for name in QUANTITIES if name in reading.written)
    if len(ways) > 1:
        quantities = tuple(each._replace(id=None) if each.status == "wrong" else each for each in quantities)
    off = next((each.name for each in quantities if each.status in ("wrong", "slip")), None)
    explanations = tuple(_told_set(judged, way) for way in ways) if level is not None and level.mistakes else ()
    return Diagnosis(
        reading.setting.iteration, _verdict(level, off), off, quantities, explanations, reading, tuple(ways), looked_for
    )


def _verdict(level: Level | None, off: str | None) -> str:
    if level is not None:
        return "wrong" if level.mistakes else "slip"
    return "right" if off is None else "unexplained"


def _worked(reading: Reading, way: Way) -> dict[str, Array]:
    """The learner's numbers as the mistakes make them, where they were not given."""
    return simulated(reading.setting, reading.plan.stages, way.rules, reading.written, way.turned)


def _best_ways(reading: Reading, found: Iterable[Found]) -> list[Way]:
    """For each set of mistakes the way with the fewest turns of sign, the most common mistakes first."""
    every = [_way(reading.plan, labels, each.turns) for each in found for labels in each.trails]
    plainer = [rest for way in every if (rest := _without_what_cancels(reading, way)) is not None]
    best: dict[frozenset[str], Way] = {}
    for way in plainer or every:
        key = frozenset(way.ids)
        if key not in best or way.turns < best[key].turns:
            best[key] = way
    # Among equals, those that need no convention that nothing shows.
    plain = [way.turns for way in best.values() if not _is_hidden(way)]
    ways = [way for way in best.values() if not _is_hidden(way) or way.turns <= min(plain, default=way.turns)]
    return sorted(ways, key=lambda way: sorted(COMMON_FIRST.index(name) for name in way.ids))


def _without_what_cancels(reading: Reading, way: Way) -> Way | None:
    """A way without the two of its three mistakes that undo each other; None if there are none.

    Such as 2·∂L/∂a and a rate of ½ that comes in twice.
    """
    for dropped in combinations(way.ids, 2) if len(way.ids) > 2 else ():
        rules = tuple(rule for rule in way.rules if rule.id not in dropped)
        rest = way._replace(rules=rules, at={name: at for name, at in way.at.items() if name not in dropped})
        if _lead_to_the_same(reading, way, rest):
            return rest
    return None


def _lead_to_the_same(reading: Reading, one: Way, other: Way) -> bool:
    """Whether two ways give the same numbers, were they worked out with all digits."""
    first, second = (
        simulated(reading.setting, reading.plan.stages, way.rules, turned=way.turned) for way in (one, other)
    )
    return all(name in first and name in second and same(first[name], second[name]) for name in reading.written)


def _is_hidden(way: Way) -> bool:
    """Whether a mistake in it turns a sign that nobody has seen."""
    return any(rule.turns for rule in way.rules)


def _way(plan: Plan, labels: tuple[object, ...], turns: int) -> Way:
    verdicts: dict[str, Verdict] = {}
    rules: list[Rule] = []
    at: dict[str, str] = {}
    for label in labels:
        if isinstance(label, Rule):
            rules.append(label)
        elif isinstance(label, Verdict):
            verdicts[label.quantity] = label
            for rule in rules:
                if plan.leads(rule.stage, label.quantity):
                    at.setdefault(rule.id, label.quantity)
    return Way(tuple(rules), verdicts, at, turns)


def _judged(reading: Reading, name: str, way: Way | None) -> JudgedQuantity:
    written, followed = reading.written[name], reading.followed[name]
    verdict = way.verdicts.get(name) if way else None
    seen = [] if way is None else _mistakes_seen_in(reading.plan, way, name)
    shows = way is not None and (name in way.at.values() or (followed.fails and bool(seen)))
    before = takewhile(lambda each: each != name, reading.followed)
    status = _status(followed, verdict, shows, after_wrong=any(reading.followed[each].fails for each in before))
    setting = reading.setting
    follows = _in_learners_sign(followed, verdict)
    cells: tuple[JudgedCell, ...] = ()
    if verdict is not None and verdict.cells:
        cells = slip_cells(setting, name, written, verdict, _worlds_of_terms(reading, verdict))
        _put_right(reading, name, cells)
    elif status == "wrong":
        cells = _wrong_cells(setting, name, written, follows, followed.doubt)
    name_of = None
    if status == "convention":
        name_of = _convention(name, reading.written)
    elif status == "wrong" and way is not None:
        here = [each for each, where in way.at.items() if where == name] or seen
        name_of = here[0] if len(here) == 1 else None
    right = (setting.of_run if followed.as_run else setting.truth)[name][0]
    return JudgedQuantity(
        name,
        status,
        read_only(np.where(written.judged, written.values, np.nan)),
        read_only(setting.shaped(name, right)),
        read_only(setting.shaped(name, follows[0])),
        name_of,
        cells,
        followed.nothing and status in ("right", "follows"),
        status == "right" and _is_off(written, right),
    )


def _worlds_of_terms(reading: Reading, verdict: Verdict) -> tuple[Mapping[str, Array], ...]:
    """What the terms of a sum are made of: a δ that nobody has seen has the sign that the quantity shows."""
    worlds = reading.values, reading.mended
    if not verdict.turned or "delta" in reading.written or "delta" not in reading.values:
        return worlds
    return tuple({**each, "delta": -each["delta"]} for each in worlds)


def _is_off(written: Written, right: Array) -> bool:
    """Whether a number that was rounded is off by more than a unit of its own last digit."""
    if written.values.size != right.size:
        return False
    units = np.where(written.judged, written.units, 0.0).reshape(-1)
    apart = np.abs(written.values.reshape(-1) - right.reshape(-1))
    return bool(((units > 0) & (apart > units * (1.0 + 1e-9))).any())


def _mistakes_seen_in(plan: Plan, way: Way, name: str) -> list[str]:
    """The mistakes between a given quantity and the given ones before it."""
    return list(dict.fromkeys(rule.id for rule in way.rules if plan.reaches[rule.stage] & int(plan.bit[name])))


def _put_right(reading: Reading, name: str, cells: Sequence[JudgedCell]) -> None:
    """Slips replaced by what the numbers should be, for those who go on from the right ones."""
    own = reading.setting.own_shape(name)
    if reading.mended[name][0].size != int(np.prod(own)):
        return
    numbers = reading.mended[name][0].reshape(own).copy()
    for cell in cells:
        numbers[cell.cell] = cell.expected
    reading.mended[name] = numbers.reshape(reading.mended[name].shape)


def _in_learners_sign(followed: Followed, verdict: Verdict | None) -> Array:
    turned = followed.turned or (verdict is not None and verdict.turned)
    return -followed.expected if turned else followed.expected


def _status(followed: Followed, verdict: Verdict | None, shows: bool, *, after_wrong: bool) -> str:
    """What a quantity is; the search's word counts, where it has one."""
    if verdict is not None and verdict.kind in ("shown", "slip"):
        return "wrong" if verdict.kind == "shown" or shows else "slip"
    if shows and followed.fails:
        return "wrong"  # It follows from the mistake, and from no number above.
    if followed.true == 1:
        return "right"
    if verdict is not None and verdict.kind == "turned":
        return "convention"
    if verdict is None and followed.turned:
        return "convention"
    if verdict is not None or followed.follows:
        # What follows from right numbers is right, though their rounding may have made it another than the right one.
        return "right" if verdict is None and followed.true == 0 and not after_wrong else "follows"
    return "follows" if followed.true == -1 else "wrong"


def _convention(name: str, written: Mapping[str, Written]) -> str:
    """The convention by which numbers have the other sign."""
    if name == "error" or (name in ("output_gradient", "delta") and "error" not in written):
        return "error-sign"
    return "gradient-sign"


def _wrong_cells(setting: Setting, name: str, written: Written, follows: Array, doubt: Array) -> tuple[JudgedCell, ...]:
    if without_ones(written.values.shape) != setting.form(name, setting.shape(name)):
        return ()
    wrong = (~fits(setting, name, written, follows, doubt))[0].reshape(setting.own_shape(name))
    given, expected = written.values.reshape(wrong.shape), setting.shaped(name, follows[0])
    return tuple(
        JudgedCell(tuple(int(i) for i in cell), float(given[tuple(cell)]), float(expected[tuple(cell)]))
        for cell in np.argwhere(wrong)
    )


def _told_set(reading: Reading, way: Way) -> tuple[ToldMistake, ...]:
    result = []
    for name in way.ids:
        at = way.at[name]
        verdict = way.verdicts[at]
        alone = sum(where == at for where in way.at.values()) == 1
        few = alone and (verdict.chance > FEW_CHANCE or reading.written[at].judged_count < FEW_CELLS)
        rule = next(rule for rule in way.rules if rule.id == name)
        says, instead = told(reading.setting, reading.plan, rule, reading.values, reading.written)
        result.append(ToldMistake(name, at, says, instead, few))
    return tuple(result)
