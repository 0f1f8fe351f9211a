"""How a plane is cut into blocks of rows: all of it, in pieces that stay small, without a copy."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.correlation.band import BLOCK_ROWS, PIECE_NUMBERS, Piece, _blocks, _pieces


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
