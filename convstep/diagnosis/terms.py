"""The terms of the sums that a learner works out, with the learner's own numbers in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.correlation import pad
from convstep.diagnosis.setting import Setting
from convstep.numbers import cell_text, short


class Term(NamedTuple):
    """One product of a sum: its factors' names with their cells, their values, and the product."""

    factors: tuple[tuple[str, tuple[int, ...] | None, float], ...]
    value: float

    @property
    def says(self) -> str:
        """The product in names: ``delta[0,1]·input[0,2]``."""
        return "·".join(name + (cell_text(cell) if cell is not None else "") for name, cell, _ in self.factors)

    @property
    def numbers(self) -> str:
        """The product in numbers: ``2·(−1)``."""
        return "·".join(spelled(value) for _, _, value in self.factors)


def spelled(value: float) -> str:
    """A number as a factor: a negative one in brackets."""
    text = short(value)
    return f"({text.replace('-', '−', 1)})" if text.startswith("-") else text


def terms_of(setting: Setting, name: str, place: int, values: Mapping[str, Array]) -> list[Term]:
    """The terms of one number of a quantity that is a sum over windows; none for others.

    Args:
        setting: The exercise.
        name: The quantity.
        place: The number's place in it, flat.
        values: The learner's numbers, in full shapes behind one row.
    """
    make = {"pre_activation": _of_z, "filter_gradient": _of_gradient, "bias_gradient": _of_bias_gradient}.get(name)
    if make is None:
        return []
    cell = tuple(int(i) for i in np.unravel_index(place, setting.shape(name)))
    return list(make(setting, cell, values))


def terms_giving(
    setting: Setting, name: str, place: int, worlds: Sequence[Mapping[str, Array]], total: float, unit: float
) -> list[Term]:
    """The terms of one number, from the first numbers that give it: the learner's own, or those with slips put right.

    Args:
        setting, name, place: As for `terms_of`.
        worlds: The numbers to make the terms of.
        total: What the sum should be.
        unit: Of the last decimal that the learner shows; by a few of them rounding may move a sum.
    """
    allowed = max(5.0 * unit, 1e-6 * max(1.0, abs(total)))
    for values in worlds:
        terms = terms_of(setting, name, place, values)
        if abs(sum(term.value for term in terms) - total) <= allowed:
            return terms
    return []


def _padded_cell(setting: Setting, row: int, column: int) -> tuple[int, int]:
    (top, _), (left, _) = setting.geometry.padding
    return row - top, column - left


def _input_factor(
    setting: Setting, padded: Array, n: int, c: int, row: int, column: int
) -> tuple[str, tuple[int, ...], float]:
    axes = setting.problem.input.ndim
    full = (n, c, *_padded_cell(setting, row, column))
    return "input", full[4 - axes :], float(padded[n, c, row, column])


def _of_z(setting: Setting, cell: tuple[int, ...], values: Mapping[str, Array]) -> Iterator[Term]:
    n, f, i, j = cell
    g = setting.geometry
    padded, w = pad(setting.sums.x, g), setting.used(values["filter"])[0]
    for c, p, q in np.ndindex(g.group_channels, *g.kernel):
        channel = f // g.group_filters * g.group_channels + c
        row, column = i * g.stride[0] + p * g.dilation[0], j * g.stride[1] + q * g.dilation[1]
        own = (f, c, g.kernel[0] - 1 - p, g.kernel[1] - 1 - q) if setting.rotated else (f, c, p, q)
        value = float(w[f, c, p, q])
        met = _input_factor(setting, padded, n, channel, row, column)
        yield Term((met, ("filter", own[4 - setting.problem.filter.ndim :], value)), met[2] * value)
    if setting.problem.bias is not None:
        value = float(values["bias"][0, f])
        yield Term((("bias", (f,) if setting.problem.bias.ndim else None, value),), value)


def _of_gradient(setting: Setting, cell: tuple[int, ...], values: Mapping[str, Array]) -> Iterator[Term]:
    f, c, p, q = cell
    g = setting.geometry
    padded, delta = pad(setting.sums.x, g), values["delta"][0]
    if setting.rotated:
        p, q = g.kernel[0] - 1 - p, g.kernel[1] - 1 - q
    channel = f // g.group_filters * g.group_channels + c
    for n, i, j in np.ndindex(g.batch, *g.output):
        row, column = i * g.stride[0] + p * g.dilation[0], j * g.stride[1] + q * g.dilation[1]
        value = float(delta[n, f, i, j])
        met = _input_factor(setting, padded, n, channel, row, column)
        yield Term((("delta", _output_cell(setting, (n, f, i, j)), value), met), value * met[2])


def _of_bias_gradient(setting: Setting, cell: tuple[int, ...], values: Mapping[str, Array]) -> Iterator[Term]:
    (f,) = cell
    g = setting.geometry
    for n, i, j in np.ndindex(g.batch, *g.output):
        value = float(values["delta"][0, n, f, i, j])
        yield Term((("delta", _output_cell(setting, (n, f, i, j)), value),), value)


def _output_cell(setting: Setting, full: tuple[int, int, int, int]) -> tuple[int, ...]:
    """A cell of the output as the problem counts it: without axes that it does not have."""
    n, f, i, j = full
    problem = setting.problem
    return (*([n] if problem.input.ndim == 4 else []), *([f] if problem.filter.ndim == 4 else []), i, j)
