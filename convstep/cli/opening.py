"""From what a command was asked for to the problem: a file, standard input, a sample, or the last run's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from convstep import sample_files
from convstep.cli.last_run import LARGEST_TEXT, LastRun, check_sum_of, check_sum_of_text, recall, remember
from convstep.errors import UsageError

if TYPE_CHECKING:
    from convstep.problem.model import Problem
    from convstep.problem.reader import Source


class OpenProblem(NamedTuple):
    """A problem that has been read.

    Attributes:
        problem: The problem, checked.
        source: The file it came from.
        name: What to call it on a page.
        settings: The settings from the command line (or the last run's) that changed it.
    """

    problem: Problem
    source: Source
    name: str
    settings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether settings changed the file's own problem."""
        return bool(self.settings)


class ProblemRequest(NamedTuple):
    """Which problem a command is asked to work on.

    Attributes:
        file: The path, ``-``, or nothing.
        sample: The built-in problem's name, or nothing.
        settings: ``KEY=VALUE``, in the order in which they take effect.
    """

    file: str | None
    sample: str | None
    settings: tuple[str, ...]

    def open(self, *, reads_commands: bool = False) -> OpenProblem:
        """Reads the problem; where none is named, the default sample.

        Args:
            reads_commands: Whether standard input holds commands, and so is read.

        Raises:
            UsageError, ProblemError: In one line what is wrong.
        """
        if self.file is not None and self.sample is not None:
            raise UsageError("give a FILE or --sample, not both")
        if self.file is not None:
            return _from_file(self.file, self.settings)
        if self.sample is None:
            if not reads_commands:
                hint_at_waiting_input()
            click.echo(f"No file given: this is the built-in sample {sample_files.DEFAULT}.", err=True)
        return _from_sample(self.sample or sample_files.DEFAULT, self.settings)

    def open_or_recall(self) -> OpenProblem:
        """Reads the problem; where none is named, the last run's in this directory with its settings.

        Raises:
            UsageError, ProblemError: In one line what is wrong.
        """
        last = recall() if self.file is None and self.sample is None else None
        if last is None:
            return self.open()
        hint_at_waiting_input()
        return _again(last, self.settings)

    def remember(self, opened: OpenProblem) -> None:
        """Keeps what is being run for the commands that come after it in this directory."""
        source = opened.source
        streamed = self.file == "-" or (self.file is not None and not os.path.isfile(self.file))
        text = source.text if streamed else None
        if text is not None and len(text) > LARGEST_TEXT:
            return
        path = os.path.abspath(self.file) if self.file is not None and text is None else None
        sample = self.sample or sample_files.DEFAULT if self.file is None else None
        check_sum = check_sum_of(path) if path is not None else check_sum_of_text(text or "")
        remember(LastRun(path, sample, text, check_sum, self.settings))


def _from_file(name: str, settings: tuple[str, ...]) -> OpenProblem:
    from convstep.problem.load import read_problem

    if name in sample_files.names() and not os.path.exists(name):
        raise UsageError(f"{name}: no such file; the built-in problem of this name is --sample {name}")
    problem, source = read_problem(name, settings)
    return OpenProblem(problem, source, source.name, settings)


def _from_sample(name: str, settings: tuple[str, ...]) -> OpenProblem:
    from convstep.problem.load import read_problem

    problem, source = read_problem(sample_files.path_of(name), settings)
    return OpenProblem(problem, source, f"sample {name}", settings)


def _again(last: LastRun, settings: tuple[str, ...]) -> OpenProblem:
    """The last run's problem, with its settings and then these."""
    every = (*last.settings, *settings)
    if last.sample is not None:
        opened = _from_sample(last.sample, every)
    elif last.text is not None:
        from convstep.problem.load import read_problem

        problem, source = read_problem("-", every, last.text)
        opened = OpenProblem(problem, source, "standard input", every)
    else:
        assert last.file is not None
        opened = _same_file(last, every)
    changes = f" with {', '.join(every)}" if every else ""
    return opened._replace(name=f"{opened.name}, the last run here{changes}")


def _same_file(last: LastRun, settings: tuple[str, ...]) -> OpenProblem:
    """The last run's file; says so where it is gone or is not what it was."""
    assert last.file is not None
    shown = os.path.relpath(last.file)
    if not os.path.exists(last.file):
        raise UsageError(f"{shown}, the last run in this directory, is gone; name a FILE or a --sample")
    if check_sum_of(last.file) != last.check_sum:
        click.echo(f"{shown} has changed since it was last run here; this is the file as it is now.", err=True)
    return _from_file(shown, settings)


def hint_at_waiting_input() -> None:
    """Where something is plainly waiting on standard input, says how to have it read."""
    if _bytes_waiting():
        click.echo("Something is waiting on standard input, and it is not read: write - for FILE to read it.", err=True)


def _bytes_waiting() -> bool:
    """Whether a pipe or a file on standard input holds something; never waits for it."""
    import stat

    try:
        descriptor = sys.stdin.fileno()
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return status.st_size > os.lseek(descriptor, 0, os.SEEK_CUR)
        if not stat.S_ISFIFO(status.st_mode):
            return False
        import array
        import fcntl
        import termios

        count = array.array("i", [0])
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
        return count[0] > 0
    except (OSError, ValueError, AttributeError, ImportError):
        return False
