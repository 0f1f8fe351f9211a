"""The update as stages: from the gradient by way of the optimizer's state to the new parameter.

The formulas are those of `optimizers`, taken apart, so that a learner's own state can go on from where it stands.
A row may carry the gradient with the other sign; decay and the state before then take that sign as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.setting import Setting

Values = Mapping[str, Array]
Compute = Callable[[Setting, Values], Array]
Parts = tuple[str, tuple[str, ...], Compute]


def update_stages(setting: Setting) -> Iterator[Parts]:
    """The stages of the update: name, needs and how to compute it; the filter's states before the bias's."""
    kinds = ["filter", *(["bias"] if setting.problem.bias is not None else [])]
    for kind in kinds:
        yield f"decayed_{kind}_gradient", (f"{kind}_gradient", f"{kind}_sign", kind), _decayed(kind)
        yield from _states(setting, kind)
    for kind in kinds:
        yield f"{kind}_rate", (f"{kind}_direction",), lambda s, v, kind=kind: rate(s) * v[f"{kind}_direction"]  # type: ignore[misc]
        yield f"{kind}_step_sign", (f"{kind}_sign",), lambda s, v, kind=kind: np.ones(len(v[f"{kind}_sign"]))  # type: ignore[misc]
        yield f"{kind}_update", (f"{kind}_rate", f"{kind}_sign", f"{kind}_step_sign"), _downhill(kind)
    for kind in kinds:
        yield f"new_{kind}", (kind, f"{kind}_update", f"{kind}_step_sign"), _moved(kind)


def number(setting: Setting, name: str) -> float:
    """A parameter of the problem's optimizer."""
    return setting.problem.optimizer.number(name)


def goes_by_gradient(setting: Setting) -> bool:
    """Whether a step is the rate times the gradient, and nothing else: plain sgd."""
    is_sgd = setting.problem.optimizer.name == "sgd"
    return is_sgd and not (number(setting, "momentum") or number(setting, "weight_decay"))


def rate(setting: Setting) -> float:
    """η, as it is in this iteration."""
    assert setting.problem.learning_rate is not None
    decay = number(setting, "lr_decay") if setting.problem.optimizer.name == "adagrad" else 0.0
    return setting.problem.learning_rate / (1.0 + (setting.iteration - 1) * decay)


def signs(values: Values, kind: str) -> Array:
    """The sign of each row's gradient, to be multiplied with arrays of that kind."""
    sign = values[f"{kind}_sign"]
    return sign.reshape(-1, *[1] * (values[kind].ndim - 1))


def decayed(setting: Setting, values: Values, kind: str, factor: float = 1.0) -> Array:
    """The gradient, perhaps times a factor, with the weight decay added."""
    decay, gradient = number(setting, "weight_decay"), factor * values[f"{kind}_gradient"]
    return gradient + signs(values, kind) * (decay * values[kind]) if decay else gradient


def _decayed(kind: str) -> Compute:
    return lambda s, v: decayed(s, v, kind)


def _downhill(kind: str) -> Compute:
    return lambda s, v: -signs(v, kind) * v[f"{kind}_rate"]


def _moved(kind: str) -> Compute:
    def compute(s: Setting, v: Values) -> Array:
        sign = v[f"{kind}_step_sign"].reshape(-1, *[1] * (v[kind].ndim - 1))
        return v[kind] + sign * v[f"{kind}_update"]

    return compute


def _states(setting: Setting, kind: str) -> Iterator[Parts]:
    """The optimizer's state and the direction that the rate is multiplied with."""
    yield from _STATES[setting.problem.optimizer.name](setting, kind)


def before(setting: Setting, values: Values, name: str, kind: str) -> Array:
    """The momentum of the iteration before, in the sign of each row."""
    return signs(values, kind) * setting.before[name]


def _sgd(setting: Setting, kind: str) -> Iterator[Parts]:
    gradient, momentum, sign = f"decayed_{kind}_gradient", f"{kind}_momentum", f"{kind}_sign"
    if not number(setting, "momentum"):
        yield f"{kind}_direction", (gradient,), lambda s, v: v[gradient]
        return

    def velocity(s: Setting, v: Values) -> Array:
        if s.iteration == 1:
            return v[gradient]
        kept = number(s, "momentum") * before(s, v, momentum, kind)
        return kept + (1.0 - number(s, "dampening")) * v[gradient]

    yield momentum, (gradient, sign, kind), velocity
    yield f"{kind}_direction", (gradient, momentum, kind), lambda s, v: sgd_direction(s, v[gradient], v[momentum])


