"""Mistakes with the activation's derivative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Compute, Values, target_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting

KINKED = ("relu", "leaky_relu")
WRITTEN_BEFORE = ("error", "output_gradient")
OTHER_SLOPES = ("slope-at-zero", "slope-of-output", "slope-shortcut")
"""The mistakes in f′(z) itself."""


def delta_rules(s: Setting) -> Iterator[Rule]:
    """The mistakes on the way from ∂L/∂a to δ that can be made in this problem."""
    if s.problem.forward_only:
        return
    for name, compute, needs in _slopes(s):
        yield Rule(name, "activation_slope", compute, needs)
        # Who has written the slope down has chosen it; the others are other ways of going back.
        if name not in OTHER_SLOPES:
            yield Rule(name, "delta", _times_gradient(compute), ("pre_activation", *needs), beside="activation_slope")
    yield Rule("upstream-forgotten", "delta", lambda s, v: v["activation_slope"])
    # A slope has no sign: where neither e nor ∂L/∂a was written, nothing shows which one the learner goes on with.
    yield Rule(
        "upstream-forgotten",
        "delta",
        lambda s, v: v["activation_slope"],
        without=WRITTEN_BEFORE,
        turns=True,
        unsigned=True,
    )
    if s.problem.activation.name != "linear":
        yield from _in_the_place_of_a_slope(s)


def _in_the_place_of_a_slope(s: Setting) -> Iterator[Rule]:
    """What is done with ∂L/∂a where it should be multiplied by f′(z)."""
    yield Rule(
        "slope-forgotten",
        "activation_slope",
        lambda s, v: np.ones(v["pre_activation"].shape),
        without=("activation_slope",),
    )
    yield Rule("slope-forgotten", "delta", lambda s, v: v["output_gradient"], beside="activation_slope")
    yield Rule("activation-for-slope", "delta", lambda s, v: s.value(v["output_gradient"]))
    yield Rule(
        "activation-for-slope", "delta", lambda s, v: s.value(-v["output_gradient"]), without=WRITTEN_BEFORE, turns=True
    )
    if s.problem.target is not None and not s.loss.gradient_is_error:
        yield Rule("activation-for-slope", "delta", lambda s, v: s.value(v["error"]), ("error",))
    # Where neither e nor ∂L/∂a was written, the mask may have been made with t − a.
    yield Rule(
        "slope-of-error",
        "delta",
        lambda s, v: -v["output_gradient"] * (v["output_gradient"] < 0),
        without=WRITTEN_BEFORE,
        turns=True,
    )


def _times_gradient(slope: Compute) -> Compute:
    return lambda s, v: v["output_gradient"] * slope(s, v)


def _slopes(s: Setting) -> Iterator[tuple[str, Compute, tuple[str, ...]]]:
    """What is multiplied with in the place of f′(z): the mistake, the numbers, and what they come from."""
    name = s.problem.activation.name
    z, a = "pre_activation", "output"
    yield "value-for-slope", lambda s, v: v[z], ()
    yield "value-for-slope", lambda s, v: v[a], (a,)
    yield "slope-of-error", lambda s, v: (v["output_gradient"] > 0).astype(np.float64), ("output_gradient",)
    if s.problem.target is not None:
        yield "slope-of-target", lambda s, v: (target_of(s, v) > 0).astype(np.float64), ()
    if name not in ("relu", "linear"):
        yield "slope-of-error", lambda s, v: s.slope(_error(v)), (*_ERROR_OF[s.problem.target is not None],)
        if s.problem.target is not None:
            yield "slope-of-target", lambda s, v: s.slope(target_of(s, v)), ()
    if name in KINKED:
        yield "slope-inverted", _inverted, ()
        for other in (0.0, 1.0):
            if other != s.activation.slope_at_zero:
                yield "slope-at-zero", lambda s, v, other=other: s.slope(v[z], other), ()  # type: ignore[misc]
    elif name != "linear":
        yield "slope-of-output", lambda s, v: s.slope(v[a]), (a,)
    if name == "sigmoid":
        yield "slope-shortcut", lambda s, v: v[z] * (1.0 - v[z]), ()
    if name == "tanh":
        yield "slope-shortcut", lambda s, v: 1.0 - v[z] * v[z], ()


_ERROR_OF = {True: ("error",), False: ("output_gradient",)}


def _error(v: Values) -> Array:
    return v["error"] if "error" in v else v["output_gradient"]


def _inverted(s: Setting, v: Values) -> Array:
    """1 where ReLU has 0 and the other way round; of a leaky one, its two slopes exchanged."""
    leak = s.problem.activation.number("slope") if s.problem.activation.name == "leaky_relu" else 0.0
    return 1.0 + leak - s.slope(v["pre_activation"])
