"""A tie on the page of an attempt: every explanation that fits, and what would tell them apart."""

from __future__ import annotations

from rich.text import Text

from convstep.arrays import Array
from convstep.diagnosis.result import Diagnosis, Separation
from convstep.diagnosis.simulation import same
from convstep.numbers import listing
from convstep.quantities import QUANTITIES
from convstep.render.check_conventions import titled
from convstep.render.layout import Term, equation
from convstep.render.matrix import Look
from convstep.render.page import headline
from convstep.render.paragraphs import paragraphs

MOST_SETS = 6
"""So many explanations of a tie are told on a page."""
LONGEST_TITLE = 36
"""How many characters the names above a matrix may have."""


def tie_lines(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """All explanations that fit, the most common first, and the quantity that would settle it."""
    sets = diagnosis.explanations
    first = sets[0][0]
    lines = [*headline(f"{len(sets)} explanations fit, in {first.at}", look.width, "bold red")]
    for number, one in enumerate(sets[:MOST_SETS], start=1):
        lines += [Text.assemble(f"  {number}. ", (" and ".join(each.id for each in one), "bold"))]
        for mistake in one:
            lines += paragraphs(mistake.says, look.width, 5)
    if len(sets) > MOST_SETS:
        lines += paragraphs(
            f"… and {len(sets) - MOST_SETS} more; --format json holds them all", look.width, style="dim"
        )
    return [*lines, Text(), *_separation(diagnosis.separation, look)]


def _separation(separation: Separation | None, look: Look) -> list[Text]:
    """The quantity that would settle a tie, with what each explanation predicts."""
    if separation is None:
        says = (
            "In this iteration they give the same numbers everywhere. Other numbers, or a later iteration, may tell "
            "them apart; convstep distinguish looks for some."
        )
        return [*paragraphs(says, look.width), Text()]
    predicted = _by_prediction(separation)
    tells = "which it is" if len(predicted) == len(separation.predictions) else "more"
    lines = [*paragraphs(f"Your {separation.name} would tell {tells}. It would be:", look.width), Text()]
    like = QUANTITIES[separation.name].like
    terms = [Term("", titled(title, like, numbers, look)) for title, numbers in predicted]
    return [*lines, *equation(terms, look.width), Text()]


def _by_prediction(separation: Separation) -> list[tuple[str, Array]]:
    """What the quantity would be, each once, with the names of the explanations that say so, or their numbers."""
    predictions = list(separation.predictions.items())[:MOST_SETS]
    groups: list[list[int]] = []
    for place, (_, numbers) in enumerate(predictions):
        alike = next((group for group in groups if same(predictions[group[0]][1], numbers)), None)
        if alike is None:
            groups.append([place])
        else:
            alike.append(place)
    found = []
    for places in groups:
        title = ", ".join(predictions[place][0] for place in places)
        if len(places) > 1 and len(title) > LONGEST_TITLE:
            title = listing([str(place + 1) for place in places])
        found.append((title, predictions[places[0]][1]))
    return found
