"""The layer as one matrix, while it is small: z = X·w for all outputs and all parameters at once."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array
from convstep.correlation import pad
from convstep.losses import make_loss
from convstep.problem.model import Problem

MOST_NUMBERS = 250_000
"""How many numbers X may have."""
MOST_PARAMETERS = 500
"""How many columns: some answers need a square that large."""


def is_small(problem: Problem) -> bool:
    """Whether X can be written out."""
    g = problem.geometry
    parameters = g.filters * (g.taps + (problem.bias is not None))
    return parameters <= MOST_PARAMETERS and g.positions * g.filters * parameters <= MOST_NUMBERS


def window_matrix(problem: Problem) -> Array:
    """X, outputs×parameters: row [n,f,i,j] holds the window that output looks at, in the filter's own places.

    The parameters are the filters' numbers, then the biases; the outputs in the order of the output array.
    """
    g = problem.geometry
    padded = pad(problem.input.reshape(g.input_shape), g)
    rotated = problem.operation == "convolution"
    filters = np.zeros((g.batch, g.filters, *g.output, g.filters, g.group_channels, *g.kernel))
    for p, q in np.ndindex(*g.kernel):
        place = (g.kernel[0] - 1 - p, g.kernel[1] - 1 - q) if rotated else (p, q)
        met = padded[(..., *g.slices(p, q))]
        for f in range(g.filters):
            first = f // g.group_filters * g.group_channels
            channels = met[:, first : first + g.group_channels]
            filters[:, f, :, :, f, :, place[0], place[1]] = channels.transpose(0, 2, 3, 1)
    rows = filters.reshape(g.positions * g.filters, -1)
    if problem.bias is None:
        return rows
    of = np.broadcast_to(np.arange(g.filters)[None, :, None, None], g.output_shape).reshape(-1)
    return np.concatenate([rows, np.eye(g.filters)[of]], axis=1)


def weights_of(problem: Problem, filters: Array, bias: Array | None) -> Array:
    """Filter and bias as one vector, as X takes it."""
    return np.concatenate([filters.reshape(-1), *([] if bias is None else [np.asarray(bias).reshape(-1)])])


def curvature_scale(problem: Problem) -> float | None:
    """c, the second derivative of the loss in one error; ``None`` for a loss that is no sum of squares nearby."""
    loss = make_loss(problem.loss)
    if problem.target is None or loss.largest_curvature is None:
        return None
    return loss.largest_curvature / (problem.target.size if loss.is_mean else 1)


def decay_of(problem: Problem) -> float:
    """The weight_decay, 0 where there is none."""
    return float(problem.optimizer.parameters.get("weight_decay", 0.0))  # type: ignore[arg-type]


def is_plain(problem: Problem) -> bool:
    """Whether each update is the gradient times the rate: sgd without momentum."""
    return problem.optimizer.name == "sgd" and not problem.optimizer.parameters.get("momentum", 0.0)


def eigenvalues(problem: Problem, matrix: Array, slopes: Array) -> Array:
    """The curvature's eigenvalues where each output passes its error back with this slope, largest first.

    They are those of Σ c·s²·x̃x̃ᵀ, plus weight_decay; as many as there are parameters.
    """
    sizes = np.zeros(matrix.shape[1])
    found = np.linalg.svd(matrix * slopes.reshape(-1, 1), compute_uv=False)
    sizes[: len(found)] = found
    return np.asarray((curvature_scale(problem) or 0.0) * sizes**2 + decay_of(problem))


def curved_eigenvalues(problem: Problem, matrix: Array, bends: Array) -> Array:
    """The same where each output bends the loss by that much, Σ bend·x̃x̃ᵀ; a bend may be below 0, and so may these."""
    found = np.linalg.eigvalsh(matrix.T @ (bends[:, None] * matrix))
    return np.asarray(found[::-1] + decay_of(problem))
