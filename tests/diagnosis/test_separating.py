"""What tells mistakes apart: predictions that part, and what a problem cannot show."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from made import BIASED, attempt, numbers, ways
from program import NAMES, SAMPLES

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.separating import alike, blindness
from convstep.diagnosis.simulation import same

QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}
FOUR = {"input": [[1, -1, 2, -2]], "filter": [[1]], "target": [[2, 1, 1, 1]], "learning_rate": 0.25}
"""z is the input, e = [[-1, -1, 1, -1]]."""


def exercise(problem):
    return Examiner(convstep.load(problem)).exercise(1)


@pytest.mark.parametrize("sample", ["question", "channels", "sigmoid", "true-convolution"])
def test_a_separation_really_parts_them(sample):
    """Whatever tie there is: the quantity was not given, each set has a prediction, and they are not all the same."""
    problem = convstep.load(SAMPLES / f"{sample}.yaml")
    examiner = Examiner(problem)
    setting = examiner.exercise(1).setting
    ties = 0
    for name in CATALOGUE:
        for rule in ways(setting, name):
            written = numbers(setting, [rule])
            if any(array.shape != setting.own_shape(each) for each, array in written.items()):
                continue
            given = {each: written[each] for each in ("filter_gradient", "new_filter") if each in written}
            diagnosis = examiner.diagnose(attempt(setting, given))
            separation = diagnosis.separation
            assert (separation is None) or len(diagnosis.explanations) > 1
            if separation is not None:
                ties += 1
                assert separation.name not in given
                sets = ["+".join(each.id for each in one) for one in diagnosis.explanations]
                assert sorted(separation.predictions) == sorted(sets)
                arrays = list(separation.predictions.values())
                assert any(not same(one, other) for one, other in combinations(arrays, 2))
    assert ties


def test_giving_it_keeps_what_was_predicted_and_may_settle_the_tie():
    problem = convstep.load(SAMPLES / "answer-attempt.yaml")
    attempt_ = {**problem.attempt, "filter_gradient": [[-1, 2], [-1, -2]]}
    diagnosis = convstep.diagnose(problem, attempt_)
    separation = diagnosis.separation
    assert separation.name == "activation_slope"
    settled = 0
    for name, numbers_ in separation.predictions.items():
        again = convstep.diagnose(problem, {**attempt_, separation.name: numbers_.tolist()})
        told = [[each.id for each in one] for one in again.explanations]
        assert [name] in told
        settled += told == [[name]]
    assert settled


def test_what_is_the_same_everywhere_has_no_separation():
    diagnosis = convstep.diagnose(convstep.load(QUESTION), {"pre_activation": [[1, -2], [0, 3]]})
    assert [one[0].id for one in diagnosis.explanations] == ["filter-rotated", "filter-transposed"]
    assert diagnosis.separation is None


@pytest.mark.parametrize("sample", [name for name in NAMES if not name.endswith("-attempt")])
def test_the_blind_spots_are_all_of_the_catalogue(sample):
    found = blindness(Examiner(convstep.load(SAMPLES / f"{sample}.yaml")).exercise(1).setting)
    assert found.seen + len(found.unseen) + len(found.unmade) == len(CATALOGUE)
    assert not {*found.unseen} & {*found.unmade}
    assert all(len(group) > 1 for group in found.together)
    assert not {name for group in found.together for name in group} & {*found.unseen, *found.unmade}


@pytest.mark.parametrize("sample", ["question", "channels", "sigmoid"])
def test_what_cannot_be_seen_changes_no_number(sample):
    setting = Examiner(convstep.load(SAMPLES / f"{sample}.yaml")).exercise(1).setting
    found = blindness(setting)
    truth = {name: setting.shaped(name, row[0]) for name, row in setting.truth.items()}
    for name in found.unmade:
        assert ways(setting, name) == []
    for name in found.unseen:
        for rule in ways(setting, name):
            if not rule.beside and not rule.without:
                assert all(np.allclose(array, truth[each]) for each, array in numbers(setting, [rule]).items())


def test_the_question_is_blind_in_these():
    found = blindness(exercise(QUESTION).setting)
    assert "error-absolute" in found.unseen
    assert "target-activated" in found.unseen
    assert "slope-forgotten" in found.unseen  # the one error comes to an output that lets it through
    assert ("filter-rotated", "filter-transposed") in found.together
    assert {"bias-forgotten", "stride-ignored", "momentum-forgotten", "gradient-accumulated"} <= {*found.unmade}
    with_bias = blindness(exercise({**QUESTION, "bias": 1}).setting)
    assert "bias-forgotten" not in with_bias.unmade


def test_a_rate_of_one_hides_the_rate():
    found = blindness(exercise({**QUESTION, "learning_rate": 1}).setting)
    assert {"rate-forgotten", "rate-twice", "rate-divides"} <= {*found.unseen, *found.unmade}


def test_a_mistake_is_made_for_the_filter_and_the_bias_alike():
    """With the old momentum neither moves; who forgets the bias moves the filter."""
    problem = {**BIASED, "optimizer": {"sgd": {"momentum": 0.9}}}
    found = blindness(exercise(problem).setting)
    assert not any({"bias-gradient-forgotten", "momentum-stale"} <= {*group} for group in found.together)


def test_the_first_quantity_that_tells_most_apart_settles_a_tie():
    """With the factor it is t − a = 2, with squares 4; the loss and its gradient would tell as well."""
    problem = {"input": [[1, 2, 3]], "filter": [[1, -1]], "target": [[1, 1]], "learning_rate": 0.5}
    tie = convstep.diagnose(convstep.load({**problem, "activation": "linear"}), {"delta": [[4, 4]]})
    assert tie.separation.name == "error"
    assert {ids: each.tolist() for ids, each in tie.separation.predictions.items()} == {
        "factor-two": [[2, 2]],
        "error-squared": [[4, 4]],
    }


def test_who_takes_another_slope_shows_it_in_the_slope():
    """f′(e) would be written down as the slope; with f(e) in the place of δ it is right."""
    tie = convstep.diagnose(convstep.load(FOUR), {"delta": [[0, 0, 1, 0]]})
    assert tie.separation.name == "activation_slope"
    assert {ids: each.tolist() for ids, each in tie.separation.predictions.items()} == {
        "activation-for-slope": [[1, 0, 1, 0]],
        "slope-of-error": [[0, 0, 1, 0]],
    }


def test_another_slope_beside_the_right_one_comes_to_the_numbers_of_other_mistakes():
    """f′(t) is 1 everywhere, as with the slope forgotten; f(z)·∂L/∂a is 2 · 0.5, the slope alone."""
    assert ("slope-forgotten", "slope-of-target") in blindness(exercise(FOUR).setting).together
    one = {"input": [[2]], "filter": [[1]], "target": [[1.5]], "learning_rate": 0.25}
    assert blindness(exercise(one).setting).together == (("value-for-slope", "upstream-forgotten"),)


@pytest.mark.parametrize(
    ("outcomes", "groups"),
    [
        ({"z": {1}, "a": {2}}, [["z"], ["a"]]),
        ({"z": {1}, "a": {2}, "m": {1}}, [["z", "m"], ["a"]]),
        ({"z": {1}, "a": {1, 2}, "m": {2}}, [["z", "a", "m"]]),
        ({"z": {1}, "a": {2}, "m": {1, 2}}, [["z", "a", "m"]]),
        ({"z": {1}, "a": {3}, "m": {3}, "b": {1}}, [["z", "b"], ["a", "m"]]),
    ],
)
def test_mistakes_that_come_to_the_same_numbers_are_a_group(outcomes, groups):
    assert alike([*outcomes], outcomes) == groups
