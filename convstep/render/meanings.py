"""What each quantity is, in one formula and a sentence or two, for the problem at hand."""

from __future__ import annotations

from collections.abc import Sequence

from convstep.activation_base import Piece
from convstep.activations import make_activation
from convstep.losses import make_loss
from convstep.numbers import listing, short
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.render.update_formulas import optimizer_formula, optimizer_meaning

AT_ZERO = "slope_at_zero"
SLOPE = "The same small change of z changes a by f′(z) times as much, so the error is passed back times f′(z). "


def formula(name: str, problem: Problem) -> str:
    """The quantity's formula for this problem's stride, dilation, operation, activation and loss."""
    activation = make_activation(problem.activation, problem.slope_at_zero)
    loss = make_loss(problem.loss)
    x, w, z = _cells(problem)
    b = "b[f]" if problem.bias is not None and problem.bias.ndim else "b"
    bias = f" + {b}" if problem.bias is not None else ""
    given = problem.target is None
    target = "f(t)" if problem.target_through_activation else "t"
    return (
        {
            "input": "x",
            "target": "t",
            "pre_activation": f"z{z} = Σ x{x}·w{w}{bias}",
            "output": f"a = f(z) = {_pieces(activation.pieces, activation.piece_at(0.0))}",
            "activated_target": "f(t)",
            "error": f"e = a − {target}",
            "loss": "L = Σ a·∂L/∂a" if given else f"L = {loss.formula}".replace("a − t", f"a − {target}"),
            "output_gradient": "∂L/∂a, given in the problem"
            if given
            else f"∂L/∂a = {loss.gradient_formula}".replace("a − t", f"a − {target}"),
            "activation_slope": f"f′(z) = {_pieces(activation.slope_pieces, activation.slope_piece_at(0.0))}".replace(
                AT_ZERO, f"{short(activation.slope_at_zero)} ({AT_ZERO})"
            ),
            "delta": "δ = ∂L/∂z = ∂L/∂a · f′(z)",
            "filter_gradient": f"∂L/∂w{w} = Σ δ{z}·x{x}",
            "bias_gradient": f"∂L/∂b[f] = Σ δ{z}" if b == "b[f]" else "∂L/∂b = Σ δ",
            "input_gradient": f"∂L/∂x{x} gets δ{z}·w{w} from every window that holds it",
            "new_filter": "w′ = w + Δw",
            "new_bias": "b′ = b + Δb",
        }.get(name)
        or optimizer_formula(name, problem)
        or f"{QUANTITIES[name].symbol}, {QUANTITIES[name].meaning}"
    )


def _pieces(pieces: Sequence[Piece], at_zero: Piece) -> str:
    """A function in its pieces; one that has parameters to choose its only piece says which."""
    if len(pieces) == 1:
        return at_zero.formula
    return ", ".join(f"{piece.formula} where {piece.where}" for piece in pieces)


def _cells(problem: Problem) -> tuple[str, str, str]:
    """The cells of x, w and z that meet: [row, column] alone, or all indices that the problem's arrays have."""
    g = problem.geometry
    c = "c" if g.group_channels > 1 else "0"
    image, filters = ["n"] * (problem.input.ndim == 4), ["f"] * (problem.filter.ndim == 4)
    before_x = [*image, _channel(problem, c)] if problem.input.ndim > 2 else []
    before_w = [*filters, c] if problem.filter.ndim > 2 else []
    row, column = _steps(problem)
    x = ", ".join([*([",".join(before_x)] if before_x else []), row, column])
    return f"[{x}]", _weight(problem, before_w), f"[{','.join([*image, *filters, 'i', 'j'])}]"


def _channel(problem: Problem, c: str) -> str:
    """The channel of the input that channel c of filter f looks at."""
    g = problem.geometry
    if problem.groups == 1:
        return c
    group = "f" if g.group_filters == 1 else f"floor(f/{g.group_filters})"
    return group if g.group_channels == 1 else f"{g.group_channels}·{group}+{c}"


def _weight(problem: Problem, before: Sequence[str]) -> str:
    """The cell of the weight that tap [p,q] is: for a true convolution counted from the filter's end."""
    if problem.operation != "convolution":
        return f"[{','.join([*before, 'p', 'q'])}]"
    rows, columns = problem.filter.shape[-2:]
    taps = f"{rows - 1}−p, {columns - 1}−q"
    return f"[{','.join(before)}, {taps}]" if before else f"[{taps}]"


