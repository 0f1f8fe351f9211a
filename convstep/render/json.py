"""Traces as JSON: one document, or one object a line, written as the run goes on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

import numpy as np

from convstep.arrays import Array, are_exact
from convstep.numbers import exact
from convstep.problem.document import to_document
from convstep.problem.model import Problem
from convstep.trace import Outcome, Step
from convstep.verdict import Verdict

FORMAT = '"format": "convstep-trace", "version": 1'


def text_of(value: Any) -> str:
    """Plain data as JSON on one line, floats and fractions by `exact`.

    >>> text_of({"rate": 0.5, "title": "a<b", "loss": None, "rows": [[1.0, 2.5], [3.0, 4.0]]})
    '{"rate": 0.5, "title": "a<b", "loss": null, "rows": [[1, 2.5], [3, 4]]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    return json.dumps(value) if value is None or isinstance(value, (str, int)) else exact(value)


def problem_text(problem: Problem) -> str:
    """The problem as JSON: fed back, it runs the same thing."""
    return text_of(to_document(problem))


class Shared(NamedTuple):
    """Numbers of a line that stand elsewhere too, here or in the line after, so that their text is made once.

    Attributes:
        array: Whose numbers they are: the first that has them.
        numbers: Where they stand in a row.
        template: For their text.
    """

    array: str
    numbers: slice
    template: str


class StepTexts:
    """Iterations as members of JSON objects: numbers are taken, and looked at, for a whole block of iterations at once.

    A template for the line, filled with the numbers of a row, takes about as long as CPython takes to write them; so
    what stands twice (a half squared error's ∂L/∂a, a new filter and the next iteration's) is written once.
    """

    def __init__(self, show: Collection[str] | None) -> None:
        self.show = show
        self._block: Mapping[str, Array] | None = None
        self._template = ""
        self._rows: list[list[Any]] = []
        self._finite: list[bool] = []
        self._any_whole: list[bool] = []
        self._shared: list[Shared] = []
        self._handed_on: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._next = 0

    def text(self, step: Step) -> str:
        """The members of one iteration's object, without its braces."""
        block, row = step.block
        if block is not self._block:
            self._take(block)
        if not self._finite[row]:
            return step_text(step, self.show)
        numbers = self._rows[row].copy()
        known = self._known if row == self._next else {}
        for array, cells, template in self._shared:
            if array not in known:
                known[array] = template % tuple(numbers[cells])
            numbers[cells] = [known[array]]
        self._next, self._known = row + 1, {old: known[new] for old, new in self._handed_on.items()}
        text = self._template % (step.iteration, *numbers)
        if not self._any_whole[row]:
            return text[:-1]
        return text.replace(".0,", ",").replace(".0]", "]").replace("-0,", "0,").replace("-0]", "0]")[:-1]

    def _take(self, block: Mapping[str, Array]) -> None:
        """Makes ready for the iterations of a block; those with large arrays, fractions or infinities go one by one."""
        names = [name for name in block if self.show is None or name in self.show]
        count = len(next(iter(block.values())))
        self._block, self._finite, self._known = block, [False] * count, {}
        if (
            not names
            or sum(block[name].size for name in names) > count * MOST_NUMBERS
            or any(are_exact(block[name]) for name in names)
        ):
            return
        varying = [name for name in names if not _is_constant(block[name])]
        rows = np.concatenate([np.empty((count, 0)), *(block[name].reshape(count, -1) for name in varying)], axis=1)
        finite, whole = np.isfinite(rows), rows == np.rint(rows)
        # Few blocks have both kinds of rows, and a look at all numbers at once is quick.
        self._finite = [True] * count if finite.all() else finite.all(axis=1).tolist()
        self._any_whole = whole.any(axis=1).tolist() if whole.any() else [False] * count
        self._rows = rows.tolist()
        self._share(block, names, varying)

    def _share(self, block: Mapping[str, Array], names: Sequence[str], varying: Sequence[str]) -> None:
        """Makes the template, with one place for an array whose text is made once."""
        first_of = {name: next(other for other in varying if _is_same(block[name], block[other])) for name in varying}
        self._handed_on = {first_of[old]: first_of[new] for old, new in _handed_on(block, varying)}
        shared = {first for name, first in first_of.items() if name != first}
        shared |= {*self._handed_on, *self._handed_on.values()}
        self._shared, members, end = [], ['"iteration": %d'], 0
        for name in names:
            if name not in varying:
                members.append(f'"{name}": {exact(block[name][0].tolist())}')
                continue
            places = _places(block[name].shape[1:])
            begin, end = end, end + block[name][0].size
            if first_of[name] in shared:
                # From the last to the first: what lies before keeps its place when these numbers become one text.
                self._shared.insert(0, Shared(first_of[name], slice(begin, end), places))
            members.append(f'"{name}": {"%s" if first_of[name] in shared else places}')
        # Each number has a , or a ] behind it: those of them that are whole lose their .0 before these.
        self._template = ", ".join(members) + ","


