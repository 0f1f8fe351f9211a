"""Gradients against differences; and tests of the tester: a backward pass with a planted mistake must be caught."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawn_problems import FLOATS, INTEGERS, problems, question
from hypothesis import given
from profiles import examples
from program import NAMES, SAMPLES
from strategies import problem_documents

import convstep
from convstep import losses
from convstep.activations import LeakyRelu, Tanh
from convstep.choices import Choice
from convstep.correlation import Windows, windows
from convstep.differences import EPSILON, STEP
from convstep.errors import UsageError
from convstep.gradients import GRADIENTS, Check, GradientCheck, Kink, check_gradients
from convstep.layers.conv import Conv
from convstep.problem.model import Problem


def wrong(check: GradientCheck) -> list[Check]:
    """The comparisons that disagree."""
    return [each for each in check.checks if not each.agrees]


def smooth(**changed: Any) -> Problem:
    """A problem in which every number counts and nothing is symmetric: two images, channels and filters."""
    random = np.random.default_rng(5)
    facts: dict[str, Any] = {
        "input": random.normal(size=(2, 2, 5, 6)),
        "filter": random.normal(size=(2, 2, 2, 3)),
        "bias": random.normal(size=2),
        "activation": Choice("tanh"),
        "padding": ((1, 0), (0, 2)),
        "stride": (2, 1),
        "dilation": (1, 2),
        "loss": Choice("mean_squared_error"),
        "learning_rate": 0.1,
    }
    facts |= changed
    if "output_gradient" not in facts:
        facts["target"] = random.normal(size=Problem(**facts).output_shape)
    return Problem(**facts)


# What agrees


@examples(80)
@given(problem_documents())
def test_every_gradient_agrees_where_z_is_often_0(document):
    assert wrong(check_gradients(convstep.load(document), directions=2)) == []


@examples(25)
@given(problem_documents())
def test_every_number_of_every_gradient_agrees(document):
    assert wrong(check_gradients(convstep.load(document), directions=0, cells=True)) == []


@examples(50)
@given(problems(FLOATS))
def test_drawn_problems(problem):
    assert wrong(check_gradients(problem, directions=2)) == []


@examples(50)
@given(problems(INTEGERS))
def test_drawn_problems_of_whole_numbers(problem):
    assert wrong(check_gradients(problem, directions=2)) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_in_its_first_iterations(name):
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    for _, step in zip(range(3), convstep.descend(problem), strict=False):
        check = check_gradients(problem, step, cells=True)
        assert wrong(check) == []
        assert check.iteration == step.iteration


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("activation", ["relu", "linear", "tanh", "gelu"])
def test_numbers_of_any_size(activation, scale):
    random = np.random.default_rng(0)
    problem = smooth(activation=Choice(activation), input=scale * random.normal(size=(2, 2, 5, 6)), bias=None)
    check = check_gradients(problem)
    assert (wrong(check), check.kinks) == ([], ())


def test_what_is_compared_and_in_which_order():
    check = check_gradients(smooth(), directions=2)
    layer = ["activation_slope", "filter_gradient", "bias_gradient", "input_gradient"]
    assert [(each.name, each.upstream) for each in check.checks[::2]] == [
        *((name, "random") for name in layer),
        *((name, "loss") for name in GRADIENTS),
    ]
    assert {each.kind for each in check.checks} == {"direction"}
    assert all(each.analytic != 0 for each in check.checks)


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    first, again, other = (check_gradients(smooth(), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert not {each.analytic for each in first.checks} & {each.analytic for each in other.checks}


def test_a_cell_is_the_number_that_the_iteration_holds():
    step = next(convstep.descend(smooth()))
    check = check_gradients(smooth(), step, directions=0, cells=True)
    assert [each.analytic for each in check.checks] == [
        number for name in GRADIENTS for number in step.array(name).reshape(-1).tolist()
    ]
    assert check.checks[-1].cell == (1, 1, 4, 5)
    assert {(each.kind, each.upstream) for each in check.checks} == {("cell", "loss")}


def test_without_a_loss_numbers_are_checked_under_random_upstream_gradients():
    problem = Problem(input=np.array([[1.0, 2.0]]), filter=np.array([[3.0]]), activation=Choice("sigmoid"))
    check = check_gradients(problem, directions=1, cells=True)
    assert [(each.name, each.kind, each.upstream) for each in check.checks] == [
        ("activation_slope", "direction", "random"),
        ("filter_gradient", "direction", "random"),
        ("input_gradient", "direction", "random"),
        ("filter_gradient", "cell", "random"),
        ("input_gradient", "cell", "random"),
        ("input_gradient", "cell", "random"),
    ]
    assert check.agrees


def test_a_given_output_gradient_is_not_checked_but_used():
    check = check_gradients(smooth(output_gradient=np.ones((2, 2, 3, 4)), target=None), directions=1, cells=True)
    assert check.agrees
    assert "output_gradient" not in {each.name for each in check.checks}


def test_a_later_iteration_is_checked_at_its_own_filter():
    problem = smooth()
    steps = [step for _, step in zip(range(4), convstep.descend(problem), strict=False)]
    check = check_gradients(problem, steps[3], directions=1, cells=[("filter_gradient", (0, 0, 0, 0))])
    assert check.agrees
    assert check.checks[-1].analytic == steps[3].filter_gradient[0, 0, 0, 0]


# The tolerance


def test_the_step_and_the_tolerance_are_as_small_as_float64_allows():
    check = check_gradients(smooth())
    sizes = np.abs(smooth().input).max() * np.abs(smooth().filter).sum()
    assert pytest.approx(6.055e-6, rel=1e-3) == STEP
    assert STEP <= check.reach <= math.cbrt(EPSILON * sizes)
    for each in check.checks:
        assert each.difference <= each.tolerance < 3e-6
        assert each.verdict == "agrees"


def test_a_gradient_that_is_off_by_a_millionth_is_caught():
    step = next(convstep.descend(smooth()))
    arrays = {name: step.array(name)[None] for name in step}
    arrays["filter_gradient"] = arrays["filter_gradient"] * (1 + 1e-6)
    check = check_gradients(smooth(), convstep.Step(1, arrays))
    assert {each.name for each in wrong(check)} == {"filter_gradient"}
    assert {each.upstream for each in wrong(check)} == {"loss"}


def test_numbers_that_are_not_finite_are_nothing_to_check():
    problem = question(input=np.full((3, 3), 1e200), filter=np.full((2, 2), 1e200))
    with pytest.raises(UsageError, match="iteration 1 holds numbers that are not finite; there is nothing to check"):
        check_gradients(problem)


@pytest.mark.parametrize(
    ("name", "cell", "message"),
    [
        ("filter_gradient", (2, 0), "filter_gradient has no cell [2,0]; its last is filter_gradient[1,1]"),
        ("filter_gradient", (0,), "filter_gradient has no cell [0]; its last is filter_gradient[1,1]"),
        ("bias_gradient", (), "there is no bias_gradient to check here; there is output_gradient, delta, "),
        ("error", (0, 0), "there is no error to check here; there is output_gradient, delta, filter_gradient and "),
    ],
)
def test_cells_that_are_not_there(name, cell, message):
    with pytest.raises(UsageError) as error:
        check_gradients(question(), cells=[(name, cell)])
    assert str(error.value).startswith(message)


# Kinks


def test_at_z_0_a_difference_gives_one_half_and_that_is_no_failure():
    """z = 0 and e = −1: ReLU's slope is 0 on one side and 1 on the other."""
    problem = Problem(np.array([[0.0]]), np.array([[2.0]]), target=np.array([[1.0]]), learning_rate=0.1)
    (check,) = check_gradients(problem, directions=0, cells=[("input_gradient", (0, 0))]).checks
    assert check.analytic == 0.0
    assert check.numeric == pytest.approx(-1.0, abs=1e-4)  # one half of w·e
    assert (check.verdict, check.agrees) == ("kink", True)
    assert check.kinks == (Kink("pre_activation", (0, 0), 0.0),)


