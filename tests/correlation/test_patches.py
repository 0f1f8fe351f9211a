"""How many windows are copied at a time: as many as a tile takes, or a row of them, whatever the problem."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.correlation import patches
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
