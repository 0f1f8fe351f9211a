"""Every error that convstep raises on purpose, and how it reads.

An error is raised where it is found, short: what is wrong and at which key. Whoever knows more
(the file, the line, the column) adds it on the way out.
"""

from __future__ import annotations

from collections.abc import Sequence

Path = tuple[str | int, ...]
"""Where a value stands in a problem: keys and list positions, as in ``("filter", 0, 1)``."""


def spell(path: Sequence[str | int]) -> str:
    """The path as the documentation writes it.

    >>> spell(("filter", 0, 1)), spell(("stop", "iterations")), spell(("sizes", 2, "rows"))
    ('filter[0,1]', 'stop.iterations', 'sizes[2].rows')
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text = f"{text[:-1]},{step}]" if text.endswith("]") else f"{text}[{step}]"
        else:
            text = f"{text}.{step}" if text else step
    return text


class ConvstepError(Exception):
    """What a user can mend; it reads as one line and never needs a traceback."""


class UsageError(ConvstepError):
    """A command line, or an argument of the library, that asks for something impossible."""


class ProblemError(ConvstepError):
    """A problem that cannot be run as it stands.

    Attributes:
        message: What was found, what was expected, and what to do.
        path: The key at fault, ``()`` for the file as a whole.
        at_key: Whether the key itself is at fault (an unknown key), not its value.
        file, line, column: Where it stands, counted from 1; ``None`` where that is not known.
        names_key: Whether `file` is a setting that names the key already, so that once is enough.
    """

    def __init__(
        self,
        message: str,
        path: Path = (),
        *,
        at_key: bool = False,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.at_key = at_key
        self.file = file
        self.line = line
        self.column = column
        self.names_key = False

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        key = "" if self.names_key else spell(self.path)
        return ": ".join(part for part in (place, key, self.message) if part)