def sgd_direction(setting: Setting, gradient: Array, velocity: Array) -> Array:
    """What the rate is multiplied with, given the velocity."""
    if setting.problem.optimizer.parameters["nesterov"]:
        return gradient + number(setting, "momentum") * velocity
    return velocity


def _adam(setting: Setting, kind: str) -> Iterator[Parts]:
    gradient, momentum, square = f"decayed_{kind}_gradient", f"{kind}_momentum", f"{kind}_square_average"
    largest, sign = f"{kind}_largest_square_average", f"{kind}_sign"
    beta1, beta2 = betas(setting)

    def mean(s: Setting, v: Values) -> Array:
        kept = before(s, v, momentum, kind)
        return kept + (1.0 - beta1) * (v[gradient] - kept)

    def mean_square(s: Setting, v: Values) -> Array:
        return beta2 * s.before[square] + (1.0 - beta2) * v[gradient] * v[gradient]

    yield momentum, (gradient, sign, kind), mean
    yield square, (gradient,), mean_square
    used = square
    if setting.problem.optimizer.parameters["amsgrad"]:
        used = largest
        yield largest, (square,), lambda s, v: np.maximum(s.before[largest], v[square])
    yield (
        f"{kind}_direction",
        (momentum, used, gradient, kind),
        lambda s, v: adam_direction(s, v[momentum], v[used], s.iteration, s.iteration),
    )


def betas(setting: Setting) -> tuple[float, float]:
    """β₁ and β₂ of adam."""
    found = setting.problem.optimizer.parameters["betas"]
    assert isinstance(found, tuple)
    return found


@np.errstate(all="ignore")
def adam_direction(
    setting: Setting, mean: Array, square: Array, mean_power: int, square_power: int, *, inside: bool = False
) -> Array:
    """m̂ / (√v̂ + ε); a power of 0 leaves that correction out, and `inside` has ε inside the root."""
    beta1, beta2 = betas(setting)
    eps = number(setting, "eps")
    corrected = mean / (1.0 - beta1**mean_power) if mean_power else mean
    scale = 1.0 - beta2**square_power if square_power else 1.0
    if inside:
        return np.asarray(corrected / np.sqrt(square / scale + eps))
    return np.asarray(corrected / (np.sqrt(square) / math.sqrt(scale) + eps))


def _rmsprop(setting: Setting, kind: str) -> Iterator[Parts]:
    gradient, square = f"decayed_{kind}_gradient", f"{kind}_square_average"
    average, momentum, sign = f"{kind}_gradient_average", f"{kind}_momentum", f"{kind}_sign"
    alpha = number(setting, "alpha")

    def mean_square(s: Setting, v: Values) -> Array:
        return alpha * s.before[square] + (1.0 - alpha) * v[gradient] * v[gradient]

    def mean(s: Setting, v: Values) -> Array:
        kept = before(s, v, average, kind)
        return kept + (1.0 - alpha) * (v[gradient] - kept)

    yield square, (gradient,), mean_square
    needs: tuple[str, ...] = (gradient, square)
    if setting.problem.optimizer.parameters["centered"]:
        yield average, (gradient, sign, kind), mean
        needs = (*needs, average)
    if not number(setting, "momentum"):
        yield f"{kind}_direction", needs, lambda s, v: scaled_by_spread(s, v, kind)
        return
    yield (
        momentum,
        (*needs, sign, kind),
        lambda s, v: number(s, "momentum") * before(s, v, momentum, kind) + scaled_by_spread(s, v, kind),
    )
    yield f"{kind}_direction", (momentum, *needs, kind), lambda s, v: v[momentum]


@np.errstate(all="ignore")
def scaled_by_spread(setting: Setting, values: Values, kind: str, *, inside: bool = False) -> Array:
    """g / (√v + ε) of rmsprop and adagrad; `inside` has ε inside the root."""
    square, eps = values[f"{kind}_square_average"], number(setting, "eps")
    average = values.get(f"{kind}_gradient_average")
    spread = square if average is None else square - average * average
    gradient = values[f"decayed_{kind}_gradient"]
    return np.asarray(gradient / (np.sqrt(spread + eps) if inside else np.sqrt(spread) + eps))


def _adagrad(setting: Setting, kind: str) -> Iterator[Parts]:
    gradient, square = f"decayed_{kind}_gradient", f"{kind}_square_average"
    yield square, (gradient,), lambda s, v: s.before[square] + v[gradient] * v[gradient]
    yield f"{kind}_direction", (gradient, square), lambda s, v: scaled_by_spread(s, v, kind)


_STATES: Mapping[str, Callable[[Setting, str], Iterator[Parts]]] = {
    "sgd": _sgd,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}
