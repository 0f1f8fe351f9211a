"""The command ``convstep``: which commands there are, and what happens when something goes wrong."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from convstep.errors import ConvstepError
from convstep.version import __version__
from convstep.words import visible

COMMANDS = {
    "run": ("convstep.cli.run", "Show every number of every iteration, until a reasoned end."),
    "why": ("convstep.cli.why", "Say why it learns or not, and what helps."),
    "explain": ("convstep.cli.explain", "Show where each number comes from."),
    "check": ("convstep.cli.check", "Say which mistake was made in numbers worked by hand."),
    "worksheet": ("convstep.cli.worksheet", "Print a problem with empty matrices to fill in."),
    "distinguish": ("convstep.cli.distinguish", "Propose a problem whose numbers tell mistakes apart."),
    "gradcheck": ("convstep.cli.gradcheck", "Check every gradient, or compare with PyTorch or your own program."),
    "sweep": ("convstep.cli.sweep", "Run it many times: which rate, which start?"),
    "samples": ("convstep.cli.samples", "List the built-in problems, or print one to edit."),
}
"""The commands: the module that holds each (imported only when it is used), and its line in the help."""

EXIT_WRONG = 2
EXIT_BROKEN_PIPE = 141
LONGEST_COMPLAINT = 2000
"""How many characters a complaint may have: more are somebody's megabyte given as an option."""


class Commands(click.Group):
    """A group that imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click 8.1 takes a word that begins with a sign for an option, and then shows the help.
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="convstep %(version)s")
def cli() -> None:
    """See every number of a convolution layer as it learns.

    convstep reads an input, a filter and a target from a JSON or YAML file, runs the forward and the backward pass,
    and shows every number on the way.

    \b
      convstep run                     the built-in sample, until it ends
      convstep run problem.yaml        your own numbers
      convstep explain --iter 1        where each number of iteration 1 comes from
      convstep samples question        a problem file to start from
    """


class Terminated(BaseException):
    """The program was asked to end (SIGTERM)."""


def _terminate(number: int, frame: Any) -> NoReturn:
    raise Terminated


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits with the code that the documentation promises."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115  Closed by the caller, and written to all the same.
    if sys.stdout is None:
        sys.exit(complain("could not write the output: standard output is closed"))
    try:
        # Without a word, the help: click would call that an error and put the whole page into it.
        words = sys.argv[1:] if arguments is None else arguments
        code = cli.main(args=words or ["--help"], prog_name="convstep", standalone_mode=False) or 0
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        code = complain(_one_line(error))
    except ConvstepError as error:
        code = complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        code = 128 + signal.SIGINT
    except Terminated:
        code = 128 + signal.SIGTERM
    except (BrokenPipeError, SystemExit):  # click leaves with its own code where a pipe was closed
        code = EXIT_BROKEN_PIPE
    except OSError as error:
        code = complain(f"could not write the output: {error.strerror or error}")
    except MemoryError:
        code = complain("this problem needs more memory than there is; try a smaller input or fewer iterations")
    except Exception as error:
        if os.environ.get("CONVSTEP_TRACEBACK"):
            raise
        code = complain(_own_mistake(error))
    _leave(int(code))


def _own_mistake(error: Exception) -> str:
    """What to say where convstep itself is wrong: a traceback helps nobody but who mends it."""
    kind = type(error).__name__
    return f"a mistake in convstep itself, {kind}: {error}; please report it (CONVSTEP_TRACEBACK=1 shows where)"


def complain(message: str) -> int:
    """One line on standard error, in which nothing is left that a terminal would obey; returns its exit code."""
    message = visible(message, LONGEST_COMPLAINT)
    try:
        print(f"convstep: {message}", file=sys.stderr)
    except UnicodeEncodeError:
        print(f"convstep: {message.encode('ascii', 'backslashreplace').decode()}", file=sys.stderr)
    return EXIT_WRONG


def _one_line(error: click.ClickException) -> str:
    """click's message, and where help is to be found, on one line."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{message.rstrip('.')}; see {context.command_path} --help" if context else message


def _leave(code: int) -> NoReturn:
    """Exits without a word about output that nobody reads any more."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        if code == 0:
            pipe = isinstance(error, BrokenPipeError)
            code = EXIT_BROKEN_PIPE if pipe else complain(f"could not write the output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
