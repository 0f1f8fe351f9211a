"""From a path or standard input to plain data, within limits; nothing here knows what a problem is."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, BinaryIO, NamedTuple, cast

from convstep.errors import Path, ProblemError
from convstep.problem import limits
from convstep.problem.trace_head import FIRST_BYTES, begins_trace, is_trace, problem_of, read_head
from convstep.problem.yaml_text import read_yaml
from convstep.quantities import QUANTITIES
from convstep.words import nearest, quoted, visible

STDIN = "-"
JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
YAML_ENDINGS = (".yaml", ".yml")
MAPPING = "a mapping with input and filter"
BYTE_ORDER_MARK = codecs.BOM_UTF8


class Source(NamedTuple):
    """A file that has been read.

    Attributes:
        name: What to call it in messages: the path as the user gave it, or ``<stdin>``.
        text: Its text. Of a trace in a file only the beginning, of one from standard input all.
        data: The problem's keys.
        is_trace: Whether it is a trace: its text goes on with iterations.
        is_json: Whether the text is JSON; else it is YAML.
        path: Where to read it again; ``None`` for standard input.
        prefix: Where in the text the problem's keys are: ``("problem",)`` in a trace.
        bare: Whether the text is a list of attempts by itself, without the key ``attempt`` above it.
    """

    name: str
    text: str
    data: Mapping[str, Any]
    is_trace: bool
    is_json: bool
    path: str | None
    prefix: Path = ()
    bare: bool = False

    @property
    def folder(self) -> str | None:
        """Where the names of data files begin; ``None`` for the current folder."""
        return os.path.dirname(self.path) if self.path else None


def read_source(source: str | os.PathLike[str], *, attempts: bool = False, expected: str = MAPPING) -> Source:
    """What a file holds, or standard input for ``-``.

    Args:
        source: The file.
        attempts: Whether it may be a list of attempts by itself; its data is then as if that stood below ``attempt``.
        expected: What to ask for where it is empty or holds something else.

    Raises:
        ProblemError: With the file's name, and line and column where they are known.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise ProblemError(f"expected the path of a file, - or a mapping with input and filter, found {quoted(source)}")
    given = os.fspath(source)
    if "\0" in given:
        raise ProblemError("no file can have this name", file=visible(given))
    name = "<stdin>" if given == STDIN else visible(given, longest=1000)
    try:
        with _opened(given) as stream:
            return _read(stream, name, None if given == STDIN else given, attempts, expected)
    except ProblemError as error:
        error.file = name
        raise


def read_text(text: str, name: str = "<stdin>") -> Source:
    """What a text holds that was read from standard input before.

    Raises:
        ProblemError: As `read_source` does.
    """
    try:
        return _read(io.BytesIO(text.encode()), name, None)
    except ProblemError as error:
        error.file = name
        raise


def as_written(source: Source) -> Mapping[str, Any]:
    """The problem's keys read once more, decimals as the text they are written with.

    In a trace they stand for floats, and the shortest that reads back is all there is to them.
    """
    if source.is_trace:
        return source.data
    if not source.is_json:
        return cast("Mapping[str, Any]", read_yaml(source.text, as_written=True))
    from convstep.problem.json_text import read_json

    return cast("Mapping[str, Any]", read_json(source.text, as_written=True))


@contextmanager
def _opened(given: str) -> Iterator[BinaryIO]:
    """The bytes of a file or of standard input; what the system says against it in plain words."""
    try:
        # Standard input stays open: it is not ours.
        with nullcontext(_standard_input()) if given == STDIN else open(given, "rb") as stream:
            yield stream
    except OSError as error:
        raise ProblemError(_refusal(given, error)) from None


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise ProblemError("there is no standard input")
    return getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode())


