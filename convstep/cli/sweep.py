"""``convstep sweep``: which rate, which start?"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import click

from convstep.cli.opening import OpenProblem, ProblemRequest
from convstep.cli.options import PageRequest, page_options, problem_options
from convstep.cli.running import Interruption, SignOfLife
from convstep.errors import UsageError

if TYPE_CHECKING:
    from convstep.render.sweep_data import JsonLines
    from convstep.sweeping.refine import Refinement
    from convstep.sweeping.running import Pulse
    from convstep.sweeping.starts import Starts
    from convstep.sweeping.sweep import Sweep


class SweepRequest(NamedTuple):
    """What is asked for; see the options of `command`."""

    vary: tuple[str, ...]
    starts: int | None
    seed: int
    around: float | None
    initial: str | None
    refine: bool
    format: str
    plot: str | None


@click.command("sweep")
@problem_options
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=VALUES",
    help="Values for a key: start:stop:count, log:start:stop:count, or a list. Once or twice.",
)
@click.option("--starts", type=click.IntRange(1, 100_000), metavar="N", help="Start from N random filters.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="For the random filters.",
)
@click.option("--around", type=float, metavar="SIZE", help="Draw starts around the problem's own filter, this far off.")
@click.option(
    "--initial",
    type=click.Choice(["he", "glorot", "uniform"]),
    help="Draw starts in place of the problem's own filter, he unless said otherwise.",
)
@click.option("--refine", is_flag=True, help="Find the boundaries between outcomes by bisection.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="A page, one JSON document, one JSON object a line, or CSV.",
)
@click.option("--plot", metavar="FILE", type=click.Path(), help="Draw it into a .png or .svg file too (matplotlib).")
@page_options
def command(
    request: ProblemRequest,
    vary: tuple[str, ...],
    starts: int | None,
    seed: int,
    around: float | None,
    initial: str | None,
    refine: bool,
    format_: str,
    plot: str | None,
    page: PageRequest,
) -> int:
    """Run a problem many times: which rate, which start?

    Without FILE it sweeps the problem of the last convstep run in this directory, with its changes; without --vary
    and --starts the learning rate over three decades.

    \b
      convstep sweep --vary learning_rate=0.01:1:60 --refine
      convstep sweep --vary learning_rate=log:0.01:1:9 --vary activation=relu,tanh
      convstep sweep --starts 1000 --seed 1
      convstep sweep --starts 200 --around 0.5 --vary learning_rate=0.1,0.2,0.4
    """
    asked = SweepRequest(vary, starts, seed, around, initial, refine, format_, plot)
    drawn = _starts(asked)
    if plot is not None:
        from convstep.render.plot import check_plot

        check_plot(plot)
    opened = request.open_or_recall()
    if opened.problem.exact is not None:
        raise UsageError("sweep calculates in floats, and this problem is exact; --set exact=false sweeps it in floats")
    return _run(opened, asked, drawn, page)


def _starts(asked: SweepRequest) -> Starts | None:
    """The starts asked for.

    Raises:
        UsageError: If options contradict each other.
    """
    from convstep.sweeping.starts import Starts

    if asked.starts is None:
        if asked.around is not None or asked.initial is not None:
            raise UsageError("--around and --initial say how --starts are drawn; give --starts as well")
        return None
    if asked.around is not None and asked.initial is not None:
        raise UsageError("give --around or --initial, not both")
    if asked.around is not None and not 0 < asked.around < float("inf"):
        raise UsageError("--around: expected a positive number")
    return Starts(asked.starts, asked.seed, asked.initial or "he", asked.around)


def _run(opened: OpenProblem, asked: SweepRequest, starts: Starts | None, page: PageRequest) -> int:
    """Carries out the sweep and shows it; returns the exit code."""
    from convstep.problem.overrides import apply
    from convstep.sweeping.refine import Refinement
    from convstep.sweeping.sweep import Sweep, planned

    data = apply(opened.source.data, opened.settings)
    sweep = Sweep(planned(data, opened.source.folder, asked.vary, starts))
    refinement = Refinement(sweep) if asked.refine else None
    lines = _lines(sweep) if asked.format == "jsonl" else None
    with Progress(sweep) as progress, Interruption() as interruption:
        _carry_out(sweep, progress, interruption, lines)
        if refinement is not None and interruption.signal_number is None:
            _carry_out(refinement, progress, interruption, None)
    _show(opened, asked, sweep, refinement, lines, page)
    return 128 + interruption.signal_number if interruption.signal_number is not None else 0


def _carry_out(work: Iterable[Pulse], progress: Progress, interruption: Interruption, lines: JsonLines | None) -> None:
    """Goes on until all has ended, or a signal asks to stop."""
    for pulse in work:
        if lines is not None and pulse.ended:
            lines.update()
        progress.pulse(pulse)
        if interruption.signal_number is not None:
            return


def _lines(sweep: Sweep) -> JsonLines:
    from convstep.render.sweep_data import JsonLines

    return JsonLines(sys.stdout, sweep)


def _show(
    opened: OpenProblem,
    asked: SweepRequest,
    sweep: Sweep,
    refinement: Refinement | None,
    lines: JsonLines | None,
    page: PageRequest,
) -> None:
    """Writes the sweep in the format asked for, and the plot."""
    beyond = [run for each in refinement.boundaries for run in (each.below, each.above)] if refinement else []
    if asked.plot is not None:
        from convstep.render.plot import write_plot

        write_plot(asked.plot, sweep)
    if lines is not None:
        lines.end(beyond)
    elif asked.format == "json":
        from convstep.render.sweep_data import write_document

        write_document(sys.stdout, sweep, refinement)
    elif asked.format == "csv":
        from convstep.render.sweep_data import write_csv

        write_csv(sys.stdout, [*sweep.runs, *beyond])
    else:
        _write_page(opened, sweep, refinement, page)


def _write_page(opened: OpenProblem, sweep: Sweep, refinement: Refinement | None, page: PageRequest) -> None:
    from convstep.render.matrix import Look
    from convstep.render.sweep import sweep_lines
    from convstep.render.terminal import page_console, write

    console = page_console(page.color, page.width)
    look = Look(console.width, page.digits, page.all_cells)
    write(console, sweep_lines(sweep, refinement, opened.name, look))


class Progress(SignOfLife):
    """How many runs have ended, on a terminal, once it lasts over a second."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__("planning the runs")
        self._sweep = sweep

    def pulse(self, pulse: Pulse) -> None:
        """The work has gone on."""
        if self.shown:
            of = f"{self._sweep.ended:,} of {len(self._sweep.outcomes):,} runs have ended"
            self.say(f"{of}, iteration {pulse.iteration:,}; Ctrl-C stops")
