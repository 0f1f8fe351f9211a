"""The rule that picks a scheme by the sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.arrays import Array
from convstep.correlation.definition import pad
from convstep.correlation.windows import Windows
from convstep.geometry import Geometry

if TYPE_CHECKING:
    from convstep.correlation.scheme import Correlation

LARGEST_TABLE = 1 << 16
"""Up to how many products `Windows` is the faster scheme, or half as many where matrix products do it: `Patches`."""
SMALL_PLANE = 1 << 13
"""Planes of fewer outputs are done all at once: one after the other would cost more than is gained."""
FEW_TAPS = 9
"""Up to so many taps small planes are best done a tap at a time."""
SMALLEST_TRANSFORMED, FEWEST_TRANSFORMED = 100, 1 << 19
"""From how many taps, and products in a plane, on a Fourier transform is the faster scheme for a filter with a channel
of its own."""


def has_table(geometry: Geometry) -> bool:
    """Whether the problem is small enough for `Windows`, which adds in the definition's order."""
    products = geometry.positions * geometry.filters * geometry.taps
    one_to_one = geometry.group_channels == geometry.group_filters == 1
    return products <= (LARGEST_TABLE if one_to_one else LARGEST_TABLE // 2)


def make_correlation(x: Array, geometry: Geometry, in_order: bool = False) -> Correlation:
    """The scheme that suits the sizes, made ready for the input x, N×C×H×W.

    Args:
        x: The input.
        geometry: The sizes.
        in_order: Whether every sum must come in the definition's order.
    """
    padded = pad(x, geometry)
    if has_table(geometry):
        return Windows(padded, geometry)
    return _large(padded, geometry, in_order)


def _large(padded: Array, geometry: Geometry, in_order: bool) -> Correlation:
    """The scheme for a problem too large for a table; imported here, since most problems are small."""
    from convstep.correlation.band import Band
    from convstep.correlation.fourier import Fourier
    from convstep.correlation.patches import Patches
    from convstep.correlation.taps import Taps

    taps, plane = geometry.taps, geometry.output[0] * geometry.output[1]
    if in_order:
        return Taps(padded, geometry)
    if not Band.suits(geometry):
        return Patches(padded, geometry)
    if taps >= SMALLEST_TRANSFORMED and plane * taps >= FEWEST_TRANSFORMED:
        return Fourier(padded, geometry)
    if plane >= SMALL_PLANE:
        return Band(padded, geometry)
    return Taps(padded, geometry) if taps <= FEW_TAPS else Patches(padded, geometry)
