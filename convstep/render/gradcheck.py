"""Gradient checks as pages: one line a comparison, then the outcome in one line and what it means."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby

import numpy as np
from rich.text import Text

from convstep.comparison import Compared, Comparison
from convstep.gradients import BESIDE_KINKS, LOSS, RANDOM, Check, GradientCheck, Kink
from convstep.numbers import cell_text, listing, short
from convstep.problem.model import Problem
from convstep.render.check_table import STYLES, Row, Section, paragraph, table
from convstep.render.layout import Term, equation
from convstep.render.matrix import Look, array_block, heading
from convstep.render.page import rule
from convstep.torch_reference import TorchComparison
from convstep.words import counted, visible

SENT = {
    RANDOM: "under random upstream gradients",
    BESIDE_KINKS: "the same with 0 sent back at kinks",
    LOSS: "from the loss",
}
EXACTLY = (
    "numeric: by difference quotients in fractions, whose steps meet no kink on the way: they are the derivative "
    "itself, and nothing is allowed for rounding."
)
MOST_CELLS = 20
"""So many numbers of one quantity are shown, beside those that disagree."""
MOST_KINKS = 6
DIFFERENCE_DIGITS = 2
SAID_BESIDE = 60
"""From this width on, what is said about a quantity stands beside its name, else below it."""


def gradient_lines(problem: Problem, check: GradientCheck, look: Look) -> list[Text]:
    """A whole check."""
    sections = [
        _section(kind, upstream, list(checks), look)
        for (kind, upstream), checks in groupby(check.checks, key=lambda each: (each.kind, each.upstream))
    ]
    heads = ("kind", "analytic", "numeric", "difference")
    lines = [rule(f"Gradients of iteration {check.iteration}", look.width)]
    lines += table(heads, sections, look.width, words=1)
    lines += paragraph(EXACTLY if check.exact else _in_floats(check), look.width, "dim")
    return [*lines, Text(), *_gradient_outcome(problem, check, look.width)]


def _in_floats(check: GradientCheck) -> str:
    """What the numeric side is, and what is allowed."""
    tolerance = max((each.tolerance for each in check.checks), default=0.0)
    return (
        f"numeric: by central differences; their steps move no z by more than {short(check.reach, 2)}. Allowed is what "
        f"rounding in float64 and the step itself can explain, here {short(tolerance, 2)} at the most."
    )


def _section(kind: str, upstream: str, checks: list[Check], look: Look) -> Section:
    sent = SENT[upstream]
    if kind == "cell":
        rows, left_out = _cell_rows(checks, look)
        return Section(f"{sent}, number by number", rows, left_out)
    groups = [list(group) for _, group in groupby(checks, key=lambda each: each.name)]
    most = max(map(len, groups))
    worst = f", the worst of {most} directions" if most > 1 else ""
    return Section(f"{sent}{worst}", [_row(max(group, key=_badness), look) for group in groups])


def _badness(check: Check) -> tuple[bool, float]:
    """How near a comparison is to disagreeing, or how far beyond."""
    allowed = check.tolerance + check.allowance
    return not check.agrees, check.difference / allowed if allowed else check.difference


def _cell_rows(checks: list[Check], look: Look) -> tuple[list[Row], str]:
    """Some numbers of each quantity, or all; those that disagree always."""
    rows: list[Row] = []
    for _, group in groupby(checks, key=lambda each: each.name):
        for position, check in enumerate(group):
            if look.all_cells or position < MOST_CELLS or not check.agrees:
                rows.append(_row(check, look))
    left_out = len(checks) - len(rows)
    return rows, f"… and {left_out} more that agree (--all-cells shows them)" if left_out else ""


def _row(check: Check, look: Look) -> Row:
    name = check.name + (cell_text(check.cell) if check.cell else "")
    numbers = (look.number(check.analytic), look.number(check.numeric), short(check.difference, DIFFERENCE_DIGITS))
    return Row(name, (check.kind, *numbers), check.verdict)


def _gradient_outcome(problem: Problem, check: GradientCheck, width: int) -> list[Text]:
    count, wrong = len(check.checks), sum(not each.agrees for each in check.checks)
    if wrong:
        title = rule(f"{wrong} of {counted(count, 'comparison')} disagree{'s' * (wrong == 1)}", width, "bold red")
        lines = [title, *paragraph(_where_to_look(check.first_wrong or ""), width)]
    else:
        at_kinks = sum(each.verdict == "kink" for each in check.checks)
        says = f"the gradients agree, {count} of {count}"
        if at_kinks:
            says = f"{count - at_kinks} of {count} agree; {at_kinks} lie{'s' * (at_kinks == 1)} at a kink"
        lines = [rule(says, width, "bold green")]
    return [*lines, *(paragraph(_about_kinks(problem, check), width) if check.kinks else [])]


def _where_to_look(name: str) -> str:
    return f"The place to look is {name}, the first in the order of the calculation that is off."


def _about_kinks(problem: Problem, check: GradientCheck) -> str:
    functions = {"pre_activation": problem.activation.name, "error": problem.loss.name}
    names = sorted({kink.name for kink in check.kinks}, reverse=True)
    at = " and ".join(f"of {functions[name]}: {_listed(k for k in check.kinks if k.name == name)}" for name in names)
    return (
        f"Within the step lies a kink {at}. There the slope is one number on the left and another on the right; "
        "a difference finds one between them, so the two need not agree."
    )


def _listed(kinks: Iterable[Kink]) -> str:
    """The numbers at kinks, not all of them where there are many."""
    every = [f"{kink.name}{cell_text(kink.cell)} = {short(kink.value)}" for kink in kinks]
    rest = len(every) - MOST_KINKS
    return listing([*every[:MOST_KINKS], *([f"{rest} more"] if rest > 0 else [])])


def torch_lines(comparison: TorchComparison, look: Look) -> list[Text]:
    """An iteration beside PyTorch's."""
    rows = [
        Row(
            each.name,
            (look.number(each.largest), short(each.difference, DIFFERENCE_DIGITS), short(each.ulps, 3)),
            "agrees" if each.agrees else "disagrees",
        )
        for each in comparison.quantities
    ]
    heads = ("largest", "difference", "ulp")
    title = f"Iteration {comparison.iteration} beside PyTorch {comparison.version.partition('+')[0]}"
    lines = [rule(title, look.width), *table(heads, [Section("", rows)], look.width)]
    lines += paragraph(
        "ulp: the largest difference in units in the last place of the quantity's largest number", look.width, "dim"
    )
    return [*lines, Text(), *_torch_outcome(comparison, look.width)]


