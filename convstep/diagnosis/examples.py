"""For each mistake a small problem in which it shows: right and wrong numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convstep.arrays import Array
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.simulation import same, simulated
from convstep.problem.checks import check
from convstep.problem.model import Problem

_SMALL: Mapping[str, Any] = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 2]],
    "target": [[1, -1], [2, 1]],
    "learning_rate": 0.5,
}
_PROBLEMS: tuple[tuple[Mapping[str, Any], int], ...] = (
    ({}, 1),
    ({"bias": 1}, 1),
    ({"activation": "sigmoid"}, 1),
    ({"loss": "mean_squared_error"}, 1),
    ({"target_through_activation": True}, 1),
    (
        {
            "stride": 2,
            "padding": [[0, 0], [0, 1]],
            "input": [[1, -1, 0, 2], [0, 1, 0, 1], [2, -1, 1, 0]],
            "target": [[1, 2]],
        },
        1,
    ),
    ({"dilation": 2, "target": [[1]]}, 1),
    ({"input": [[[1, 2], [0, 1]], [[2, 0], [1, 1]]], "filter": [[[1]], [[2]]], "target": [[1, 0], [2, 1]]}, 1),
    ({}, 2),
    ({"optimizer": {"sgd": {"momentum": 0.5, "weight_decay": 0.5}}}, 2),
    ({"optimizer": {"adam": {"eps": 0.1}}, "learning_rate": 1}, 2),
)
"""Changes to the small problem, and the iteration to look at."""


class Example(NamedTuple):
    """A mistake in a small problem.

    Attributes:
        problem: The problem.
        iteration: Which iteration of it.
        quantity: The quantity in which the mistake is made.
        right, wrong: Its numbers, done right and with the mistake.
        from_: What it is computed from, right: names and numbers.
    """

    problem: Problem
    iteration: int
    quantity: str
    right: Array
    wrong: Array
    from_: Mapping[str, Array]


def example_of(name: str) -> Example | None:
    """The first small problem in which the mistake changes the quantity that it is made in; computed on the spot."""
    for changes, iteration in _PROBLEMS:
        problem = check({**_SMALL, **changes})
        example = _example(setting_at(problem, iteration), problem, name)
        if example is not None:
            return example
    return None


def _example(setting: Setting, problem: Problem, name: str) -> Example | None:
    stages = stages_of(setting)
    right = simulated(setting, stages, ())
    for rule in rules_of(setting):
        if rule.id != name or rule.again or rule.turns:
            continue
        quantity = CATALOGUE[name].quantity
        wrong = simulated(setting, stages, [rule])
        if quantity in wrong and not same(wrong[quantity], right[quantity]):
            before = {each: setting.shaped(each, right[each][0]) for each in _BEFORE[quantity] if each in right}
            as_it_is, as_made = (_as_shown(setting, quantity, each[quantity][0]) for each in (right, wrong))
            return Example(problem, setting.iteration, quantity, as_it_is, as_made, before)
    return None


def _as_shown(setting: Setting, name: str, row: Array) -> Array:
    """The numbers without axes that the problem does not have, whatever their size."""
    shaped = setting.shaped(name, row)
    if shaped.ndim <= len(setting.own_shape(name)):
        return shaped
    form = setting.form(name, row.shape)
    return row.reshape((1,) * max(0, 2 - len(form)) + form)


_BEFORE = {
    "pre_activation": ("bias",),
    "output": ("pre_activation",),
    "error": ("output",),
    "output_gradient": ("error",),
    "delta": ("output_gradient", "activation_slope"),
    "filter_gradient": ("delta",),
    "bias_gradient": ("delta",),
    "input_gradient": ("delta",),
    "new_filter": ("filter_gradient",),
}
"""What is shown beside a quantity: what it is computed from."""
