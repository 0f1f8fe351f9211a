"""A run as pages: the header, iterations in full, compact rows between them, and the outcome."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from convstep.choices import Value
from convstep.iterations import Iterations
from convstep.numbers import short
from convstep.problem.model import Problem
from convstep.render.curve import Curve, sparkline
from convstep.render.layout import Term, equation
from convstep.render.matrix import Look, array_block, heading
from convstep.render.page import Page, rule, wrapped
from convstep.render.rows import Row, Rows, row_lines
from convstep.render.terminal import write
from convstep.trace import Outcome, Step
from convstep.verdict import Verdict
from convstep.words import spelled_shape, visible

FEW = 3
"""Up to how many iterations are all shown in full."""
CURVE_WIDTH = 40
LONGEST_LOSS = 12
"""How many characters an exact loss may take beside its curve."""
MOST_FINAL_LINES = 14
STATUS_STYLES = {
    "converged": "bold green",
    "dead": "bold red",
    "diverged": "bold red",
    "oscillating": "bold yellow",
    "stationary": "bold yellow",
    "stopped": "bold cyan",
}


class Wishes(NamedTuple):
    """What of a run is to be shown.

    Attributes:
        every: Every iteration in full.
        chosen: These iterations in full, and no rows; ``None`` where nobody chose.
        show: The quantities; ``None`` for all.
        quiet: Only the outcome.
    """

    every: bool = False
    chosen: Iterations | None = None
    show: Collection[str] | None = None
    quiet: bool = False


class Report:
    """Prints a run while it goes on, and holds no more of it than it will print."""

    def __init__(self, console: Console, look: Look, wishes: Wishes, name: str) -> None:
        self.console = console
        self.look = look
        self.wishes = wishes
        self.name = name
        self.curve = Curve()
        self.rows = Rows()
        self.pending: list[tuple[Step, Step | None]] = []
        self.last: Step | None = None
        self.before_last: Step | None = None

    def begin(self, problem: Problem) -> None:
        """The header: what is run."""
        self.problem = problem
        if not (self.wishes.quiet or self.wishes.chosen):
            write(self.console, [*header(problem, self.name, self.look.width), Text()])

    def step(self, step: Step) -> None:
        """One iteration has been done."""
        if "loss" in step:
            self.curve.add(step.loss)
        self.before_last, self.last = self.last, step
        if self.wishes.quiet:
            return
        if self.wishes.chosen:
            if step.iteration in self.wishes.chosen:
                self.pending.append((step, self.before_last))
        elif self.wishes.every:
            self._page(step, self.before_last)
        elif step.iteration == 1:
            self._page(step, None)
        else:
            self._compact(step)

    def _compact(self, step: Step) -> None:
        """Keeps the iteration for a row; the first few in full too, in case there are no more."""
        if step.iteration <= FEW:
            self.pending.append((step, self.before_last))
        else:
            self.pending.clear()
        self.rows.add(Row.of(step))

    def _page(self, step: Step, before: Step | None) -> None:
        follows = before is not None and before.iteration == step.iteration - 1
        page = Page(self.problem, step, self.look, before if follows else None, self.wishes.show)
        write(self.console, [*page.lines(), Text()])

    def rest(self, outcome: Outcome) -> None:
        """The run is over: the pages that were held back.

        Raises:
            UsageError: If an iteration was chosen that the run did not reach; no page has been printed then.
        """
        chosen = self.wishes.chosen
        if chosen:
            chosen.check_reached(outcome.iterations)
            if chosen.last and self.last is not None and self.last.iteration not in chosen:
                self.pending.append((self.last, self.before_last))
            write(self.console, [*header(self.problem, self.name, self.look.width), Text()])
        for step, before in self.pending:
            self._page(step, before)
        if not (self.wishes.quiet or self.wishes.every or self.pending) and self.last and self.last.iteration > 1:
            self._rows()
            self._page(self.last, self.before_last)

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """The outcome."""
        write(self.console, outcome_lines(self.problem, outcome, verdict, self.curve, self.look))

    def _rows(self) -> None:
        assert self.last is not None
        rows, thinned = self.rows.between(2, self.last.iteration - 1)
        if rows:
            left_out = self.last.iteration - 2 - len(rows)
            note = (
                f"{left_out} more iterations are left out, the later the more; --all shows every one" if thinned else ""
            )
            lines = [*row_lines(rows, self.look), *wrapped([note] if note else [], self.look.width)]
            write(self.console, [*lines, Text()])


def header(problem: Problem, name: str, width: int) -> list[Text]:
    """What is run, in a few lines; the first says which problem it is."""
    title = [visible(problem.title, longest=4 * width)] if problem.title else []
    lines = [Text(line, style="bold") for line in _wrapped([visible(name, longest=400), *title], width)]
    return [*lines, *(Text(line, style="dim") for line in _wrapped(facts(problem), width))]


def facts(problem: Problem) -> list[str]:
    """The problem's sizes and settings, what is left at its default mostly unsaid."""
    geometry = problem.geometry
    parts = [f"input {spelled_shape(problem.input.shape)}", f"filter {spelled_shape(problem.filter.shape)}"]
    if problem.operation != "cross-correlation":
        parts.append("operation convolution: the filter is rotated by 180°")
    for key, value in (("stride", problem.stride), ("dilation", problem.dilation)):
        if value != (1, 1):
            parts.append(f"{key} {_pair(value)}")
    if any(map(any, geometry.padding)):
        (top, bottom), (left, right) = geometry.padding
        sides = {top, bottom, left, right}
        parts.append(f"padding {top}" if len(sides) == 1 else f"padding [[{top}, {bottom}], [{left}, {right}]]")
    if problem.groups != 1:
        parts.append(f"groups {problem.groups}")
    parts.append(_choice(problem.activation.name, dict(problem.activation.parameters)))
    if problem.target is not None:
        parts.append(_choice(problem.loss.name, dict(problem.loss.parameters)))
    if problem.learning_rate is not None:
        used = {key: value for key, value in problem.optimizer.parameters.items() if value}
        parts += [_choice(problem.optimizer.name, used), f"learning_rate {short(problem.learning_rate)}"]
    if problem.exact is not None:
        parts.append("exact: in fractions")
    return parts


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else f"[{value[0]}, {value[1]}]"


