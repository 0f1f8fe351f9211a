"""``convstep why``: why does it learn, or not?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from convstep import sample_files
from convstep.cli.opening import OpenProblem, ProblemRequest
from convstep.cli.options import exact_options, problem_options
from convstep.cli.running import SignOfLife


@click.command("why")
@problem_options
@exact_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A page, or JSON.",
)
@click.option("--width", type=click.IntRange(20, 100000), metavar="N", help="Columns to use.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
def command(request: ProblemRequest, format_: str, width: int | None, color: str) -> int:
    """Say why a run ends as it does, with the evidence, and what helps.

    Without FILE it speaks of the problem of the last convstep run in this directory, with its changes. Every piece of
    advice has been tried before it is given.
    """
    from convstep.reasons.answer import why

    opened = request.open_or_recall()
    with SignOfLife("running it, and trying what helps; Ctrl-C stops"):
        reasons = why(opened.problem)
    if format_ == "json":
        from convstep.render.reasons import write_reasons

        write_reasons(sys.stdout, reasons)
    else:
        from rich.text import Text

        from convstep.render.reasons import reasons_lines
        from convstep.render.report import header
        from convstep.render.terminal import page_console, write

        console = page_console(color, width)
        head = [*header(opened.problem, opened.name, console.width), Text()]
        write(console, [*head, *reasons_lines(reasons, partial(run_command, opened), console.width)])
    return 0


def run_command(opened: OpenProblem, settings: Mapping[str, Any]) -> str:
    """What runs this problem with these settings, its own among them where they are not overridden."""
    from convstep.reasons.settings import options, typed

    if "slope_at_zero" not in opened.source.data and not any("slope_at_zero" in each for each in opened.settings):
        settings = {key: value for key, value in settings.items() if key != "slope_at_zero"}
    own = [setting for setting in opened.settings if setting.partition("=")[0] not in settings]
    kept = (f"--set {typed(setting)}" for setting in own)
    return " ".join(["convstep run", _spelled(opened.source.path), *kept, options(settings)])


def _spelled(path: str | None) -> str:
    """The problem as it is typed: the name of a sample, a file, or ``-`` for standard input."""
    from convstep.reasons.settings import typed

    if path is None:
        return "-"
    samples = os.path.realpath(sample_files.folder())
    folder, name = os.path.split(os.path.realpath(path))
    if folder == samples and name.removesuffix(".yaml") in sample_files.names():
        return f"--sample {name.removesuffix('.yaml')}"
    near = os.path.relpath(path)
    return typed(f"./{near}" if near.startswith("-") else near)
