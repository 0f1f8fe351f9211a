"""One iteration as a page that reads like the calculation on paper."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from convstep.activations import make_activation
from convstep.arrays import Array
from convstep.correlation import pad
from convstep.losses import make_loss
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.render.layout import Block, Term, equation
from convstep.render.matrix import Look, Mark, array_block, heading
from convstep.trace import Step
from convstep.words import counted

CUT = "×"
ZERO = "°"
CHANGED = "*"

LEGEND = {
    CUT: "slope 0: no error flows back here",
    ZERO: "z is exactly 0: the slope here is a convention",
    CHANGED: "changed since the iteration before",
}


CUT_OFF = "…: the fraction is longer; explain and JSON have all of it"


class Page:
    """Shows the quantities of one Step.

    Attributes:
        problem: What is run.
        step: The iteration.
        before: The iteration before, if it is known: cells that changed are marked.
        look: Width, digits and the like.
        show: The quantities asked for; ``None`` for all.
    """

    def __init__(
        self, problem: Problem, step: Step, look: Look, before: Step | None = None, show: Collection[str] | None = None
    ) -> None:
        self.problem = problem
        self.step = step
        self.before = before
        self.look = look
        self.show = show
        self.has_kink = make_activation(problem.activation).takes_slope_at_zero

    def lines(self) -> list[Text]:
        """The page, line by line."""
        self.look.signs.clear()
        self.look.rounded = False
        lines = [rule(f"Iteration {self.step.iteration}", self.look.width)]
        for part in self._parts():
            if part:
                lines += [*equation(part, self.look.width), Text()]
        notes = self._footnotes()
        return [*lines, *notes] if notes or len(lines) == 1 else lines[:-1]

    def _parts(self) -> list[list[Term]]:
        """The equations, in the order of the calculation."""
        if self.show is not None:
            wanted = [name for name in self.step if name in self.show]
            return [[Term("", self._quantity(name)) for name in wanted]]
        return [
            self._forward(),
            self._activated_target(),
            self._comparison(),
            self._delta(),
            self._gradients(),
            *(self._update(kind) for kind in ("filter", "bias") if f"new_{kind}" in self.step),
        ]

    def _forward(self) -> list[Term]:
        bias = [Term("+", self._quantity("bias"))] if "bias" in self.step else []
        return [
            Term("", self._input()),
            Term("⋆" if self.problem.operation == "cross-correlation" else "∗", self._quantity("filter")),
            *bias,
            Term("=", self._quantity("pre_activation")),
            Term(f"→ {self.problem.activation.name} →", self._quantity("output")),
        ]

    def _activated_target(self) -> list[Term]:
        if "activated_target" not in self.step:
            return []
        arrow = f"→ {self.problem.activation.name} →"
        return [Term("", self._target()), Term(arrow, self._quantity("activated_target"))]

    def _comparison(self) -> list[Term]:
        step = self.step
        if "error" not in step:
            return [Term("", self._loss())] if "loss" in step else []
        compared = self._quantity("activated_target") if "activated_target" in step else self._target()
        return [
            Term("", self._quantity("output")),
            Term("−", compared),
            Term("=", self._quantity("error")),
            Term("", self._loss()),
        ]

    def _delta(self) -> list[Term]:
        if "delta" not in self.step:
            return []
        return [
            Term("", self._quantity("output_gradient")),
            Term("⊙", self._quantity("activation_slope")),
            Term("=", self._quantity("delta")),
        ]

    def _gradients(self) -> list[Term]:
        names = [name for name in ("filter_gradient", "bias_gradient", "input_gradient") if name in self.step]
        return [Term("", self._quantity(name)) for name in names]

    def _update(self, kind: str) -> list[Term]:
        state = [
            Term("", self._quantity(name))
            for name in self.step
            if name.startswith(f"{kind}_") and name not in (f"{kind}_gradient", f"{kind}_update")
        ]
        return [
            *state,
            Term("", self._quantity(kind)),
            Term("+", self._quantity(f"{kind}_update")),
            Term("=", self._quantity(f"new_{kind}")),
        ]

    def _quantity(self, name: str) -> Block:
        """The block of one quantity, its cells marked."""
        quantity = QUANTITIES[name]
        if name == "loss":
            return self._loss()
        array = self.step.array(name)
        return array_block(
            heading(name, quantity.symbol),
            array,
            self.look,
            axes=self._axes(quantity.like),
            marks=self._marks(name, array),
        )

    def _axes(self, like: str) -> Sequence[str]:
        """What the axes before the last two are called."""
        problem = self.problem
        if like == "filter":
            return ("filter", "channel") if problem.filter.ndim == 4 else ("channel",)
        if like == "input":
            return ("image", "channel") if problem.input.ndim == 4 else ("channel",)
        return [
            *(["image"] if problem.input.ndim == 4 else []),
            *(["filter"] if problem.filter.ndim == 4 else []),
        ]

    def _marks(self, name: str, array: Array) -> list[Mark]:
        marks = []
        if name in ("pre_activation", "activation_slope", "delta") and "activation_slope" in self.step:
            cut = self.step.array("activation_slope") == 0
            at_zero = (array == 0) & self.has_kink if name == "pre_activation" else np.zeros_like(cut)
            marks += [Mark(CUT, "red", cut & ~at_zero), Mark(ZERO, "yellow", at_zero)]
        if self.before is not None and name in self.before:
            marks.append(Mark(CHANGED, "bold", array != self.before.array(name)))
        return marks

    def _input(self) -> Block:
        """x with its padding around it."""
        problem, geometry = self.problem, self.problem.geometry
        x = pad(problem.input.reshape(geometry.input_shape), geometry)
        padding = np.ones(geometry.padded, dtype=bool)
        padding[geometry.inside] = False
        shaped = x.reshape(*problem.input.shape[:-2], *geometry.padded)
        return array_block(
            heading("input", "x"),
            shaped,
            self.look,
            axes=self._axes("input"),
            padding=padding if padding.any() else None,
        )

    def _target(self) -> Block:
        assert self.problem.target is not None
        return array_block(heading("target", "t"), self.problem.target, self.look, axes=self._axes("output"))

    def _loss(self) -> Block:
        """L on one line, with its formula where there is room."""
        compared = "f(t)" if self.problem.target_through_activation else "t"
        loss = make_loss(self.problem.loss)
        formula = "Σ a·∂L/∂a" if self.problem.target is None else loss.formula_with(compared)
        value = self.look.number(self.step.loss)
        line = heading("loss", "L")
        if len(f"  loss L = {formula} = {value}") <= self.look.width:
            line.append(f" = {formula}", style="dim")
        return Block(Text(), (line.append(f" = {value}"),))

    def _footnotes(self) -> list[Text]:
        notes = [f"{sign} {LEGEND[sign]}" for sign in LEGEND if sign in self.look.signs]
        if self.look.rounded:
            notes.append(CUT_OFF if self.step.is_exact else f"rounded to {self.look.digits} digits")
        if self.step.is_exact:
            notes.append(_longest_fraction(self.step))
        return wrapped(notes, self.look.width)


def _longest_fraction(step: Step) -> str:
    """How long the fractions have become."""
    from convstep.exact.growth import longest_of

    return f"longest fraction: {counted(longest_of(step), 'digit')}"


def rule(title: str, width: int, style: str = "bold") -> Text:
    """A line across the page with a title in it."""
    line = Text.assemble(("── ", "dim"), (title, style), " ")
    line.append("─" * (width - line.cell_len), style="dim")
    return line


def headline(title: str, width: int, style: str = "bold") -> list[Text]:
    """A rule, or where the page is too narrow for one, its title in several lines."""
    if 5 + cell_len(title) <= width:
        return [rule(title, width, style)]
    first, *rest = textwrap.wrap(title, max(10, width - 3), break_on_hyphens=False, break_long_words=False)
    return [Text.assemble(("── ", "dim"), (first, style)), *(Text(f"   {line}", style=style) for line in rest)]


def wrapped(notes: Sequence[str], width: int) -> list[Text]:
    """Notes one after the other, as many a line as fit."""
    lines: list[str] = []
    for note in notes:
        if lines and len(lines[-1]) + len(note) + 3 <= width:
            lines[-1] += f"   {note}"
        else:
            lines += [f"  {line}" for line in textwrap.wrap(note, max(10, width - 2))]
    return [Text(line, style="dim") for line in lines]
