"""A proposed problem tells the mistakes apart: each, made in it, is found alone."""

from __future__ import annotations

import numpy as np
import pytest
from made import attempt, numbers, ways
from program import SAMPLES

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.distinguishing import LARGEST, TRIES, proposal
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.separating import alike

ASKED = [
    ("question", ["ascent", "rate-forgotten", "gradient-replaces"]),
    ("question", ["slope-forgotten", "slope-at-zero", "activation-for-slope"]),
    ("question", ["filter-rotated", "filter-transposed", "gradient-rotated", "gradient-transposed"]),
    ("channels", ["channels-not-summed", "bias-forgotten", "bias-repeated"]),
    ("sigmoid", ["slope-of-output", "slope-shortcut", "value-for-slope"]),
]


def sample(name):
    return convstep.load(SAMPLES / f"{name}.yaml")


@pytest.mark.parametrize(("name", "ids"), ASKED)
def test_each_is_found_alone(name, ids):
    found = proposal(sample(name), ids)
    assert sorted(
        [*found.apart, *found.unseen, *found.unmade, *(each for g in found.together for each in g)]
    ) == sorted(ids)
    assert len(found.apart) >= len(ids) - 1
    examiner = Examiner(found.problem)
    setting = examiner.exercise(1).setting
    for id_ in found.apart:
        for rule in ways(setting, id_):
            written = numbers(setting, [rule])
            if {*rule.without} & written.keys():
                continue
            diagnosis = examiner.diagnose(attempt(setting, written))
            told = [{each.id for each in one} for one in diagnosis.explanations]
            assert {id_} in told, rule
            assert not any(one <= {*ids} and one != {id_} for one in told), rule


def test_what_gives_the_same_numbers_stays_together():
    """max(e, 0) is what a mask of e > 0 lets pass, whatever the numbers."""
    found = proposal(sample("question"), ["slope-of-error", "ascent", "activation-for-slope", "slope-of-target"])
    assert found.together == (("slope-of-error", "activation-for-slope"),)
    assert sorted(found.apart) == ["ascent", "slope-of-target"]


def test_groups_that_meet_become_one():
    one, two, three = ("1",), ("2",), ("3",)
    outcomes = {"a": {one}, "b": {three}, "c": {two}, "d": {one, two}}
    assert alike(["a", "b", "c", "d"], outcomes) == [["a", "c", "d"], ["b"]]


def test_what_the_question_cannot_tell_apart_its_proposal_can():
    ids = ["filter-rotated", "filter-transposed"]
    assert proposal(sample("question"), ids).apart == tuple(ids)


@pytest.mark.parametrize(("name", "ids"), ASKED)
def test_it_is_like_the_problem_it_was_made_from(name, ids):
    problem, found = sample(name), proposal(sample(name), ids).problem
    for key in ("input", "filter", "target", "bias"):
        one, other = getattr(problem, key), getattr(found, key)
        assert (one is None) == (other is None)
        assert one is None or one.shape == other.shape
        if other is not None and found is not problem and found.title is None:
            assert np.array_equal(other, np.rint(other))
            assert np.abs(other).max() <= LARGEST
    assert (found.activation, found.loss, found.stride, found.padding) == (
        problem.activation, problem.loss, problem.stride, problem.padding,
    )  # fmt: skip


def test_the_same_seed_gives_the_same_problem():
    ids = list(CATALOGUE)
    one, same, other = (proposal(sample("question"), ids, seed, lambda tries: tries < 8).problem for seed in (1, 1, 2))
    assert np.array_equal(one.input, same.input)
    assert not np.array_equal(one.input, other.input)


def test_what_cannot_be_made_is_said():
    found = proposal(sample("question"), ["ascent", "bias-forgotten", "adam-power"])
    assert found.unmade == ("bias-forgotten", "adam-power")
    assert found.apart == ("ascent",)


def test_it_stops_when_it_is_told_to_and_when_all_is_apart():
    heard = []

    def tick(tries):
        heard.append(tries)
        return tries < 5

    proposal(sample("question"), list(CATALOGUE), 0, tick)
    assert heard == [1, 2, 3, 4, 5]
    heard.clear()
    proposal(sample("question"), ["ascent"], 0, tick)
    assert heard == [1]
    count = []
    proposal(sample("question"), list(CATALOGUE), 0, lambda tries: count.append(tries) is None)
    assert count[-1] == TRIES
