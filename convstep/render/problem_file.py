"""A problem as a file that people can read and edit: YAML or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from convstep.numbers import exact
from convstep.problem.document import to_document
from convstep.problem.model import Problem
from convstep.render.json import text_of


def json_text(problem: Problem) -> str:
    """The problem as JSON, a key a line.

    >>> import convstep
    >>> print(json_text(convstep.load({"input": [[1]], "filter": [[2]]})).splitlines()[1])
    "input": [[1]],
    """
    members = [f"{json.dumps(key)}: {text_of(value)}" for key, value in to_document(problem).items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def yaml_text(problem: Problem, comment: str = "") -> str:
    """The problem as YAML, a row of a matrix a line.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, 2], [3, 4]], "filter": [[0.5]], "title": "Small"})
    >>> print("\\n".join(yaml_text(problem).splitlines()[:6]))
    title: "Small"
    input:
      - [1, 2]
      - [3, 4]
    filter:
      - [0.5]

    Args:
        problem: The problem.
        comment: Stands in its first line.
    """
    return (f"# {comment}\n" if comment else "") + document_yaml(to_document(problem))


def document_yaml(document: Mapping[str, Any]) -> str:
    """The keys of a problem as YAML, a row of a matrix a line."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], list):
            lines += [f"{key}:", *(f"  - {_flow(row)}" for row in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """Plain data on one line: JSON but for its text, which is YAML's in double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_key(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value) if value is None or isinstance(value, (str, int)) else exact(value)


def _flow_key(key: str) -> str:
    return key if key.isidentifier() else quoted(key)


def quoted(text: str) -> str:
    """Text in YAML's double quotes; what cannot be seen is escaped, half a surrogate pair replaced.

    >>> print(quoted('say "no"\\n'))
    "say \\"no\\"\\u000A"
    """
    plain = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    plain = plain.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else _escape(ord(one)) for one in plain) + '"'


def _escape(code: int) -> str:
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
