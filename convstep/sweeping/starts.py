"""Random filters to start from: around the problem's own, or instead of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.problem.checks_filter import INITIALS
from convstep.problem.model import Problem


class Starts(NamedTuple):
    """Which starts are drawn.

    Attributes:
        number: How many.
        seed: Of the random numbers.
        initial: How filters are drawn in place of the problem's own: ``he``, ``glorot`` or ``uniform``.
        around: Normal noise of this standard deviation is added to the problem's own filter instead; ``None`` if not.
    """

    number: int
    seed: int = 0
    initial: str = "he"
    around: float | None = None

    def draw(self, problem: Problem) -> Array:
        """The filters, starts×the filter's shape; the same seed gives the same ones.

        >>> from convstep.problem.checks import check
        >>> problem = check({"input": [[1, 2]], "filter": [[5, 7]]})
        >>> Starts(3, seed=1, around=0.1).draw(problem).round(2).tolist()
        [[[5.03, 7.08]], [[5.03, 6.87]], [[5.09, 7.04]]]
        """
        random, g = np.random.default_rng(self.seed), problem.geometry
        shape = (self.number, *problem.filter.shape)
        if self.around is not None:
            near: Array = problem.filter + self.around * random.normal(size=shape)
            return near
        return INITIALS[self.initial](random, shape, g.taps, g.group_filters * g.kernel[0] * g.kernel[1])
