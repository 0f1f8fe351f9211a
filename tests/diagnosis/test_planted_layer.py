"""The tester's own layer is tested first: right without a mistake, and wrong in the right place with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from planted_attempts import PLACE, is_reproduced, planted
from planted_layer import NAMES, READINGS, calculate
from planted_problems import drawn_problem

import convstep

DRAWN = 150


def truth(document: dict[str, Any], iteration: int) -> convstep.Step:
    """The Step of the program itself."""
    steps = list(convstep.descend(convstep.load(document)))
    assert len(steps) == iteration
    return steps[-1]


def problems(count: int, seed: int) -> list[tuple[dict[str, Any], int]]:
    """As many drawn problems as wanted, each with the iteration to look at."""
    random = np.random.default_rng(seed)
    found: list[tuple[dict[str, Any], int]] = []
    while len(found) < count:
        drawn = drawn_problem(random)
        found += [drawn] if drawn else []
    return found


def test_without_a_mistake_it_is_the_programs_own_step() -> None:
    seen: set[str] = set()
    for document, iteration in problems(DRAWN, seed=1):
        step, numbers = truth(document, iteration), calculate(document, iteration=iteration)
        assert list(numbers) == [name for name in NAMES if name in step]
        for name, value in numbers.items():
            assert np.shape(value) == np.shape(step[name])
            np.testing.assert_allclose(value, step[name], rtol=1e-9, atol=1e-9, err_msg=f"{name} {document}")
        seen |= numbers.keys()
    assert seen == set(NAMES)


QUESTION = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, -1], [0, 1]],
    "learning_rate": 0.5,
}
"""z is 3 0 / −2 1, e is 2 1 / 0 0, δ is 2 0 / 0 0 and g is 2 −2 / 0 2: all below by pencil."""

BY_PENCIL = [
    ("filter-rotated", "pre_activation", [[1, -2], [0, 3]]),
    ("filter-transposed", "pre_activation", [[1, -2], [0, 3]]),
    ("activation-forgotten", "output", [[3, 0], [-2, 1]]),
    ("error-before-activation", "error", [[2, 1], [-2, 0]]),
    ("error-squared", "error", [[4, 1], [0, 0]]),
    (("error-squared", "gradient"), "output_gradient", [[4, 1], [0, 0]]),
    ("target-activated", "error", [[2, 0], [0, 0]]),
    ("factor-two", "output_gradient", [[4, 2], [0, 0]]),
    ("factor-two", "loss", 5),
    ("mean-for-sum", "output_gradient", [[0.5, 0.25], [0, 0]]),
    ("slope-forgotten", "delta", [[2, 1], [0, 0]]),
    ("activation-for-slope", "delta", [[2, 1], [0, 0]]),
    ("value-for-slope", "delta", [[6, 0], [0, 0]]),
    ("upstream-forgotten", "delta", [[1, 0], [0, 1]]),
    ("slope-of-error", "delta", [[2, 1], [0, 0]]),
    ("slope-of-target", "delta", [[2, 0], [0, 0]]),
    ("slope-at-zero", "delta", [[2, 1], [0, 0]]),
    ("slope-at-zero", "filter_gradient", [[1, -2], [1, 2]]),
    ("slope-at-zero", "new_filter", [[0.5, 0], [0.5, 0]]),
    ("slope-inverted", "delta", [[0, 1], [0, 0]]),
    ("gradient-rotated", "filter_gradient", [[2, 0], [-2, 2]]),
    (("gradient-rotated", "delta"), "filter_gradient", [[2, 0], [-2, 2]]),
    ("gradient-transposed", "filter_gradient", [[2, 0], [-2, 2]]),
    ("gradient-full", "filter_gradient", [[0, 0, 0, 0], [0, 2, -2, 0], [0, 0, 2, 0], [0, 0, -2, 2]]),
    (("gradient-full", "same"), "filter_gradient", [[2, -2, 0], [0, 2, 0], [0, -2, 2]]),
    ("gradient-same-everywhere", "filter_gradient", [[2, 2], [2, 2]]),
    (("gradient-same-everywhere", "error-mean"), "filter_gradient", [[0.75, 0.75], [0.75, 0.75]]),
    ("gradient-averaged", "filter_gradient", [[0.5, -0.5], [0, 0.5]]),
    ("gradient-from-error", "filter_gradient", [[1, -2], [1, 2]]),
    ("gradient-from-output", "filter_gradient", [[6]]),
    ("gradient-from-filter", "filter_gradient", [[2]]),
    ("gradient-one-position", "filter_gradient", [[2, -2], [0, 2]]),
    (("gradient-one-position", "last"), "filter_gradient", [[0, 0], [0, 0]]),
    ("input-gradient-unrotated", "input_gradient", [[2, 2, 0], [-2, 2, 0], [0, 0, 0]]),
    ("input-gradient-valid", "input_gradient", [[2]]),
    ("input-gradient-new-filter", "input_gradient", [[0, 0, 0], [2, 0, 0], [0, 0, 0]]),
    ("input-gradient-from-error", "input_gradient", [[2, -1, -1], [2, 3, 1], [0, 0, 0]]),
    ("ascent", "new_filter", [[2, -2], [1, 2]]),
    ("rate-forgotten", "new_filter", [[-1, 1], [1, -1]]),
    ("rate-twice", "new_filter", [[0.5, -0.5], [1, 0.5]]),
    ("rate-divides", "new_filter", [[-3, 3], [1, -3]]),
    ("gradient-replaces", "new_filter", [[-1, 1], [0, -1]]),
]


@pytest.mark.parametrize(("mistake", "name", "expected"), BY_PENCIL, ids=str)
def test_mistakes_by_pencil(mistake: Any, name: str, expected: Any) -> None:
    assert calculate(QUESTION, [mistake])[name] == expected


LINE = {"input": [[1, 2, 3, 4, 5, 6]], "filter": [[1, 2]], "bias": 1, "activation": "linear", "learning_rate": 0.5}
"""At the stride 2 z is 6 12 18 and g, for δ 1 −1 2, is 8 10: below by pencil, with more geometry."""

MORE_BY_PENCIL: list[tuple[Any, dict[str, Any], str, Any]] = [
    ("bias-forgotten", {}, "pre_activation", [[5, 11, 17]]),
    ("bias-repeated", {}, "pre_activation", [[7, 13, 19]]),
    ("stride-ignored", {}, "pre_activation", [[6, 9, 12, 15, 18]]),
    ("dilation-ignored", {"stride": 1, "dilation": 2}, "pre_activation", [[6, 9, 12, 15, 18]]),
    (("padding-wrong", "full"), {}, "pre_activation", [[3, 9, 15, 7]]),
    ("gradient-stride-ignored", {}, "filter_gradient", [[5, 7]]),
    (("gradient-stride-ignored", "valid"), {}, "filter_gradient", [[5, 7, 9, 11]]),
    ("bias-gradient-mean", {"output_gradient": [[1, -1, 3]]}, "bias_gradient", 1),
    ("bias-gradient-forgotten", {}, "new_bias", 1),
    ("remainder-lost", {"input": [[1, 2, 3, 4, 5, 6, 7]]}, "input_gradient", [[1, 2, -1, -2, 2, 4]]),
    ("decay-forgotten", {"optimizer": {"sgd": {"weight_decay": 2}}}, "new_filter", [[-3, -3]]),
    ("momentum-stale", {"optimizer": {"sgd": {"momentum": 0.5}}}, "new_filter", [[1, 2]]),
]


@pytest.mark.parametrize(("mistake", "keys", "name", "expected"), MORE_BY_PENCIL, ids=str)
def test_more_mistakes_by_pencil(mistake: Any, keys: dict[str, Any], name: str, expected: Any) -> None:
    document = LINE | {"stride": 2, "output_gradient": [[1, -1, 2]]} | keys
    if "dilation" in keys:
        document["output_gradient"] = [[1, 1, 1, 1]]
    assert calculate(document, [mistake])[name] == expected


CHANNELS = {"input": [[[1, 2]], [[3, 4]]], "filter": [[[1]], [[10]]], "activation": "linear"}


@pytest.mark.parametrize(("reading", "expected"), [("apart", [[[1, 2]], [[30, 40]]]), ("first", [[1, 2]])])
def test_channels_that_are_not_summed(reading: str, expected: Any) -> None:
    assert calculate(CHANNELS, [("channels-not-summed", reading)])["pre_activation"] == expected


ADAM = {
    "input": [[1, 1]],
    "filter": [[0]],
    "output_gradient": [[2, 1]],
    "activation": "linear",
    "learning_rate": 1,
    "stop": {"iterations": 2},
    "optimizer": {"adam": {"betas": [0.5, 0.75], "eps": 1}},
}
"""g is 3 in both iterations: m is 1.5 and 2.25, v is 2.25 and 3.9375; corrected 3 and 9."""


@pytest.mark.parametrize(
    ("mistake", "iteration", "expected"),
    [
        ((), 1, -3 / 4),
        (("adam-bias-correction",), 1, -1.5 / 2.5),
        (("adam-epsilon",), 1, -3 / 10**0.5),
        (("adam-power",), 2, -4.5 / (15.75**0.5 + 1)),
        (("gradient-accumulated",), 2, -((0.5 * 1.5 + 3) / 0.75) / (((0.75 * 2.25 + 9) / 0.4375) ** 0.5 + 1)),
    ],
)
def test_mistakes_in_adam(mistake: tuple[str, ...], iteration: int, expected: float) -> None:
    assert calculate(ADAM, mistake, iteration)["filter_update"] == [[pytest.approx(expected, rel=1e-12)]]


FIRST_SEEN: dict[str, set[str]] = {
    "error": {"activated_target", "error", "output_gradient"},
    "output_gradient": {"loss", "output_gradient"},
    "delta": {"activation_slope", "delta"},
    "filter_gradient": {"filter_gradient"},
    "new_bias": {"bias_gradient"},
    "new_filter": {"filter_momentum", "filter_square_average", "filter_update", "new_filter"},
}
"""Where a mistake may be seen first; elsewhere in its own place."""


@pytest.mark.parametrize("id_", READINGS)
def test_a_mistake_changes_what_it_should_and_nothing_before(id_: str) -> None:
    random = np.random.default_rng(len(id_))
    seen = set()
    for _ in range(6):
        attempt = planted(random, (id_,), 4)
        right = calculate(attempt.problem, (), attempt.iteration, attempt.signs)
        wrong = calculate(attempt.problem, attempt.readings, attempt.iteration, attempt.signs)
        changed = [name for name in NAMES if name in right and (name not in wrong or right[name] != wrong[name])]
        assert changed[0] in FIRST_SEEN.get(PLACE[id_], {PLACE[id_]}), attempt
        assert any(right[name] != wrong.get(name) for name in attempt.decimals if name in changed)
        assert is_reproduced(attempt, [id_])
        seen.add(attempt.readings[0][1])
    assert seen <= set(READINGS[id_])


def test_conventions_flip_and_the_right_update_adds() -> None:
    for document, iteration in problems(60, seed=2):
        plain = calculate(document, (), iteration)
        for sign, first in (("error-sign", "error"), ("gradient-sign", "filter_gradient")):
            if first not in plain:
                continue
            flipped = calculate(document, (), iteration, {sign})
            for name in ("error", "output_gradient", "delta", "filter_gradient", "bias_gradient", "input_gradient"):
                downstream = NAMES.index(name) >= NAMES.index(first)
                flips = downstream and not (sign == "gradient-sign" and name == "input_gradient")
                if name in plain:
                    np.testing.assert_array_equal(flipped[name], np.multiply(plain[name], -1 if flips else 1))
            for name in ("loss", "new_filter", "new_bias"):
                assert flipped.get(name) == plain.get(name)


def test_functions_of_the_error_take_it_in_the_learners_own_sign() -> None:
    document = QUESTION | {"target": [[4, -1], [0, 1]]}
    assert calculate(document, ["activation-for-slope"])["delta"] == [[0, 1], [0, 0]]
    assert calculate(document, ["activation-for-slope"], 1, {"error-sign"})["delta"] == [[1, 0], [0, 0]]
