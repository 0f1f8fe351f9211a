"""``convstep check``: which mistake did I make?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from convstep.cli.options import PageRequest, complete_sample, page_options
from convstep.errors import UsageError

if TYPE_CHECKING:
    from convstep.cli.attempts import Task
    from convstep.render.check_data import Judged

LIST = "list"


class CheckRequest(NamedTuple):
    """What is asked for.

    Attributes:
        format: ``table``, ``json``, ``jsonl`` or ``csv``.
        summary: Whether the class as a whole is shown, in the place of each attempt.
        replay: Whether the learner's rule is run to its end.
    """

    format: str
    summary: bool
    replay: bool


@click.command("check")
@click.argument("files", nargs=-1, metavar="FILE…", type=click.Path())
@click.option("--sample", metavar="NAME", shell_complete=complete_sample, help="Use a built-in problem.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change any key of the problem files.")
@click.option("--summary", is_flag=True, help="How many made which mistake, in the place of each attempt.")
@click.option("--replay", is_flag=True, help="Run the learner's rule to its end, beside the right one.")
@click.option("--blind", is_flag=True, help="Which mistakes this problem cannot see, or not tell apart.")
@click.option(
    "--mistakes",
    is_flag=False,
    flag_value=LIST,
    metavar="[ID]",
    help="List the mistakes that are known, or explain one with a small example.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="Pages, JSON, an object a line, or a row an attempt.",
)
@page_options
def command(
    files: tuple[str, ...],
    sample: str | None,
    settings: tuple[str, ...],
    summary: bool,
    replay: bool,
    blind: bool,
    mistakes: str | None,
    format_: str,
    page: PageRequest,
) -> int:
    """Say which numbers worked by hand are right, and which mistake was made in the others.

    A FILE with an input is a problem, and is judged by its own attempt; one without is an attempt at the problem
    before it. Exits with 0 where all is right, and with 1 where something is not.

    \b
      convstep check homework.yaml                           its own attempt
      convstep check problem.yaml attempts/*.yaml --summary  a class
      convstep check --sample question-attempt               what began it all
      convstep check --mistakes                              every known mistake
      convstep check problem.yaml --blind                    what it cannot show
    """
    if mistakes is not None:
        return _show_mistakes(mistakes, format_, page)
    if format_ == "csv" and (summary or blind):
        raise UsageError(f"--{'blind' if blind else 'summary'}: a page or JSON; csv has a row an attempt")
    tasks = _tasks(files, sample, settings, wants_attempts=not blind)
    if blind:
        return _show_blindness(tasks, format_, page)
    return _check(tasks, CheckRequest(format_, summary, replay), page)


def _tasks(files: Sequence[str], sample: str | None, settings: Sequence[str], *, wants_attempts: bool) -> list[Task]:
    from convstep import sample_files
    from convstep.cli.attempts import read_tasks

    if sample is not None and files and wants_attempts is False:
        raise UsageError("give a FILE or --sample, not both")
    names = [
        *([(sample_files.path_of(sample), f"sample {sample}")] if sample else []),
        *((name, None) for name in files),
    ]
    if not names:
        raise UsageError(
            "no FILE given; convstep check homework.yaml checks the attempt in it, and convstep worksheet writes one"
        )
    return read_tasks(names, settings, wants_attempts)


def _check(tasks: Sequence[Task], asked: CheckRequest, page: PageRequest) -> int:
    from convstep.cli.attempts import judged
    from convstep.cli.running import Interruption, SignOfLife

    shown = _writer(asked, tasks, page)
    found: list[Judged] = []
    count = sum(len(task.works) for task in tasks)
    with SignOfLife("judging the first attempt") as life, Interruption() as interruption:
        for task, each in judged(tasks):
            found.append(each)
            shown(task, each)
            life.say(f"{len(found):,} of {count:,} attempts judged; Ctrl-C stops")
            if interruption.signal_number is not None:
                break
    _finish(tasks, found, asked, page)
    if interruption.signal_number is not None:
        return 128 + interruption.signal_number
    if all(each.verdict == "unreadable" for each in found):
        return 2
    return 0 if all(each.verdict == "right" for each in found) else 1


def _writer(asked: CheckRequest, tasks: Sequence[Task], page: PageRequest) -> Callable[[Task, Judged], None]:
    """What is written as soon as an attempt has been judged."""
    from convstep.render import check_data

    if asked.summary or asked.format == "json":
        return lambda task, each: None
    if asked.format == "jsonl":
        return lambda task, each: check_data.write_line(sys.stdout, each)
    if asked.format == "csv":
        check_data.write_header(sys.stdout)
        return lambda task, each: check_data.write_row(sys.stdout, each)
    many = sum(len(task.works) for task in tasks) > 1
    return lambda task, each: _write_page(task, each, asked, page, many)


def _write_page(task: Task, each: Judged, asked: CheckRequest, page: PageRequest, many: bool) -> None:
    from rich.text import Text

    from convstep.render.check import check_lines
    from convstep.render.matrix import Look
    from convstep.render.paragraphs import paragraphs
    from convstep.render.report import header
    from convstep.render.terminal import page_console, write
    from convstep.words import visible

    console = page_console(page.color, page.width)
    look = Look(console.width, page.digits, page.all_cells)
    if each.diagnosis is None:
        if not many:
            click.echo(f"convstep: {each.error}", err=True)
            return
        write(
            console,
            [
                *paragraphs(f"{visible(each.file, 400)}: unreadable", look.width),
                *paragraphs(each.error, look.width, 4),
                Text(),
            ],
        )
        return
    name = each.file if each.file == task.name else f"{each.file}, an attempt at {task.name}"
    lines = [*header(task.problem, name, look.width), Text(), *check_lines(each.diagnosis, look)]
    if asked.replay:
        lines += [Text(), *_replay(task, each, look)]
    write(console, [*lines, Text()] if many else lines)


def _replay(task: Task, each: Judged, look: Any) -> list[Any]:
    from convstep.cli.attempts import replayed
    from convstep.render.check_replay import no_replay_lines, replay_lines

    assert each.diagnosis is not None
    found = replayed(task.problem, each.diagnosis)
    return no_replay_lines(each.diagnosis, look) if found is None else replay_lines(found, look)


def _finish(tasks: Sequence[Task], found: Sequence[Judged], asked: CheckRequest, page: PageRequest) -> None:
    """What is written when all have been judged."""
    if asked.summary:
        from convstep.render.check_summary import Summary, summary_lines, write_summary

        summary = Summary.of(found)
        if asked.format in ("json", "jsonl"):
            write_summary(sys.stdout, summary)
        else:
            _write(page, lambda look: summary_lines(summary, look))
    elif asked.format == "json":
        from convstep.render.check_data import write_document

        write_document(sys.stdout, found)


def _show_blindness(tasks: Sequence[Task], format_: str, page: PageRequest) -> int:
    from convstep.diagnosis.examiner import Examiner
    from convstep.diagnosis.separating import blindness
    from convstep.render.check_mistakes import blindness_lines
    from convstep.render.check_mistakes_data import write_blindness

    for task in tasks:
        found = blindness(Examiner(task.problem).exercise(1).setting)
        if format_ != "table":
            write_blindness(sys.stdout, found)
        else:
            _write(page, lambda look, task=task, found=found: blindness_lines(task.problem, task.name, found, look))  # type: ignore[misc]
    return 0


def _show_mistakes(wanted: str, format_: str, page: PageRequest) -> int:
    from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS
    from convstep.render.check_mistakes import catalogue_lines, mistake_lines
    from convstep.render.check_mistakes_data import write_mistakes

    known = [*CATALOGUE, *CONVENTIONS]
    if wanted not in (LIST, *known):
        raise UsageError(_unknown(wanted))
    if format_ == "csv":
        raise UsageError("--mistakes: a page or JSON; csv has a row an attempt")
    if format_ != "table":
        write_mistakes(sys.stdout, known if wanted == LIST else [wanted], lines=format_ == "jsonl")
    else:
        _write(page, catalogue_lines if wanted == LIST else lambda look: mistake_lines(wanted, look))
    return 0


def _unknown(wanted: str) -> str:
    """What to say about an id that is none."""
    from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS
    from convstep.words import nearest, visible

    near = nearest(wanted.replace("_", "-"), [*CATALOGUE, *CONVENTIONS])
    hint = f"did you mean {near}?" if near else "convstep check --mistakes lists them"
    return f"--mistakes: there is no mistake {visible(wanted)}; {hint}"


def _write(page: PageRequest, lines: Callable[[Any], list[Any]]) -> None:
    from convstep.render.matrix import Look
    from convstep.render.terminal import page_console, write

    console = page_console(page.color, page.width)
    write(console, lines(Look(console.width, page.digits, page.all_cells)))
