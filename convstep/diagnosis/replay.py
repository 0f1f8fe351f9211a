"""A learner's rule, run to its end beside the right one: what comes of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.descent import again, descend
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.settings import by_ending, first_state
from convstep.diagnosis.simulation import simulated
from convstep.problem.model import Problem
from convstep.stopping import Progress, Rules
from convstep.trace import Start, Step


class Course(NamedTuple):
    """A run by some rule.

    Attributes:
        status: How it ended, by the rules that end every run.
        losses: The loss at the filter that each iteration started from, and at last at the one that it ended with.
        filter: The last filter.
    """

    status: str
    losses: tuple[float, ...]
    filter: Array

    @property
    def iterations(self) -> int:
        """How many were done."""
        return len(self.losses) - 1

    @property
    def lowest(self) -> int:
        """After how many iterations the loss was lowest."""
        finite = np.nan_to_num(np.array(self.losses), nan=np.inf)
        return int(finite.argmin())


class Replay(NamedTuple):
    """Two runs from the same start.

    Attributes:
        ids: The mistakes of the learner's rule.
        learner, right: The runs.
    """

    ids: tuple[str, ...]
    learner: Course
    right: Course


def replay(
    problem: Problem, rules: Sequence[Rule], turned: Sequence[str], tick: Callable[[int], bool] = lambda iteration: True
) -> Replay:
    """Runs a learner's rule to its end, and the right one.

    Args:
        problem: The problem; it learns.
        rules: The wrong ways, as they were found in one iteration.
        turned: The quantities at which the learner's sign changes.
        tick: Told of every iteration; says whether to go on.
    """
    problem = problem.in_floats
    ids = tuple(dict.fromkeys(rule.id for rule in rules))
    return Replay(ids, _course(problem, rules, turned, tick), _right_course(problem))


def _right_course(problem: Problem) -> Course:
    descent = descend(problem)
    losses = [step.loss for step in descent]
    outcome = descent.outcome
    assert outcome is not None
    assert outcome.loss is not None
    return Course(outcome.status, (*losses, outcome.loss), outcome.filter)


def _course(problem: Problem, rules: Sequence[Rule], turned: Sequence[str], tick: Callable[[int], bool]) -> Course:
    endings: Rules | None = None
    losses: list[float] = []
    last: tuple[Step, dict[str, Array]] | None = None
    status, filter_ = "stopped", problem.filter
    for step, numbers in _iterations(problem, rules, turned):
        losses.append(step.loss)
        filter_ = step.filter
        if endings is None:
            endings = Rules(problem, step.loss, _first_state(problem))
        if last is not None:
            ending = endings.ending(_progress(problem, *last, step.loss))
            if ending is not None:
                status = ending.status
                break
        if step.iteration > problem.stop.iterations or not tick(step.iteration):
            break
        last = step, numbers
    return Course(status, tuple(losses), filter_)


def _iterations(
    problem: Problem, rules: Sequence[Rule], turned: Sequence[str]
) -> Iterator[tuple[Step, dict[str, Array]]]:
    """Each iteration at the learner's own filter: the right numbers there, and the learner's."""
    own, before, sums, iteration = problem, first_state(problem), dict[str, Array](), 1
    while True:
        step = next(again(own, Start(iteration, 1, by_ending(before))))
        setting = Setting(own, step, first=problem, before=before, earlier=sums)
        same_ways = _in_this_iteration(setting, rules)
        numbers = simulated(setting, stages_of(setting), same_ways, None, turned)
        yield step, numbers
        if "new_filter" not in numbers or numbers["new_filter"].size != own.filter.size:
            return
        bias = numbers["new_bias"].reshape(own.bias.shape) if own.bias is not None else None
        own = replace(own, filter=numbers["new_filter"].reshape(own.filter.shape), bias=bias)
        before = {name: numbers[name].reshape(before[name].shape) for name in before}
        for name in ("filter_gradient", "bias_gradient"):
            if name in step:
                sums[name] = sums.get(name, np.zeros(())) + step.array(name)
        iteration += 1


def _in_this_iteration(setting: Setting, rules: Sequence[Rule]) -> list[Rule]:
    """The same wrong ways, as they are in this iteration; those that cannot be made in it left out."""
    wanted = [(rule.id, rule.stage, rule.way) for rule in rules]
    return [rule for rule in rules_of(setting) if (rule.id, rule.stage, rule.way) in wanted]


def _first_state(problem: Problem) -> Array:
    """What may come back later, as it is before iteration 1: the parameters, and what the optimizer keeps."""
    parameters = [problem.filter, *([] if problem.bias is None else [problem.bias])]
    return np.concatenate([np.asarray(each).reshape(-1) for each in (*parameters, *first_state(problem).values())])


def _progress(problem: Problem, step: Step, numbers: dict[str, Array], loss_after: float) -> Progress:
    """What the rules that end a run look at: the step that the learner really took."""
    kinds = ["filter", *(["bias"] if problem.bias is not None else [])]
    new = np.concatenate([numbers[f"new_{kind}"].reshape(-1) for kind in kinds])
    old = np.concatenate([step.array(kind).reshape(-1) for kind in kinds])
    state = np.concatenate([new, *(numbers[name].reshape(-1) for name in first_state(problem))])
    moved = (new - old)[None]
    assert problem.learning_rate is not None
    return Progress(
        first_iteration=step.iteration,
        finite=np.array([bool(np.isfinite(new).all())]),
        loss=np.array([loss_after]),
        gradient=moved / problem.learning_rate,
        update=moved,
        output_gradient=step.output_gradient.reshape(1, -1),
        delta=step.delta.reshape(1, -1),
        states=state[None],
    )
