"""When what is said now is what a golden file has."""

from __future__ import annotations

from typing import Any


def is_same(now: Any, before: Any) -> bool:
    """Whether nothing has changed; the fourth digit may, where a number lies in the middle between two."""
    if isinstance(now, dict) and isinstance(before, dict):
        return [*now] == [*before] and all(is_same(now[key], before[key]) for key in now)
    if isinstance(now, list) and isinstance(before, list):
        return len(now) == len(before) and all(map(is_same, now, before))
    if isinstance(now, float) and isinstance(before, (float, int)):
        return abs(now - before) <= 2e-3 * abs(before)
    return bool(now == before)
