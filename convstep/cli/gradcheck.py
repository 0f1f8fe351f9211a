"""``convstep gradcheck``: are the gradients right?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import click

from convstep.cli.explain import parse_question
from convstep.cli.opening import OpenProblem, ProblemRequest
from convstep.cli.options import PageRequest, exact_options, page_options, problem_options, quantity_names
from convstep.cli.running import RunSign
from convstep.errors import ProblemError, UsageError
from convstep.iterations import Iterations

if TYPE_CHECKING:
    from rich.text import Text

    from convstep.problem.quantities_file import GivenQuantity
    from convstep.problem.reader import Source
    from convstep.render.matrix import Look
    from convstep.trace import Step

TORCH = "torch"
DIRECTIONS = 5
SEED = 0


class Place(NamedTuple):
    """Where to look, and how to show it.

    Attributes:
        opened: The problem.
        iterations: Which iteration; ``None`` where nobody said.
        as_json: Whether to write JSON.
        page: How a page is to look.
    """

    opened: OpenProblem
    iterations: str | None
    as_json: bool
    page: PageRequest


@click.command("gradcheck")
@problem_options
@exact_options
@click.option("--iter", "iterations", metavar="N", help="The iteration to check: a number or last.  [default: 1]")
@click.option("--cells", is_flag=True, help="Check every number of every gradient as well, one by one.")
@click.option(
    "--cell",
    "only",
    multiple=True,
    metavar="CELL",
    shell_complete=quantity_names,
    help="Check only this number: 'filter[0,1]' is ∂L/∂w[0,1].",
)
@click.option(
    "--directions",
    type=click.IntRange(1, 1000),
    metavar="K",
    help=f"Random directions for each gradient.  [default: {DIRECTIONS}]",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help=f"Of the random numbers.  [default: {SEED}]")
@click.option("--against", metavar="torch|FILE", help="Compare with PyTorch, or with the numbers in a file, instead.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A page, or JSON.",
)
@page_options
def command(
    request: ProblemRequest,
    iterations: str | None,
    cells: bool,
    only: tuple[str, ...],
    directions: int | None,
    seed: int | None,
    against: str | None,
    format_: str,
    page: PageRequest,
) -> int:
    """Check every gradient with differences of the forward pass.

    Exits with 0 where they agree and with 1 where they do not. With --against it compares every quantity with
    PyTorch's, or with those of your own program: a file (JSON, YAML, a trace) that holds any of them by name.

    \b
      convstep gradcheck problem.yaml                       in random directions
      convstep gradcheck problem.yaml --cells --iter 3      number by number too
      convstep gradcheck problem.yaml --cell 'filter[0,1]'  one number alone
      convstep gradcheck problem.yaml --against torch       beside PyTorch
      convstep gradcheck problem.yaml --against mine.json   beside your own code
    """
    if against is not None and (cells or only or directions is not None or seed is not None):
        raise UsageError("--against takes no differences; it does not go with --cells, --cell, --directions or --seed")
    place = Place(request.open_or_recall(), iterations, format_ == "json", page)
    if against == TORCH:
        return _against_torch(place)
    if against is not None:
        return _against_file(place, against)
    return _differences(place, directions or DIRECTIONS, SEED if seed is None else seed, cells, only)


def _differences(place: Place, directions: int, seed: int, cells: bool, only: tuple[str, ...]) -> int:
    from convstep.gradients import check_gradients

    if only and cells:
        raise UsageError("give --cells or --cell, not both")
    places = [_gradient_cell(text) for text in only]
    _, step = _steps(place.opened, _wanted(place.iterations))
    check = check_gradients(
        place.opened.problem, step, directions=0 if only else directions, seed=seed, cells=places or cells
    )
    if place.as_json:
        from convstep.render.gradcheck_json import write_gradients

        write_gradients(sys.stdout, check)
    else:
        from convstep.render.gradcheck import gradient_lines

        _print(place, lambda look: gradient_lines(place.opened.problem, check, look))
    return 0 if check.agrees else 1


def _gradient_cell(text: str) -> tuple[str, tuple[int, ...] | None]:
    """The number of a gradient that --cell names, by its own name or by that of what it is the gradient of.

    >>> _gradient_cell("filter[0,1]"), _gradient_cell("delta[2]"), _gradient_cell("bias")
    (('filter_gradient', (0, 1)), ('delta', (2,)), ('bias_gradient', None))
    """
    from convstep.gradients import GRADIENTS

    question = parse_question(None, text)
    gradients = {parameter: name for name, parameter in GRADIENTS.items()}
    name = question.quantity or ""
    return gradients.get(name, name), question.cell or None


def _against_torch(place: Place) -> int:
    from convstep.torch_reference import compare_with_torch

    before, step = _steps(place.opened, _wanted(place.iterations))
    before = None if before is None else before.in_floats
    comparison = compare_with_torch(place.opened.problem.in_floats, step.in_floats, before)
    if place.as_json:
        from convstep.render.gradcheck_json import write_torch

        write_torch(sys.stdout, comparison)
    else:
        from convstep.render.gradcheck import torch_lines

        _print(place, lambda look: torch_lines(comparison, look))
    return 0 if comparison.agrees else 1


def _against_file(place: Place, name: str) -> int:
    from convstep.comparison import compare_quantities
    from convstep.problem.quantities_file import given_quantities
    from convstep.problem.reader import read_source

    source = read_source(name)
    if source.is_trace:
        wanted = _wanted(place.iterations)
        given = _recorded_quantities(source, place.opened, wanted)
    else:
        given, iteration = given_quantities(source)
        wanted = _wanted(place.iterations or str(iteration or 1))
        if iteration is not None and (wanted.last or iteration not in wanted):
            raise UsageError(f"--iter {place.iterations}: the numbers in {source.name} are of iteration {iteration}")
    _, step = _steps(place.opened, wanted)
    try:
        comparison = compare_quantities(place.opened.problem.in_floats, step.in_floats, given)
    except ProblemError as error:
        error.file = source.name
        raise
    if place.as_json:
        from convstep.render.gradcheck_json import write_comparison

        write_comparison(sys.stdout, comparison, source.name)
    else:
        from convstep.render.gradcheck import comparison_lines

        _print(place, lambda look: comparison_lines(comparison, source.name, look))
    return 0 if comparison.agrees else 1


def _recorded_quantities(source: Source, opened: OpenProblem, wanted: Iterations) -> dict[str, GivenQuantity]:
    """The quantities of one iteration of a trace."""
    from convstep.problem.quantities_file import GivenQuantity
    from convstep.trace_file import Recorded

    _, step = _one(Recorded(source, opened.problem), wanted)
    return {name: GivenQuantity.exactly(step.in_floats.array(name)) for name in step}


def _wanted(text: str | None) -> Iterations:
    """The one iteration asked for; the first where none is."""
    wanted = Iterations.parse(text or "1")
    if wanted.count + wanted.last != 1:
        raise UsageError(f"--iter {(text or '')[:40]!r}: expected one iteration, as in --iter 3 or --iter last")
    return wanted


def _steps(opened: OpenProblem, wanted: Iterations) -> tuple[Step | None, Step]:
    """The iteration asked for and the one before it: from the trace if it holds them all, else computed."""
    from convstep.descent import descend

    if opened.source.is_trace and not opened.changed:
        from convstep.trace_file import Recorded

        recorded = Recorded(opened.source, opened.problem)
        if recorded.complete:
            return _one(recorded, wanted)
    with RunSign(opened.problem.stop.iterations) as life:
        return _one(descend(opened.problem), wanted, life)


def _one(steps: Iterable[Step], wanted: Iterations, life: RunSign | None = None) -> tuple[Step | None, Step]:
    """The step asked for, and the one before it if it is known.

    Raises:
        UsageError: If it was not reached.
    """
    before: Step | None = None
    last: Step | None = None
    for step in steps:
        before, last = last, step
        if not wanted.last and step.iteration >= wanted.highest:
            break
        if life is not None:
            life.step(step)
    if last is None:
        raise UsageError("the trace holds no iteration")
    if not wanted.last and last.iteration not in wanted:
        wanted.check_reached(last.iteration)
        raise UsageError(f"the trace does not hold iteration {wanted.highest}")
    return (before if before is not None and before.iteration == last.iteration - 1 else None), last


def _print(place: Place, lines: Callable[[Look], list[Text]]) -> None:
    """The page below its header."""
    from rich.text import Text

    from convstep.render.matrix import Look
    from convstep.render.report import header
    from convstep.render.terminal import page_console, write

    console = page_console(place.page.color, place.page.width)
    look = Look(console.width, place.page.digits, place.page.all_cells)
    opened = place.opened
    write(console, [*header(opened.problem, opened.name, console.width), Text(), *lines(look)])
