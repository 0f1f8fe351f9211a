"""A learner's rule run to its end: the right rule gives the run itself, and a wrong one what it must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from program import NAMES, SAMPLES

import convstep
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.replay import Course, replay
from convstep.diagnosis.settings import setting_at

QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}


def rules(problem, *names):
    """The first way of each mistake that is made in the numbers of its own quantity."""
    every = rules_of(setting_at(problem, 1))
    return [next(rule for rule in reversed(every) if rule.id == name and not rule.again) for name in names]


@pytest.mark.parametrize("name", NAMES)
def test_no_mistake_is_the_run_itself(name):
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    if not problem.learns:
        pytest.skip("it learns nothing")
    problem = replace(problem, stop=problem.stop._replace(iterations=min(problem.stop.iterations, 150)))
    trace, told = convstep.run(problem), replay(problem, (), ())
    for course in (told.right, told.learner):
        assert course.status == trace.outcome.status
        assert course.iterations == trace.outcome.iterations
        assert np.allclose(course.losses[:-1], [step.loss for step in trace], rtol=1e-9, atol=1e-12)
        assert course.losses[-1] == pytest.approx(trace.outcome.loss, rel=1e-6, abs=1e-12)
        assert np.allclose(course.filter, trace.outcome.filter, rtol=1e-9, atol=1e-12)


def test_ascent_diverges():
    problem = convstep.load(QUESTION)
    told = replay(problem, rules(problem, "ascent"), ())
    assert told.ids == ("ascent",)
    assert told.learner.status == "diverged"
    assert list(told.learner.losses) == sorted(told.learner.losses)
    assert told.right.status == "dead"


def test_a_forgotten_rate_is_a_rate_of_one():
    problem = convstep.load({**QUESTION, "learning_rate": 0.1})
    told = replay(problem, rules(problem, "rate-forgotten"), ())
    trace = convstep.run(convstep.load({**QUESTION, "learning_rate": 1}))
    assert told.learner.status == trace.outcome.status
    assert np.allclose(told.learner.losses[:-1], [step.loss for step in trace])


def test_the_sign_of_t_minus_a_that_is_added_is_the_right_rule():
    problem = convstep.load(QUESTION)
    diagnosis = convstep.diagnose(problem, {"error": [[-2, 0], [0, 0]], "new_filter": [[2, -2], [1, 2]]})
    way = diagnosis.ways[0]
    assert replay(problem, way.rules, way.turned).learner.status == "diverged"
    assert replay(problem, (), ("error",)).learner.losses == replay(problem, (), ()).learner.losses


def test_update_from_start_goes_nowhere():
    problem = convstep.load({**QUESTION, "learning_rate": 0.1, "stop": {"iterations": 50}})
    setting = setting_at(problem, 2)
    rule = next(each for each in reversed(rules_of(setting)) if each.id == "update-from-start")
    told = replay(problem, [rule], ())
    assert told.learner.losses[-1] > told.right.losses[-1]
    assert told.learner.iterations <= 50


def test_it_can_be_stopped():
    problem = convstep.load(QUESTION)
    heard = []

    def tick(iteration):
        heard.append(iteration)
        return iteration < 3

    told = replay(problem, rules(problem, "ascent"), (), tick)
    assert heard == [1, 2, 3]
    assert told.learner.status == "stopped"
    assert told.learner.iterations == 2


@pytest.mark.parametrize(
    ("losses", "lowest"),
    [((3.0, 1.0, 2.0, 1.0), 1), ((3.0, float("nan"), 2.0), 2), ((1.0,), 0), ((2.0, float("inf")), 0)],
)
def test_after_how_many_iterations_the_loss_was_lowest(losses, lowest):
    course = Course("stopped", losses, np.zeros((1, 1)))
    assert (course.lowest, course.iterations) == (lowest, len(losses) - 1)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"input": [[1]], "filter": [[1]]}, "filter"), ({"input": [[0]], "filter": [[1]], "bias": 1}, "bias")],
)
def test_gradients_that_are_never_set_back_add_up(changes, kind):
    """w starts at 1, and so does ∂L/∂w, which is w: with the sum of them all, w goes 1, ½, −¼, −⅞; or b does."""
    keys = {"target": [[0]], "activation": "linear", "learning_rate": 0.5, "stop": {"iterations": 3}}
    problem = convstep.load(keys | changes)
    every = [each for each in rules_of(setting_at(problem, 2)) if each.id == "gradient-accumulated" and not each.again]
    told = replay(problem, [next(each for each in reversed(every) if kind in each.stage)], ())
    assert told.learner.losses == (0.5, 0.125, 0.03125, 0.3828125)
    assert told.learner.iterations == 3


def test_numbers_from_which_no_new_filter_follows_end_it():
    """Somebody whose gradient has another size has no second iteration."""
    problem = convstep.load({**QUESTION, "stop": {"iterations": 5}})
    (rule, *_) = [each for each in rules_of(setting_at(problem, 1)) if each.id == "gradient-full"]
    told = replay(problem, [rule], ())
    assert told.learner.iterations == 0
    assert told.learner.status == "stopped"


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam", "learning_rate": 0.1},
        {"stop": {"gradient": 0.5}},
        {"stop": {"gradient": 0.1}, "learning_rate": 1.5, "input": [[0.5, 0.5], [0, 0.5]]},
        {"learning_rate": 1e308},
        {"input": [[1, 0]], "filter": [[9, 1]], "target": [[1]], "activation": "relu", "learning_rate": 1e308},
    ],
)
def test_no_mistake_is_the_run_itself_however_it_ends(changes):
    """By adam, which counts its iterations; at rest, as the gradient goes; past all measure, in one weight of two too,
    after which no output lets anything through.
    """
    keys = {"input": [[1, 2], [0, 1]], "filter": [[9]], "target": [[1, 1], [1, 1]], "activation": "linear"}
    problem = convstep.load({**keys, "learning_rate": 0.05, "stop": {"iterations": 30}} | changes)
    trace, told = convstep.run(problem), replay(problem, (), ())
    assert told.learner.status == told.right.status == trace.outcome.status
    assert told.learner.iterations == told.right.iterations == trace.outcome.iterations
    assert np.allclose(told.learner.losses[:-1], told.right.losses[:-1], rtol=1e-9, atol=1e-12)
    assert np.isfinite(told.right.losses[-1]) == (trace.outcome.status != "diverged")
