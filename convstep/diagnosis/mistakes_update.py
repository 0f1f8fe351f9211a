"""Mistakes between the gradient and the new parameters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis import updating as u
from convstep.diagnosis.calculation import Compute
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting


def update_rules(s: Setting) -> Iterator[Rule]:
    """The mistakes in the update of the filter and the bias that can be made in this problem."""
    if not s.problem.learns:
        return
    for kind in ["filter", *(["bias"] if s.problem.bias is not None else [])]:
        yield from _optimizer_rules(s, kind)
        yield from _rate_rules(s, kind)
        yield from _parameter_rules(s, kind)


def _rate_rules(s: Setting, kind: str) -> Iterator[Rule]:
    rate, stage = u.rate(s), f"{kind}_rate"
    for name, factor in (("rate-forgotten", 1.0), ("rate-twice", rate * rate), ("rate-divides", 1.0 / rate)):
        if factor != rate:
            yield Rule(name, stage, lambda s, v, factor=factor: factor * v[f"{kind}_direction"])  # type: ignore[misc]


def _parameter_rules(s: Setting, kind: str) -> Iterator[Rule]:
    update, new = f"{kind}_update", f"new_{kind}"
    if not u.goes_by_gradient(s):
        # Taken with the other sign before the optimizer sees it.
        yield Rule("ascent", f"decayed_{kind}_gradient", lambda s, v: u.decayed(s, v, kind, -1.0))
    yield Rule("ascent", update, lambda s, v: u.signs(v, kind) * v[f"{kind}_rate"])
    yield Rule("ascent", new, lambda s, v: v[kind] - v[update], beside=update)
    yield Rule("gradient-replaces", new, lambda s, v: np.broadcast_to(v[update], v[update].shape))
    if s.iteration > 1:
        yield Rule("update-from-start", new, lambda s, v: s.first[kind] + v[update])


def _optimizer_rules(s: Setting, kind: str) -> Iterator[Rule]:
    optimizer, stage, gradient = s.problem.optimizer, f"{kind}_direction", f"decayed_{kind}_gradient"
    if u.number(s, "weight_decay"):
        yield Rule("decay-forgotten", gradient, lambda s, v: v[f"{kind}_gradient"])
    if optimizer.name == "adam":
        yield from _adam_rules(s, kind)
    if optimizer.name in ("rmsprop", "adagrad"):
        yield from _spread_rules(s, kind)
    if optimizer.name == "sgd" and u.number(s, "momentum"):
        yield Rule("momentum-forgotten", stage, lambda s, v: v[gradient])
        yield Rule("momentum-stale", stage, _stale(kind))
        if optimizer.parameters["nesterov"]:
            yield Rule(
                "momentum-stale",
                stage,
                lambda s, v: u.sgd_direction(s, v[gradient], u.before(s, v, f"{kind}_momentum", kind)),
            )


def _stale(kind: str) -> Compute:
    return lambda s, v: u.before(s, v, f"{kind}_momentum", kind)


def _adam_rules(s: Setting, kind: str) -> Iterator[Rule]:
    stage, momentum, k = f"{kind}_direction", f"{kind}_momentum", s.iteration
    largest = bool(s.problem.optimizer.parameters["amsgrad"])
    square = f"{kind}_largest_square_average" if largest else f"{kind}_square_average"
    gradient = f"decayed_{kind}_gradient"

    def with_powers(mean: int, spread: int) -> Compute:
        return lambda s, v: u.adam_direction(s, v[momentum], v[square], mean, spread)

    for powers in ((0, 0), (0, k), (k, 0)):
        yield Rule("adam-bias-correction", stage, with_powers(*powers))
    if k > 1:
        for powers in ((1, 1), (1, k), (k, 1)):
            yield Rule("adam-power", stage, with_powers(*powers))
    if u.number(s, "eps"):
        yield Rule("adam-epsilon", stage, lambda s, v: u.adam_direction(s, v[momentum], v[square], k, k, inside=True))
    yield Rule("momentum-forgotten", stage, lambda s, v: u.adam_direction(s, v[gradient], v[square], 0, k))
    yield Rule("momentum-stale", stage, lambda s, v: u.adam_direction(s, _stale(kind)(s, v), v[square], k, k))


def _spread_rules(s: Setting, kind: str) -> Iterator[Rule]:
    """rmsprop and adagrad: ε inside the root, and rmsprop's momentum."""
    has_momentum = s.problem.optimizer.name == "rmsprop" and u.number(s, "momentum")
    inside = f"{kind}_direction" if not has_momentum else f"{kind}_momentum"

    def with_epsilon_inside(s: Setting, v: u.Values) -> Array:
        found = u.scaled_by_spread(s, v, kind, inside=True)
        if not has_momentum:
            return found
        return u.number(s, "momentum") * u.before(s, v, f"{kind}_momentum", kind) + found

    if u.number(s, "eps"):
        yield Rule("adam-epsilon", inside, with_epsilon_inside)
    if has_momentum:
        yield Rule("momentum-forgotten", f"{kind}_direction", lambda s, v: u.scaled_by_spread(s, v, kind))
        yield Rule("momentum-stale", f"{kind}_direction", _stale(kind))
