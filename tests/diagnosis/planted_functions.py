"""Activations, losses and optimizers once more, as plainly as a person who grades homework would write them.

Nothing here comes from convstep: what these say is compared with it. The formulas are those of PyTorch's
documentation. An optimizer takes the mistakes that can be made in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Numbers = dict[str, Array]

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "softplus": {"beta": 1.0},
    "gelu": {"approximate": "none"},
    "huber": {"delta": 1.0},
    "sgd": {"momentum": 0.0, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0},
    "adam": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0},
    "adagrad": {"lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
}

SQUARED = ("half_squared_error", "squared_error", "mean_squared_error")
MEANS = ("mean_squared_error", "mean_absolute_error", "huber")


class Choice(NamedTuple):
    """A name of a problem file with its parameters, the defaults filled in."""

    name: str
    given: Mapping[str, Any]


def choice(value: Any, default: str) -> Choice:
    """`relu`, or `{leaky_relu: {slope: 0.1}}`, as the problem file has it."""
    name, given = (value or default), {}
    if isinstance(name, Mapping):
        ((name, given),) = name.items()
    return Choice(name, {**PARAMETERS.get(name, {}), **given})


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-np.maximum(z, -700.0)))


def softplus(beta: float, z: Array) -> Array:
    """ln(1 + e^(beta·z)) / beta, and z where beta·z is above 20, as PyTorch has it."""
    return np.where(beta * z > 20, z, np.log1p(np.exp(np.minimum(beta * z, 20))) / beta)


def normal_share(z: Array) -> Array:
    return 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(z / math.sqrt(2)))


ROOT = math.sqrt(2 / math.pi)


def activate(f: Choice, z: Array) -> Array:
    """a = f(z)."""
    if f.name == "gelu" and f.given["approximate"] == "tanh":
        return 0.5 * z * (1 + np.tanh(ROOT * (z + 0.044715 * z**3)))
    return {
        "linear": lambda: z.copy(),
        "relu": lambda: np.where(z > 0, z, 0.0),
        "leaky_relu": lambda: np.where(z > 0, z, f.given["slope"] * z),
        "elu": lambda: np.where(z > 0, z, f.given["alpha"] * (np.exp(np.minimum(z, 0)) - 1)),
        "sigmoid": lambda: sigmoid(z),
        "tanh": lambda: np.tanh(z),
        "softplus": lambda: softplus(f.given["beta"], z),
        "silu": lambda: z * sigmoid(z),
        "gelu": lambda: z * normal_share(z),
    }[f.name]()


def slope(f: Choice, z: Array, at_zero: float | None) -> Array:
    """f′(z); `at_zero` is the derivative that relu and leaky_relu take at exactly 0, ``None`` for the usual one."""
    if f.name in ("relu", "leaky_relu"):
        below = f.given.get("slope", 0.0)
        here = below if at_zero is None else at_zero
        return np.where(z > 0, 1.0, np.where(z < 0, below, here))
    if f.name == "gelu" and f.given["approximate"] == "tanh":
        inner = np.tanh(ROOT * (z + 0.044715 * z**3))
        return 0.5 * (1 + inner) + 0.5 * z * (1 - inner**2) * ROOT * (1 + 3 * 0.044715 * z**2)
    return {
        "linear": lambda: np.ones_like(z),
        "elu": lambda: np.where(z > 0, 1.0, f.given["alpha"] * np.exp(np.minimum(z, 0))),
        "sigmoid": lambda: sigmoid(z) * (1 - sigmoid(z)),
        "tanh": lambda: 1 - np.tanh(z) ** 2,
        "softplus": lambda: np.where(f.given["beta"] * z > 20, 1.0, sigmoid(f.given["beta"] * z)),
        "silu": lambda: sigmoid(z) + z * sigmoid(z) * (1 - sigmoid(z)),
        "gelu": lambda: normal_share(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    }[f.name]()


def loss_value(loss: Choice, e: Array) -> float:
    """L, from the error."""
    if loss.name == "huber":
        delta, size = loss.given["delta"], np.abs(e)
        return float(np.mean(np.where(size <= delta, e**2 / 2, delta * (size - delta / 2))))
    return {
        "half_squared_error": lambda: float(np.sum(e**2)) / 2,
        "squared_error": lambda: float(np.sum(e**2)),
        "mean_squared_error": lambda: float(np.mean(e**2)),
        "mean_absolute_error": lambda: float(np.mean(np.abs(e))),
    }[loss.name]()


def loss_gradient(loss: Choice, e: Array) -> Array:
    """∂L/∂a, from the error."""
    if loss.name == "huber":
        return np.clip(e, -loss.given["delta"], loss.given["delta"]) / e.size
    return {
        "half_squared_error": lambda: e.copy(),
        "squared_error": lambda: 2 * e,
        "mean_squared_error": lambda: 2 * e / e.size,
        "mean_absolute_error": lambda: np.sign(e) / e.size,
    }[loss.name]()


Reading = Callable[[str], str | None]
"""Which reading of a mistake was made, by its id; ``None`` where it was not made."""

RATES: Mapping[str, Callable[[float], float]] = {
    "rate-forgotten": lambda rate: 1.0,
    "rate-twice": lambda rate: rate**2,
    "rate-divides": lambda rate: 1 / rate,
}


def first_state(optimizer: Choice, w: Array) -> Numbers:
    """The optimizer's state before iteration 1."""
    state = {}
    if optimizer.name == "adam" or optimizer.given.get("momentum"):
        state["momentum"] = np.zeros_like(w)
    if optimizer.name != "sgd":
        state["square_average"] = np.full_like(w, optimizer.given.get("initial_accumulator_value", 0.0))
    return state


