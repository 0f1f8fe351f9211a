"""The run in floats beside the one in fractions: equal where floats are exact, within the theory's bounds elsewhere."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from drawn_problems import FLOATS, INTEGERS, problems
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from twins import Bounds, fractions, same_step, twin

import convstep
from convstep.choices import Choice
from convstep.losses import LOSSES
from convstep.optimizers import OPTIMIZERS
from convstep.problem.model import Stop

RATIONAL = st.one_of(
    st.sampled_from([Choice("relu"), Choice("linear")]),
    st.sampled_from([0.25, -0.5, 1.5, 0.1]).map(lambda slope: Choice("leaky_relu", {"slope": slope})),
)
DESCENTS = st.sampled_from(
    [
        {},
        {"weight_decay": 0.125},
        {"momentum": 0.5},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"momentum": 0.75, "dampening": 0.25},
    ]
).map(lambda given: Choice("sgd", given).completed(OPTIMIZERS["sgd"].parameters))
STOPS = Stop(3, 0.0, 0.0)


@st.composite
def rational_problems(draw, kind=FLOATS, **given):
    """A problem that stays within the fractions, with every setting there is."""
    drawn = draw(problems(kind, stop=STOPS, optimizer=draw(DESCENTS), activation=draw(RATIONAL), **given))
    choice = drawn.loss.completed(LOSSES[drawn.loss.name].parameters)
    return convstep.Problem(
        **(vars(drawn) | {"loss": choice, "slope_at_zero": None if drawn.activation.name == "linear" else 0.5})
    )


@examples(60)
@given(rational_problems())
def test_every_float_is_within_the_bound_of_rounding(problem):
    steps = list(convstep.descend(problem))
    for before, step in pairwise([None, *steps]):
        exact = same_step(problem, step, before)
        assert list(exact) == list(step)
        bounds = Bounds(problem, exact).found
        for name in set(step) - {"filter", "bias"}:
            apart = abs(fractions(step.array(name)) - exact.array(name))
            assert np.all(apart <= bounds[name]), (step.iteration, name, apart, bounds[name])


@examples(60)
@given(rational_problems())
def test_a_slope_differs_only_where_z_is_within_rounding_of_0(problem):
    step = next(convstep.descend(problem))
    exact = same_step(problem, step, None)
    differs = fractions(step.activation_slope) != exact.activation_slope
    near = abs(exact.pre_activation) <= Bounds(problem, exact).found["pre_activation"]
    assert not (differs & ~near).any()


@examples(60)
@given(rational_problems(INTEGERS, learning_rate=0.5), st.sampled_from(["half_squared_error", "squared_error"]))
def test_where_floats_do_not_round_both_are_the_same(problem, loss):
    dyadic = {"slope": 0.25} if problem.activation.name == "leaky_relu" else {}
    descent = Choice("sgd", {"momentum": 0.5, "weight_decay": 0.25}).completed(OPTIMIZERS["sgd"].parameters)
    changed = {"loss": Choice(loss), "activation": Choice(problem.activation.name, dyadic), "optimizer": descent}
    problem = convstep.Problem(**(vars(problem) | changed | {"stop": Stop(2, 0.0, 0.0)}))
    for step, exact in zip(convstep.descend(problem), convstep.descend(twin(problem)), strict=False):
        if max(abs(step.array(name)).max(initial=0) for name in step) > 2**12:
            break
        for name in step:
            assert np.array_equal(fractions(step.array(name)), exact.array(name)), name


def test_a_zero_on_paper_closes_the_relu_in_fractions_alone():
    keys = {"input": [[0.1, 0.2, 0.3]], "filter": [[1, 1, -1]], "target": [[1]], "learning_rate": 1}
    floats, exact = (next(convstep.descend(convstep.load(keys | {"exact": wanted}))) for wanted in (False, True))
    assert floats.pre_activation.item() == 2.0**-54
    assert (floats.activation_slope.item(), floats.delta.item()) == (1.0, 2.0**-54 - 1)
    assert exact.pre_activation.item() == 0
    assert (exact.activation_slope.item(), exact.delta.item()) == (0, 0)


def test_the_convention_at_0_is_taken_in_fractions_too():
    keys = {"input": [[0.1, 0.2, 0.3]], "filter": [[1, 1, -1]], "output_gradient": [[6]], "exact": True}
    for activation, at_zero, slope in (
        ("relu", None, Fraction(0)),
        ("relu", "1/3", Fraction(1, 3)),
        ({"leaky_relu": {"slope": 0.1}}, None, Fraction(1, 10)),
        ({"leaky_relu": {"slope": 0.1}}, 1, Fraction(1)),
    ):
        step = next(convstep.descend(convstep.load(keys | {"activation": activation, "slope_at_zero": at_zero})))
        assert (step.activation_slope.item(), step.delta.item()) == (slope, 6 * slope)
