"""Judges attempts at one problem; what they share is computed once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.evidence import Evidence
from convstep.diagnosis.following import Begun, Course, Followed, follow, settled
from convstep.diagnosis.hand import hand_of
from convstep.diagnosis.kept import Kept
from convstep.diagnosis.levels import FEW_LEVELS, LEVELS, MOST_MISTAKES, Found, Level, Start, TooMuchError
from convstep.diagnosis.matching import AGAIN, Verdict
from convstep.diagnosis.plan import Plan, made_for_both, rules_of, twins
from convstep.diagnosis.report import Reading, report
from convstep.diagnosis.result import Diagnosis
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.search import Reached, Search
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.simulation import same, simulated
from convstep.diagnosis.worlds import STATES, true_worlds
from convstep.diagnosis.written import Written, finest, read_written
from convstep.errors import ProblemError
from convstep.numbers import listing
from convstep.problem.checks_attempt import attempt as checked_attempt
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES


def diagnose(problem: Problem, attempt: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()) -> Diagnosis:
    """Which mistake did a learner make?

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]],
    ...                          "target": [[1, 0], [0, 1]], "learning_rate": 0.5})
    >>> diagnose(problem, {"filter_gradient": [[2, -2], [0, 2]], "new_filter": [[2, -2], [1, 2]]})
    <Diagnosis: wrong, ascent>

    Args:
        problem: What the learner worked on.
        attempt: The learner's numbers by quantity, as nested lists (text such as ``"0.50"`` keeps its digits, ``None``
            is not judged) or arrays; with ``iteration`` where it is not the first.
        earlier: The learner's attempts at earlier iterations: an iteration starts from the `new_filter` of the one
            before it.

    Raises:
        ProblemError: The attempt cannot be read, or has quantities that the problem does not have.
        UsageError: The run does not reach the iteration.
    """
    return _examiner(problem).diagnose(attempt, earlier)


MOST_KEPT = 1 << 25
"""So many bytes of what was worked out for other attempts at the same exercise are kept, of each kind."""
MOST_OWN = 16
"""So many exercises that start from a learner's own numbers are kept: the next attempt goes on from the last."""
NEW = ("new_filter", "new_bias")
"""The new parameters."""


@functools.lru_cache(maxsize=8)
def _examiner(problem: Problem) -> Examiner:
    return Examiner(problem)


