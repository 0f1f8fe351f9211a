"""What many runs come to: shares that add up, filters told apart by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from program import SAMPLES

from convstep.sweeping.basins import ALIKE, dead_at_once, quickest, reached, shares
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import sweep
from convstep.trace import Outcome


def ended(*filter_: float, status: str = "converged", iterations: int = 5, **others: Any) -> Outcome:
    return Outcome(status, iterations, others.get("loss", 0.0), np.array([filter_]), others.get("bias"))


def test_shares_are_in_order_and_add_up() -> None:
    runs = [
        ended(1.0, status="dead", iterations=1, loss=2.0),
        ended(1.0, iterations=9),
        ended(2.0, status="dead", iterations=7, loss=1.0),
        ended(3.0, status="diverged", loss=float("nan")),
    ]
    found = shares(runs)
    assert [(each.status, each.runs, each.iterations, each.losses) for each in found] == [
        ("converged", 1, (9, 9), (0.0, 0.0)),
        ("dead", 2, (1, 7), (1.0, 2.0)),
        ("diverged", 1, (5, 5), None),
    ]
    assert dead_at_once(runs) == 1


def test_the_quickest_is_the_one_that_converges_first() -> None:
    runs = [ended(1.0, status="dead", iterations=1), ended(1.0, iterations=9), None, ended(1.0, iterations=4)]
    assert quickest(runs) == 3
    assert quickest(runs[:1]) is None


def test_filters_that_are_alike_count_as_one() -> None:
    near = 0.9 * ALIKE * 2
    runs = [ended(1.0, 2.0), ended(1.0 + near, 2.0 - near), ended(2.0, 1.0), ended(1.0, 2.0 - near), ended(-1.0, 2.0)]
    found = reached([*runs, ended(1.0, 2.0, status="dead"), ended(-1.0, 2.0, status="stationary")])
    assert [(each.outcome.filter.tolist(), each.runs) for each in found] == [
        ([[1.0, 2.0]], 3),
        ([[-1.0, 2.0]], 2),
        ([[2.0, 1.0]], 1),
    ]


def test_the_same_filter_with_another_bias_is_another() -> None:
    runs = [ended(1.0, bias=np.array(0.0)), ended(1.0, bias=np.array(0.5)), ended(1.0, bias=np.array(0.0))]
    assert [each.runs for each in reached(runs)] == [2, 1]


@pytest.mark.parametrize("count", [1, 2, 300])
def test_every_run_at_rest_is_counted_once(count: int) -> None:
    random = np.random.default_rng(count)
    runs = [ended(*random.integers(-2, 3, 3).astype(float)) for _ in range(count)]
    found = reached(runs)
    assert sum(each.runs for each in found) == count
    assert len(found) == len({tuple(each.filter[0]) for each in runs})
    assert [each.runs for each in found] == sorted((each.runs for each in found), reverse=True)


def test_nothing_has_come_to_rest() -> None:
    assert reached([ended(1.0, status="dead"), ended(1.0, status="diverged")]) == []


def test_a_linear_layer_has_one_basin() -> None:
    runs = sweep(SAMPLES / "linear.yaml", starts=Starts(200, seed=1), overrides=["stop.iterations=20000"])
    outcomes = [run.outcome for run in runs]
    assert {outcome.status for outcome in outcomes} <= {"converged", "stationary"}
    assert [each.runs for each in reached(outcomes)] == [200]
