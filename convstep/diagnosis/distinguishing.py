"""Problems whose numbers tell mistakes apart, for those who set exercises.

After the diagnostic tests of BUGGY (Brown and Burton 1978): a good exercise is one in which different mistakes come
to different answers. Problems like a given one are drawn, with small whole numbers, and the best is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from convstep.diagnosis.separating import alike, outcomes_of
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.settings import setting_at
from convstep.problem.model import Problem

TRIES = 60
LARGEST = 3
"""The largest number in a drawn problem."""


class Proposal(NamedTuple):
    """A problem for an exercise.

    Attributes:
        problem: The problem.
        apart: The mistakes that it shows and tells apart from all others asked for.
        together: Groups of mistakes that give the same numbers in it.
        unseen: Mistakes that change nothing in it.
        unmade: Mistakes that cannot be made in iteration 1 of a problem like this.
    """

    problem: Problem
    apart: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]
    unseen: tuple[str, ...]
    unmade: tuple[str, ...]


class _Score(NamedTuple):
    """How good a problem is: how many mistakes show, and pairs of them part; whether it learns; how small it is."""

    pairs: int
    learns: bool
    tame: float


def proposal(
    problem: Problem, ids: Sequence[str], seed: int = 0, tick: Callable[[int], bool] = lambda tries: True
) -> Proposal:
    """The best of many problems like this one.

    Args:
        problem: What the problem shall be like: its sizes and functions stay, its numbers are drawn.
        ids: The mistakes to be told apart.
        seed: Of the numbers.
        tick: Told of every try; says whether to go on.
    """
    random = np.random.default_rng(seed)
    best: tuple[_Score, Problem] | None = None
    most = len(ids) * (len(ids) - 1) // 2 + len(ids)
    for tries in range(TRIES):
        candidate = problem if tries == 0 else _drawn(problem, random)
        setting = setting_at(candidate, 1)
        score = _score(setting, ids)
        if best is None or score > best[0]:
            best = score, candidate
        if not tick(tries + 1) or (best[0].pairs >= most and best[0].learns):
            break
    assert best is not None
    return _described(best[1], ids)


def _drawn(problem: Problem, random: np.random.Generator) -> Problem:
    """The same problem with other numbers."""

    def numbers(shape: tuple[int, ...]) -> np.ndarray:
        return random.integers(-LARGEST, LARGEST + 1, size=shape).astype(np.float64)

    changes: dict[str, Any] = {
        name: numbers(value.shape)
        for name in ("input", "filter", "bias", "target", "output_gradient")
        if (value := getattr(problem, name)) is not None
    }
    return replace(problem, **changes, attempt=None, expected_filter=None, title=None)


def _score(setting: Setting, ids: Sequence[str]) -> _Score:
    right, outcomes = outcomes_of(setting, ids)
    shown = [{right}, *outcomes.values()]
    pairs = sum(one.isdisjoint(other) for one, other in combinations(shown, 2))
    learns = "delta" not in setting.truth or bool(setting.truth["delta"].any())
    return _Score(pairs, learns, -max(float(np.abs(each).max()) for each in setting.truth.values()))


def _described(problem: Problem, ids: Sequence[str]) -> Proposal:
    right, outcomes = outcomes_of(setting_at(problem, 1), ids)
    unseen = [name for name in ids if right in outcomes.get(name, ())]
    groups = alike([name for name in ids if name in outcomes and name not in unseen], outcomes)
    return Proposal(
        problem,
        tuple(group[0] for group in groups if len(group) == 1),
        tuple(tuple(group) for group in groups if len(group) > 1),
        tuple(unseen),
        tuple(name for name in ids if name not in outcomes),
    )
