"""Sums in the definition's order, for many iterations at once."""

from __future__ import annotations

import numpy as np

from convstep.arrays import Array
from convstep.geometry import Geometry


def sum_rows(rows: Array) -> Array:
    """The sum of each row, one number after the other as on paper; of very long rows pairwise, which is more exact.

    >>> sum_rows(np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])).tolist()
    [0.6000000000000001, 6.0]
    """
    if rows.shape[1] > LONGEST_ROW:
        return np.asarray(np.add.reduce(rows, axis=1))
    return np.add.accumulate(rows, axis=1)[:, -1]


LONGEST_ROW = 4096
"""Up to how many numbers `sum_rows` adds one after the other."""


def sum_squares(rows: Array) -> Array:
    """The sum of the squares of each row, added as by `sum_rows`; of very long rows without an array of all squares."""
    if rows.shape[1] <= 2 * CHUNK:
        return sum_rows(rows * rows)
    chunks = [rows[:, first : first + CHUNK] for first in range(0, rows.shape[1], CHUNK)]
    return np.asarray(np.stack([np.add.reduce(chunk * chunk, axis=1) for chunk in chunks], axis=1).sum(axis=1))


CHUNK = 1 << 15
"""How many numbers stay in the processor's cache between two passes over them."""


def input_gradients(deltas: Array, filters: Array, geometry: Geometry) -> Array:
    """`input_gradient` for many iterations at once, its sums in the same order.

    Args:
        deltas: δ, iterations×N×F×rows×columns.
        filters: The filters as they are used, iterations×F×C/groups×kh×kw.
        geometry: The sizes.

    Returns:
        ∂L/∂x, iterations×N×C×H×W.
    """
    g = geometry
    count = len(deltas)
    delta = deltas.reshape(count, g.batch, g.groups, g.group_filters, 1, *g.output)
    w = filters.reshape(count, 1, g.groups, g.group_filters, g.group_channels, *g.kernel, 1, 1)
    gradient = np.zeros((count, g.batch, g.groups, g.group_channels, *g.padded))
    # An input cell meets the outputs in rising order when the taps are taken in falling order.
    for f in range(g.group_filters):
        for p in reversed(range(g.kernel[0])):
            for q in reversed(range(g.kernel[1])):
                gradient[(..., *g.slices(p, q))] += delta[:, :, :, f] * w[:, :, :, f, :, p, q]
    return gradient.reshape(count, g.batch, g.channels, *g.padded)[(..., *g.inside)]
