"""Where pages are written to: its width, its colours, and the characters it can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

NARROWEST = 20
PIPE_WIDTH = 80
"""The width where there is no terminal and nobody says another."""

ASCII = str.maketrans(
    {
        "⎡": "[", "⎢": "|", "⎣": "[", "⎤": "]", "⎥": "|", "⎦": "]", "─": "-", "…": "~", "·": ".", "×": "x", "°": "o",
        "⋆": "*", "∗": "*", "⊙": "o", "−": "-", "→": ">", "′": "'", "∂": "d", "δ": "d", "Δ": "D", "Σ": "S", "½": "~",
        "²": "2", "λ": "l", "η": "n", "∞": "I", "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%",
        "█": "#", "Φ": "P", "φ": "p", "σ": "s", "ᶻ": "z", "⁻": "-", "ḡ": "g", "⁰": "0", "–": "-", "✓": "+", "’": "'",
        "✗": "x", "↳": ">",
        "≈": "~", "•": "*", "³": "3", "₁": "1", "₂": "2", "\u0302": "^", "\xa0": " ",
        "≤": "<=", "√": "sqrt", "π": "pi", "±": "+-", "β": "beta", "ᵏ": "^k", "ε": "epsilon",
    }
)  # fmt: skip
"""One plain character for each that an old terminal or ``LANG=C`` cannot show, so that columns stay columns.

More than one only where nothing stands below: in formulas and sentences, in which ``<`` for ``≤`` would be wrong.
"""


class PageConsole(Console):
    """A rich console that leaves a closed pipe to whoever started the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def page_console(color: str = "auto", width: int | None = None, file: TextIO | None = None) -> PageConsole:
    """A console for pages.

    Args:
        color: ``auto`` (a terminal, and ``NO_COLOR`` unset), ``always`` or ``never``.
        width: In columns; by default ``COLUMNS``, the terminal's, or 80 in a pipe.
        file: Where it writes; standard output by default.
    """
    stream = file or sys.stdout
    settings: dict[str, Any] = {"file": stream, "highlight": False, "markup": False, "emoji": False}
    if color == "always":
        settings |= {"force_terminal": True, "no_color": False, "color_system": "standard"}
    elif color == "never" or not stream.isatty():
        settings |= {"force_terminal": False, "no_color": True, "color_system": None}
    return PageConsole(width=width or _default_width(stream), **settings)


def _default_width(stream: TextIO) -> int:
    """COLUMNS, or the terminal's width, or 80 for a pipe."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return max(NARROWEST, int(given))
    try:
        return max(NARROWEST, os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):
        return PIPE_WIDTH


def write(console: Console, lines: Sequence[Text]) -> None:
    """Prints the lines as they are: nothing wrapped, nothing cropped, no markup read."""
    encoding = console.encoding
    if not encoding.startswith("utf"):
        lines = [_encodable(line, encoding) for line in lines]
    if console.color_system is None and not console.is_terminal:
        # What rich would print, without the time it takes to find that there is nothing to style.
        console.file.write("".join(f"{line.plain}\n" for line in lines))
    else:
        console.print(Text("\n").join(lines), soft_wrap=True)


def _encodable(line: Text, encoding: str) -> Text:
    """The line in characters that the encoding has, column for column where a plain one stands in."""
    try:
        line.plain.encode(encoding)
    except UnicodeEncodeError:
        plain = line.plain.translate(ASCII)
        same_places = len(plain) == len(line.plain)
        line = line.copy() if same_places else Text()
        line.plain = plain
        line.plain = line.plain.encode(encoding, "replace").decode(encoding)
    return line
