"""The catalogue of mistakes, and what a problem cannot show of it, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS
from convstep.diagnosis.examples import example_of
from convstep.diagnosis.separating import Blindness
from convstep.problem.document import to_document
from convstep.render.json import text_of


def write_mistakes(stream: TextIO, names: Iterable[str], *, lines: bool = False) -> None:
    """Mistakes and conventions by name.

    Args:
        stream: Where to.
        names: Which of them.
        lines: Whether each is an object in a line of its own, without anything around them.
    """
    found = [_mistake(name) for name in names]
    if lines:
        stream.writelines(text_of(each) + "\n" for each in found)
    else:
        stream.write(text_of({"format": "convstep-check-mistakes", "version": 1, "mistakes": found}) + "\n")


def _mistake(name: str) -> dict[str, Any]:
    if name in CONVENTIONS:
        return {"id": name, "convention": True, "did": CONVENTIONS[name]}
    mistake = CATALOGUE[name]
    found: dict[str, Any] = {"id": name, "quantity": mistake.quantity, "convention": False, "did": mistake.did}
    found |= {"why": mistake.why, "instead": mistake.instead}
    example = example_of(name)
    if example is not None:
        found["example"] = {
            "problem": to_document(example.problem),
            "iteration": example.iteration,
            "quantity": example.quantity,
            "right": example.right.tolist(),
            "wrong": example.wrong.tolist(),
        }
    return found


def write_blindness(stream: TextIO, found: Blindness) -> None:
    """What a problem cannot show, as one object."""
    data = {"format": "convstep-check-blind", "version": 1, "iteration": 1, "seen": found.seen}
    lists = {
        "unseen": list(found.unseen),
        "together": [list(group) for group in found.together],
        "unmade": list(found.unmade),
    }
    stream.write(text_of({**data, **lists}) + "\n")
