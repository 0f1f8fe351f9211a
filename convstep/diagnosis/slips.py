"""Single numbers that went wrong: which kind of slip is it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.matching import Verdict
from convstep.diagnosis.result import JudgedCell
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.terms import terms_giving
from convstep.diagnosis.written import Written
from convstep.numbers import cell_text, short

LOST_MINUS, SWAPPED, NEIGHBOUR = "lost-minus", "swapped", "neighbour"
MISSING_TERM, TERM_SIGN, POINT, OTHER = "missing-term", "term-sign", "point", "other"


class _Cells:
    """The slips of one quantity: where, what was written, what it should be."""

    def __init__(self, setting: Setting, name: str, written: Written, verdict: Verdict) -> None:
        own = setting.own_shape(name)
        self.shape = own if written.values.size == int(np.prod(own)) else written.values.shape
        self.given = written.values.reshape(-1)
        self.units = written.units.reshape(-1)
        self.expected = np.array(verdict.expected)
        self.flat = verdict.cells

    def same(self, place: int, number: float) -> bool:
        """Whether the number written in a place is this one, to its digits."""
        allowed = max(self.units[place], 1e-9 * max(1.0, abs(number)))
        return bool(abs(self.given[place] - number) <= allowed * (1.0 + 1e-9))

    def rather(self, place: int, number: float) -> bool:
        """Whether it is this one, and not as near to the one that it should be."""
        nearer = abs(self.given[place] - number) < abs(self.given[place] - self.expected[place])
        return self.same(place, number) and bool(nearer)

    def cell(self, place: int) -> tuple[int, ...]:
        """A place as an index."""
        return tuple(int(i) for i in np.unravel_index(place, self.shape)) if self.shape else ()


def slip_cells(
    setting: Setting, name: str, written: Written, verdict: Verdict, worlds: Sequence[Mapping[str, Array]]
) -> tuple[JudgedCell, ...]:
    """The slips of a quantity, each with its kind.

    Args:
        setting: The exercise.
        name: The quantity.
        written: The learner's numbers.
        verdict: Which cells are slips, and what they should be.
        worlds: The learner's numbers for all stages, as they are and with earlier slips put right, for the terms of
            sums.
    """
    cells = _Cells(setting, name, written, verdict)
    return tuple(_slip(setting, name, cells, place, worlds) for place in cells.flat)


def _slip(setting: Setting, name: str, cells: _Cells, place: int, worlds: Sequence[Mapping[str, Array]]) -> JudgedCell:
    given, expected = float(cells.given[place]), float(cells.expected[place])
    cell = cells.cell(place)

    def told(kind: str, says: str, **more: object) -> JudgedCell:
        return JudgedCell(cell, given, expected, kind, says)._replace(**more)  # type: ignore[arg-type]

    if expected and cells.rather(place, -expected):
        return told(LOST_MINUS, "a lost minus" if expected < 0 else "a minus too many")
    for other in cells.flat:
        if other != place and cells.rather(place, cells.expected[other]) and cells.same(other, expected):
            return told(SWAPPED, f"swapped with {cell_text(cells.cell(other))}", with_cell=cells.cell(other))
    found = _term_slip(setting, name, cells, place, worlds)
    if found is not None:
        kind, says, term = found
        return told(kind, says, term=term)
    for beside in _neighbours(cells.shape, cell):
        if cells.rather(place, cells.expected[int(np.ravel_multi_index(beside, cells.shape))]):
            return told(NEIGHBOUR, f"the number of {cell_text(beside)}, its neighbour", with_cell=beside)
    if expected and any(cells.rather(place, expected * power) for power in (10.0, 0.1, 100.0, 0.01)):
        return told(POINT, "the decimal point in the wrong place")
    return told(OTHER, "")


def _term_slip(
    setting: Setting, name: str, cells: _Cells, place: int, worlds: Sequence[Mapping[str, Array]]
) -> tuple[str, str, int] | None:
    """Whether one term of the sum was left out, or came with the other sign."""
    if cells.shape != setting.own_shape(name):
        return None
    expected = float(cells.expected[place])
    terms = terms_giving(setting, name, place, worlds, expected, float(cells.units[place]))
    for number, term in enumerate(terms):
        if term.value and cells.rather(place, expected - term.value):
            return MISSING_TERM, f"without the term {term.says} = {short(term.value)}", number
    for number, term in enumerate(terms):
        if term.value and cells.rather(place, expected - 2.0 * term.value):
            return TERM_SIGN, f"with the term {term.says} = {short(term.value)} in the other sign", number
    return None


def _neighbours(shape: tuple[int, ...], cell: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The cells beside, above and below."""
    found = []
    for axis in range(max(0, len(shape) - 2), len(shape)):
        for step in (-1, 1):
            other = list(cell)
            other[axis] += step
            if 0 <= other[axis] < shape[axis]:
                found.append(tuple(other))
    return found
