"""Problems in which a mistake can be made: drawn over everything a problem file may say, with what a mistake needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from planted_functions import MEANS, SQUARED
from planted_layer import Layer, starts

KINKED = ("relu", "leaky_relu")
ACTIVATIONS: tuple[Any, ...] = (
    *("relu", "relu", "relu", "linear", "leaky_relu", {"leaky_relu": {"slope": 0.1}}, "elu", {"elu": {"alpha": 0.5}}),
    *("sigmoid", "sigmoid", "tanh", "tanh", "softplus", {"softplus": {"beta": 2.0}}, "silu", "gelu"),
    {"gelu": {"approximate": "tanh"}},
)
LOSSES: tuple[Any, ...] = (
    *("half_squared_error", "half_squared_error", "squared_error", "mean_squared_error", "mean_absolute_error"),
    *("huber", {"huber": {"delta": 0.5}}),
)
ADAM: tuple[Any, ...] = ("adam", {"adam": {"betas": [0.8, 0.9], "eps": 0.1}}, {"adam": {"weight_decay": 0.1}})
MOMENTUM: tuple[Any, ...] = (
    {"sgd": {"momentum": 0.9}},
    {"sgd": {"momentum": 0.5, "nesterov": True}},
    {"sgd": {"momentum": 0.9, "dampening": 0.5}},
    {"rmsprop": {"alpha": 0.9, "momentum": 0.9}},
)
DECAY: tuple[Any, ...] = (
    {"sgd": {"weight_decay": 0.1}},
    {"sgd": {"weight_decay": 0.5, "momentum": 0.9}},
    {"adam": {"weight_decay": 0.5}},
)
OPTIMIZERS: tuple[Any, ...] = (*("sgd",) * 9, *MOMENTUM, *ADAM, *DECAY[:2], "rmsprop", "adagrad")
RATES = (0.05, 0.1, 0.1, 0.2, 0.25, 0.3, 0.5, 0.01, 2.0)
SMOOTH = tuple(f for f in ACTIVATIONS if f not in ("relu", "linear") and "leaky_relu" not in f)
SATURATING = ("sigmoid", "tanh")
ONE = {"channels": (1,), "filters": (1,), "groups": (1,)}
PLAIN = {"stride": (1,), "dilation": (1,)}
LATER = {"iteration": (2, 3)}
TARGETED = {"kind": ("target",)}

NEEDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "channels-not-summed": {"channels": (2,), "groups": (1,), "filters": (1,)},
    "bias-forgotten": {"bias": (True,)},
    "bias-repeated": {"bias": (True,)},
    "stride-ignored": {"stride": (2,)},
    "dilation-ignored": {"dilation": (2,), "size": (4, 5, 6), "kernel": (2, 3)},
    "activation-forgotten": {"activation": tuple(f for f in ACTIVATIONS if f != "linear")},
    "error-before-activation": {"activation": tuple(f for f in ACTIVATIONS if f != "linear"), **TARGETED},
    "error-squared": TARGETED,
    "error-absolute": TARGETED,
    "target-not-activated": {"through": (True,), **TARGETED},
    "target-activated": {"through": (False,), **TARGETED},
    "factor-two": {"loss": SQUARED, **TARGETED},
    "mean-for-sum": {"loss": SQUARED[:2], **TARGETED},
    "sum-for-mean": {"loss": MEANS, **TARGETED},
    "mean-twice": {"loss": MEANS, **TARGETED},
    "slope-of-output": {"activation": SMOOTH},
    "slope-shortcut": {"activation": SATURATING},
    "slope-of-error": {"activation": ("relu",)},
    "slope-of-target": {"activation": ("relu",), **TARGETED},
    "slope-at-zero": {"activation": ("relu", "leaky_relu"), "whole": (True,), "at_zero": (None, 0, 0.5)},
    "slope-inverted": {"activation": ("relu",)},
    "gradient-full": {**PLAIN, "padding": (0,), "operation": ("cross-correlation",)},
    "gradient-same-everywhere": {"filters": (1,)},
    "gradient-accumulated": LATER,
    "gradient-from-error": TARGETED,
    "gradient-from-output": ONE,
    "gradient-from-filter": {**ONE, **PLAIN},
    "gradient-one-position": {"batch": (1,)},
    "bias-gradient-mean": {"bias": (True,)},
    "bias-gradient-forgotten": {"bias": (True,)},
    "input-gradient-valid": {**PLAIN, "size": (4, 5, 6)},
    "remainder-lost": {"stride": (2,)},
    "update-from-start": LATER,
    "momentum-forgotten": {"optimizer": MOMENTUM, **LATER},
    "momentum-stale": {"optimizer": MOMENTUM, **LATER},
    "decay-forgotten": {"optimizer": DECAY},
    "adam-bias-correction": {"optimizer": ADAM},
    "adam-power": {"optimizer": ADAM, **LATER},
    "adam-epsilon": {"optimizer": ({"adam": {"eps": 0.1}}, {"adam": {"betas": [0.8, 0.9], "eps": 0.1}})},
}
"""What a problem must have for a mistake to show in it."""

UPDATES = (
    *("ascent", "rate-forgotten", "rate-twice", "rate-divides", "gradient-replaces", "input-gradient-new-filter"),
    *("gradient-accumulated", "update-from-start", "momentum-forgotten", "momentum-stale", "decay-forgotten"),
    *("adam-bias-correction", "adam-power", "adam-epsilon"),
)
"""The mistakes that need a learning rate."""


class Wishes:
    """What is drawn: one of the values that the mistakes need, or one of the usual ones."""

    def __init__(self, random: np.random.Generator, ids: tuple[str, ...]) -> None:
        self.random = random
        self.wanted: dict[str, tuple[Any, ...]] = {}
        for id_ in ids:
            for key, values in NEEDS.get(id_, {}).items():
                before = self.wanted.get(key)
                self.wanted[key] = values if before is None else tuple(v for v in before if v in values)
            if id_ in UPDATES:
                self.wanted.setdefault("learns", (True,))

    @property
    def possible(self) -> bool:
        """Whether the mistakes' needs do not contradict each other."""
        return all(self.wanted.values())

    def one(self, key: str, *usual: Any) -> Any:
        """One of the values that are possible."""
        values = self.wanted.get(key, usual)
        return values[self.random.integers(len(values))]


