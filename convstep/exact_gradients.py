"""Gradients checked in fractions: by difference quotients that are the derivative itself.

Along a direction each output adds a piecewise quadratic to φ: z is linear, a piecewise linear, the loss quadratic,
linear or, for huber, one of the two in turn. Between kinks (−3φ(0) + 4φ(h) − φ(2h)) / 2h is the derivative of a
quadratic, whatever h; so h is made so small that no kink lies within 2h, and nothing is left to be allowed for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from convstep.arrays import Number, Numbers
from convstep.exact.layer import Forward, Layer, each
from convstep.gradients import GRADIENTS, LOSS, Check, Checker, Index, Kink
from convstep.problem.model import Problem
from convstep.trace import Step

LARGEST = 9
"""Random numbers are whole ones up to this size, of either sign, and never 0."""


class Reading(NamedTuple):
    """What is read off at one point of a line.

    Attributes:
        parts: What each output adds to φ.
        watched: Numbers, one an output, that may come to a corner of a function, by name; each moves linearly as long
            as none before it in this order meets a corner.
    """

    parts: Sequence[Fraction]
    watched: Mapping[str, Sequence[Fraction]]


Line = Callable[[Fraction], Reading]
"""From h to what is read off at p + h·direction."""


class Slopes(NamedTuple):
    """The derivatives of each output's part of φ on both sides, and the step that found them."""

    left: list[Fraction]
    right: list[Fraction]
    step: Fraction


def slopes(line: Line, corners: Mapping[str, Sequence[Fraction]]) -> Slopes:
    """The derivatives of the parts to the left and to the right.

    >>> def line(h):
    ...     z = [Fraction(0) + h, Fraction(1) - 4 * h]
    ...     return Reading([max(each, Fraction(0)) ** 2 + abs(z[0]) for each in z], {"z": z})
    >>> found = slopes(line, {"z": (Fraction(0),)})
    >>> found.left == [-1, -9], found.right == [1, -7], found.step
    (True, True, Fraction(1, 12))
    """
    step = _step(line, corners)
    return Slopes(_one_sided(line, -step), _one_sided(line, step), step)


def _one_sided(line: Line, way: Fraction) -> list[Fraction]:
    """The derivatives of the parts on one side."""
    here, near, far = (line(times * way).parts for times in (0, 1, 2))
    return [(4 * b - 3 * a - c) / (2 * way) for a, b, c in zip(here, near, far, strict=True)]


def _step(line: Line, corners: Mapping[str, Sequence[Fraction]]) -> Fraction:
    """A step of which two do not reach a corner on either side, but for those that the line begins at."""
    step = Fraction(1)
    here = line(Fraction(0)).watched
    for name, begun in here.items():
        ways = (-step, step)
        reached = [(way, line(way).watched[name]) for way in ways]
        for way, moved in reached:
            for before, after in zip(begun, moved, strict=True):
                step = min([step, *_distances(before, (after - before) / way, way, corners.get(name, ()))])
    return step


def _distances(begun: Fraction, speed: Fraction, way: Fraction, corners: Sequence[Fraction]) -> Iterator[Fraction]:
    """A third of the way to each corner that lies ahead."""
    for corner in corners:
        if speed and begun != corner and (corner - begun) / speed * way > 0:
            yield abs((corner - begun) / speed) / 3


def _allowance(left: Fraction, right: Fraction, rises: bool, chosen: Fraction | None) -> Fraction:
    """How far from the middle of its two slopes an output's part may be: half their difference, or where the problem
    chose the activation's slope, as far as that takes it from where it is 1, above 0.
    """
    allowed = abs(right - left) / 2
    if chosen is None:
        return allowed
    return max(allowed, abs(chosen * (right if rises else left) - (left + right) / 2))


