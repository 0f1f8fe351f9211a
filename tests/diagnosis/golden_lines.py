"""Golden files of a JSON object a line: read, written anew on demand, compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "golden"


def golden_lines(request: pytest.FixtureRequest, name: str, make: Callable[[], Iterable[Any]]) -> list[Any]:
    """What a golden file holds; with ``--update-goldens`` it is written first."""
    path = FOLDER / name
    if request.config.getoption("--update-goldens"):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in make())
        path.write_text(text, encoding="utf-8", newline="\n")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def is_same(now: Any, before: Any) -> bool:
    """Whether nothing has changed; the fourth digit may, where a number lies in the middle between two."""
    if isinstance(now, dict) and isinstance(before, dict):
        return [*now] == [*before] and all(is_same(now[key], before[key]) for key in now)
    if isinstance(now, list) and isinstance(before, list):
        return len(now) == len(before) and all(map(is_same, now, before))
    if isinstance(now, float) and isinstance(before, (float, int)):
        return abs(now - before) <= 2e-3 * abs(before)
    return bool(now == before)