def optimize(
    optimizer: Choice, rate: float, k: int, w: Array, g: Array, before: Numbers, made: Reading
) -> tuple[Array, Numbers]:
    """Δw of iteration k, and the state after it."""
    for id_, wrong in RATES.items():
        if made(id_):
            rate = wrong(rate)
    if made("ascent") == "flipped":
        g = -g
    if not made("decay-forgotten"):
        g = g + optimizer.given["weight_decay"] * w
    step, state = {"sgd": _sgd, "adam": _adam, "rmsprop": _rmsprop, "adagrad": _adagrad}[optimizer.name](
        optimizer.given, k, g, before, made
    )
    update = -rate * step
    return (-update if made("ascent") == "added" else update), state


def _sgd(given: Mapping[str, Any], k: int, g: Array, before: Numbers, made: Reading) -> tuple[Array, Numbers]:
    if not given["momentum"]:
        return g, {}
    v = g if k == 1 else given["momentum"] * before["momentum"] + (1 - given["dampening"]) * g
    used = before["momentum"] if made("momentum-stale") else v
    step = g + given["momentum"] * used if given["nesterov"] else used
    return (g, {}) if made("momentum-forgotten") else (step, {"momentum": v})


def _adam(given: Mapping[str, Any], k: int, g: Array, before: Numbers, made: Reading) -> tuple[Array, Numbers]:
    first, second = given["betas"]
    m = first * before["momentum"] + (1 - first) * g
    v = second * before["square_average"] + (1 - second) * g**2
    power = 1 if made("adam-power") else k
    corrected_m, corrected_v = m / (1 - first**power), v / (1 - second**power)
    uncorrected = made("adam-bias-correction")
    if uncorrected in ("both", "first"):
        corrected_m = m
    if uncorrected in ("both", "second"):
        corrected_v = v
    inside = made("adam-epsilon")
    if inside == "corrected":
        root = np.sqrt(corrected_v + given["eps"])
    elif inside == "before-correction":
        root = np.sqrt((v + given["eps"]) / (1 - second**power))
    else:
        root = np.sqrt(corrected_v) + given["eps"]
    return corrected_m / root, {"momentum": m, "square_average": v}


def _rmsprop(given: Mapping[str, Any], k: int, g: Array, before: Numbers, made: Reading) -> tuple[Array, Numbers]:
    square = given["alpha"] * before["square_average"] + (1 - given["alpha"]) * g**2
    step = g / (np.sqrt(square) + given["eps"])
    if not given["momentum"]:
        return step, {"square_average": square}
    if made("momentum-forgotten"):
        return step, {"square_average": square}
    velocity = given["momentum"] * before["momentum"] + step
    used = before["momentum"] if made("momentum-stale") else velocity
    return used, {"momentum": velocity, "square_average": square}


def _adagrad(given: Mapping[str, Any], k: int, g: Array, before: Numbers, made: Reading) -> tuple[Array, Numbers]:
    total = before["square_average"] + g**2
    step = g / (np.sqrt(total) + given["eps"]) / (1 + (k - 1) * given["lr_decay"])
    return step, {"square_average": total}
