"""A run that one walks through: forward and back, and on other ways from any iteration. Nothing here prints.

A `Line` is one run as far as it has been computed; a `Session` is where somebody stands. Going back shows the very
numbers that were computed before: a line keeps checkpoints (parameters and the optimizer's state) of at most 512 of
its iterations, evenly spread, and computes from the nearest one on again. So memory does not grow with the
iterations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from convstep.activations import ACTIVATIONS
from convstep.arrays import Array
from convstep.descent import again, run_from, stopped_after
from convstep.optimizers import make_optimizer
from convstep.problem.checks import check
from convstep.problem.document import to_document
from convstep.problem.model import Problem
from convstep.problem.overrides import parse, put
from convstep.trace import FROM_THE_FIRST, Outcome, Start, Step

MOST_CHECKPOINTS = 512
"""How many iterations of a line are kept to go on from."""
CHECKPOINT_NUMBERS = 1 << 22
"""How many numbers all checkpoints of a line may hold."""


class Steps(Iterator[Step], Protocol):
    """A run in progress: a `Descent`, or a trace that is read."""

    outcome: Outcome | None


class Checkpoint(NamedTuple):
    """What an iteration begins with."""

    iteration: int
    filter: Array
    bias: Array | None
    state: Mapping[str, Array]


class Line:
    """One run as far as it has been computed.

    Attributes:
        problem: What is run, with the parameters that its first iteration begins with.
        start: Where it begins.
        parent: The line that it branched off, whose iterations come before its own.
        number: 0 for the run itself, then counted up branch by branch.
        changes: What makes it differ from the run itself, as ``learning_rate=0.1``.
        opening, reached: Its first iteration, and the last one computed so far.
    """

    def __init__(
        self,
        problem: Problem,
        steps: Steps,
        start: Start = FROM_THE_FIRST,
        *,
        parent: Line | None = None,
        number: int = 0,
        changes: tuple[str, ...] = (),
        reread: Callable[[], Iterator[Step]] | None = None,
    ) -> None:
        self.problem = problem
        self.start = start
        self.parent = parent
        self.number = number
        self.changes = changes
        self._steps = steps
        self._reread = reread
        self._spacing = 1
        self._checkpoints = [Checkpoint(start.iteration, problem.filter, problem.bias, start.state)]
        self._most = max(2, min(MOST_CHECKPOINTS, CHECKPOINT_NUMBERS // max(1, 4 * problem.filter.size)))
        self.opening = self.reached = next(steps)
        self._remember(self.opening)

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; ``None`` while it has not."""
        return self._steps.outcome

    @property
    def so_far(self) -> Outcome:
        """How the run ended, or how it would if it were stopped now."""
        return self.outcome or stopped_after(self.problem, self.reached)

    def advance(self) -> Step | None:
        """One more iteration; ``None`` where the run is over."""
        step = next(self._steps, None)
        if step is not None:
            self.reached = step
            self._remember(step)
        return step

    def _remember(self, step: Step) -> None:
        """Keeps what the iteration after this one begins with, if its turn has come."""
        if self._reread is not None or "new_filter" not in step:
            return
        if (step.iteration + 1 - self.start.iteration) % self._spacing:
            return
        if len(self._checkpoints) >= self._most:
            self._checkpoints = self._checkpoints[::2]
            self._spacing *= 2
            self._remember(step)
            return
        bias = step.new_bias.copy() if "new_bias" in step else None
        self._checkpoints.append(Checkpoint(step.iteration + 1, step.new_filter.copy(), bias, state_after(step)))

    def line_of(self, iteration: int) -> Line:
        """This line or, for what was before it, the one it branched off."""
        if iteration >= self.start.iteration or self.parent is None:
            return self
        return self.parent.line_of(iteration)

    def walk(self, iteration: int) -> Iterator[Step]:
        """The iterations from this one on, those before the branch included, and computes more at the end."""
        if iteration < self.start.iteration and self.parent is not None:
            yield from islice(self.parent.walk(iteration), self.start.iteration - iteration)
            iteration = self.start.iteration
        if iteration <= self.reached.iteration:
            last = self.reached.iteration
            yield from islice(self._known(iteration), last + 1 - iteration)
        while (step := self.advance()) is not None:
            yield step

    def _known(self, iteration: int) -> Iterator[Step]:
        """Iterations that have been computed before, from this one on."""
        if self._reread is not None:
            return (step for step in self._reread() if step.iteration >= iteration)
        position = bisect_right(self._checkpoints, iteration, key=lambda each: each.iteration) - 1
        found = self._checkpoints[position]
        problem = replace(self.problem, filter=found.filter, bias=found.bias)
        start = self.start._replace(iteration=found.iteration, state=found.state)
        return islice(again(problem, start), iteration - found.iteration, None)

    def pair(self, iteration: int) -> tuple[Step | None, Step]:
        """An iteration that has been computed before, and the one before it."""
        if iteration <= 1:
            return None, next(self.walk(iteration))
        before, step = islice(self.walk(iteration - 1), 2)
        return before, step


