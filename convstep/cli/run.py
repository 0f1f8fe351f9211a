"""``convstep run``: every number of every iteration."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import click

from convstep.cli.opening import OpenProblem, ProblemRequest
from convstep.cli.options import PageRequest, exact_options, page_options, problem_options, quantity_names
from convstep.cli.running import Interruption, RunSign, SignOfLife
from convstep.errors import ConvstepError, UsageError
from convstep.iterations import Iterations

if TYPE_CHECKING:
    from convstep.descent import Descent
    from convstep.near_zero import NearZero, Watch
    from convstep.problem.model import Problem
    from convstep.trace import Outcome, Step
    from convstep.trace_file import Recorded
    from convstep.verdict import Verdict


MOST_HELD = 1000
"""Up to so many chosen iterations are held back until all have been reached; more are streamed."""


class Writer(Protocol):
    """What prints a run while it goes on."""

    def begin(self, problem: Problem) -> None:
        """Before the first iteration."""

    def step(self, step: Step) -> None:
        """After each iteration."""

    def rest(self, outcome: Outcome) -> None:
        """After the last: what was held back until now."""

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """How it ended, at the very end."""


class Display(NamedTuple):
    """What of a run is to be shown, and how; see the options of `command`."""

    format: str
    every: bool
    chosen: Iterations | None
    show: tuple[str, ...] | None
    quiet: bool
    stepwise: bool
    page: PageRequest

    @property
    def silent(self) -> bool:
        """Whether the run itself writes to a terminal all the time, where a sign of life would get in between."""
        return (self.every or self.format == "jsonl") and sys.stdout.isatty()


@click.command("run")
@problem_options
@exact_options
@click.option("--all", "every", is_flag=True, help="Show every iteration in full.")
@click.option("--iter", "iterations", metavar="LIST", help="Show these iterations in full: 1,5,10-12,last.")
@click.option(
    "--show", metavar="NAMES", shell_complete=quantity_names, help="Show only these quantities: delta,filter_gradient."
)
@click.option("--quiet", "-q", is_flag=True, help="Show only the outcome.")
@click.option("--step", "stepwise", is_flag=True, help="One iteration at a time, back and forth; ? lists the commands.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "jsonl"]),
    default="table",
    show_default=True,
    help="Tables, one JSON document, or one JSON object a line.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 unless the run converges.")
@page_options
def command(
    request: ProblemRequest,
    every: bool,
    iterations: str | None,
    show: str | None,
    quiet: bool,
    stepwise: bool,
    format_: str,
    exit_code: bool,
    page: PageRequest,
) -> int:
    """Run a problem and show every number.

    FILE is a problem file (JSON or YAML), a trace, or - for standard input; without one the built-in sample is run.

    \b
      convstep run problem.yaml --lr 0.1 --iters 20
      convstep run problem.yaml --iter 1,last --show delta,filter_gradient
      convstep run problem.yaml --set activation=linear --set 'filter[0,1]=2'
      convstep run problem.yaml --format json | jq .result
    """
    chosen = Iterations.parse(iterations) if iterations else None
    display = Display(format_, every, chosen, _parse_names(show), quiet, stepwise, page)
    _check(display)
    opened = request.open(reads_commands=stepwise)
    request.remember(opened)
    status, caught = _step_through(opened, display) if stepwise else _run(opened, display)
    if caught is not None:
        return 128 + caught
    return 1 if exit_code and status != "converged" else 0


def _parse_names(text: str | None) -> tuple[str, ...] | None:
    """The quantities that --show names.

    Raises:
        UsageError: If one is unknown; names the nearest.
    """
    if text is None:
        return None
    from convstep.quantities import QUANTITIES
    from convstep.words import nearest, visible

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("--show: expected names of quantities, such as delta,filter_gradient")
    for name in names:
        if name not in QUANTITIES:
            near = nearest(name, QUANTITIES)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(QUANTITIES)}"
            raise UsageError(f"--show: there is no quantity {visible(name)}; {hint}")
    return names


def _check(display: Display) -> None:
    """Refuses options that contradict each other."""
    if display.every and display.chosen:
        raise UsageError("give --all or --iter, not both")
    if display.stepwise and (display.format != "table" or display.quiet or display.chosen):
        raise UsageError("--step shows pages one after the other; it does not go with --format, --quiet or --iter")


def _run(opened: OpenProblem, display: Display) -> tuple[str, int | None]:
    """Runs the problem through the writer; returns the status and the signal that ended it, if one did."""
    from convstep.descent import stopped_after

    problem = opened.problem
    writer = _writer(opened, display)
    steps = _steps(opened)
    watch = _watch(opened, display)
    first = last = None
    with Interruption() as interruption:
        with RunSign(problem.stop.iterations, display.silent) as life:
            for step in _until(interruption, steps):
                if first is None:
                    first = step
                    _check_shown(step, display)
                    writer.begin(problem)
                last = step
                writer.step(step)
                if watch is not None:
                    watch.look(step)
                life.step(step)
        if first is None or last is None:
            raise KeyboardInterrupt
        interrupted = interruption.signal_number is not None
        if steps.outcome is None and not interrupted:
            raise UsageError(f"{opened.name}: the trace ends without its result: it was cut off; run its problem again")
        outcome = steps.outcome if steps.outcome and not interrupted else stopped_after(problem, last)
        writer.rest(outcome)
        sys.stdout.flush()  # The pages are out before anything is tried for the advice.
        verdict = getattr(steps, "verdict", None) or _verdict(problem, outcome, (first, last), interruption)
        writer.end(outcome, verdict)
        if watch is not None and watch.found:
            _write_note(opened, watch.found, display.page)
    return outcome.status, interruption.signal_number


def _verdict(problem: Problem, outcome: Outcome, ends: tuple[Step, Step], interruption: Interruption) -> Verdict:
    """What to say at the end; a signal leaves the advice that was found until then.

    Args:
        problem: What was run.
        outcome: How it ended.
        ends: Its first and its last iteration.
        interruption: What notes a signal.
    """
    from convstep.reasons.conclusion import conclude

    interrupted = interruption.signal_number is not None
    with SignOfLife("trying what helps") as life:

        def goes_on(tried: int) -> bool:
            if life.shown:
                life.say(f"trying what helps, {tried:,} iterations so far; Ctrl-C stops")
            return interruption.signal_number is None

        return conclude(problem, outcome, *ends, interrupted=interrupted, goes_on=goes_on)


def _watch(opened: OpenProblem, display: Display) -> Watch | None:
    """What looks for numbers within rounding of 0, where pages are printed: they have room for a note."""
    if display.format != "table" or opened.problem.exact is not None:
        return None
    from convstep.near_zero import Watch

    return Watch(opened.problem)


def _write_note(opened: OpenProblem, found: Sequence[NearZero], page: PageRequest) -> None:
    """Says of a z that may lie on the wrong side of 0, and how fractions decide, if they can."""
    from rich.text import Text

    from convstep.near_zero import decided, note
    from convstep.problem.load import read_problem
    from convstep.render.check_table import paragraph
    from convstep.render.terminal import page_console, write

    source, settings = opened.source, (*opened.settings, "exact=true")
    try:
        exact, _ = read_problem(source.path or "-", settings, None if source.path else source.text)
        pair = decided(exact, found)
    except ConvstepError:  # Not every problem has fractions.
        pair = None
    console = page_console(page.color, page.width)
    write(console, [Text(), *paragraph(note(*(pair or (found[0], None))), console.width, "dim")])


def _step_through(opened: OpenProblem, display: Display) -> tuple[str, int | None]:
    """A session with the run; returns as `_run` does."""
    from convstep.cli.stepper import step_through

    return step_through(opened, _steps(opened), display.page, display.show)


def _steps(opened: OpenProblem) -> Descent | Recorded:
    """The iterations: those that a trace holds, if it holds them all; else computed."""
    from convstep.descent import descend

    if opened.source.is_trace and not opened.changed:
        from convstep.trace_file import Recorded

        recorded = Recorded(opened.source, opened.problem)
        if recorded.complete:
            return recorded
    return descend(opened.problem)


def _until(interruption: Interruption, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, until a signal asks to stop."""
    for step in steps:
        yield step
        if interruption.signal_number is not None:
            return