def _plain(numbers: np.ndarray) -> Any:
    """Nested lists, whole numbers as such."""
    return numbers.astype(int).tolist() if (numbers == np.round(numbers)).all() else numbers.tolist()


def drawn_numbers(random: np.random.Generator, shape: tuple[int, ...], whole: bool, least: int = -3) -> Any:
    """Whole numbers, or numbers with one decimal."""
    if whole:
        return _plain(random.integers(least, 4, shape))
    return _plain(np.round(random.integers(10 * max(least, -2), 21, shape) / 10, 1))


def drawn_problem(random: np.random.Generator, ids: tuple[str, ...] = ()) -> tuple[dict[str, Any], int] | None:
    """The keys of a problem and the iteration to look at; ``None`` where what was drawn does not fit together.

    Args:
        random: Where chance comes from.
        ids: The mistakes that are to be made in it.
    """
    wishes = Wishes(random, ids)
    if not wishes.possible:
        return None
    document, geometry = _geometry(wishes)
    whole = wishes.one("whole", True, True, False)
    document["input"] = drawn_numbers(random, geometry["input"], whole)
    document["filter"] = drawn_numbers(random, geometry["filter"], whole, -2)
    if wishes.one("bias", False, False, True):
        biases = (geometry["filters"],) if len(geometry["filter"]) == 4 else ()
        document["bias"] = drawn_numbers(random, biases, whole, -2)
    _functions(wishes, document)
    try:
        output_shape = Layer(document).output_shape
    except (ValueError, IndexError):
        return None
    if min(output_shape) < 1 or np.prod(output_shape) > 60:
        return None
    iteration = _learning(wishes, document, _output(document, output_shape), whole)
    return None if _awkward(document, iteration) else (document, iteration)