class ExactChecker(Checker):
    """The comparisons of one exact iteration."""

    def __init__(self, problem: Problem, step: Step, seed: int) -> None:
        self.prepare(problem, step, seed)
        self.reach = 0.0
        self.layer = Layer(self.problem)
        self.forward = self.layer.forward(self.problem.filter, self.problem.bias)

    def drawn_numbers(self, shape: int | Index) -> Numbers:
        """Small whole numbers other than 0."""
        drawn = self.random.integers(1, LARGEST + 1, size=shape) * self.random.choice((-1, 1), size=shape)
        return each(lambda number: Fraction(int(number)), np.asarray(drawn))

    def under(self, sent: str, name: str, upstream: Numbers, direction: Numbers, cell: Index | None = None) -> Check:
        sent_back = each(Fraction, upstream).reshape(self.layer.geometry.output_shape)
        back = self.layer.sent_back(self.forward, sent_back)
        if name == "activation_slope":
            gradient, start = back.slope * sent_back, "pre_activation"
        else:
            gradient, start = getattr(back, name), GRADIENTS[name]
        weights = sent_back.reshape(-1)

        def read(forward: Forward) -> Reading:
            return Reading(list(weights * forward.a.reshape(-1)), {"pre_activation": list(forward.z.reshape(-1))})

        return self._exactly(name, sent, cell, gradient, self._line(start, direction, read), direction)

    def from_loss(self, name: str, direction: Numbers, cell: Index | None = None) -> Check:
        line = self._line(GRADIENTS[name], direction, _read_loss)
        return self._exactly(name, LOSS, cell, self.step.array(name), line, direction)

    def _line(self, start: str, direction: Numbers, read: Callable[[Forward], Reading]) -> Line:
        """From a parameter, from z or from the error on."""
        problem, layer, now = self.problem, self.layer, self.forward
        towards = each(Fraction, direction)
        if start == "output":
            errors = now.error
            assert errors is not None
            return lambda h: self._read_error(errors + h * towards)
        if start == "pre_activation":
            ahead = towards.reshape(now.z.shape)
            return lambda h: read(layer.from_pre_activation(now.filter, now.bias, now.z + h * ahead))
        own: dict[str, Numbers | None] = {"filter": problem.filter, "bias": problem.bias, "input": problem.input}

        def moved(h: Fraction) -> Reading:
            parameter: Numbers = getattr(problem, start)
            put = own | {start: np.asarray(parameter + h * towards.reshape(parameter.shape))}
            filters = put["filter"]
            assert filters is not None
            return read(layer.forward(filters, put["bias"], put["input"]))

        return moved

    def _read_error(self, errors: Numbers) -> Reading:
        return Reading([self.layer.loss.value(error) for error in errors], {"error": list(errors)})

    @property
    def _corners(self) -> Mapping[str, Sequence[Fraction]]:
        """Where the activation and the loss change their formula."""
        name = self.problem.loss.name
        found: dict[str, Sequence[Fraction]] = {"pre_activation": (Fraction(0),)}
        if name == "mean_absolute_error":
            return found | {"error": (Fraction(0),)}
        if name == "huber":
            delta = Fraction(self.problem.loss.parameters["delta"])  # type: ignore[arg-type]
            return found | {"error": (-delta, delta)}
        return found

    def _exactly(
        self, name: str, upstream: str, cell: Index | None, gradient: Numbers, line: Line, direction: Numbers
    ) -> Check:
        found = slopes(line, self._corners)
        pairs = list(zip(found.left, found.right, strict=True))
        products = gradient.reshape(-1) * each(Fraction, direction).reshape(-1)
        numeric: Number = sum(((left + right) / 2 for left, right in pairs), Fraction(0))
        begun, moved = (line(h).watched for h in (Fraction(0), found.step))
        chosen = self._chosen_slopes(begun, moved)
        allowances = [_allowance(*pair, *slope) for pair, slope in zip(pairs, chosen, strict=True)]
        allowance: Number = sum(allowances, Fraction(0))
        step: Number = found.step
        return Check(
            name=name,
            kind="direction" if cell is None else "cell",
            upstream=upstream,
            cell=cell,
            analytic=products.sum(),
            numeric=numeric,
            step=step,
            tolerance=0,
            allowance=allowance,
            kinks=tuple(self._kink_at(output, begun) for output, allowed in enumerate(allowances) if allowed),
        )

    def _chosen_slopes(
        self, begun: Mapping[str, Sequence[Fraction]], moved: Mapping[str, Sequence[Fraction]]
    ) -> Sequence[tuple[bool, Fraction | None]]:
        """For each output whether its z rises, and the slope that the problem chose for it, where z is 0."""
        chosen = self.problem.slope_at_zero
        if chosen is None or "pre_activation" not in begun:
            return [(True, None)] * len(next(iter(begun.values())))
        pairs = zip(begun["pre_activation"], moved["pre_activation"], strict=True)
        return [(after > z, Fraction(chosen) if z == 0 else None) for z, after in pairs]

    def _kink_at(self, output: int, watched: Mapping[str, Sequence[Fraction]]) -> Kink:
        """The number that stands at a corner there: z first, then the error."""
        name = next(name for name in watched if watched[name][output] in self._corners.get(name, ()))
        value: Number = watched[name][output]
        return self.kink(name, output, value)


def _read_loss(forward: Forward) -> Reading:
    watched = {"pre_activation": list(forward.z.reshape(-1))}
    if forward.error is None:
        return Reading(forward.parts, watched)
    return Reading(forward.parts, watched | {"error": list(forward.error)})
