"""States that come back, counted run by run: found in the same row as by the rule for one run, with the same period."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.stopping import Cycles
from convstep.sweeping.cycles import CycleCounts

Found = list[tuple[int, int] | None]


def alone(states: np.ndarray) -> Found:
    """The first row and the period for each run, by the rule for one run; states are rows×runs×numbers."""
    found: Found = []
    for run in range(states.shape[1]):
        answer = Cycles(states[0, run]).find(states[1:, run])
        found.append(None if answer is None else (answer[0] + 1, answer[1]))
    return found


def together(states: np.ndarray) -> Found:
    """The same by counting all runs at once."""
    counts, found = CycleCounts(states[0]), [None] * states.shape[1]
    for row in range(1, len(states)):
        for run, period in enumerate(counts.find(states[row])):
            if period and found[run] is None:
                found[run] = (row, int(period))
    return found


def cycle(period: int, lead: int, rows: int, size: int = 3, seed: int = 0) -> np.ndarray:
    """Rows of one run: some that never come back, then a cycle."""
    random = np.random.default_rng(seed)
    turn = random.normal(size=(period, size))
    return np.concatenate([random.normal(size=(lead, size)), np.tile(turn, (rows // period + 1, 1))])[:rows]


@pytest.mark.parametrize("lead", [0, 1, 5, 100])
def test_every_period_is_found_where_the_rule_finds_it(lead: int) -> None:
    periods = [2, 3, 7, 30, 63, 64, 65]
    states = np.stack([cycle(period, lead, 400) for period in periods], axis=1)
    found = together(states)
    assert found == alone(states)
    assert found == [*((lead + 3 * period - 1, period) for period in periods[:-1]), None]


@examples(60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([0.0, 1e-13, 3e-13, 1e-12, 3e-12, 1e-11]))
def test_noise_about_as_large_as_the_tolerance(seed: int, size: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    periods = random.integers(1, 12, 5)
    states = np.stack([cycle(period, int(period), 90, size, seed) for period in periods], axis=1)
    states = states + noise * random.normal(size=states.shape)
    assert together(states) == alone(states)


def test_standing_still_is_no_cycle() -> None:
    states = np.ones((50, 3, 2))
    states[:, 1] *= 1 + 1e-13 * (np.arange(50)[:, None] % 2)
    states[:, 2] *= 1 + 1e-11 * (np.arange(50)[:, None] % 2)
    assert together(states) == alone(states) == [None, None, (5, 2)]


def test_an_interrupted_cycle_begins_anew() -> None:
    states = np.tile([[0.0], [1.0]], (20, 1))[:, None]
    states[4] = 7.0
    assert together(states) == alone(states) == [(10, 2)]


def test_numbers_that_are_none_are_no_cycle() -> None:
    states = np.tile([[[np.nan, 1.0], [np.inf, 1.0]], [[1.0, 2.0], [-np.inf, 1.0]]], (20, 1, 1))
    assert together(states) == alone(states) == [None, None]


def test_runs_that_are_left_out_do_not_disturb_the_others() -> None:
    states = np.stack([cycle(period, 3, 120) for period in (2, 5, 9)], axis=1)
    counts, found = CycleCounts(states[0]), {}
    for row in range(1, 12):
        counts.find(states[row])
    counts.keep(np.array([0, 2]))
    for row in range(12, 120):
        for run, period in zip((0, 2), counts.find(states[row, [0, 2]]), strict=True):
            if period:
                found.setdefault(run, (row, int(period)))
    assert found[2] == alone(states)[2]