def _is_constant(rows: Array) -> bool:
    """Whether all rows are one, with a text of its own."""
    return not rows.strides[0] and bool(np.isfinite(rows[0]).all())


def _is_same(one: Array, other: Array) -> bool:
    """Whether two names stand for the same place of the memory."""
    place = one.__array_interface__
    return one is other or (place["data"], one.strides, one.shape) == (
        other.__array_interface__["data"],
        other.strides,
        other.shape,
    )


def _handed_on(block: Mapping[str, Array], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """The parameters whose new value is the next iteration's, each by its name with the new one's."""
    for old, new in (("filter", "new_filter"), ("bias", "new_bias")):
        if {old, new} <= set(names) and np.array_equal(block[old][1:], block[new][:-1]):
            yield old, new


MOST_NUMBERS = 4096
"""The most numbers of an iteration for which a template is made."""


def _places(shape: tuple[int, ...]) -> str:
    """Where the numbers of an array of that shape stand.

    >>> _places((2, 1)), _places(())
    ('[[%r], [%r]]', '%r')
    """
    return f"[{', '.join([_places(shape[1:])] * shape[0])}]" if shape else "%r"


def step_text(step: Step, show: Collection[str] | None = None) -> str:
    """The members of one iteration's object, without its braces."""
    parts = [f'"iteration": {step.iteration}']
    parts += [f'"{name}": {exact(step.array(name).tolist())}' for name in step if show is None or name in show]
    return ", ".join(parts)


def result_text(outcome: Outcome, verdict: Verdict) -> str:
    """The members of the result's object, without its braces."""
    result: dict[str, Any] = {"status": outcome.status, "iterations": outcome.iterations}
    if outcome.loss is not None:
        result["loss"] = outcome.loss
    result["filter"] = outcome.filter.tolist()
    if outcome.bias is not None:
        result["bias"] = outcome.bias.tolist()
    result |= {"reason": verdict.reason, "advice": list(verdict.advice)}
    return text_of(result)[1:-1]


class JsonDocument:
    """Writes one JSON document, an iteration a line, without ever holding the whole."""

    def __init__(self, stream: TextIO, show: Collection[str] | None, partial: bool) -> None:
        self.stream = stream
        self.texts = StepTexts(show)
        self.partial = partial
        self._empty = True

    def begin(self, problem: Problem) -> None:
        """Everything before the first iteration."""
        partial = ', "partial": true' if self.partial else ""
        self.stream.write(f'{{{FORMAT}{partial},\n"problem": {problem_text(problem)},\n"iterations": [')

    def step(self, step: Step) -> None:
        """One iteration."""
        self.stream.write(("\n{" if self._empty else ",\n{") + self.texts.text(step) + "}")
        self._empty = False

    def rest(self, outcome: Outcome) -> None:
        """Nothing was held back."""

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """Everything after the last iteration."""
        self.stream.write(f'],\n"result": {{{result_text(outcome, verdict)}}}}}\n')
        self.stream.flush()


class JsonLines:
    """Writes one JSON object a line, each flushed as soon as it is known."""

    def __init__(self, stream: TextIO, show: Collection[str] | None, partial: bool) -> None:
        self.stream = stream
        self.texts = StepTexts(show)
        self.partial = partial

    def begin(self, problem: Problem) -> None:
        """The line that holds the problem."""
        partial = ', "partial": true' if self.partial else ""
        self._line(f'{{"type": "problem", {FORMAT}{partial}, "problem": {problem_text(problem)}}}')

    def step(self, step: Step) -> None:
        """The line of one iteration."""
        self._line(f'{{"type": "iteration", {self.texts.text(step)}}}')

    def rest(self, outcome: Outcome) -> None:
        """Nothing was held back."""

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """The line that holds the result."""
        self._line(f'{{"type": "result", {result_text(outcome, verdict)}}}')

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()
