"""What an optimizer does, in one formula a quantity, with the parameters that the problem gives it."""

from __future__ import annotations

from convstep.optimizers import Adagrad, Adam, Optimizer, RmsProp, Sgd, make_optimizer
from convstep.problem.model import Problem


def optimizer_formula(name: str, problem: Problem) -> str:
    """The formula of an update or of a state; empty for other quantities, and where nothing is learned.

    >>> import convstep
    >>> problem = convstep.load({"input": [[1]], "filter": [[1]], "target": [[2]], "learning_rate": 0.1,
    ...                          "optimizer": {"sgd": {"momentum": 0.9}}})
    >>> optimizer_formula("filter_momentum", problem)
    'm = momentum·(previous m) + ∂L/∂w; in iteration 1 m = ∂L/∂w'
    """
    kind, _, part = name.partition("_")
    if problem.learning_rate is None or kind not in ("filter", "bias"):
        return ""
    letter = "w" if kind == "filter" else "b"
    optimizer = make_optimizer(problem.optimizer, problem.learning_rate)
    gradient = f"∂L/∂{letter}"
    if optimizer.weight_decay:
        gradient = f"(∂L/∂{letter} + weight_decay·{letter})"
    if part == "update":
        return f"Δ{letter} = −{_direction(optimizer, gradient)}"
    return _state(part, optimizer, gradient) if part in optimizer.state_names else ""


def _direction(optimizer: Optimizer, gradient: str) -> str:
    """What the update is the negative of."""
    if isinstance(optimizer, Sgd):
        if not optimizer.momentum:
            return f"learning_rate·{gradient}"
        return "learning_rate·" + (f"({gradient} + momentum·m)" if optimizer.nesterov else "m")
    if isinstance(optimizer, Adam):
        square = "v̂" if optimizer.amsgrad else "v"
        return f"learning_rate/(1 − beta₁^k) · m / (√{square}/√(1 − beta₂^k) + eps), k counts the iterations"
    if isinstance(optimizer, RmsProp):
        return "learning_rate·m" if optimizer.momentum else f"learning_rate·{gradient} / {_spread(optimizer)}"
    decay = isinstance(optimizer, Adagrad) and optimizer.rate_decay
    rate, counts = ("learning_rate/(1 + (k − 1)·lr_decay)", ", k counts the iterations") if decay else (RATE, "")
    return f"{rate} · {gradient} / (√v + eps){counts}"


RATE = "learning_rate"


def _spread(optimizer: RmsProp) -> str:
    return "(√(v − ḡ²) + eps)" if optimizer.centered else "(√v + eps)"


def _state(part: str, optimizer: Optimizer, gradient: str) -> str:
    """How the state is carried on."""
    if isinstance(optimizer, Sgd):
        share = "(1 − dampening)·" if optimizer.dampening else ""
        return f"m = momentum·(previous m) + {share}{gradient}; in iteration 1 m = {gradient}"
    if isinstance(optimizer, Adagrad):
        return f"v = (previous v) + {gradient}²"
    if part == "largest_square_average":
        return "v̂ = max(v, previous v̂)"
    if isinstance(optimizer, RmsProp) and part == "momentum":
        return f"m = momentum·(previous m) + {gradient} / {_spread(optimizer)}"
    letter, share, power = {
        "momentum": ("m", "beta₁", ""),
        "square_average": ("v", "beta₂" if isinstance(optimizer, Adam) else "alpha", "²"),
        "gradient_average": ("ḡ", "alpha", ""),
    }[part]
    return f"{letter} = {share}·(previous {letter}) + (1 − {share})·{gradient}{power}"


def optimizer_meaning(name: str, problem: Problem) -> str:
    """A sentence or two on what a state is for."""
    part = name.partition("_")[2]
    start = " Before iteration 1 it is 0."
    if problem.optimizer.name == "sgd":
        start = ""
    elif problem.optimizer.name == "adagrad":
        start = " Before iteration 1 it is initial_accumulator_value."
    words = {
        "momentum": "The direction the weights have been moving in, which the new gradient only bends.",
        "square_average": "How large this weight's gradients have been; the update is divided by its root, so that "
        "all weights move about equally far.",
        "largest_square_average": "The square average may only grow here, so that steps never become longer again.",
        "gradient_average": "The gradient's running average; taken off, only how much it varies is left.",
    }
    return words[part] + " It is carried from one iteration to the next." + start
