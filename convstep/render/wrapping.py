"""An equation on lines of a width, broken between its terms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text

from convstep.render.sums import Equation

LONG_NUMBER = re.compile(r"[^\d\s]*[\d./]{20,}[^\d\s]*")
"""A fraction that may be broken anywhere, with the function and the signs that stand around it."""
NARROW = 60
"""Below this width the name of a cell stands on a line of its own."""


def equation_lines(equation: Equation, width: int, indent: int = 2) -> list[Text]:
    """The equation on one line if it fits, else a line a side, broken between terms."""
    single = equation.head + "".join(
        f" {relation} {side.text}" for relation, side in zip(equation.relations, equation.sides, strict=True)
    )
    if len(single) + indent <= width:
        return [_styled(" " * indent + single, len(equation.head), indent)]
    own_line = width < NARROW
    lead = indent + (2 if own_line else len(equation.head) + 1)
    lines = [" " * indent + equation.head] if own_line else []
    for relation, side in zip(equation.relations, equation.sides, strict=True):
        for number, line in enumerate(_wrapped(side.parts, width - lead - 2)):
            start = " " * lead if lines or number else " " * indent + equation.head + " "
            lines.append(f"{start}{relation if number == 0 else ' '} {line}")
    first, *others = lines
    return [_styled(first, len(equation.head), indent), *map(Text, others)]


def _styled(line: str, head: int, indent: int) -> Text:
    text = Text(line)
    text.stylize("bold", indent, indent + head)
    return text


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    """Parts on lines, broken between them; a part that is wider than a line, at its products, then at its spaces."""
    lines: list[str] = []
    for part in parts:
        for piece in _pieces(part, width):
            if lines and len(lines[-1]) + 1 + len(piece) <= width and not piece.startswith("·"):
                lines[-1] += f" {piece}"
            else:
                lines.append(piece)
    return lines


def _pieces(part: str, width: int) -> list[str]:
    if len(part) <= width:
        return [part]
    if LONG_NUMBER.fullmatch(part):
        return [part[start : start + width] for start in range(0, len(part), width)]
    head, _, tail = part.rpartition("·")
    if head:
        return [*_pieces(head, width), *_pieces(f"·{tail}", width)]
    words = part.split(" ")
    return [piece for word in words for piece in _pieces(word, width)] if len(words) > 1 else words
