"""Every mistake has a small example, computed on the spot, in which it shows."""

from __future__ import annotations

import numpy as np
import pytest
from made import ways

from convstep.descent import descend
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.catalogue_kinds import COMMON_FIRST
from convstep.diagnosis.examples import example_of
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.simulation import simulated
from convstep.quantities import QUANTITIES


def test_the_catalogue_is_whole():
    assert len(CATALOGUE) == 58
    assert sorted(COMMON_FIRST) == sorted(CATALOGUE)
    assert all(each.quantity in QUANTITIES for each in CATALOGUE.values())
    assert all(each.id == name for name, each in CATALOGUE.items())


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_example_is_a_right_and_a_wrong_calculation(name):
    example = example_of(name)
    steps = [step for step, _ in zip(descend(example.problem), range(example.iteration), strict=False)]
    assert steps[-1].iteration == example.iteration
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