def _choice(name: str, parameters: Mapping[str, Value]) -> str:
    """A function and its parameters: ``leaky_relu (slope 0.1)``."""
    spelled = ", ".join(
        f"{key} {'yes' if value is True else value if isinstance(value, (str, tuple)) else short(value)}"
        for key, value in parameters.items()
    )
    return f"{name} ({spelled})" if spelled else name


def _wrapped(parts: list[str], width: int) -> list[str]:
    """Parts with dots between them, broken between parts where possible."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + cell_len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            # Chinese, for one, takes two columns a character.
            lines += textwrap.wrap(part, width if cell_len(part) <= len(part) else width // 2) or [""]
    return lines


def outcome_lines(problem: Problem, outcome: Outcome, verdict: Verdict, curve: Curve, look: Look) -> list[Text]:
    """Status, reason, the way of the loss, the last parameters, and what to try."""
    times = "1 iteration" if outcome.iterations == 1 else f"{outcome.iterations} iterations"
    lines = [rule(f"{outcome.status} after {times}", look.width, STATUS_STYLES[outcome.status])]
    lines += [Text(f"  {line}") for line in textwrap.wrap(verdict.reason, max(10, look.width - 2))]
    if curve.points and outcome.loss is not None and problem.learns:
        lines += [Text(), _loss_line(outcome.loss, curve, look)]
    if problem.learns:
        lines += [Text(), *_last_parameters(problem, outcome, look)]
    for advice in verdict.advice:
        wrapped_advice = textwrap.wrap(advice, max(10, look.width - 4))
        lines += [Text(), *(Text(("  → " if n == 0 else "    ") + line) for n, line in enumerate(wrapped_advice))]
    return lines


def _last_parameters(problem: Problem, outcome: Outcome, look: Look) -> list[Text]:
    """The last filter and bias; of many numbers only how many and how large, so that they fit the last screen."""
    axes = ("filter", "channel") if problem.filter.ndim == 4 else ("channel",)
    terms = [Term("", array_block(heading("final filter", "w"), outcome.filter, look, axes=axes))]
    if outcome.bias is not None:
        terms.append(Term("", array_block(heading("final bias", "b"), np.asarray(outcome.bias), look)))
    lines = equation(terms, look.width)
    if len(lines) <= MOST_FINAL_LINES or look.all_cells:
        return lines
    ends = f"{look.number(outcome.filter.min())} to {look.number(outcome.filter.max())}"
    size = wrapped([f"{spelled_shape(outcome.filter.shape)}, {ends}; --iter last shows it"], look.width)
    return [Text.assemble("  ", heading("final filter", "w")), *size, *equation(terms[1:], look.width)]


def _loss_line(loss: float, curve: Curve, look: Look) -> Text:
    """The loss from the first to the last, with its curve between them."""
    first, last = look.number(curve.points[0], LONGEST_LOSS), look.number(loss, LONGEST_LOSS)
    line = Text.assemble("  ", heading("loss", "L"), f" {first} → {last}   ")
    room = min(CURVE_WIDTH, look.width - line.cell_len)
    bars, logarithmic = sparkline([*curve.points, loss], room) if room > 3 else ("", False)
    line.append(bars, style="green")
    note = "   logarithmic scale"
    if logarithmic and line.cell_len + len(note) <= look.width:
        line.append(note, style="dim")
    line.rstrip()
    return line
