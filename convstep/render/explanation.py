"""Explanations as pages: an iteration cell by cell, one cell with the matrices it came from, one number's uses."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from rich.text import Text

from convstep.arrays import Array
from convstep.derivation.explanation import USED, Derivations
from convstep.derivation.model import Cell, Index, LongSum, Term, Use
from convstep.numbers import show
from convstep.quantities import QUANTITIES
from convstep.render.layout import Block, equation
from convstep.render.layout import Term as Operand
from convstep.render.matrix import Look
from convstep.render.meanings import formula, meaning
from convstep.render.page import rule
from convstep.render.picks import PICK, Cells, picked_block
from convstep.render.sums import Equation, Side, equation_of, label, minus
from convstep.render.wrapping import equation_lines

MOST_CELLS = 20
"""A quantity with more cells is shown by one of them."""
ROUNDED = "Rounded to {} digits; to a few more where the sum then comes out exactly, and where it does not ≈ stands."
CONTRADICTED = "The trace's numbers do not fit together: some were changed after convstep had written it."
CUT_OFF = "…: in a matrix only the first digits of a long fraction stand; in the sums stands all of it."
SYMBOLS = {"input": "x", "target": "t"}


class ExplainedPage:
    """Turns the derivations of one Step into lines.

    Attributes:
        source: The derivations.
        look: Width, digits and the like.
        all_terms: Whether long sums are shown whole.
    """

    def __init__(self, source: Derivations, look: Look, *, all_terms: bool = False) -> None:
        self.source = source
        self.look = look
        self.all_terms = all_terms
        self._contradicted = False

    def iteration(self, names: Collection[str] | None = None) -> list[Text]:
        """The iteration, quantity by quantity in the order of the calculation."""
        self.look.rounded = self._contradicted = False
        lines = [rule(f"Iteration {self.source.step.iteration}", self.look.width), Text()]
        for name in names or self.source.step:
            lines += self.group(name)
        return lines + self._footnote()

    def _footnote(self) -> list[Text]:
        """That a trace contradicts itself, and what the shown digits mean, if any were left out."""
        rounded = CUT_OFF if self.source.step.is_exact else ROUNDED.format(self.look.digits)
        texts = [CONTRADICTED] * self._contradicted + [rounded] * self.look.rounded
        return [line for text in texts for line in (*self._paragraph(text), Text())]

    def _whole(self, value: float) -> str:
        """The number with its minus sign, a fraction with all its digits."""
        shown = show(value, self.look.digits)
        self.look.rounded |= shown.rounded
        return minus(shown.text)

    def group(self, name: str) -> list[Text]:
        """One quantity: formula, meaning, and its cells, or one of them if they are many."""
        lines = self._opening(name)
        shape = self.source.shape(name)
        size = int(np.prod(shape))
        if self.source.is_given(name):
            lines += self._paragraph("The problem gives it.")
            lines += equation([Operand("", self._block(name, []))], self.look.width)
        elif size > MOST_CELLS and not self.look.all_cells:
            lines += self._cell(self.source.cell(name, tuple(length // 2 for length in shape)))
            other = label(name, (0,) * len(shape))
            lines += self._paragraph(f"1 of {size} cells; --cell '{other}' for another, --all-cells for all.")
        else:
            lines += [line for index in self.source.indices(name) for line in self._cell(self.source.cell(name, index))]
        return [*lines, Text()]

    def _opening(self, name: str) -> list[Text]:
        """The quantity's name, formula and meaning."""
        title = Text(name, style="bold")
        rest = formula(name, self.source.problem)
        if title.cell_len + len(rest) + 3 <= self.look.width:
            title.append(f"   {rest}", style="not bold cyan")
            lines = [title]
        else:
            lines = [title, *(Text(line.plain, style="cyan") for line in self._paragraph(rest))]
        return lines + self._paragraph(meaning(name, self.source.problem))

    def _paragraph(self, text: str, indent: int = 2) -> list[Text]:
        lines = textwrap.wrap(text, max(10, self.look.width - indent), break_on_hyphens=False)
        return [Text(" " * indent + line, style="dim") for line in lines]

    def _cell(self, cell: Cell) -> list[Text]:
        """One cell's equation, and what else there is to say."""
        note = f"{cell.note}."
        if not cell.terms:
            given = Equation(label(cell.name, cell.cell), (Side((self._whole(cell.value),)),), ("=",))
            return [*equation_lines(given, self.look.width), *self._paragraph(note, 4)]
        return self._equation(cell) + (self._paragraph(note, 4) if cell.note else [])

    def _equation(self, cell: Cell) -> list[Text]:
        shown = equation_of(cell, self.look.digits, all_terms=self.all_terms)
        self.look.rounded |= shown.rounded
        self._contradicted |= shown.contradicted
        return equation_lines(shown, self.look.width)

    # One cell

    def one(self, name: str, cell: Index) -> list[Text]:
        """One cell: what it came from with the cells that took part picked out, and its sum."""
        derived = self.source.cell(name, cell)
        where = f"{label(name, cell)} in iteration {self.source.step.iteration}"
        lines = [rule(where, self.look.width), Text()]
        self.look.rounded = self._contradicted = False
        if name in QUANTITIES and name not in USED:
            lines += [*self._opening(name), Text()]
        if name in USED:
            lines += self._used(name, cell)
        else:
            lines += self._sources(derived)
            lines += self._cell(derived)
        if name == "input_gradient":
            lines += self._rotated(cell)
        footnote = self._footnote()
        return [*lines, Text(), *footnote[:-1]] if footnote else lines

    def _sources(self, cell: Cell) -> list[Text]:
        """The matrices that a cell came from, and its own, side by side."""
        picks = self._picks(cell.terms)
        if not picks:
            return []
        blocks = [Operand("", self._block(name, cells)) for name, cells in picks.items()]
        blocks.append(Operand("→", self._block(cell.name, [cell.cell])))
        return [*equation(blocks, self.look.width), Text(f"  {PICK} took part", style="dim"), Text()]

    def _picks(self, terms: Sequence[Term]) -> Mapping[str, Cells]:
        """The cells of each quantity that took part."""
        if isinstance(terms, LongSum):
            return terms.cells
        picks: dict[str, list[Index]] = {}
        for term in terms:
            for factor in term.factors:
                if factor.name and factor.iteration is None and (factor.cell or not self.source.shape(factor.name)):
                    picks.setdefault(factor.name, []).append(factor.cell)
        return picks

    def _array(self, name: str) -> Array:
        problem = self.source.problem
        if name == "input":
            return problem.input
        if name == "target":
            assert problem.target is not None
            return problem.target
        return self.source.step.array(name)

    def _block(self, name: str, cells: Cells) -> Block:
        symbol = SYMBOLS.get(name) or QUANTITIES[name].symbol
        padding = self.source.problem.padding if name == "input" else ((0, 0), (0, 0))
        return picked_block(name, symbol, self._array(name), cells, self.look, padding)

    def _rotated(self, cell: Index) -> list[Text]:
        """The second view of the input's gradient, and that it agrees."""
        terms = self.source.sums.input_gradient_by_rotation(cell)
        value = self.source.value("input_gradient", cell)
        again = self.source.judged(Cell("input_gradient", cell, value, terms))
        g = self.source.sums.geometry
        rotated = "the filter as it is" if self.source.sums.rotated else "the filter rotated by 180°"
        stride, dilation = ("×".join(map(str, dict.fromkeys(steps))) for steps in (g.stride, g.dilation))
        spread = f"spread out by the stride {stride} and " if g.stride != (1, 1) else ""
        taps = f" with its taps {dilation} apart" if g.dilation != (1, 1) else ""
        text = (
            f"The same as a full correlation: δ, {spread}bordered with zeros, under {rotated}{taps}; a 0 stands where "
            "no δ is. Both views agree:"
        )
        picture = self._spread(cell) if spread or taps else []
        return [Text(), *self._paragraph(text), *picture, *self._equation(again)]

    def _spread(self, cell: Index) -> list[Text]:
        """One δ with the gaps that the stride leaves, and the filter as it is laid over it, with those of dilation."""
        sums = self.source.sums
        assert sums.delta is not None
        g = sums.geometry
        image = cell[0] if len(cell) == 4 else 0
        channel = cell[-3] if len(cell) > 2 else 0
        f, c = channel // g.group_channels * g.group_filters, channel % g.group_channels
        turned = "filter" if sums.rotated else "filter rotated"
        weights = sums.w[f, c] if sums.rotated else sums.w[f, c, ::-1, ::-1]
        delta = self._with_gaps("delta", "δ", sums.delta[image, f], g.stride)
        laid = self._with_gaps(turned, "w", weights, g.dilation)
        note = self._paragraph(f"Filter {f} of those that look at this cell.") if g.group_filters > 1 else []
        return [Text(), *equation([Operand("", delta), Operand("", laid)], self.look.width), *note, Text()]

    def _with_gaps(self, name: str, symbol: str, matrix: Array, steps: tuple[int, int]) -> Block:
        """A matrix with its cells so many steps apart."""
        rows, columns = ((size - 1) * step + 1 for size, step in zip(matrix.shape, steps, strict=True))
        spread, gaps = np.zeros((rows, columns), dtype=matrix.dtype), np.ones((rows, columns), dtype=bool)
        spread[:: steps[0], :: steps[1]] = matrix
        gaps[:: steps[0], :: steps[1]] = False
        name += "" if steps == (1, 1) else ", spread out"
        return picked_block(name, symbol, spread, [], self.look, ((0, 0), (0, 0)), gaps if gaps.any() else None)

    # The other way round

    def _used(self, name: str, cell: Index) -> list[Text]:
        """Which outputs used a number, with what factor, and what each sends back."""
        lines = [*self._cell(self.source.cell(name, cell)), Text()]
        uses = self.source.uses(name, cell)
        if "delta" in self.source.step:
            gradient = self.source.cell(f"{name}_gradient", cell)
            lines += self._sources(gradient)
            below = [Text(), *self._paragraph("All that is sent back adds up to its gradient:"), *self._cell(gradient)]
        else:
            below = self._paragraph("Nothing is sent back: the problem has no target and no output_gradient.")
        lines += self._paragraph(_uses_in_words(name, cell, uses))
        shown = uses if self.all_terms or len(uses) <= MOST_CELLS else uses[: MOST_CELLS // 2]
        lines += [line for use in shown for line in self._use(use)]
        if len(shown) < len(uses):
            lines += self._paragraph(f"… and {len(uses) - len(shown)} more; --all-terms shows them.")
        return lines + (below if uses else [])

    def _use(self, use: Use) -> list[Text]:
        """One output that used the number, its factor there and what it sends back."""
        factor = self._whole(use.factor.value)
        name = "padding" if use.factor.padding else label(use.factor.name, use.factor.cell)
        text = f"{label(use.name, use.cell)} used it" + (f" times {name} = {factor}" if use.factor.name else "")
        if use.back is not None:
            back = equation_of(Cell("", (), use.back.value, (use.back,)), self.look.digits)
            self.look.rounded |= back.rounded
            sums = [f" {relation} {side.text}" for relation, side in zip(back.relations, back.sides, strict=True)]
            text += f"; it sends back {''.join(sums).removeprefix(' = ')}"
        text = text.replace(" = ", " =\N{NO-BREAK SPACE}").replace(" ≈ ", " ≈\N{NO-BREAK SPACE}")
        lines = textwrap.wrap(text, self.look.width, initial_indent="    ", subsequent_indent="      ")
        return [Text(line.replace("\N{NO-BREAK SPACE}", " ")) for line in lines]


def _uses_in_words(name: str, cell: Index, uses: Sequence[Use]) -> str:
    count = "One output" if len(uses) == 1 else f"{len(uses)} outputs"
    if not uses:
        return f"No window holds {label(name, cell)}: no output used it, and its gradient is 0."
    return f"{count} used {label(name, cell)}:"
