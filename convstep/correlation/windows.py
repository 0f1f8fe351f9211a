"""Small problems: all windows of the input side by side in a table, and sums in the definition's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from convstep.arrays import Array
from convstep.correlation.in_order import input_gradients
from convstep.geometry import Geometry


class Windows:
    """All windows side by side in a table, made once: one product and one sum a call, best while it is small."""

    reorders: ClassVar[bool] = False

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        g = self.geometry = geometry
        self._cells = cells = g.output[0] * g.output[1]
        grouped = padded.reshape(g.batch, g.groups, g.group_channels, *g.padded)
        table = np.empty((g.group_channels, *g.kernel, g.batch, g.groups, *g.output))
        for p, q in np.ndindex(*g.kernel):
            table[:, p, q] = grouped[(..., *g.slices(p, q))].transpose(2, 0, 1, 3, 4)
        table = table.reshape(g.taps, g.batch, g.groups, 1, cells)
        # Axes of length 1 mean nothing and cost time in every call.
        self._single = tuple(axis for axis, size in ((1, g.batch), (2, g.groups), (3, g.group_filters)) if size == 1)
        self._by_tap = table.squeeze(self._single)
        self._tap_products = np.empty((g.taps, g.batch, g.groups, g.group_filters, cells)).squeeze(self._single)
        turned = (1, 4, 2, 3, 0)
        self._turned_single = tuple(turned.index(axis) for axis in self._single)
        self._by_position = np.ascontiguousarray(table.transpose(turned)).squeeze(self._turned_single)
        products = np.empty((g.batch, cells, g.groups, g.group_filters, g.taps))
        self._position_products = products.squeeze(self._turned_single)
        self._all_position_products = self._position_products.reshape(g.batch * cells, *self._gradient_shape)
        self._sum_taps, self._sum_positions = _sum_of(self._tap_products), _sum_of(self._all_position_products)

    @property
    def _gradient_shape(self) -> tuple[int, ...]:
        g = self.geometry
        return (*(size for size in (g.groups, g.group_filters) if size > 1), g.taps)

    def filter_views(self, filters: Array) -> list[Array]:
        g = self.geometry
        by_tap = filters.reshape(len(filters), 1, g.groups, g.group_filters, g.taps, 1).transpose(0, 4, 1, 2, 3, 5)
        return list(by_tap.squeeze(tuple(axis + 1 for axis in self._single)))

    def output_views(self, outputs: Array) -> list[Array]:
        g = self.geometry
        grouped = outputs.reshape(len(outputs), g.batch, g.groups, g.group_filters, self._cells)
        return list(grouped.squeeze(self._single))

    def delta_views(self, deltas: Array) -> list[Array]:
        g = self.geometry
        grouped = deltas.reshape(len(deltas), g.batch, g.groups, g.group_filters, self._cells, 1)
        turned = grouped.transpose(0, 1, 4, 2, 3, 5)
        return list(turned.squeeze(tuple(axis + 1 for axis in self._turned_single)))

    def gradient_views(self, gradients: Array) -> list[Array]:
        return list(gradients.reshape(len(gradients), *self._gradient_shape))

    def correlate(self, w: Array, z: Array) -> None:
        np.multiply(self._by_tap, w, self._tap_products)
        self._sum_taps(self._tap_products, 0, None, z)

    def settle(self, w: Array, z: Array, bias: Array | None) -> None:
        """Nothing is to be put right: z is the definition's own."""

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        np.multiply(self._by_position, delta, self._position_products)
        self._sum_positions(self._all_position_products, 0, None, gradient)

    def input_gradients(self, deltas: Array, filters: Array) -> Array:
        return input_gradients(deltas, filters, self.geometry)


def _sum_of(products: Array) -> Callable[..., Any]:
    """What adds the rows of products, called like ``np.add.reduce``, one row after the other."""
    return np.add.reduce if products[0].size > 1 else _sum_column


def _sum_column(products: Array, axis: int, dtype: None, out: Array) -> None:
    """The sum of a single column in its order; NumPy's would go pairwise."""
    out[...] = np.add.accumulate(products, axis)[-1]
