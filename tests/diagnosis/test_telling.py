"""What is said of each mistake: with numbers that are there, and without ever failing."""

from __future__ import annotations

import re

import pytest
from made import BIASED, attempt, numbers, right_numbers, ways

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.examples import example_of
from convstep.diagnosis.telling import told

NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?![\w.°])")

QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, -1], [0, 1]],
    "learning_rate": 0.5,
}


def own_words(says: str, name: str) -> str:
    """What was said of these numbers, without what is said of the mistake everywhere."""
    assert says.endswith(CATALOGUE[name].why)
    return says.removesuffix(CATALOGUE[name].why)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_way_of_a_mistake_can_be_told(name):
    """A way that changes a number is told with numbers; one that changes none here, in its plain words."""
    example = example_of(name)
    exercise = Examiner(example.problem).exercise(example.iteration)
    diagnosis = Examiner(example.problem).diagnose(attempt(exercise.setting, right_numbers(exercise)))
    assert diagnosis.verdict == "right"
    reading = diagnosis.reading
    with_numbers = 0
    for rule in ways(exercise.setting, name):
        says, instead = told(reading.setting, reading.plan, rule, reading.values)
        assert instead == CATALOGUE[name].instead
        words = own_words(says, name)
        with_numbers += bool(NUMBER.search(words.replace("180°", "")))
        assert bool(NUMBER.search(words.replace("180°", ""))) or words.strip() == CATALOGUE[name].did
    assert with_numbers


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_planted_mistake_is_told_with_the_numbers_that_were_written(name):
    """``For delta[0,1] that gives 3; it should be -1``: first the learner's number there, then the right one."""
    example = example_of(name)
    exercise = Examiner(example.problem).exercise(example.iteration)
    setting = exercise.setting
    checked = 0
    for rule in ways(setting, name):
        written = numbers(setting, [rule])
        diagnosis = Examiner(example.problem).diagnose(attempt(setting, written))
        mistakes = [each for one in diagnosis.explanations if len(one) == 1 for each in one if each.id == name]
        for mistake in mistakes:
            found = re.search(r"For (\w+)\[([\d,]+)\] that gives (\S+); it should be (\S+)\.", mistake.says)
            if found and found[1] in written:
                cell = tuple(int(i) for i in found[2].split(","))
                assert float(found[3]) == pytest.approx(written[found[1]][cell], rel=1e-5, abs=1e-12)
                right = diagnosis[found[1]].follows[cell]
                assert float(found[4]) == pytest.approx(right, rel=1e-5, abs=1e-12)
            checked += 1
    assert checked


def test_the_slope_is_shown_where_an_error_met_it():
    """At [0,1] the error is 0 and nothing can be seen; at [0,2] it is −2."""
    problem = convstep.load({**QUESTION, "input": [[3, -1, -1, 1]], "filter": [[1]], "target": [[1, 0, 2, 0]]})
    diagnosis = convstep.diagnose(problem, {"delta": [[2, 0, -2, 1]], "new_filter": [["-3.5"]]})
    (mistake,) = next(one for one in diagnosis.explanations if one[0].id == "slope-forgotten")
    assert mistake.says.startswith(
        "You sent the error -2 at [0,2] back as it is; but z there is -1, where relu's slope "
    )


def test_equal_differences_are_shown_at_the_first():
    """0.1 is missing everywhere, though as floats the differences are not all the same."""
    problem = convstep.load({"input": [[1, 2, 3, 4]], "filter": [[0.7]], "bias": 0.1, "activation": "linear"})
    diagnosis = convstep.diagnose(problem, {"output": [["0.70", "1.40", "2.10", "2.80"]]})
    assert "For pre_activation[0,0] that gives 0.7; it should be 0.8." in diagnosis.explanations[0][0].says


def test_another_size_is_told_with_both_sizes():
    problem = convstep.load({**QUESTION, "stride": 2, "target": [[1]]})
    diagnosis = convstep.diagnose(problem, {"pre_activation": [[3, 0], [-2, 1]]})
    assert "That makes pre_activation 2×2; it is 1×1 here." in diagnosis.explanations[0][0].says


@pytest.mark.parametrize(
    ("new_filter", "says"),
    [
        ([[2, -2], [1, 2]], "The gradient at [0,0] is 2, and you moved with it: 1 grew by 1 to 2. Against it, it "),
    ],
)
def test_an_ascent_is_told_from_where_it_started(new_filter, says):
    problem = convstep.load({**QUESTION, "target": [[1, 0], [0, 1]]})
    diagnosis = convstep.diagnose(problem, {"filter_gradient": [[2, -2], [0, 2]], "new_filter": new_filter})
    assert diagnosis.explanations[0][0].says.startswith(says)
    turned = convstep.diagnose(problem, {"filter_gradient": [[-2, 2], [0, -2]], "new_filter": new_filter})
    assert turned.explanations[0][0].says.startswith(
        "Your numbers have the sign of t − a: your filter_gradient[0,0] = -2 already points downhill and is to be "
        "added. You subtracted it, and 1 became 2 in the place of 0."
    )


def test_an_ascent_that_shows_in_the_momentum_is_told_there():
    """The last number given is the momentum: there is no update yet to speak of."""
    problem = convstep.load(
        {**QUESTION, "target": [[1, 0], [0, 1]], "optimizer": {"sgd": {"momentum": 0.9}}, "stop": {"iterations": 2}}
    )
    first, second = convstep.descend(problem)
    momentum = 0.9 * first["filter_momentum"] - second["filter_gradient"]
    given = {"iteration": 2, "filter_gradient": second["filter_gradient"], "filter_momentum": momentum}
    (mistakes,) = convstep.diagnose(problem, given).explanations
    assert mistakes[0].says.startswith(
        "You moved up the gradient. For filter_momentum[0,0] that gives 2.8; it should be 0.8."
    )


@pytest.mark.parametrize(
    ("optimizer", "says", "instead"),
    [
        ("sgd", "The gradient is 13.5, and you moved with it: 0.5 grew by 0.405 to 0.905. Against it, ", "w′ = w − η·"),
        (
            {"sgd": {"momentum": 0.9}},
            "You moved up the gradient, and not down: bias = 0.5 became 0.905 in ",
            "Take the",
        ),
    ],
)
def test_an_ascent_of_the_bias_is_told_without_empty_brackets(optimizer, says, instead):
    problem = {**BIASED, "optimizer": optimizer}
    ((mistake,),) = convstep.diagnose(convstep.load(problem), {"bias_gradient": 13.5, "new_bias": 0.905}).explanations
    assert mistake.id == "ascent"
    assert mistake.says.startswith(says)
    assert mistake.instead.startswith(instead)
