"""How many examples the tests that draw their own take: the same ones every time in the suite, so that what it says
depends on the code alone; on demand more, drawn anew, or fewer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

FACTOR = float(os.environ.get("CONVSTEP_FUZZ", "1"))
"""How many times as many examples as in the suite; if more, drawn anew each time."""


def examples(count: int) -> Callable[[Any], Any]:
    """Draws so many examples in the suite, or CONVSTEP_FUZZ times as many."""
    return settings(max_examples=times(count))


def times(count: int) -> int:
    """CONVSTEP_FUZZ times as many, and at least one."""
    return max(1, round(count * FACTOR))


def load() -> None:
    """Makes it the rule for all tests, also for those that do not say how many examples they want; what was set before
    (by the mutation tests, which need no smallest example) stays.
    """
    settings.register_profile(
        "convstep",
        settings.default,
        max_examples=times(100),
        derandomize=FACTOR <= 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("convstep")
