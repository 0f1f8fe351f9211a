"""A diagnosis as a page for the learner: each number beside the right one, then the first mistake in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

import numpy as np
from rich.text import Text

from convstep.arrays import Array, without_ones
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.result import Diagnosis, JudgedCell, JudgedQuantity, ToldMistake
from convstep.diagnosis.terms import terms_giving
from convstep.numbers import cell_text, listing, short
from convstep.quantities import QUANTITIES
from convstep.render.check_conventions import AXES, convention_lines, convention_says, hidden_sign, proof
from convstep.render.check_ties import MOST_SETS, tie_lines
from convstep.render.layout import Block, Term, equation
from convstep.render.matrix import Look, Mark, array_block, heading
from convstep.render.page import headline
from convstep.render.paragraphs import paragraphs
from convstep.words import counted, spelled_shape

SIGNS: Mapping[str, tuple[str, str, str]] = {
    "right": ("✓", "right", "green"),
    "follows": ("↳", "follows from your numbers above", "green"),
    "convention": ("✓", "another convention, and fine", "green"),
    "slip": ("!", "a slip", "yellow"),
    "wrong": ("✗", "here is the mistake", "bold red"),
}
"""For each status its sign, what it says, and its style."""
WRONG, SLIP = "✗", "!"
TITLES = {
    "right": ("all right", "bold green"),
    "slip": ("a slip", "bold yellow"),
    "wrong": ("", "bold red"),
    "unexplained": ("not explained", "bold yellow"),
}


def check_lines(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """The whole page of one attempt."""
    lines = [
        *headline(f"Your numbers for iteration {diagnosis.iteration}", look.width),
        Text(),
        *_start(diagnosis, look),
    ]
    for quantity in diagnosis.quantities:
        lines += [*_quantity_lines(diagnosis, quantity, look), Text()]
    if look.rounded:
        lines += [Text(f"  rounded to {look.digits} digits", style="dim"), Text()]
    return [*lines, *_outcome(diagnosis, look), *_limits(diagnosis, look)]


def _start(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """Which filter a later iteration starts from."""
    before = diagnosis.iteration - 1
    if not before:
        return []
    which = "your own numbers for iteration" if diagnosis.reading.setting.is_own else "the right numbers of iteration"
    return [*paragraphs(f"It starts from the filter that {which} {before} lead to.", look.width, style="dim"), Text()]


def _limits(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """That not everything could be tried, where that is so."""
    if diagnosis.verdict != "unexplained" or diagnosis.looked_for >= MOST_MISTAKES:
        return []
    known = ("not even one mistake at a time was", "no more than one mistake at a time was")
    times = (*known, "no more than two mistakes at a time were")[diagnosis.looked_for]
    return [Text(), *paragraphs(f"The problem is so large that {times} looked for.", look.width, style="dim")]


MOST_MISTAKES = 3


def _quantity_lines(diagnosis: Diagnosis, quantity: JudgedQuantity, look: Look) -> list[Text]:
    """A quantity's status in a line, and below it the given and the right numbers side by side."""
    sign, says, style = SIGNS[quantity.status]
    title = Text.assemble("  ", (sign, style), " ", heading(quantity.name, QUANTITIES[quantity.name].symbol))
    if quantity.status == "wrong" and diagnosis.verdict == "unexplained":
        explained = diagnosis.so_far and quantity.name in _before(diagnosis.first_wrong)
        says = "differs; explained below" if explained else "differs, and it is not clear why"
    elif quantity.status == "wrong" and all(quantity.name != each.at for one in diagnosis.explanations for each in one):
        says = "the same mistake shows here"
    if quantity.nothing:
        says = "follows, but from zeros alone: it shows nothing"
    elif quantity.by_rounding:
        says = "right, if you rounded on the way"
    beside = Text.assemble("   ", (says, style))
    if title.cell_len + beside.cell_len <= look.width:
        return [title + beside, *_side_by_side(diagnosis, quantity, look)]
    return [title, *paragraphs(says, look.width, 4, style), *_side_by_side(diagnosis, quantity, look)]


