"""An iteration as a chain of small stages, each right; a mistake is another way to do one of them.

Stages with the name of a quantity give that quantity. The others are steps on the way that nobody writes down: they
stand alone so that a mistake can be made in each. Everything works on many candidates at once, a row each.

A learner may carry the other sign, as with t − a: what is computed from an error of that sign has it too. `sign`,
`filter_sign` and `bias_sign` say which sign a row has, so that the right update is known for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.candidate_sums import input_gradient
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.updating import update_stages
from convstep.geometry import Geometry

Values = Mapping[str, Array]
Compute = Callable[[Setting, Values], Array]


class Stage(NamedTuple):
    """One step of the calculation.

    Attributes:
        name: What it gives.
        needs: What it is computed from.
        compute: How, if it is done right.
    """

    name: str
    needs: tuple[str, ...]
    compute: Compute


def beside(signs: Array, like: Array) -> Array:
    """A number a row, to be multiplied with arrays a row."""
    return signs.reshape(-1, *[1] * (like.ndim - 1))


def stages_of(setting: Setting) -> list[Stage]:
    """All stages of the problem, in the order in which they are done."""
    problem = setting.problem
    has_bias, has_target = problem.bias is not None, problem.target is not None
    stages = [_FILTER, *(_BIAS if has_bias else []), *(_WITH_BIAS if has_bias else _WITHOUT_BIAS)]
    if problem.forward_only:
        return stages
    if has_target:
        stages += [*(_ACTIVATED if problem.target_through_activation else _NOT_ACTIVATED), *_ERROR]
    else:
        stages += _GIVEN
    stages += [*_BACKWARD, *(_BIAS_GRADIENT if has_bias else [])]
    updates = [Stage(*each) for each in update_stages(setting)] if problem.learns else []
    # Last, because it may be computed with the new filter by mistake.
    return [*stages, *updates, _INPUT_GRADIENT]


def _constant(name: str) -> Compute:
    return lambda s, v: s.truth[name]


def _same(name: str) -> Compute:
    return lambda s, v: v[name]


def _with_bias(s: Setting, v: Values) -> Array:
    return s.on_paper(v["window_sums"] + bias_beside(v))


def bias_beside(values: Values) -> Array:
    """The bias, to be added to the sums; where those of each channel stand apart, for each of them."""
    sums, bias = values["window_sums"], values["bias"]
    return np.repeat(bias, sums.shape[2] // bias.shape[1], axis=1)[:, None, :, None, None]


def sums_with(setting: Setting, values: Values, geometry: Geometry) -> Array:
    """x ⋆ w in a geometry; a filter that was turned may be as high as it was wide."""
    w = values["used_filter"]
    return setting.sums.correlate(w, geometry._replace(kernel=(w.shape[-2], w.shape[-1])))


_FILTER = Stage("filter", (), _constant("filter"))

_BIAS = [Stage("bias", (), _constant("bias"))]

_SUMS = [
    Stage("used_filter", ("filter",), lambda s, v: s.used(v["filter"])),
    Stage("window_sums", ("used_filter",), lambda s, v: sums_with(s, v, s.geometry)),
]

_OUTPUT = Stage("output", ("pre_activation",), lambda s, v: s.value(v["pre_activation"]))

_WITHOUT_BIAS = [*_SUMS, Stage("pre_activation", ("window_sums",), lambda s, v: s.on_paper(v["window_sums"])), _OUTPUT]

_WITH_BIAS = [*_SUMS, Stage("pre_activation", ("window_sums", "bias"), _with_bias), _OUTPUT]


def target_of(s: Setting, v: Values) -> Array:
    """The target as the file has it, one row."""
    assert s.target is not None
    return s.target


_NOT_ACTIVATED = [Stage("compared_target", (), target_of)]

_ACTIVATED = [
    Stage("activated_target", (), lambda s, v: s.value(target_of(s, v))),
    Stage("compared_target", ("activated_target",), _same("activated_target")),
]

_ERROR = [
    Stage("compared_output", ("output",), _same("output")),
    Stage("sign", ("compared_output",), lambda s, v: np.ones(len(v["compared_output"]))),
    Stage(
        "error",
        ("compared_output", "compared_target", "sign"),
        lambda s, v: v["compared_output"] - v["compared_target"],
    ),
    Stage("loss", ("error",), lambda s, v: s.losses(v["error"])),
    Stage("output_gradient", ("error",), lambda s, v: s.loss_gradient(v["error"])),
]


def _given_gradient(s: Setting, v: Values) -> Array:
    assert s.given_gradient is not None
    return s.given_gradient


def _sum_of_products(s: Setting, v: Values) -> Array:
    products = v["output"] * _given_gradient(s, v)
    return np.add.accumulate(products.reshape(len(products), -1), axis=1)[:, -1]


_GIVEN = [
    Stage("sign", (), lambda s, v: np.ones(1)),
    Stage("loss", ("output",), _sum_of_products),
    Stage("output_gradient", (), _given_gradient),
]


def _bias_gradient(s: Setting, v: Values) -> Array:
    return np.asarray(v["bias_source"].sum(axis=(1, 3, 4)))


_BACKWARD = [
    Stage("activation_slope", ("pre_activation", "output"), lambda s, v: s.slope(v["pre_activation"])),
    Stage(
        "delta",
        ("output_gradient", "activation_slope", "sign"),
        lambda s, v: v["output_gradient"] * v["activation_slope"],
    ),
    Stage("gradient_source", ("delta",), _same("delta")),
    Stage("placed_source", ("gradient_source",), _same("gradient_source")),
    Stage("summed_gradient", ("placed_source",), lambda s, v: s.sums.filter_gradient(v["placed_source"], s.geometry)),
    Stage("turned_gradient", ("summed_gradient",), lambda s, v: s.used(v["summed_gradient"])),
    Stage("filter_sign", ("sign",), _same("sign")),
    Stage("filter_gradient", ("turned_gradient", "filter_sign"), _same("turned_gradient")),
]

_INPUT_GRADIENT = Stage(
    "input_gradient",
    ("delta", "filter"),
    lambda s, v: input_gradient(v["delta"], s.used(v["filter"]), s.geometry),
)

_BIAS_GRADIENT = [
    Stage("bias_sign", ("sign",), _same("sign")),
    Stage("bias_source", ("delta",), _same("delta")),
    Stage("bias_gradient", ("bias_source", "bias_sign"), _bias_gradient),
]

SIGN_OF: Mapping[str, str] = {
    "error": "sign",
    "output_gradient": "sign",
    "delta": "sign",
    "input_gradient": "",
    "filter_gradient": "filter_sign",
    "filter_momentum": "filter_sign",
    "filter_update": "filter_step_sign",
    "bias_gradient": "bias_sign",
    "bias_momentum": "bias_sign",
    "bias_update": "bias_step_sign",
}
"""The quantities that a learner may carry with the other sign, and what remembers it."""


def turned_with(name: str) -> tuple[str, ...]:
    """What has the other sign as well where a quantity turns out to have it: what it was computed from, unseen."""
    if name in ("output_gradient", "delta"):
        return ("error", "output_gradient")[: 1 + (name == "delta")]
    kind, _, rest = name.partition("_")
    if rest != "momentum":
        return ()
    return f"{kind}_gradient", f"decayed_{kind}_gradient", f"{kind}_gradient_average"


def ancestors_of(stages: Sequence[Stage]) -> dict[str, frozenset[str]]:
    """For each stage, all that it is computed from, itself included."""
    found: dict[str, frozenset[str]] = {}
    for stage in stages:
        found[stage.name] = frozenset({stage.name}).union(*(found[name] for name in stage.needs))
    return found
