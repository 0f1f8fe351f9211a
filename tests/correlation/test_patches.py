"""How many windows are copied at a time: as many as a tile takes, or a row of them, whatever the problem."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.correlation import input_gradient, patches
from convstep.correlation.fetched import pays
from convstep.correlation.patches import Patches
from convstep.geometry import Geometry


@pytest.mark.parametrize(
    ("tile", "rows"), [(12 * 5, 1), (12 * 5 * 2, 2), (12 * 5 * 3 - 1, 2), (12 * 5 * 7, 7), (1 << 17, 7), (1, 1)]
)
def test_a_tile_holds_whole_rows_of_windows_and_at_least_one(monkeypatch, tile, rows):
    monkeypatch.setattr(patches, "TILE_NUMBERS", tile)
    geometry = Geometry(1, 3, (8, 6), 2, (2, 2))
    tiles = list(Patches(np.ones(geometry.input_shape), geometry)._tiles())
    assert {each.rows.stop - each.rows.start for each in tiles[:-1]} <= {rows}
    assert tiles[0].rows == slice(0, rows)
    assert tiles[-1].rows.stop == 7


def test_windows_overlap_so_that_nobody_may_write_into_them():
    geometry = Geometry(1, 1, (4, 4), 1, (2, 2))
    made = Patches(np.ones(geometry.input_shape), geometry)
    assert np.shares_memory(made._windows, made.padded)
    assert not made._windows.flags.writeable


@pytest.mark.parametrize("tile", [1, 60, 1 << 17])
@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(2, 1, (5, 6), 7, (2, 3)),
        Geometry(1, 2, (6, 5), 9, (3, 2), dilation=(2, 1), padding=((1, 0), (0, 2))),
        Geometry(1, 2, (7, 6), 10, (2, 2), groups=2),
        Geometry(1, 1, (7, 6), 3, (2, 2), stride=(2, 1)),
    ],
)
def test_many_filters_put_back_what_each_window_sent(monkeypatch, tile, geometry):
    """Whole numbers, so that no order of adding matters; with a stride of 1 a row goes on to the right by zeros."""
    monkeypatch.setattr(patches, "TILE_NUMBERS", tile)
    assert not pays(geometry)
    random = np.random.default_rng(5)
    delta, w = (
        random.integers(-4, 5, size=shape).astype(float) for shape in (geometry.output_shape, geometry.filter_shape)
    )
    made = Patches(np.ones((geometry.batch, geometry.channels, *geometry.padded)), geometry)
    found = made.input_gradient_fast(delta, w, 1.0, None)
    assert np.array_equal(found, input_gradient(delta, w, geometry))
