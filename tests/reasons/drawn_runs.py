"""Runs, drawn: problems that learn for a while and end in all the ways there are; the same ones every time."""

from __future__ import annotations

from typing import Any

import numpy as np

ACTIVATIONS: tuple[Any, ...] = (
    *("relu", "relu", "relu", "linear", {"leaky_relu": {"slope": 0.1}}, "sigmoid", "tanh", "softplus", "silu"),
    {"leaky_relu": {"slope": 0}},
)
OPTIMIZERS: tuple[Any, ...] = (
    *("sgd", "sgd", "sgd", {"sgd": {"momentum": 0.9}}, {"sgd": {"weight_decay": 0.05}}),
    *("adam", "rmsprop"),
)
LOSSES: tuple[Any, ...] = (
    *("half_squared_error", "half_squared_error", "squared_error", "mean_squared_error"),
    *("mean_absolute_error", {"huber": {"delta": 0.5}}),
)


def drawn_run(seed: int, **changed: Any) -> dict[str, Any]:
    """The keys of a problem; `changed` overrides what is drawn, ``None`` takes a key away."""
    random = np.random.default_rng(seed)
    size, kernel = random.integers(3, 6, 2), random.integers(1, 4, 2)
    kernel = np.minimum(kernel, size)
    channels, filters, batch = (int(random.choice([1, 1, 2])) for _ in range(3))
    deep = channels * filters * batch > 1
    input_shape = (batch, channels, *size) if deep else tuple(size)
    filter_shape = (filters, channels, *kernel) if deep else tuple(kernel)
    padding, stride = int(random.choice([0, 0, 1])), int(random.choice([1, 1, 2]))
    rows, columns = ((size + 2 * padding - kernel) // stride + 1).tolist()
    target_shape = (batch, filters, rows, columns) if deep else (rows, columns)
    lowest = int(random.choice([-2, 0, 0]))
    document: dict[str, Any] = {
        "input": random.integers(-2, 3, input_shape).tolist(),
        "filter": random.integers(-2, 3, filter_shape).tolist(),
        "target": random.integers(lowest, 3, target_shape).tolist(),
        "bias": None if random.random() < 0.7 else int(random.integers(-1, 2)),
        "activation": ACTIVATIONS[random.integers(len(ACTIVATIONS))],
        "operation": str(random.choice(["cross-correlation", "convolution"])),
        "padding": padding,
        "stride": stride,
        "loss": LOSSES[random.integers(len(LOSSES))],
        "optimizer": OPTIMIZERS[random.integers(len(OPTIMIZERS))],
        "learning_rate": float(random.choice([0.01, 0.05, 0.1, 0.3, 1.0])),
        "stop": {"iterations": int(random.choice([120, 300]))},
    }
    if random.random() < 0.3:  # a target that a filter made, so that there is a solution
        document["target_through_activation"] = bool(random.random() < 0.3)
    return {key: value for key, value in (document | changed).items() if value is not None}
