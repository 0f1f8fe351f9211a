"""What the answer to "why?" is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """Something that was found out, and the numbers that show it.

    Attributes:
        id: Its name for programs, ``rate-above-limit`` and the like.
        says: One or two sentences.
        values: The evidence, as plain data.
    """

    id: str
    says: str
    values: Mapping[str, Any]


class Trial(NamedTuple):
    """How a run ended that was tried.

    Attributes:
        status: Its status.
        iterations: How many it took.
        loss: The loss at its end.
    """

    status: str
    iterations: int
    loss: float


class Advice(NamedTuple):
    """What to change, and what happened when it was changed.

    Attributes:
        says: One sentence.
        set: The keys to set, as ``--set`` takes them.
        tried: How the run with them ended.
    """

    says: str
    set: Mapping[str, Any]
    tried: Trial


class Reasons(NamedTuple):
    """The whole answer.

    Attributes:
        status: The status of the run.
        iterations: How many it took.
        facts: The most telling first.
        advice: At most three pieces, the best first.
    """

    status: str
    iterations: int
    facts: tuple[Fact, ...]
    advice: tuple[Advice, ...]
