"""One iteration after the other in fractions, until a rule ends the run: the same Steps, by the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from convstep.arrays import Number, Numbers, in_floats
from convstep.descent import Descent, outcome_after
from convstep.errors import UsageError
from convstep.exact.functions import PlainDescent
from convstep.exact.growth import longest, longest_of
from convstep.exact.layer import Backward, Forward, Layer
from convstep.problem.model import MOST_DIGITS, Exact, Problem
from convstep.stopping import Cycles, Progress, Rules
from convstep.trace import FROM_THE_FIRST, Outcome, Start, Step

TOLERANCE_PARTS = 10**12
"""A state has come back if it differs by at most this part of its size: `CYCLE_TOLERANCE`, as it is meant."""


class Iterations:
    """The iterations of an exact problem, one after the other.

    Attributes:
        ahead: The forward pass that the next iteration begins with.
        progress: What the rules look at, of the iteration done last.
    """

    def __init__(self, problem: Problem, start: Start = FROM_THE_FIRST) -> None:
        self.problem = problem
        self.layer = Layer(problem)
        self.optimizer = PlainDescent(problem)
        self.ahead = self.layer.forward(problem.filter, problem.bias)
        self.iteration = start.iteration
        fresh = start.iteration == start.counted_from
        self._momentum = None if fresh else start.state.get("momentum")
        self.progress: Progress | None = None

    @property
    def state(self) -> Numbers:
        """The parameters and the running direction that the next iteration begins with, flat."""
        weights = self._flat(self.ahead.filter, self.ahead.bias)
        if not self.optimizer.momentum:
            return weights
        return np.concatenate([weights, 0 * weights if self._momentum is None else self._momentum])

    def without_update(self) -> Step:
        """The only iteration of a problem that does not learn."""
        arrays = self._forward_arrays(self.ahead)
        if not self.problem.forward_only:
            arrays |= self._backward_arrays(self.layer.backward(self.ahead))
        return Step(self.iteration, _sealed(arrays))

    def advance(self) -> Step:
        """The next iteration."""
        now = self.ahead
        back = self.layer.backward(now)
        weights = self._flat(now.filter, now.bias)
        direction = self.optimizer.decayed(list(self._flat(back.filter_gradient, back.bias_gradient)), list(weights))
        before = [None] * len(direction) if self._momentum is None else list(self._momentum)
        steps = [self.optimizer.step(*pair) for pair in zip(direction, before, strict=True)]
        update = _flat_array(each.update for each in steps)
        self._momentum = _flat_array(each.momentum for each in steps) if self.optimizer.momentum else None
        new = weights + update
        arrays = self._forward_arrays(now) | self._backward_arrays(back)
        arrays |= self._parameters("{}_momentum", self._momentum)
        arrays |= self._parameters("{}_update", update) | self._parameters("new_{}", new)
        self.ahead = self.layer.forward(arrays["new_filter"], arrays.get("new_bias"))
        self.progress = self._progress(_flat_array(direction), update, back)
        step = Step(self.iteration, _sealed(arrays))
        self.iteration += 1
        return step

    def _flat(self, filters: Numbers, bias: Numbers | None) -> Numbers:
        """The filter's numbers, then the biases if there are any."""
        flat = filters.reshape(-1)
        return flat if self.problem.bias is None or bias is None else np.concatenate([flat, bias.reshape(-1)])

    def _parameters(self, name: str, flat: Numbers | None) -> dict[str, Numbers]:
        """Cuts a flat array of parameters into the filter's and the bias's, named by the pattern."""
        problem = self.problem
        if flat is None:
            return {}
        arrays = {name.format("filter"): flat[: problem.filter.size].reshape(problem.filter.shape)}
        if problem.bias is not None:
            arrays[name.format("bias")] = flat[problem.filter.size :].reshape(problem.bias.shape)
        return arrays

    def _forward_arrays(self, forward: Forward) -> dict[str, Numbers]:
        shape = self.problem.output_shape
        arrays = self._parameters("{}", self._flat(forward.filter, forward.bias))
        arrays |= {"pre_activation": forward.z.reshape(shape), "output": forward.a.reshape(shape)}
        target = self.layer.target
        if target is not None and self.problem.target_through_activation:
            arrays["activated_target"] = target.reshape(shape)
        if forward.error is not None:
            arrays["error"] = forward.error.reshape(shape)
        return arrays if self.problem.forward_only else arrays | {"loss": _flat_array([forward.loss]).reshape(())}

    def _backward_arrays(self, back: Backward) -> dict[str, Numbers]:
        problem, shape = self.problem, self.problem.output_shape
        arrays = {
            "output_gradient": back.output_gradient.reshape(shape),
            "activation_slope": back.slope.reshape(shape),
            "delta": back.delta.reshape(shape),
        }
        arrays |= self._parameters("{}_gradient", self._flat(back.filter_gradient, back.bias_gradient))
        return arrays | {"input_gradient": back.input_gradient.reshape(problem.input.shape)}

    def _progress(self, direction: Numbers, update: Numbers, back: Backward) -> Progress:
        rows: Mapping[str, Any] = {
            "loss": _flat_array([self.ahead.loss]),
            "gradient": direction[None],
            "update": update[None],
            "output_gradient": back.output_gradient.reshape(1, -1),
            "delta": back.delta.reshape(1, -1),
            "states": self.state[None],
        }
        return Progress(first_iteration=self.iteration, finite=np.ones(1, dtype=bool), **rows)


