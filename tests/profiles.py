"""How many examples the tests that fuzz draw: few in the suite, the same every time; as many as wanted on demand."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("CONVSTEP_FUZZ", "0"))
"""How many times as many examples as in the suite, drawn anew each time."""


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """Draws so many examples in the suite, or CONVSTEP_FUZZ times as many."""
    return settings(
        max_examples=examples * max(1, FACTOR),
        derandomize=not FACTOR,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
