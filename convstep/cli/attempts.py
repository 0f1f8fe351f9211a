"""From files to judged attempts: which problem each belongs to, and what becomes of those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convstep.cli.running import SignOfLife
from convstep.errors import ConvstepError, ProblemError, UsageError

if TYPE_CHECKING:
    from convstep.diagnosis.examiner import Examiner
    from convstep.diagnosis.replay import Replay
    from convstep.diagnosis.result import Diagnosis
    from convstep.problem.attempt_file import Attempt
    from convstep.problem.model import Problem
    from convstep.problem.reader import Source
    from convstep.render.check_data import Judged


class Work(NamedTuple):
    """One file with attempts: those in it, or why it cannot be read."""

    name: str
    source: Source | None
    attempts: tuple[Attempt, ...] = ()
    error: str = ""


class Task(NamedTuple):
    """A problem, and the attempts at it.

    Attributes:
        name: What to call the problem.
        problem: The problem.
        works: The files with attempts, its own first.
    """

    name: str
    problem: Problem
    works: list[Work]


def read_tasks(names: Sequence[tuple[str, str | None]], settings: Sequence[str], wants_attempts: bool) -> list[Task]:
    """Reads the files in order: one with an input is a problem, one without is an attempt at the problem before it.

    Args:
        names: The paths, each with what to call it if not by its path.
        settings: ``KEY=VALUE``, for every problem.
        wants_attempts: Whether a problem without an attempt is of no use.

    Raises:
        ProblemError: A problem is wrong.
        UsageError: An attempt stands before any problem, or there is nothing to judge.
    """
    from convstep.problem.attempt_file import ATTEMPT, attempts_of
    from convstep.problem.load import problem_from
    from convstep.problem.reader import MAPPING, read_source

    tasks: list[Task] = []
    for path, called in names:
        try:
            source = read_source(path, attempts=True, expected=ATTEMPT if tasks else MAPPING)
        except ProblemError as error:
            if not tasks:
                raise
            tasks[-1].works.append(Work(path, None, error=str(error)))
            continue
        if _is_problem(source, tasks):
            problem = problem_from(source, settings)
            task = Task(called or source.name, problem, [])
            own = attempts_of(source)
            if own:
                task.works.append(Work(task.name, source, tuple(own)))
            tasks.append(task)
        else:
            tasks[-1].works.append(_work(source))
    if wants_attempts and not any(task.works for task in tasks):
        name = tasks[0].name
        raise UsageError(
            f"{name}: it has no attempt to check; convstep worksheet prints the problem with empty matrices"
        )
    return tasks


def _is_problem(source: Source, tasks: Sequence[Task]) -> bool:
    """Whether a file is a problem; the first must be one."""
    if not source.bare and ("input" in source.data or source.is_trace):
        return True
    if not tasks:
        if "attempt" in source.data or _has_quantities(source):
            raise UsageError(f"{source.name}: an attempt, and no problem before it; name the problem's file first")
        return True
    return False


def _has_quantities(source: Source) -> bool:
    from convstep.quantities import QUANTITIES

    # A problem has a filter and a bias too.
    return bool(source.data.keys() & (QUANTITIES.keys() - {"filter", "bias", "output_gradient"}))


def _work(source: Source) -> Work:
    from convstep.problem.attempt_file import attempts_of

    try:
        return Work(source.name, source, tuple(attempts_of(source)))
    except ProblemError as error:
        return Work(source.name, source, error=str(error))


def judged(tasks: Sequence[Task]) -> Iterator[tuple[Task, Judged]]:
    """Judges one attempt after the other; each iteration starts from the learner's own filter of the one before."""
    from convstep.diagnosis.examiner import Examiner
    from convstep.render.check_data import Judged

    for task in tasks:
        examiner = Examiner(task.problem)
        for work in task.works:
            if work.error:
                yield task, Judged(work.name, None, None, work.error)
            for number, attempt in enumerate(work.attempts):
                yield task, _judged(examiner, work, number, attempt)


def _judged(examiner: Examiner, work: Work, number: int, attempt: Attempt) -> Judged:
    from convstep.problem.attempt_file import blame
    from convstep.render.check_data import Judged

    iteration = int(attempt.get("iteration", 1))
    try:
        diagnosis = examiner.diagnose(attempt, work.attempts[:number])
        return Judged(work.name, iteration, diagnosis)
    except ProblemError as error:
        if work.source is not None:
            error.path = ("attempt", *([number] if len(work.attempts) > 1 else []), *error.path[1:])
            blame(error, work.source)
        return Judged(work.name, iteration, None, str(error))
    except ConvstepError as error:
        return Judged(work.name, iteration, None, f"{work.name}: {error}")


def replayed(problem: Problem, diagnosis: Diagnosis) -> Replay | None:
    """The learner's rule run to its end, if there is one and the problem learns; with progress, and Ctrl-C stops it."""
    from convstep.cli.running import Interruption
    from convstep.diagnosis.replay import replay

    if len(diagnosis.ways) != 1 or not diagnosis.explanations or not problem.learns:
        return None
    way = diagnosis.ways[0]
    most = problem.stop.iterations
    with SignOfLife("your rule, iteration 1") as life, Interruption() as interruption:

        def tick(iteration: int) -> bool:
            life.say(f"your rule, iteration {iteration:,} of at most {most:,}; Ctrl-C stops")
            return interruption.signal_number is None

        return replay(problem, way.rules, way.turned, tick)
