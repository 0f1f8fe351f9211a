"""The arithmetic of a convolution layer: the definition, and faster equals for floats.

The definition is what anybody can read: windows of the padded input times the filter, summed over channels and
taps. It works on any number type, fractions included, and it is the oracle for everything else.

The faster equals multiply first and add second, never fused: where a learner's sum for z is exactly 0, theirs is 0 as
well, and no ReLU opens by a rounding error. Sums are taken in the definition's order, but for the gradient of the
filter over a large input, which is summed pairwise: thousands of terms lose fewer digits that way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.geometry import Geometry


def pad(x: Numbers, geometry: Geometry) -> Numbers:
    """x with its zeros around it: N×C×H×W → N×C×padded rows×padded columns."""
    if not any(map(any, geometry.padding)):
        return x
    padded = np.zeros((*x.shape[:2], *geometry.padded), dtype=x.dtype)
    padded[(..., *geometry.inside)] = x
    return padded


# The definition


def correlate(padded: Numbers, w: Numbers, geometry: Geometry) -> Numbers:
    """z[n,f,i,j] = Σ_{c,p,q} x̂[n,c, i·s+p·d, j·s+q·d] · w[f,c,p,q], c over the filter's group.

    Args:
        padded: x̂, N×C×padded rows×padded columns.
        w: The filter as it is used, F×C/groups×kh×kw.
        geometry: The sizes.

    Returns:
        z without bias, N×F×rows×columns.

    >>> geometry = Geometry(1, 1, (2, 3), 1, (2, 2))
    >>> x = np.array([[[[1, -1, 0], [0, 1, 0]]]]); w = np.array([[[[1, -1], [1, 1]]]])
    >>> correlate(x, w, geometry)[0, 0]
    array([[3, 0]])
    """
    z = np.zeros(geometry.output_shape, dtype=padded.dtype)
    for n, f, i, j in np.ndindex(*geometry.output_shape):
        total = z[n, f, i, j]
        for c, p, q in np.ndindex(*w.shape[1:]):
            total = total + padded[(n, *_meets(geometry, f, c, i, j, p, q))] * w[f, c, p, q]
        z[n, f, i, j] = total
    return z


def filter_gradient(padded: Numbers, delta: Numbers, geometry: Geometry) -> Numbers:
    """∂L/∂w[f,c,p,q] = Σ_{n,i,j} δ[n,f,i,j] · x̂[n,c, i·s+p·d, j·s+q·d]: a shared weight sums over its uses.

    Args:
        padded: x̂, N×C×padded rows×padded columns.
        delta: δ, N×F×rows×columns.
        geometry: The sizes.

    Returns:
        The gradient of the filter as it is used, F×C/groups×kh×kw.
    """
    gradient = np.zeros(geometry.filter_shape, dtype=padded.dtype)
    for f, c, p, q in np.ndindex(*geometry.filter_shape):
        total = gradient[f, c, p, q]
        for n, i, j in np.ndindex(geometry.batch, *geometry.output):
            total = total + delta[n, f, i, j] * padded[(n, *_meets(geometry, f, c, i, j, p, q))]
        gradient[f, c, p, q] = total
    return gradient


def input_gradient(delta: Numbers, w: Numbers, geometry: Geometry) -> Numbers:
    """∂L/∂x̂[n,c, i·s+p·d, j·s+q·d] += δ[n,f,i,j] · w[f,c,p,q], then the padding cut off.

    Args:
        delta: δ, N×F×rows×columns.
        w: The filter as it is used, F×C/groups×kh×kw.
        geometry: The sizes.

    Returns:
        ∂L/∂x, N×C×H×W, 0 where no window reached.
    """
    gradient = np.zeros((geometry.batch, geometry.channels, *geometry.padded), dtype=delta.dtype)
    for n, f, i, j in np.ndindex(*geometry.output_shape):
        for c, p, q in np.ndindex(*w.shape[1:]):
            gradient[(n, *_meets(geometry, f, c, i, j, p, q))] += delta[n, f, i, j] * w[f, c, p, q]
    return gradient[(..., *geometry.inside)]


def _meets(geometry: Geometry, f: int, c: int, i: int, j: int, p: int, q: int) -> tuple[int, int, int]:
    """The [channel, row, column] of the padded input that tap [c,p,q] of filter f meets at output [i,j]."""
    return (
        f // geometry.group_filters * geometry.group_channels + c,
        i * geometry.stride[0] + p * geometry.dilation[0],
        j * geometry.stride[1] + q * geometry.dilation[1],
    )


# Faster equals


class Correlation(Protocol):
    """A correlation with one input, made ready to be done many times with other filters.

    Numbers of many iterations lie in one array, an iteration a row. A scheme first cuts such an array into the
    views it likes best, once for all rows; the views go on showing what is written into the array.
    """

    def filter_views(self, filters: Array) -> list[Array]:
        """Cuts iterations×F×C/groups×kh×kw for `correlate`."""

    def output_views(self, outputs: Array) -> list[Array]:
        """Cuts iterations×N×F×rows×columns for `correlate`."""

    def delta_views(self, deltas: Array) -> list[Array]:
        """Cuts iterations×N×F×rows×columns for `filter_gradient`."""

    def gradient_views(self, gradients: Array) -> list[Array]:
        """Cuts iterations×F×C/groups×kh×kw for `filter_gradient`."""

    def correlate(self, w: Array, z: Array) -> None:
        """Writes x̂ ⋆ w into z: views of `filter_views` and `output_views`."""

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        """Writes Σ δ·x̂ into gradient: views of `delta_views` and `gradient_views`."""


class Windows:
    """All windows side by side in a table, made once: one product and one sum a call, best while it is small."""

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

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        np.multiply(self._by_position, delta, self._position_products)
        self._sum_positions(self._all_position_products, 0, None, gradient)


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


def _sum_of(products: Array) -> Callable[..., Any]:
    """What adds the rows of products, called like ``np.add.reduce``, one row after the other."""
    return np.add.reduce if products[0].size > 1 else _sum_column


def _sum_column(products: Array, axis: int, dtype: None, out: Array) -> None:
    """The sum of a single column in its order; NumPy's would go pairwise."""
    out[...] = np.add.accumulate(products, axis)[-1]