def _steps(problem: Problem) -> tuple[str, str]:
    """Which row and column of the input tap [p,q] meets at output [i,j]."""
    parts = []
    for letter, tap, stride, dilation, (before, _) in zip(
        "ij", "pq", problem.stride, problem.dilation, problem.padding, strict=True
    ):
        row = f"{letter if stride == 1 else f'{stride}·{letter}'}+{tap if dilation == 1 else f'{dilation}·{tap}'}"
        parts.append(f"{row}−{before}" if before else row)
    return parts[0], parts[1]


def meaning(name: str, problem: Problem) -> str:
    """One or two sentences on what the quantity is for."""
    kind = "filter" if name.endswith("filter") or name.startswith("filter") else "bias"
    words = {
        "input": "What the filter is laid over; it stays the same in every iteration.",
        "target": "What the output should become.",
        "filter": "The weights this iteration starts from: in the first the problem's, then those that the iteration "
        "before ended with.",
        "bias": "The bias this iteration starts from: in the first the problem's, then the one that the iteration "
        "before ended with.",
        "pre_activation": _pre_activation(problem),
        "output": "The activation is applied to each number by itself." + _letters(problem),
        "activated_target": "The target goes through the activation first, so that the output can reach it.",
        "error": "How far the output is above the target: negative where it is below.",
        "loss": "One number for all errors; learning means to make it smaller.",
        "output_gradient": "How the loss changes when an output grows a little: what the loss sends back.",
        "activation_slope": _slope(problem),
        "delta": "How the loss changes when z grows a little. The slope stands here by the chain rule: without it a "
        "nonlinear layer would be trained as if it were linear.",
        "filter_gradient": _filter_gradient(problem),
        "bias_gradient": "The bias is added at every position, so the deltas of all positions add up.",
        "input_gradient": _input_gradient(problem),
    }
    update = {
        f"{kind}_update": "What is added to make the loss smaller. The minus sign goes down the slope of the loss; a "
        "plus would climb it.",
        f"new_{kind}": f"The next iteration starts from this {kind}.",
    }
    return (words | update).get(name) or optimizer_meaning(name, problem)


def _pre_activation(problem: Problem) -> str:
    text = "The filter is laid over a window of the input, what meets is multiplied, and the products are added."
    if problem.operation == "convolution":
        text += (
            " This is a true convolution: the filter is rotated by 180° first, so its last weight meets the first cell."
        )
    if any(map(any, problem.padding)):
        text += " Where the window hangs over the border it meets padding, zeros."
    return text


def _slope(problem: Problem) -> str:
    if problem.activation.name == "relu":
        return (
            SLOPE
            + "ReLU passes what is above 0 as it is (slope 1) and cuts the rest (slope 0): there nothing flows back."
        )
    if problem.activation.name == "linear":
        return SLOPE + "A linear layer passes everything as it is: slope 1."
    return SLOPE.strip() + _letters(problem)


def _letters(problem: Problem) -> str:
    """What the letters of a formula stand for that are on no page."""
    activation = make_activation(problem.activation)
    names = {
        "σ(": "σ(z) = 1 / (1 + exp(−z))",
        "Φ(": "Φ(z) is the share of the normal distribution below z",
        "φ(": "φ(z) its density, exp(−½z²)/√(2π)",
        "t)": "t = tanh(√(2/π)·(z + 0.044715·z³))",
        "u": "u = √(2/π)·(1 + 0.134145·z²)",
    }
    formulas = activation.piece_at(0.0).formula + activation.slope_piece_at(0.0).formula
    if problem.activation.name not in ("silu", "gelu"):
        return ""
    return f" Here {listing(meaning for sign, meaning in names.items() if sign in formulas)}."


def _filter_gradient(problem: Problem) -> str:
    text = (
        "Every position used the same weight, so each has its say: the gradient of a shared weight is the sum, over "
        "all positions, of the position's δ times the input that the weight met there."
    )
    if problem.stride != (1, 1):
        text += " Neighbouring outputs lie a stride apart in the input, and so do the cells that their δ meets."
    if problem.operation == "convolution":
        text += " The sum belongs to the rotated filter; here it stands at the weight's own place, rotated back."
    return text


def _input_gradient(problem: Problem) -> str:
    text = (
        "A cell of the input took part in every window that held it; each sends back its δ times the weight that met "
        "the cell."
    )
    if problem.operation == "convolution":
        return text + " Seen as one operation it is a full correlation of δ with the filter as it is: rotated twice."
    return text + " Seen as one operation it is a full correlation of δ with the filter rotated by 180°."
