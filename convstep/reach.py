"""What an output could be: whether its target can be produced at all, and whether any filter has a say in it."""

from __future__ import annotations

from functools import cached_property, reduce

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Array, Mask, Numbers, in_floats
from convstep.correlation import pad
from convstep.problem.model import Problem
from convstep.trace import Step


def sees_only_zeros(problem: Problem) -> Mask:
    """Which outputs look at nothing but zeros, padding included, and have no bias: their z is 0 with any filter.

    >>> import convstep
    >>> sees_only_zeros(convstep.load({"input": [[0, 0, 2]], "filter": [[1, 1]]}))
    array([[ True, False]])
    """
    g = problem.geometry
    if problem.bias is not None:
        return np.zeros(problem.output_shape, dtype=bool)
    padded: Mask = pad(np.not_equal(problem.input, 0).reshape(g.input_shape), g)
    grouped = padded.reshape(g.batch, g.groups, g.group_channels, *g.padded)
    something: Mask = np.logical_or.reduce(grouped, axis=2)
    # Down first, then across: no work for each tap of a large filter.
    down = reduce(np.logical_or, (something[..., g.slices(p, 0)[0], :] for p in range(g.kernel[0])))
    seen = reduce(np.logical_or, (down[..., g.slices(0, q)[1]] for q in range(g.kernel[1])))
    return ~np.repeat(seen, g.group_filters, axis=1).reshape(problem.output_shape)


def is_produced(problem: Problem) -> Mask:
    """Which outputs have a target that the activation produces for some z."""
    assert problem.target is not None
    if problem.target_through_activation:
        return np.ones(problem.target.shape, dtype=bool)
    return make_activation(problem.activation, problem.slope_at_zero).reaches(problem.target)


class Reach:
    """What the outputs of a problem with a target could be, in the shape of the output."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def sees_only_zeros(self) -> Mask:
        """Which outputs no filter changes."""
        return sees_only_zeros(self.problem)

    @cached_property
    def is_produced(self) -> Mask:
        """Which outputs have a target that the activation produces."""
        return is_produced(self.problem)

    def could_be_better(self, output: Numbers, output_gradient: Numbers) -> Mask:
        """Which outputs could be better than they are, each by itself.

        What an output would win is at most |∂L/∂a| times its distance; up to ``stop.loss`` that is nothing. One whose
        target is never produced could be better where it is more than half as far from the nearest that is as f(0),
        which every output is at the filter 0: a sigmoid's at 1 with the target 0, and not one at 0.01.

        Args:
            output, output_gradient: What they are, and ∂L/∂a there.
        """
        distance = np.abs(in_floats(output) - self.nearest)
        wins = np.abs(in_floats(output_gradient)) * distance > self.problem.stop.loss
        far = distance > 0.5 * np.abs(self.at_zero - self.nearest)
        return np.asarray(wins & (self.is_produced | far) & ~self.sees_only_zeros)

    def wrong(self, step: Step) -> Mask:
        """Which outputs are wrong in an iteration."""
        return np.asarray(np.abs(step.output_gradient) > self.problem.stop.gradient)

    def silent(self, step: Step) -> Mask:
        """Which of them send nothing back through their slope."""
        return np.asarray(self.wrong(step) & (np.abs(step.delta) <= self.problem.stop.gradient))

    def died(self, step: Step) -> Mask:
        """Which of these could be better."""
        return np.asarray(self.silent(step) & self.could_be_better(step.output, step.output_gradient))

    def held(self, step: Step) -> Mask:
        """Which outputs are wrong because they see only zeros."""
        return np.asarray(self.wrong(step) & self.held_by_zeros)

    @cached_property
    def nearest(self) -> Array:
        """What the activation produces nearest to the target, or comes as near to as one likes."""
        assert self.problem.target is not None
        target = in_floats(self.problem.target)
        if self.problem.target_through_activation:
            return self._activated(target)
        return np.clip(target, *make_activation(self.problem.activation, self.problem.slope_at_zero).bounds)

    @cached_property
    def at_zero(self) -> float:
        """f(0), what an output is whose z is 0."""
        return float(self._activated(np.zeros(1))[0])

    @property
    def held_by_zeros(self) -> Mask:
        """Which outputs see only zeros, and could be better if they saw more."""
        return self.sees_only_zeros & np.not_equal(self.nearest, self.at_zero)

    @np.errstate(all="ignore")
    def _activated(self, z: Array) -> Array:
        output = np.empty_like(z)
        make_activation(self.problem.activation, self.problem.slope_at_zero).value(z, output)
        return output
