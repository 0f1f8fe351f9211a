"""Running text within a page's margins."""

from __future__ import annotations

import textwrap

from rich.text import Text


def paragraphs(text: str, width: int, indent: int = 2, style: str = "") -> list[Text]:
    """A text within the page's margins."""
    parts = textwrap.wrap(text, max(10, width - indent), break_on_hyphens=False, break_long_words=False)
    return [Text(" " * indent + part, style=style) for part in parts]
