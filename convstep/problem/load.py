"""From a file, or data, to a checked problem; an error leaves here with its file, line and column."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from convstep.errors import Path, ProblemError
from convstep.problem.checks import check
from convstep.problem.checks_numbers import is_list
from convstep.problem.model import Problem
from convstep.problem.overrides import KEY, parse, put, steps
from convstep.problem.reader import Source, as_written, read_source, read_text
from convstep.problem.trace_head import is_trace, problem_of
from convstep.words import quoted, visible

Overrides = Mapping[str, Any] | Sequence[str]


class Change(NamedTuple):
    """A setting.

    Attributes:
        name: Its name in messages.
        path: The key that it sets, as messages show it.
        make: Gives the data with the setting made.
    """

    name: str
    path: Path
    make: Callable[[Mapping[str, Any]], Mapping[str, Any]]

    def blame(self, error: ProblemError) -> None:
        """Adds to an error that it comes from here."""
        error.file = self.name
        error.names_key = error.path == self.path


def load(source: str | os.PathLike[str] | Mapping[str, Any], overrides: Overrides = ()) -> Problem:
    """The problem that a file, standard input or a mapping describes.

    >>> problem = load({"input": [[1, 2], [3, 4]], "filter": [[1, 1]]}, {"padding": [0, 1]})
    >>> problem.output_shape
    (2, 3)

    Args:
        source: The path of a problem file or a trace, ``-`` for standard input, or the keys of a problem,
            whose arrays may be NumPy's.
        overrides: What to change first: ``{"learning_rate": 0.1, "filter[0,1]": 2}``, or the same as
            ``["learning_rate=0.1", "filter[0,1]=2"]``. ``None`` takes a key away.

    Raises:
        ProblemError: In one line what is wrong with it, and where.
    """
    if isinstance(source, Mapping):
        return _checked(problem_of(source) if is_trace(source) else source, overrides, None)
    found = read_source(source)
    return _checked(found.data, overrides, found)


def read_problem(name: str, settings: Sequence[str] = (), text: str | None = None) -> tuple[Problem, Source]:
    """The problem of a file (``-``: standard input), and the file as it was read.

    Args:
        name: The path as the user gave it.
        settings: ``KEY=VALUE``, as ``--set`` takes them.
        text: What standard input held, where it has been read before.

    Raises:
        ProblemError: In one line what is wrong, and where.
    """
    source = read_source(name) if text is None else read_text(text)
    return problem_from(source, settings), source


def problem_from(source: Source, settings: Sequence[str] = ()) -> Problem:
    """The problem of a file that has been read.

    Raises:
        ProblemError: In one line what is wrong, and where.
    """
    return _checked(source.data, settings, source)


def _changes(overrides: Overrides, *, as_written: bool = False) -> list[Change]:
    if isinstance(overrides, Mapping):
        return [_change_by_value(key, value) for key, value in overrides.items()]
    if not is_list(overrides):
        raise ProblemError(f"expected overrides as a mapping or a list of KEY=VALUE, found {quoted(overrides)}")
    return [_change_by_text(setting, as_written) for setting in overrides]


def _change_by_text(setting: str, as_written: bool) -> Change:
    if not isinstance(setting, str):
        raise ProblemError(f"expected each override as KEY=VALUE, found {quoted(setting)}")
    name = f"--set {visible(setting, longest=80)}"
    try:
        path, value = parse(setting, as_written=as_written)
    except ProblemError as error:
        error.file = name
        error.names_key = bool(error.path) and error.path == _shown(steps(setting.partition("=")[0]))
        raise
    return Change(name, _shown(path), lambda data: put(data, path, value))


def _shown(path: Path) -> Path:
    """The path as the errors of unknown keys have it."""
    return tuple(visible(step) if isinstance(step, str) else step for step in path)


def _change_by_value(key: str, value: Any) -> Change:
    name = f"override {visible(str(key), longest=80)}"
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise ProblemError("expected a key, as in learning_rate, stop.iterations or filter[0,1]", file=name)
    path = steps(key)
    return Change(name, _shown(path), lambda data: put(data, path, value))


def _checked(data: Mapping[str, Any], overrides: Overrides, source: Source | None) -> Problem:
    """The problem with all changes made; an exact one from the very digits that were written."""
    changes = _changes(overrides)
    problem = _checked_with(data, changes, source)
    if problem.exact is None:
        return problem
    return _checked_with(as_written(source) if source else data, _changes(overrides, as_written=True), source)


def _checked_with(data: Mapping[str, Any], changes: Sequence[Change], source: Source | None) -> Problem:
    """The problem with all changes made; an error knows what is to blame for it."""
    folder = source.folder if source else None
    try:
        return check(_changed(data, changes), folder)
    except ProblemError as error:
        _blame(error, data, changes, source)
        raise


def _changed(data: Mapping[str, Any], changes: Sequence[Change]) -> Mapping[str, Any]:
    for change in changes:
        try:
            data = change.make(data)
        except ProblemError as error:
            change.blame(error)
            raise
    return data


def _blame(error: ProblemError, data: Mapping[str, Any], changes: Sequence[Change], source: Source | None) -> None:
    """Adds where the error comes from: the first setting that brings it about, or a place in the file."""
    if error.file is not None:
        return
    folder = source.folder if source else None
    counts = range(len(changes))
    needed = next((n for n in counts if _same_error(error, _changed(data, changes[:n]), folder)), len(changes))
    if needed > 0:
        changes[needed - 1].blame(error)
    elif source is not None:
        from convstep.problem.locate import locate

        place = locate(source.text, (*source.prefix, *error.path), at_key=error.at_key, is_json=source.is_json)
        error.file = source.name
        error.line, error.column = place or (None, None)


def _same_error(error: ProblemError, data: Mapping[str, Any], folder: str | None) -> bool:
    try:
        check(data, folder)
    except ProblemError as other:
        return (other.message, other.path) == (error.message, error.path)
    return False
