"""Which runs a sweep is made of: every combination of what is varied, and for each of them every start."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from convstep.arrays import Array
from convstep.errors import ProblemError, UsageError
from convstep.problem.checks import check
from convstep.problem.checks_arrays import sealed
from convstep.problem.checks_numbers import in_range
from convstep.problem.model import Problem
from convstep.problem.overrides import put
from convstep.sweeping.grids import Variation
from convstep.sweeping.starts import Starts
from convstep.words import visible

MOST_RUNS = 100_000
RATE = ("learning_rate",)
SIDE_BY_SIDE = ("learning_rate", "filter", "bias")
"""Keys that may differ among runs side by side."""
HEAVY = ("input", "target", "output_gradient", "expected_filter")
"""Keys that hold arrays, of which all runs share one."""


class Plan:
    """The runs of a sweep, in their order: the first key changes slowest, the start fastest.

    Attributes:
        base: The problem with nothing varied.
        variations: What is varied.
        starts: The random starts; ``None`` where every run starts from the problem's own filter.
        settings: For each run what is set, by key; a start's filter as ``filter``.
        problems: The problem of each run.
        groups: Positions of runs that may go side by side.
    """

    def __init__(
        self, data: Mapping[str, Any], folder: str | None, variations: Sequence[Variation], starts: Starts | None
    ) -> None:
        self._data, self._folder = data, folder
        self.variations, self.starts = tuple(variations), starts
        _check(self.variations, starts)
        self.base = check(data, folder)
        # Rates are put into one problem: a thousand of them are no thousand problems to check.
        self._rates = next((each.key for each in self.variations if each.path == RATE and each.numeric), None)
        self._checked: dict[tuple[str, ...], Problem] = {}
        self._drawn: dict[Any, Array] = {}
        self.settings: list[dict[str, Any]] = []
        self.problems: list[Problem] = []
        self._groups: dict[tuple[Any, ...], list[int]] = {}
        for values in itertools.product(*(each.values for each in self.variations)):
            self._add(values)

    @property
    def groups(self) -> list[list[int]]:
        """Positions of runs that may go side by side."""
        return list(self._groups.values())

    @property
    def keys(self) -> list[str]:
        """The keys that are set."""
        return [each.key for each in self.variations] + (["filter"] if self.starts else [])

    def _add(self, values: tuple[Any, ...]) -> None:
        """The runs of one combination of values."""
        problem = self.problem(values)
        setting = {each.key: value for each, value in zip(self.variations, values, strict=True)}
        group = self._groups.setdefault(self.group_of(values, problem), [])
        for each in self._started(problem):
            group.append(len(self.problems))
            self.problems.append(each)
            self.settings.append(setting | ({"filter": each.filter.tolist()} if self.starts else {}))

    def _started(self, problem: Problem) -> list[Problem]:
        """The problem from each of the starts."""
        if self.starts is None:
            return [problem]
        key = problem.filter.shape, b"" if self.starts.around is None else problem.filter.tobytes()
        if key not in self._drawn:
            self._drawn[key] = sealed(self.starts.draw(problem))
        return [replace(problem, filter=drawn) for drawn in self._drawn[key]]

    def group_of(self, values: Sequence[Any], problem: Problem) -> tuple[Any, ...]:
        """What runs side by side have in common."""
        pairs = zip(self.variations, values, strict=True)
        apart = tuple(repr(value) for each, value in pairs if each.path[0] not in SIDE_BY_SIDE)
        return (*apart, problem.filter.shape, problem.bias is None, problem.learns)

    def problem(self, values: Sequence[Any]) -> Problem:
        """The problem with one value for each key that is varied.

        Raises:
            ProblemError: A value that does not do; it names the ``--vary`` at fault.
        """
        rate, others = None, []
        for each, value in zip(self.variations, values, strict=True):
            if each.key == self._rates:
                rate = self._rate(each, value)
            else:
                others.append((each, value))
        key = tuple(repr(value) for _, value in others)
        if key not in self._checked:
            self._checked[key] = self._check(others, rate)
        problem = self._checked[key]
        return problem if rate is None else replace(problem, learning_rate=rate)

    def _rate(self, variation: Variation, value: Any) -> float:
        try:
            return in_range(value, RATE, above=0, others=" or auto")
        except ProblemError as error:
            _blame(error, variation)
            raise

    def _check(self, changes: Sequence[tuple[Variation, Any]], rate: float | None) -> Problem:
        """The problem with some values changed; it shares the arrays that are the same in all runs."""
        first = self._data if rate is None else put(self._data, RATE, rate)
        made = self._checked_data(first, changes)
        changed = {variation.path[0] for variation, _ in changes}
        shared = {name: getattr(self.base, name) for name in HEAVY if name not in changed}
        same = made.output_shape == self.base.output_shape and made.filter.shape == self.base.filter.shape
        return replace(made, **shared) if same else made

    def _checked_data(self, data: Mapping[str, Any], changes: Sequence[tuple[Variation, Any]]) -> Problem:
        """The problem with the values put in; an error names the first of them that brings it about."""
        try:
            changed = data
            for variation, value in changes:
                changed = put(changed, variation.path, value)
            return check(changed, self._folder)
        except ProblemError as error:
            if error.file is None and changes:
                failing = (each for each, value in changes if self._fails(data, each, value))
                _blame(error, next(failing, changes[-1][0]))
            raise

    def _fails(self, data: Mapping[str, Any], variation: Variation, value: Any) -> bool:
        try:
            check(put(data, variation.path, value), self._folder)
        except ProblemError:
            return True
        return False


def _blame(error: ProblemError, variation: Variation) -> None:
    """Adds to an error that it comes from the values of a key."""
    error.file = f"--vary {visible(variation.setting or variation.key, longest=80)}"
    error.names_key = error.path == variation.path


def _check(variations: Sequence[Variation], starts: Starts | None) -> None:
    """Refuses what cannot be shown or run.

    Raises:
        UsageError: In one line why.
    """
    keys = [each.key for each in variations]
    if len(keys) > 2 or (starts is not None and len(keys) > 1):
        raise UsageError("vary one or two keys, or one key and --starts, at a time")
    if len(set(keys)) < len(keys):
        raise UsageError(f"--vary names {keys[0]} twice")
    if starts is not None and starts.around is None and any(each.path[0] == "filter" for each in variations):
        raise UsageError("--starts replaces the filter that --vary changes; give --around as well, or one of them")
    count = math.prod(len(each.values) for each in variations) * (starts.number if starts else 1)
    if count > MOST_RUNS:
        raise UsageError(f"these are {count:,} runs; at most {MOST_RUNS:,} are possible at a time")
