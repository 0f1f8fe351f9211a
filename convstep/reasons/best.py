"""How small the loss can become: a proven lower bound, and the best parameters that were found.

For a linear layer and squares both are the least-squares solution; for ReLU and squares see `relu`. Else the bound is
what the activation's range costs, and what outputs cost that see only zeros.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array
from convstep.losses import make_loss
from convstep.problem.model import Problem
from convstep.reach import Reach
from convstep.reasons.relu import search
from convstep.reasons.vectors import least_squares
from convstep.reasons.windows import weights_of, window_matrix

ROUNDING, ROUNDING_ABSOLUTE = 1e-18, 1e-14
"""Up to this share of the loss at w = 0 a loss that was found is a rounding error, and stands for 0: one made of the
squares of small errors, and one made of these errors themselves.
"""


class Best(NamedTuple):
    """How small the loss can become.

    Attributes:
        bound: No parameters have a smaller loss.
        from_range: The part of the bound that targets out of the activation's reach cost.
        from_zeros: The part that outputs cost besides whose windows hold only zeros: no filter changes them.
        found: The smallest loss that was found.
        weights: Where it was found.
        noise: A loss up to this is a rounding error.
    """

    bound: float
    from_range: float
    from_zeros: float
    found: float
    weights: Array
    noise: float

    @property
    def meets(self) -> bool:
        """Whether bound and best agree: then it is the smallest possible."""
        return self.found - self.bound <= 1e-9 * self.found + self.noise

    @property
    def from_conflict(self) -> float:
        """What is left of the bound: outputs share weights, and no filter suits all of them."""
        rest = self.bound - self.from_range - self.from_zeros
        return rest if rest > 1e-9 * self.bound + self.noise else 0.0


def compared_target(problem: Problem) -> Array:
    """What the output is compared with, flat."""
    assert problem.target is not None
    target = problem.target.reshape(-1)
    return _activated(problem, target) if problem.target_through_activation else target


def _activated(problem: Problem, z: Array) -> Array:
    output = np.empty_like(z)
    with np.errstate(all="ignore"):
        make_activation(problem.activation, problem.slope_at_zero).value(z, output)
    return output


def loss_at(problem: Problem, matrix: Array, weights: Array) -> float:
    """The loss of these parameters."""
    with np.errstate(all="ignore"):
        return _loss_of(problem, _activated(problem, matrix @ weights) - compared_target(problem))


def _loss_of(problem: Problem, errors: Array) -> float:
    return float(make_loss(problem.loss).values(errors[None])[0])


def best_loss(problem: Problem, reached: Array) -> Best:
    """The bound and the best, for a problem whose X is small.

    Args:
        problem: With a target.
        reached: The parameters that the run ended with: the best is at least as good.
    """
    matrix = window_matrix(problem)
    squares = problem.loss.name in ("half_squared_error", "squared_error", "mean_squared_error")
    range_cost, zeros_cost = cost_of_range(problem), _cost_of_zeros(problem)
    start = weights_of(problem, problem.filter, problem.bias)
    candidates, bound = [reached, start, np.zeros_like(start)], range_cost + zeros_cost
    if squares and problem.activation.name == "linear":
        candidates.append(least_squares(matrix, compared_target(problem)))
        bound = max(bound, loss_at(problem, matrix, candidates[-1]))
    elif problem.activation.name == "relu":
        least, more = _relu(problem, matrix, reached)
        bound = max(bound, least) if squares else bound
        candidates += more
    else:
        candidates += _inverted(problem, matrix)
    losses = [loss_at(problem, matrix, each) for each in candidates]
    first = int(np.nanargmin(losses))
    # A residual of rounding errors proves nothing.
    share = ROUNDING_ABSOLUTE if problem.loss.name == "mean_absolute_error" else ROUNDING
    noise = share * loss_at(problem, matrix, np.zeros(matrix.shape[1]))
    bound = 0.0 if bound <= noise else min(bound, losses[first])
    return Best(bound, min(range_cost, bound), zeros_cost, losses[first], candidates[first], noise)


def cost_of_range(problem: Problem) -> float:
    """What the targets cost that the activation cannot come near."""
    return _loss_of(problem, Reach(problem).nearest.reshape(-1) - compared_target(problem))


def _cost_of_zeros(problem: Problem) -> float:
    """What outputs cost besides that see only zeros."""
    reach = Reach(problem)
    nearest = np.where(reach.sees_only_zeros, reach.at_zero, reach.nearest).reshape(-1)
    return max(0.0, _loss_of(problem, nearest - compared_target(problem)) - cost_of_range(problem))


def _inverted(problem: Problem, matrix: Array) -> list[Array]:
    """For an activation that can be undone: the parameters whose z come nearest to what the target asks for."""
    activation = make_activation(problem.activation, problem.slope_at_zero)
    wanted = activation.inverse(compared_target(problem))
    if wanted is None or not np.isfinite(wanted).all():
        return []
    return [least_squares(matrix, wanted)]


def _relu(problem: Problem, matrix: Array, reached: Array) -> tuple[float, list[Array]]:
    """The bound, and the parameters that could be the best."""
    target = compared_target(problem)
    scale = _loss_of(problem, np.ones(1))  # what an error of 1 costs in a sum …
    scale = scale / (target.size if make_loss(problem.loss).is_mean else 1)  # … or a mean
    start = weights_of(problem, problem.filter, problem.bias)
    found = search(matrix, target, [reached, start])
    return scale * found.bound, found.candidates
