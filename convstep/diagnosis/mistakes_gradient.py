"""Mistakes with the gradients of the filter, the bias and the input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Compute, Values, beside
from convstep.diagnosis.candidate_sums import input_gradient, sliding
from convstep.diagnosis.other_sources import as_it_comes_and_turned, source_rules
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.geometry import Geometry, Pair

MOST_POSITIONS = 25
"""Up to how many windows each is tried as the only one; of more, the first and the last."""


def gradient_rules(s: Setting) -> Iterator[Rule]:
    """The mistakes in the three gradients that can be made in this problem."""
    if s.problem.forward_only:
        return
    yield from _sources(s)
    yield from _summing(s)
    yield from source_rules(s)
    if s.geometry.kernel != (1, 1):
        yield Rule("gradient-rotated", "turned_gradient", lambda s, v: s.used(v["summed_gradient"])[..., ::-1, ::-1])
        yield Rule("gradient-transposed", "turned_gradient", lambda s, v: s.used(v["summed_gradient"]).swapaxes(-1, -2))
    yield from _scaling(s, "filter_gradient", lambda s, v: v["turned_gradient"])
    if s.problem.bias is not None:
        yield from _bias(s)
    yield from _input(s)


def _sources(s: Setting) -> Iterator[Rule]:
    """Which numbers are correlated with the input, and how they are placed."""
    others = {"gradient_source": ("delta", "bias_gradient", "input_gradient")}
    if s.problem.bias is not None:
        others["bias_source"] = ("delta", "filter_gradient", "input_gradient")
    for stage, shown in others.items():
        # That δ was right is shown by itself, or by what was made of it.
        for beside_ in shown:
            yield Rule("gradient-from-error", stage, lambda s, v: v["output_gradient"], ("output_gradient",), beside_)
            if s.problem.target is not None and not s.loss.gradient_is_error:
                yield Rule("gradient-from-error", stage, lambda s, v: v["error"], ("error",), beside_)
    if s.geometry.output != (1, 1):
        yield Rule("gradient-rotated", "placed_source", lambda s, v: v["gradient_source"][..., ::-1, ::-1])


def _summing(s: Setting) -> Iterator[Rule]:
    """Other sums in the place of Σ δ·x over all positions."""
    g = s.geometry
    for other in _full(g):
        for compute in (_gradient_with(other), _turned_gradient_with(other)):
            rule = Rule("gradient-full", "summed_gradient", compute, size=other.kernel)
            yield from as_it_comes_and_turned(s, rule)
    for place in _single_positions(g):
        yield Rule("gradient-one-position", "summed_gradient", _only_at(place))
    for other in _not_spread(g):
        yield Rule("gradient-stride-ignored", "summed_gradient", _gradient_in_corner(other))
    size = g.padded[0] - g.output[0] + 1, g.padded[1] - g.output[1] + 1
    if size != g.kernel:
        whole = g._replace(kernel=size, stride=(1, 1), dilation=(1, 1))
        rule = Rule("gradient-stride-ignored", "summed_gradient", _gradient_with(whole), size=size)
        yield from as_it_comes_and_turned(s, rule)


def _full(g: Geometry) -> Iterator[Geometry]:
    """The geometries in which δ slides over the whole input and beyond: full, and of the input's size."""
    spread = [stride * (out - 1) for stride, out in zip(g.stride, g.output, strict=True)]
    full = sliding(g, (g.size[0] + spread[0], g.size[1] + spread[1]), ((spread[0], spread[0]), (spread[1], spread[1])))
    rows, columns = ((total // 2, total - total // 2) for total in spread)
    for found in (full, sliding(g, g.size, (rows, columns))):
        if found is not None and found.kernel != g.kernel:
            yield found


def _gradient_with(geometry: Geometry) -> Compute:
    return lambda s, v: s.sums.filter_gradient(v["placed_source"], geometry)


def _turned_gradient_with(geometry: Geometry) -> Compute:
    """What ``convolve2d`` gives: δ is rotated before it slides."""
    return lambda s, v: s.sums.filter_gradient(v["placed_source"][..., ::-1, ::-1], geometry)


def _single_positions(g: Geometry) -> list[tuple[int, ...]]:
    places = list(np.ndindex(g.batch, *g.output))
    if len(places) == 1:
        return []
    return places if len(places) <= MOST_POSITIONS else [places[0], places[-1]]


def _only_at(place: tuple[int, ...]) -> Compute:
    n, i, j = place

    def compute(s: Setting, v: Values) -> Array:
        alone = np.zeros(v["placed_source"].shape)
        alone[:, n, :, i, j] = v["placed_source"][:, n, :, i, j]
        return s.sums.filter_gradient(alone, s.geometry)

    return compute


def _not_spread(g: Geometry) -> Iterator[Geometry]:
    """The geometry with stride, dilation or both taken for 1, while δ keeps its size."""
    seen = {g}
    for stride, dilation in (((1, 1), g.dilation), (g.stride, (1, 1)), ((1, 1), (1, 1))):
        other = g._replace(stride=stride, dilation=dilation)
        if other not in seen:
            seen.add(other)
            yield other


def _gradient_in_corner(geometry: Geometry) -> Compute:
    """δ laid into the first rows and columns of a larger output."""

    def compute(s: Setting, v: Values) -> Array:
        source = v["placed_source"]
        larger = np.zeros((len(source), *geometry.output_shape))
        larger[..., : source.shape[-2], : source.shape[-1]] = source
        return s.sums.filter_gradient(larger, geometry)

    return compute


def _scaling(s: Setting, stage: str, right: Compute) -> Iterator[Rule]:
    """A gradient divided by a number of positions, or with the earlier ones still in it."""
    g = s.geometry
    again = stage == "bias_gradient"
    for count in sorted({g.positions, g.output[0] * g.output[1], s.outputs} - {1}):
        yield Rule("gradient-averaged", stage, lambda s, v, count=count: right(s, v) / count, again=again)  # type: ignore[misc]
    if s.iteration > 1:
        sign = "bias_sign" if again else "filter_sign"
        for before in (s.earlier, s.accumulated):
            if stage in before:
                yield Rule(
                    "gradient-accumulated",
                    stage,
                    lambda s, v, earlier=before[stage]: right(s, v) + beside(v[sign], earlier) * earlier,  # type: ignore[misc]
                )


def _bias(s: Setting) -> Iterator[Rule]:
    g = s.geometry
    for count in sorted({g.positions, g.output[0] * g.output[1], s.outputs} - {1}):
        yield Rule("bias-gradient-mean", "bias_gradient", lambda s, v, count=count: _summed(v) / count)  # type: ignore[misc]
    yield Rule("bias-gradient-forgotten", "bias_gradient", lambda s, v: np.zeros(_summed(v).shape))
    yield from _scaling(s, "bias_gradient", lambda s, v: _summed(v))
    if s.problem.learns:
        yield Rule("bias-gradient-forgotten", "bias_update", lambda s, v: np.zeros(v["bias_rate"].shape))
        yield Rule("bias-gradient-forgotten", "new_bias", lambda s, v: v["bias"], ("bias",), beside="bias_update")


def _summed(v: Values) -> Array:
    return np.asarray(v["bias_source"].sum(axis=(1, 3, 4)))


def _input(s: Setting) -> Iterator[Rule]:
    """∂L/∂x from other numbers, or of another size."""
    g, stage = s.geometry, "input_gradient"
    if g.kernel != (1, 1):
        yield Rule("input-gradient-unrotated", stage, lambda s, v: input_gradient(v["delta"], _turned(s, v), g))
    for shown in ("delta", "filter_gradient", "bias_gradient"):
        yield Rule(
            "input-gradient-from-error",
            stage,
            lambda s, v: input_gradient(v["output_gradient"], s.used(v["filter"]), g),
            ("output_gradient",),
            shown,
        )
    if s.problem.learns:
        yield Rule("input-gradient-new-filter", stage, _with_new_filter, ("new_filter",))
    size = g.output[0] - g.kernel[0] + 1, g.output[1] - g.kernel[1] + 1
    if min(size) > 0 and size != g.size:
        straight = Rule(
            "input-gradient-valid", stage, lambda s, v: _valid(v["delta"], s.used(v["filter"]), g), size=size
        )
        yield straight
        if g.kernel != (1, 1):
            yield straight._replace(compute=lambda s, v: _valid(v["delta"], _turned(s, v), g))
    for rows, columns in _without_remainder(g):
        cut = Rule("remainder-lost", stage, lambda s, v, r=rows, c=columns: _right(s, v)[..., :r, :c])  # type: ignore[misc]
        yield cut._replace(size=(rows, columns))
    if _has_gaps(g):
        size = g.output[0] + g.kernel[0] - 1, g.output[1] + g.kernel[1] - 1
        yield Rule("gradient-stride-ignored", stage, lambda s, v: _not_spread_back(s, v, whole=True), size=size)
        yield Rule("gradient-stride-ignored", stage, lambda s, v: _not_spread_back(s, v, whole=False))


def _has_gaps(g: Geometry) -> bool:
    """Whether something lies apart: the taps, or windows of which there is more than one."""
    moved = any(stride > 1 and out > 1 for stride, out in zip(g.stride, g.output, strict=True))
    return moved or g.dilation != (1, 1)


def _without_remainder(g: Geometry) -> Iterator[Pair]:
    """The sizes that come out where nobody thinks of the cells that no window reached.

    Those up to the last window; and the same with the padding cut off at both ends, as if there had been no remainder.
    """
    reached = [s * (o - 1) + r for s, o, r in zip(g.stride, g.output, g.reach, strict=True)]
    for cut in ([p[0] for p in g.padding], [sum(p) for p in g.padding]):
        rows, columns = (min(size, r - c) for size, r, c in zip(g.size, reached, cut, strict=True))
        if min(rows, columns) > 0 and (rows, columns) != g.size:
            yield rows, columns


def _right(s: Setting, v: Values) -> Array:
    return input_gradient(v["delta"], s.used(v["filter"]), s.geometry)


def _turned(s: Setting, v: Values) -> Array:
    return s.used(v["filter"])[..., ::-1, ::-1]


def _with_new_filter(s: Setting, v: Values) -> Array:
    """With the learner's own new filter, which may not be the right one."""
    return input_gradient(v["delta"], s.used(v["new_filter"]), s.geometry)


def _valid(delta: Array, w: Array, g: Geometry) -> Array:
    """δ correlated with the filter, without anything around it: rows×N×C×smaller."""
    rows, columns = g.output[0] - g.kernel[0] + 1, g.output[1] - g.kernel[1] + 1
    grouped = delta.reshape(len(delta), g.batch, g.groups, g.group_filters, *g.output)
    by_group = w.reshape(len(w), g.groups, g.group_filters, g.group_channels, *g.kernel)
    result = np.zeros((len(delta), g.batch, g.groups, g.group_channels, rows, columns))
    for p, q in np.ndindex(*g.kernel):
        met = grouped[..., p : p + rows, q : q + columns]
        result += np.einsum(
            "mngfij,mgfc->mngcij", met, np.broadcast_to(by_group[..., p, q], (len(delta), *by_group.shape[1:4]))
        )
    return result.reshape(len(delta), g.batch, g.channels, rows, columns)


def _not_spread_back(s: Setting, v: Values, *, whole: bool) -> Array:
    """Full correlation of δ as it is, its cells side by side, and the filter with its taps side by side."""
    g = s.geometry
    size = g.output[0] + g.kernel[0] - 1, g.output[1] + g.kernel[1] - 1
    near = g._replace(size=size, stride=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)))
    found = input_gradient(v["delta"], s.used(v["filter"]), near)
    if whole:
        return found
    placed = np.zeros((len(found), *g.input_shape))
    (top, _), (left, _) = g.padding
    part = found[..., top : top + g.size[0], left : left + g.size[1]]
    placed[..., : part.shape[-2], : part.shape[-1]] = part
    return placed
