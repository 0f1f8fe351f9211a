"""Conventions on the page of a diagnosis: that one is fine, and that both lead to the same numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.text import Text

from convstep.arrays import Array
from convstep.diagnosis.catalogue import CONVENTIONS
from convstep.diagnosis.result import Diagnosis
from convstep.numbers import short
from convstep.render.layout import Block, Term, equation
from convstep.render.matrix import Look, array_block
from convstep.render.paragraphs import paragraphs

AXES: Mapping[str, tuple[str, ...]] = {
    "output": ("image", "filter"),
    "input": ("image", "channel"),
    "filter": ("filter", "channel"),
}
"""What the leading axes of an array stand for."""


def titled(title: str, like: str, numbers: Array, look: Look) -> Block:
    """Numbers of the same shape as a quantity, with their axes named."""
    axes = AXES.get(like, ())
    shown = axes[-(numbers.ndim - 2) :] if numbers.ndim > 2 else ()
    return array_block(Text(title, style="italic"), numbers, look, axes=shown)


AMOUNT = "You write the update as what is to be taken off, η·∂L/∂w, and subtract it. That is harmless."


TURNED_BACK = (
    "You write the error as t − a, and change the sign on the way, as in δ = −(t − a)·f′(z). That is harmless."
)
"""Where the error has the other sign, and what is made of it has not."""


def convention_says(diagnosis: Diagnosis, name: str) -> str:
    """What a convention is, as this learner uses it."""
    if is_amount(diagnosis, name):
        return AMOUNT
    upright = [each.name for each in diagnosis.quantities if each.status == "right" and np.nan_to_num(each.given).any()]
    if name != "error-sign" or not {*upright} & SIGNED:
        return CONVENTIONS[name]
    gradient = "filter_gradient" in upright
    return f"{TURNED_BACK}{' Your gradient is ∂L/∂w itself, and is subtracted.' if gradient else ''}"


SIGNED = {"output_gradient", "delta", "filter_gradient", "bias_gradient", "input_gradient"}
"""What has the other sign, too, where the sign of t − a is carried along."""


def is_amount(diagnosis: Diagnosis, convention: str) -> bool:
    """Whether only updates have the other sign."""
    turned = [each.name for each in diagnosis.quantities if each.id == convention]
    return bool(turned) and all(name.endswith("_update") for name in turned)


def proof(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """Both conventions side by side, on the learner's own numbers: they lead to the same new filter."""
    setting, problem = diagnosis.reading.setting, diagnosis.reading.setting.problem
    plain = problem.learns and problem.optimizer.name == "sgd" and not any(problem.optimizer.parameters.values())
    if not plain or float(diagnosis.reading.values.get("filter_sign", np.ones(1))[0]) > 0:
        return []
    numbers = {
        name: setting.shaped(name, setting.truth[name][0]) for name in ("filter", "filter_gradient", "new_filter")
    }
    rate = short(problem.learning_rate or 0.0)

    def update(operator: str, name: str, gradient: Array) -> list[Text]:
        terms = [("", "filter", numbers["filter"]), (f"{operator} {rate} ·", name, gradient)]
        terms.append(("=", "new_filter", numbers["new_filter"]))
        blocks = [Term(sign, titled(title, "filter", each, look)) for sign, title, each in terms]
        return [Text(), *equation(blocks, look.width)]

    return [
        *update("+", "yours", 0.0 - numbers["filter_gradient"]),
        *update("−", "filter_gradient", numbers["filter_gradient"]),
    ]


def hidden_sign(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """What the mistake rests on where no number shows which error the learner works with."""
    if not any(rule.turns for way in diagnosis.ways for rule in way.rules):
        return []
    says = "Your numbers fit an error of t − a, whose gradient is added; with a − t it is to be subtracted."
    return [*paragraphs(says, look.width), Text()]


def convention_lines(diagnosis: Diagnosis, look: Look) -> list[Text]:
    """That a convention is no mistake, where there is one beside a mistake."""
    amount = "you write the update as what is to be taken off"
    shorts = [amount if is_amount(diagnosis, name) else _short_convention(name) for name in diagnosis.conventions]
    says = [f"That {short} is no mistake: it is a convention." for short in shorts]
    return [line for each in says for line in [*paragraphs(each, look.width), Text()]]


def _short_convention(name: str) -> str:
    return "you write the error as t − a" if name == "error-sign" else "you write −∂L/∂w for the gradient"
