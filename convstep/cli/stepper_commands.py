"""The stepper's commands: how they are called, what they do, and what helps to type them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from convstep.cli import stepper_actions as actions
from convstep.conditions import SHORT_NAMES, STATUS
from convstep.errors import UsageError
from convstep.words import either, nearest, visible

if TYPE_CHECKING:
    from convstep.cli.stepper import Stepper
    from convstep.trace import Step

WORDS = re.compile(r"([A-Za-z]+!?|\?)\s*(.*)", re.DOTALL)


class Command(NamedTuple):
    """One command.

    Attributes:
        usage: How it is typed.
        summary: A few words.
        act: Does it; takes what stands behind the command.
        details: What more there is to know.
        examples: Some that are typed often.
    """

    usage: str
    summary: str
    act: Callable[[Stepper, str], None]
    details: str = ""
    examples: tuple[str, ...] = ()


def perform(stepper: Stepper, line: str) -> None:
    """Does what a line says.

    Raises:
        Leave: To end the session.
        ConvstepError: In one line what was expected.
    """
    line = line.strip()
    if not line:
        actions.go_on(stepper, "")
    elif line.isdigit():
        actions.jump(stepper, line)
    elif not line.startswith("#"):
        match = WORDS.fullmatch(line)
        if match is None:
            raise UsageError(f"{visible(line)} is no command; ? lists them")
        COMMANDS[command_called(match[1], stepper.session.step)].act(stepper, match[2])


def command_called(word: str, step: Step | None = None) -> str:
    """The command that a word, or the beginning of one, means.

    >>> command_called("q"), command_called("UNT"), command_called("save!")
    ('quit', 'until', 'save!')

    Raises:
        UsageError: If it is none, or may be several; names the nearest.
    """
    wanted = ALIASES.get(word.lower(), word.lower())
    if wanted in COMMANDS:
        return wanted
    names = [name for name in COMMANDS if name.endswith("!") == wanted.endswith("!")]
    found = [name for name in names if name.startswith(wanted.removesuffix("!"))]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{visible(word)} may be {either(found)}")
    if step is not None and (word.lower() in step or word.lower() in SHORT_NAMES):
        raise UsageError(f"{word} is no command: show {word} shows it, explain {word} says where it comes from")
    near = nearest(word, COMMANDS)
    raise UsageError(f"{visible(word)} is no command; " + (f"did you mean {near}?" if near else "? lists them"))


def _help(stepper: Stepper, text: str) -> None:
    if text:
        command = COMMANDS[command_called(text)]
        opening = f"{command.usage}: {command.summary}."
        stepper.talk("\n".join([f"{opening} {command.details}".strip(), *(f"    {each}" for each in command.examples)]))
        return
    width = max(len(command.usage) for command in COMMANDS.values())
    lines = [f"  {command.usage:{width}}  {command.summary}" for command in COMMANDS.values()]
    stepper.talk("\n".join([*lines, "", "The beginning of a command is enough; ? COMMAND says more."]))


def candidates(line: str, step: Step) -> list[str]:
    """What the last word of a line may become: for the Tab key.

    Args:
        line: The line up to the cursor.
        step: The present iteration.
    """
    words = re.split(r"[ \t,]+", line.lstrip())
    if len(words) == 1:
        return [f"{name} " for name in COMMANDS if name.startswith(words[0].lower())]
    try:
        name = command_called(words[0])
    except UsageError:
        return []
    return [each for each in _arguments(name, words[1:-1], step) if each.startswith(words[-1])]


def _arguments(name: str, before: list[str], step: Step) -> list[str]:
    """What may stand behind a command."""
    if name == "set":
        return _settings(before)
    if name in ("show", "explain"):
        return [*step, *(["input", "target"] if name == "explain" else []), "--all-cells"]
    if name == "until":
        return [*step, *SHORT_NAMES, STATUS, "iteration"] if not before else ["changes"]
    if name == "help":
        return list(COMMANDS)
    return ["first", "last"] if name == "jump" else []


def _settings(before: list[str]) -> list[str]:
    """The keys of a problem, or what a key may hold where that is a name."""
    from convstep.activations import ACTIVATIONS
    from convstep.losses import LOSSES
    from convstep.optimizers import OPTIMIZERS
    from convstep.problem.checks import OPERATIONS
    from convstep.problem.keys import KEYS

    if not before:
        return [f"{key} " for key in (*KEYS, "stop.iterations", "stop.loss", "stop.gradient")]
    names = {"activation": ACTIVATIONS, "loss": LOSSES, "optimizer": OPTIMIZERS, "operation": OPERATIONS}
    return list(names.get(before[0], ()))


COMMANDS: Mapping[str, Command] = {
    "next": Command("next [N]", "go on to the next iteration, or N iterations (Enter)", actions.go_on),
    "back": Command(
        "back [N]",
        "go back to the iteration before, or N iterations",
        actions.go_back,
        "The numbers are those of before.",
    ),
    "jump": Command(
        "jump N",
        "go to iteration N, first or last",
        actions.jump,
        "The number alone does the same. last runs to the end.",
    ),
    "continue": Command("continue", "go on until the run ends", actions.run_on, "Ctrl-C stops it where it is."),
    "until": Command(
        "until CONDITION",
        "go on until loss < 0.01, slope changes, filter[0,1] > 0.5",
        actions.run_until,
        "Any quantity's cell, or iteration, and < <= > >= or == (a page would show no difference) and a number; any "
        "quantity and changes. It looks from the next iteration on. status changes is the end of the run.",
        ("until loss < 0.01", "until filter[0,1] >= 0.5", "until slope changes", "until status changes"),
    ),
    "show": Command(
        "show NAMES",
        "show only these quantities; alone, the whole page",
        actions.show,
        examples=("show delta, filter_gradient", "show output --all-cells"),
    ),
    "explain": Command(
        "explain CELL",
        "say where a number comes from; alone, where all do",
        actions.explain,
        examples=(
            "explain delta[0,1]        one number, and the cells it came from",
            "explain filter_gradient   all of one quantity",
            "explain input[1,1]        who used this number, and what comes back",
        ),
    ),
    "why": Command("why", "say how the run stands, or why it ended and what helps", actions.say_why),
    "set": Command(
        "set KEY VALUE",
        "change something, and go on from here on a branch",
        actions.change,
        "The iteration on the page begins again with its own filter and this change. Keys and values are those of a "
        "problem file. The optimizer goes on with its state; where that does not fit any more, it is said.",
        (
            "set learning_rate 0.1",
            "set filter[0,0] 2",
            "set activation leaky_relu",
            "set stop.iterations 5000",
            "set bias=                 takes a key away",
        ),
    ),
    "undo": Command(
        "undo", "take the last set back, and stand where it was made", actions.undo, "As often as something was set."
    ),
    "save": Command(
        "save FILE",
        "write the problem as it stands here, as YAML or JSON",
        actions.save,
        "The ending says which. The filter and the bias in it are those that this iteration begins with, so that its "
        "first iteration is this one. save! replaces a file that exists.",
        ("save later.yaml", "save! later.json"),
    ),
    "save!": Command("save! FILE", "the same, over a file that exists", actions.save_over),
    "help": Command("? [COMMAND]", "this list, or more about one command", _help),
    "quit": Command("quit", "leave, with the outcome so far", actions.leave, "So does the end of input."),
}
ALIASES = {"?": "help", "q": "quit", "exit": "quit", "h": "help"}
