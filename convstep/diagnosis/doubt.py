"""How far a number may be off because of the rounding of those that it was computed from.

Each stage widens what it is handed, and each number that is written down, or could have been, adds a unit of its last
decimal. In sums the doubts of many terms partly cancel: there they add as independent errors do, by their squares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Stage, Values, bias_beside
from convstep.diagnosis.candidate_sums import input_gradient
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.updating import update_stages
from convstep.quantities import QUANTITIES

Doubts = Mapping[str, Array]
Carry = Callable[[Setting, Values, Doubts], Array]


@np.errstate(all="ignore")
def carried(setting: Setting, stage: Stage, values: Values, doubts: Doubts) -> Array:
    """The doubt about what a stage gives, before anything is rounded.

    Args:
        setting: The exercise.
        stage: The stage.
        values: What it and the stages before gave, one row each.
        doubts: The doubt about those before.
    """
    if not any(doubts[name].any() for name in stage.needs):
        return np.zeros(values[stage.name].shape)
    carry = _CARRIES.get(stage.name)
    if stage.name.endswith("_direction") and setting.problem.optimizer.name != "sgd":
        found = _of_direction(setting, stage, values, doubts)
    else:
        found = carry(setting, values, doubts) if carry else _by_trial(setting, stage, values, doubts)
    if np.isfinite(found).all():
        return found
    # Below a root, a doubt can reach past 0; that says nothing.
    return np.nan_to_num(found, nan=0.0, posinf=np.finfo(np.float64).max)


def rounded_doubt(setting: Setting, name: str, value: Array, doubt: Array, unit: float) -> Array:
    """The doubt about numbers that may have been rounded, or cut, to that unit; one that has no more digits is safe."""
    if not unit or not _rounds(setting, name):
        return doubt
    steps = value / unit
    lost = np.maximum(np.abs(steps - np.round(steps)), np.abs(steps - np.trunc(np.round(steps, 6)))) * unit
    return np.where(doubt > 0, doubt + unit, np.where(lost > 1e-6 * unit, lost, 0.0))


def predicted_doubt(setting: Setting, stage: Stage, values: Values, doubts: Doubts) -> Array:
    """The doubt about what a stage gives a learner who has these numbers; see `carried`."""
    if stage.name in ("filter", "bias"):
        return np.full(values[stage.name].shape, setting.doubt)
    doubt = carried(setting, stage, values, doubts)
    if stage.name == "pre_activation" and not values[stage.name].all():
        # A program need not have found the 0 that there is on paper.
        sums = values["window_sums"] + (bias_beside(values) if "bias" in values else 0.0)
        doubt = np.where((values[stage.name] == 0) & (sums != 0), setting.roundings[stage.name], doubt)
    return doubt


def _rounds(setting: Setting, name: str) -> bool:
    """Whether rounding can change a number of this stage: what comes from the file, and slopes of 0 and 1, it can't."""
    if name in ("filter", "bias"):
        return setting.iteration > 1
    if name == "activated_target" or name not in QUANTITIES:
        return False
    if name == "output_gradient" and setting.target is None:
        return False
    return not (name == "activation_slope" and setting.problem.activation.name in ("relu", "linear"))


def _by_trial(setting: Setting, stage: Stage, values: Values, doubts: Doubts) -> Array:
    """For stages that go number by number: each input moved up and down by its doubt."""
    total = np.zeros(values[stage.name].shape)
    for name in stage.needs:
        doubt = doubts[name]
        if not doubt.any():
            continue
        moved = [
            np.abs(stage.compute(setting, {**values, name: values[name] + way * doubt}) - values[stage.name])
            for way in (-1.0, 1.0)
        ]
        total = total + np.maximum(*moved)
    return total


def _of_direction(setting: Setting, stage: Stage, values: Values, doubts: Doubts) -> Array:
    """Mean and spread come from the same gradient and move with it; by themselves they are kept with all digits."""
    kind = stage.name.removesuffix("_direction")
    gradient = f"decayed_{kind}_gradient"
    states = [each for each in update_stages(setting) if each[0].startswith(f"{kind}_") and each[0] in values]
    moved = []
    for way in (-1.0, 1.0):
        trial = {**values, gradient: values[gradient] + way * doubts[gradient]}
        for name, _, compute in states[: [name for name, *_ in states].index(stage.name)]:
            trial[name] = compute(setting, trial)
        moved.append(np.abs(stage.compute(setting, trial) - values[stage.name]))
    return np.maximum(*moved)


def _slope(s: Setting, v: Values, r: Doubts) -> Array:
    z, doubt = v["pre_activation"], r["pre_activation"]
    near = [
        s.slope(z - doubt),
        s.slope(z + doubt),
        np.where(np.abs(z) <= doubt, s.slope(np.zeros(z.shape)), s.slope(z)),
    ]
    found = np.asarray(np.maximum.reduce([np.abs(each - v["activation_slope"]) for each in near]))
    return found + _of_output(s, v["output"], r["output"])


def _of_output(s: Setting, a: Array, doubt: Array) -> Array:
    """The doubt about a slope that was worked out as a·(1 − a), or 1 − a²."""
    name = s.problem.activation.name
    if name == "sigmoid":
        return (np.abs(1.0 - 2.0 * a) + doubt) * doubt
    return (2.0 * np.abs(a) + doubt) * doubt if name == "tanh" else np.zeros(a.shape)


def _delta(s: Setting, v: Values, r: Doubts) -> Array:
    gradient, slope = r["output_gradient"], r["activation_slope"]
    return np.abs(v["activation_slope"]) * gradient + np.abs(v["output_gradient"]) * slope + gradient * slope


def _loss(s: Setting, v: Values, r: Doubts) -> Array:
    if s.given_gradient is not None:
        return _root_of_squares(s.given_gradient * r["output"])
    error, doubt = v["error"], r["error"]
    steepest = np.maximum(np.abs(s.loss_gradient(error - doubt)), np.abs(s.loss_gradient(error + doubt)))
    return _root_of_squares(steepest * doubt)


def _root_of_squares(terms: Array) -> Array:
    return np.asarray(np.sqrt(np.square(terms).reshape(1, -1).sum(axis=1)))


def _input_gradient(s: Setting, v: Values, r: Doubts) -> Array:
    w, g = s.used(v["filter"]), s.geometry
    from_delta = input_gradient(np.square(r["delta"]), np.square(w), g)
    return np.sqrt(
        from_delta + input_gradient(np.square(np.abs(v["delta"]) + r["delta"]), np.square(s.used(r["filter"])), g)
    )


_CARRIES: Mapping[str, Carry] = {
    "used_filter": lambda s, v, r: s.used(r["filter"]),
    "window_sums": lambda s, v, r: np.sqrt(s.squares.correlate(np.square(r["used_filter"]), s.geometry)),
    "pre_activation": lambda s, v, r: (
        r["window_sums"] + (r["bias"][:, None, :, None, None] if "bias" in r else np.zeros(1))
    ),
    "loss": _loss,
    "activation_slope": _slope,
    "delta": _delta,
    "summed_gradient": lambda s, v, r: np.sqrt(s.squares.filter_gradient(np.square(r["placed_source"]), s.geometry)),
    "turned_gradient": lambda s, v, r: s.used(r["summed_gradient"]),
    "bias_gradient": lambda s, v, r: np.sqrt(np.square(r["bias_source"]).sum(axis=(1, 3, 4))),
    "input_gradient": _input_gradient,
}
"""What is no calculation number by number."""