def state_after(step: Step) -> dict[str, Array]:
    """The optimizer's state that an iteration left, by the end of a quantity's name, flat."""
    names = [name.removeprefix("filter_") for name in step if name.startswith("filter_")]
    return {
        name: np.concatenate([step.array(f"{kind}_{name}").reshape(-1) for kind in ("filter", "bias") if kind in step])
        for name in names
        if name not in ("gradient", "update")
    }


class Session:
    """Where somebody stands, and the way there.

    Attributes:
        line: The run that is walked on.
        step, before: The present iteration and, where there is one, the one before it.
        branches: How many branches there have been.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.step = line.opening
        self.before: Step | None = None
        self.branches = 0
        self._ways_back: list[tuple[Line, Step, Step | None]] = []

    @property
    def iteration(self) -> int:
        """The number of the present iteration."""
        return self.step.iteration

    @property
    def owner(self) -> Line:
        """The line that the present iteration belongs to: before a branch, the one that it branched off."""
        return self.line.line_of(self.iteration)

    @property
    def at_the_end(self) -> bool:
        """Whether the run is over and this is its last iteration."""
        return self.line.outcome is not None and self.iteration == self.line.reached.iteration

    def ahead(self) -> Iterator[Step]:
        """Goes on, iteration by iteration, for as long as it is asked to."""
        for step in self.line.walk(self.iteration + 1):
            self.before, self.step = self.step, step
            yield step

    def go(self, iteration: int) -> None:
        """Goes to an iteration that has been computed before."""
        self.before, self.step = self.line.pair(iteration)

    def branch(self, setting: str) -> str:
        """Goes on from the present iteration's parameters with one thing changed.

        Args:
            setting: ``KEY=VALUE``, as ``--set`` takes it.

        Returns:
            What there is to say of the optimizer's state; empty if it was carried along or there is none.

        Raises:
            ProblemError: If the problem cannot be changed so; then nothing has happened.
        """
        owner = self.owner
        problem = changed(self.present(), setting)
        start, note = self._start(owner, problem)
        line = Line(
            problem,
            run_from(problem, start),
            start,
            parent=owner,
            number=self.branches + 1,
            changes=(*(change for change in owner.changes if _key(change) != _key(setting)), setting),
        )
        self._ways_back.append((self.line, self.step, self.before))
        self.branches += 1
        self.line, self.step = line, line.opening
        if self.before is not None and _shapes(self.before) != _shapes(self.step):
            self.before = None
        return note

    def present(self) -> Problem:
        """The problem as it now stands: with the parameters that the present iteration begins with."""
        bias = self.step.array("bias") if "bias" in self.step else None
        return replace(self.owner.problem, filter=self.step.filter, bias=bias)

    def _start(self, owner: Line, problem: Problem) -> tuple[Start, str]:
        """Where a branch begins, and what becomes of the optimizer's state."""
        begun = owner.start.counted_from
        anew, goes_on = Start(self.iteration, self.iteration), Start(self.iteration, begun, self.state)
        if not goes_on.state:
            # There is nothing to carry along; a rule of another name, or of other parameters, counts from here.
            return (goes_on if problem.optimizer == owner.problem.optimizer and begun < self.iteration else anew), ""
        if self._fits(goes_on.state, problem, owner.problem):
            return goes_on, ""
        return anew, f"The state of {owner.problem.optimizer.name} does not fit any more: the optimizer begins anew."

    def _fits(self, state: Mapping[str, Array], problem: Problem, before: Problem) -> bool:
        """Whether the optimizer can go on with its state: it is the same one, for the same parameters."""
        if problem.learning_rate is None or problem.optimizer.name != before.optimizer.name:
            return False
        names = make_optimizer(problem.optimizer, problem.learning_rate).state_names
        same_bias = (problem.bias is None) == ("bias" not in self.step)
        return set(names) == set(state) and problem.filter.shape == self.step.filter.shape and same_bias

    @property
    def state(self) -> Mapping[str, Array]:
        """The optimizer's state before the present iteration; empty where there is none."""
        if self.iteration == self.owner.start.iteration:
            return self.owner.start.state
        return {} if self.before is None else state_after(self.before)

    def undo(self) -> str | None:
        """Takes the last branch back and returns what it had changed; ``None`` where there is none."""
        if not self._ways_back:
            return None
        change = self.line.changes[-1]
        self.line, self.step, self.before = self._ways_back.pop()
        return change


def changed(problem: Problem, setting: str) -> Problem:
    """The problem with one setting made.

    >>> import convstep
    >>> changed(convstep.load({"input": [[1, 2]], "filter": [[1]]}), "filter[0,0]=3").filter.tolist()
    [[3.0]]

    Raises:
        ProblemError: With the key at fault.
    """
    data = to_document(problem)
    default = ACTIVATIONS[problem.activation.name].default_slope_at_zero(problem.activation)
    if data.get("slope_at_zero") == default:
        # It was not asked for, and another activation may have another one, or none.
        data.pop("slope_at_zero", None)
    if problem.forward_only:
        # One iteration is all that a forward pass has; with a target it would have the usual number.
        del data["stop"]["iterations"]
    path, value = parse(setting)
    return check(put(data, path, value))


def _key(setting: str) -> str:
    return setting.partition("=")[0].strip()


def _shapes(step: Step) -> dict[str, tuple[int, ...]]:
    return {name: step.array(name).shape for name in ("filter", "pre_activation", "input_gradient") if name in step}