def _refusal(given: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        meant = _close_name(given)
        return f"no such file; did you mean {visible(meant, longest=200)}?" if meant else "no such file"
    if error.errno == errno.EISDIR or os.path.isdir(given):
        return "a folder; expected a problem file"
    if error.errno == errno.EACCES:
        return "no permission to read it"
    return f"cannot be read: {error.strerror}"


def _close_name(given: str) -> str | None:
    """The file in the same folder whose name, without its ending, is nearest."""
    folder, name = os.path.split(given)
    try:
        names = os.listdir(folder or os.curdir)[:10_000]
    except OSError:
        return None
    by_stem = {os.path.splitext(each)[0].lower().replace("-", "_"): each for each in sorted(names)}
    meant = nearest(os.path.splitext(name)[0], by_stem)
    return os.path.join(folder, by_stem[meant]) if meant else None


def _read(stream: BinaryIO, name: str, path: str | None, attempts: bool = False, expected: str = MAPPING) -> Source:
    first = stream.read(FIRST_BYTES).removeprefix(BYTE_ORDER_MARK)
    _refuse_binary(first)
    if begins_trace(first[:1024].decode("utf-8", "replace")):
        text, document = read_head(stream, first, whole=path is None)
        return _source(name, text, document, True, path)
    rest = stream.read(limits.TEXT_BYTES + 1 - len(first))
    if len(first) + len(rest) > limits.TEXT_BYTES:
        raise ProblemError(f"larger than 64 MiB; {limits.ADVICE}")
    text = _decoded(first + rest)
    data, is_json = _parsed(text, os.path.splitext(path or "")[1].lower())
    if attempts and isinstance(data, list):
        from convstep.problem.written_numbers import with_texts

        keys = with_texts({"attempt": data}, text, (), is_json, bare=True)
        return Source(name, text, keys, False, is_json, path, bare=True)
    return _source(name, text, data, is_json, path, expected)


def _source(name: str, text: str, data: Any, is_json: bool, path: str | None, expected: str = MAPPING) -> Source:
    """The source with its problem's keys, taken out of the trace if it is one."""
    if data is None:
        raise ProblemError(f"empty; expected {expected}")
    try:
        if not isinstance(data, Mapping):
            raise ProblemError(f"expected {expected}, found {quoted(data)}")
        if is_trace(data):
            problem = _with_texts(problem_of(data), text, ("problem",), is_json)
            return Source(name, text, problem, True, is_json, path, ("problem",))
    except ProblemError as error:
        from convstep.problem.locate import locate

        error.line, error.column = locate(text, error.path, is_json=is_json) or (None, None)
        raise
    return Source(name, text, _with_texts(data, text, (), is_json), False, is_json, path)


def _with_texts(data: Mapping[str, Any], text: str, prefix: Path, is_json: bool) -> Mapping[str, Any]:
    """The data, where it holds a learner's numbers with the texts that they were written as."""
    if "attempt" not in data and ("input" in data or not data.keys() & QUANTITIES.keys()):
        return data
    from convstep.problem.written_numbers import with_texts

    return with_texts(data, text, prefix, is_json)


def _refuse_binary(data: bytes) -> None:
    """Refuses what is not UTF-8 text at first sight, and says what it looks like."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ProblemError("text in UTF-16; save it as UTF-8")
    if data.startswith(b"\x93NUMPY"):
        raise ProblemError("a NumPy array, not a problem; name it in a problem file, as in input: numbers.npy")
    if b"\0" in data:
        raise ProblemError("binary data; expected a problem as text, in YAML or JSON")


def _decoded(data: bytes) -> str:
    _refuse_binary(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].rpartition(b"\n")[2].decode("utf-8")
        raise ProblemError(
            f"not UTF-8 text: byte {error.start} is {data[error.start]:#04x}; save the file as UTF-8",
            line=data.count(b"\n", 0, error.start) + 1,
            column=len(before) + 1,
        ) from None


def _parsed(text: str, ending: str) -> tuple[Any, bool]:
    """The text's data, and whether it is JSON: as the ending says, or the first character where it says nothing."""
    if not text.strip():
        return None, False
    if ending in YAML_ENDINGS or (ending not in JSON_ENDINGS and text.lstrip()[0] not in "[{"):
        return read_yaml(text), False
    # Imported here: most problems are YAML, and JSON takes two milliseconds to load.
    from convstep.problem.json_text import read_json

    if ending in JSON_ENDINGS:
        return read_json(text), True
    try:
        return read_json(text), True
    except ProblemError as json_error:
        try:
            return read_yaml(text), False
        except ProblemError:
            raise json_error from None
