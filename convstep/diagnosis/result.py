"""What a diagnosis says, as data that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from convstep.arrays import Array
from convstep.diagnosis.simulation import same


class JudgedCell(NamedTuple):
    """One number that is not what it should be.

    Attributes:
        cell: Where it stands.
        given, expected: The learner's number, and what follows from the learner's own numbers before it.
        kind: Of a slip: ``lost-minus``, ``swapped``, ``neighbour``, ``missing-term``, ``term-sign``, ``lost-digit`` or
            ``other``; ``None`` for a number that is wrong by a mistake.
        says: A slip in words.
        with_cell: The cell that it was swapped with or taken from.
        term: The term of its sum that is missing or has the wrong sign, counted from 0.
    """

    cell: tuple[int, ...]
    given: float
    expected: float
    kind: str | None = None
    says: str = ""
    with_cell: tuple[int, ...] | None = None
    term: int | None = None


class JudgedQuantity(NamedTuple):
    """One of the learner's quantities.

    Attributes:
        name: Which one.
        status: ``right``, ``follows``, ``convention``, ``slip`` or ``wrong``.
        given: The learner's numbers in the shape that they were given; NaN where a cell was left open.
        expected: The right numbers.
        follows: What follows from the learner's own numbers before; the same array where that is the right one.
        id: The convention's id, or the mistake's where there is one only.
        cells: The numbers that are slips or wrong.
        nothing: Whether it follows from zeros alone: it is not wrong, and shows nothing.
        by_rounding: Whether it is right, and off by more than its own last digit, as rounding before it can make it.
    """

    name: str
    status: str
    given: Array
    expected: Array
    follows: Array
    id: str | None
    cells: tuple[JudgedCell, ...]
    nothing: bool
    by_rounding: bool

    @property
    def follows_differs(self) -> bool:
        """Whether what follows from the learner's own numbers is not what is right."""
        return not same(self.follows, self.expected)


class ToldMistake(NamedTuple):
    """A mistake that was found.

    Attributes:
        id: As in the catalogue.
        at: The first given quantity that shows it.
        says: What was done, with the learner's numbers.
        instead: What to do instead.
        few: Whether so few numbers speak for it that chance may do so too.
    """

    id: str
    at: str
    says: str
    instead: str
    few: bool


class Separation(NamedTuple):
    """What would tell a tie apart.

    Attributes:
        name: The quantity to give.
        predictions: For each set of mistakes, the ids joined by ``+``, what the quantity would be.
    """

    name: str
    predictions: Mapping[str, Array]


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What a learner's numbers show.

    Attributes:
        iteration: Which iteration the numbers are for.
        verdict: ``right``, ``slip``, ``wrong`` or ``unexplained``.
        first_wrong: The first quantity that is wrong or holds a slip, in the order of the calculation.
        quantities: Those that were given, in that order.
        explanations: Every smallest set of mistakes that gives the learner's numbers: one is certain, several are a
            tie, none means right, slip or unexplained.
        reading, ways: The learner's numbers as they were judged, and how each explanation comes to them: for those
            who ask further.
        so_far: Where nothing explains everything, what explains the quantities before the first that nothing explains.
        looked_for: How many mistakes at a time were looked for; fewer than three where the problem is too large.
    """

    iteration: int
    verdict: str
    first_wrong: str | None
    quantities: tuple[JudgedQuantity, ...]
    explanations: tuple[tuple[ToldMistake, ...], ...]
    reading: Any
    ways: tuple[Any, ...]
    looked_for: int
    so_far: tuple[tuple[ToldMistake, ...], ...] = ()

    def __repr__(self) -> str:
        sets = " or ".join("+".join(each.id for each in one) for one in self.explanations)
        return f"<Diagnosis: {self.verdict}{f', {sets}' if sets else ''}>"

    def __getitem__(self, name: str) -> JudgedQuantity:
        return next(each for each in self.quantities if each.name == name)

    @property
    def conventions(self) -> tuple[str, ...]:
        """The conventions that the learner uses, each once."""
        return tuple(dict.fromkeys(each.id for each in self.quantities if each.status == "convention" and each.id))

    @cached_property
    def separation(self) -> Separation | None:
        """After a tie, the one quantity that would settle it, with what each set of mistakes predicts for it."""
        if len(self.explanations) < 2:
            return None
        from convstep.diagnosis.separating import separation

        ways = [("+".join(way.ids), way.rules, way.turned) for way in self.ways]
        return separation(self.reading.setting, ways, self.reading.written)
