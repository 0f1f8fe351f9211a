"""Traces read back: the iterations that a file holds, without computing them again."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.derivation.explanation import quantities_of
from convstep.errors import ProblemError
from convstep.problem.model import Problem
from convstep.problem.reader import Source
from convstep.quantities import QUANTITIES
from convstep.trace import Outcome, Step
from convstep.verdict import Verdict

STATUSES = ("converged", "dead", "stationary", "oscillating", "diverged", "stopped")
UNREADABLE = (ValueError, RecursionError)
"""What Python's reader of JSON raises, the second for what is nested a thousand deep."""
BLOCK = 256
"""How many iterations are made ready at the most before any of them is handed out."""
BLOCK_CHARACTERS = 1 << 20
"""How long their lines may be together."""
BEGINNING = re.compile(r'\{"type": "iteration", "iteration": (\d{1,18}), ')
"""How convstep begins the line of an iteration."""


class Recorded:
    """The iterations of a trace, in their order: an iterator of Steps, like a run in progress.

    Lines (``jsonl``) are read a block at a time; a document (``json``) is read whole.

    Args:
        source: The trace.
        problem: Its problem.
        first: The first iteration that is wanted; the lines of earlier ones are passed over.

    Attributes:
        partial: Whether the trace says that it holds only a part.
        outcome, verdict: How the run ended; ``None`` until the last Step has been handed out, and where the trace
            was cut off before its result.
    """

    def __init__(self, source: Source, problem: Problem, first: int = 1) -> None:
        self.source = source
        self.problem = problem
        self.first = first
        self.partial = False
        self.outcome: Outcome | None = None
        self.verdict: Verdict | None = None
        self._is_exact = problem.exact is not None or bool(source.data.get("exact"))
        self._needed = frozenset(quantities_of(problem))
        self._shapes = _shapes(problem)
        self._objects = self._read()
        self._next = next(self._objects, None)

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        found, self._next = self._next, next(self._objects, None)
        if found is None:
            raise StopIteration
        return found

    @property
    def complete(self) -> bool:
        """Whether the trace claims to hold every number of every iteration."""
        return not self.partial and self._next is not None

    def _read(self) -> Iterator[Step]:
        with _text(self.source) as stream:
            first = stream.readline()
            try:
                head = json.loads(first)
            except UNREADABLE:
                head = None
            if isinstance(head, dict) and head.get("type") == "problem":
                self.partial = bool(head.get("partial"))
                yield from self._read_lines(stream)
            else:
                yield from self._read_document(first + stream.read() if head is None else first)

    def _read_lines(self, stream: TextIO) -> Iterator[Step]:
        """The iterations of lines; those before a line that is wrong are handed out before it is complained about."""
        items: list[Any] = []
        characters, most = 0, 1
        for number, line in enumerate(stream, start=2):
            if not line.strip() or self._is_passed_over(line):
                continue
            try:
                item = json.loads(line)
            except UNREADABLE:
                yield from self._steps(items)
                raise self._cut_off(number) from None
            kind = item.get("type") if isinstance(item, dict) else None
            if kind == "iteration":
                items.append(item)
                characters += len(line)
                if len(items) < most and characters < BLOCK_CHARACTERS:
                    continue
            yield from self._steps(items)
            items, characters, most = [], 0, min(4 * most, BLOCK)
            if kind == "result":
                self._result(item)
            elif kind != "iteration":
                raise self._wrong("expected an iteration or a result", number)
        yield from self._steps(items)

    def _is_passed_over(self, line: str) -> bool:
        """Whether it is the whole line of an iteration before the first that is wanted."""
        if self.first <= 1 or not line.endswith("}\n"):
            return False
        found = BEGINNING.match(line)
        return found is not None and int(found[1]) < self.first

    def _read_document(self, text: str) -> Iterator[Step]:
        try:
            document = json.loads(text)
        except UNREADABLE:
            raise self._cut_off(None) from None
        if not isinstance(document, dict):
            raise self._wrong("expected one document, or an object a line")
        self.partial = bool(document.get("partial"))
        iterations = document.get("iterations")
        if not isinstance(iterations, list):
            raise self._wrong("iterations: expected a list")
        for begin in range(0, len(iterations), BLOCK):
            yield from self._steps(iterations[begin : begin + BLOCK])
        if isinstance(document.get("result"), dict):
            self._result(document["result"])

    def _steps(self, items: Sequence[Any]) -> Iterable[Step]:
        """Iterations from their objects: all at once, or one by one where they are not alike."""
        arrays = None if self._is_exact or len(items) < 2 else self._block(items)
        if arrays is None:
            return map(self._step, items)
        return [Step(item["iteration"], arrays, row) for row, item in enumerate(items)]

    def _block(self, items: Sequence[Any]) -> dict[str, Array] | None:
        """Objects that are all as they should be as arrays, a row each; ``None`` where one is not."""
        if not all(isinstance(item, dict) and item.keys() == items[0].keys() for item in items):
            return None
        names = [name for name in QUANTITIES if name in items[0]]
        if not all(map(_has_number, items)) or self._misfit(names) is not None:
            return None
        try:
            arrays = {name: np.array([item[name] for item in items], dtype=np.float64) for name in names}
        except (TypeError, ValueError, OverflowError):
            return None
        if any(array.shape[1:] != self._shape(name) for name, array in arrays.items()):
            return None
        for array in arrays.values():
            array.flags.writeable = False
        return arrays

    def _step(self, item: Any) -> Step:
        """One iteration from its object."""
        if not _has_number(item):
            raise self._wrong("an iteration without its number")
        number = item["iteration"]
        misfit = self._misfit([name for name in QUANTITIES if name in item])
        if misfit is not None:
            raise self._wrong(f"iteration {number} {misfit}; run the trace's problem again")
        return Step(number, {name: self._array(name, item[name]) for name in QUANTITIES if name in item})

    def _misfit(self, names: Collection[str]) -> str | None:
        """What is wrong with quantities of these names, if anything is."""
        for name in QUANTITIES:
            if name in self._needed and name not in names and not self.partial:
                return f"has no {name}"
            if name in names and name not in self._needed:
                return f"has {name}, and its problem has none"
        return None

    def _array(self, name: str, value: Any) -> Array:
        """A quantity, checked for its shape; null is what was not finite."""
        try:
            array = self._numbers(value)
        except (TypeError, ValueError, ArithmeticError, ProblemError):
            raise self._wrong(f"{name}: expected numbers in equally long rows") from None
        if array.shape != self._shape(name):
            raise self._wrong(f"{name} has the shape {array.shape}, and the problem's {name} has {self._shape(name)}")
        array = array[None]
        array.flags.writeable = False
        return array

    def _numbers(self, value: Any) -> Numbers:
        """Nested lists as an array of floats, or of fractions in the trace of an exact run."""
        if not self._is_exact:
            return np.asarray(value, dtype=np.float64)
        from convstep.problem.exact import fraction, fractions_array

        cells = np.array(value, dtype=object)
        return fractions_array([fraction(cell) for cell in cells.reshape(-1).tolist()], cells.shape)

    def _shape(self, name: str) -> tuple[int, ...]:
        return self._shapes[QUANTITIES[name].like]

    def _result(self, result: Mapping[str, Any]) -> None:
        """How the run ended, checked for what a page or a document is made of."""
        try:
            status, reason, advice = str(result["status"]), str(result["reason"]), list(result["advice"])
            known = status in STATUSES
            self.outcome = Outcome(
                status,
                int(result["iterations"]),
                self._loss(result),
                self._parameter("filter", result["filter"]),
                None if result.get("bias") is None else self._parameter("bias", result["bias"]),
            )
            self.verdict = Verdict(reason, tuple(map(str, advice)))
        except (KeyError, TypeError, ValueError, ArithmeticError, ProblemError):
            known = False
        if not known:
            raise self._wrong("the result is not one that convstep wrote")

    def _loss(self, result: Mapping[str, Any]) -> Any:
        """The last loss, NaN where it was not finite; none where the problem has none."""
        loss = result.get("loss")
        if loss is None:
            return float("nan") if "loss" in result else None
        return self._numbers(loss).item() if self._is_exact else float(loss)

    def _parameter(self, name: str, value: Any) -> Numbers:
        """The last filter or bias."""
        array = self._numbers(value)
        if array.shape != self._shape(name):
            raise ValueError
        return array

    def _cut_off(self, line: int | None) -> ProblemError:
        return self._wrong("the trace ends in the middle; run its problem again", line)

    def _wrong(self, message: str, line: int | None = None) -> ProblemError:
        return ProblemError(message, file=self.source.name, line=line)


def _shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """The shapes that quantities have, by what each is like."""
    return {
        "filter": problem.filter.shape,
        "bias": problem.bias.shape if problem.bias is not None else (),
        "input": problem.input.shape,
        "output": problem.output_shape,
        "number": (),
    }


def _has_number(item: Any) -> bool:
    """Whether it is the object of an iteration that says which one it is."""
    number = item.get("iteration") if isinstance(item, dict) else None
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


@contextmanager
def _text(source: Source) -> Iterator[TextIO]:
    """The trace's whole text."""
    import io

    if source.path is None:
        yield io.StringIO(source.text)
        return
    try:
        with open(source.path, encoding="utf-8-sig") as stream:
            yield stream
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"cannot be read: {error}", file=source.name) from None
