"""From a problem to the exercise that one of its iterations is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from convstep.arrays import Array
from convstep.descent import again, descend
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.following import went_on_with
from convstep.diagnosis.paper import on_paper
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.simulation import same
from convstep.diagnosis.written import finest, read_written
from convstep.errors import UsageError
from convstep.near_zero import Watch
from convstep.optimizers import make_optimizer
from convstep.problem.exact import decimals
from convstep.problem.model import Problem
from convstep.trace import Start, Step
from convstep.words import counted

GRADIENTS = ("filter_gradient", "bias_gradient")


def setting_at(problem: Problem, iteration: int, earlier: Sequence[Mapping[str, Any]] = ()) -> Setting:
    """The exercise of an iteration.

    Args:
        problem: The problem.
        iteration: Which one, counted from 1.
        earlier: The learner's attempts at earlier iterations; the last new filter among them is gone on from.

    Raises:
        UsageError: The run does not reach it.
    """
    steps = _Steps(problem)
    setting = _setting(problem, steps, iteration, earlier)
    if steps.near_zero and (exact := on_paper(problem, iteration)) is not None:
        setting = _setting(exact, _Steps(exact), iteration, earlier)
    return setting


def _setting(problem: Problem, steps: _Steps, iteration: int, earlier: Sequence[Mapping[str, Any]]) -> Setting:
    problem, doubt = problem.in_floats, 0.0
    for mine in sorted(earlier, key=lambda each: int(each.get("iteration", 1))):
        doubt = steps.go_on_from(mine) if problem.learns else 0.0
    of_run = _of_run(steps.problem, iteration) if steps.is_own else {}
    return _setting_of(steps, steps.at(iteration), doubt, of_run)


def _of_run(problem: Problem, iteration: int) -> Mapping[str, Array]:
    """What the problem's own run has in an iteration; nothing if it does not reach it."""
    step = next((step for step in descend(problem) if step.iteration == iteration), None)
    return {} if step is None else {name: step.in_floats.array(name) for name in step}


def _setting_of(
    steps: _Steps, step: Step, doubt: float = 0.0, of_run: Mapping[str, Array] = MappingProxyType({})
) -> Setting:
    problem = steps.problem.in_floats
    return Setting(
        replace(problem, filter=step.filter, bias=step.bias if "bias" in step else None),
        step,
        first=problem,
        before=dict(steps.before),
        earlier=dict(steps.sums),
        accumulated=dict(steps.accumulated),
        of_run=of_run,
        doubt=doubt,
        is_own=steps.is_own,
    )


class _Steps:
    """The iterations of a run, in floats, with what was summed and kept before each.

    Attributes:
        before: The optimizer's state before the iteration last asked for.
        sums: The sums of the gradients of the iterations before it.
        accumulated: The gradients that the learner wrote in the iteration before it.
        is_own: Whether they go on from a learner's own numbers.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.before = first_state(problem.in_floats)
        self.sums: dict[str, Array] = {}
        self.accumulated: dict[str, Array] = {}
        self.done = 0
        self.is_own = False
        self._steps: Iterator[Step] = iter(descend(problem))
        self._watch = Watch(problem.in_floats)

    @property
    def near_zero(self) -> bool:
        """Whether a z was met that may be 0 on paper."""
        return bool(self._watch.found)

    def at(self, iteration: int) -> Step:
        """The iteration, gone on to from the one before."""
        while True:
            step = next(self._steps, None)
            if step is None:
                reached = counted(self.done, "iteration")
                raise UsageError(f"there is no iteration {iteration}: the run ends after {reached}")
            step = step.in_floats
            self.done = step.iteration
            self._watch.look(step)
            if step.iteration == iteration:
                return step
            self._keep(step)

    def _keep(self, step: Step) -> None:
        """What the iterations after this one need of it."""
        self.before = {name: step.array(name) for name in self.before}
        self.accumulated = {}
        for name in GRADIENTS:
            if name in step:
                self.sums[name] = self.sums.get(name, np.zeros(())) + step.array(name)

    def go_on_from(self, mine: Mapping[str, Any]) -> float:
        """Puts the learner's own numbers in the place of the right ones; returns a unit of their digits.

        What was not written follows from what was: the new parameters, and the optimizer's state.
        """
        step = self.at(int(mine.get("iteration", 1)))
        written = read_written(mine)
        setting = _setting_of(self, step)
        with np.errstate(all="ignore"):
            numbers, doubts = went_on_with(setting, stages_of(setting), written, finest(written))
        self._keep(step)
        self.accumulated = {
            name: setting.shaped(name, float(numbers[f"{name.partition('_')[0]}_sign"][0]) * numbers[name][0])
            for name in GRADIENTS
            if name in written and name in step
        }
        parameters: dict[str, Any] = {
            kind: setting.shaped(f"new_{kind}", numbers[f"new_{kind}"][0]) for kind in _kinds(step)
        }
        if not any(f"new_{kind}" in written for kind in parameters) and all(
            same(numbers[f"new_{kind}"], setting.truth[f"new_{kind}"]) for kind in parameters
        ):
            return 0.0
        unit = max(float(doubts[f"new_{kind}"].max()) for kind in parameters)
        for kind in _kinds(step):
            for name in (each for each in self.before if each.startswith(f"{kind}_")):
                sign = float(numbers[f"{kind}_sign"][0]) if name.endswith("_momentum") else 1.0
                self.before[name] = setting.shaped(name, sign * numbers[name][0])
        made = by_ending(self.before)
        if self.problem.exact is not None:
            parameters = {kind: decimals(each) for kind, each in parameters.items()}
            made = {name: decimals(each) for name, each in made.items()}
        problem = replace(self.problem, **parameters)
        self.is_own = True
        self._steps = again(problem, Start(step.iteration + 1, 1, made))
        return unit


def _kinds(step: Step) -> list[str]:
    """The parameters that an iteration changes."""
    return [kind for kind in ("filter", "bias") if f"new_{kind}" in step]


def first_state(problem: Problem) -> dict[str, Array]:
    """The optimizer's state before iteration 1, by quantity."""
    if not problem.learns or problem.learning_rate is None:
        return {}
    optimizer = make_optimizer(problem.optimizer, problem.learning_rate)
    parameters = {"filter": problem.filter} | ({} if problem.bias is None else {"bias": problem.bias})
    return {
        f"{kind}_{name}": np.full(value.shape, optimizer.first_state(name))
        for kind, value in parameters.items()
        for name in optimizer.state_names
    }


def by_ending(state: Mapping[str, Array]) -> dict[str, Array]:
    """The state as a run wants it: by the end of its name, the filter's numbers first, flat."""
    endings = dict.fromkeys(name.partition("_")[2] for name in state)
    kinds = ("filter", "bias")
    return {
        ending: np.concatenate([state[f"{kind}_{ending}"].reshape(-1) for kind in kinds if f"{kind}_{ending}" in state])
        for ending in endings
    }
