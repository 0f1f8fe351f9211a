"""Mistakes on the way to the output and to the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Compute, Values, bias_beside, sums_with, target_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.geometry import Geometry, Pair


def forward_rules(s: Setting) -> Iterator[Rule]:
    """The mistakes of the forward pass that can be made in this problem."""
    g = s.geometry
    if s.iteration > 1:
        yield Rule("update-from-start", "filter", lambda s, v: s.first["filter"])
    if g.kernel != (1, 1):
        yield Rule("filter-rotated", "used_filter", lambda s, v: s.used(v["filter"])[..., ::-1, ::-1])
        if _fits(g._replace(kernel=(g.kernel[1], g.kernel[0]))):
            yield Rule("filter-transposed", "used_filter", lambda s, v: s.used(v["filter"]).swapaxes(-1, -2))
    if g.group_channels > 1:
        yield Rule("channels-not-summed", "window_sums", _first_channel)
        yield Rule("channels-not-summed", "window_sums", _channels_apart)
    for name, geometry in _other_geometries(g):
        yield Rule(name, "window_sums", _sums_with(geometry), size=geometry.output)
    if s.problem.bias is not None:
        yield Rule("bias-forgotten", "pre_activation", lambda s, v: v["window_sums"])
        if g.taps > 1:
            yield Rule("bias-repeated", "pre_activation", _bias_at_every_tap)
    if s.problem.activation.name != "linear":
        yield Rule("activation-forgotten", "output", lambda s, v: v["pre_activation"])


def _sums_with(geometry: Geometry) -> Compute:
    return lambda s, v: sums_with(s, v, geometry)


def _other_geometries(g: Geometry) -> Iterator[tuple[str, Geometry]]:
    """The geometries that people take in the place of this one, each with the mistake that it is."""
    seen = {g}
    for name, other in _geometry_mistakes(g):
        if other not in seen and _fits(other):
            seen.add(other)
            yield name, other


def _fits(g: Geometry) -> bool:
    """Whether the filter is not larger than the padded input."""
    return all(reach <= size for reach, size in zip(g.reach, g.padded, strict=True))


def _geometry_mistakes(g: Geometry) -> Iterator[tuple[str, Geometry]]:
    none = g._replace(padding=((0, 0), (0, 0)))
    rows, columns = g.reach[0] - 1, g.reach[1] - 1
    yield "stride-ignored", g._replace(stride=(1, 1))
    yield "dilation-ignored", g._replace(dilation=(1, 1))
    near = g._replace(dilation=(1, 1))
    if g.output == _size_of_same(g):
        yield "dilation-ignored", same_size(near)
    yield "padding-wrong", none
    yield "padding-wrong", same_size(g)
    yield "padding-wrong", g._replace(padding=((rows, rows), (columns, columns)))


def _size_of_same(g: Geometry) -> Pair:
    return math.ceil(g.size[0] / g.stride[0]), math.ceil(g.size[1] / g.stride[1])


def same_size(g: Geometry) -> Geometry:
    """The geometry with the padding that makes the output ⌈size/stride⌉, the odd cell at bottom and right."""
    totals = [
        max((out - 1) * s + r - size, 0)
        for out, s, r, size in zip(_size_of_same(g), g.stride, g.reach, g.size, strict=True)
    ]
    rows, columns = ((total // 2, total - total // 2) for total in totals)
    return g._replace(padding=(rows, columns))


def _first_channel(s: Setting, v: Values) -> Array:
    """z of the first channel of each group alone."""
    w = np.zeros(v["used_filter"].shape)
    w[:, :, 0] = v["used_filter"][:, :, 0]
    return s.sums.correlate(w, s.geometry)


def _channels_apart(s: Setting, v: Values) -> Array:
    """z of each channel by itself, filter by filter: rows×N×F·C/groups×rows×columns."""
    g, w = s.geometry, v["used_filter"]
    alone = np.zeros((g.group_channels, *w.shape))
    for channel in range(g.group_channels):
        alone[channel, :, :, channel] = w[:, :, channel]
    apart = np.stack([s.sums.correlate(each, g) for each in alone], axis=3)
    return apart.reshape(len(w), g.batch, -1, *g.output)


def _bias_at_every_tap(s: Setting, v: Values) -> Array:
    return v["window_sums"] + s.geometry.taps * bias_beside(v)


def loss_rules(s: Setting) -> Iterator[Rule]:
    """The mistakes between the output and ∂L/∂a that can be made in this problem."""
    problem = s.problem
    if problem.target is None:
        return
    if problem.activation.name != "linear":
        yield Rule("error-before-activation", "compared_output", _before_activation, ("pre_activation",))
        if problem.target_through_activation:
            yield Rule("target-not-activated", "activated_target", lambda s, v: target_of(s, v))
            yield Rule(
                "target-not-activated", "compared_target", lambda s, v: target_of(s, v), beside="activated_target"
            )
        else:
            yield Rule("target-activated", "compared_target", lambda s, v: s.value(target_of(s, v)))
    for turns in (False, True):
        yield Rule("error-squared", "error", lambda s, v: _error(v) ** 2, turns=turns, unsigned=True)
        yield Rule("error-absolute", "error", lambda s, v: np.abs(_error(v)), turns=turns, unsigned=True)
    for name, even in (("error-squared", np.square), ("error-absolute", np.abs)):
        # Where e or the loss was written, e itself was right. Of a loss one cannot see which sign e had.
        for beside, turns in (("error", False), ("loss", False), ("loss", True)):
            yield Rule(
                name,
                "output_gradient",
                lambda s, v, even=even: s.loss_gradient(even(v["error"])),  # type: ignore[misc]
                beside=beside,
                without=("error",) if beside == "loss" else (),
                turns=turns,
                unsigned=True,
            )
    for name, factor in _factors(s):
        yield Rule(name, "loss", lambda s, v, factor=factor: factor * s.losses(v["error"]))  # type: ignore[misc]
        yield Rule(name, "output_gradient", lambda s, v, factor=factor: factor * s.loss_gradient(v["error"]))  # type: ignore[misc]


def _before_activation(s: Setting, v: Values) -> Array:
    return v["pre_activation"]


def _error(v: Values) -> Array:
    return v["compared_output"] - v["compared_target"]


def _factors(s: Setting) -> Iterator[tuple[str, float]]:
    """By what ∂L/∂a and L are off where sums, means and factors were taken for each other."""
    name, n = s.problem.loss.name, float(s.outputs)
    if "squared" in name:
        yield "factor-two", 2.0 if name == "half_squared_error" else 0.5
    if n == 1:
        return
    if s.loss.is_mean:
        yield "sum-for-mean", n
        yield "mean-twice", 1.0 / n
    else:
        yield "mean-for-sum", 1.0 / n
    # One squared error for another, of two outputs ½Σe² is the mean.
    if name == "half_squared_error" and n != 2.0:
        yield "mean-for-sum", 2.0 / n
    if name == "mean_squared_error" and n != 2.0:
        yield "sum-for-mean", n / 2.0