def _torch_outcome(comparison: TorchComparison, width: int) -> list[Text]:
    count = len(comparison.quantities)
    wrong = sum(not each.agrees for each in comparison.quantities)
    if comparison.first_wrong is not None:
        lines = [
            rule(f"not as PyTorch: {wrong} of {count}", width, "bold red"),
            *paragraph(_where_to_look(comparison.first_wrong.name), width),
        ]
    else:
        most = max(each.ulps for each in comparison.quantities)
        lines = [rule(f"as PyTorch: all {count}, within {short(most, 3)} ulp", width, "bold green")]
    if comparison.kinks:
        says = "there PyTorch's last digit lay on the other side of a kink, and it went on with these numbers."
        lines += paragraph(f"{_listed(comparison.kinks)}: {says}", width)
    return lines


def comparison_lines(comparison: Comparison, name: str, look: Look) -> list[Text]:
    """An iteration beside what another program computed."""
    widest = max(len(each.name) for each in comparison.quantities)
    lines = [rule(f"Iteration {comparison.iteration} beside {visible(name, look.width - 24)}", look.width)]
    for each in comparison.quantities:
        lines += _said(each, widest, look.width)
    first, count = comparison.first_wrong, len(comparison.quantities)
    wrong = sum(not each.agrees for each in comparison.quantities)
    quantities = counted(count, "quantity", "quantities")
    lines.append(Text())
    if first is None:
        lines.append(rule(f"{count} of {quantities} agree{'s' * (count == 1)}", look.width, "bold green"))
        return lines + paragraph("To the digits given, or within 1e-6 of the quantity's largest number.", look.width)
    lines.append(rule(f"{wrong} of {quantities} {'are' if wrong > 1 else 'is'} off", look.width, "bold red"))
    return [*lines, *paragraph(_where_to_look(first.name), look.width), *_both(first, look)]


def _said(compared: Compared, widest: int, width: int) -> list[Text]:
    """A quantity, and what is to be said about it."""
    says = "agrees" if compared.agrees else ", or ".join(relation.says for relation in compared.relations)
    style = STYLES["agrees" if compared.agrees else "disagrees"]
    beside = width >= SAID_BESIDE or len(says) + widest + 5 <= width
    indent = widest + 5 if beside else 4
    parts = textwrap.wrap(says, max(10, width - indent))
    first = Text(f"  {compared.name}".ljust(indent) if beside else f"  {compared.name}")
    lines = [first.append(parts.pop(0), style) if beside else first]
    return lines + [Text(" " * indent).append(part, style) for part in parts]


def _both(compared: Compared, look: Look) -> list[Text]:
    """Given and right numbers side by side, where there is room and they have one shape."""
    if compared.difference is None or compared.expected.ndim != 2:
        return []
    still_open = np.isnan(compared.given)
    given = array_block(
        heading(f"your {compared.name}", ""), compared.given, look, padding=still_open if still_open.any() else None
    )
    expected = array_block(heading(compared.name, ""), compared.expected, look)
    return [Text(), *equation([Term("", given), Term("", expected)], look.width)]
