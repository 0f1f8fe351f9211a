"""Where one outcome gives way to another: boundaries between neighbouring values, found by bisection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convstep.errors import ProblemError, UsageError
from convstep.sweeping.grids import Variation
from convstep.sweeping.plan import Plan
from convstep.sweeping.running import Pulse, run_all
from convstep.sweeping.sweep import Run, Sweep
from convstep.trace import Outcome

PARTS = 8
"""An interval is cut into so many parts at a time: runs side by side cost little more than one."""
PRECISION = 1e-6
"""How far the two sides of a boundary may be apart, relative to their size."""
LEAST_SIZE = 1e-3
"""A boundary at 0 has no size: this share of the range of values counts as the least."""
MOST_BOUNDARIES = 200
"""Where outcomes mingle there is no end of boundaries."""


class Boundary(NamedTuple):
    """Two runs that are as good as equal and end differently.

    Attributes:
        key: What differs.
        below, above: The runs on either side, in the order of the values.
    """

    key: str
    below: Run
    above: Run


class Refinement:
    """Finds the boundaries of a sweep along its first key. Iterate to carry it out, once the sweep itself has ended.

    Attributes:
        sweep: The sweep.
        boundaries: What has been found, in the order of the values.
        complete: Whether all have been found that there was room for.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.plan = sweep.plan
        self._along = _refinable(sweep.plan)
        self._closed: list[Boundary] = []
        self._open: list[Boundary] = []
        self.sweep = sweep
        self.complete = False

    @property
    def boundaries(self) -> list[Boundary]:
        """What has been found, in the order of the values."""
        falling = self._along.values[0] > self._along.values[-1]
        rest = [each.key for each in self.plan.variations[1:]]
        places = {value: place for place, value in enumerate(self.plan.variations[-1].values)} if rest else {}
        return sorted(
            self._closed,
            key=lambda each: (
                *(places[each.below.set[key]] for key in rest),
                (-1 if falling else 1) * each.below.set[self._along.key],
            ),
        )

    def __iter__(self) -> Iterator[Pulse]:
        self._open = list(_changes(self.sweep, self._along))
        complete = True
        while self._open:
            if len(self._open) + len(self._closed) > MOST_BOUNDARIES:
                complete = False
                del self._open[max(1, MOST_BOUNDARIES - len(self._closed)) :]
            inner = [self._inner(boundary) for boundary in self._open]
            runs: list[Run] = []
            yield from self._run([setting for settings in inner for setting in settings], runs)
            brackets, self._open = self._open, []
            for boundary, settings in zip(brackets, inner, strict=True):
                self._narrow(boundary, runs[: len(settings)])
                del runs[: len(settings)]
        self.complete = complete

    def _inner(self, boundary: Boundary) -> list[dict[str, Any]]:
        """Settings between the two sides."""
        key = self._along.key
        low, high = boundary.below.set[key], boundary.above.set[key]
        if self._along.logarithmic:
            values = [low * (high / low) ** (part / PARTS) for part in range(1, PARTS)]
        else:
            values = [low + (high - low) * part / PARTS for part in range(1, PARTS)]
        return [{**boundary.below.set, key: value} for value in values]

    def _run(self, settings: Sequence[dict[str, Any]], runs: list[Run]) -> Iterator[Pulse]:
        """Adds the run of each setting."""
        try:
            problems = [self.plan.problem([setting[each.key] for each in self.plan.variations]) for setting in settings]
        except ProblemError as error:
            raise UsageError(
                f"--refine: {self._along.key} cannot take all values between two others: {error}"
            ) from None
        groups: dict[tuple[Any, ...], list[int]] = {}
        for position, setting in enumerate(settings):
            values = [setting[each.key] for each in self.plan.variations]
            groups.setdefault(self.plan.group_of(values, problems[position]), []).append(position)
        outcomes: dict[int, Outcome] = {}
        for pulse in run_all(problems, list(groups.values())):
            outcomes.update(pulse.ended)
            yield pulse
        runs += [Run(setting, outcomes[position]) for position, setting in enumerate(settings)]

    def _narrow(self, boundary: Boundary, between: Sequence[Run]) -> None:
        """Goes on with the first change, and with what lies behind it if that is another one."""
        runs = [boundary.below, *between, boundary.above]
        first = next(n for n, run in enumerate(runs) if run.outcome.status != boundary.below.outcome.status)
        self._file(Boundary(boundary.key, runs[first - 1], runs[first]))
        for left, right in zip(runs[first:], runs[first + 1 :], strict=False):
            if left.outcome.status != right.outcome.status:
                self._file(Boundary(boundary.key, left, right))

    def _file(self, boundary: Boundary) -> None:
        """Closes a boundary that is narrow enough."""
        low, high = boundary.below.set[boundary.key], boundary.above.set[boundary.key]
        size = max(abs(low), abs(high), LEAST_SIZE * abs(self._along.values[-1] - self._along.values[0]))
        narrow = abs(high - low) <= PRECISION * size
        (self._closed if narrow else self._open).append(boundary)


def _refinable(plan: Plan) -> Variation:
    """The key along which boundaries are looked for.

    Raises:
        UsageError: If there is none.
    """
    if plan.starts is not None or not plan.variations or not plan.variations[0].ordered:
        raise UsageError("--refine needs --vary with numbers in their order for its first key, and no --starts")
    return plan.variations[0]


def _changes(sweep: Sweep, along: Variation) -> Iterator[Boundary]:
    """Neighbouring runs that ended differently."""
    stride = len(sweep.outcomes) // len(along.values)
    for place in range(len(sweep.outcomes) - stride):
        below, above = sweep.outcomes[place], sweep.outcomes[place + stride]
        if below is not None and above is not None and below.status != above.status:
            settings = sweep.plan.settings
            yield Boundary(along.key, Run(settings[place], below), Run(settings[place + stride], above))