class Taps:
    """One tap of the filter at a time over the whole input: no table, for inputs of any size."""

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        g = self.geometry = geometry
        grouped = padded.reshape(g.batch, g.groups, 1, g.group_channels, *g.padded)
        self._meets = [
            ((c, p, q), grouped[(slice(None), slice(None), slice(None), c, *g.slices(p, q))])
            for c, p, q in np.ndindex(g.group_channels, *g.kernel)
        ]
        self._products = np.empty((g.batch, g.groups, g.group_filters, *g.output))

    def filter_views(self, filters: Array) -> list[Array]:
        g = self.geometry
        return list(filters.reshape(len(filters), g.groups, g.group_filters, g.group_channels, *g.kernel, 1, 1))

    def output_views(self, outputs: Array) -> list[Array]:
        return list(outputs.reshape(len(outputs), *self._products.shape))

    def delta_views(self, deltas: Array) -> list[Array]:
        return self.output_views(deltas)

    def gradient_views(self, gradients: Array) -> list[Array]:
        g = self.geometry
        return list(gradients.reshape(len(gradients), g.groups, g.group_filters, g.group_channels, *g.kernel))

    def correlate(self, w: Array, z: Array) -> None:
        z.fill(0.0)
        for (c, p, q), met in self._meets:
            np.multiply(met, w[:, :, c, p, q], out=self._products)
            np.add(z, self._products, out=z)

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        for (c, p, q), met in self._meets:
            np.multiply(met, delta, out=self._products)
            gradient[:, :, c, p, q] = np.add.reduce(self._products, axis=(0, 3, 4))


LARGEST_TABLE = 1 << 17
"""Up to how many products `Windows` is the faster scheme."""


def make_correlation(x: Array, geometry: Geometry) -> Correlation:
    """The scheme that suits the sizes, made ready for the input x, N×C×H×W."""
    padded = pad(x, geometry)
    products = geometry.positions * geometry.filters * geometry.taps
    return Windows(padded, geometry) if products <= LARGEST_TABLE else Taps(padded, geometry)


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
