"""Every mistake has a small example, computed on the spot, in which it shows."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from golden_lines import golden_lines, is_same
from made import ways

from convstep.descent import descend
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS
from convstep.diagnosis.catalogue_kinds import BIT_OF, COMMON_FIRST, GROUPS, group_bits
from convstep.diagnosis.examples import example_of
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.simulation import simulated
from convstep.quantities import QUANTITIES
from convstep.render.check_mistakes_data import write_mistakes


def test_the_catalogue_is_whole():
    assert len(CATALOGUE) == 58
    assert sorted(COMMON_FIRST) == sorted(CATALOGUE)
    assert all(each.quantity in QUANTITIES for each in CATALOGUE.values())
    assert all(each.id == name for name, each in CATALOGUE.items())


def test_every_row_and_its_example_are_as_they_were(request):
    """``pytest tests/diagnosis --update-goldens`` writes them anew: read what has changed."""
    stream = io.StringIO()
    write_mistakes(stream, names := [*CATALOGUE, *CONVENTIONS], lines=True)
    now = [
        {**json.loads(line), "before": shown_before(each)}
        for line, each in zip(stream.getvalue().splitlines(), names, strict=True)
    ]
    before = golden_lines(request, "mistakes.jsonl", lambda: now)
    assert [each["id"] for each in now] == [each["id"] for each in before]
    assert [new for new, old in zip(now, before, strict=True) if not is_same(new, old)] == []


def shown_before(name: str) -> list[object]:
    """What a page shows beside an example, in that order."""
    example = example_of(name)
    return [] if example is None else [[each, numbers.tolist()] for each, numbers in example.from_.items()]


def test_every_mistake_has_a_bit_and_those_of_a_group_share_one():
    assert sorted(BIT_OF.values()) == [1 << number for number in range(len(CATALOGUE))]
    assert {name for group in GROUPS for name in group} <= set(CATALOGUE)
    for one in CATALOGUE:
        for other in CATALOGUE:
            together = any(one in group and other in group for group in GROUPS)
            assert bool(group_bits(one) & group_bits(other)) == together


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_example_is_a_right_and_a_wrong_calculation(name):
    example = example_of(name)
    steps = [step for step, _ in zip(descend(example.problem), range(example.iteration), strict=False)]
    assert steps[-1].iteration == example.iteration
    assert example.quantity == CATALOGUE[name].quantity
    assert np.allclose(example.right, steps[-1].array(example.quantity), rtol=0, atol=1e-12)
    assert example.wrong.shape != example.right.shape or not np.allclose(example.wrong, example.right)
    for shown, values in example.from_.items():
        assert np.array_equal(values, steps[-1].array(shown))


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_example_is_made_by_its_mistake(name):
    example = example_of(name)
    setting = setting_at(example.problem, example.iteration)
    made = [simulated(setting, stages_of(setting), [rule]).get(example.quantity) for rule in ways(setting, name)]
    assert any(each is not None and np.array_equal(each.reshape(-1), example.wrong.reshape(-1)) for each in made)


def test_an_unknown_name_has_none():
    assert example_of("no-such-mistake") is None
