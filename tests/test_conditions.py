"""Conditions as people write them, and what they hold for."""

from __future__ import annotations

import math

import pytest
from drawn_problems import question

import convstep
from convstep.conditions import parse_condition, quantity_called
from convstep.errors import UsageError

STEPS = list(convstep.descend(question(learning_rate=0.1)))


def first(text: str) -> int | None:
    """The first iteration after the first one for which a condition holds."""
    condition = parse_condition(text, STEPS[0])
    pairs = zip(STEPS[1:], STEPS, strict=False)
    return next((step.iteration for step, before in pairs if condition.holds(step, before)), None)


@pytest.mark.parametrize(
    ("text", "iteration"),
    [
        ("loss < 0.01", next(step.iteration for step in STEPS[1:] if step.loss < 0.01)),
        ("loss<1e-2", next(step.iteration for step in STEPS[1:] if step.loss < 0.01)),
        ("filter[0,0] < 0.9", next(step.iteration for step in STEPS[1:] if step.filter[0, 0] < 0.9)),
        ("filter [ 0 , 0 ] <= 0.9", next(step.iteration for step in STEPS[1:] if step.filter[0, 0] <= 0.9)),
        ("filter[0,1] >= -0.4", next(step.iteration for step in STEPS[1:] if step.filter[0, 1] >= -0.4)),
        ("iteration == 20", 20),
        ("iteration > 20", 21),
        ("LOSS > 100", None),
        ("status changes", None),
        (
            "slope changes",
            next(
                step.iteration
                for step, before in zip(STEPS[1:], STEPS, strict=False)
                if (step.activation_slope != before.activation_slope).any()
            ),
        ),
        ("filter changes", 2),
        ("input_gradient change", 2),
    ],
)
def test_the_first_iteration_that_is_so(text, iteration):
    assert first(text) == iteration


def test_equal_is_what_a_page_shows_as_equal():
    step = next(convstep.descend(convstep.load({"input": [[0.1 + 0.2]], "filter": [[1]]})))
    assert step.pre_activation.item() != 0.3
    assert parse_condition("pre_activation == 0.3", step).holds(step, None)
    assert parse_condition("pre_activation[0,0] = 0.3", step).holds(step, None)
    assert not parse_condition(f"pre_activation == {math.nextafter(0.3, 1) + 1e-12}", step).holds(step, None)


CONDITION = (
    "expected a condition, such as loss < 0.01, filter[0,1] > 0.5, slope changes or status changes; found {}".format
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", CONDITION("none")),
        ("loss", CONDITION("loss")),
        ("loss <", CONDITION("loss <")),
        ("loss < 1 2", CONDITION("loss < 1 2")),
        ("loss is 3", CONDITION("loss is 3")),
        ("x" * 10**6, CONDITION("x" * 40 + "…")),
        ("loss < abc", "expected a number to compare with, as in loss < 0.01; found abc"),
        ("loss < nan", "expected a number to compare with, as in loss < 0.01; found nan"),
        ("loss < .inf", "expected a number to compare with, as in loss < 0.01; found .inf"),
        ("loss < 1_0", "expected a number to compare with, as in loss < 0.01; found 1_0"),
        ("losss < 1", "there is no quantity losss; did you mean loss?"),
        ("bias < 1", f"this problem has no bias; it has {', '.join(STEPS[0])}"),
        ("loss[0] < 1", "loss is a single number; write it without brackets"),
        ("delta < 1", "which cell of delta? it takes 2 indices, from delta[0,0] to delta[1,1]"),
        ("delta[0,2] < 1", "delta has no cell [0,2]: it takes 2 indices, from delta[0,0] to delta[1,1]"),
        ("delta[0] < 1", "delta has no cell [0]: it takes 2 indices, from delta[0,0] to delta[1,1]"),
        ("delta[] < 1", "delta has no cell []: it takes 2 indices, from delta[0,0] to delta[1,1]"),
        ("filter_ < 1", "filter_ may be filter_gradient or filter_update"),
    ],
)
def test_what_is_no_condition_is_said_in_a_line(text, message):
    with pytest.raises(UsageError) as error:
        parse_condition(text, STEPS[0])
    assert str(error.value) == message


def test_names_may_be_short():
    assert quantity_called("Slope", STEPS[0]) == "activation_slope"
    assert quantity_called("act", STEPS[0]) == "activation_slope"
    assert quantity_called("new-filter", STEPS[0]) == "new_filter"
    assert quantity_called("filter", STEPS[0]) == "filter"
