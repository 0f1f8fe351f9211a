"""``save``: the problem as it stands at an iteration, in a file of its own."""

from __future__ import annotations

import os
from dataclasses import replace

from convstep.errors import UsageError
from convstep.problem.model import Problem
from convstep.render.problem_file import json_text, yaml_text
from convstep.stepping import Session
from convstep.words import visible

JSON, YAML = (".json",), (".yaml", ".yml")


def save_present(name: str, session: Session, *, replacing: bool = False) -> list[str]:
    """Writes the problem with the parameters that the present iteration begins with; whole, or not at all.

    Args:
        name: The file; its ending says in which format.
        session: Where it stands.
        replacing: Whether a file of that name may be replaced.

    Returns:
        What there is to say about it.

    Raises:
        UsageError: If it cannot be written; then no file has changed.
    """
    shown = visible(name.strip(), longest=200)
    path = os.path.expanduser(_unquoted(name))
    ending = os.path.splitext(path)[1].lower()
    if ending not in (*JSON, *YAML):
        raise UsageError(f"expected save and a file that ends in .yaml or .json; found {shown or 'none'}")
    problem, notes = _problem(session)
    comment = f"Iteration {session.iteration} of a session of convstep run --step."
    try:
        if os.path.lexists(path) and not replacing:
            raise UsageError(f"{shown} exists already; save! {shown} replaces it")
        _write(path, json_text(problem) if ending in JSON else yaml_text(problem, comment))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise UsageError(f"{shown} could not be written: {reason}") from None
    return [f"Saved {shown}: its first iteration is iteration {session.iteration} here.", *notes]


def _unquoted(name: str) -> str:
    """The name without the quotes that a shell would take off."""
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"" else name


def _problem(session: Session) -> tuple[Problem, list[str]]:
    """The problem, and what it cannot hold."""
    problem, notes = session.present(), []
    if session.iteration > 1 and problem.attempt is not None:
        problem = replace(problem, attempt=None)
        notes.append("The attempt is left out: it belongs to other iterations.")
    if session.state:
        notes.append(f"A problem file cannot hold the state of {problem.optimizer.name}: there it begins anew.")
    return problem, notes


def _write(path: str, text: str) -> None:
    """Writes a file beside its place and then puts it there."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.remove(temporary)
        raise
