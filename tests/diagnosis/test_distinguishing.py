"""A proposed problem tells the mistakes apart: each, made in it, is found alone."""

from __future__ import annotations

import numpy as np
import pytest
from made import attempt, numbers, ways
from program import SAMPLES

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.distinguishing import LARGEST, TRIES, _drawn, _score, proposal
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.separating import alike
from convstep.diagnosis.settings import setting_at

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


SMALL = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 2]],
    "target": [[1, -1], [2, 1]],
    "learning_rate": 0.5,
}


def ticks(problem, ids, **more):
    heard = []

    def tick(tries):
        heard.append(tries)
        return True

    return heard, proposal(problem, ids, tick=tick, **more)


def test_it_ends_as_soon_as_nothing_is_left_to_tell():
    problem = convstep.load(SMALL)
    heard, found = ticks(problem, ["ascent", "factor-two"])
    assert heard == [1]
    assert found.problem is problem
    assert found.apart == ("ascent", "factor-two")


def test_it_tries_sixty_times_where_something_cannot_be_told():
    heard, found = ticks(convstep.load(SMALL), ["ascent", "bias-forgotten"])
    assert heard == list(range(1, 61))
    assert found.unmade == ("bias-forgotten",)


def test_without_a_seed_it_is_the_seed_0():
    problem = convstep.load({**SMALL, "target": [[0, 0], [0, 0]], "input": [[0, 0, 0]] * 3})
    ids = ["ascent", "factor-two"]
    first, same, other = proposal(problem, ids), proposal(problem, ids, 0), proposal(problem, ids, 1)
    assert np.array_equal(first.problem.input, same.problem.input)
    assert not np.array_equal(first.problem.input, other.problem.input)


def test_an_exercise_learns_if_there_is_one_that_does():
    """Every ReLU of this one is dead, though what shows before shows in it."""
    dead = convstep.load({**SMALL, "filter": [[-1, -1], [-1, -2]], "input": [[1, 2, 1], [2, 1, 3], [1, 1, 2]]})
    heard, found = ticks(dead, ["filter-rotated"])
    assert len(heard) > 1
    assert setting_at(found.problem, 1).truth["delta"].any()


def test_drawn_numbers_are_small_and_whole_and_nothing_else_changes():
    keys = {"title": "Mine", "expected_filter": [[1, 1], [1, 1]], "attempt": {"delta": [[1, 1], [1, 1]]}, "bias": 1}
    problem = convstep.load({**SMALL, **keys})
    drawn = [_drawn(problem, np.random.default_rng(seed)) for seed in range(40)]
    for one in drawn:
        assert (one.title, one.expected_filter, one.attempt) == (None, None, None)
        assert (one.learning_rate, one.activation, one.geometry) == (
            problem.learning_rate,
            problem.activation,
            problem.geometry,
        )
    for name in ("input", "filter", "bias", "target"):
        numbers = {each for one in drawn for each in np.ravel(getattr(one, name)).tolist()}
        assert numbers == {-3, -2, -1, 0, 1, 2, 3}


def test_a_problem_is_as_tame_as_its_largest_number_is_small():
    """Or what is computed of it, of whatever quantity; with a sign, as more is better."""
    setting = setting_at(convstep.load(SMALL), 1)
    largest = max(float(np.abs(each).max()) for each in setting.truth.values())
    assert largest > 4
    assert _score(setting, ["ascent"]) == (1, True, -largest)
    forward = setting_at(convstep.load({"input": [[1, 2]], "filter": [[3]]}), 1)
    assert _score(forward, []) == (0, True, -6.0)
    dead = setting_at(convstep.load({"input": [[1, 2]], "filter": [[-3]], "target": [[1, 1]], "learning_rate": 1}), 1)
    assert _score(dead, []).learns is False
