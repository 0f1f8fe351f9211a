"""The catalogue of mistakes as pages, and what a problem cannot show of it."""

from __future__ import annotations

from rich.text import Text

from convstep.arrays import Array
from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS, Mistake
from convstep.diagnosis.examples import Example, example_of
from convstep.diagnosis.separating import Blindness
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.render.check_conventions import AXES
from convstep.render.layout import Term, equation
from convstep.render.matrix import Look, array_block, heading
from convstep.render.page import headline
from convstep.render.paragraphs import paragraphs
from convstep.render.report import facts, header
from convstep.words import counted


def catalogue_lines(look: Look) -> list[Text]:
    """Every mistake with what is done in it, by the quantity in which it is made."""
    lines: list[Text] = []
    for quantity in dict.fromkeys(each.quantity for each in CATALOGUE.values()):
        lines += [Text(), Text.assemble("  ", heading(quantity, QUANTITIES[quantity].symbol))]
        for mistake in (each for each in CATALOGUE.values() if each.quantity == quantity):
            lines += _entry(mistake.id, mistake.did, look)
    lines += [Text(), Text("  conventions: different, not wrong", style="bold")]
    for name, says in CONVENTIONS.items():
        lines += _entry(name, says.partition(".")[0] + ".", look)
    return [
        *lines[1:],
        Text(),
        *paragraphs("convstep check --mistakes ID explains one with a small example.", look.width, style="dim"),
    ]


def _entry(name: str, says: str, look: Look) -> list[Text]:
    """An id and its sentence; beside each other where there is room."""
    widest = max(map(len, [*CATALOGUE, *CONVENTIONS]))
    if look.width < widest + 36:
        return [Text(f"    {name}", style="cyan"), *paragraphs(says, look.width, 6)]
    parts = paragraphs(says, look.width, widest + 6)
    first = Text.assemble("    ", (name.ljust(widest), "cyan"), "  ", parts[0].plain.strip())
    return [first, *parts[1:]]


def mistake_lines(name: str, look: Look) -> list[Text]:
    """One mistake: what is done in it, why it is wrong, what to do instead, and an example."""
    if name in CONVENTIONS:
        return [
            *headline(f"{name}: a convention", look.width, "bold green"),
            *paragraphs(CONVENTIONS[name], look.width),
        ]
    mistake = CATALOGUE[name]
    lines = [*headline(f"{name}, in {mistake.quantity}", look.width, "bold")]
    lines += paragraphs(f"{mistake.did} {mistake.why}", look.width)
    lines += [Text(), *paragraphs(f"Instead: {mistake.instead}", look.width, style="green"), Text()]
    example = example_of(name)
    return [*lines, *(_example(mistake, example, look) if example else [])]


def _example(mistake: Mistake, example: Example, look: Look) -> list[Text]:
    title = (
        f"For example, in iteration {example.iteration} of this problem:" if example.iteration > 1 else "For example:"
    )
    lines = [*paragraphs(title, look.width), Text()]
    problem = example.problem
    given = [("input", "x", problem.input), ("filter", "w", problem.filter)]
    given += [("target", "t", problem.target)] if problem.target is not None else []
    lines += paragraphs(" · ".join(facts(problem)), look.width, style="dim")
    lines += [Text(), *_side_by_side([(name, symbol, numbers) for name, symbol, numbers in given], look), Text()]
    before = [(name, QUANTITIES[name].symbol, numbers) for name, numbers in example.from_.items()]
    if before:
        lines += [*_side_by_side(before, look), Text()]
    axes = AXES.get(QUANTITIES[example.quantity].like, ())
    terms = []
    for name, numbers in ((f"{example.quantity}, right", example.right), (f"with {mistake.id}", example.wrong)):
        shown = axes[-(numbers.ndim - 2) :] if numbers.ndim > 2 else ()
        labels = [f"{n}" for n in range(len(numbers))] if numbers.ndim == 3 and not shown else ()
        terms.append(Term("", array_block(Text(name, style="italic"), numbers, look, axes=shown, labels=labels)))
    return [*lines, *equation(terms, look.width)]


def _side_by_side(arrays: list[tuple[str, str, Array]], look: Look) -> list[Text]:
    terms = []
    for name, symbol, numbers in arrays:
        like = "input" if name == "input" else "output" if name == "target" else QUANTITIES[name].like
        axes = AXES.get(like, ())
        shown = axes[-(numbers.ndim - 2) :] if numbers.ndim > 2 else ()
        terms.append(Term("", array_block(heading(name, symbol), numbers, look, axes=shown)))
    return equation(terms, look.width)


def blindness_lines(problem: Problem, name: str, found: Blindness, look: Look) -> list[Text]:
    """What a problem shows of the catalogue, and what it does not."""
    lines = [*header(problem, name, look.width), Text(), *headline("What these numbers can show", look.width)]
    lines += paragraphs(
        f"{counted(found.seen, 'mistake')} of {len(CATALOGUE)} would show, if every quantity of iteration 1 is given.",
        look.width,
    )
    lines += _list("cannot be seen: the numbers come out right", found.unseen, look)
    if found.together:
        lines += [Text(), Text("  cannot be told apart", style="bold")]
        for group in found.together:
            lines += paragraphs(", ".join(group), look.width, 4)
    lines += _list("cannot be made here, or not in iteration 1", found.unmade, look)
    return lines


def _list(title: str, names: tuple[str, ...], look: Look) -> list[Text]:
    return (
        [Text(), *paragraphs(title, look.width, style="bold"), *paragraphs(", ".join(names), look.width, 4)]
        if names
        else []
    )
