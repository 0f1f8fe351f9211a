"""The rule that picks a scheme by the sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.arrays import Array
from convstep.correlation.definition import pad
from convstep.correlation.windows import Windows
from convstep.geometry import Geometry

if TYPE_CHECKING:
    from convstep.correlation.scheme import Correlation

LARGEST_TABLE = 1 << 17
"""Up to how many products `Windows` is the faster scheme."""
SMALLEST_TRANSFORMED = 49
"""From how many taps on a Fourier transform is the faster scheme for a filter with a channel of its own."""


def make_correlation(x: Array, geometry: Geometry, in_order: bool = False) -> Correlation:
    """The scheme that suits the sizes, made ready for the input x, N×C×H×W.

    Args:
        x: The input.
        geometry: The sizes.
        in_order: Whether every sum must come in the definition's order.
    """
    padded = pad(x, geometry)
    products = geometry.positions * geometry.filters * geometry.taps
    if products <= LARGEST_TABLE:
        return Windows(padded, geometry)
    return _large(padded, geometry, in_order)


def _large(padded: Array, geometry: Geometry, in_order: bool) -> Correlation:
    """The scheme for a problem too large for a table; imported here, since most problems are small."""
    if in_order:
        from convstep.correlation.taps import Taps

        return Taps(padded, geometry)
    from convstep.correlation.band import Band

    if not Band.suits(geometry):
        from convstep.correlation.patches import Patches

        return Patches(padded, geometry)
    if geometry.taps < SMALLEST_TRANSFORMED:
        return Band(padded, geometry)
    from convstep.correlation.fourier import Fourier

    return Fourier(padded, geometry)
