"""What is said of each mistake: with numbers that are there, and without ever failing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made import BIASED, attempt, numbers, right_numbers, ways

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.examples import example_of
from convstep.diagnosis.plan import plan_for, right_values
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.telling import told
from convstep.diagnosis.wording import words
from convstep.diagnosis.written import Written

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


def said(name, stage, made, *, keys=QUESTION, given=("new_filter",), **values):
    """What is said of numbers that a mistake makes in a stage, without why; the learner's other numbers are right."""
    setting = setting_at(convstep.load(keys), 1)
    plan = plan_for(setting, given)
    numbers = right_values(setting, plan.stages)
    numbers |= {each: np.array(array, dtype=float).reshape(numbers[each].shape) for each, array in values.items()}
    made = np.array(made, dtype=float)
    size = numbers[stage].shape if made.size == numbers[stage].size else (1, 1, 1, *made.shape)
    says, _ = told(setting, plan, Rule(name, stage, lambda s, v: made.reshape(size)), numbers)
    assert says.endswith(f" {CATALOGUE[name].why}")
    return says.removesuffix(f" {CATALOGUE[name].why}")


def test_a_slope_is_told_with_what_it_makes_of_the_error():
    """z is 3, 0, −2 and 1, of which ReLU passes the first and the last."""
    assert said("slope-at-zero", "activation_slope", [1, 1, 0, 1], output_gradient=[2, 4, 0, 0]) == (
        "You took another slope at z = 0, 1 at [0,1], which makes 4; "
        "but z there is exactly 0, where relu's slope is 0, so nothing flows back."
    )
    assert said("slope-inverted", "activation_slope", [0.5, 0, 0, 1], output_gradient=[-4, 1, 0, 0]) == (
        "You kept what ReLU cuts and cut what it keeps, 0.5 at [0,0], which makes -2; "
        "but z there is 3, where relu's slope is 1, so (−4)·1 = -4 flows back."
    )


def test_a_slope_is_shown_where_it_matters_most():
    """4 times ½ is more than once 1½; where no error is, the slope itself decides, and so where none was given."""
    errors, made = [4, 1, 0, 0], [0.5, 1.5, 0, 1]
    assert ", 0.5 at [0,0], " in said("slope-inverted", "activation_slope", made, output_gradient=errors)
    made = [1, 0, 3, 5]
    assert ", 5 at [1,1], " in said("slope-inverted", "activation_slope", made, output_gradient=errors)
    assert ", 5 at [1,1], " in said("slope-inverted", "activation_slope", made, output_gradient=[0] * 4)
    assert said("slope-at-zero", "activation_slope", [1, 1, 0, 1], given=("activation_slope",)) == (
        "You took another slope at z = 0. For activation_slope[0,1] that gives 1; it should be 0."
    )


def test_a_slope_that_has_overflowed_is_shown():
    says = said("value-for-slope", "activation_slope", [1, 0, 0, np.inf], output_gradient=[1, 0, 0, 4])
    assert ", ∞ at [1,1], which makes ∞; " in says


@pytest.mark.parametrize(
    ("name", "did"),
    [
        ("value-for-slope", "You multiplied by the value (z or a) in the place of the slope"),
        ("activation-for-slope", "You applied the activation itself to the error"),
        ("upstream-forgotten", "You took the slope alone as δ"),
        ("slope-of-error", "You let pass what has a positive error"),
    ],
)
def test_a_delta_is_told_with_what_should_flow_back(name, did):
    """A leaky slope of ¼ at z = −2."""
    leaky = {**QUESTION, "activation": {"leaky_relu": {"slope": 0.25}}}
    assert said(name, "delta", [2, 0, 7, 0], keys=leaky, output_gradient=[2, 0, -8, 0]) == (
        f"{did}, which makes 7 at [1,0]; but z there is -2, where leaky_relu's slope is 0.25, "
        "so (−8)·0.25 = -2 flows back."
    )


def test_a_forgotten_slope_is_told_with_the_error():
    assert said("slope-forgotten", "delta", [2, 0, 5, 0], output_gradient=[2, 0, 5, 0]) == (
        "You sent the error 5 at [1,0] back as it is; "
        "but z there is -2, where relu's slope is 0, so nothing flows back."
    )


def test_other_mistakes_in_delta_are_told_plainly():
    """The right δ are 2, 0, 0, 0."""
    assert said("gradient-rotated", "delta", [0, 0, 0, 3]) == (
        f"{CATALOGUE['gradient-rotated'].did} For delta[1,1] that gives 3; it should be 0."
    )


