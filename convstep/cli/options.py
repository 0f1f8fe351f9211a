"""The options that several commands share, each in one place, and the objects that carry them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from convstep import sample_files
from convstep.cli.opening import ProblemRequest

Command = Callable[..., Any]
MOST_DIGITS = 1400
"""As `convstep.problem.model.MOST_DIGITS`, which would take NumPy to import."""


def complete_sample(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Completes the name of a sample, for shells."""
    return [name for name in sample_files.names() if name.startswith(incomplete)]


def _complete_setting(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from convstep.problem.keys import KEYS

    return [f"{key}=" for key in (*KEYS, "stop.iterations", "stop.loss", "stop.gradient") if key.startswith(incomplete)]


def problem_options(command: Command) -> Command:
    """FILE, --sample, --set, --lr and --iters, handed to the command as ``request``."""

    @click.argument("file", required=False, metavar="[FILE]", type=click.Path())
    @click.option("--sample", metavar="NAME", shell_complete=complete_sample, help="Use a built-in problem.")
    @click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=_complete_setting,
        help="Change any key of the problem file.",
    )
    @click.option("--lr", metavar="RATE", help="Short for --set learning_rate=RATE.")
    @click.option("--iters", metavar="N", help="Short for --set stop.iterations=N.")
    @functools.wraps(command)
    def wrapped(
        file: str | None,
        sample: str | None,
        settings: tuple[str, ...],
        lr: str | None,
        iters: str | None,
        **others: Any,
    ) -> Any:
        short = (("learning_rate", lr), ("stop.iterations", iters))
        every = (*settings, *(f"{key}={value}" for key, value in short if value is not None))
        return command(request=ProblemRequest(file, sample, every), **others)

    return wrapped


def exact_options(command: Command) -> Command:
    """--exact and --max-digits, put into the ``request`` of `problem_options`, which stands above."""

    @click.option("--exact", is_flag=True, help="Calculate in fractions: short for --set exact=true.")
    @click.option(
        "--max-digits",
        type=click.IntRange(1, MOST_DIGITS),
        metavar="N",
        help="Exact, and stop before a fraction has more digits.  [default: 1000]",
    )
    @functools.wraps(command)
    def wrapped(request: ProblemRequest, exact: bool, max_digits: int | None, **others: Any) -> Any:
        wanted = [f'exact={{"max_digits": {max_digits}}}'] if max_digits is not None else ["exact=true"] * exact
        return command(request=request._replace(settings=(*request.settings, *wanted)), **others)

    return wrapped


class PageRequest(NamedTuple):
    """How pages are to look; see `page_options`."""

    digits: int
    width: int | None
    color: str
    all_cells: bool


def page_options(command: Command) -> Command:
    """--digits, --width, --color and --all-cells, handed to the command as ``page``."""

    @click.option("--all-cells", is_flag=True, help="Show large matrices whole.")
    @click.option(
        "--digits",
        type=click.IntRange(1, 17),
        default=6,
        show_default=True,
        metavar="N",
        help="Significant digits shown.",
    )
    @click.option("--width", type=click.IntRange(20, 100000), metavar="N", help="Columns to use.")
    @click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
    @functools.wraps(command)
    def wrapped(digits: int, width: int | None, color: str, all_cells: bool, **others: Any) -> Any:
        return command(page=PageRequest(digits, width, color, all_cells), **others)

    return wrapped


def quantity_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Completes the last of several names, for shells."""
    from convstep.quantities import QUANTITIES

    *head, tail = incomplete.split(",")
    return [",".join([*head, name]) for name in QUANTITIES if name.startswith(tail)]
