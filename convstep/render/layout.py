"""Blocks of text side by side: how an equation of matrices is laid out within a width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

INDENT = 2
"""How far an equation stands from the left edge."""


class Block(NamedTuple):
    """A rectangle of text with a title above it.

    Attributes:
        title: Name and symbol; empty for an operator.
        lines: The rectangle, all lines equally wide.
    """

    title: Text
    lines: tuple[Text, ...]

    @property
    def width(self) -> int:
        """In columns, the title included."""
        return max([self.title.cell_len, *(line.cell_len for line in self.lines)])

    @property
    def height(self) -> int:
        """In lines, without the title."""
        return len(self.lines)


class Term(NamedTuple):
    """An operand of an equation, and the operator before it.

    Attributes:
        operator: What connects it with the operand before: ``⋆``, ``=``; empty for a mere neighbour.
        block: The operand.
    """

    operator: str
    block: Block


def equation(terms: Sequence[Term], width: int) -> list[Text]:
    """The operands side by side with their operators; broken between operands where the width ends."""
    rows: list[list[tuple[str, Block]]] = [[]]
    used = INDENT
    for position, term in enumerate(terms):
        lead = "" if position == 0 else f"  {term.operator}  " if term.operator else "   "
        if rows[-1] and used + len(lead) + term.block.width > width:
            rows.append([])
            used = INDENT
            lead = lead.lstrip()
            if used + len(lead) + term.block.width > width:
                rows = [*rows[:-1], [(lead, Block(Text(), (Text(),)))], []]
                lead = ""
        rows[-1].append((lead, term.block))
        used += len(lead) + term.block.width
    return [line for row in rows if row for line in _row(row)]


def _row(operands: Sequence[tuple[str, Block]]) -> list[Text]:
    """The titles, then the rectangles, each centred on the tallest, with what leads to it on its middle line."""
    height = max(block.height for _, block in operands)
    lines = [Text(" " * INDENT) for _ in range(height + 1)]
    for lead, block in operands:
        offset = (height - block.height) // 2
        middle = 1 + (height - 1) // 2
        for number, line in enumerate(lines):
            line.append(lead if number == middle else " " * len(lead), style="bold")
            line.append_text(_cell(block, number, offset))
    for line in lines:
        line.rstrip()
    return lines if any(block.title for _, block in operands) else lines[1:]


def _cell(block: Block, number: int, offset: int) -> Text:
    """The block's part of line `number` (0 is the title), centred and padded to its width."""
    inside = number - 1 - offset
    if number == 0:
        text = block.title.copy()
    elif 0 <= inside < block.height:
        text = block.lines[inside].copy()
        text.pad_left((block.width - text.cell_len) // 2)
    else:
        text = Text()
    text.pad_right(block.width - text.cell_len)
    return text
