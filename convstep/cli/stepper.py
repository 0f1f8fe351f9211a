"""``convstep run --step``: one iteration at a time, back and forth, with commands in between.

Pages, explanations and verdicts go to standard output; the prompt, and everything that is said about the commands
themselves, to standard error. Commands that come from a pipe get no prompt.
"""

from __future__ import annotations

import signal
import sys
import textwrap
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import click
from rich.text import Text

from convstep.cli.command_lines import CommandLines
from convstep.cli.opening import OpenProblem
from convstep.cli.options import PageRequest
from convstep.cli.running import Interruption, RunSign
from convstep.cli.stepper_actions import Leave
from convstep.cli.stepper_commands import candidates, perform
from convstep.descent import Descent
from convstep.errors import ConvstepError, UsageError
from convstep.reasons.conclusion import conclude
from convstep.render.curve import Curve
from convstep.render.matrix import Look
from convstep.render.page import Page, rule
from convstep.render.report import STATUS_STYLES, header, outcome_lines
from convstep.render.terminal import page_console, write
from convstep.stepping import Line, Session
from convstep.trace import Step
from convstep.trace_file import Recorded
from convstep.verdict import Verdict
from convstep.words import counted, visible

HINT = "Enter: next iteration   ?: help   q: leave"
LONGEST_CHANGE = 40


class Losses(NamedTuple):
    """The losses of a line, and up to which iteration they are in the curve."""

    curve: Curve
    last: int


