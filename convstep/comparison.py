"""Numbers of another program beside convstep's: equal, or off by something that has a name.

A wrong gradient is seldom random. It has the wrong sign, a factor of another convention, or it was rotated, transposed
or shifted by one; which of these it is says where the mistake was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array, Mask, without_ones
from convstep.errors import ProblemError
from convstep.numbers import cell_text, listing, short
from convstep.problem.model import Problem
from convstep.problem.quantities_file import GivenQuantity
from convstep.quantities import QUANTITIES
from convstep.trace import Step
from convstep.words import counted, spelled_shape

RELATIVE = 1e-6
"""How far a number may be off, as a share of the largest of its quantity, however many digits it has."""
FEWEST = 2
"""From so few numbers other than 0 on, a factor without a name or a shift is taken for more than chance."""


class Relation(NamedTuple):
    """How the given numbers come from the right ones.

    Attributes:
        id: ``sign``, ``factor``, ``rotation``, ``transposition``, ``shift``, ``zero``, ``shape`` or ``unknown``;
            several at once are joined by ``+``.
        says: In words, after the quantity's name.
        factor: Given divided by right, where all numbers have the same.
        shift: [rows, columns] by which the given numbers are moved.
    """

    id: str
    says: str
    factor: float | None = None
    shift: tuple[int, int] | None = None


class Compared(NamedTuple):
    """One quantity, compared.

    Attributes:
        name: The quantity.
        given, expected: The given numbers and convstep's.
        difference: How far they are apart at the most; ``None`` where their shapes differ.
        relations: What may explain it, all equally simple; empty where they agree.
    """

    name: str
    given: Array
    expected: Array
    difference: float | None
    relations: tuple[Relation, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether they agree."""
        return not self.relations


class Comparison(NamedTuple):
    """An iteration's quantities, compared in the order of the calculation.

    Attributes:
        iteration: Which one.
        quantities: Those that were given.
    """

    iteration: int
    quantities: tuple[Compared, ...]

    @property
    def agrees(self) -> bool:
        """Whether all agree."""
        return all(each.agrees for each in self.quantities)

    @property
    def first_wrong(self) -> Compared | None:
        """The first in the order of the calculation that is off: the place to look."""
        return next((each for each in self.quantities if not each.agrees), None)


def compare_quantities(problem: Problem, step: Step, given: Mapping[str, GivenQuantity]) -> Comparison:
    """Compares given quantities of an iteration with convstep's.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]],
    ...                          "target": [[1, 0], [0, 1]], "learning_rate": 0.5})
    >>> mine = {"filter_gradient": GivenQuantity.of([[2, 0], [-2, 2]])}
    >>> compare_quantities(problem, next(convstep.descend(problem)), mine).first_wrong.relations[0].says
    'is rotated by 180°'

    Raises:
        ProblemError: A quantity is given that the iteration does not have.
    """
    for name in given:
        if name not in step:
            raise ProblemError(f"this problem has none; it has {listing(step)}", (name,), at_key=True)
    known = {rated: named_factors(problem, rated=rated) for rated in (True, False)}
    found = [
        compare(name, given[name], step.array(name), known[name not in WITHOUT_RATE])
        for name in QUANTITIES
        if name in given
    ]
    return Comparison(step.iteration, tuple(found))


WITHOUT_RATE = ("pre_activation", "output", "activated_target", "error", "loss")
"""The quantities into which nobody brings the learning rate."""


def named_factors(problem: Problem, *, rated: bool = True) -> dict[float, str]:
    """The factors that have a name in this problem, and how they are spelled; if `rated`, that of the rate too."""
    n, batch = int(np.prod(problem.output_shape)), problem.geometry.batch
    known = [(2.0, "2"), (0.5, "1/2"), (float(n), f"n = {n}"), (1.0 / n, f"1/n, n = {n}")]
    known += [(float(batch), f"the batch's {batch}"), (1.0 / batch, f"1/{batch}, the batch")]
    if rated and problem.learning_rate is not None:
        rate = problem.learning_rate
        known += [(rate, f"the learning rate {short(rate)}"), (1.0 / rate, f"1 / the learning rate {short(rate)}")]
    names: dict[float, str] = {}
    for factor, name in known:
        if factor != 1.0:
            names[factor] = f"{names[factor]}, or {name}" if factor in names else name
    return names


