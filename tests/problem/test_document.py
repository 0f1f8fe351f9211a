"""A problem as plain data, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given
from strategies import problem_documents

from convstep.problem.checks import check
from convstep.problem.document import to_document
from convstep.problem.keys import KEYS
from convstep.problem.model import Problem


def same(one: Any, other: Any) -> bool:
    """Whether two fields are equal: arrays in shape and every number."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and np.array_equal(one, other)
    return type(one) is type(other) and one == other


def differences(one: Problem, other: Problem) -> list[str]:
    names = [field.name for field in fields(Problem)]
    return [name for name in names if not same(getattr(one, name), getattr(other, name))]


@given(problem_documents())
def test_a_problem_reads_back_from_its_document(document: dict[str, Any]) -> None:
    problem = check(document)
    spelled = to_document(problem)
    assert differences(problem, check(spelled)) == []
    assert differences(problem, check(json.loads(json.dumps(spelled)))) == []
    assert to_document(check(spelled)) == spelled


def test_a_difference_is_seen() -> None:
    problem = check({"input": [[1]], "filter": [[1]]})
    other = check({"input": [[1]], "filter": [[2]], "padding": 1})
    assert differences(problem, other) == ["filter", "padding"]


def test_every_default_is_spelled_out() -> None:
    document = to_document(check({"input": [[1, 2]], "filter": [[3]], "target": [[1, 2]], "learning_rate": 1}))
    assert document == {
        "input": [[1.0, 2.0]],
        "filter": [[3.0]],
        "target": [[1.0, 2.0]],
        "activation": "relu",
        "slope_at_zero": 0.0,
        "target_through_activation": False,
        "operation": "cross-correlation",
        "stride": 1,
        "dilation": 1,
        "padding": 0,
        "groups": 1,
        "loss": "half_squared_error",
        "learning_rate": 1.0,
        "optimizer": {"sgd": {"momentum": 0.0, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0}},
        "stop": {"iterations": 1000, "loss": 1e-12, "gradient": 1e-9},
        "exact": False,
    }


def test_every_key_in_its_order_and_shortest_form() -> None:
    given = {
        "title": "all of it",
        "input": np.arange(36).reshape(1, 1, 6, 6),
        "filter": {"size": 2, "filters": 2, "seed": 3},
        "target": "zeros",
        "bias": 1,
        "activation": "leaky_relu",
        "operation": "convolution",
        "stride": [2, 2],
        "dilation": [1, 2],
        "padding": [[1, 1], [0, 1]],
        "loss": {"huber": {"delta": 2}},
        "learning_rate": "1/4",
        "optimizer": "adam",
        "stop": {"iterations": 7},
        "attempt": {"loss": 1},
        "expected_filter": np.zeros((2, 1, 2, 2)),
    }
    draft = check({**given, "target": None})
    document = to_document(check({**given, "target": np.zeros(draft.output_shape)}))
    assert list(document) == [key for key in KEYS if key in document]
    assert set(KEYS) - set(document) == {"output_gradient"}
    assert document["bias"] == [1.0, 1.0]
    assert document["activation"] == {"leaky_relu": {"slope": 0.01}}
    assert document["slope_at_zero"] == 0.01
    assert (document["stride"], document["dilation"], document["padding"]) == (2, [1, 2], [[1, 1], [0, 1]])
    adam = {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}
    assert document["optimizer"] == {"adam": adam}
    assert document["attempt"] == {"loss": 1}


def test_what_has_no_effect_is_left_out() -> None:
    base = {"input": [[1]], "filter": [[1]], "loss": "squared_error", "optimizer": "adam", "activation": "tanh"}
    left_out = {"loss", "optimizer", "learning_rate", "slope_at_zero", "target", "bias", "title"}
    assert left_out.isdisjoint(to_document(check(base)))
    assert "optimizer" in to_document(check({**base, "learning_rate": 1, "output_gradient": 1}))
