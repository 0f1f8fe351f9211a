"""Strategies for tests below the reader: geometries, arrays in awkward memory layouts, and whole problems."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from convstep.choices import Choice
from convstep.geometry import Geometry
from convstep.problem.model import Problem, Stop

INTEGERS, FLOATS = "integers", "floats"


def numbers(seed: int, shape: tuple[int, ...], kind: str = FLOATS) -> np.ndarray:
    """Random numbers in float64: small whole ones, where sums are exact, or any."""
    random = np.random.default_rng(seed)
    if kind == INTEGERS:
        return random.integers(-5, 6, size=shape).astype(np.float64)
    return random.normal(size=shape)


def permuted(x: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers at other places of the memory."""
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "backwards":
        return x[..., ::-1, ::-1].copy()[..., ::-1, ::-1]
    if layout == "spread":
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), 1e9)
        wide[..., ::2] = x
        return wide[..., ::2]
    return x


LAYOUTS = st.sampled_from(["plain", "fortran", "backwards", "spread"])
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def geometries(draw: st.DrawFn, batches: int = 3, channels: int = 3, filters: int = 3, groups: int = 3) -> Geometry:
    """Any geometry that fits, few cells each: stride, dilation and padding, unlike down and across."""
    groups = draw(st.integers(1, groups))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(st.tuples(sides, sides))
    least = [max(1, d * (k - 1) + 1 - sum(p)) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = draw(st.tuples(*(st.integers(smallest, smallest + 4) for smallest in least)))
    return Geometry(
        batch=draw(st.integers(1, batches)),
        channels=groups * draw(st.integers(1, channels)),
        size=size,
        filters=groups * draw(st.integers(1, filters)),
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        groups=groups,
    )


SLOPES = st.floats(-1.5, 1.5).map(lambda value: round(value, 3))
POSITIVE = st.floats(0.1, 3.0).map(lambda value: round(value, 3))

ACTIVATION_CHOICES = st.one_of(
    st.sampled_from([Choice(name) for name in ("relu", "linear", "sigmoid", "tanh", "silu")]),
    SLOPES.map(lambda slope: Choice("leaky_relu", {"slope": slope})),
    SLOPES.map(lambda alpha: Choice("elu", {"alpha": alpha})),
    POSITIVE.map(lambda beta: Choice("softplus", {"beta": beta})),
    st.sampled_from(["none", "tanh"]).map(lambda word: Choice("gelu", {"approximate": word})),
)
LOSS_CHOICES = st.one_of(
    st.sampled_from(
        [
            Choice(name)
            for name in ("half_squared_error", "squared_error", "mean_squared_error", "mean_absolute_error", "huber")
        ]
    ),
    POSITIVE.map(lambda delta: Choice("huber", {"delta": delta})),
)


@st.composite
def problems(draw: st.DrawFn, kind: str = FLOATS, **given: Any) -> Problem:
    """Any problem that learns for three iterations; `given` overrides what is drawn."""
    depth = draw(st.integers(2, 4))
    deep_filter = draw(st.booleans())
    geometry = draw(
        geometries(
            batches=3 if depth == 4 else 1,
            channels=2 if depth > 2 else 1,
            filters=2 if deep_filter else 1,
            groups=2 if depth > 2 and deep_filter else 1,
        )
    )
    seed = draw(SEEDS)
    filter_shape = geometry.filter_shape if deep_filter else geometry.filter_shape[1:]
    if not deep_filter and geometry.channels == 1 and draw(st.booleans()):
        filter_shape = filter_shape[1:]
    bias = numbers(seed + 1, (geometry.filters,) if deep_filter else (), kind) if draw(st.booleans()) else None
    activation = draw(ACTIVATION_CHOICES)
    kinked = activation.name in ("relu", "leaky_relu")
    facts: dict[str, Any] = {
        "input": permuted(numbers(seed + 2, geometry.input_shape[4 - depth :], kind), draw(LAYOUTS)),
        "filter": numbers(seed + 3, filter_shape, kind),
        "bias": bias,
        "activation": activation,
        "slope_at_zero": draw(st.sampled_from([None, 0.0, 0.25, 1.0])) if kinked else None,
        "target_through_activation": draw(st.booleans()),
        "operation": draw(st.sampled_from(["cross-correlation", "convolution"])),
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": geometry.padding,
        "groups": geometry.groups,
        "loss": draw(LOSS_CHOICES),
        "learning_rate": 0.01,
        "stop": Stop(iterations=3, loss=-1.0, gradient=-1.0),
    }
    facts |= given
    if "output_gradient" not in facts:
        facts["target"] = numbers(seed + 4, Problem(**facts).output_shape, kind)
    return Problem(**facts)


def question(**changed: Any) -> Problem:
    """The problem of ``samples/question.yaml``."""
    facts: dict[str, Any] = {
        "input": np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 1.0]]),
        "filter": np.array([[1.0, -1.0], [1.0, 1.0]]),
        "target": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "learning_rate": 0.5,
    }
    return Problem(**(facts | changed))