def _before(name: str | None) -> list[str]:
    """The quantities that come before one."""
    return list(takewhile(lambda each: each != name, QUANTITIES))


def _side_by_side(diagnosis: Diagnosis, quantity: JudgedQuantity, look: Look) -> list[Text]:
    return equation(_matrices(diagnosis, quantity, look), look.width)


def _matrices(diagnosis: Diagnosis, quantity: JudgedQuantity, look: Look) -> list[Term]:
    """Yours, right, and where that is a third thing, what follows from your own numbers."""
    same_shape = _has_its_shape(quantity)
    given = quantity.given.reshape(quantity.expected.shape) if same_shape else np.atleast_2d(quantity.given)
    terms = [Term("", _block("yours", given, quantity, look, marked=same_shape))]
    if quantity.status == "right" and same_shape and not quantity.by_rounding:
        return terms
    # What was left open stays open: who goes on is not told.
    still_open = np.isnan(given) if same_shape else np.zeros(quantity.expected.shape, dtype=bool)
    terms.append(Term("", _block("right", np.where(still_open, np.nan, quantity.expected), quantity, look)))
    if quantity.follows_differs and quantity.status in ("wrong", "slip"):
        follows = np.where(still_open, np.nan, quantity.follows)
        terms.append(Term("", _block("from your numbers", follows, quantity, look)))
    return terms


def _block(title: str, array: Array, quantity: JudgedQuantity, look: Look, *, marked: bool = False) -> Block:
    axes = AXES.get(QUANTITIES[quantity.name].like, ())
    still_open = np.isnan(array)
    marks = []
    if marked and quantity.cells:
        where = {kind: np.zeros(array.shape, dtype=bool) for kind in (WRONG, SLIP)}
        for cell in quantity.cells:
            where[WRONG if cell.kind is None else SLIP][cell.cell] = True
        styles = {WRONG: "bold red", SLIP: "bold yellow"}
        marks = [Mark(sign, styles[sign], mask) for sign, mask in where.items() if mask.any()]
    leading = max(0, array.ndim - 2)
    labels = [f"matrix {n}" for n in range(int(np.prod(array.shape[:-2])))] if leading > len(axes) else ()
    shown = axes[len(axes) - leading :] if leading <= len(axes) else ()
    return array_block(
        Text(title, style="italic"),
        np.where(still_open, 0.0, array),
        look,
        axes=shown,
        marks=marks,
        padding=still_open if array.ndim == 2 and still_open.any() else None,
        labels=labels,
    )


