"""Gradients checked in fractions: equal without a tolerance, honest at kinks, and a planted mistake is found."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from profiles import examples
from program import SAMPLES
from render.test_exact_pages import THIRDS, exact_problems

import convstep
from convstep.errors import UsageError
from convstep.exact.layer import Layer
from convstep.exact_gradients import Reading, slopes
from convstep.gradients import BESIDE_KINKS, LOSS, RANDOM, check_gradients


@examples(6)
@given(exact_problems())
def test_every_gradient_is_the_difference_quotient(problem):
    found = check_gradients(problem, directions=2, cells=True)
    assert found.exact
    assert found.agrees
    for check in found.checks:
        assert check.tolerance == 0
        assert isinstance(check.analytic, Fraction)
        assert isinstance(check.numeric, Fraction)
        assert check.analytic == check.numeric or check.kinks
        assert check.upstream != BESIDE_KINKS or check.verdict == "agrees"
        assert all(kink.value == 0 for kink in check.kinks if kink.name == "pre_activation")
    assert {check.upstream for check in found.checks} >= ({RANDOM} if problem.forward_only else {RANDOM, LOSS})


def test_by_hand_on_both_sides_of_a_kink():
    # z = w·x = 0; L = ½(relu(z) − 1)²: to the left the slope is 0, to the right −1·2.
    keys = {"input": [[2]], "filter": [[0]], "target": [[1]], "learning_rate": 1, "exact": True}
    (check,) = check_gradients(convstep.load(keys), directions=0, cells=[("filter_gradient", (0, 0))]).checks
    assert (check.analytic, check.numeric, check.difference, check.allowance) == (0, -1, 1, 1)
    assert (check.verdict, check.kinks[0].name, check.kinks[0].cell) == ("kink", "pre_activation", (0, 0))
    half = convstep.load(keys | {"slope_at_zero": "1/2"})
    (check,) = check_gradients(half, directions=0, cells=[("filter_gradient", (0, 0))]).checks
    assert (check.analytic, check.numeric, check.verdict) == (-1, -1, "agrees")


def test_steps_stay_between_kinks_however_near_they_are():
    near = Fraction(1, 10**40)
    keys = {"input": [[1]], "filter": [[str(near)]], "target": [[1]], "learning_rate": 1, "exact": True}
    for name in ("half_squared_error", {"huber": {"delta": str(1 - 2 * near)}}, "mean_absolute_error"):
        for check in check_gradients(convstep.load(keys | {"loss": name}), cells=True).checks:
            assert check.verdict == "agrees"
            assert check.difference == 0
            if check.name in ("filter_gradient", "delta", "activation_slope"):
                assert 0 < check.step < near


def test_a_corner_of_the_loss_is_a_kink_and_a_join_without_one_is_not():
    keys = {"input": [[1]], "filter": [[2]], "target": [[2]], "learning_rate": 1, "exact": True, "activation": "linear"}
    corner = check_gradients(convstep.load(keys | {"loss": "mean_absolute_error"}), directions=1).checks
    assert {kink.name for check in corner for kink in check.kinks} == {"error"}
    joined = convstep.load(keys | {"loss": {"huber": {"delta": 1}}, "target": [[1]]})
    assert all(not check.kinks and not check.difference for check in check_gradients(joined, cells=True).checks)


@pytest.mark.parametrize(
    ("method", "planted", "first"),
    [
        ("filter_gradient", lambda gradient: -gradient, "filter_gradient"),
        ("filter_gradient", lambda gradient: gradient * Fraction(10**30 + 1, 10**30), "filter_gradient"),
        ("bias_gradient", lambda gradient: gradient / 2, "bias_gradient"),
        ("input_gradient", lambda gradient: gradient[..., ::-1, :], "input_gradient"),
        ("delta", lambda delta: delta * 3, "delta"),
    ],
)
def test_a_planted_mistake_is_found_however_small(monkeypatch, method, planted, first):
    right = Layer.sent_back

    def wrong(self: Layer, *given: Any) -> Any:
        back = right(self, *given)
        return back._replace(**{method: planted(getattr(back, method))})

    monkeypatch.setattr(Layer, "sent_back", wrong)
    found = check_gradients(convstep.load(THIRDS))
    assert not found.agrees
    assert found.first_wrong == first


def test_any_iteration_of_a_run():
    problem = convstep.load(SAMPLES / "question.yaml", {"exact": True})
    steps = list(convstep.descend(problem))
    for step in (steps[6], steps[-1]):
        assert check_gradients(problem, step, cells=True).agrees
    with pytest.raises(UsageError, match="there is no bias_gradient to check here"):
        check_gradients(problem, cells=[("bias_gradient", None)])


def test_the_same_seed_draws_the_same_numbers():
    problem = convstep.load(THIRDS)
    assert check_gradients(problem, seed=7) == check_gradients(problem, seed=7)
    assert check_gradients(problem, seed=7).checks != check_gradients(problem, seed=8).checks


def test_one_sided_slopes_of_a_line_with_a_corner_ahead():
    def line(h: Fraction) -> Reading:
        z = Fraction(1, 7) - 3 * h
        return Reading([max(z, Fraction(0)) ** 2 + 5 * h], {"z": [z]})

    found = slopes(line, {"z": (Fraction(0),)})
    assert found.left == found.right == [Fraction(-6, 7) + 5]
    assert found.step == Fraction(1, 63)
