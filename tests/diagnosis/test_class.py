"""A class judged together: what is shared between attempts changes none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made import STARTS

import convstep
from convstep.diagnosis.examiner import Examiner, Exercise
from convstep.diagnosis.following import Course, _Follower, follow
from convstep.diagnosis.kept import Kept, keys_along
from convstep.diagnosis.result import Diagnosis
from convstep.diagnosis.search import Search
from convstep.diagnosis.simulation import simulated
from convstep.diagnosis.written import Written, finest, read_written

SETTINGS: dict[str, dict[str, Any]] = {
    "relu": {"learning_rate": "1/3"},
    "padded": {"learning_rate": 0.3, "padding": 1, "stride": 2, "loss": "mean_squared_error"},
    "sigmoid": {"learning_rate": 0.1, "activation": "sigmoid", "bias": 0.5},
    "momentum": {"learning_rate": 0.1, "optimizer": {"sgd": {"momentum": 0.9}}, "activation": "tanh"},
}
QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}
ASCENT = {"filter_gradient": [[2, -2], [0, 2]], "new_filter": [[2, -2], [1, 2]]}


def drawn_attempt(random: np.random.Generator, exercise: Exercise) -> dict[str, Any]:
    """Some of the numbers of somebody who makes up to two mistakes, rounds or cuts, and may slip or write t − a.

    Digits vary from quantity to quantity, so that many begin alike and go on otherwise.
    """
    rules = {}
    for _ in range(random.choice([0, 1, 1, 1, 2])):
        rule = exercise.rules[random.integers(len(exercise.rules))]
        rules[rule.stage] = rule
    turned = ("error",) if random.random() < 0.3 else ()
    numbers = simulated(exercise.setting, exercise.stages, list(rules.values()), turned=turned)
    cuts = random.random() < 0.3
    result = {}
    for name, rows in numbers.items():
        if name in STARTS or random.random() < 0.4 or not np.isfinite(rows).all():
            continue
        shaped = np.array(exercise.setting.shaped(name, rows[0]), dtype=np.float64)
        decimals = int(random.choice([1, 2, 2, 3]))
        scaled = np.round(shaped * 10**decimals, 6)
        shaped = (np.trunc(scaled) if cuts else np.round(scaled)) / 10**decimals
        if shaped.size > 3 and random.random() < 0.05:
            shaped.reshape(-1)[0] *= -1
        result[name] = shaped.tolist()
    return result or {"loss": 1}


def said(diagnosis: Diagnosis) -> list[object]:
    """All that a diagnosis says."""
    quantities = [
        (*each._replace(given=None, expected=None, follows=None), *(array.tolist() for array in each[2:5]))
        for each in diagnosis.quantities
    ]
    explained = diagnosis.explanations, diagnosis.so_far, [(way.ids, way.turned) for way in diagnosis.ways]
    return [diagnosis.verdict, diagnosis.first_wrong, diagnosis.looked_for, *explained, repr(quantities)]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_each_is_judged_as_if_it_were_alone(settings, monkeypatch):
    random = np.random.default_rng(11)
    document = {"input": random.integers(-3, 4, (4, 4)).tolist(), "filter": random.integers(-2, 3, (2, 2)).tolist()}
    problem = convstep.load({**document, **settings, "target": random.integers(-3, 4, (3, 3)).tolist()})
    exercise = Examiner(problem).exercise(1)
    attempts = [drawn_attempt(random, exercise) for _ in range(40)]
    attempts += [attempts[place] for place in random.integers(len(attempts), size=10)]
    together = Examiner(problem)
    of_class = [said(together.diagnose(attempt)) for attempt in attempts]
    monkeypatch.setattr("convstep.diagnosis.examiner.MOST_KEPT", 0)
    assert [said(Examiner(problem).diagnose(attempt)) for attempt in attempts] == of_class


def test_equal_attempts_are_judged_once_and_nobody_can_change_what_was_said():
    examiner = Examiner(convstep.load(QUESTION))
    first = examiner.diagnose(ASCENT)
    assert examiner.diagnose(ASCENT) is first
    for array in (first["new_filter"].given, first["new_filter"].expected, first["new_filter"].follows):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 7


def test_what_begins_alike_is_worked_out_once(monkeypatch):
    begin = {"error": [[2, 0], [0, 0]], "filter_gradient": [[2, -2], [0, 2]]}
    examiner = Examiner(convstep.load(QUESTION))
    examiner.diagnose({**begin, "new_filter": [[7, 3], [1, 2]]})
    followed, searched = [], []
    take, done = _Follower.take, Search._done
    monkeypatch.setattr(
        _Follower, "take", lambda self, stage, truths: (followed.append(stage.name), take(self, stage, truths))
    )
    monkeypatch.setattr(Search, "_done", lambda self, sets, name: searched.append(name) or done(self, sets, name))
    assert examiner.diagnose({**begin, "new_filter": [[2, -2], [1, 2]]}).explanations[0][0].id == "ascent"
    # Only the last quantity is another: what comes before it is not followed again, and no candidate is made again.
    assert not {"output", "error", "delta", "filter_gradient"} & set(followed)
    assert followed[-1] == "new_filter"
    assert searched == []


def test_the_oldest_goes_first_and_the_largest_never_comes():
    kept: Kept[str] = Kept(160)
    for number in range(18):
        kept.keep(number, f"{number}", 10)
    assert [kept.get(number) for number in (0, 1, 2, 17)] == [None, None, "2", "17"]
    assert len(kept) == 16
    kept.keep("large", "large", 11)  # more than a sixteenth
    assert kept.get("large") is None
    kept.keep(2, "other", 10)
    assert kept.get(2) == "2"


def test_a_key_holds_all_that_a_beginning_depends_on():
    written = {name: Written.of([[1, 2]]) for name in ("error", "filter_update", "new_filter")}
    order = ["output", "error", "filter_update", "new_filter"]
    before, error, update, every = keys_along("3 digits", written, order, frozenset())
    assert before == "3 digits"
    assert len({error, update, every}) == 3
    others = {**written, "new_filter": Written.of([[1, 3]])}
    assert keys_along("3 digits", others, order, frozenset())[:2] == [before, error]
    # Whether an update was meant to be taken off, the new filter says.
    assert keys_along("3 digits", others, order, frozenset())[2] != update
    assert keys_along("3 digits", written, order, frozenset(["error"]))[1] != error
    assert keys_along("3 digits", {**written, "error": Written.of([["1.0", 2]])}, order, frozenset())[1] != error
    assert keys_along("3 digits", written, ["bias", *order], frozenset())[1] != error
    first_and_last = (Written.of([["1.0", 2]]), Written.of([[1, "2.0"]]))
    assert first_and_last[0].key != first_and_last[1].key


def followed(exercise: Exercise, attempt: dict[str, Any], firm: frozenset[str] = frozenset()) -> Course:
    written = read_written(attempt)
    plan = exercise.plan(frozenset(written))
    return follow(exercise.setting, plan.stages, written, exercise.truths(plan, finest(written)), firm)


def test_the_digits_of_what_comes_later_count_from_the_first_stage_on():
    exercise = Examiner(convstep.load(QUESTION)).exercise(1)
    error = [["2.000", 0], [0, 0]]
    beginnings = {
        followed(exercise, {"error": error, "filter_gradient": [[gradient, -2], [0, 2]]}).keys[1]
        for gradient in ("2.00", "2.000", "2.0000")
    }
    assert len(beginnings) == 3
    given = {"error": error, "filter_gradient": [[2, -2], [0, 2]]}
    assert followed(exercise, given).keys[2] != followed(exercise, given, frozenset(["filter_gradient"])).keys[2]


def test_the_ways_that_are_tried_are_told_apart():
    exercise = Examiner(convstep.load(QUESTION)).exercise(1)
    plan = exercise.plan(frozenset(["error", "filter_gradient"]))
    last = len(plan.order) - 1
    of_error, of_gradient = (plan.ways_up_to(last, (name,), one=True) for name in ("error", "filter_gradient"))
    assert len({of_error, of_gradient, plan.ways_up_to(last, ("error", "filter_gradient"), one=False)}) == 3
    assert plan.ways_up_to(last, ("error", "filter_gradient"), one=True) not in (of_error, of_gradient)
    # Candidates are compared by what is still to be used: the filter only where there is more to do than δ.
    more = exercise.plan(frozenset(["delta", "new_filter"]))
    less = exercise.plan(frozenset(["delta"]))
    place = less.order.index("output_gradient")
    assert more.order[: place + 1] == less.order[: place + 1]
    assert more.ways_up_to(place, ("delta",), one=True) != less.ways_up_to(place, ("delta",), one=True)
