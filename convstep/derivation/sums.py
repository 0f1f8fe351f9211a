"""The sums of a convolution layer, term by term, in the order in which the calculation adds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from convstep.arrays import Array, Numbers
from convstep.derivation.model import Factor, Index, Term, Uses, product, sum_of
from convstep.problem.model import Problem
from convstep.trace import Step

Full = tuple[int, int, int, int]
Where = int | Numbers
"""An index, or those of many cells at once."""
Place = TypeVar("Place", int, Numbers)


class Sums:
    """Reads the numbers of one Step for the sums of its layer.

    Inside, every index is full: [image, filter or channel, row, column]. Shown is what the arrays have.
    """

    def __init__(self, problem: Problem, step: Step) -> None:
        self.problem = problem
        self.step = step
        self.geometry = g = problem.geometry
        self.x: Array = problem.input.reshape(g.input_shape)
        self.w: Array = step.filter.reshape(g.filter_shape)
        self.rotated = problem.operation == "convolution"
        self._shows_image, self._shows_filter = problem.input.ndim == 4, problem.filter.ndim == 4
        self.delta: Array | None = step.delta.reshape(g.output_shape) if "delta" in step else None

    # Indices

    def full_output(self, cell: Index) -> Full:
        """[n,f,i,j] of an output's cell."""
        n, f = (cell[0] if self._shows_image else 0), (cell[-3] if self._shows_filter else 0)
        return n, f, cell[-2], cell[-1]

    def shown_output(self, full: Full) -> Index:
        """The cell of an output as its array has it."""
        n, f, i, j = full
        batch = (n,) if self._shows_image else ()
        filters = (f,) if self._shows_filter else ()
        return (*batch, *filters, i, j)

    def _tap(self, p: Place, q: Place) -> tuple[Place, Place]:
        """Which cell of the filter is its tap [p,q] as used: rotated by 180° for a true convolution."""
        rows, columns = self.geometry.kernel
        return (rows - 1 - p, columns - 1 - q) if self.rotated else (p, q)

    def _channel(self, f: int, c: Place) -> Place:
        """The channel of the input that channel c of filter f looks at."""
        return f // self.geometry.group_filters * self.geometry.group_channels + c

    # Factors

    def input_factor(self, n: int, channel: int, i: int, j: int, p: int, q: int) -> Factor:
        """The input's number that tap [p,q] meets at output [i,j], or a 0 of the padding."""
        g = self.geometry
        y = i * g.stride[0] + p * g.dilation[0] - g.padding[0][0]
        x = j * g.stride[1] + q * g.dilation[1] - g.padding[1][0]
        cell = (n, channel, y, x)[4 - self.problem.input.ndim :]
        if 0 <= y < g.size[0] and 0 <= x < g.size[1]:
            return Factor(self.x.item(n, channel, y, x), "input", cell)
        return Factor(0, "input", cell, padding=True)

    def filter_factor(self, f: int, c: int, p: int, q: int) -> Factor:
        """The filter's number at tap [p,q] as used."""
        row, column = self._tap(p, q)
        cell = (f, c, row, column)[4 - self.problem.filter.ndim :]
        return Factor(self.w.item(f, c, row, column), "filter", cell)

    def delta_factor(self, full: Full) -> Factor:
        """One δ; of a forward pass alone only its place is known."""
        value = math.nan if self.delta is None else self.delta.item(full)
        return Factor(value, "delta", self.shown_output(full))

    def _bias_cell(self, f: int) -> Index:
        return (f,) if self.problem.bias is not None and self.problem.bias.ndim else ()

    # Sums

    def pre_activation(self, cell: Index) -> Sequence[Term]:
        """z = Σ_{c,p,q} x̂·w + b."""
        n, f, i, j = self.full_output(cell)
        g = self.geometry
        shape = (g.group_channels, *g.kernel)
        taps = math.prod(shape)

        def term(position: int) -> Term:
            if position == taps:
                return product(Factor(self.step.array("bias").reshape(-1).item(f), "bias", self._bias_cell(f)))
            c, p, q = _unravel(position, shape)
            return product(self.input_factor(n, self._channel(f, c), i, j, p, q), self.filter_factor(f, c, p, q))

        def arrays() -> tuple[Array, dict[str, Numbers]]:
            c, p, q = _all_indices(shape)
            rows, columns = self._tap(p, q)
            met, where = self._met(n, self._channel(f, c), i, j, p, q)
            values = met * self.w[f, c, rows, columns]
            cells = {"input": where, "filter": _stacked((f, c, rows, columns), self.problem.filter.ndim)}
            if "bias" in self.step:
                values = np.append(values, self.step.array("bias").reshape(-1)[f])
                cells["bias"] = np.array([self._bias_cell(f)], dtype=np.intp)
            return values, cells

        return sum_of(taps + ("bias" in self.step), term, arrays)

    def filter_gradient(self, cell: Index) -> Sequence[Term]:
        """∂L/∂w = Σ_{n,i,j} δ·x̂: the weight is shared, so every place that used it has its say."""
        f, c, row, column = (*(0,) * (4 - len(cell)), *cell)
        p, q = self._tap(row, column)
        shape = self._places

        def term(position: int) -> Term:
            n, i, j = _unravel(position, shape)
            return product(self.delta_factor((n, f, i, j)), self.input_factor(n, self._channel(f, c), i, j, p, q))

        def arrays() -> tuple[Array, dict[str, Numbers]]:
            n, i, j = _all_indices(shape)
            met, where = self._met(n, self._channel(f, c), i, j, p, q)
            return self._deltas(n, f, i, j) * met, {"delta": self._delta_cells(n, f, i, j), "input": where}

        return sum_of(math.prod(shape), term, arrays)

    def bias_gradient(self, cell: Index) -> Sequence[Term]:
        """∂L/∂b = Σ_{n,i,j} δ."""
        f = cell[0] if cell else 0
        shape = self._places

        def term(position: int) -> Term:
            n, i, j = _unravel(position, shape)
            return product(self.delta_factor((n, f, i, j)))

        def arrays() -> tuple[Array, dict[str, Numbers]]:
            n, i, j = _all_indices(shape)
            return self._deltas(n, f, i, j), {"delta": self._delta_cells(n, f, i, j)}

        return sum_of(math.prod(shape), term, arrays)

    # The same for many terms at once

    @property
    def _places(self) -> tuple[int, int, int]:
        """Images, and rows and columns of the output: where a filter is laid."""
        return (self.geometry.batch, *self.geometry.output)

    def _deltas(self, n: Numbers, f: int, i: Numbers, j: Numbers) -> Array:
        return np.full(len(n), math.nan) if self.delta is None else self.delta[n, f, i, j]

    def _delta_cells(self, n: Numbers, f: int, i: Numbers, j: Numbers) -> Numbers:
        shown = [part for part, shows in ((n, self._shows_image), (f, self._shows_filter)) if shows]
        return _stacked((*shown, i, j), len(shown) + 2)

    def _met(self, n: Where, channel: Where, i: Where, j: Where, p: Where, q: Where) -> tuple[Array, Numbers]:
        """The numbers of the padded input that taps meet at outputs, and their cells."""
        g = self.geometry
        y = np.asarray(i * g.stride[0] + p * g.dilation[0] - g.padding[0][0])
        x = np.asarray(j * g.stride[1] + q * g.dilation[1] - g.padding[1][0])
        inside = (y >= 0) & (y < g.size[0]) & (x >= 0) & (x < g.size[1])
        met = np.where(inside, self.x[n, channel, np.where(inside, y, 0), np.where(inside, x, 0)], 0)
        return met, _stacked((n, channel, y, x), self.problem.input.ndim)

    # The gradient of the input

    def _full_input(self, cell: Index) -> Full:
        n, c, y, x = (*(0,) * (4 - len(cell)), *cell)
        return n, c, y, x

    def _filters_of(self, channel: int) -> tuple[range, int]:
        """The filters that look at a channel of the input, and which of their channels it is."""
        g = self.geometry
        group, c = divmod(channel, g.group_channels)
        return range(group * g.group_filters, (group + 1) * g.group_filters), c

    def input_gradient(self, cell: Index) -> Sequence[Term]:
        """∂L/∂x: every window that held the cell sends back its δ times the weight that met the cell there."""
        n, channel, y, x = self._full_input(cell)
        filters, c = self._filters_of(channel)
        rows = self._windows_over(y, 0)
        columns = self._windows_over(x, 1)
        return tuple(
            product(self.delta_factor((n, f, i, j)), self.filter_factor(f, c, p, q))
            for f in filters
            for i, p in rows
            for j, q in columns
        )

    def _windows_over(self, position: int, axis: int) -> list[tuple[int, int]]:
        """Along one axis: the outputs whose window holds the position, and the tap that meets it there."""
        g = self.geometry
        place = position + g.padding[axis][0]
        found = []
        for output in range(g.output[axis]):
            tap, rest = divmod(place - output * g.stride[axis], g.dilation[axis])
            if rest == 0 and 0 <= tap < g.kernel[axis]:
                found.append((output, tap))
        return found

    def input_gradient_by_rotation(self, cell: Index) -> tuple[Term, ...]:
        """The same as a full correlation: δ, spread by the stride and bordered with zeros, with the filter rotated."""
        n, channel, y, x = self._full_input(cell)
        filters, c = self._filters_of(channel)
        g = self.geometry
        terms = []
        for f in filters:
            for p, q in np.ndindex(*g.kernel):
                row = self._spread_index(y, g.kernel[0] - 1 - p, 0)
                column = self._spread_index(x, g.kernel[1] - 1 - q, 1)
                weight = self.filter_factor(f, c, g.kernel[0] - 1 - p, g.kernel[1] - 1 - q)
                if row is None or column is None:
                    delta = Factor(0, "delta", padding=True)
                else:
                    delta = self.delta_factor((n, f, row, column))
                terms.append(product(delta, weight))
        return tuple(terms)

    def _spread_index(self, position: int, tap: int, axis: int) -> int | None:
        """Along one axis: the output whose tap meets the position, or ``None`` for a zero between or around them."""
        g = self.geometry
        output, rest = divmod(position + g.padding[axis][0] - tap * g.dilation[axis], g.stride[axis])
        return output if rest == 0 and 0 <= output < g.output[axis] else None

    # The other way round

    def uses_of_input(self, cell: Index) -> Uses:
        """The outputs that used a number of the input, and what each sends back."""
        return Uses(self.input_gradient(cell), self.delta is not None)

    def uses_of_filter(self, cell: Index) -> Uses:
        """The outputs that used a weight, and what each sends back."""
        return Uses(self.filter_gradient(cell), self.delta is not None)

    def uses_of_bias(self, cell: Index) -> Uses:
        """The outputs that used a bias, and what each sends back."""
        return Uses(self.bias_gradient(cell), self.delta is not None)


def _unravel(position: int, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The index of the cell at a position.

    >>> _unravel(7, (2, 3, 2))
    (1, 0, 1)
    """
    rest, last = divmod(position, shape[2])
    return (*divmod(rest, shape[1]), last)


def _all_indices(shape: tuple[int, int, int]) -> tuple[Numbers, Numbers, Numbers]:
    """The indices of all cells, an array an axis."""
    first, second, third = np.indices(shape).reshape(3, -1)
    return first, second, third


def _stacked(parts: Sequence[Where], axes: int) -> Numbers:
    """The last axes of cells, a row a cell."""
    return np.stack(np.broadcast_arrays(*parts[-axes:]), axis=1)
