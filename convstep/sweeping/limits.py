"""Rates that can be computed without running anything: markers in a sweep, and where to look by default."""

from __future__ import annotations

import itertools
import math

from convstep.analysis import largest_curvature
from convstep.numbers import short
from convstep.problem.model import Problem
from convstep.sweeping.grids import Variation, parse_variation
from convstep.sweeping.plan import RATE, Plan

DEFAULT_COUNT = 61
MOST_LIMITS = 100
MOST_WORK = 1e9
"""Up to how many products the curvature is worth working out for a marker."""


def guaranteed_rate(problem: Problem) -> float | None:
    """2/λ, the rate below which plain gradient descent is sure to be stable; ``None`` where that means nothing.

    λ is the largest curvature that the loss can have (`analysis.largest_curvature`). Most runs learn at higher
    rates too: with ReLU only the outputs that are active count.
    """
    plain = problem.optimizer.name == "sgd" and not problem.optimizer.parameters.get("momentum", 0.0)
    g = problem.geometry
    if not plain or not problem.learns or g.taps**2 * g.positions * g.groups > MOST_WORK:
        return None
    curvature = largest_curvature(problem)
    return 2.0 / curvature if curvature and math.isfinite(curvature) else None


def is_guarantee(problem: Problem) -> bool:
    """Whether 2/λ is a promise: elsewhere an activation that bends makes it a good place to start and no more."""
    nowhere_below = problem.target is not None and bool((problem.target >= 0).all())
    return problem.activation.name == "linear" or (problem.activation.name == "relu" and nowhere_below)


def common_limit(plan: Plan) -> float | None:
    """2/λ, if the rate is varied and it is the same whatever the other key is; else ``None``."""
    if all(each.path != RATE for each in plan.variations):
        return None
    others = [each.values[:1] if each.path == RATE else each.values for each in plan.variations]
    combinations = list(itertools.product(*others))
    if len(combinations) > MOST_LIMITS:
        return None
    limits = {guaranteed_rate(plan.problem(values)) for values in combinations}
    return limits.pop() if len(limits) == 1 else None


def default_variation(problem: Problem) -> Variation:
    """Rates over three decades, around the guaranteed one where it is known: what is swept if nobody says what.

    >>> from convstep.problem.checks import check
    >>> default_variation(check({"input": [[2]], "filter": [[1]], "target": [[1]], "learning_rate": 1})).setting
    'learning_rate=log:0.01:10:61'
    """
    limit = guaranteed_rate(problem) or 0.1
    decade = math.floor(math.log10(limit))
    ends = [short(10.0**exponent) for exponent in (decade - 1, decade + 2)]
    return parse_variation(f"learning_rate=log:{ends[0]}:{ends[1]}:{DEFAULT_COUNT}")