def _outcome(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """The verdict, and what to do next."""
    if diagnosis.verdict == "right":
        return _right(diagnosis, look)
    if diagnosis.verdict == "slip":
        return [*_title(diagnosis, look), *_slips(diagnosis, look), *_next(diagnosis, look)]
    if diagnosis.verdict == "unexplained":
        return _unexplained(diagnosis, look)
    lines = _mistakes(diagnosis, look)
    if _has_slips(diagnosis):
        lines += [*paragraphs("Apart from that, a slip:", look.width), *_slips(diagnosis, look)]
    return [*lines, *hidden_sign(diagnosis, look), *convention_lines(diagnosis, look), *_next(diagnosis, look)]


def _title(diagnosis: Diagnosis, look: Look) -> list[Text]:
    says, style = TITLES[diagnosis.verdict]
    count = sum(cell.kind is not None for each in diagnosis.quantities for cell in each.cells)
    if diagnosis.verdict == "slip":
        where = listing(each.name for each in diagnosis.quantities if each.status == "slip")
        says = f"{'a slip' if count == 1 else f'{count} slips'} in {where}: all else is done right"
    return headline(says, look.width, style)


def _right(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """All is right: if a convention is another one, that is said first."""
    conventions = diagnosis.conventions
    title = "all right, in your own convention" if conventions else "all right"
    lines = [*headline(title, look.width, "bold green")]
    for name in conventions:
        lines += paragraphs(f"Your convention is fine. {convention_says(diagnosis, name)}", look.width)
    if not conventions:
        count = sum(int((~np.isnan(each.given)).sum()) for each in diagnosis.quantities)
        rounded = any(each.by_rounding for each in diagnosis.quantities)
        says = f"{'Every number is' if count > 1 else 'The number is'} what it should be"
        says += ", for somebody who rounds on the way: write down the steps before to know more." if rounded else "."
        lines += paragraphs(says, look.width)
    else:
        lines += proof(diagnosis, look)
    return lines


def _mistakes(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """The mistakes in words; a tie is told as one."""
    sets = diagnosis.explanations
    first = sets[0][0]
    if len(sets) == 1:
        count = len(sets[0])
        title = f"one mistake, in {first.at}: {first.id}" if count == 1 else f"{count} mistakes"
        lines = [*headline(title, look.width, "bold red")]
        for mistake in sets[0]:
            lines += _told(mistake, look, named=count > 1)
        return lines
    return tie_lines(diagnosis, look)


def _told(mistake: ToldMistake, look: Look, *, named: bool) -> list[Text]:
    lines = [Text.assemble("  ", (mistake.id, "bold"), f" in {mistake.at}")] if named else []
    lines += paragraphs(mistake.says, look.width)
    lines += [Text(), *paragraphs(f"Instead: {mistake.instead}", look.width, style="green"), Text()]
    if mistake.few:
        lines += [*paragraphs(FEW, look.width, style="dim"), Text()]
    return lines


FEW = "So few numbers fit easily: another mistake may do so by chance."


def _has_slips(diagnosis: Diagnosis) -> bool:
    return any(cell.kind is not None for each in diagnosis.quantities for cell in each.cells)


def _slips(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """Each slip with its kind, and the sum that the number should have been."""
    lines: list[Text] = []
    for quantity in diagnosis.quantities:
        for cell in (each for each in quantity.cells if each.kind is not None):
            kind = f": {cell.says}" if cell.says else ""
            where = quantity.name + (cell_text(cell.cell) if cell.cell else "")
            says = (
                f"{where} is {short(cell.given)}, and {_would(diagnosis, quantity, cell)} {short(cell.expected)}{kind}."
            )
            lines += paragraphs(says, look.width)
            lines += _terms(diagnosis, quantity.name, cell, look)
    return [*lines, Text()]


def _would(diagnosis: Diagnosis, quantity: JudgedQuantity, cell: JudgedCell) -> str:
    """Whether a slip's number is compared with the right one, in either sign, or with what the learner's lead to."""
    if _has_its_shape(quantity) and short(abs(cell.expected)) == short(abs(float(quantity.expected[cell.cell]))):
        return "should be"
    return "by your own way would be" if diagnosis.explanations else "from your own numbers would be"


def _has_its_shape(quantity: JudgedQuantity) -> bool:
    return without_ones(quantity.given.shape) == without_ones(quantity.expected.shape)


def _terms(diagnosis: Diagnosis, name: str, cell: JudgedCell, look: Look) -> list[Text]:
    """The terms of a sum, in names and in numbers, if there are not too many."""
    reading = diagnosis.reading
    if not _has_its_shape(diagnosis[name]):
        return []
    own = reading.setting.own_shape(name)
    place = int(np.ravel_multi_index(cell.cell, own)) if own else 0
    unit = float(reading.written[name].units.max())
    terms = terms_giving(reading.setting, name, place, (reading.values, reading.mended), cell.expected, unit)
    if not 0 < len(terms) <= MOST_TERMS:
        return []
    texts = [" + ".join(term.says for term in terms), " + ".join(term.numbers for term in terms)]
    total = short(sum(term.value for term in terms))
    return [*paragraphs(f"= {texts[0]}", look.width, 4), *paragraphs(f"= {texts[1]} = {total}", look.width, 4)]


MOST_TERMS = 12


def _unexplained(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """The first number that nothing explains, with its terms; never a guess."""
    name = diagnosis.first_wrong or ""
    quantity = diagnosis[name]
    lines = [*headline(f"not explained: {name}", look.width, "bold yellow")]
    if not quantity.cells:
        shape, wanted = spelled_shape(quantity.given.shape), spelled_shape(quantity.expected.shape)
        says = f"Your {name} is {shape} where {wanted} is expected, and no mistake that we know makes it so."
        return [*lines, *paragraphs(says, look.width)]
    return [
        *lines,
        *paragraphs(_first_unexplained(quantity), look.width),
        *_terms(diagnosis, name, quantity.cells[0], look),
        Text(),
        *_so_far(diagnosis, look),
        *_next(diagnosis, look),
    ]


def _first_unexplained(quantity: JudgedQuantity) -> str:
    """How many numbers nothing explains, and the first of them."""
    cell, name = quantity.cells[0], quantity.name
    wrong, count = len(quantity.cells), int((~np.isnan(quantity.given)).sum())
    which = f"{counted(wrong, 'number')} of {count} in {name} {'is' if wrong == 1 else 'are'}"
    first = f" The first is {name}{cell_text(cell.cell)}:" if cell.cell else ":"
    if count == 1:
        which, first = f"{name}{cell_text(cell.cell) if cell.cell else ''} is", ":"
    follows = "from your numbers follows" if quantity.follows_differs else "it should be"
    return (
        f"{which} other than what follows from your own numbers, and no mistakes that we know make all that you gave"
        f"{'.' if first != ':' else ''}{first} yours is {short(cell.given)}, and {follows} {short(cell.expected)}."
    )


def _so_far(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """What explains the quantities before the first that nothing explains."""
    if not diagnosis.so_far:
        slips = _has_slips(diagnosis)
        return [*paragraphs("Before that, a slip:", look.width), *_slips(diagnosis, look)] if slips else []
    first = diagnosis.so_far[0][0]
    ids = ", or ".join(" and ".join(each.id for each in one) for one in diagnosis.so_far[:MOST_SETS])
    lines = paragraphs(f"What comes before is explained, by {ids}, in {first.at}: {first.says}", look.width)
    return [*lines, Text()]


def _made_in(diagnosis: Diagnosis) -> str | None:
    """The quantity in which the one mistake is made, where that was not given and comes before what shows it."""
    if len(diagnosis.explanations) != 1:
        return None
    told, order = diagnosis.explanations[0][0], list(QUANTITIES)
    name = CATALOGUE[told.id].quantity
    if "bias" in told.at:
        name = name.replace("filter", "bias")
    given = [each.name for each in diagnosis.quantities]
    before = diagnosis.first_wrong is not None and order.index(name) < order.index(diagnosis.first_wrong)
    return name if before and name not in given else None


def _next(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """What to do next: every quantity in which something went wrong, in order, and what follows from them by itself."""
    name = diagnosis.first_wrong or "filter"
    at = {name, *(each.at for one in diagnosis.explanations for each in one)}
    if diagnosis.verdict == "unexplained":
        at = {each.name for each in diagnosis.quantities if each.status == "wrong"}
    again = [each.name for each in diagnosis.quantities if each.name in at or each.status == "slip"]
    if (earlier := _made_in(diagnosis)) is not None:
        again = [earlier, *again]
    first, *then = again or [name]
    says = f"Next: work out {first} again{f', and then {listing(then)}' if then else ''}"
    plan = diagnosis.reading.plan
    follow = [each.name for each in diagnosis.quantities if each.status == "follows"]
    after = [each for each in follow if any(plan.leads(one, each) for one in again)]
    if after:
        sources = [one for one in again if any(plan.leads(one, each) for each in after)]
        source = "it" if len(again) == 1 else "them" if sources == again else listing(sources)
        says += f"; {listing(after)} followed correctly from {source}, and will come out right then"
    return paragraphs(f"{says}.", look.width, style="bold")
