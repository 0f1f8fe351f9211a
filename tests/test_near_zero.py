"""A z within rounding of 0: found where it is, not elsewhere, and decided by fractions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn_problems import INTEGERS, problems
from hypothesis import given
from profiles import examples

import convstep
from convstep.near_zero import NearZero, Watch, decided, note

TENTHS: dict[str, Any] = {
    "input": [[0.1, 0.2, 0.3], [1, 1, 1]],
    "filter": [[1, 1, -1]],
    "target": [[1], [0]],
    "learning_rate": 0.5,
    "stop": {"iterations": 1},
}


def found(keys: dict[str, Any], **changes: Any) -> list[NearZero]:
    problem = convstep.load(keys, changes)
    watch = Watch(problem)
    for step in convstep.descend(problem):
        watch.look(step)
    return watch.found


def test_what_is_0_on_paper_is_found_and_decided():
    (here,) = found(TENTHS)
    assert here == NearZero(1, (0, 0), 2.0**-54, 1.0)
    pair = decided(convstep.load(TENTHS, {"exact": True}), [here])
    assert pair == (here, NearZero(1, (0, 0), 0, 0))
    assert note(*pair) == (
        "In iteration 1 pre_activation[0,0] is 5.55112e-17, within rounding of 0; the slope taken is 1. "
        "In fractions (--exact) it is exactly 0, and the slope 0."
    )
    assert note(here, None) == (
        "In iteration 1 pre_activation[0,0] is 5.55112e-17, within rounding of 0; the slope taken is 1."
    )


def test_what_is_not_0_on_paper_is_decided_too():
    (here,) = found(TENTHS, bias="1/100000000000000000")
    _, exact = decided(convstep.load(TENTHS, {"bias": "1/100000000000000000", "exact": True}), [here])
    assert (exact.z.numerator, exact.z.denominator, exact.slope) == (1, 10**17, 1)
    assert note(here, exact).endswith("In fractions (--exact) it is 1e-17, and the slope 1.")


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "linear"},
        {"activation": "tanh"},
        {"input": [[1, 2, 3], [1, 1, 1]]},  # exactly 0
        {"bias": 1e-12},
        {"input": [[1e-17, 2e-17, 2e-17], [1, 1, 1]]},  # small, but made of numbers as small
    ],
)
def test_nothing_is_said_where_nothing_may_flip(changes):
    assert found(TENTHS, **changes) == []


@examples(40)
@given(problems(INTEGERS))
def test_whole_numbers_are_never_near(problem):
    watch = Watch(problem)
    watch.look(next(convstep.descend(problem)))
    assert watch.found == []


def test_every_z_within_the_textbooks_bound_is_found():
    random = np.random.default_rng(0)
    for _ in range(200):
        x = random.normal(size=3)
        w = np.append(random.normal(size=2), 0.0)
        w[2] = -(x[0] * w[0] + x[1] * w[1]) / x[2]
        keys = {"input": [x.tolist()], "filter": [w.tolist()], "bias": 0.0}
        z = next(convstep.descend(convstep.load(keys))).pre_activation.item()
        assert bool(found(keys)) == (z != 0)


def test_a_flip_is_told_before_a_number_that_decides_the_same():
    same, flips = NearZero(1, (1, 0), 1.0, 1.0), NearZero(1, (0, 0), 2.0**-54, 1.0)
    problem = convstep.load(TENTHS, {"exact": True, "stop.iterations": 2})
    assert decided(problem, [same])[1].slope == 1
    assert decided(problem, [flips, same])[0] == flips
    exact = list(convstep.descend(problem))[1].activation_slope[1, 0]
    later = NearZero(2, (1, 0), 1e-17, float(1 - exact))
    assert decided(problem, [same, later])[0] == later
    assert decided(problem, []) is None


def test_a_run_that_would_take_long_in_fractions_is_not_made():
    (here,) = found(TENTHS)
    late = here._replace(iteration=10**9)
    assert decided(convstep.load(TENTHS, {"exact": True}), [late]) is None
