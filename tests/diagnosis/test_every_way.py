"""What every stage and every wrong way of one makes of some drawn problems, and how far rounding can move the former:
``pytest tests/diagnosis --update-goldens`` writes it anew.

Whether a way is the one that people go is told elsewhere, by a second layer. This one tells what a change has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from golden_lines import golden_lines
from measure_diagnosis import MISTAKES, seeded
from planted_problems import drawn_problem

import convstep
from convstep.arrays import Array
from convstep.diagnosis.calculation import beside, stages_of
from convstep.diagnosis.following import went_on_with
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.written import read_written

SEED = 3
DIGITS, DECIMALS = 6, 2
AT_ONCE = 6
"""How many problems a test has."""


def drawn() -> Iterator[tuple[dict[str, Any], int]]:
    """A problem for each mistake, with what that needs, and the iteration to look at."""
    for id_ in MISTAKES:
        random = seeded(SEED, id_)
        found = None
        while found is None:
            found = drawn_problem(random, (id_,))
        yield found


def with_both_signs(setting: Setting) -> dict[str, Array]:
    """What every stage gives: a row for whoever has a − t, one for whoever has t − a."""
    values: dict[str, Array] = {}
    for stage in stages_of(setting):
        values[stage.name] = stage.compute(setting, values)
        if stage.name == "sign":
            values["sign"] = np.array([1.0, -1.0])
        elif stage.name == "error" or (stage.name == "output_gradient" and "error" not in values):
            values[stage.name] = values[stage.name] * beside(values["sign"], values[stage.name])
    return values


def told(setting: Setting, values: dict[str, Array], rule: Rule) -> str:
    """A way with all that it says of itself, and what it makes."""
    flags = [name for name in ("again", "turns", "unsigned") if getattr(rule, name)]
    about = [rule.id, rule.stage, f"{rule.way}", *rule.needs, f"beside {rule.beside}", f"without {rule.without}"]
    size = [] if rule.size is None else [f"{rule.size[0]}×{rule.size[1]}"]
    return " ".join([*about, *flags, *size, *in_short(rule.compute(setting, values))])


def in_short(made: Array) -> list[str]:
    """A number for each row, made of all its numbers."""
    rows = np.asarray(made).reshape(len(made), -1)
    return [f"{each:.{DIGITS}g}" for each in rows @ np.cos(1.0 + np.arange(rows.shape[1]))]


def followed(setting: Setting) -> Iterator[str]:
    """Every stage, what it needs, its numbers, and by how much they may be off: for somebody whose parameters were
    rounded before, who wrote z down and rounds every number.
    """
    stages = stages_of(setting)
    setting.doubt = 0.5 * 10.0**-DECIMALS
    z = np.char.mod(f"%.{DECIMALS}f", setting.shaped("pre_activation", setting.truth["pre_activation"][0]))
    numbers, doubts = went_on_with(setting, stages, read_written({"pre_activation": z.tolist()}), DECIMALS)
    for stage in stages:
        yield " ".join([stage.name, *stage.needs, *in_short(numbers[stage.name]), *in_short(doubts[stage.name])])


@np.errstate(all="ignore")
def ways(problem: dict[str, Any], iteration: int) -> list[str]:
    """Every stage, and every wrong way that exists in the exercise."""
    setting = setting_at(convstep.load(problem), iteration)
    values = with_both_signs(setting)
    return [*followed(setting), *(told(setting, values, rule) for rule in rules_of(setting))]


def is_same(now: str, before: str) -> bool:
    """Whether nothing has changed but perhaps the last digit."""
    pairs = list(zip(now.split(" "), before.split(" "), strict=False))
    return now.count(" ") == before.count(" ") and all(new == old or is_near(new, old) for new, old in pairs)


def is_near(new: str, old: str) -> bool:
    try:
        return abs(float(new) - float(old)) <= 10.0 ** (2 - DIGITS) * abs(float(old)) + 1e-9
    except ValueError:
        return False


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return golden_lines(
        request,
        "ways.jsonl",
        lambda: ({"problem": problem, "iteration": at, "ways": ways(problem, at)} for problem, at in drawn()),
    )


@pytest.mark.parametrize("first", range(0, len(MISTAKES), AT_ONCE))
def test_they_make_the_same(golden, first):
    for line in golden[first : first + AT_ONCE]:
        now, before = ways(line["problem"], line["iteration"]), line["ways"]
        assert [each.split(" ")[0] for each in now] == [each.split(" ")[0] for each in before]
        changed = [(new, old) for new, old in zip(now, before, strict=True) if not is_same(new, old)]
        assert not changed, (line["problem"], line["iteration"], *changed)


def test_every_mistake_is_among_them(golden):
    assert len(golden) == len(MISTAKES)
    assert {way.split(" ")[0] for line in golden for way in line["ways"]} >= set(MISTAKES)
