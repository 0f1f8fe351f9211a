"""What can be said of a problem without running it: its curvature and the rates that are safe."""

from __future__ import annotations

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array
from convstep.correlation import make_correlation, pad
from convstep.errors import ProblemError
from convstep.losses import make_loss
from convstep.problem.model import Problem

DIRECT_WORK = 4e9
"""Up to how many products the matrix of all windows is written out; beyond, λ is found without it."""
LANCZOS_STEPS = 200
LANCZOS_TOLERANCE = 1e-13


def largest_curvature(problem: Problem) -> float | None:
    """λ, the largest eigenvalue of Σ c·s²·x̃x̃ᵀ over all windows x̃, a 1 for the bias included, plus weight_decay.

    s is the activation's largest absolute slope; c is 1 for ½Σe², 2 for Σe², 2/n and 1/n for the means. For a linear
    layer it is the largest curvature of the loss, and gradient descent is stable only below the rate 2/λ (see, for
    example, Y. Nesterov, Introductory Lectures on Convex Optimization, 2004, section 1.2.3).

    Returns:
        λ, or ``None`` for a loss without a curvature (mean_absolute_error) and without a target.
    """
    loss = make_loss(problem.loss)
    if loss.largest_curvature is None or problem.target is None:
        return None
    scale = loss.largest_curvature / (problem.target.size if loss.is_mean else 1)
    slope = make_activation(problem.activation, problem.slope_at_zero).largest_slope
    decay = float(problem.optimizer.parameters.get("weight_decay", 0.0))  # type: ignore[arg-type]
    return scale * slope * slope * _largest_eigenvalue(problem) + decay


def safe_rate(problem: Problem) -> float:
    """1/λ, what ``learning_rate: auto`` stands for; λ as in `largest_curvature`.

    Raises:
        ProblemError: Where 1/λ means nothing: without a target, for mean_absolute_error, for λ = 0, and for
            optimizers other than sgd without momentum.

    >>> import convstep
    >>> convstep.load({"input": [[3]], "filter": [[1]], "target": [[1]], "learning_rate": "auto"}).learning_rate
    0.1111111111111111
    """
    path = ("learning_rate",)
    if problem.target is None:
        raise ProblemError("auto needs a target; give the rate as a number", path)
    if problem.optimizer.name != "sgd" or problem.optimizer.parameters.get("momentum", 0.0):
        what = "sgd with momentum" if problem.optimizer.name == "sgd" else problem.optimizer.name
        raise ProblemError(f"auto is 1/λ for plain sgd and says nothing about {what}; give the rate as a number", path)
    curvature = largest_curvature(problem)
    if curvature is None:
        raise ProblemError(f"auto needs a loss with a curvature, and {problem.loss.name} has none; give a number", path)
    if not 0.0 < curvature < np.inf or not np.isfinite(1.0 / curvature):
        why = (
            "the input's squares overflow" if curvature > 1.0 else "the input is as good as 0 wherever a window reaches"
        )
        raise ProblemError(f"auto is 1/λ, and here λ is {curvature:g}: {why}; give the rate as a number", path)
    return 1.0 / curvature


def _largest_eigenvalue(problem: Problem) -> float:
    """The largest eigenvalue of Σ x̃x̃ᵀ over all windows of a group of channels; the largest of all groups."""
    geometry = problem.geometry
    if geometry.taps**2 * geometry.positions * geometry.groups <= DIRECT_WORK and geometry.taps <= 2048:
        with np.errstate(all="ignore"):
            return max(_eigenvalue_of(rows) for rows in _windows_by_group(problem))
    with np.errstate(all="ignore"):
        return _by_lanczos(problem)


def _windows_by_group(problem: Problem) -> list[Array]:
    """All windows of each group, taps (and a row of ones for a bias) × positions."""
    g = problem.geometry
    padded = pad(problem.input.reshape(g.input_shape), g).reshape(g.batch, g.groups, g.group_channels, *g.padded)
    taps = [
        padded[(slice(None), slice(None), c, *g.slices(p, q))] for c, p, q in np.ndindex(g.group_channels, *g.kernel)
    ]
    by_group = np.stack(taps).transpose(2, 0, 1, 3, 4).reshape(g.groups, g.taps, g.positions)
    ones = [np.ones((1, g.positions))] if problem.bias is not None else []
    return [np.concatenate([windows, *ones]) for windows in by_group]


def _eigenvalue_of(windows: Array) -> float:
    """The largest eigenvalue of windows·windowsᵀ, from the smaller of the two products."""
    square = windows @ windows.T if len(windows) <= windows.shape[1] else windows.T @ windows
    return float(np.linalg.eigvalsh(square)[-1]) if np.isfinite(square).all() else np.inf


class _Windows:
    """All windows as a matrix that is never written out: it is only multiplied, by a forward and a backward pass."""

    def __init__(self, problem: Problem) -> None:
        g = self.geometry = problem.geometry
        self.scheme = make_correlation(problem.input.reshape(g.input_shape), g)
        self.has_bias = problem.bias is not None
        self.size = g.filters * (g.taps + self.has_bias)
        self.w, self.gradient = np.empty((1, *g.filter_shape)), np.empty((1, *g.filter_shape))
        self.z = np.empty((1, *g.output_shape))

    def squared(self, vector: Array) -> Array:
        """Σ x̃x̃ᵀ·vector; the vector holds all filters' numbers, then the biases."""
        taps = self.w.size
        self.w.reshape(-1)[:] = vector[:taps]
        self.scheme.correlate(self.scheme.filter_views(self.w)[0], self.scheme.output_views(self.z)[0])
        self.z += vector[taps:, None, None] if self.has_bias else 0.0
        delta, gradient = self.scheme.delta_views(self.z)[0], self.scheme.gradient_views(self.gradient)[0]
        self.scheme.filter_gradient(delta, gradient)
        of_bias = [self.z.sum(axis=(0, 1, 3, 4))] if self.has_bias else []
        return np.concatenate([self.gradient.reshape(-1), *of_bias])


def _by_lanczos(problem: Problem) -> float:
    """The same without writing the windows out, by the method of Lanczos (Golub, Van Loan, Matrix Computations, 10)."""
    windows = _Windows(problem)
    start = np.random.default_rng(0).normal(size=windows.size)
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    value = 0.0
    for _ in range(min(windows.size, LANCZOS_STEPS)):
        image = windows.squared(basis[-1])
        if not np.isfinite(image).all():
            return np.inf
        diagonal.append(float(image @ basis[-1]))
        band = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        before, value = value, float(np.linalg.eigvalsh(band)[-1])
        for vector in [*basis, *basis]:  # twice: once leaves rounding errors that grow
            image -= (image @ vector) * vector
        rest = float(np.linalg.norm(image))
        if rest <= LANCZOS_TOLERANCE * value or abs(value - before) <= LANCZOS_TOLERANCE * value:
            break
        beside.append(rest)
        basis.append(image / rest)
    return value
