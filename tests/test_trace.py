"""A Step is an object with attributes and a mapping at once; a Trace is a sequence of them."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import question

from convstep.descent import descend
from convstep.problem.model import Stop
from convstep.quantities import QUANTITIES
from convstep.trace import Outcome, Step, Trace

ARRAYS = {
    "filter": np.array([[[1.0, 2.0]], [[3.0, 4.0]]]),
    "loss": np.array([0.5, 0.25]),
    "bias": np.array([7.0, 8.0]),
}


def test_a_row_of_each_array() -> None:
    step = Step(12, ARRAYS, 1)
    assert step.iteration == 12
    assert step.filter.tolist() == step["filter"].tolist() == [[3, 4]]
    assert step.loss == step["loss"] == 0.25
    assert type(step.loss) is float
    assert step.bias == 8.0
    assert Step(11, ARRAYS).loss == 0.5


def test_as_a_mapping() -> None:
    step = Step(1, ARRAYS)
    assert list(step) == ["filter", "loss", "bias"]
    assert "bias" in step
    assert "new_bias" not in step
    assert "iteration" not in step
    with pytest.raises(KeyError):
        step["delta"]


def test_single_numbers_as_arrays() -> None:
    step = Step(1, ARRAYS, 1)
    for name, value in (("loss", 0.25), ("bias", 8.0)):
        array = step.array(name)
        assert isinstance(array, np.ndarray)
        assert array.shape == ()
        assert array.item() == value
    assert step.array("filter").tolist() == [[3, 4]]


def test_what_is_not_there() -> None:
    step = Step(3, ARRAYS)
    with pytest.raises(AttributeError) as caught:
        step.delta  # noqa: B018
    assert str(caught.value) == "iteration 3 holds no delta; it holds filter, loss, bias"
    with pytest.raises(AttributeError) as caught:
        step.gradient  # noqa: B018
    assert str(caught.value) == "a Step has no attribute gradient"
    assert not hasattr(step, "delta")
    with pytest.raises(AttributeError):
        step.anything = 1


def test_repr() -> None:
    assert repr(Step(3, ARRAYS)) == "Step(iteration=3, loss=0.5)"
    assert repr(Step(3, {"filter": ARRAYS["filter"]})) == "Step(iteration=3)"


def test_every_quantity_is_an_attribute() -> None:
    for name in QUANTITIES:
        value = np.array([[1.0, 2.0]]) if name != "loss" else np.array([1.0])
        assert np.array_equal(getattr(Step(1, {name: value}), name), value[0])


def test_a_trace_is_a_sequence_of_steps() -> None:
    problem = question(stop=Stop(3))
    steps = tuple(descend(problem))
    trace = Trace(problem, steps, Outcome("stopped", 3, steps[-1].loss, steps[-1].new_filter))
    assert len(trace) == 3
    assert list(trace) == list(steps)
    assert trace[0] is steps[0]
    assert trace[-1].iteration == 3
    assert (trace.reason, trace.advice) == ("", ())
    assert trace.outcome.bias is None
    assert trace.outcome.period is None
