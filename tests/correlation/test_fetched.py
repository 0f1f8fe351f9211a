"""When the input's gradient is fetched from δ, and how much of δ is copied at a time."""

from __future__ import annotations

import pytest

from convstep.correlation.fetched import pays, rows_at_once
from convstep.geometry import Geometry


@pytest.mark.parametrize(
    ("filters", "stride", "expected"),
    [(1, (1, 1), True), (6, (1, 1), True), (7, (1, 1), False), (1, (2, 1), False), (1, (1, 2), False)],
)
def test_it_pays_where_a_column_of_filters_has_no_more_numbers_than_a_row_of_windows(filters, stride, expected):
    assert pays(Geometry(1, 2, (9, 9), filters, (2, 3), stride=stride)) is expected


@pytest.mark.parametrize(
    ("tile", "rows"),
    [(1, 1), (4 * 2 * 6, 1), (4 * 2 * 6 * 2 - 1, 1), (4 * 2 * 6 * 2, 2), (4 * 2 * 6 * 8, 8), (9999, 8)],
)
def test_a_tile_holds_whole_rows_of_the_input_and_at_least_one(tile, rows):
    assert rows_at_once(Geometry(1, 3, (8, 6), 4, (2, 3)), tile) == rows