class Stepper:
    """One session.

    Attributes:
        session: Where it stands.
        name: What to call the problem.
        console, look: Where pages go, and how they look.
        shown: The quantities of a page; ``None`` for all.
        signal_number: The signal that ended it, if one did.
    """

    def __init__(
        self,
        name: str,
        line: Line,
        page: PageRequest,
        show: Collection[str] | None = None,
        recorded: Recorded | None = None,
    ) -> None:
        self.session = Session(line)
        self.name = name
        self._recorded = recorded
        self.console = page_console(page.color, page.width)
        self.look = Look(self.console.width, page.digits, page.all_cells)
        self.shown = show
        self.signal_number: int | None = None
        self._losses: dict[int, Losses] = {}
        self._note(line.opening)

    # What is seen

    def write(self, lines: list[Text]) -> None:
        """Puts lines on standard output."""
        write(self.console, lines)

    def talk(self, text: str) -> None:
        """Says something about the session, on standard error; on a terminal no line is longer than that is wide."""
        sys.stdout.flush()
        if sys.stderr.isatty():
            text = "\n".join(_broken(line, self.look.width) for line in text.split("\n"))
        print(text, file=sys.stderr, flush=True)

    def page(self, show: Collection[str] | None = None, look: Look | None = None) -> None:
        """Shows the present iteration, as a run's page is."""
        session = self.session
        look = look or self.look
        lines = Page(session.owner.problem, session.step, look, session.before, show or self.shown).lines()
        self.write([self.heading(f"Iteration {session.iteration}"), *lines[1:], Text()])

    def paragraphs(self, sentences: Sequence[str]) -> None:
        """Shows sentences, each on lines of its own."""
        width = max(10, self.look.width - 2)
        lines = [[Text(f"  {line}") for line in textwrap.wrap(sentence, width)] + [Text()] for sentence in sentences]
        self.write([line for paragraph in lines for line in paragraph])

    @property
    def is_computed(self) -> bool:
        """Whether the run is computed here; else it is read from a trace."""
        return self._recorded is None

    def heading(self, title: str, line: Line | None = None, style: str = "bold") -> Text:
        """The first line of a page, which says on which branch it is."""
        name = branch_name(line or self.session.owner)
        if name:
            room = max(self.look.width - 6, len(title))
            title = f"{title}, {name}"
            title = title if len(title) <= room else f"{title[: room - 1]}…"
        return rule(title, self.look.width, style)

    @property
    def prompt(self) -> str:
        """Where the session stands."""
        session = self.session
        parts = [f"iteration {session.iteration}"]
        if session.line.number:
            before = "before " if session.owner is not session.line else ""
            parts.append(f"{before}branch {session.line.number}")
        if session.at_the_end and session.line.outcome is not None:
            parts.append(session.line.outcome.status)
        return f"{', '.join(parts)}> "

    # What is done

    def walk(self, holds: Callable[[Step, Step | None], bool]) -> bool:
        """Goes on up to the iteration where something holds, the run's end or Ctrl-C; returns whether it held."""
        session = self.session
        try:
            with RunSign(session.line.problem.stop.iterations) as life, Interruption() as interruption:
                for step in session.ahead():
                    self._note(step)
                    if holds(step, session.before):
                        return True
                    if interruption.signal_number is not None:
                        self._interrupted(interruption.signal_number)
                        return False
                    life.step(step)
        except KeyboardInterrupt:  # The second one: the run was cut off in the middle and cannot go on.
            raise click.Abort from None
        return False

    def _interrupted(self, number: int) -> None:
        if number == signal.SIGINT:
            self.talk(f"Interrupted at iteration {self.session.iteration}.")
        else:
            self.signal_number = number

    def _note(self, step: Step) -> None:
        """Keeps the loss for the curve at the end, once."""
        line = self.session.owner
        losses = self._losses.get(line.number) or Losses(Curve(), 0)
        if "loss" in step and step.iteration > losses.last:
            losses.curve.add(step.loss)
            self._losses[line.number] = losses._replace(last=step.iteration)

    def verdict(self, line: Line) -> Verdict:
        """What to say of a line, as far as it has come."""
        if self._recorded is not None and self._recorded.verdict is not None and line.number == 0:
            return self._recorded.verdict
        return conclude(line.problem, line.so_far, line.opening, line.reached, interrupted=line.outcome is None)

    # From the beginning to the end

    def run(self, lines: CommandLines) -> None:
        """The session: the first page, command after command, and the outcome."""
        self.write([*header(self.session.line.problem, self.name, self.look.width), Text()])
        self.page()
        if lines.interactive:
            self.talk(HINT)
        while self.signal_number is None:
            sys.stdout.flush()
            try:
                line = lines.read(self.prompt)
            except KeyboardInterrupt:
                self.signal_number = signal.SIGINT
                break
            if line is None or not self._obey(line):
                break
        self._end()

    def _obey(self, line: str) -> bool:
        """Does what a line says; returns whether the session goes on."""
        try:
            perform(self, line)
        except Leave:
            return False
        except ConvstepError as error:
            self.talk(str(error))
        except MemoryError:
            self.talk("There is not enough memory for that.")
        except KeyboardInterrupt:
            self.talk("\nInterrupted.")
        return True

    def _end(self) -> None:
        """The outcome, as at the end of every run."""
        line = self.session.line
        outcome, verdict = line.so_far, self.verdict(line)
        losses = self._losses.get(line.number)
        first, *rest = outcome_lines(line.problem, outcome, verdict, losses.curve if losses else Curve(), self.look)
        if line.number:
            times = counted(outcome.iterations, "iteration")
            first = self.heading(f"{outcome.status} after {times}", line, STATUS_STYLES[outcome.status])
        self.write([first, *rest])


def _broken(line: str, width: int) -> str:
    """A line in pieces that are no wider, those after the first a little to the right."""
    return line if len(line) < width else "\n".join(textwrap.wrap(line, width - 1, subsequent_indent="  "))


def branch_name(line: Line) -> str:
    """A branch with what it changes: ``branch 1: learning_rate=0.1``; empty for the run itself."""
    if not line.number:
        return ""
    return f"branch {line.number}: {', '.join(visible(change, LONGEST_CHANGE) for change in line.changes)}"


def step_through(
    opened: OpenProblem, steps: Descent | Recorded, page: PageRequest, show: Collection[str] | None
) -> tuple[str, int | None]:
    """Runs a session; returns the status that it ended with, and the signal that ended it, if one did."""
    recorded = steps if isinstance(steps, Recorded) else None
    # What one goes back to in a trace is read again.
    reread = (lambda: Recorded(opened.source, opened.problem)) if recorded else None
    line = Line(opened.problem, steps, reread=reread)
    missing = [name for name in show or () if name not in line.opening]
    if missing:
        raise UsageError(f"--show: this problem has no {missing[0]}; it has {', '.join(line.opening)}")
    stepper = Stepper(opened.name, line, page, show, recorded)
    taken = opened.source.path is None
    stepper.run(CommandLines(lambda text: candidates(text, stepper.session.step), problem_from_stdin=taken))
    return stepper.session.line.so_far.status, stepper.signal_number
