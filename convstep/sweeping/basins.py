"""What many runs come to: how many end in each way, and how many different filters they reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.trace import Outcome

STATUSES = ("converged", "stopped", "oscillating", "stationary", "dead", "diverged")
"""The statuses, the best first."""
RESTING = ("converged", "stationary")
"""The statuses in which a filter has been reached."""
ALIKE = 1e-3
"""Filters whose numbers differ by less than this share of the largest number of all count as the same."""


class Share(NamedTuple):
    """The runs that ended in one way.

    Attributes:
        status: The way.
        runs: How many.
        iterations: The fewest and the most.
        losses: The lowest and the highest that are numbers; ``None`` if there are none.
    """

    status: str
    runs: int
    iterations: tuple[int, int]
    losses: tuple[float, float] | None


class Reached(NamedTuple):
    """A filter that runs have come to rest at.

    Attributes:
        outcome: One of these runs.
        runs: How many they are.
    """

    outcome: Outcome
    runs: int


def share_of(outcomes: Sequence[Outcome]) -> Share:
    """Sums up runs that ended in the same way."""
    iterations = [outcome.iterations for outcome in outcomes]
    losses = [each.loss for each in outcomes if each.loss is not None and np.isfinite(each.loss)]
    ends = (min(losses), max(losses)) if losses else None
    return Share(outcomes[0].status, len(outcomes), (min(iterations), max(iterations)), ends)


def shares(outcomes: Iterable[Outcome]) -> list[Share]:
    """The ways in which runs ended, the best status first."""
    by_status: dict[str, list[Outcome]] = {status: [] for status in STATUSES}
    for outcome in outcomes:
        by_status[outcome.status].append(outcome)
    return [share_of(each) for each in by_status.values() if each]


def dead_at_once(outcomes: Iterable[Outcome]) -> int:
    """How many runs were dead from the start: no error ever reached their filter."""
    return sum(1 for outcome in outcomes if outcome.status == "dead" and outcome.iterations == 1)


def quickest(outcomes: Sequence[Outcome | None]) -> int | None:
    """Which run converged in the fewest iterations; ``None`` if none did."""
    converged = [n for n, outcome in enumerate(outcomes) if outcome is not None and outcome.status == "converged"]
    return min(converged, key=lambda n: outcomes[n].iterations, default=None)  # type: ignore[union-attr]


def reached(outcomes: Iterable[Outcome]) -> list[Reached]:
    """The different filters (and biases) that runs came to rest at, the most frequent first."""
    resting = [outcome for outcome in outcomes if outcome.status in RESTING]
    if not resting:
        return []
    found: dict[int, int] = {}
    for leader in _leaders(np.stack([_parameters(outcome) for outcome in resting])):
        found[leader] = found.get(leader, 0) + 1
    most_first = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Reached(resting[leader], count) for leader, count in most_first]


def _parameters(outcome: Outcome) -> Array:
    bias = np.zeros(0) if outcome.bias is None else outcome.bias.reshape(-1)
    return np.concatenate([outcome.filter.reshape(-1), bias])


def _leaders(points: Array) -> list[int]:
    """For each point the first one that is near it and near to no earlier one."""
    near = ALIKE * float(np.abs(points).max(initial=0.0))
    # Points that are near have projections that are near: only those have to be compared.
    shadows = points @ np.cos(np.arange(points.shape[1]))
    order = np.argsort(shadows, kind="stable")
    ordered = shadows[order]
    leaders = np.full(len(points), -1)
    for point in range(len(points)):
        if leaders[point] < 0:
            reach = points.shape[1] * near
            ends = np.searchsorted(ordered, [shadows[point] - reach, shadows[point] + reach], side="left")
            candidates = order[ends[0] : max(ends[1], ends[0] + 1)]
            candidates = candidates[leaders[candidates] < 0]
            leaders[candidates[np.abs(points[candidates] - points[point]).max(axis=1) <= near]] = point
            leaders[point] = point
    return [int(leader) for leader in leaders]
