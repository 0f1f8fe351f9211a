"""Settings as they are typed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from convstep.numbers import exact

SHORT = {"learning_rate": "--lr", "stop.iterations": "--iters"}


def options(settings: Mapping[str, Any]) -> str:
    """Settings as options of the command line, ready to be copied into a shell.

    >>> options({"learning_rate": 0.1, "activation": "linear", "slope_at_zero": None})
    '--lr 0.1 --set activation=linear --set slope_at_zero='
    >>> print(options({"filter": {"size": 2, "initial": "he"}}))
    --set 'filter={"size": 2, "initial": "he"}'
    """
    return " ".join(_option(key, value) for key, value in settings.items())


def _option(key: str, value: Any) -> str:
    if isinstance(value, float):
        text = exact(value)
    else:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if key in SHORT:
        return f"{SHORT[key]} {typed(text)}"
    return f"--set {typed(f'{key}={text}')}"


def typed(word: str) -> str:
    """A word as it is typed into a shell; control characters are spelled out, so that none reaches a terminal.

    >>> print(typed("it's"), typed("a\x1b[2J"))
    'it'"'"'s' $'a\\u001b[2J'
    """
    if word.isprintable():
        return shlex.quote(word)
    letters = (
        c if c.isprintable() and c not in "'\\" else f"\\U{ord(c):08x}" if ord(c) > 0xFFFF else f"\\u{ord(c):04x}"
        for c in word
    )
    return f"$'{''.join(letters)}'"
