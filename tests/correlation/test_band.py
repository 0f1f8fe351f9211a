"""How a plane is cut into blocks of rows: all of it, in pieces that stay small, without a copy."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.correlation import band
from convstep.correlation.band import (
    BLOCK_ROWS,
    PIECE_NUMBERS,
    Piece,
    _add_filter_gradient,
    _blocks,
    _correlate_plane,
    _pieces,
)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 100, 1000])
@pytest.mark.parametrize("columns", [1, 500, 5000])
def test_pieces_hold_every_row_once_and_never_much(rows, columns):
    pieces = _pieces(rows, columns)
    starts = np.cumsum([0, *(piece.blocks * piece.rows for piece in pieces)])
    assert [piece.start for piece in pieces] == starts[:-1].tolist()
    assert starts[-1] == rows
    assert {piece.rows for piece in pieces[:-1]} <= {BLOCK_ROWS}
    assert all(piece.blocks * piece.rows * columns <= PIECE_NUMBERS or piece.blocks == 1 for piece in pieces)


def test_blocks_overlap_so_that_nobody_may_write_into_them():
    x = np.arange(20.0).reshape(10, 2)
    blocks = _blocks(x, Piece(1, 2, 3), 5)
    assert np.array_equal(blocks[0], x[1:6])
    assert np.array_equal(blocks[1], x[4:9])
    assert np.shares_memory(blocks, x)
    assert not blocks.flags.writeable


@pytest.mark.parametrize("rows", [1, 7, 8, 19, 40])
@pytest.mark.parametrize("dilation", [1, 3])
def test_nothing_is_read_beyond_the_input(rows, dilation, monkeypatch):
    """The last block ends with the last row that its windows see."""
    monkeypatch.setattr(band, "PIECE_NUMBERS", 100)
    x, w = np.ones((rows + 2 * dilation, 9)), np.ones((3, 3))
    ends = []

    def watched(x, piece, reached):
        ends.append(piece.start + (piece.blocks - 1) * piece.rows + reached)
        return _blocks(x, piece, reached)

    monkeypatch.setattr(band, "_blocks", watched)
    delta = np.ones((rows, 9 - 2 * dilation))
    _correlate_plane(x, w, (dilation, dilation), np.empty(delta.shape))
    assert max(ends) == len(x)
    ends.clear()
    _add_filter_gradient(x, delta, (dilation, dilation), np.zeros((3, 3)))
    assert max(ends) == len(x)
