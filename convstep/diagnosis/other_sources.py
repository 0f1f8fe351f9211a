"""Gradients of the filter made from other numbers than the input and δ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.arrays import Array
from convstep.correlation import pad
from convstep.diagnosis.calculation import Compute, Values
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.geometry import Geometry, Pair


def source_rules(s: Setting) -> Iterator[Rule]:
    """The output, z or the filter in the place of the input; one number in the place of all."""
    g = s.geometry
    for id_, name, size in (
        ("gradient-from-output", "output", g.output),
        ("gradient-from-output", "pre_activation", g.output),
        ("gradient-from-filter", "filter", g.kernel),
    ):
        for compute, result in _ways(g, name, size):
            yield from as_it_comes_and_turned(s, Rule(id_, "summed_gradient", compute, (name,), size=result))
    if g.taps > 1:
        yield from _same_everywhere(s)


def as_it_comes_and_turned(s: Setting, rule: Rule) -> Iterator[Rule]:
    """Under a true convolution the sum is turned back afterwards; where it is not the gradient at all, who knows."""
    yield rule
    if s.rotated:
        yield rule._replace(compute=lambda s, v: rule.compute(s, v)[..., ::-1, ::-1])


def _ways(g: Geometry, name: str, size: Pair) -> Iterator[tuple[Compute, Pair]]:
    """How numbers of that size can be brought together with δ, and the size of what comes out."""
    if size == g.size:
        yield lambda s, v: _as_input(s, v, name), g.kernel
    if g.output == g.kernel and g.output != (1, 1):
        yield lambda s, v: (_source(s, v, name) * _spread(s, v)).sum(axis=1), g.kernel
    valid = size[0] - g.output[0] + 1, size[1] - g.output[1] + 1
    if min(valid) > 0 and not (size == g.size and valid == g.kernel):
        yield lambda s, v: _slid(s, v, name, (0, 0)), valid
    over = g.output[0] - size[0] + 1, g.output[1] - size[1] + 1
    if min(over) > 0 and over != valid:
        yield lambda s, v: _slid_over(s, v, name, size), over
    around = g.output[0] - 1, g.output[1] - 1
    if around != (0, 0):
        yield lambda s, v: _slid(s, v, name, around), (size[0] + around[0], size[1] + around[1])


def _source(s: Setting, v: Values, name: str) -> Array:
    """The numbers in the input's place, for each filter and channel: rows×N or 1×F×C/groups×rows×columns."""
    g, numbers = s.geometry, v[name]
    if name == "filter":
        return numbers[:, None]
    if g.groups == 1 and g.filters == g.channels:
        return np.repeat(numbers[:, :, None], g.filters, axis=2)
    return np.repeat(numbers[:, :, :, None], g.group_channels, axis=3)


def _spread(s: Setting, v: Values) -> Array:
    """δ for each filter, the same for each of its channels."""
    return v["placed_source"][:, :, :, None]


def _as_input(s: Setting, v: Values, name: str) -> Array:
    """Σ δ·source over the windows of the problem itself."""
    g = s.geometry
    source = _source(s, v, name)
    padded = pad(source.reshape(-1, 1, *g.size), g).reshape(*source.shape[:-2], *g.padded)
    taps = [(padded[(..., *g.slices(p, q))] * _spread(s, v)).sum(axis=(1, -2, -1)) for p, q in np.ndindex(*g.kernel)]
    return np.stack(taps, axis=-1).reshape(*taps[0].shape, *g.kernel)


def _slid(s: Setting, v: Values, name: str, around: Pair) -> Array:
    """δ slid over the numbers, with so many zeros around them."""
    g, source = s.geometry, _source(s, v, name)
    rows, columns = around
    padded = np.pad(source, [*[(0, 0)] * (source.ndim - 2), (rows, rows), (columns, columns)])
    size = padded.shape[-2] - g.output[0] + 1, padded.shape[-1] - g.output[1] + 1
    delta = _spread(s, v)
    taps = [
        (padded[..., p : p + g.output[0], q : q + g.output[1]] * delta).sum(axis=(1, -2, -1))
        for p, q in np.ndindex(*size)
    ]
    return np.stack(taps, axis=-1).reshape(*taps[0].shape, *size)


def _slid_over(s: Setting, v: Values, name: str, kernel: Pair) -> Array:
    """Numbers smaller than δ, slid over δ."""
    source, delta = _source(s, v, name), _spread(s, v)
    size = delta.shape[-2] - kernel[0] + 1, delta.shape[-1] - kernel[1] + 1
    taps = [
        (delta[..., p : p + kernel[0], q : q + kernel[1]] * source).sum(axis=(1, -2, -1)) for p, q in np.ndindex(*size)
    ]
    return np.stack(taps, axis=-1).reshape(*taps[0].shape, *size)


def _same_everywhere(s: Setting) -> Iterator[Rule]:
    """One number for every tap: a sum or a mean of δ, of the error or of the gradient itself, or the loss."""
    over_filter, everything = (1, 3, 4), (1, 2, 3, 4)
    single = s.geometry.filters == 1

    def rule(compute: Compute, *needs: str) -> Rule:
        return Rule("gradient-same-everywhere", "summed_gradient", _for_every_tap(compute), needs)

    sources = ["placed_source", *(["error"] if s.problem.target is not None else ["output_gradient"])]
    for name in sources:
        for axes in (over_filter, *([] if single else [everything])):
            yield rule(lambda s, v, name=name, axes=axes: v[name].sum(axis=axes), name)  # type: ignore[misc]
            if s.geometry.positions > 1:
                yield rule(lambda s, v, name=name, axes=axes: v[name].mean(axis=axes), name)  # type: ignore[misc]
    for axes in ((2, 3, 4), *([] if single else [everything])):
        yield rule(lambda s, v, axes=axes: _gradient(s, v).sum(axis=axes))  # type: ignore[misc]
        yield rule(lambda s, v, axes=axes: _gradient(s, v).mean(axis=axes))  # type: ignore[misc]
    if s.problem.target is not None:
        yield rule(lambda s, v: s.losses(v["error"]).reshape(-1, 1, 1, 1, 1), "error")


def _gradient(s: Setting, v: Values) -> Array:
    return s.sums.filter_gradient(v["placed_source"], s.geometry)


def _for_every_tap(compute: Compute) -> Compute:
    def spread(s: Setting, v: Values) -> Array:
        one = compute(s, v)
        one = one.reshape(len(one), -1, 1, 1, 1)
        return np.broadcast_to(one, (len(one), *s.geometry.filter_shape)).copy()

    return spread
