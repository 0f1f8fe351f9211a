"""Settings from outside the problem file, as ``--set learning_rate=0.1`` gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from convstep.errors import Path, ProblemError
from convstep.problem.checks_numbers import is_list
from convstep.problem.plain_scalars import plain, written
from convstep.words import counted, quoted, visible

KEY = re.compile(r"[^.=\[\]\s]+(?:\.[^.=\[\]\s]+|\[\s*\d{1,18}\s*(?:,\s*\d{1,18}\s*)*\])*")
STEP = re.compile(r"[^.\[\],\s]+|\[|\]")
WORD = re.compile(r"[\w+./-]*")
"""A value that has no syntax of YAML in it."""

CHOICES = ("activation", "loss", "optimizer")
"""The keys that hold a name, or a name with its parameters."""


def apply(data: Mapping[str, Any], settings: Sequence[str]) -> Mapping[str, Any]:
    """The data with each setting made; the data itself stays as it is.

    >>> apply({"filter": [[1, 2]], "stop": {"loss": 0}}, ["filter[0,1]=5", "stop.loss=", "activation=linear"])
    {'filter': [[1, 5]], 'stop': {}, 'activation': 'linear'}

    Args:
        data: The keys of a problem file.
        settings: Each ``KEY=VALUE``, the value as in YAML; no value takes the key away.

    Raises:
        ProblemError: A setting that cannot be read, or that does not fit the data.
    """
    for setting in settings:
        path, value = parse(setting)
        data = put(data, path, value)
    return data


def parse(setting: str, *, as_written: bool = False) -> tuple[Path, Any]:
    """The path and the value of ``KEY=VALUE``.

    >>> parse("filter[0][1]=1e-3"), parse("optimizer.sgd.momentum=0.9")
    ((('filter', 0, 1), 0.001), (('optimizer', 'sgd', 'momentum'), 0.9))

    Args:
        setting: The setting.
        as_written: Whether decimals are kept as the text they are written with.
    """
    key, equals, text = setting.partition("=")
    if not equals or not KEY.fullmatch(key.strip()):
        raise ProblemError("expected KEY=VALUE, as in learning_rate=0.1, stop.iterations=50 or filter[0,1]=2")
    path = steps(key.strip())
    try:
        return path, _value(text, as_written)
    except ProblemError as error:
        # Where in the value it stands helps nobody: the whole setting is repeated with the error.
        raise ProblemError(error.message, (*path, *error.path)) from None


def steps(key: str) -> Path:
    """The keys and positions that a key spells: positions stand in brackets."""
    steps: list[str | int] = []
    inside = False
    for part in STEP.findall(key):
        if part in ("[", "]"):
            inside = part == "["
        else:
            steps.append(int(part) if inside else part)
    return tuple(steps)


def _value(text: str, as_written: bool) -> Any:
    """The value of a setting. JSON and single words come first: they need no YAML, which is slow to load."""
    if WORD.fullmatch(text):
        return written(text) if as_written else plain(text)
    from convstep.problem.json_text import read_json

    try:
        return read_json(text, as_written=as_written)
    except ProblemError:
        from convstep.problem.yaml_text import read_yaml

        return read_yaml(text, as_written=as_written)


def put(data: Mapping[str, Any], path: Path, value: Any) -> Mapping[str, Any]:
    """The data with one value replaced, added, or (``None``) taken away."""
    result: Mapping[str, Any] = _put(data, path, 0, value)
    return result


def _put(container: Any, path: Path, depth: int, value: Any) -> Any:
    """The container with what the path's steps from `depth` on lead to replaced."""
    if depth == len(path):
        return value
    step = path[depth]
    if isinstance(step, int):
        return _put_at(container, path, depth, value)
    changed = _as_mapping(container, path[:depth], step)
    inner = _put(changed.get(step), path, depth + 1, value)
    if inner is None:
        changed.pop(step, None)
    else:
        changed[step] = inner
    return changed


def _put_at(container: Any, path: Path, depth: int, value: Any) -> list[Any]:
    place, position = path[:depth], path[depth]
    assert isinstance(position, int)
    items = container.tolist() if hasattr(container, "tolist") else container
    if not is_list(items):
        raise ProblemError(_no_position(items, place), place)
    if position >= len(items):
        message = (
            f"there is no position {position}; the list has {counted(len(items), 'entry', 'entries')}, counted from 0"
        )
        raise ProblemError(message, path[: depth + 1])
    changed = list(items)
    changed[position] = _put(changed[position], path, depth + 1, value)
    return changed


def _no_position(found: Any, place: Path) -> str:
    """Why a position cannot be set."""
    if isinstance(found, str) and found.lower().endswith((".npy", ".csv")):
        return f"its numbers are in {visible(found)}; change them there, or set all of {place[0]}"
    if isinstance(found, Mapping):
        return f"its numbers are drawn; set all of {place[0]} to set single ones"
    return f"expected a list, found {quoted(found)}"


def _as_mapping(found: Any, place: Path, step: str) -> dict[str, Any]:
    """What is found at a place, as a mapping that can take the step."""
    if isinstance(found, Mapping):
        is_other_choice = len(place) == 1 and place[0] in CHOICES and step not in found
        return {} if is_other_choice else dict(found)
    if found is None or (isinstance(found, str) and place and place[0] in CHOICES):
        return {}
    raise ProblemError(f"has no key {visible(step)}: it is {quoted(found)}", place)
