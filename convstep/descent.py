"""One iteration after the other, until a rule ends the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convstep.block import Block
from convstep.problem.model import Problem
from convstep.stopping import Ending, Rules
from convstep.trace import FROM_THE_FIRST, Outcome, Start, Step


class Descent:
    """A run in progress: an iterator of Steps that never holds more than one block of them.

    Attributes:
        problem: What is run.
        outcome: How the run ended; ``None`` until the last Step has been handed out.
    """

    def __init__(self, problem: Problem, start: Start = FROM_THE_FIRST) -> None:
        self.problem = problem
        self.start = start
        self.outcome: Outcome | None = None
        self._steps = self._run()

    def __iter__(self) -> Iterator[Step]:
        return self._steps

    def __next__(self) -> Step:
        return next(self._steps)

    def _run(self) -> Iterator[Step]:
        problem, before = self.problem, self.start.iteration - 1
        block = Block(problem, self.start)
        if not problem.learns:
            step = block.without_update()
            self.outcome = Outcome("stopped", before + 1, block.first_loss, problem.filter, problem.bias)
            yield step
            return
        rules = Rules(problem, block.first_loss or 0.0, block.first_state)
        done, count, ending = 0, 1, None
        most = max(1, problem.stop.iterations - before)
        while ending is None and done < most:
            count = min(count, most - done)
            arrays, progress = block.advance(count, done + 1)
            ending = rules.ending(progress)
            rows = ending.rows if ending else count
            if rows:
                last = Step(before + done + rows, arrays, rows - 1)
                loss = float(progress.loss[rows - 1]) if progress.finite[rows - 1] else float("nan")
            for row in range(rows - (ending is not None or done + rows == most)):
                yield Step(before + done + row + 1, arrays, row)
            done += rows
            count = min(4 * count, block.longest)
        ending = ending or Ending(0, "stopped")
        self.outcome = outcome_after(last, ending.status, loss, ending.period)
        if ending.rows or ending.status == "stopped":
            yield last


def outcome_after(last: Step, status: str, loss: float | None, period: int | None = None) -> Outcome:
    """The outcome of a run that ended after this Step."""
    bias = last.new_bias if "new_bias" in last else None
    return Outcome(status, last.iteration, loss, last.new_filter, bias, period)


def descend(problem: Problem) -> Descent:
    """Runs the problem: an iterator that yields one `Step` an iteration until a rule ends the run.

    Small problems are computed a block of up to 256 iterations at a time; memory does not grow with the iterations.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1, 2]], "filter": [[0.5]], "target": [[1, 2]],
    ...                          "learning_rate": 0.1, "stop": {"iterations": 2}})
    >>> [(step.iteration, step.loss) for step in convstep.descend(problem)]
    [(1, 0.625), (2, 0.15625)]
    """
    return run_from(problem)


def run_from(problem: Problem, start: Start = FROM_THE_FIRST) -> Descent:
    """A run that begins at the first iteration or where another one had come to; in fractions if that is asked for."""
    if problem.exact is None:
        return Descent(problem, start)
    from convstep.exact.descent import ExactDescent

    return ExactDescent(problem, start)


def again(problem: Problem, start: Start) -> Iterator[Step]:
    """The iterations of a run from one in the middle of it on, the same numbers once more; no rule ends them.

    Args:
        problem: What was run, with the parameters that the first of them begins with.
        start: The number of the first, and the optimizer's state before it.
    """
    if problem.exact is not None:
        from convstep.exact.descent import again_exactly

        yield from again_exactly(problem, start)
        return
    block = Block(problem, start)
    if not problem.learns:
        yield block.without_update()
        return
    done, count = 0, 1
    while True:
        arrays, _ = block.advance(count, done + 1)
        yield from (Step(start.iteration + done + row, arrays, row) for row in range(count))
        done += count
        count = min(4 * count, block.longest)


def stopped_after(problem: Problem, step: Step) -> Outcome:
    """The outcome of a run that the user stopped after this Step: one more forward pass gives its loss."""
    if "new_filter" not in step:
        return Outcome("stopped", step.iteration, step.loss if "loss" in step else None, problem.filter, problem.bias)
    bias = step.array("new_bias") if "new_bias" in step else None
    return outcome_after(step, "stopped", _loss_at(replace(problem, filter=step.new_filter, bias=bias)))


def _loss_at(problem: Problem) -> float | None:
    """The loss at the problem's filter."""
    if problem.exact is None:
        return Block(problem).first_loss
    from convstep.exact.descent import loss_at

    loss: float | None = None if problem.forward_only else loss_at(problem)
    return loss