def _check_shown(step: Step, display: Display) -> None:
    """Complains about a quantity asked for that this problem does not have."""
    missing = [name for name in display.show or () if name not in step]
    if missing:
        raise UsageError(f"--show: this problem has no {missing[0]}; it has {', '.join(step)}")


def _writer(opened: OpenProblem, display: Display) -> Writer:
    """What prints in the format asked for."""
    if display.format == "table":
        return _report(opened, display)
    from convstep.render.json import JsonDocument, JsonLines

    kind = JsonDocument if display.format == "json" else JsonLines
    partial = display.chosen is not None or display.show is not None
    writer = kind(sys.stdout, display.show, partial)
    if display.chosen is None:
        return writer
    few = display.chosen.count <= MOST_HELD
    return Chosen(writer, display.chosen, hold=display.format == "json" or few)


def _report(opened: OpenProblem, display: Display) -> Writer:
    from convstep.render.matrix import Look
    from convstep.render.report import Report, Wishes
    from convstep.render.terminal import page_console

    page = display.page
    console = page_console(page.color, page.width)
    look = Look(console.width, page.digits, page.all_cells)
    wishes = Wishes(display.every, display.chosen, display.show, display.quiet)
    return Report(console, look, wishes, opened.name)


class Chosen:
    """Hands on only the iterations asked for; where `hold` is set, nothing before they all have been reached."""

    def __init__(self, writer: Writer, wanted: Iterations, hold: bool) -> None:
        self.writer = writer
        self.wanted = wanted
        self.hold = hold
        self.held: list[Step] = []
        self.last: Step | None = None

    def begin(self, problem: Problem) -> None:
        """Before the first iteration."""
        self.problem = problem
        if not self.hold:
            self.writer.begin(problem)

    def step(self, step: Step) -> None:
        """After each iteration."""
        self.last = step
        if step.iteration in self.wanted:
            if self.hold:
                self.held.append(step)
            else:
                self.writer.step(step)

    def rest(self, outcome: Outcome) -> None:
        """After the last: complains if an iteration asked for is missing."""
        self.wanted.check_reached(outcome.iterations)
        if self.hold:
            self.writer.begin(self.problem)
            for step in self.held:
                self.writer.step(step)
        if self.last is not None and self.wanted.last and self.last.iteration not in self.wanted:
            self.writer.step(self.last)
        self.writer.rest(outcome)

    def end(self, outcome: Outcome, verdict: Verdict) -> None:
        """How it ended."""
        self.writer.end(outcome, verdict)
