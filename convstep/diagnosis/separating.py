"""What tells mistakes apart: the quantity that would settle a tie, and what a problem cannot see at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from convstep.arrays import read_only
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.plan import made_for_both, rules_of
from convstep.diagnosis.result import Separation
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.simulation import same, signature, simulated
from convstep.diagnosis.written import Written
from convstep.quantities import QUANTITIES

Signature = tuple[object, ...]


def separation(
    setting: Setting, ways: Sequence[tuple[str, Sequence[Rule], Sequence[str]]], written: Mapping[str, Written]
) -> Separation | None:
    """The first quantity not given yet in which the ways to a learner's numbers part.

    Args:
        setting: The exercise.
        ways: For each set of mistakes its name, the wrong ways in it, and where the sign changes.
        written: The learner's numbers.
    """
    stages = stages_of(setting)
    worlds = {
        name: simulated(setting, stages, _as_written_down(setting, rules), written, turned)
        for name, rules, turned in ways
    }
    best: tuple[int, Separation] | None = None
    for quantity in QUANTITIES:
        if quantity in written or not all(quantity in world for world in worlds.values()):
            continue
        pairs = combinations(worlds.values(), 2)
        apart = sum(not same(one[quantity], other[quantity]) for one, other in pairs)
        if apart and (best is None or apart > best[0]):
            predicted = {
                name: read_only(setting.shaped(quantity, world[quantity][0])) for name, world in worlds.items()
            }
            best = apart, Separation(quantity, predicted)
    return best[1] if best else None


def _as_written_down(setting: Setting, rules: Sequence[Rule]) -> list[Rule]:
    """The wrong ways as they show where everything is written down.

    Who forgets the slope, and is then asked for it, gives the right one: it is missing in δ.
    """
    later = {rule.id: rule for rule in rules_of(setting) if rule.id == "slope-forgotten" and rule.stage == "delta"}
    return [later.get(rule.id, rule) for rule in rules]


class Blindness(NamedTuple):
    """What numbers of a problem cannot show.

    Attributes:
        unseen: Mistakes that change no number of it.
        unmade: Mistakes that cannot be made in it.
        together: Groups of mistakes that give the same numbers, however many are given.
        seen: How many can be told.
    """

    unseen: tuple[str, ...]
    unmade: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]
    seen: int


def blindness(setting: Setting) -> Blindness:
    """Which mistakes this exercise cannot see, or not tell apart, even if every quantity is given."""
    right, outcomes = outcomes_of(setting)
    shows = {name: found - {right} for name, found in outcomes.items()}
    seen = [name for name in CATALOGUE if shows.get(name)]
    return Blindness(
        tuple(name for name in CATALOGUE if name in shows and not shows[name]),
        tuple(name for name in CATALOGUE if name not in outcomes),
        tuple(tuple(group) for group in alike(seen, shows) if len(group) > 1),
        len(seen),
    )


def alike(names: Sequence[str], outcomes: Mapping[str, Collection[Signature]]) -> list[list[str]]:
    """Mistakes in groups: in each, those of which one can come to the numbers of another."""
    groups: list[list[str]] = []
    for name in names:
        meets = [group for group in groups if any(not {*outcomes[name]}.isdisjoint(outcomes[each]) for each in group)]
        groups = [group for group in groups if group not in meets]
        groups.append([*(each for group in meets for each in group), name])
    return sorted(groups, key=lambda group: names.index(group[0]))


def outcomes_of(
    setting: Setting, ids: Collection[str] = CATALOGUE.keys()
) -> tuple[Signature, dict[str, set[Signature]]]:
    """The right numbers; and for each mistake that can be made, those that come out in each way of making it."""
    stages = stages_of(setting)
    found: dict[str, set[Signature]] = {}
    rules = rules_of(setting)
    for rule in rules:
        if rule.id in ids and _stands_alone(rule):
            made = made_for_both([rule], rules)
            found.setdefault(rule.id, set()).add(signature(simulated(setting, stages, made)))
    return signature(simulated(setting, stages, ())), found


def _stands_alone(rule: Rule) -> bool:
    """Whether a way is one that shows where everything is written down."""
    if rule.again or rule.turns or rule.without:
        return False
    return not rule.beside or rule.id in _SEEN_BESIDE


_SEEN_BESIDE = (
    *("slope-forgotten", "slope-of-error", "slope-of-target", "value-for-slope"),
    *("gradient-from-error", "input-gradient-from-error"),
)
"""Mistakes that can be made although another quantity was given as well, and was right: the slope, or δ."""
