"""Why a run ended, in one sentence with numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from convstep.activations import make_activation
from convstep.arrays import Mask, as_float
from convstep.numbers import cell_text, listing, short
from convstep.problem.model import Exact, Problem
from convstep.reach import Reach
from convstep.trace import Outcome, Step

MATCHING_LOSS = 1e-6
"""Up to this loss an output is said to match its target."""
NAMED_CELLS = 4
"""How many cells a sentence names one by one."""


class Verdict(NamedTuple):
    """What to say of a run that has ended.

    Attributes:
        reason: One sentence that says why it ended, with numbers.
        advice: What to try, with numbers; may be empty.
    """

    reason: str
    advice: tuple[str, ...] = ()


def judge(problem: Problem, outcome: Outcome, first: Step, last: Step, *, interrupted: bool = False) -> Verdict:
    """The verdict on a run.

    Args:
        problem: What was run.
        outcome: How it ended.
        first, last: Its first and its last iteration.
        interrupted: Whether the user stopped it.
    """
    if interrupted:
        return Verdict(f"You stopped it after iteration {outcome.iterations}{_loss_so_far(outcome, first)}.")
    sentence = {
        "converged": _converged,
        "dead": _dead,
        "stationary": _stationary,
        "oscillating": _oscillating,
        "diverged": _diverged,
        "stopped": _stopped,
    }[outcome.status]
    # A number that was cut off ends in … itself.
    return Verdict(sentence(problem, outcome, first, last).replace("….", "…"))


def _loss_of(outcome: Outcome) -> str:
    return short(outcome.loss) if outcome.loss is not None else "unknown"


def _loss_so_far(outcome: Outcome, first: Step) -> str:
    if outcome.loss is None or "loss" not in first:
        return ""
    return f"; the loss went from {short(first.loss)} to {_loss_of(outcome)}"


def _converged(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    meaning = "so the output matches the target" if problem.stop.loss <= MATCHING_LOSS else "as stop.loss asks"
    return f"The loss {_loss_of(outcome)} is at most {short(problem.stop.loss)}, {meaning}."


def _dead(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    opening = f"The gradient is {_size_of_gradient(problem, last)} although the loss is still {_loss_of(outcome)}"
    reach = Reach(problem)
    died, held = reach.died(last), reach.held(last)
    if held.any() and not died.any():
        return f"{opening}: {_held(problem, held)}."
    # Where none could be much better, those that are not quite right keep the run from being at rest.
    return f"{opening}: {_no_way_back(problem, last, died if died.any() else reach.silent(last) & reach.is_produced)}."


def _no_way_back(problem: Problem, last: Step, died: Mask) -> str:
    """Where a slope of 0 lets no error through."""
    flat = last.activation_slope[died]
    how = "0" if not flat.any() else f"at most {short(np.abs(flat).max())}"
    return (
        f"{cells_text(died, 'output')} {are(died)} wrong, but the slope of {problem.activation.name} there is {how}, "
        f"so no error flows back"
    )


def _held(problem: Problem, held: Mask) -> str:
    """What no filter changes."""
    if not problem.input.any():
        return "the input is 0 everywhere, so the filter has no say in the output"
    verb, it = ("sees", "it") if held.sum() == 1 else ("see", "them")
    zeros = "zeros (padding included)" if any(map(any, problem.geometry.padding)) else "zeros"
    return f"{cells_text(held, 'output')} {are(held)} wrong, but {verb} only {zeros}, and no filter changes {it}"


def _stationary(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    opening = f"The gradient is {_size_of_gradient(problem, last)} at the loss {_loss_of(outcome)}"
    if problem.target is None:
        return f"{opening}: nothing changes any more."
    reach, activation = Reach(problem), make_activation(problem.activation, problem.slope_at_zero)
    wrong, held = reach.wrong(last), reach.held(last)
    if (died := reach.died(last)).any():
        return f"{opening}: {_no_way_back(problem, last, died)}."
    beyond = wrong & ~reach.is_produced & ~held
    if beyond.any():
        value = problem.target[beyond][0]
        return (
            f"{opening}: {cells_text(beyond, 'target')} can never be reached, "
            f"{activation.choice.name} does not produce {short(value)}."
        )
    if not wrong.any():
        return f"{opening}: no error is larger than {short(np.abs(last.error).max(), 2)}."
    if not problem.input.any() or not (wrong & ~held).any():
        return f"{opening}: {_held(problem, held)}."
    return f"{opening}: {_balance(problem, held)}."


def _balance(problem: Problem, held: Mask) -> str:
    """What holds what where the run came to rest; some wrong outputs see only zeros."""
    if problem.optimizer.parameters.get("weight_decay"):
        return "the pull of the errors and that of weight decay balance each other"
    which = "the errors of the outputs that see more than zeros" if held.any() else "the errors that are left"
    return f"{which} balance each other, so no small change of the filter helps"


def _oscillating(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    return (
        f"The filter comes back to itself every {outcome.period} iterations and so never settles; "
        f"the loss is {_loss_of(outcome)} where it stopped."
    )


def _diverged(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    if outcome.loss is None or not math.isfinite(as_float(outcome.loss)) or outcome.loss <= first.loss:
        began = f"; the loss began at {short(first.loss)}" if math.isfinite(as_float(first.loss)) else ""
        return f"After iteration {outcome.iterations} a number is too large for a float, or 0 was divided by 0{began}."
    return f"The updates overshoot further and further: the loss rose from {short(first.loss)} to {_loss_of(outcome)}."


def _stopped(problem: Problem, outcome: Outcome, first: Step, last: Step) -> str:
    if problem.forward_only:
        return "There is no target and no output_gradient, so this is the forward pass alone."
    if not problem.learns:
        return "There is no learning_rate, so the gradients are computed and nothing is updated."
    if outcome.digits is not None:
        bound = f"{outcome.digits} digits, and max_digits is {(problem.exact or Exact()).max_digits}"
        return f"The fractions have grown too long: the next iteration needs {bound}{_loss_so_far(outcome, first)}."
    times = "The one iteration" if outcome.iterations == 1 else f"The {outcome.iterations} iterations"
    done = "is done" if outcome.iterations == 1 else "are done"
    return f"{times} asked for {done}{_loss_so_far(outcome, first)}."


def _size_of_gradient(problem: Problem, step: Step) -> str:
    """How small the gradient is, weight decay included, as the rules see it."""
    decay: Any = problem.optimizer.parameters.get("weight_decay", 0)
    size = max(
        np.max(np.abs(step.array(f"{kind}_gradient") + decay * step.array(kind)))
        for kind in ("filter", "bias")
        if kind in step
    )
    with_decay = " with weight decay" if decay else ""
    return f"0{with_decay}" if size == 0 else f"as good as 0{with_decay} (at most {short(size, 2)})"


def are(mask: Mask) -> str:
    """The verb that fits so many cells."""
    return "is" if mask.sum() == 1 else "are"


def cells_text(mask: Mask, name: str) -> str:
    """The cells where the mask holds, by name while they are few."""
    cells = np.argwhere(mask)
    if len(cells) > NAMED_CELLS:
        return f"{len(cells)} of the {mask.size} cells of {name}"
    return listing([f"{name}{cell_text(cell)}" for cell in cells])