def test_the_first_quantity_on_the_way_is_shown():
    """A sum is no quantity: z comes next. A single number has no cell."""
    assert said("stride-ignored", "window_sums", [3, 0, 2, 1]) == (
        "You moved the window by one cell. For pre_activation[1,0] that gives 2; it should be -2."
    )
    loss = said("factor-two", "loss", [5], given=("loss",))
    assert loss.endswith(" For loss that gives 5; it should be 2.5.")


def test_of_almost_equal_differences_the_first_is_shown():
    assert "[1,0]" in said("stride-ignored", "window_sums", [3, 0.5, 0, 3 - 1e-12])
    assert "[1,1]" in said("stride-ignored", "window_sums", [3, 0.5, 0, 3 + 1e-6])


def test_what_is_no_number_does_not_differ():
    assert "[1,1]" in said("stride-ignored", "window_sums", [np.nan, 0, -2, 2])


def test_a_mistake_sees_only_what_was_there_before_it():
    setting = setting_at(convstep.load(QUESTION), 1)
    plan = plan_for(setting, ["new_filter"])
    seen = []

    def compute(s, v):
        seen.extend(v)
        return 2 * v["window_sums"]

    told(setting, plan, Rule("bias-repeated", "pre_activation", compute), right_values(setting, plan.stages))
    assert seen == ["filter", "used_filter", "window_sums"]


def test_what_changes_nothing_or_cannot_go_on_is_told_without_numbers():
    assert said("stride-ignored", "window_sums", [3, 0, -2, 1]) == "You moved the window by one cell."
    assert said("error-squared", "compared_output", np.zeros((3, 3))) == CATALOGUE["error-squared"].did


@pytest.mark.parametrize(("given", "shown"), [((), "filter_update"), (("filter_momentum",), "filter_momentum")])
def test_a_state_that_nobody_wrote_is_not_shown(given, shown):
    """The gradient is 2, −2, 0 and 2; 3 of it become −1½ by a rate of ½."""
    keys = {**QUESTION, "optimizer": {"sgd": {"momentum": 0.9}}}
    says = said("decay-forgotten", "decayed_filter_gradient", [3, -2, 0, 2], keys=keys, given=("new_filter", *given))
    numbers = {"filter_update": "-1.5; it should be -1.", "filter_momentum": "3; it should be 2."}
    assert says.endswith(f" For {shown}[0,0] that gives {numbers[shown]}")


@pytest.mark.parametrize(
    ("made", "target", "spelled"),
    [
        (np.zeros((2, 3)), [[1, 1]], "2×3; it is 1×2"),
        (np.zeros((1, 3)), [[1, 1]], "a list of 3; it is 1×2"),
        (np.zeros((1, 1)), [[1, 1]], "a list of 1; it is 1×2"),
    ],
)
def test_another_size_is_told_without_axes_of_one(made, target, spelled):
    keys = {**QUESTION, "input": [[1, 2]], "filter": [[3]], "target": target}
    assert said("padding-wrong", "pre_activation", made, keys=keys) == (
        f"{CATALOGUE['padding-wrong'].did} That makes pre_activation {spelled} here."
    )


@pytest.mark.parametrize(
    ("batch", "filters", "cell"),
    [(False, False, "1,0"), (True, False, "0,1,0"), (False, True, "2,1,0"), (True, True, "0,2,1,0")],
)
def test_a_cell_of_the_output_is_counted_as_in_the_problem(batch, filters, cell):
    """Three filters, or one; of each the second row is off, of the last one."""
    shape = (3 if filters else 1, 2, 1)
    keys = {
        "input": np.ones((1, 1, 2, 1) if batch else (2, 1)).tolist(),
        "filter": np.ones((3, 1, 1, 1) if filters else (1, 1)).tolist(),
        "target": np.zeros((*(1,) * batch, *shape[0 if filters else 1 :])).tolist(),
        "learning_rate": 0.5,
    }
    made = np.ones(shape)
    made[-1, 1] = 4
    assert f"pre_activation[{cell}] " in said("stride-ignored", "pre_activation", made, keys=keys)


def test_a_cell_of_other_arrays_is_counted_as_in_the_problem():
    """z of two channels is 4 and 6; so are δ, and what comes back to each channel."""
    deep = {**QUESTION, "input": [[[1, 2]], [[3, 4]]], "filter": [[[1]], [[1]]], "target": [[0, 0]]}
    says = said("remainder-lost", "input_gradient", [4, 6, 4, 0], keys=deep, given=("input_gradient",))
    assert says.endswith(" For input_gradient[1,0,1] that gives 0; it should be 6.")
    assert "filter_gradient[1,0] " in said("gradient-averaged", "filter_gradient", [2, -2, 9, 2])