class ExactDescent(Descent):
    """A run in fractions in progress.

    It is stopped before a numerator or denominator gets more digits than the problem allows.

    Raises:
        UsageError: Already the first iteration needs more.
    """

    def _run(self) -> Iterator[Step]:
        problem, iterations = self.problem, Iterations(self.problem, self.start)
        if not problem.learns:
            yield self._only_iteration(iterations)
            return
        rules = Rules(problem, iterations.ahead.loss, iterations.state, ExactCycles(iterations.state))
        opening = iterations.advance()
        self._check_opening(_digits(opening, iterations.ahead))
        following: Step | None = opening
        while following is not None:
            step, loss = following, iterations.ahead.loss
            ending = rules.ending(_known(iterations.progress))
            following = None
            if ending is not None:
                self.outcome = outcome_after(step, ending.status, loss, ending.period)
            elif step.iteration >= problem.stop.iterations:
                self.outcome = outcome_after(step, "stopped", loss)
            else:
                following = iterations.advance()
                digits = _digits(following, iterations.ahead)
                if digits > self._bound:
                    self.outcome = replace(outcome_after(step, "stopped", loss), digits=digits)
                    following = None
            yield step

    def _only_iteration(self, iterations: Iterations) -> Step:
        """The iteration of a problem that does not learn."""
        step, problem = iterations.without_update(), self.problem
        self._check_opening(longest_of(step))
        loss = None if problem.forward_only else iterations.ahead.loss
        self.outcome = Outcome("stopped", step.iteration, loss, problem.filter, problem.bias)
        return step

    @property
    def _bound(self) -> int:
        return (self.problem.exact or Exact()).max_digits

    def _check_opening(self, digits: int) -> None:
        """Complains if there is not even a first iteration to show."""
        if digits > self._bound:
            more = f"--max-digits goes up to {MOST_DIGITS}" if self._bound < MOST_DIGITS else "without exact it runs"
            raise UsageError(f"iteration 1 needs fractions of {digits} digits; allowed are {self._bound}: {more}")


class ExactCycles(Cycles):
    """Looks for a state that comes back: at first glance in floats, then by its fractions."""

    def __init__(self, first_state: Numbers) -> None:
        super().__init__(in_floats(first_state))
        self._states = [first_state]

    def find(self, states: Numbers) -> tuple[int, int] | None:
        self._states = [*self._states, *states][-3 * self.longest :]
        found = super().find(in_floats(states))
        return found if found is not None and self._has_returned(found[1]) else None

    def _has_returned(self, period: int) -> bool:
        """Whether each of the last two periods' states is within the tolerance of the one a period before."""
        last = self._states[-2 * period :]
        return all(
            abs(now - before).max() * TOLERANCE_PARTS <= abs(now).max()
            for now, before in zip(last, self._states[-3 * period : -period], strict=True)
        )


def _known(progress: Progress | None) -> Progress:
    assert progress is not None
    return progress


def _digits(step: Step, ahead: Forward) -> int:
    """The digits of the longest number of an iteration, the loss that it leads to among them."""
    return max(longest_of(step), longest([ahead.loss]))


def _flat_array(numbers: Iterable[Fraction]) -> Numbers:
    """The fractions in a row."""
    listed = list(numbers)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _sealed(arrays: dict[str, Numbers]) -> dict[str, Numbers]:
    """The arrays as a block of one iteration, each with memory of its own and no longer to be written by anybody."""
    sealed = {name: array.copy()[None] for name, array in arrays.items()}
    for array in sealed.values():
        array.flags.writeable = False
    return sealed


def again_exactly(problem: Problem, start: Start) -> Iterator[Step]:
    """`convstep.descent.again`, in fractions."""
    iterations = Iterations(problem, start)
    if not problem.learns:
        yield iterations.without_update()
        return
    while True:
        yield iterations.advance()


def loss_at(problem: Problem) -> Number:
    """The loss at the problem's filter."""
    return Layer(problem).forward(problem.filter, problem.bias).loss
