"""The schemes that add in an order of their own, made small enough that a drawn problem has many tiles and pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from drawn_problems import geometries
from hypothesis import strategies as st

from convstep.correlation import band, fourier, patches, reordered
from convstep.correlation.band import Band
from convstep.correlation.fourier import Fourier
from convstep.correlation.patches import Patches
from convstep.correlation.reordered import Reordered
from convstep.geometry import Geometry

SCHEMES: list[type[Reordered]] = [Patches, Band, Fourier]


@contextmanager
def small_tiles() -> Iterator[None]:
    """Tiles of a few numbers."""
    small = [
        *((patches, "TILE_NUMBERS", 24), (band, "BLOCK_ROWS", 2), (band, "PIECE_NUMBERS", 16)),
        *((fourier, "LARGEST_TILE", 6), (fourier, "SMALLEST_TILE", 2), (fourier, "CHUNK", 4)),
        *((reordered, "CHUNK", 8), (reordered, "GATHERED", 20)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in small:
            patch.setattr(module, name, value)
        yield


def geometries_for(scheme: type[Reordered]) -> st.SearchStrategy[Geometry]:
    """Any geometry that the scheme can do."""
    return geometries() if scheme is Patches else geometries().map(plane_by_plane)


def plane_by_plane(geometry: Geometry) -> Geometry:
    """The same, but each filter sees one channel of its own, and takes every row and column."""
    channels = geometry.channels
    return geometry._replace(stride=(1, 1), groups=channels, filters=channels)


def forward(made: Reordered, w: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """x ⋆ w + b as a run computes it."""
    z = np.full((1, *made.geometry.output_shape), np.nan)
    view, out = made.filter_views(w[None])[0], made.output_views(z)[0]
    made.correlate(view, out)
    if bias is not None:
        out += bias[:, None, None]
    made.settle(view, out, bias)
    return z[0]


def filter_gradient(made: Reordered, delta: np.ndarray) -> np.ndarray:
    """∂L/∂w, between two rows that stay as they are."""
    rows = np.full((3, *made.geometry.filter_shape), np.nan)
    made.filter_gradient(made.delta_views(delta[None])[0], made.gradient_views(rows)[1])
    assert np.isnan(rows[[0, 2]]).all()
    return rows[1]
