"""``convstep explain``: where does this number come from?"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from convstep.cli.opening import OpenProblem, ProblemRequest
from convstep.cli.options import PageRequest, exact_options, page_options, problem_options, quantity_names
from convstep.cli.running import Interruption, RunSign
from convstep.errors import UsageError
from convstep.iterations import Iterations

if TYPE_CHECKING:
    from convstep.derivation.explanation import Derivations
    from convstep.trace import Step

CELL = re.compile(r"\s*([^\W\d]+)?\s*((?:\[\s*\d+(?:\s*,\s*\d+)*\s*\])*)\s*")


class Question(NamedTuple):
    """What is asked for.

    Attributes:
        quantity: The quantity; ``None`` for all.
        cell: The cell of it; ``None`` for all.
    """

    quantity: str | None
    cell: tuple[int, ...] | None


@click.command("explain")
@problem_options
@exact_options
@click.option(
    "--iter", "iterations", default="1", show_default=True, metavar="LIST", help="Iterations: 1,5,10-12,last."
)
@click.option("--quantity", metavar="NAME", shell_complete=quantity_names, help="Only this quantity.")
@click.option("--cell", metavar="CELL", shell_complete=quantity_names, help="Only this number: 'filter_gradient[0,1]'.")
@click.option("--all-terms", is_flag=True, help="Show long sums whole.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Pages, or JSON.",
)
@page_options
def command(
    request: ProblemRequest,
    iterations: str,
    quantity: str | None,
    cell: str | None,
    all_terms: bool,
    format_: str,
    page: PageRequest,
) -> int:
    """Show where each number comes from: symbolic = substituted = result.

    Without FILE it explains the problem of the last convstep run in this directory, with its changes.

    \b
      convstep explain --iter 1                       every number of iteration 1
      convstep explain --quantity delta               all of one quantity
      convstep explain --cell 'filter_gradient[0,1]'  one number, and what made it
      convstep explain --cell 'input[1,1]'            who used it; what comes back
    """
    wanted = Iterations.parse(iterations)
    question = parse_question(quantity, cell)
    _check_file(request.file)
    opened = request.open_or_recall()
    found = list(_found(opened, wanted, question))
    if format_ == "json":
        _write_json(opened, found, question)
    else:
        _write_pages(opened, found, question, page, all_terms)
    return 0


def parse_question(quantity: str | None, cell: str | None) -> Question:
    """Reads --quantity and --cell.

    >>> parse_question(None, "delta[0, 1]")
    Question(quantity='delta', cell=(0, 1))

    Raises:
        UsageError: If the cell is none, or belongs to another quantity.
    """
    if cell is None:
        return Question(quantity, None)
    match = CELL.fullmatch(cell)
    name = (match[1] if match else None) or quantity
    if match is None or name is None or len(cell) > 200:
        raise UsageError(
            f"--cell {cell[:40]!r}: expected a quantity and indices, such as 'filter_gradient[0,1]' or loss"
        )
    if quantity is not None and name != quantity:
        raise UsageError(f"--cell names {name} and --quantity {quantity}; give one of them")
    return Question(name, tuple(int(index) for index in re.findall(r"\d+", match[2])))


def _check_file(name: str | None) -> None:
    """Where a quantity or a cell was written in the place of FILE, says how to ask for it."""
    if name is None or name == "-" or os.path.exists(name):
        return
    from convstep.quantities import QUANTITIES

    match = CELL.fullmatch(name)
    if match and match[1] in (*QUANTITIES, "input", "target"):
        option = f"--cell '{name}'" if match[2] else f"--quantity {name}"
        raise UsageError(f"{name}: no such file; to explain that number write {option}")


def _found(opened: OpenProblem, wanted: Iterations, question: Question) -> Iterator[Derivations]:
    """The iterations asked for, each ready to be explained."""
    from convstep.derivation.explanation import Derivations

    for before, step in _steps(opened, wanted):
        source = Derivations(opened.problem, step, before)
        if question.quantity is not None:
            source.check(question.quantity, question.cell)
        yield source


def _steps(opened: OpenProblem, wanted: Iterations) -> list[tuple[Step | None, Step]]:
    """The iterations asked for, each with the one before it: from the trace if it holds them, else computed."""
    if opened.source.is_trace and not opened.changed:
        recorded = _recorded(opened, wanted)
        if recorded is not None:
            return recorded
    from convstep.descent import descend

    found: list[tuple[Step | None, Step]] = []
    before: Step | None = None
    last: tuple[Step | None, Step] | None = None
    with RunSign(opened.problem.stop.iterations) as life, Interruption() as interruption:
        for step in descend(opened.problem):
            last = (before, step)
            if step.iteration in wanted:
                found.append(last)
            if interruption.signal_number is not None:
                raise KeyboardInterrupt
            if not wanted.last and step.iteration >= wanted.highest:
                return found
            before = step
            life.step(step)
    return _completed(found, last, wanted)


def _completed(
    found: list[tuple[Step | None, Step]], last: tuple[Step | None, Step] | None, wanted: Iterations
) -> list[tuple[Step | None, Step]]:
    """What was found, and the last iteration if that is asked for.

    Raises:
        UsageError: If an iteration was not reached.
    """
    assert last is not None
    wanted.check_reached(last[1].iteration)
    if wanted.last and last[1].iteration not in wanted:
        found.append(last)
    return found


def _recorded(opened: OpenProblem, wanted: Iterations) -> list[tuple[Step | None, Step]] | None:
    """The iterations asked for out of a trace; nothing where it does not hold all that is needed."""
    from convstep.trace_file import Recorded

    needs_state = bool(opened.problem.optimizer.parameters.get("momentum")) or opened.problem.optimizer.name != "sgd"
    recorded = Recorded(opened.source, opened.problem, wanted.lowest - 1)  # from the one before the first on
    found: list[tuple[Step | None, Step]] = []
    before: Step | None = None
    last: tuple[Step | None, Step] | None = None
    for step in recorded:
        neighbour = before if before is not None and before.iteration == step.iteration - 1 else None
        last = (neighbour, step)
        if step.iteration in wanted:
            if needs_state and neighbour is None and step.iteration > 1:
                return None
            found.append(last)
        before = step
        if not wanted.last and step.iteration >= wanted.highest:
            break
    if recorded.partial and (wanted.last or len(found) < wanted.count):
        return None
    if last is None or any(_is_part(step, opened) for _, step in [*found, last]):
        return None
    return _completed(found, last, wanted)


def _is_part(step: Step, opened: OpenProblem) -> bool:
    """Whether a recorded iteration lacks quantities."""
    from convstep.derivation.explanation import quantities_of

    return not set(quantities_of(opened.problem)) <= set(step)


def _write_pages(
    opened: OpenProblem, found: list[Derivations], question: Question, page: PageRequest, all_terms: bool
) -> None:
    from rich.text import Text

    from convstep.render.explanation import ExplainedPage
    from convstep.render.matrix import Look
    from convstep.render.report import header
    from convstep.render.terminal import page_console, write

    console = page_console(page.color, page.width)
    look = Look(console.width, page.digits, page.all_cells)
    write(console, [*header(opened.problem, opened.name, console.width), Text()])
    for position, source in enumerate(found):
        explained = ExplainedPage(source, look, all_terms=all_terms)
        if question.quantity is not None and question.cell is not None:
            lines = [Text()] * (position > 0) + explained.one(question.quantity, question.cell)
        else:
            lines = explained.iteration(None if question.quantity is None else [question.quantity])
        write(console, lines)


def _write_json(opened: OpenProblem, found: list[Derivations], question: Question) -> None:
    from convstep.render.explanation_json import write_explanation, write_explanations

    if len(found) == 1:
        write_explanation(sys.stdout, found[0].step.iteration, _cells(found[0], question))
    else:
        write_explanations(sys.stdout, [(source.step.iteration, _cells(source, question)) for source in found])


def _cells(source: Derivations, question: Question) -> Iterator[dict[str, Any]]:
    """The cells asked for, as data."""
    from convstep.derivation.explanation import USED
    from convstep.render.explanation_json import cell_data, term_data, use_data

    for name in [question.quantity] if question.quantity is not None else list(source.step):
        for index in source.indices(name) if question.cell is None else [question.cell]:
            data = cell_data(source.cell(name, index))
            if question.cell is not None and name in USED:
                data["used_by"] = [use_data(use) for use in source.uses(name, index)]
            if "used_by" in data and "delta" in source.step:
                data["gradient"] = cell_data(source.cell(f"{name}_gradient", index))
            if name == "input_gradient":
                data["rotated_terms"] = [term_data(term) for term in source.sums.input_gradient_by_rotation(index)]
            yield data
