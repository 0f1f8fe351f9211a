"""Attempts made with the catalogue's own wrong ways: for what is said about a mistake, not for whether it is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convstep.arrays import Array
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.examiner import Exercise
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.simulation import simulated

STARTS = ("filter", "bias")
PADDED = {
    "input": [[0.5, 1, -0.2, 2], [1.5, -1, 0.3, 1], [0.7, 0.4, -0.6, 0.9], [-1.1, 0.8, 1.3, 0.1]],
    "filter": [[0.3, -0.7, 0.2], [0.6, 0.1, -0.4], [-0.25, 0.45, 0.15]],
    "bias": 0.3,
    "target": [[1, 0], [0.5, 2]],
    "learning_rate": 0.1,
    "stride": 2,
    "padding": 1,
}
BIASED = {
    "input": [[1, 2, 0, 1], [0, 1, 3, 1], [2, 0, 1, 1], [1, 1, 0, 2]],
    "filter": [[1, -1], [2, 0.5]],
    "bias": 0.5,
    "target": [[2, 1, 3], [4, 0, 1], [1, 2, 3]],
    "learning_rate": 0.03,
}


def ways(setting: Setting, name: str) -> list[Rule]:
    """The wrong ways of a mistake that stand by themselves."""
    return [rule for rule in rules_of(setting) if rule.id == name and not (rule.again or rule.turns)]


def numbers(setting: Setting, rules: Sequence[Rule]) -> dict[str, Array]:
    """What is written down by somebody who works so; the first array of another size is the last."""
    written: dict[str, Array] = {}
    for name, row in simulated(setting, stages_of(setting), rules).items():
        if name not in STARTS:
            form = setting.form(name, row.shape[1:])
            same = row.shape[1:] == setting.shape(name)
            written[name] = (
                setting.shaped(name, row[0]) if same else row[0].reshape((1,) * max(0, 2 - len(form)) + form)
            )
            if not same:
                break
    return written


def right_numbers(exercise: Exercise) -> dict[str, Array]:
    """All the right numbers of an exercise."""
    setting = exercise.setting
    return {name: setting.shaped(name, row[0]) for name, row in setting.truth.items() if name not in STARTS}


def attempt(setting: Setting, written: Mapping[str, Array]) -> dict[str, Any]:
    """The numbers as an attempt at their iteration."""
    return {"iteration": setting.iteration, **written}
