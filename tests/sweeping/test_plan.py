"""Which runs a sweep is made of: each is what ``run --set`` would run, and those side by side differ in little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from program import SAMPLES

import convstep
from convstep.errors import ConvstepError, ProblemError, UsageError
from convstep.problem.document import to_document
from convstep.problem.reader import read_source
from convstep.sweeping.limits import common_limit, default_variation, guaranteed_rate, is_guarantee
from convstep.sweeping.plan import Plan
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import planned

QUESTION = read_source(str(SAMPLES / "question.yaml")).data


def plan(*vary: str, starts: Starts | None = None, data: Any = QUESTION) -> Plan:
    return planned(data, None, vary, starts)


@pytest.mark.parametrize(
    "vary",
    [
        ["learning_rate=0.1,0.5"],
        ["learning_rate=auto,0.5"],
        ["bias=0,1"],
        ["filter[0,1]=2,3", "learning_rate=0.1:0.3:3"],
        ["activation=relu,tanh,{leaky_relu: {slope: 0.2}}", "learning_rate=log:0.1:1:3"],
        ["activation.leaky_relu.slope=0.1,0.2", "slope_at_zero=0:1:3"],
        ["optimizer.sgd.momentum=0,0.9", "stop.iterations=10,20"],
        ["optimizer=sgd,adam", "loss=squared_error,huber"],
        ["target_through_activation=true,false", "operation=convolution,cross-correlation"],
        ["target[0,0]=1,5", "input[2,2]=1,7"],
    ],
)
def test_each_run_is_what_run_would_run_with_the_same_settings(vary: list[str]) -> None:
    made = plan(*vary)
    assert len(made.problems) == len(made.settings) > 1
    for setting, problem in zip(made.settings, made.problems, strict=True):
        assert to_document(problem) == to_document(convstep.load(QUESTION, setting))


def test_the_first_key_changes_slowest() -> None:
    made = plan("bias=0,1", "learning_rate=0.1,0.2")
    assert made.keys == ["bias", "learning_rate"]
    pairs = [(0.0, 0.1), (0.0, 0.2), (1.0, 0.1), (1.0, 0.2)]
    assert made.settings == [{"bias": bias, "learning_rate": rate} for bias, rate in pairs]


@pytest.mark.parametrize(
    ("vary", "sizes"),
    [
        (["learning_rate=0.1:0.3:3", "bias=0:1:4"], [12]),
        (["filter[0,0]=0:1:5"], [5]),
        (["activation=relu,tanh", "learning_rate=0.1:0.3:3"], [3, 3]),
        (["optimizer.sgd.momentum=0:0.9:4", "learning_rate=0.1:0.3:3"], [3, 3, 3, 3]),
        (["filter=[[1, 2]],[[3, 4]],[[1], [2]]"], [2, 1]),
    ],
)
def test_only_filter_bias_and_rate_differ_side_by_side(vary: list[str], sizes: list[int]) -> None:
    data = {"input": [[1, 2, 3], [4, 5, 6]], "filter": [[1, 2]], "output_gradient": None, "learning_rate": 0.1}
    made = plan(*vary, data=data if vary[0].startswith("filter=") else QUESTION)
    assert [len(group) for group in made.groups] == sizes
    for group in made.groups:
        first, *others = (to_document(made.problems[position]) for position in group)
        alike = {key: value for key, value in first.items() if key not in ("filter", "bias", "learning_rate")}
        assert all(alike.items() <= other.items() for other in others)


def test_runs_share_their_arrays() -> None:
    made = plan("bias=0:1:50")
    assert len({id(problem.input) for problem in made.problems}) == 1
    assert len({id(problem.target) for problem in made.problems}) == 1


def test_starts_instead_of_the_filter() -> None:
    made = plan("learning_rate=0.1,0.2", starts=Starts(2000, seed=3))
    assert made.keys == ["learning_rate", "filter"]
    assert len(made.problems) == 4000
    assert len(made.groups) == 1
    drawn = np.stack([problem.filter for problem in made.problems])
    np.testing.assert_array_equal(drawn[:2000], drawn[2000:])
    assert drawn.var() == pytest.approx(2 / 4, rel=0.05)  # He: 2/fan_in
    assert made.settings[7]["filter"] == drawn[7].tolist()
    again = plan("learning_rate=0.1", starts=Starts(2000, seed=3))
    np.testing.assert_array_equal(np.stack([problem.filter for problem in again.problems]), drawn[:2000])


@pytest.mark.parametrize(("initial", "largest"), [("glorot", np.sqrt(6 / 8)), ("uniform", 0.5)])
def test_other_ways_to_draw(initial: str, largest: float) -> None:
    drawn = np.abs(np.stack([problem.filter for problem in plan(starts=Starts(1000, initial=initial)).problems]))
    assert 0.99 * largest < drawn.max() <= largest


def test_starts_around_the_filter() -> None:
    made = plan("filter[0,0]=1,5", starts=Starts(1000, seed=1, around=0.5))
    drawn = np.stack([problem.filter for problem in made.problems]).reshape(2, 1000, 2, 2)
    np.testing.assert_allclose(drawn[0].mean(axis=0), [[1, -1], [1, 1]], atol=0.05)
    np.testing.assert_allclose(drawn[1].mean(axis=0), [[5, -1], [1, 1]], atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=1), 0.5, rtol=0.1)


@pytest.mark.parametrize(
    ("vary", "starts", "kind", "complaint"),
    [
        (["a=1", "b=1", "c=1"], None, UsageError, "vary one or two keys"),
        (["bias=1", "bias=2"], None, UsageError, "names bias twice"),
        (["bias=0:1:400", "learning_rate=1:2:400"], None, UsageError, "160,000 runs; at most 100,000"),
        (["filter[0,0]=1,2"], Starts(3), UsageError, "--starts replaces the filter"),
        (["learning_rate=1,0"], None, ProblemError, "--vary learning_rate=1,0: expected a positive"),
        (["learnin_rate=1,2"], None, ProblemError, "--vary learnin_rate=1,2: unknown key"),
        (["bias=1,2", "filter[9,0]=1"], None, ProblemError, "--vary filter[9,0]=1: filter[9]: there is no position 9"),
        (["bias=x,2", "stop.loss=1,2"], None, ProblemError, 'bias=x,2: expected one number, found text "x"'),
        (["activation=tanh", "slope_at_zero=1"], None, ProblemError, "--vary slope_at_zero=1: only"),
    ],
)  # fmt: skip
def test_complaints(vary: list[str], starts: Starts | None, kind: type[ConvstepError], complaint: str) -> None:
    with pytest.raises(kind) as raised:
        plan(*vary, starts=starts)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_limit_of_the_question() -> None:
    problem = convstep.load(QUESTION)
    assert guaranteed_rate(problem) == pytest.approx(0.2918, abs=5e-5)
    assert is_guarantee(problem)
    assert not is_guarantee(convstep.load(QUESTION, {"activation": "tanh"}))
    assert not is_guarantee(convstep.load(QUESTION, {"target[0,0]": -1}))
    assert guaranteed_rate(convstep.load(QUESTION, {"optimizer.sgd.momentum": 0.9})) is None
    assert guaranteed_rate(convstep.load(QUESTION, {"optimizer": "adam"})) is None
    assert guaranteed_rate(convstep.load(QUESTION, {"loss": "mean_absolute_error"})) is None


@pytest.mark.parametrize(
    ("vary", "known"),
    [
        (["learning_rate=0.1:1:5"], True),
        (["bias=0,1"], False),
        (["learning_rate=0.1:1:5", "filter[0,0]=1,2"], True),
        (["learning_rate=0.1:1:5", "input[0,0]=1,2"], False),
        (["optimizer.sgd.momentum=0,0.5", "learning_rate=0.1:1:5"], False),
    ],
)
def test_a_limit_for_all_runs(vary: list[str], known: bool) -> None:
    assert (common_limit(plan(*vary)) is not None) == known


def test_the_rate_is_varied_if_nobody_says_what() -> None:
    (variation,) = plan().variations
    assert (variation.key, len(variation.values), variation.logarithmic) == ("learning_rate", 61, True)
    assert (variation.values[0], variation.values[-1]) == (0.01, 10.0)
    adam = convstep.load(QUESTION, {"optimizer": "adam"})
    assert default_variation(adam).values[0] == 0.01
