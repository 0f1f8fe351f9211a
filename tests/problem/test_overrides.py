"""``--set KEY=VALUE``: reading it, and making it."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from program import environment

from convstep.errors import Path, ProblemError
from convstep.problem.overrides import apply, parse

DATA: dict[str, Any] = {
    "input": [[1, 2], [3, 4]],
    "filter": [[[[1, 2]]]],
    "bias": 3,
    "activation": "relu",
    "loss": {"huber": {"delta": 2}},
    "target": "t.npy",
    "expected_filter": {"size": 3},
    "output_gradient": np.array([[1.0, 2.0]]),
}


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("learning_rate=0.1", ("learning_rate",), 0.1),
        ("learning_rate = 1/3", ("learning_rate",), "1/3"),
        ("learning_rate=1e-3", ("learning_rate",), 0.001),
        ("activation=linear", ("activation",), "linear"),
        ("activation={leaky_relu: {slope: 0.1}}", ("activation",), {"leaky_relu": {"slope": 0.1}}),
        ("stop.iterations=50", ("stop", "iterations"), 50),
        ("filter=[[1,0],[0,1]]", ("filter",), [[1, 0], [0, 1]]),
        ("filter=[[1, yes]]", ("filter",), [[1, "yes"]]),
        ("filter[0,1]=2", ("filter", 0, 1), 2),
        ("filter[0][ 1 ]=2", ("filter", 0, 1), 2),
        ("attempt[1].error[0,0]=2", ("attempt", 1, "error", 0, 0), 2),
        ("title=", ("title",), None),
        ("title=null", ("title",), None),
        ("title=a=b c", ("title",), "a=b c"),
        ('title="1"', ("title",), "1"),
        ("input=NaN", ("input",), "NaN"),
        ("input=data/x-1.npy", ("input",), "data/x-1.npy"),
        ("exact=true", ("exact",), True),
    ],
)
def test_reading(setting: str, path: Path, value: Any) -> None:
    assert parse(setting) == (path, value)


@pytest.mark.parametrize(
    "setting", ["", "abc", "=3", "a..b=3", "a[x]=3", "a[]=3", "a[-1]=3", "[0]=1", "a b=1", "a[0=1", ".a=1"]
)
def test_what_is_no_setting(setting: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(setting)
    assert str(caught.value) == "expected KEY=VALUE, as in learning_rate=0.1, stop.iterations=50 or filter[0,1]=2"


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("padding=same", "padding", "same"),
        ("input[1,0]=9", "input", [[1, 2], [9, 4]]),
        ("input[1]=[5,6]", "input", [[1, 2], [5, 6]]),
        ("input[0,0]=", "input", [[None, 2], [3, 4]]),
        ("filter[0,0,0,1]=x", "filter", [[[[1, "x"]]]]),
        ("output_gradient[0,1]=7", "output_gradient", [[1.0, 7]]),
        ("stop.iterations=50", "stop", {"iterations": 50}),
        ("activation.leaky_relu.slope=0.1", "activation", {"leaky_relu": {"slope": 0.1}}),
        ("activation.relu.x=1", "activation", {"relu": {"x": 1}}),
        ("loss.huber.delta=3", "loss", {"huber": {"delta": 3}}),
        ("loss.huber.delta=", "loss", {"huber": {}}),
        ("loss.other.delta=3", "loss", {"other": {"delta": 3}}),
        ("optimizer.sgd.momentum=0.9", "optimizer", {"sgd": {"momentum": 0.9}}),
        ("expected_filter.size=5", "expected_filter", {"size": 5}),
        ("bias=null", "bias", None),
        ("title=", "title", None),
    ],
)
def test_making(setting: str, key: str, value: Any) -> None:
    before = copy.deepcopy(DATA)
    changed = dict(apply(DATA, [setting]))
    assert changed.pop(key, None) == value
    rest = {name: held for name, held in DATA.items() if name != key}
    assert all(changed[name] is rest[name] for name in rest)
    assert set(changed) == set(rest)
    assert str(before) == str(DATA)


def test_later_settings_build_upon_earlier_ones() -> None:
    settings = ["optimizer=adam", "optimizer.adam.eps=1e-3", "optimizer.adam.amsgrad=true", "bias=[1,2]", "bias[1]=5"]
    assert apply({}, settings) == {"optimizer": {"adam": {"eps": 0.001, "amsgrad": True}}, "bias": [1, 5]}


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("input[0,5]=2", "input[0,5]: there is no position 5; the list has 2 entries, counted from 0"),
        ("input[0,0,0]=2", "input[0,0]: expected a list, found 1"),
        ("input.x=2", "input: has no key x: it is a list"),
        ("bias[0]=1", "bias: expected a list, found 3"),
        ("title[0]=1", "title: expected a list, found nothing"),
        ("target[0,0]=1", "target: its numbers are in t.npy; change them there, or set all of target"),
        (
            "expected_filter[0,0]=1",
            "expected_filter: its numbers are drawn; set all of expected_filter to set single ones",
        ),
        ("activation[0]=1", 'activation: expected a list, found text "relu"'),
        ("loss.huber.delta.x=1", "loss.huber.delta: has no key x: it is 2"),
        ("stop={a: 1, a: 2}", "stop.a: duplicate key; it stands above already"),
        ('stop={"a": 1, "a": 2}', "stop.a: duplicate key; it stands above already"),
        ("input=[[1,2", "input: not readable as YAML: expected , or ] in the list that begins on line 1"),
        ("title=\udc80 x", "title: not text: it holds half of a surrogate pair"),
    ],
)
def test_every_refusal(setting: str, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        apply(DATA, [setting])
    assert str(caught.value) == error


def test_plain_values_do_not_load_yaml() -> None:
    code = (
        "import sys; from convstep.problem.overrides import apply\n"
        "apply({}, ['a=0.1', 'a=same', 'filter=[[1, 2]]', 'b={\"sgd\": {}}', 'c=x/y.npy'])\n"
        "assert 'yaml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
