"""The beginning of a trace: its problem, without reading the iterations behind it, which may take gigabytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.words import quoted, visible

FORMAT = "convstep-trace"
VERSION = 1

HEAD = re.compile(
    r"\s*\{(?:\s*\"(?:type|version|partial)\"\s*:\s*(?:\"\w*\"|\w+)\s*,)*\s*\"format\"\s*:\s*\"" + FORMAT + r"\""
)
"""How a trace of either kind begins."""

KEY = re.compile(r'[\s,]*"([^"\\]*)"\s*:\s*')
FIRST_BYTES = 64 * 1024


def begins_trace(text: str) -> bool:
    """Whether a text that begins like this is a trace.

    >>> begins_trace('{"type": "problem", "format": "convstep-trace", "version": 1, "problem"')
    True
    """
    return HEAD.match(text) is not None


def read_head(stream: BinaryIO, first: bytes, whole: bool) -> tuple[str, Mapping[str, Any]]:
    """The text of a trace up to its problem or beyond, and the keys that were read from it.

    Args:
        stream: What follows the first bytes.
        first: The first bytes.
        whole: Whether to read to the end: what comes from standard input cannot be read again.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(first)
        while True:
            members, failure = _members(text)
            if {"problem", "version"} <= members.keys():
                return text + (decoder.decode(stream.read(), final=True) if whole else ""), members
            # Twice as much each time, so that starting over costs no more than reading once.
            more = decoder.decode(stream.read(len(text)))
            if not more and failure is not None:
                raise failure
            if not more:
                return text, members
            if len(text) > limits.TEXT_BYTES:
                raise ProblemError("a trace whose problem is not within its first 64 MiB")
            text += more
    except UnicodeDecodeError:
        raise ProblemError("a trace that is not UTF-8 text") from None


def _members(text: str) -> tuple[dict[str, Any], ProblemError | None]:
    """The keys of the outermost mapping that can be read to their end, and what stopped the reading."""
    from convstep.problem.json_text import decode

    members: dict[str, Any] = {}
    index = text.index("{") + 1
    while not {"problem", "version"} <= members.keys() and (key := KEY.match(text, index)):
        try:
            value, index = decode(text, key.end())
        except ProblemError as failure:
            return members, failure
        if not text[index:].lstrip()[:1]:
            # A number at the end of what has been read may go on.
            break
        members[key[1]] = value
    return members, None


def problem_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The problem that a trace's first keys hold."""
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        message = f"a trace of version {quoted(version)}; this convstep reads version {VERSION}"
        raise ProblemError(message, ("version",))
    problem = document.get("problem")
    if not isinstance(problem, Mapping):
        raise ProblemError(f"expected a mapping, found {quoted(problem)}", ("problem",))
    return problem


def is_trace(data: Mapping[str, Any]) -> bool:
    """Whether a document is a trace.

    Raises:
        ProblemError: It is another of convstep's documents, which hold no problem.
    """
    kind = data.get("format")
    if isinstance(kind, str) and kind.startswith("convstep-") and kind != FORMAT:
        raise ProblemError(
            f"a {visible(kind)} document holds no problem; expected a problem file or a trace", ("format",)
        )
    return kind == FORMAT
