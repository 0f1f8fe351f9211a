"""JSON text to plain data, within limits; what is wrong with it in plain words.

NaN and infinities pass here: wherever a number may stand, the checks refuse them and name the key.
"""

from __future__ import annotations

import json
import math
from typing import Any

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.words import visible

Place = tuple[int, int]


class DuplicateKeyError(Exception):
    """A key stands twice in one mapping; which one is all that the decoder knows."""


def read_json(text: str, *, as_written: bool = False) -> Any:
    """The value that a JSON text holds.

    >>> read_json('{"filter": [[1, -0.5]]}')
    {'filter': [[1, -0.5]]}

    Args:
        text: The text.
        as_written: Whether decimals are kept as the text they are written with.

    Raises:
        ProblemError: With the line and column at fault.
    """
    start = len(text) - len(text.lstrip(" \t\n\r"))
    value, end = WRITTEN_DECODER.raw_decode(text, start) if as_written else decode(text, start)
    rest = text[end:].lstrip(" \t\n\r")
    if rest:
        place = line_and_column(text, len(text) - len(rest))
        raise _not_json(f"the text goes on after the end, with {visible(rest, 10)}", place)
    return value


def decode(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at an index of the text, and the index behind it.

    Raises:
        ProblemError: With the line and column at fault.
    """
    refuse_bombs(text)
    try:
        return _decode(text, start)
    except json.JSONDecodeError as error:
        raise complaint(error) from None
    except DuplicateKeyError:
        from convstep.problem.locate import duplicate_key

        raise duplicate_key(text) from None
    except RecursionError:
        raise ProblemError(f"nested too deeply, more than {limits.DEPTH} lists in each other") from None


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        return DECODER.raw_decode(text, start)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # An integer of more digits than Python reads. The slower decoder knows what to do with it.
        return PATIENT_DECODER.raw_decode(text, start)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise DuplicateKeyError
    return mapping


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 4300 else math.copysign(math.inf, -1 if digits.startswith("-") else 1)


DECODER = json.JSONDecoder(object_pairs_hook=_unique)
PATIENT_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)
WRITTEN_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=str)
"""For texts that another decoder has read before."""


def refuse_bombs(text: str) -> None:
    """Refuses a text whose data would take far more memory than the text does."""
    containers = text.count("[") + text.count("{") + text.count(":")
    if containers > limits.CONTAINERS:
        raise ProblemError(f"more than {limits.CONTAINERS} lists and keys; {limits.ADVICE}")
    if text.count(",") > limits.JSON_VALUES:
        raise ProblemError(f"more than {limits.JSON_VALUES} values; {limits.ADVICE}")


def line_and_column(text: str, index: int) -> Place:
    """Where an index of the text is, counted from 1.

    >>> line_and_column("ab\\ncd", 4)
    (2, 2)
    """
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def complaint(error: json.JSONDecodeError) -> ProblemError:
    """The decoder's error as one line, with its place in the text."""
    text, index = error.doc, error.pos
    comma = _trailing_comma(text, index)
    if comma is not None:
        return _not_json("a comma with nothing behind it; take it away", line_and_column(text, comma))
    place = line_and_column(text, index)
    if "string" in error.msg:
        return _not_json("the text in quotes that begins here has no end", place)
    found = visible(text[index : index + 1]) or "the end of the text"
    if "control character" in error.msg:
        return _not_json(rf"the control character {found} inside of quotes; write it as \n, \t or \u0000", place)
    if "escape" in error.msg:
        return _not_json(r"unknown escape after \; write \\ for the sign itself", place)
    return _not_json(f"expected {_expected(error.msg)}, found {found}{_hint(found)}", place)


def _trailing_comma(text: str, index: int) -> int | None:
    """The index of a comma directly before ] or }; the decoder reports one or the other, as it is old or new."""
    rest = text[index : index + 1]
    before = text[:index].rstrip(" \t\n\r") if rest in ("]", "}") else ""
    if before.endswith(","):
        return len(before) - 1
    return index if rest == "," and text[index + 1 :].lstrip(" \t\n\r")[:1] in ("]", "}") else None


def _expected(message: str) -> str:
    for part, words in (
        ("property name", 'a key in double quotes, as in "input"'),
        ("':'", "a colon after the key"),
        ("','", "a comma or the end of the list or mapping"),
    ):
        if part in message:
            return words
    return "a value"


def _hint(found: str) -> str:
    return {
        "'": " (JSON's quotes are double)",
        "#": " (JSON has no comments, YAML has)",
        "/": " (JSON has no comments, YAML has)",
        ".": " (a number begins with a digit, as in 0.5)",
        "+": " (a positive number has no sign)",
    }.get(found, "")


def _not_json(words: str, place: Place) -> ProblemError:
    return ProblemError(f"not readable as JSON: {words}", line=place[0], column=place[1])
