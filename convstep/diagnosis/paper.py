"""What is 0 on paper may be 1e-17 in floats: there a learner is right with 0, and a program with what it has.

Somebody who works by hand calculates in fractions. The right numbers are taken from fractions as well, where it makes a
difference and can be done; what follows from a learner's own numbers is set to 0 where it is within rounding of 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convstep.arrays import Array
from convstep.errors import ProblemError
from convstep.near_zero import EACH_ITERATION, MOST_ITERATIONS, UNIT, WORK
from convstep.problem.exact import ARRAYS, in_fractions, refuse_irrational
from convstep.problem.model import Exact, Problem
from convstep.trace import Step

SAFETY = 4
"""A learner may have added in another order, and on the way rounded a little more."""


def on_paper(problem: Problem, iteration: int) -> Problem | None:
    """The problem in fractions, its floats as the decimals that they are shown as.

    Returns:
        ``None`` where it has none, or they would take long up to that iteration.
    """
    g = problem.geometry
    if iteration * g.positions * g.filters * g.taps > WORK:
        return None
    given: dict[str, Any] = {name: array for name in ARRAYS if (array := getattr(problem, name)) is not None}
    for name in ("learning_rate", "slope_at_zero"):
        if (value := getattr(problem, name)) is not None:
            given[name] = value
    try:
        refuse_irrational(problem, given)
        return in_fractions(replace(problem, exact=Exact()), given, None)
    except ProblemError:
        return None


def roundings(problem: Problem, step: Step) -> dict[str, float]:
    """How far the floats of each quantity may be from the numbers on paper, at most."""
    share = SAFETY * (problem.geometry.taps + 1 + EACH_ITERATION * min(step.iteration, MOST_ITERATIONS)) * UNIT
    sizes = {name: float(np.abs(step.array(name)).max()) for name in step}
    x = float(np.abs(problem.input).max())
    weights = float(np.abs(step.filter).sum())
    z = x * weights + sizes.get("bias", 0.0)
    sizes |= {"pre_activation": z, "output": max(z, sizes["output"])}
    if "error" in step:
        assert problem.target is not None
        sizes["error"] = sizes["output"] + float(np.abs(problem.target).max())
    if "delta" in step:
        total = float(np.abs(step.delta).sum())
        gradients = {"filter_gradient": total * x, "bias_gradient": total, "input_gradient": sizes["delta"] * weights}
        sizes |= {name: size for name, size in gradients.items() if name in step}
    for kind in ("filter", "bias"):
        if f"new_{kind}" in step:
            sizes[f"new_{kind}"] = max(sizes[kind], sizes[f"new_{kind}"])
    # Where numbers have overflowed, nothing is known of how far they are off.
    return {name: share * size if math.isfinite(size) else 0.0 for name, size in sizes.items()}


def are_whole(problem: Problem, parameters: Mapping[str, Array]) -> bool:
    """Whether the sums that make z are sums of integers, and hence without rounding."""
    return all(bool((each == np.rint(each)).all()) for each in (problem.input, *parameters.values()))
