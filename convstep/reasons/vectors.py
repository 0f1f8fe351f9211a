"""Least squares and null spaces, for matrices of any shape."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array


def least_squares(matrix: Array, wanted: Array, size: float = 0.0) -> Array:
    """The shortest x with the least |matrix·x − wanted|.

    Args:
        matrix, wanted: The equations.
        size: Of the numbers that the matrix was calculated from, where rounding errors may be all that is left of it.
    """
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    small = max(matrix.shape) * np.finfo(float).eps * max(size, float(sizes.max(initial=0.0)))
    kept = sizes > small
    return np.asarray(right[kept].T @ ((left[:, kept].T @ wanted) / sizes[kept]))


def null_space(matrix: Array) -> Array:
    """An orthonormal basis of the vectors that the matrix sends to 0, a column each.

    >>> null_space(np.array([[3.0, 0.0], [1.0, 0.0]])).round(12).tolist()
    [[0.0], [1.0]]
    """
    rows, columns = matrix.shape
    if rows > columns:  # as many rows as columns say the same, and need no square as large as there are rows
        matrix = np.asarray(np.linalg.qr(matrix, mode="r"))
    _, sizes, directions = np.linalg.svd(matrix, full_matrices=True)
    small = max(rows, columns) * np.finfo(float).eps * max(float(sizes.max(initial=0.0)), 1e-300)
    return np.asarray(directions[int(np.sum(sizes > small)) :].T)


def downhill(rows: Array, chosen: Array) -> Array | None:
    """A direction d with chosen·d < 0 and rows·d ≤ 0, or ``None`` where there is none.

    There is one exactly where −chosen is no sum of rows with weights of at least 0 (Farkas); what is left of −chosen
    after the best such sum is the direction. The sum is found by non-negative least squares (C. Lawson, R. Hanson,
    Solving Least Squares Problems, 1974, chapter 23).

    Args:
        rows: A row each.
        chosen: One row.
    """
    weights, used = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    small = 1e-10 * max(1.0, float(np.abs(rows).max(initial=0.0)) ** 2, float(np.abs(chosen).max(initial=0.0)) ** 2)
    rest = -chosen
    for _ in range(3 * len(rows) + 10):
        pull = np.where(used, -np.inf, rows @ rest)
        if len(rows) == 0 or pull.max() <= small:
            break
        used[int(np.argmax(pull))] = True
        while True:
            best = np.zeros(len(rows))
            best[used] = least_squares(rows[used].T, -chosen)
            if (best[used] > 0).all():
                weights = best
                break
            falling = used & (best <= 0)
            share = np.min(weights[falling] / np.maximum(weights[falling] - best[falling], 1e-300))
            weights = np.where(used, weights + share * (best - weights), 0.0)
            used &= weights > 1e-14
            weights[~used] = 0.0
        rest = -chosen - weights @ rows
    return rest if float(-chosen @ rest) > small else None
