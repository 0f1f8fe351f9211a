"""One tap of the filter at a time over the whole input, in the definition's order: any geometry, no table."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from convstep.arrays import Array
from convstep.correlation.in_order import input_gradients
from convstep.geometry import Geometry


class Taps:
    """One tap of the filter at a time over the whole input: no table, for inputs of any size."""

    reorders: ClassVar[bool] = False

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

    def settle(self, w: Array, z: Array, bias: Array | None) -> None:
        """Nothing is to be put right: z is the definition's own."""

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        for (c, p, q), met in self._meets:
            np.multiply(met, delta, out=self._products)
            gradient[:, :, c, p, q] = np.add.reduce(self._products, axis=(0, 3, 4))

    def input_gradients(self, deltas: Array, filters: Array) -> Array:
        return input_gradients(deltas, filters, self.geometry)