class Examiner:
    """Judges attempts at one problem.

    Attributes:
        problem: The problem.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._exercises: dict[tuple[object, ...], Exercise] = {}

    def diagnose(self, attempt: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()) -> Diagnosis:
        """See `diagnose`."""
        named = checked_attempt(attempt)
        return self.exercise(int(named.get("iteration", 1)), earlier).judge(read_written(named))

    def exercise(self, iteration: int, earlier: Sequence[Mapping[str, Any]] = ()) -> Exercise:
        """The exercise that an iteration is, after the learner's own attempts at earlier ones."""
        return self._after(iteration, self._gone_on_from([each for each in earlier if _iteration_of(each) < iteration]))

    def _gone_on_from(self, earlier: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Attempts at earlier iterations; what was not written of their ends, as the mistakes made there lead to it."""
        result: list[Mapping[str, Any]] = []
        for each in sorted(earlier, key=_iteration_of):
            exercise = self._after(_iteration_of(each), result)
            has = exercise.setting.truth
            known = {name: value for name, value in each.items() if name in has or name == "iteration"}
            missing = [name for name in exercise.ends if name not in known]
            result.append({**known, **exercise.led_to(read_written(known), missing)} if missing else known)
        return result

    def _after(self, iteration: int, whole: Sequence[Mapping[str, Any]]) -> Exercise:
        """The exercise after attempts whose ends are known; the same one as long as it is asked for."""
        key = iteration, *((_iteration_of(each), *_keys_of(each)) for each in whole)
        if key not in self._exercises:
            own = [known for known in self._exercises if len(known) > 1]
            if len(own) >= MOST_OWN:
                del self._exercises[own[0]]
            self._exercises[key] = Exercise(setting_at(self.problem, iteration, whole))
        return self._exercises[key]


def _iteration_of(attempt: Mapping[str, Any]) -> int:
    return int(attempt.get("iteration", 1))


def _keys_of(attempt: Mapping[str, Any]) -> list[tuple[object, ...]]:
    return [(name, *each.key) for name, each in read_written(attempt).items()]


class Exercise:
    """One iteration of a problem, ready to judge attempts at it.

    Attributes:
        setting: The exercise.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.stages = stages_of(setting)
        self.rules = rules_of(setting)
        self._plans: dict[frozenset[str], Plan] = {}
        self._truths: dict[tuple[int, Plan], dict[str, Array]] = {}
        self._begun: Kept[Begun] = Kept(MOST_KEPT)
        self._reached: Kept[Reached] = Kept(MOST_KEPT)
        self._judged: Kept[Diagnosis] = Kept(MOST_KEPT)

    def judge(self, written: Mapping[str, Written]) -> Diagnosis:
        """The diagnosis of a learner's numbers.

        Raises:
            ProblemError: A quantity is given that the iteration does not have.
        """
        self._refuse_unknown(written)
        if not written:
            raise ProblemError("no number is filled in yet", ("attempt",))
        written = {name: written[name] for name in QUANTITIES if name in written}
        key = tuple((name, each.key) for name, each in written.items())
        known = self._judged.get(key)
        if known is None:
            found, looked_for = self._explained(written, LEVELS)
            known = found or self._not_explained(written, looked_for)
            self._judged.keep(key, known, known.reading.size)
        return known

    @property
    def ends(self) -> list[str]:
        """What the next iteration starts from: the new parameters, and the optimizer's state."""
        return [name for name in self.setting.truth if name in NEW or name.endswith(STATES)]

    def led_to(self, written: Mapping[str, Written], wanted: Sequence[str]) -> dict[str, Array]:
        """Quantities that were not written, as the explanations of those that were lead to them, where they agree."""
        if not written:
            return {}
        seen = self.plan(frozenset(written)).stage
        worlds = [
            simulated(self.setting, self.stages, made_for_both(way.rules, self.rules, seen), written, way.turned)
            for way in self.judge(written).ways
        ]
        agreed = [
            name
            for name in wanted
            if worlds and all(name in each and same(each[name], worlds[0][name]) for each in worlds)
        ]
        return {name: self.setting.shaped(name, worlds[0][name][0]) for name in agreed}

    def _explained(self, written: Mapping[str, Written], levels: Sequence[Level]) -> tuple[Diagnosis | None, int]:
        """The first level that explains everything; and how many mistakes at a time could be looked for."""
        plan = self.plan(frozenset(written))
        starts = self._starts(plan, written)
        too_many = MOST_MISTAKES + 1
        for level in levels:
            for reading, start in starts if level.mistakes < too_many else ():
                try:
                    found = self._search(plan, start, level) if start.fails else []
                except TooMuchError:
                    # So many mistakes with slips are too much; without them they were looked for before.
                    too_many = min(too_many, level.mistakes + level.slips)
                    break
                if found and found[0].turns >= AGAIN and not starts[-1][1].fails:
                    continue  # Whoever changes the sign again anyway needs no mistake.
                if found or not start.fails:
                    return report(reading, level if found else None, found), MOST_MISTAKES
        return None, too_many - 1

    def _not_explained(self, written: Mapping[str, Written], looked_for: int) -> Diagnosis:
        """What is said where nothing explains everything: how far an explanation goes, and where it ends."""
        reading, _ = self._starts(self.plan(frozenset(written)), written)[0]
        whole = report(reading, None, (), looked_for)
        failing = [name for name, each in reading.followed.items() if each.fails]
        blamed, so_far = failing[0], None
        for name, after in pairwise(failing):
            upto = dict(islice(written.items(), list(written).index(name) + 1))
            part, _ = self._explained(upto, FEW_LEVELS)
            if part is None:
                break
            blamed, so_far = after, part
        if so_far is None:
            return whole
        known = {each.name: each for each in so_far.quantities}
        quantities = tuple(known.get(each.name, each) for each in whole.quantities)
        return replace(whole, first_wrong=blamed, quantities=quantities, so_far=so_far.explanations)

    def _starts(self, plan: Plan, written: Mapping[str, Written]) -> list[tuple[Reading, Start]]:
        """The learner's numbers, judged leniently; where that helps, also with a sign that changes on the way."""
        result: list[tuple[Reading, Start]] = []
        for firm in dict.fromkeys((settled(self.setting, written), frozenset())):
            followed, values, keys = self._followed(plan, written, firm)
            reading = Reading(self.setting, plan, written, followed, {name: each[1:2] for name, each in values.items()})
            start = Start(followed, values, self._evidence(written, followed), finest(written), keys)
            if not result or any(followed[name].turned for name in settled(self.setting, written)):
                result.append((reading, start))
            if not start.fails or not any(each.held for each in followed.values()):
                break
        return result

    def _refuse_unknown(self, written: Mapping[str, Written]) -> None:
        has = [name for name in QUANTITIES if name in self.setting.truth]
        for name in written:
            if name not in self.setting.truth:
                raise ProblemError(f"this problem has none; it has {listing(has)}", ("attempt", name), at_key=True)

    def plan(self, given: frozenset[str]) -> Plan:
        """The plan for these quantities."""
        if given not in self._plans:
            self._plans[given] = Plan(self.setting, self.stages, self.rules, given)
        return self._plans[given]

    def truths(self, plan: Plan, decimals: int) -> dict[str, Array]:
        """The right numbers for somebody who writes that many decimals; see `true_worlds`."""
        key = decimals, plan
        if key not in self._truths:
            self._truths[key] = true_worlds(self.setting, plan.stages, decimals)
        return self._truths[key]

    @np.errstate(all="ignore")
    def _followed(self, plan: Plan, written: Mapping[str, Written], firm: frozenset[str]) -> Course:
        truths = self.truths(plan, finest(written))
        return follow(self.setting, plan.stages, written, truths, firm, self._begun)

    def _evidence(self, written: Mapping[str, Written], followed: Mapping[str, Followed]) -> dict[str, Evidence]:
        decimals = finest(written)
        unit = 10.0**-decimals if decimals else 0.0
        hand = hand_of(written, followed)
        return {name: Evidence(self.setting, name, written[name], followed[name], unit, hand) for name in written}

    def _search(self, plan: Plan, start: Start, level: Level) -> list[Found]:
        found = Search(self.setting, plan, start, level, self._reached).run()
        least = min((_cost(plan, each) for each in found), default=None)
        return [each for each in found if _cost(plan, each) == least]


def _cost(plan: Plan, found: Found) -> tuple[int, int, bool]:
    """Of candidates with equally many mistakes, those are told that need the least else."""
    return found.slips, found.turns // AGAIN, all(_is_odd(plan, trail) for trail in found.trails)


def _is_odd(plan: Plan, trail: tuple[object, ...]) -> bool:
    """Whether a right number after the mistakes must have come another way, or a mistake was made only on one side."""
    came_another_way = any(isinstance(each, Verdict) and each.kind == "true" for each in trail)
    return came_another_way or _is_lopsided(plan, trail)


def _is_lopsided(plan: Plan, trail: tuple[object, ...]) -> bool:
    """Whether a mistake was made for the bias, and for the filter, whose numbers were given as well, it was not."""
    made = [each for each in trail if isinstance(each, Rule)]
    for rule in made:
        for twin in twins(rule.stage):
            could = _has(plan, twin, rule.id) and plan.reaches[twin]
            if could and not any(each.id == rule.id and each.stage == twin for each in made):
                return True
    return False


def _has(plan: Plan, stage: str, name: str) -> bool:
    return any(rule.id == name for rule in plan.rules.get(stage, ()))
