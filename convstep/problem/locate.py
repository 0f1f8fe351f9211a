"""Where a key or value stands in a text. Asked only when something is wrong with it.

The text is walked once more, with a parser that reports places, up to the place asked for and no further.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from convstep.errors import Path, ProblemError
from convstep.problem.json_text import Place, line_and_column
from convstep.words import visible

TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[][{}]|[^\s\[\]{}:,"]+')
"""The parts of a JSON text, commas and colons left out."""

BRACKET_OR_TEXT = re.compile(r'[^][{}"]*+(?:"(?:[^"\\]++|\\.)*+"|[][{}])')
"""Anything up to the next bracket or the end of the next text."""

BRACKETS = frozenset("[]{}")


class Part(NamedTuple):
    """One bracket, scalar or alias of a text.

    Attributes:
        kind: ``[``, ``]``, ``{``, ``}``, or ``.`` for a scalar or alias.
        text: A scalar's text, without quotes.
        place: Its line and column in YAML, its index in JSON.
    """

    kind: str
    text: str
    place: Place | int


def locate(text: str, path: Path, *, at_key: bool = False, is_json: bool = False) -> Place | None:
    """The line and column of the value at a path, or of its key, counted from 1.

    Where the text holds no such value, the place of the nearest one around it.

    >>> locate("input: [[1, 2], [3, oops]]", ("input", 1, 1))
    (1, 21)
    >>> locate('{"stop": {"los": 1}}', ("stop", "los"), at_key=True, is_json=True)
    (1, 11)
    """
    place = _find(_JsonParts(text) if is_json else _YamlParts(text), path, at_key)
    return line_and_column(text, place) if isinstance(place, int) else place


def texts_at(text: str, path: Path, *, is_json: bool = False) -> Any:
    """What stands at a path as nested lists and mappings of the texts themselves; ``None`` where nothing does.

    >>> texts_at("attempt: {error: [[-2, 0.50]]}", ("attempt",))
    {'error': [['-2', '0.50']]}
    """
    parts: _Parts = _JsonParts(text) if is_json else _YamlParts(text)
    try:
        part = next(parts)
        for step in path:
            _, part = _enter(parts, part, step)
        return _texts(parts, part)
    except (LookupError, StopIteration):
        return None


def _texts(parts: _Parts, opening: Part) -> Any:
    """The texts of the value that begins with this part."""
    if opening.kind == "[":
        items = []
        while (part := next(parts)).kind != "]":
            items.append(_texts(parts, part))
        return items
    if opening.kind == "{":
        members = {}
        while (part := next(parts)).kind != "}":
            members[part.text] = _texts(parts, next(parts))
        return members
    return opening.text


def duplicate_key(text: str) -> ProblemError:
    """The error for the first key of a JSON text that stands in its mapping for the second time."""
    message = "duplicate key; it stands above already"
    parts = _JsonParts(text)
    try:
        found = _second_key(parts, next(parts), ())
    except RecursionError:
        found = None
    if found is None:
        return ProblemError("a key stands twice in one mapping")
    path, index = found
    line, column = line_and_column(text, index)
    return ProblemError(message, path, at_key=True, line=line, column=column)


def _second_key(parts: _Parts, opening: Part, path: Path) -> tuple[Path, int] | None:
    """The path and index of the first repeated key in the list or mapping that has just been opened."""
    seen: set[str] = set()
    for position, part in enumerate(parts):
        if part.kind in "]}":
            return None
        step: str | int = position
        if opening.kind == "{":
            step = visible(part.text)
            if part.text in seen:
                assert isinstance(part.place, int)
                return (*path, step), part.place
            seen.add(part.text)
            part = next(parts)
        if part.kind in "[{":
            found = _second_key(parts, part, (*path, step))
            if found is not None:
                return found
    return None


def _find(parts: _Parts, path: Path, at_key: bool) -> Place | int | None:
    """The place of the value at a path, of its key, or of the nearest value around it."""
    place: Place | int | None = None
    try:
        part = next(parts)
        place = part.place
        for step in path:
            key, part = _enter(parts, part, step)
            place = part.place
        if at_key and path:
            place = key.place
    except (LookupError, StopIteration):
        pass
    return place


def _enter(parts: _Parts, opening: Part, step: str | int) -> tuple[Part, Part]:
    """The key and value that one step leads to, from the list or mapping that has just been opened.

    Raises:
        LookupError: There is no such key or position.
    """
    if opening.kind != ("{" if isinstance(step, str) else "["):
        raise LookupError
    position = 0
    while (key := next(parts)).kind not in "]}":
        value = next(parts) if opening.kind == "{" else key
        if step == position or (opening.kind == "{" and step in (key.text, visible(key.text))):
            return key, value
        if value.kind in "[{":
            parts.skip()
        position += 1
    raise LookupError


class _Parts:
    """The parts of a text, one after the other."""

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        raise NotImplementedError

    def skip(self) -> None:
        """Goes behind the end of the list or mapping that has just been opened."""
        depth = 1
        while depth:
            kind = next(self).kind
            depth += (kind in "[{") - (kind in "]}")


class _JsonParts(_Parts):
    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0

    def __next__(self) -> Part:
        match = TOKEN.search(self.text, self.index)
        if match is None:
            raise StopIteration
        self.index = match.end()
        token = match[0]
        if token in BRACKETS:
            return Part(token, "", match.start())
        return Part(".", _unquoted(token), match.start())

    def skip(self) -> None:
        # Much faster than part by part: what lies between brackets and texts is passed over at once.
        depth = 1
        while depth:
            match = BRACKET_OR_TEXT.match(self.text, self.index)
            if match is None:
                raise StopIteration
            self.index = match.end()
            end = self.text[self.index - 1]
            depth += (end in "[{") - (end in "]}")


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    return str(json.loads(token)) if "\\" in token else token[1:-1]


_YAML_KINDS = {
    "SequenceStartEvent": "[",
    "SequenceEndEvent": "]",
    "MappingStartEvent": "{",
    "MappingEndEvent": "}",
    "ScalarEvent": ".",
    "AliasEvent": ".",
}


class _YamlParts(_Parts):
    def __init__(self, text: str) -> None:
        from convstep.problem.yaml_text import events

        self.events = (event for event in events(text) if type(event).__name__ in _YAML_KINDS)

    def __next__(self) -> Part:
        event = next(self.events)
        mark = event.start_mark
        kind = _YAML_KINDS[type(event).__name__]
        return Part(kind, getattr(event, "value", ""), (mark.line + 1, mark.column + 1))