@pytest.mark.parametrize(("stage", "made"), [("filter_update", [-2, 0, 0, 0]), ("new_filter", [-1, -1, 1, 1])])
def test_a_step_up_is_told_from_where_it_started(stage, made):
    """The filter is 1, −1, 1 and 1."""
    numbers = {"filter_gradient": [-4, 0, 0, 0], "filter_rate": [-2, 0, 0, 0], "filter_update": [2, 0, 0, 0]}
    assert said("ascent", stage, made, **numbers) == (
        "The gradient at [0,0] is -4, and you moved with it: 1 shrank by 2 to -1. Against it, it becomes 3."
    )
    turned = {name: [-each for each in row] for name, row in numbers.items() if name != "filter_update"}
    turned |= {"filter_update": [-2, 0, 0, 0]}
    grown = [2, 0, 0, 0] if stage == "filter_update" else [3, -1, 1, 1]
    assert said("ascent", stage, grown, **turned) == (
        "The gradient at [0,0] is 4, and you moved with it: 1 grew by 2 to 3. Against it, it becomes -1."
    )


def test_a_step_up_by_numbers_of_the_other_sign():
    numbers = {"filter_gradient": [-4, 0, 0, 0], "filter_rate": [-2, 0, 0, 0], "filter_sign": [-1]}
    assert said("ascent", "filter_update", [2, 0, 0, 0], **numbers) == (
        "Your numbers have the sign of t − a: your filter_gradient[0,0] = -4 already points downhill and is to be "
        "added. You subtracted it, and 1 became 3 in the place of -1."
    )


def test_a_step_up_with_momentum_is_told_without_the_gradient():
    keys = {**QUESTION, "optimizer": {"sgd": {"momentum": 0.9}}}
    assert said("ascent", "filter_update", [0, 3, 0, 0], keys=keys, filter_rate=[0, 3, 0, 0]) == (
        "You moved up the gradient, and not down: filter[0,1] = -1 became 2 in the place of -4."
    )


@pytest.mark.parametrize(
    ("name", "optimizer", "end"),
    [
        ("ascent", "sgd", "with numbers that have the sign of t − a, add them."),
        ("ascent", "adam", "take ∂L/∂w with the other sign first."),
        ("rate-twice", "adam", "w′ = w − η·∂L/∂w."),
    ],
)
def test_what_to_do_instead(name, optimizer, end):
    """With adam, a step is more than the rate times the gradient."""
    setting = setting_at(convstep.load({**QUESTION, "optimizer": optimizer}), 1)
    plan = plan_for(setting, ["new_filter"])
    rule = Rule(name, "filter_update", lambda s, v: v["filter_rate"])
    _, instead = told(setting, plan, rule, right_values(setting, plan.stages))
    assert instead.endswith(end)


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
        mistake = words(reading.setting, rule)
        assert instead == mistake.instead
        assert says.endswith(mistake.why)
        own_words = says.removesuffix(mistake.why)
        has_numbers = bool(NUMBER.search(own_words.removeprefix(mistake.did)))
        with_numbers += has_numbers
        assert has_numbers or own_words.strip() == mistake.did
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


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[0, 0], [0, 0]], "For filter_gradient[0,0] that gives 9; it should be 2."),
        ([[None, 0], [0, 0]], "For filter_gradient[0,1] that gives 1; it should be -2."),
        ([[None, None], [0, 0]], ""),
        ([[0, 0, 0]], "For filter_gradient[0,0] that gives 9; it should be 2."),
    ],
)
def test_the_number_is_one_that_was_written(given, says):
    """∂L/∂w is [[2, −2], [0, 2]] and comes out as [[9, 1], [0, 2]]; where nothing else is off, no number is told."""
    setting = setting_at(convstep.load(QUESTION | {"target": [[1, 0], [0, 1]]}), 1)
    plan = plan_for(setting, ["filter_gradient"])
    made = Rule("gradient-averaged", "filter_gradient", lambda s, v: np.array([[[[[9.0, 1.0], [0.0, 2.0]]]]]))
    written = {"filter_gradient": Written.of(given)}
    found, _ = told(setting, plan, made, right_values(setting, plan.stages), written)
    mistake = CATALOGUE["gradient-averaged"]
    assert found == " ".join(filter(None, [mistake.did, says, mistake.why]))
