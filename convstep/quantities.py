"""The names of everything that one iteration holds: the only names, in the order of the calculation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Quantity(NamedTuple):
    """One quantity of an iteration.

    Attributes:
        name: Its name in tables, JSON, options and Python.
        symbol: How it is written on paper.
        like: Whose shape it has: ``filter``, ``bias``, ``output``, ``input`` or ``number``.
        meaning: A few words.
    """

    name: str
    symbol: str
    like: str
    meaning: str


def _of_parameters(kind: str, symbol: str) -> list[Quantity]:
    """The optimizer's state for one kind of parameter."""
    return [
        Quantity(f"{kind}_momentum", f"m({symbol})", kind, "running direction of the optimizer"),
        Quantity(f"{kind}_square_average", f"v({symbol})", kind, "running average (adagrad: sum) of squared gradients"),
        Quantity(f"{kind}_largest_square_average", f"v̂({symbol})", kind, "largest square average so far (amsgrad)"),
        Quantity(f"{kind}_gradient_average", f"ḡ({symbol})", kind, "running average of gradients (centered rmsprop)"),
    ]


QUANTITIES: Mapping[str, Quantity] = {
    quantity.name: quantity
    for quantity in [
        Quantity("filter", "w", "filter", "the filter before the update"),
        Quantity("bias", "b", "bias", "the bias before the update"),
        Quantity("pre_activation", "z", "output", "x ⋆ w + b"),
        Quantity("output", "a", "output", "f(z)"),
        Quantity("activated_target", "f(t)", "output", "the target passed through the activation"),
        Quantity("error", "e", "output", "a − t"),
        Quantity("loss", "L", "number", "one number that says how wrong the output is"),
        Quantity("output_gradient", "∂L/∂a", "output", "what the loss sends back"),
        Quantity("activation_slope", "f′(z)", "output", "the derivative of the activation at z"),
        Quantity("delta", "δ", "output", "∂L/∂z = output_gradient ⊙ activation_slope"),
        Quantity("filter_gradient", "∂L/∂w", "filter", "x ⋆ δ: every window of the input times its δ, summed"),
        Quantity("bias_gradient", "∂L/∂b", "bias", "Σδ"),
        Quantity("input_gradient", "∂L/∂x", "input", "every δ times the filter, put back where its window was"),
        *_of_parameters("filter", "w"),
        *_of_parameters("bias", "b"),
        Quantity("filter_update", "Δw", "filter", "what the optimizer adds to the filter"),
        Quantity("bias_update", "Δb", "bias", "what the optimizer adds to the bias"),
        Quantity("new_filter", "w′", "filter", "w + Δw"),
        Quantity("new_bias", "b′", "bias", "b + Δb"),
    ]
}
"""Every quantity by its name, in the order of the calculation."""