def compare(name: str, given: GivenQuantity, expected: Array, named: Mapping[float, str]) -> Compared:
    """One quantity; leading axes of length 1 may be there or not."""
    values, units = given
    shapes = without_ones(values.shape), without_ones(expected.shape)
    if shapes[0] != shapes[1]:
        return Compared(name, values, expected, None, (_other_shape(given, expected, named),))
    pair = _Given(values.reshape(expected.shape), units.reshape(expected.shape))
    difference = float(np.abs(pair.values - expected)[pair.judged].max(initial=0.0))
    relations = () if pair.matches(expected) else tuple(_relations(pair, expected, named))
    return Compared(name, pair.values, expected, difference, relations)


def _other_shape(given: GivenQuantity, expected: Array, named: Mapping[float, str]) -> Relation:
    """What to say where the shapes differ, with a look at whether it is a transposition."""
    says = f"has shape {spelled_shape(given.values.shape)}, expected {spelled_shape(expected.shape)}"
    turned = expected.swapaxes(-1, -2) if expected.ndim > 1 else expected
    if expected.ndim > 1 and without_ones(given.values.shape) == without_ones(turned.shape):
        found = compare("", given, turned, named)
        if found.agrees:
            return Relation("transposition", f"{says}: it is transposed")
    return Relation("shape", says)


class _Given:
    """Given numbers, and what they match."""

    def __init__(self, values: Array, units: Array) -> None:
        self.values, self.units = values, units
        self.judged: Mask = ~np.isnan(values)

    def matches(self, candidate: Array, where: tuple[Any, ...] = ()) -> bool:
        """Whether all judged numbers are those of the candidate, to the digits given."""
        return not self.off(candidate, where).any()

    def off(self, candidate: Array, where: tuple[Any, ...] = ()) -> Mask:
        """Which judged numbers are not those of the candidate."""
        allowed = np.maximum(RELATIVE * np.abs(candidate).max(initial=0.0), self.units[where] * (1.0 - 1e-9))
        return np.asarray(self.judged[where] & ~(np.abs(self.values[where] - candidate) <= allowed))

    def evidence(self, candidate: Array, where: tuple[Any, ...] = ()) -> int:
        """How many numbers other than 0 are judged."""
        return int(np.count_nonzero((candidate != 0) & self.judged[where]))


def _relations(given: _Given, expected: Array, named: Mapping[float, str]) -> list[Relation]:
    """The simplest explanations, or one that says that there is none."""
    if not given.values[given.judged].any():
        return [Relation("zero", "is 0 everywhere")]
    for level in (_single_changes, _any_factor, _double_changes, _shifts):
        found = list(level(given, expected, named))
        if found:
            return found
    return [Relation("unknown", _nothing_known(given, expected))]


def _single_changes(given: _Given, expected: Array, named: Mapping[float, str]) -> Iterator[Relation]:
    yield from _scaled(given, expected, named)
    for name, says, turned in _turned(expected):
        if given.matches(turned):
            yield Relation(name, f"is {says}")


def _any_factor(given: _Given, expected: Array, named: Mapping[float, str]) -> Iterator[Relation]:
    ratio = _ratio(given, expected)
    if ratio is not None:
        yield Relation("factor", f"is off by the factor {short(ratio)}", factor=ratio)


def _double_changes(given: _Given, expected: Array, named: Mapping[float, str]) -> Iterator[Relation]:
    """Turned and scaled."""
    for name, says, turned in _turned(expected):
        for other in _scaled(given, turned, named):
            yield other._replace(id=f"{name}+{other.id}", says=f"is {says} and {other.says}")
        ratio = _ratio(given, turned)
        if ratio is not None and not any(_scaled(given, turned, named)):
            yield Relation(f"{name}+factor", f"is {says} and off by the factor {short(ratio)}", factor=ratio)


