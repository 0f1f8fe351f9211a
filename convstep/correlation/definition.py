"""The definition of the arithmetic, which anybody can read, and which is the oracle for everything else.

Windows of the padded input times the filter, summed over channels and taps; on any number type, fractions included.
"""

from __future__ import annotations

import numpy as np

from convstep.arrays import Numbers
from convstep.geometry import Geometry


def pad(x: Numbers, geometry: Geometry) -> Numbers:
    """x with its zeros around it: N×C×H×W → N×C×padded rows×padded columns."""
    if not any(map(any, geometry.padding)):
        return x
    padded = np.zeros((*x.shape[:2], *geometry.padded), dtype=x.dtype)
    padded[(..., *geometry.inside)] = x
    return padded


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
            total = total + padded[(n, *meets(geometry, f, c, i, j, p, q))] * w[f, c, p, q]
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
            total = total + delta[n, f, i, j] * padded[(n, *meets(geometry, f, c, i, j, p, q))]
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
            gradient[(n, *meets(geometry, f, c, i, j, p, q))] += delta[n, f, i, j] * w[f, c, p, q]
    return gradient[(..., *geometry.inside)]


def meets(geometry: Geometry, f: int, c: int, i: int, j: int, p: int, q: int) -> tuple[int, int, int]:
    """The [channel, row, column] of the padded input that tap [c,p,q] of filter f meets at output [i,j]."""
    return (
        f // geometry.group_filters * geometry.group_channels + c,
        i * geometry.stride[0] + p * geometry.dilation[0],
        j * geometry.stride[1] + q * geometry.dilation[1],
    )
