"""YAML text to plain data, by the rules of YAML 1.2 and within limits.

PyYAML's loaders read YAML 1.1 (``1e-3`` is text, ``1:30`` is 90, a duplicate key passes), so only its parser
is used: the events it reports, each with its place in the text, are put together here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from convstep.errors import Path, ProblemError
from convstep.problem import limits
from convstep.problem.plain_scalars import as_float, as_integer, plain, written
from convstep.words import counted, quoted, visible

TAG = "tag:yaml.org,2002:"


def read_yaml(text: str, *, as_written: bool = False) -> Any:
    """The one document of a YAML text as plain data; ``None`` for a text without one.

    >>> read_yaml("rate: 1e-3\\nfilter: [[1, yes]]")
    {'rate': 0.001, 'filter': [[1, 'yes']]}

    Args:
        text: The text.
        as_written: Whether decimals are kept as the text they are written with.

    Raises:
        ProblemError: With the line and column at fault.
    """
    builder = _Builder(written if as_written else plain)
    for event in events(text):
        builder.take(event)
    return builder.document


def events(text: str) -> Iterator[Any]:
    """PyYAML's parser events, one by one; its complaints in plain words."""
    # Imported here: a problem in JSON never needs it, and it is slow to load.
    import yaml

    from convstep.problem.yaml_complaints import complaint

    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise complaint(error, text) from None
    except UnicodeEncodeError:
        raise ProblemError("not text: it holds half of a surrogate pair") from None


class _Open:
    """A list or mapping whose end has not been read yet.

    Attributes:
        value: What it holds so far.
        anchor: The name that aliases may call it by.
        values_before: How many values had been read when it began.
        key: In a mapping, the key that waits for its value.
    """

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None, values_before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.values_before = values_before
        self.key: str | None = None


class _Builder:
    """Puts events together.

    Attributes:
        document: The document's value, once it has been read.
        documents: How many documents have begun.
        values: How many values there are so far, aliases expanded.
        stack: The lists and mappings around the next event, outermost first.
        anchors: By name, a value and how many values it expands to.
        read: What an unquoted scalar means.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read
        self.document: Any = None
        self.documents = 0
        self.values = 0
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.handlers: dict[str, Callable[[Any], None]] = {
            "ScalarEvent": self.scalar,
            "SequenceStartEvent": self.begin,
            "MappingStartEvent": self.begin,
            "SequenceEndEvent": self.end,
            "MappingEndEvent": self.end,
            "AliasEvent": self.alias,
            "DocumentStartEvent": self.begin_document,
        }

    def take(self, event: Any) -> None:
        """Adds what the event reports."""
        handler = self.handlers.get(type(event).__name__)
        if handler is not None:
            handler(event)

    def begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self.error("a second document begins here; a file holds one problem", event)

    def scalar(self, event: Any) -> None:
        if self.awaits_key:
            self.key(event)
            return
        # Nearly all scalars of a large file are unquoted numbers: they take the short way.
        value = self.read(event.value) if event.tag is None and event.implicit[0] else self.scalar_value(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, 1
        self.add(value, 1, event)

    def key(self, event: Any) -> None:
        """Notes the key; the event after it brings its value."""
        top = self.stack[-1]
        if event.value in top.value:
            top.key = event.value
            raise self.error("duplicate key; it stands above already", event, at_key=True)
        if event.tag not in (None, "!", TAG + "str"):
            raise self.error(f"expected a key without a tag, found {_spelled_tag(event.tag)}", event)
        if event.anchor is not None:
            self.anchors[event.anchor] = event.value, 1
        top.key = event.value

    def begin(self, event: Any) -> None:
        if self.awaits_key:
            raise self.error("expected text as a key, found a list or mapping", event)
        if len(self.stack) >= limits.DEPTH:
            raise self.error(f"nested more than {limits.DEPTH} deep", event, path=())
        is_list = type(event).__name__ == "SequenceStartEvent"
        if event.tag not in (None, "!", TAG + ("seq" if is_list else "map")):
            raise self.error(_refused_tag(event.tag), event)
        self.stack.append(_Open([] if is_list else {}, event.anchor, self.values))

    def end(self, event: Any) -> None:
        closed = self.stack.pop()
        size = 1 + self.values - closed.values_before
        if closed.anchor is not None:
            self.anchors[closed.anchor] = closed.value, size
        # What it holds has been counted already.
        self.add(closed.value, 1, event)

    def alias(self, event: Any) -> None:
        if self.awaits_key:
            raise self.error("expected text as a key, found an alias", event)
        if any(level.anchor == event.anchor for level in self.stack):
            raise self.error(f"*{visible(event.anchor)} stands inside of what it stands for", event)
        if event.anchor not in self.anchors:
            raise self.error(f"*{visible(event.anchor)} stands for nothing: there is no &{event.anchor} above", event)
        self.add(*self.anchors[event.anchor], event)

    def add(self, value: Any, size: int, event: Any) -> None:
        """Puts a finished value where it belongs."""
        self.values += size
        if self.values > limits.YAML_VALUES:
            many = counted(limits.YAML_VALUES, "value")
            raise self.error(f"more than {many}, aliases expanded; {limits.ADVICE}", event, path=())
        if not self.stack:
            self.document = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            top.value[top.key] = value
            top.key = None

    @property
    def awaits_key(self) -> bool:
        """Whether the next value is a key."""
        if not self.stack:
            return False
        top = self.stack[-1]
        return top.key is None and type(top.value) is dict

    def scalar_value(self, event: Any) -> Any:
        """The value of a scalar in quotes or with a tag."""
        if event.tag is None:
            return event.value
        read = _TAGGED.get(event.tag)
        if read is None:
            raise self.error(_refused_tag(event.tag), event)
        try:
            return read(event.value)
        except ValueError:
            raise self.error(f"{_spelled_tag(event.tag)} cannot be {quoted(event.value)}", event) from None

    def error(self, message: str, event: Any, *, path: Path | None = None, at_key: bool = False) -> ProblemError:
        mark = event.start_mark
        place = self.path if path is None else path
        return ProblemError(message, place, at_key=at_key, line=mark.line + 1, column=mark.column + 1)

    @property
    def path(self) -> Path:
        """The keys and positions that lead to the next value."""
        steps = [len(level.value) if isinstance(level.value, list) else level.key for level in self.stack]
        return tuple(visible(step) if isinstance(step, str) else step for step in steps if step is not None)


def _tagged(*kinds: type) -> Callable[[str], Any]:
    """A reader of plain scalars that accepts no other kinds."""

    def read(text: str) -> Any:
        value = plain(text)
        if type(value) not in kinds:
            raise ValueError
        return value

    return read


def _tagged_float(text: str) -> float:
    value = as_float(text)
    if value is None:
        raise ValueError
    return value


def _tagged_integer(text: str) -> int | float:
    value = as_integer(text)
    if value is None:
        raise ValueError
    return value


_TAGGED: dict[str, Callable[[str], Any]] = {
    "!": str,
    TAG + "str": str,
    TAG + "int": _tagged_integer,
    TAG + "float": _tagged_float,
    TAG + "bool": _tagged(bool),
    TAG + "null": _tagged(type(None)),
}


def _refused_tag(tag: str) -> str:
    return f"the tag {_spelled_tag(tag)} is not allowed here; a problem is made of numbers, text, lists and mappings"


def _spelled_tag(tag: str) -> str:
    return visible("!!" + tag.removeprefix(TAG) if tag.startswith(TAG) else tag)
