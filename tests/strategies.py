"""Problems, drawn: small integers over the whole geometry, so that results can be compared exactly."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from convstep.geometry import Geometry, Pair

MOST_CELLS = 6
"""The largest number of rows or columns of a drawn input."""

ACTIVATIONS: tuple[Any, ...] = (
    "relu",
    "linear",
    {"leaky_relu": {"slope": 0.25}},
    {"elu": {"alpha": 0.5}},
    "sigmoid",
    "tanh",
    {"softplus": {"beta": 2}},
    "silu",
    "gelu",
    {"gelu": {"approximate": "tanh"}},
)
LOSSES: tuple[Any, ...] = (
    "half_squared_error",
    "squared_error",
    "mean_squared_error",
    "mean_absolute_error",
    {"huber": {"delta": 1.5}},
)
OPTIMIZERS: tuple[Any, ...] = (
    "sgd",
    {"sgd": {"momentum": 0.5, "nesterov": True, "weight_decay": 0.125}},
    {"sgd": {"momentum": 0.5, "dampening": 0.25}},
    "adam",
    {"adam": {"betas": [0.5, 0.75], "amsgrad": True}},
    {"rmsprop": {"momentum": 0.5, "centered": True}},
    {"adagrad": {"lr_decay": 0.5, "initial_accumulator_value": 0.25}},
)


@st.composite
def geometries(draw: st.DrawFn, most: int = MOST_CELLS) -> Geometry:
    """Sizes that fit: batches, channels, groups, uneven padding, strides, dilations, oblong filters."""
    groups = draw(st.integers(1, 2))
    size, kernel = draw(_pairs(1, most)), draw(_pairs(1, 3))
    stride, dilation = draw(_pairs(1, 3)), draw(_pairs(1, 2))
    rows, columns = (_sides(draw, size[i], dilation[i] * (kernel[i] - 1) + 1) for i in (0, 1))
    return Geometry(
        batch=draw(st.integers(1, 2)),
        channels=groups * draw(st.integers(1, 2)),
        size=size,
        filters=groups * draw(st.integers(1, 2)),
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=(rows, columns),
        groups=groups,
    )


def _pairs(least: int, most: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


def _sides(draw: st.DrawFn, size: int, reach: int) -> Pair:
    """Zeros before and after, at least as many as the filter needs to fit."""
    missing = max(reach - size, 0)
    before = draw(st.integers(0, missing + 1))
    return before, draw(st.integers(max(missing - before, 0), max(missing - before, 0) + 2))


def integers(shape: tuple[int, ...], largest: int = 4) -> st.SearchStrategy[Any]:
    """Nested lists of small integers."""
    numbers: st.SearchStrategy[Any] = st.integers(-largest, largest)
    for size in reversed(shape):
        numbers = st.lists(numbers, min_size=size, max_size=size)
    return numbers


def _paddings(geometry: Geometry) -> st.SearchStrategy[Any]:
    """The geometry's own padding, or a word with which the filter fits just as well."""
    words = ["same", "full"]
    if all(reach <= size for reach, size in zip(geometry.reach, geometry.size, strict=True)):
        words.append("valid")
    own = [list(sides) for sides in geometry.padding]
    return st.one_of(st.just(own), st.sampled_from(words))


@st.composite
def problem_documents(
    draw: st.DrawFn,
    activations: tuple[Any, ...] = ACTIVATIONS,
    losses: tuple[Any, ...] = LOSSES,
    optimizers: tuple[Any, ...] = OPTIMIZERS,
    goals: tuple[str | None, ...] = ("target", "output_gradient", None),
) -> dict[str, Any]:
    """The keys of a valid problem, with small integers as its numbers.

    Args:
        draw: Hypothesis's.
        activations, losses, optimizers: What to choose from, each as a problem file writes it.
        goals: Which key the problem has: `target`, `output_gradient` or neither.
    """
    from convstep.problem.checks import check

    geometry = draw(geometries())
    document = draw(_layers(geometry))
    document["activation"] = draw(st.sampled_from(activations))
    goal = draw(st.sampled_from(goals))
    if goal is None:
        return document
    document[goal] = draw(integers(check(document).output_shape))
    document["learning_rate"] = draw(st.sampled_from([0.5, 0.125, 0.1]))
    document["loss"] = draw(st.sampled_from(losses))
    document["optimizer"] = draw(st.sampled_from(optimizers))
    document["stop"] = {"iterations": draw(st.integers(1, 5))}
    return document


@st.composite
def _layers(draw: st.DrawFn, geometry: Geometry) -> dict[str, Any]:
    """Input, filter and bias with or without their leading axes of length 1, and how they are correlated."""
    document = {
        "input": draw(integers(_shortened(draw, geometry.input_shape))),
        "filter": draw(
            integers(_shortened(draw, geometry.filter_shape) if geometry.groups == 1 else geometry.filter_shape)
        ),
        "operation": draw(st.sampled_from(["cross-correlation", "convolution"])),
        "stride": list(geometry.stride),
        "dilation": list(geometry.dilation),
        "padding": draw(_paddings(geometry)),
        "groups": geometry.groups,
        "bias": draw(st.one_of(st.none(), st.integers(-3, 3), integers((geometry.filters,)))),
    }
    return {key: value for key, value in document.items() if value is not None}


def _shortened(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with some of its leading axes of length 1 left out; rows and columns stay."""
    while len(shape) > 2 and shape[0] == 1 and draw(st.booleans()):
        shape = shape[1:]
    return shape