@pytest.mark.parametrize("share", [-0.99, -0.5, -0.01, 0.0, 0.01, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("activation", [Choice("relu"), Choice("leaky_relu"), Choice("elu", {"alpha": 0.5})])
def test_a_kink_anywhere_within_the_step_is_reported(activation, share):
    """Two outputs: z of 1 sets the step, the other lies within it."""
    problem = Problem(np.array([[1.0, share * STEP]]), np.array([[1.0]]), activation=activation)
    check = check_gradients(problem, cells=[("input_gradient", (0, 0)), ("input_gradient", (0, 1))])
    assert check.agrees
    assert check.checks[-2].kinks == ()
    assert [kink.cell for kink in check.checks[-1].kinks] == [(0, 1)]
    assert check.kinks == (Kink("pre_activation", (0, 1), share * STEP),)


@pytest.mark.parametrize("share", [-100.0, -1.5, 1.5, 100.0])
def test_a_kink_beyond_the_step_is_none(share):
    problem = Problem(np.array([[1.0, share * STEP]]), np.array([[1.0]]))
    (check,) = check_gradients(problem, directions=0, cells=[("input_gradient", (0, 1))]).checks
    assert (check.verdict, check.kinks) == ("agrees", ())
    assert check.tolerance < 1e-6


def test_a_slight_kink_on_a_bend_is_told_from_the_bend():
    """The error is 0.00001 where z = 0, so that the loss bends within the step as much as its slope jumps."""
    problem = Problem(np.array([[0.0, 1.0]]), np.array([[1.0]]), target=np.array([[-1e-5, 1.0]]), learning_rate=0.1)
    (check,) = check_gradients(problem, directions=0, cells=[("input_gradient", (0, 0))]).checks
    assert (check.verdict, [kink.cell for kink in check.kinks]) == ("kink", [(0, 0)])


def test_a_kink_excuses_no_more_than_it_explains(monkeypatch):
    """The slope at z = 0 may be anything between those beside it; 1.5 is not."""
    problem = Problem(np.array([[0.0]]), np.array([[2.0]]), target=np.array([[1.0]]), learning_rate=0.1)
    monkeypatch.setattr("convstep.activations.Relu.slope", lambda self, z, a, out: out.fill(1.75))
    check = check_gradients(problem, cells=True)
    assert {each.name for each in wrong(check)} >= {"delta", "input_gradient"}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("below", [-1, 0, 0.1, 0.5, 1])
@pytest.mark.parametrize("chosen", [0, 0.25, 1])
@pytest.mark.parametrize("loss", ["half_squared_error", "mean_absolute_error"])
def test_a_slope_at_zero_of_the_problems_own_is_a_convention(exact, below, chosen, loss):
    """Also where it lies outside the slopes on both sides, and where those are the same."""
    document = {"input": [[4, 0, -2]], "filter": [[3]], "bias": 0, "target": [[2, 5, 0]], "learning_rate": 0.1}
    document |= {"activation": {"leaky_relu": {"slope": below}}, "slope_at_zero": chosen, "loss": loss, "exact": exact}
    check = check_gradients(convstep.load(document), cells=True)
    assert wrong(check) == []
    if chosen != (below + 1) / 2:
        (kink,) = {each for found in check.checks if found.verdict == "kink" for each in found.kinks}
        assert kink[:2] == ("pre_activation", (0, 1))


def test_a_leaky_relu_of_slope_1_has_no_kink():
    check = check_gradients(question(activation=Choice("leaky_relu", {"slope": 1.0})), cells=True)
    assert (check.agrees, check.kinks) == (True, ())


def test_an_error_of_0_is_a_kink_of_the_absolute_error():
    problem = question(activation=Choice("linear"), loss=Choice("mean_absolute_error"))
    check = check_gradients(problem, directions=0, cells=True)
    assert check.agrees
    assert {kink.name for kink in check.kinks} == {"error"}
    assert {kink.cell for kink in check.kinks} == {(0, 1), (1, 1)}


def test_hubers_corner_is_a_bend_and_no_kink():
    """Its slope is continuous there: the difference is off by the step and no more."""
    problem = question(activation=Choice("linear"), loss=Choice("huber", {"delta": 2.0}))
    check = check_gradients(problem, directions=0, cells=True)
    assert (check.agrees, check.kinks) == (True, ())
    bend = next(each for each in check.checks if each.name == "output_gradient" and each.cell == (0, 0))
    assert 1e-7 < bend.difference < 1e-5


def test_softplus_has_a_small_jump_where_it_becomes_straight():
    problem = Problem(np.array([[20.0, 1.0]]), np.array([[1.0]]), activation=Choice("softplus"))
    check = check_gradients(problem, cells=True)
    assert check.agrees
    assert {kink.cell for kink in check.kinks} == {(0, 0)}


def test_what_lies_beside_the_kinks_is_judged_strictly():
    check = check_gradients(question(), directions=2)
    at_kinks = [each for each in check.checks if each.upstream == "random"]
    beside = [each for each in check.checks if each.upstream == "random beside kinks"]
    assert [each.name for each in beside] == [each.name for each in at_kinks]
    assert {each.verdict for each in at_kinks} == {"kink"}
    assert all(each.verdict == "agrees" and not each.kinks and each.tolerance < 1e-7 for each in beside)


def test_a_mistake_smaller_than_what_a_kink_allows_is_caught_beside_it(monkeypatch):
    """A hundredth of a gradient is lost: less than the jump of the slope at the one z that is 0."""
    right = Windows.filter_gradient

    def planted(self, delta, gradient):
        right(self, delta, gradient)
        gradient *= 0.99

    monkeypatch.setattr(Windows, "filter_gradient", planted)
    check = check_gradients(question(target=None, output_gradient=None, learning_rate=None))
    assert {each.upstream for each in wrong(check)} == {"random beside kinks"}


# Tests of the tester: each mistake is planted in the backward pass alone


def negated(patch: pytest.MonkeyPatch) -> None:
    right = Windows.filter_gradient

    def planted(self: Windows, delta: np.ndarray, gradient: np.ndarray) -> None:
        right(self, delta, gradient)
        np.negative(gradient, out=gradient)

    patch.setattr(Windows, "filter_gradient", planted)


def rotated(patch: pytest.MonkeyPatch) -> None:
    right = windows.input_gradients
    patch.setattr(windows, "input_gradients", lambda deltas, w, g: right(deltas, w[..., ::-1, ::-1], g))


def rotated_filter_gradient(patch: pytest.MonkeyPatch) -> None:
    right = Conv.backward

    def planted(self: Conv, row: int, output_gradient: np.ndarray) -> None:
        right(self, row, output_gradient)
        gradient = self._filters(self.gradient)
        gradient[...] = gradient[..., ::-1, ::-1].copy()

    patch.setattr(Conv, "backward", planted)


def without_slope(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tanh, "slope", lambda self, z, a, out: out.fill(1.0))


def without_slope_in_delta(patch: pytest.MonkeyPatch) -> None:
    right = Conv.backward

    def planted(self: Conv, row: int, output_gradient: np.ndarray) -> None:
        slope = self.activation.slope
        self.activation.slope = lambda z, a, out: out.fill(1.0)
        right(self, row, output_gradient)
        self.activation.slope = slope
        slope(self._z_rows[row], self.a_rows[row], self.slope_rows[row])

    patch.setattr(Conv, "backward", planted)


def slope_of_output(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tanh, "slope", lambda self, z, a, out: np.subtract(1.0, np.tanh(a) ** 2, out=out))


def shifted_window(patch: pytest.MonkeyPatch) -> None:
    right = Windows.filter_gradient

    def planted(self: Windows, delta: np.ndarray, gradient: np.ndarray) -> None:
        right(self, np.roll(delta, 1, axis=1), gradient)

    patch.setattr(Windows, "filter_gradient", planted)


def dropped_term(patch: pytest.MonkeyPatch) -> None:
    right = Windows.filter_gradient

    def planted(self: Windows, delta: np.ndarray, gradient: np.ndarray) -> None:
        left_out = delta.copy()
        left_out[-1, -1] = 0.0
        right(self, left_out, gradient)

    patch.setattr(Windows, "filter_gradient", planted)


def dropped_term_of_input(patch: pytest.MonkeyPatch) -> None:
    right = windows.input_gradients

    def planted(deltas: np.ndarray, filters: np.ndarray, geometry: Any) -> np.ndarray:
        left_out = filters.copy()
        left_out[..., 0, -1] = 0.0
        return right(deltas, left_out, geometry)

    patch.setattr(windows, "input_gradients", planted)


def mean_for_sum(patch: pytest.MonkeyPatch) -> None:
    right = Conv.backward

    def planted(self: Conv, row: int, output_gradient: np.ndarray) -> None:
        right(self, row, output_gradient)
        self._bias_gradient_rows[row] /= 12

    patch.setattr(Conv, "backward", planted)


def factor_two(patch: pytest.MonkeyPatch) -> None:
    right = losses.MeanSquaredError.gradient

    def planted(self: losses.MeanSquaredError, error: np.ndarray, out: np.ndarray) -> None:
        right(self, error, out)
        out *= 0.5

    patch.setattr(losses.MeanSquaredError, "gradient", planted)


ALL = {"activation_slope", "delta", "filter_gradient", "bias_gradient", "input_gradient"}


@pytest.mark.parametrize(
    ("plant", "caught", "look"),
    [
        (negated, {"filter_gradient"}, "filter_gradient"),
        (rotated, {"input_gradient"}, "input_gradient"),
        (rotated_filter_gradient, {"filter_gradient"}, "filter_gradient"),
        (without_slope, ALL, "activation_slope"),
        (without_slope_in_delta, ALL - {"activation_slope"}, "delta"),
        (slope_of_output, ALL, "activation_slope"),
        (shifted_window, {"filter_gradient"}, "filter_gradient"),
        (dropped_term, {"filter_gradient"}, "filter_gradient"),
        (dropped_term_of_input, {"input_gradient"}, "input_gradient"),
        (mean_for_sum, {"bias_gradient"}, "bias_gradient"),
        (factor_two, {"output_gradient"} | ALL - {"activation_slope"}, "output_gradient"),
    ],
)
def test_a_planted_mistake_is_caught(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], caught: set[str], look: str
) -> None:
    assert check_gradients(smooth(), directions=1, cells=True).agrees
    plant(monkeypatch)
    for cells in (False, True):
        check = check_gradients(smooth(), directions=int(not cells), cells=cells)
        assert not check.agrees
        # One by one there is no activation_slope.
        assert {each.name for each in wrong(check)} == (caught - {"activation_slope"} if cells else caught)
    assert check_gradients(smooth(), directions=1).first_wrong == look


@pytest.mark.parametrize("plant", [negated, rotated, rotated_filter_gradient, shifted_window, dropped_term])
def test_a_mistake_of_the_layer_needs_no_loss_to_be_caught(monkeypatch, plant):
    plant(monkeypatch)
    assert not check_gradients(smooth(target=None, output_gradient=None, learning_rate=None), directions=1).agrees


@pytest.mark.parametrize("plant", [rotated_filter_gradient, shifted_window])
def test_upstream_gradients_are_not_all_ones(monkeypatch, plant):
    """A window of a linear layer looks the same from everywhere when all that comes back is 1."""
    random = np.random.default_rng(0)
    same = np.tile(random.normal(size=(1, 1, 1, 1)), (2, 1, 6, 6))
    problem = Problem(same, random.normal(size=(2, 1, 2, 2)), activation=Choice("linear"), padding=((1, 1), (1, 1)))
    assert check_gradients(problem, directions=1).agrees
    plant(monkeypatch)
    assert not check_gradients(problem, directions=1).agrees


def test_a_wrong_slope_of_a_leak_is_caught(monkeypatch):
    problem = smooth(activation=Choice("leaky_relu", {"slope": 0.1}))
    assert check_gradients(problem).agrees
    monkeypatch.setattr(LeakyRelu, "slope", lambda self, z, a, out: np.heaviside(z, 0.0, out=out))
    assert check_gradients(problem).first_wrong == "activation_slope"
