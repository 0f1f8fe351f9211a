"""Traces as JSON: one document, or one object a line, written as the run goes on."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, TextIO

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
        self.show = show
        self.partial = partial
        self._empty = True

    def begin(self, problem: Problem) -> None:
        """Everything before the first iteration."""
        partial = ', "partial": true' if self.partial else ""
        self.stream.write(f'{{{FORMAT}{partial},\n"problem": {problem_text(problem)},\n"iterations": [')

    def step(self, step: Step) -> None:
        """One iteration."""
        self.stream.write(("\n{" if self._empty else ",\n{") + step_text(step, self.show) + "}")
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
        self.show = show
        self.partial = partial

    def begin(self, problem: Problem) -> None:
        """The line that holds the problem."""
        partial = ', "partial": true' if self.partial else ""
        self._line(f'{{"type": "problem", {FORMAT}{partial}, "problem": {problem_text(problem)}}}')

    def step(self, step: Step) -> None:
        """The line of one iteration."""
        self._line(f'{{"type": "iteration", {step_text(step, self.show)}}}')

    def rest(self, outcome: Outcome) -> None:
        """Nothing was held back."""

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """The line that holds the result."""
        self._line(f'{{"type": "result", {result_text(outcome, verdict)}}}')

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()