def _geometry(wishes: Wishes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Stride and its like, and the shapes of the input and the filter."""
    random = wishes.random
    groups = wishes.one("groups", 1, 1, 1, 1, 1, 2)
    channels = wishes.one("channels", 1, 1, 1, 2) * groups
    filters = wishes.one("filters", 1, 1, 1, 2) * groups
    batch = wishes.one("batch", 1, 1, 1, 2)
    size = tuple(wishes.one("size", 2, 3, 3, 3, 4, 4, 5, 6) for _ in range(2))
    kernel = tuple(wishes.one("kernel", 1, 2, 2, 2, 3) for _ in range(2))
    document: dict[str, Any] = {
        "stride": wishes.one("stride", 1, 1, 1, 2),
        "dilation": wishes.one("dilation", 1, 1, 1, 1, 2),
        "padding": wishes.one("padding", 0, 0, 0, 1, "same", "full", [[0, 1], [1, 0]]),
        "operation": wishes.one("operation", "cross-correlation", "cross-correlation", "convolution"),
        "groups": groups,
    }
    usual = {"stride": 1, "dilation": 1, "padding": 0, "operation": "cross-correlation", "groups": 1}
    document = {key: value for key, value in document.items() if value != usual[key]}
    deep = channels > 1 or random.random() < 0.1
    image = (batch, channels) if batch > 1 else (channels,) if deep else ()
    seen = channels // groups
    bank = (filters, seen) if filters > 1 else (seen,) if seen > 1 else ()
    shapes = {"input": (*image, *size), "filter": (*bank, *kernel), "filters": filters}
    return document, shapes


def _functions(wishes: Wishes, document: dict[str, Any]) -> None:
    document["activation"] = wishes.one("activation", *ACTIVATIONS)
    name = document["activation"]
    if (name if isinstance(name, str) else next(iter(name))) in KINKED:
        at_zero = wishes.one("at_zero", None, None, None, 0, 0.5, 1)
        if at_zero is not None:
            document["slope_at_zero"] = at_zero


def _output(document: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the output as the problem file has it."""
    depth, bank = np.ndim(document["input"]), np.ndim(document["filter"])
    return (*shape[: depth == 4], *shape[1 : 1 + (bank == 4)], *shape[2:])


def _learning(wishes: Wishes, document: dict[str, Any], shape: tuple[int, ...], whole: bool) -> int:
    """The target and all that learning needs; the iteration to look at."""
    random = wishes.random
    kind = wishes.one("kind", "target", "target", "target", "target", "output_gradient")
    document[kind] = drawn_numbers(random, shape, whole)
    if kind == "target":
        document["loss"] = wishes.one("loss", *LOSSES)
        if wishes.one("through", False, False, False, False, True):
            document["target_through_activation"] = True
    if kind == "target" or wishes.one("learns", True, True, False):
        document["learning_rate"] = wishes.one("rate", *RATES)
        document["optimizer"] = wishes.one("optimizer", *OPTIMIZERS)
    iteration = wishes.one("iteration", 1, 1, 1, 1, 2, 3) if "learning_rate" in document else 1
    document["stop"] = {"iterations": iteration, "loss": 0, "gradient": 0}
    return int(iteration)


def _awkward(document: dict[str, Any], iteration: int) -> bool:
    """Whether a z that is 0 on paper may be a little more or less in floats, or the run ends or explodes before."""
    layer = Layer(document)
    with np.errstate(all="ignore"):
        start = starts(layer, iteration + 1 if layer.rate is not None else iteration)
    for sheet in start.earlier:
        z, g = sheet["pre_activation"], sheet["filter_gradient"]
        if not np.isfinite(z).all() or np.abs(z).max() > 100 or np.abs(g).max() < 1e-3 or np.abs(g).max() > 1000:
            return True
        if (sheet["loss"] < 1e-6 and layer.given is None) or _near_a_kink(sheet, layer):
            return True
    return False


def _near_a_kink(sheet: Mapping[str, np.ndarray], layer: Layer) -> bool:
    exact = all((values == np.round(values)).all() for values in (layer.x, sheet["filter"], sheet.get("bias", layer.x)))
    if exact:
        return False
    kinked = layer.f.name in ("relu", "leaky_relu") and (np.abs(sheet["pre_activation"]) < 1e-9).any()
    undecided = layer.loss.name == "mean_absolute_error" and (np.abs(sheet.get("error", np.ones(1))) < 1e-9).any()
    return bool(kinked or undecided)
