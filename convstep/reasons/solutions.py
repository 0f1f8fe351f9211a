"""Which parameters solve the problem: one, many, or none, and where the run's own stand among them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, Mask
from convstep.problem.model import Problem
from convstep.reasons.best import compared_target, loss_at
from convstep.reasons.vectors import downhill, null_space
from convstep.reasons.windows import weights_of, window_matrix
from convstep.trace import Outcome

EDGE = 1e-5
"""How near 0, in units of the largest target, z is at the edge of what an output with the target 0 may be."""
SAME = 1e-4
"""Up to which share of its largest number two filters are the same."""
LARGEST_WHOLE = 10_000
"""Up to which size whole numbers are kept as such in a direction."""


class Solutions(NamedTuple):
    """The solutions around the one reached.

    Attributes:
        dimension: Along how many independent directions the parameters can change while they still solve the problem.
        directions: A basis of them, a row each, as long as the parameters.
        free_outputs: How many outputs only need z ≤ 0.
        at_the_edge: How many of those stand at z = 0, so that they can only go down.
        everywhere: Whether this holds for all solutions, not only for those nearby.
    """

    dimension: int
    directions: Array
    free_outputs: int
    at_the_edge: int
    everywhere: bool


def is_flat_below(problem: Problem) -> bool:
    """Whether the output is 0 for all z ≤ 0, as ReLU's."""
    slope = {"relu": 0.0, "leaky_relu": problem.activation.parameters.get("slope"),
             "elu": problem.activation.parameters.get("alpha")}.get(problem.activation.name)  # fmt: skip
    return slope == 0.0


def solutions(problem: Problem, outcome: Outcome) -> Solutions:
    """The solutions around the parameters that a converged run reached, for a problem whose X is small.

    An output with a positive target needs one z. Under ReLU an output with the target 0 only needs z ≤ 0: it leaves
    the directions as they are, unless it stands at z = 0 and can never go down, because others would rise.
    """
    matrix, target = window_matrix(problem), compared_target(problem)
    flat = is_flat_below(problem)
    free = target <= 0 if flat else np.zeros(len(target), dtype=bool)
    z = matrix @ weights_of(problem, outcome.filter, outcome.bias)
    edge = free & (z > -EDGE * max(1e-300, float(np.abs(target).max(initial=0.0)) or 1.0))
    fixed = ~free | _stuck(matrix, ~free, edge)
    directions = _directions(matrix[fixed])
    activation = make_activation(problem.activation, problem.slope_at_zero)
    everywhere = flat or activation.inverse(np.zeros(1)) is not None
    return Solutions(len(directions), directions, int((~fixed).sum()), int((edge & ~fixed).sum()), everywhere)


def _stuck(matrix: Array, fixed: Mask, edge: Mask) -> Mask:
    """Which outputs at the edge can never go down while the fixed ones stay and no other one at the edge rises."""
    stuck = np.zeros(len(matrix), dtype=bool)
    along = null_space(matrix[fixed]) if fixed.any() else np.eye(matrix.shape[1])
    rows = matrix[edge] @ along
    open_ones = np.zeros(len(rows), dtype=bool)
    for n in range(len(rows)):
        if not open_ones[n] and (way := downhill(rows, rows[n])) is not None:
            open_ones |= rows @ way < -1e-9 * max(1.0, float(np.abs(rows[n] @ way)))
            open_ones[n] = True
    stuck[np.flatnonzero(edge)[~open_ones]] = True
    return stuck


def _directions(rows: Array) -> Array:
    """A basis of the null space, a row each: in small whole numbers where the rows hold some."""
    basis = null_space(rows).T if len(rows) else np.eye(rows.shape[1])
    if not len(basis) or np.abs(rows).max(initial=0.0) > LARGEST_WHOLE or (rows != np.round(rows)).any():
        return basis
    whole = _whole_directions(np.unique(rows, axis=0))
    return basis if whole is None or len(whole) != len(basis) else whole


def _whole_directions(rows: Array) -> Array | None:
    """The basis by elimination in fractions, each direction scaled to whole numbers without a common factor.

    Returns:
        ``None`` where the numbers grow too large to be of use.
    """
    count = rows.shape[1]
    table: dict[int, list[Fraction]] = {}  # by the column in which a row is 1 and all others are 0
    for row in rows.astype(int).tolist():
        rest = [Fraction(value) for value in row]
        for column, own in table.items():
            rest = _less(rest, rest[column], own)
        pivot = next((column for column in range(count) if rest[column]), None)
        if pivot is None:
            continue
        own = [value / rest[pivot] for value in rest]
        if max(value.denominator for value in own) > LARGEST_WHOLE:
            return None
        table = {column: _less(other, other[pivot], own) for column, other in table.items()} | {pivot: own}
    free = [column for column in range(count) if column not in table]
    found = np.array([_direction(table, column, count) for column in free], dtype=float).reshape(-1, count)
    return found if np.abs(found).max(initial=0.0) <= LARGEST_WHOLE else None


def _less(row: list[Fraction], share: Fraction, own: list[Fraction]) -> list[Fraction]:
    """The row less a share of another."""
    return [value - share * other for value, other in zip(row, own, strict=True)] if share else row


def _direction(table: dict[int, list[Fraction]], free: int, count: int) -> list[float]:
    direction = [Fraction(0)] * count
    direction[free] = Fraction(1)
    for pivot, row in table.items():
        direction[pivot] = -row[free]
    scale = math.lcm(*(value.denominator for value in direction))
    return [float(value * scale) for value in direction]


def judge_expected(problem: Problem, outcome: Outcome) -> tuple[str, float]:
    """What the expected filter is: ``same``, ``another solution`` or ``not a solution``; and the loss there.

    A bias that is trained is taken as it was reached, or as it suits the expected filter, whichever is better.
    """
    expected = problem.expected_filter
    assert expected is not None
    matrix = window_matrix(problem)
    loss = min(loss_at(problem, matrix, weights_of(problem, expected, bias)) for bias in _biases(problem, outcome))
    size = float(np.abs(expected).max()) or 1.0
    if np.abs(expected - outcome.filter).max() <= SAME * size:
        return "same", loss
    return ("another solution" if loss <= max(problem.stop.loss, 1e-12) else "not a solution"), loss


def _biases(problem: Problem, outcome: Outcome) -> list[Array | None]:
    """The bias reached, and the one that suits the expected filter if any does: one output can tell."""
    target = compared_target(problem)
    wanted = make_activation(problem.activation, problem.slope_at_zero).inverse(target)
    if is_flat_below(problem):
        wanted = target
    if problem.bias is None or wanted is None or problem.expected_filter is None:
        return [outcome.bias]
    count = problem.geometry.filters
    matrix = window_matrix(problem)
    missing = wanted - matrix @ weights_of(problem, problem.expected_filter, np.zeros(count))
    bias = np.zeros(count)
    for f in range(count):
        own = matrix[:, f - count] == 1
        known = own & (target > 0) if is_flat_below(problem) else own
        bias[f] = missing[known].mean() if known.any() else missing[own].min()
    return [outcome.bias, bias]
