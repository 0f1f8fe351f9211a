"""What is searched for, one level after the other, from what, and what is found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from convstep.arrays import Array
from convstep.diagnosis.evidence import Evidence
from convstep.diagnosis.following import Followed


class TooMuchError(Exception):
    """A level of the search has too many candidates for the size of the problem."""


class Level(NamedTuple):
    """How much is searched for.

    Attributes:
        mistakes: The number of mistakes.
        slips: Whether there may be slips as well.
    """

    mistakes: int
    slips: bool


LEVELS = (Level(1, False), Level(2, False), Level(0, True), Level(3, False), Level(1, True), Level(2, True))
"""The order of trial, after the question whether all is right."""
FEW_LEVELS = LEVELS[:3]
"""What is tried for a part of the numbers, where nothing explains them all."""
MOST_MISTAKES = max(level.mistakes for level in LEVELS)


class Found(NamedTuple):
    """A candidate that has all of the learner's numbers.

    Attributes:
        trails: The ways to it: mistakes (as `Rule`), and what was said of each given quantity.
        slips: How many numbers of it are slips.
        turns: How often the sign changed on the way.
    """

    trails: list[tuple[object, ...]]
    slips: int
    turns: int


class Start(NamedTuple):
    """What is known before any mistake is looked for.

    Attributes:
        followed: How each given quantity was judged leniently.
        values: The learner's numbers for all stages, in every world.
        evidence: What each given quantity says about candidates.
        decimals: The most decimals that any number was written with.
        keys: What the numbers up to each given quantity may be known by; see `keys_along`.
    """

    followed: Mapping[str, Followed]
    values: Mapping[str, Array]
    evidence: Mapping[str, Evidence]
    decimals: int
    keys: Sequence[Hashable]

    @property
    def fails(self) -> bool:
        """Whether there is anything to explain."""
        return any(each.fails for each in self.followed.values())
