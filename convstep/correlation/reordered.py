"""What the fast schemes share: they add in another order than the definition, and this puts right what that changes.

A matrix product or a Fourier transform rounds in other places than the definition, which multiplies first and adds
second, tap by tap. Mostly that is a matter of the last digits. But where the definition's z is exactly 0, another order
may give 1e-18, and a dead ReLU would pass gradient. So

- a z so near to 0 that rounding could have brought it there, by a bound that holds for every order of additions, is
  computed once more as the definition does;
- numbers with few binary places (whole numbers, halves) come out exact, as they do by the definition;
- numbers so large that a sum could overflow, and those that are not finite, are left to the definition's order.

The bound is that of N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 3.1 and 24.1.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from convstep.arrays import Array, Mask, Numbers
from convstep.correlation.in_order import CHUNK
from convstep.correlation.taps import Taps
from convstep.geometry import Geometry

ROUNDOFF = 2.0**-53
"""How far a float may lie from the number it stands for, relative to that."""
HUGE = 1e280
"""Sums of products that stay below this overflow in no order, nor in a transform."""
VANISHING = 1e-280
"""More than what is lost, in all, where numbers become too small for floats."""
LARGEST_WHOLE = 2.0**53
"""Up to here floats hold every whole number."""
BINARY_PLACES = (0, 8, 16)
"""How many binary places numbers may have to be treated like whole ones."""
GATHERED = 1 << 18
"""How many products are formed in one go where single cells are computed once more."""
GATHERED_SHARE = 0.25
"""With more cells than this to compute once more, all are."""


class Reordered:
    """A correlation whose sums come in an order of its own.

    Attributes:
        padded: x̂, contiguous.
        largest: max |x̂|.
        noise: How far a z may lie from the definition's, relative to max |x̂| · Σ |w|.
        grain: A power of two that all of x̂ are whole multiples of, or ``None``.
        blank: Which windows hold nothing but zeros, N×groups×rows×columns; ``None`` if there are none.
    """

    reorders: ClassVar[bool] = True

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        self.geometry = geometry
        self.padded = np.ascontiguousarray(padded)
        self.largest = max(float(self.padded.max()), -float(self.padded.min()))
        self.noise = 4.0 * geometry.taps * ROUNDOFF
        self.grain = grain_of(self.padded)
        self.blank = _blank_windows(self.padded, geometry)
        self._taps: Taps | None = None

    def filter_views(self, filters: Array) -> list[Array]:
        return list(filters)

    output_views = delta_views = gradient_views = filter_views

    @property
    def in_order(self) -> Taps:
        """The same correlation in the definition's order."""
        if self._taps is None:
            self._taps = Taps(self.padded, self.geometry)
        return self._taps

    def correlate(self, w: Array, z: Array) -> None:
        scale, grain = self._sums_with(w)
        if not is_safe(scale) or not self.correlate_fast(w, z, scale, grain):
            self._correlate_in_order(w, z)

    def settle(self, w: Array, z: Array, bias: Array | None) -> None:
        scale, grain = self._sums_with(w)
        if is_safe(scale) and grain is None:
            self._settle(w, z, np.zeros(self.geometry.filters) if bias is None else bias)

    def _sums_with(self, w: Array) -> tuple[float, float | None]:
        """How large a z without bias can be, and the grain of all of them if floats hold them exactly."""
        scale = self.largest * float(np.abs(w).sum(axis=(1, 2, 3)).max())
        return scale, self._common_grain(self.grain, w, scale)

    def _correlate_in_order(self, w: Array, z: Array) -> None:
        taps = self.in_order
        taps.correlate(taps.filter_views(w[None])[0], taps.output_views(z[None])[0])

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        scale = self.largest * norm(delta) * math.sqrt(delta.size)
        grain = self._common_grain(self.grain, delta, scale)
        if is_safe(scale) and self.filter_gradient_fast(delta, gradient, scale, grain):
            return
        taps = self.in_order
        taps.filter_gradient(taps.delta_views(delta[None])[0], taps.gradient_views(gradient[None])[0])

    def input_gradients(self, deltas: Array, filters: Array) -> Array:
        found = [self._input_gradient(delta, w) for delta, w in zip(deltas, filters, strict=True)]
        return found[0][None] if len(found) == 1 else np.array(found).reshape(-1, *self.geometry.input_shape)

    def _input_gradient(self, delta: Array, w: Array) -> Array:
        scale = norm(delta) * float(np.abs(w).sum())
        grain = self._common_grain(grain_of(w), delta, scale)
        found = self.input_gradient_fast(delta, w, scale, grain) if is_safe(scale) else None
        return self.in_order.input_gradients(delta[None], w[None])[0] if found is None else found

    # What a scheme brings along. No sum of products is larger than scale; where there is a grain, all sums are whole
    # multiples of it and exact in floats. Each tells whether it could do what was asked.

    def correlate_fast(self, w: Array, z: Array, scale: float, grain: float | None) -> bool:
        """Writes x̂ ⋆ w into z."""
        raise NotImplementedError

    def filter_gradient_fast(self, delta: Array, gradient: Array, scale: float, grain: float | None) -> bool:
        """Writes Σ δ·x̂ into gradient."""
        raise NotImplementedError

    def input_gradient_fast(self, delta: Array, w: Array, scale: float, grain: float | None) -> Array | None:
        """∂L/∂x, N×C×H×W; ``None`` if it could not."""
        raise NotImplementedError

    @staticmethod
    def _common_grain(grain: float | None, numbers: Array, scale: float) -> float | None:
        """The grain of products with these numbers, if all their sums are exact in floats."""
        other = grain_of(numbers) if grain else None
        common = grain * other if grain and other else None
        return common if common and scale < LARGEST_WHOLE * common else None

    def _settle(self, w: Array, z: Array, bias: Array) -> None:
        """Computes once more what lies so near to 0 that rounding decides about it."""
        bounds = 1.01 * (self.noise * self.largest * np.abs(w).sum(axis=(1, 2, 3)) + VANISHING)
        found = [near for n in range(self.geometry.batch) for near in self._near(n, z[n], bounds)]
        if not found:
            return
        cells = np.concatenate(found, axis=1)
        if cells.shape[1] > GATHERED_SHARE * z.size:
            self._correlate_in_order(w, z)
            np.add(z, bias[:, None, None], out=z)
        else:
            z[tuple(cells)] = self._by_definition(w, cells) + bias[cells[1]]

    def _near(self, n: int, z: Array, bounds: Array) -> list[Numbers]:
        """Where |z| of image n is within its filter's bound: [n, f, row, column] by row, cell by cell."""
        g = self.geometry
        rows = max(1, CHUNK // (g.filters * g.output[1]))
        found = []
        for first in range(0, g.output[0], rows):
            near = np.abs(z[:, first : first + rows]) <= bounds[:, None, None]
            if not near.any():
                continue
            if self.blank is not None:
                near &= ~np.repeat(self.blank[n, :, first : first + rows], g.group_filters, axis=0)
            f, i, j = np.nonzero(near)
            if f.size:
                found.append(np.stack([np.full_like(f, n), f, i + first, j]))
        return found

    def _by_definition(self, w: Array, cells: Numbers) -> Array:
        """x̂ ⋆ w at single cells, its terms added in the definition's order."""
        g = self.geometry
        c, p, q = (axis.reshape(-1, 1) for axis in np.indices(w.shape[1:]))
        found = np.empty(cells.shape[1])
        step = max(1, GATHERED // g.taps)
        for first in range(0, len(found), step):
            n, f, i, j = cells[:, first : first + step]
            channel = f // g.group_filters * g.group_channels + c
            met = self.padded[n, channel, i * g.stride[0] + p * g.dilation[0], j * g.stride[1] + q * g.dilation[1]]
            products = met * w[f, c, p, q]
            found[first : first + step] = np.add.accumulate(products, axis=0)[-1] + 0.0
        return found


def is_safe(scale: float) -> bool:
    """Whether no sum can overflow."""
    return scale < HUGE


def norm(numbers: Array) -> float:
    """√Σn², at least as large as the largest of the numbers; not finite if one of them is not, or the sum overflows."""
    flat = numbers.reshape(-1)
    return float(np.sqrt(np.dot(flat, flat)))


def grain_of(numbers: Array) -> float | None:
    """A power of two that all numbers are whole multiples of; ``None`` if they have many binary places.

    >>> grain_of(np.array([3.0, -1.0])), grain_of(np.array([0.5, 2.0])), grain_of(np.array([0.1]))
    (1.0, 0.00390625, None)
    """
    flat = numbers.reshape(-1)
    for places in BINARY_PLACES:
        scale = 2.0**places
        if all(_are_whole(flat[first : first + CHUNK] * scale) for first in range(0, len(flat), CHUNK)):
            return 1.0 / scale
    return None


def _are_whole(numbers: Array) -> bool:
    return bool((np.rint(numbers) == numbers).all())


def _blank_windows(padded: Array, geometry: Geometry) -> Mask | None:
    """Which windows of the padded input hold nothing but zeros."""
    g = geometry
    other = padded.reshape(g.batch, g.groups, g.group_channels, *g.padded) != 0.0
    if other.all():
        return None
    reached = spread(other.any(axis=2), g)[:, :, g.reach[0] - 1 :, g.reach[1] - 1 :]
    met = reached[:, :, : g.padded[0] - g.reach[0] + 1 : g.stride[0], : g.padded[1] - g.reach[1] + 1 : g.stride[1]]
    return None if met.all() else ~met


def spread(cells: Mask, geometry: Geometry) -> Mask:
    """Every true cell taken by all taps of a filter: [i, j] makes [i + p·d, j + q·d] true, for a stride of 1.

    The result has reach − 1 rows and columns more. The taps are doubled until they are all there.
    """
    g = geometry
    more = [(0, 0)] * (cells.ndim - 2) + [(0, g.reach[0] - 1), (0, g.reach[1] - 1)]
    spreading = np.pad(cells, more)
    for axis in (0, 1):
        along = np.moveaxis(spreading, axis - 2, 0)
        taps = 1
        while taps < g.kernel[axis]:
            shift = min(taps, g.kernel[axis] - taps) * g.dilation[axis]
            along[shift:] |= along[:-shift].copy()
            taps = min(2 * taps, g.kernel[axis])
    return spreading
