"""What each parameter of an activation, a loss or an optimizer may be: at its limit, and just past it."""

from __future__ import annotations

from typing import Any

import pytest

from convstep.errors import ProblemError
from convstep.problem.checks import check

PROBLEM = {"input": [[1, 2]], "filter": [[1]], "target": [[1, 2]], "learning_rate": 0.1}
TINY = 1e-9

LIMITS: list[tuple[str, str, str, list[Any], list[Any]]] = [
    ("activation", "softplus", "beta", [TINY, 0.5, 3], [0, -TINY]),
    ("activation", "gelu", "approximate", ["none", "tanh"], ["erf", ""]),
    ("loss", "huber", "delta", [TINY, 0.5, 3], [0, -TINY]),
    ("optimizer", "sgd", "momentum", [0, 0.5, 2], [-TINY]),
    ("optimizer", "sgd", "weight_decay", [0, 0.5, 2], [-TINY]),
    ("optimizer", "adam", "betas", [[0, 0], [0.5, 1 - TINY]], [[-TINY, 0.5], [0.5, -TINY], [1, 0.5], [0.5, 1]]),
    *(
        ("optimizer", name, parameter, [0, 0.5, 2], [-TINY])
        for name, parameters in {
            "adam": ["eps", "weight_decay"],
            "rmsprop": ["alpha", "eps", "weight_decay", "momentum"],
            "adagrad": ["lr_decay", "weight_decay", "initial_accumulator_value", "eps"],
        }.items()
        for parameter in parameters
    ),
]


@pytest.mark.parametrize(("key", "name", "parameter", "allowed", "refused"), LIMITS)
def test_limits(key: str, name: str, parameter: str, allowed: list[Any], refused: list[Any]) -> None:
    for value in allowed:
        check(PROBLEM | {key: {name: {parameter: value}}})
    for value in refused:
        with pytest.raises(ProblemError, match=parameter):
            check(PROBLEM | {key: {name: {parameter: value}}})


def test_any_number_where_there_is_no_limit() -> None:
    for value in (-3, 0, 3):
        check(PROBLEM | {"activation": {"leaky_relu": {"slope": value}}})
        check(PROBLEM | {"activation": {"elu": {"alpha": value}}})
        check(PROBLEM | {"optimizer": {"sgd": {"dampening": value, "momentum": 0.5}}})
