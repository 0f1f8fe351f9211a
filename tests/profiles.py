"""How many examples the tests that draw their own take: the same ones every time in the suite, so that what it says
depends on the code alone; on demand as many as wanted, drawn anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("CONVSTEP_FUZZ", "0"))
"""How many times as many examples as in the suite, drawn anew each time."""


def examples(count: int) -> Callable[[Any], Any]:
    """Draws so many examples in the suite, or CONVSTEP_FUZZ times as many."""
    return settings(max_examples=count * max(1, FACTOR))


def load() -> None:
    """Makes it the rule for all tests, also for those that do not say how many examples they want; what was set before
    (by the mutation tests, which need no smallest example) stays.
    """
    settings.register_profile(
        "convstep",
        settings.default,
        max_examples=100 * max(1, FACTOR),
        derandomize=not FACTOR,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("convstep")
