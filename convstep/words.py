"""How values and shapes are named in messages. Whatever a user wrote is shown short and harmless."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LONGEST = 40
"""How many characters of a user's own text a message repeats."""


def visible(text: str, longest: int = LONGEST) -> str:
    """The text as it can be printed anywhere: what a terminal would obey or hide is escaped, the rest cut.

    Escapes are those of Python. They cover control characters, line ends, marks that turn the direction of
    writing, and halves of surrogate pairs.

    >>> print(visible("a\\x1b[2Jb\\u202e"))
    a\\x1b[2Jb\\u202e
    >>> visible("learning rate", longest=8)
    'learning…'
    """
    cut = text[:longest] + "…" if len(text) > longest else text
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in cut)


def quoted(value: Any) -> str:
    """A value as a message names it.

    >>> quoted("abc"), quoted(True), quoted(None), quoted([1]), quoted({}), quoted(2.0)
    ('text "abc"', 'true', 'nothing', 'a list', 'an empty mapping', '2')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'text "{visible(value)}"' if value else "empty text"
    if isinstance(value, (int, float)):
        return _quoted_number(value)
    for kind, name in ((Mapping, "mapping"), ((list, tuple), "list")):
        if isinstance(value, kind):
            return f"a {name}" if value else f"an empty {name}"
    return "nothing" if value is None else f"a value of type {visible(type(value).__name__)}"


def _quoted_number(value: float) -> str:
    if isinstance(value, int):
        # Python refuses to spell integers of more than 4300 digits.
        return _past_range(value) if value.bit_length() > 1024 else visible(str(value))
    if math.isinf(value):
        return _past_range(value)
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(float(value))


def _past_range(value: float) -> str:
    return f"a number past {'-' if value < 0 else ''}1.8e308"


def spelled_shape(shape: Sequence[int]) -> str:
    """The sizes of an array, as ``2×3``.

    >>> spelled_shape((2, 3)), spelled_shape((4,)), spelled_shape(())
    ('2×3', 'a list of 4', 'a single number')
    """
    if len(shape) < 2:
        return f"a list of {shape[0]}" if shape else "a single number"
    return "×".join(str(size) for size in shape)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(2, "row"), counted(2, "matrix", "matrices")
    ('1 row', '2 rows', '2 matrices')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def either(names: Iterable[str]) -> str:
    """The names as a choice.

    >>> either(["relu", "linear", "tanh"])
    'relu, linear or tanh'
    """
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely stands for.

    >>> nearest("learning_rte", ["loss", "learning_rate"]), nearest("xyz", ["loss"])
    ('learning_rate', None)
    """
    import difflib

    # difflib's time grows with the square of the length, and no known name is long.
    matches = difflib.get_close_matches(name[:LONGEST].lower().replace("-", "_"), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
