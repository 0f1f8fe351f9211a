"""What the stepper's commands do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from convstep.conditions import STATUS, parse_condition, quantity_called
from convstep.errors import UsageError
from convstep.words import counted, visible

if TYPE_CHECKING:
    from convstep.cli.stepper import Stepper
    from convstep.render.matrix import Look

CELL = re.compile(r"([A-Za-z_]+)\s*((?:\[\s*\d{1,9}(?:\s*,\s*\d{1,9})*\s*\])*)")
KEY_AND_VALUE = re.compile(r"([^\s=\[\]]+(?:\[[\d\s,]+\](?:\.[^\s=\[\]]+)?)*)\s*(=?)\s*(.*)", re.DOTALL)
MOST_DIGITS = 15
LONGEST_CELL = 200
SHORT_KEYS = {"lr": "learning_rate", "iters": "stop.iterations"}
"""Short forms, as the options of the command line have them."""
FLAGS = ("--all-cells", "--all-terms", "--cell")
"""What explanations and pages hint at; here they are words behind a command."""


class Leave(Exception):  # noqa: N818  It is no error.
    """The session is over."""


# Going


def _number(text: str, usage: str) -> int:
    """A count or an iteration, from 1 on."""
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or int(text) == 0:
        raise UsageError(f"expected {usage}; found {visible(text)}")
    return int(text)


def go_on(stepper: Stepper, text: str) -> None:
    """``next [N]``: so many iterations on."""
    count = _number(text, "next, or next and how many iterations, as in next 10") if text else 1
    _go_to(stepper, stepper.session.iteration + count)


def go_back(stepper: Stepper, text: str) -> None:
    """``back [N]``: so many iterations back, at most to the first."""
    count = _number(text, "back, or back and how many iterations, as in back 10") if text else 1
    if stepper.session.iteration == 1:
        stepper.talk("This is the first iteration.")
        return
    stepper.session.go(max(1, stepper.session.iteration - count))
    stepper.page()


def jump(stepper: Stepper, text: str) -> None:
    """``jump N``: to an iteration by its number."""
    if text.lower() == "last":
        run_on(stepper, "")
    else:
        _go_to(stepper, 1 if text.lower() == "first" else _number(text, "jump and an iteration, as in jump 10 or last"))


def _go_to(stepper: Stepper, iteration: int) -> None:
    """Shows an iteration; where the run ends before it, the last one."""
    session = stepper.session
    known = session.line.reached.iteration
    if iteration <= known:
        session.go(iteration)
        stepper.page()
        return
    moved = _to_the_end_of_the_known(stepper)
    arrived = stepper.walk(lambda step, before: step.iteration >= iteration)
    _show_where_it_stands(stepper, moved or session.line.reached.iteration > known)
    if not arrived and session.line.outcome is not None and iteration > session.iteration + 1:
        stepper.talk(f"There is no iteration {iteration}.")


def _to_the_end_of_the_known(stepper: Stepper) -> bool:
    """Goes to the last iteration that has been computed; returns whether that is another one."""
    session = stepper.session
    if session.iteration == session.line.reached.iteration:
        return False
    session.go(session.line.reached.iteration)
    return True


def _show_where_it_stands(stepper: Stepper, moved: bool) -> None:
    """The page, if it is another one, and that the run is over, if it is."""
    if moved:
        stepper.page()
    line = stepper.session.line
    if not stepper.session.at_the_end or line.outcome is None:
        if not moved and stepper.signal_number is None:
            stepper.talk("There is nothing behind this iteration.")
        return
    times = counted(line.outcome.iterations, "iteration")
    stepper.talk(f"The run is over: {line.outcome.status} after {times}. why says why, back goes back.")


def run_on(stepper: Stepper, text: str) -> None:
    """``continue``: on until the run ends."""
    if text:
        raise UsageError("continue takes nothing behind it; until and a condition stops before the end")
    known = stepper.session.line.reached.iteration
    moved = _to_the_end_of_the_known(stepper)
    stepper.walk(lambda step, before: False)
    _show_where_it_stands(stepper, moved or stepper.session.line.reached.iteration > known)


def run_until(stepper: Stepper, text: str) -> None:
    """``until CONDITION``: on until something holds."""
    session = stepper.session
    condition = parse_condition(text, session.step)
    began = session.iteration
    held = stepper.walk(condition.holds)
    _show_where_it_stands(stepper, session.iteration > began)
    if held:
        stepper.talk(f"{condition.text} holds at iteration {session.iteration}.")
    elif session.line.outcome is not None and session.at_the_end and condition.text != f"{STATUS} changes":
        stepper.talk(f"{condition.text} did not hold in any iteration from {began + 1} on.")


# Looking


def _flags(stepper: Stepper, text: str) -> tuple[str, Look, bool]:
    """The text without its flags, how matrices are to look, and whether long sums are shown whole."""
    from dataclasses import replace

    words = [word for word in text.replace("'", " ").split() if word not in FLAGS]
    look = replace(stepper.look, all_cells=True) if "--all-cells" in text else stepper.look
    return " ".join(words), look, "--all-terms" in text


def show(stepper: Stepper, text: str) -> None:
    """``show NAMES``: these quantities of the present page."""
    names, look, _ = _flags(stepper, text)
    step = stepper.session.step
    wanted: Collection[str] = [quantity_called(name, step) for name in names.replace(",", " ").split()]
    stepper.page(wanted or None, look)


def explain(stepper: Stepper, text: str) -> None:
    """``explain CELL``: where a number, a quantity or all of the page comes from."""
    from rich.text import Text

    from convstep.derivation.explanation import GIVEN, Derivations
    from convstep.render.explanation import ExplainedPage

    session = stepper.session
    owner = session.owner
    asked, look, all_terms = _flags(stepper, text)
    source = Derivations(owner.problem, session.step, session.before, owner.start)
    page = ExplainedPage(source, look, all_terms=all_terms)
    if not asked:
        title, lines = f"Iteration {session.iteration}", page.iteration()
    else:
        match = CELL.fullmatch(asked) if len(asked) <= LONGEST_CELL else None
        if match is None:
            raise UsageError(f"expected explain and a quantity or a cell, such as delta[0,1]; found {visible(asked)}")
        name = quantity_called(match[1], [*session.step, *GIVEN])
        cell = tuple(int(index) for index in re.findall(r"\d+", match[2]))
        source.check(name, cell if match[2] else None)
        one = bool(match[2]) or not source.shape(name)
        lines = page.one(name, cell) if one else page.iteration([name])
        title = lines[0].plain.strip("─ ")
    stepper.write([stepper.heading(title), *lines[1:], *([] if lines[-1].plain == "" else [Text()])])


def say_why(stepper: Stepper, text: str) -> None:
    """``why``: how the run stands, or why it ended and what helps."""
    from rich.text import Text

    from convstep.reasons.answer import why
    from convstep.render.reasons import reasons_lines

    line = stepper.session.line
    if line.outcome is not None and stepper.is_computed and line.number == 0 and line.problem.learns:
        stepper.write([*reasons_lines(why(line.problem), _to_try, stepper.look.width), Text()])
        return
    verdict = stepper.verdict(line)
    sentences = [verdict.reason, *verdict.advice] if line.outcome is not None else [_so_far(stepper)]
    stepper.paragraphs(sentences)


def _to_try(settings: Mapping[str, object]) -> str:
    """Settings as commands: they were tried from the first iteration on."""
    import json

    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    return ", then ".join(["jump 1", *(f"set {key} {value}" for key, value in values.items())])


def _so_far(stepper: Stepper) -> str:
    """What can be said of a run that is not over."""
    from convstep.numbers import short
    from convstep.render.rows import Row

    step, opening = stepper.session.step, stepper.session.line.opening
    if "loss" not in step or "filter_gradient" not in step:
        return f"The run is not over at iteration {step.iteration}."
    row = Row.of(step)
    flat = f", and the slope is 0 at {row.flat} of {step.output.size} outputs" if row.flat else ""
    return (
        f"The run is not over. From iteration {opening.iteration} to iteration {step.iteration} the loss has gone from "
        f"{short(opening.loss)} to {short(row.loss)}; the largest gradient is {short(row.gradient)}{flat}."
    )


# Changing


def change(stepper: Stepper, text: str) -> None:
    """``set KEY VALUE``: a branch with one thing changed."""
    match = KEY_AND_VALUE.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise UsageError("expected set, a key and a value, as in set learning_rate 0.1 or set filter[0,0] 2")
    key = "".join(match[1].split())
    setting = f"{SHORT_KEYS.get(key.lower(), key)}={match[3]}"
    note = stepper.session.branch(setting)
    stepper.page()
    if note:
        stepper.talk(note)
    if stepper.session.at_the_end:
        _show_where_it_stands(stepper, False)


def undo(stepper: Stepper, text: str) -> None:
    """``undo``: back to where the last branch was made."""
    change = stepper.session.undo()
    if change is None:
        raise UsageError("there is nothing to undo: set has changed nothing")
    stepper.page()
    stepper.talk(f"Undone: {visible(change, longest=200)}")


def save(stepper: Stepper, text: str, replacing: bool = False) -> None:
    """``save FILE``: the problem as it now stands, in a new file."""
    from convstep.cli.stepper_saving import save_present

    for note in save_present(text, stepper.session, replacing=replacing):
        stepper.talk(note)


def save_over(stepper: Stepper, text: str) -> None:
    """``save! FILE``: the same, over a file that exists."""
    save(stepper, text, replacing=True)


def leave(stepper: Stepper, text: str) -> None:
    """``quit``: the end of the session."""
    raise Leave