def _scaled(given: _Given, expected: Array, named: Mapping[float, str]) -> Iterator[Relation]:
    """The other sign, or a factor that has a name, with or without the sign."""
    if given.matches(-expected):
        yield Relation("sign", "has the opposite sign", factor=-1.0)
    for factor, name in named.items():
        if given.matches(factor * expected):
            yield Relation("factor", f"is off by the factor {name}", factor=factor)
        if given.matches(-factor * expected):
            yield Relation("sign+factor", f"has the opposite sign and is off by the factor {name}", factor=-factor)


def _turned(expected: Array) -> Iterator[tuple[str, str, Array]]:
    """The turns of a matrix, or of each matrix of an array, that change it."""
    if expected.ndim < 2:
        return
    yield "rotation", "rotated by 180°", expected[..., ::-1, ::-1]
    if expected.shape[-1] == expected.shape[-2]:
        yield "transposition", "transposed", expected.swapaxes(-1, -2)


def _ratio(given: _Given, expected: Array) -> float | None:
    """The one factor between the two, if there is one and enough numbers show it."""
    judged = given.judged
    if given.evidence(expected) < FEWEST:
        return None
    ratio = float((given.values * expected)[judged].sum() / (expected * expected)[judged].sum())
    return ratio if ratio and given.matches(ratio * expected) else None


def _shifts(given: _Given, expected: Array, named: Mapping[float, str]) -> Iterator[Relation]:
    """The shifts with the largest overlap that match all over it; the last to be tried, as they explain only a part."""
    if expected.ndim < 2:
        return
    rows, columns = expected.shape[-2:]
    shifts = [(r, c) for r in range(1 - rows, rows) for c in range(1 - columns, columns) if r or c]
    best = 0
    for r, c in sorted(shifts, key=lambda by: (rows - abs(by[0])) * (columns - abs(by[1])), reverse=True):
        overlap = (rows - abs(r)) * (columns - abs(c))
        here, there = _overlap(rows, r), _overlap(columns, c)
        moved, where = expected[..., here[1], there[1]], (..., here[0], there[0])
        if overlap >= best and given.evidence(moved, where) >= FEWEST and given.matches(moved, where):
            best = overlap
            yield Relation("shift", f"is shifted by {_way(r, c)}", shift=(r, c))


def _overlap(size: int, by: int) -> tuple[slice, slice]:
    """Where along one axis the moved numbers lie, and where they come from."""
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size - max(by, 0))


def _way(rows: int, columns: int) -> str:
    """A shift in words.

    >>> _way(1, -2)
    '1 row down and 2 columns to the left'
    """
    parts = []
    if rows:
        parts.append(f"{counted(abs(rows), 'row')} {'down' if rows > 0 else 'up'}")
    if columns:
        parts.append(f"{counted(abs(columns), 'column')} to the {'right' if columns > 0 else 'left'}")
    return listing(parts)


def _nothing_known(given: _Given, expected: Array) -> str:
    """How many numbers are off, and the one that is off the most."""
    off = given.off(expected)
    apart = np.where(off, np.abs(given.values - expected), 0.0)
    count, judged = int(off.sum()), int(given.judged.sum())
    worst = tuple(int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
    here, right = _told_apart(float(given.values[worst]), float(expected[worst]))
    if not worst:
        return f"is {here}, expected {right}"
    return f"differs in {count} of {judged} numbers, in no way known; {cell_text(worst)} is {here}, expected {right}"


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both numbers, with as many digits as it takes to see that they differ.

    >>> _told_apart(0.33333, 1 / 3), _told_apart(2.0000021, 2.0)
    (('0.33333', '0.333333'), ('2.0000021', '2'))
    """
    pairs = [(short(one, digits), short(other, digits)) for digits in (6, 9, 12, 17)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])
