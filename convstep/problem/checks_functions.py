"""Activation, loss and optimizer: is there such a function, and are its parameters right?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstep.activations import ACTIVATIONS
from convstep.choices import Choice, Parameter, Value
from convstep.errors import Path, ProblemError
from convstep.losses import LOSSES
from convstep.optimizers import OPTIMIZERS
from convstep.problem.checks_numbers import flag, in_range, is_list, number, word
from convstep.problem.keys import mapping, present, unknown_name
from convstep.words import quoted, visible


def activation(value: Any) -> Choice:
    """The activation and its parameters."""
    return _choice(value, "activation", {name: kind.parameters for name, kind in ACTIVATIONS.items()})


def loss(value: Any) -> Choice:
    """The loss and its parameters."""
    if value == "cross_entropy" or (isinstance(value, Mapping) and "cross_entropy" in value):
        message = "cross_entropy needs a chain of layers that ends in softmax or sigmoid, which is not supported yet"
        raise ProblemError(message, ("loss",))
    return _choice(value, "loss", {name: kind.parameters for name, kind in LOSSES.items()})


def optimizer(value: Any) -> Choice:
    """The optimizer and its parameters."""
    choice = _choice(value, "optimizer", {name: kind.parameters for name, kind in OPTIMIZERS.items()})
    if choice.parameters.get("nesterov") and not (choice.number("momentum") > 0 and choice.number("dampening") == 0):
        message = "needs momentum above 0 and dampening 0"
        raise ProblemError(message, ("optimizer", choice.name, "nesterov"))
    return choice


def slope_at_zero(value: Any, chosen: Choice) -> float | None:
    """The slope that the activation takes at exactly 0; ``None`` where its derivative leaves no choice."""
    kind, path = ACTIVATIONS[chosen.name], ("slope_at_zero",)
    if not kind.takes_slope_at_zero:
        if value is None:
            return None
        able = " and ".join(name for name, each in ACTIVATIONS.items() if each.takes_slope_at_zero)
        message = f"only {able} have a choice at 0; {chosen.name} has none: leave this key out"
        raise ProblemError(message, path, at_key=True)
    default = kind.default_slope_at_zero(chosen)
    if value is None or _is_number(value, default):
        # A leak outside of 0 to 1 is its own default, and a document spells the default out.
        return default
    return in_range(value, path, least=0, most=1)


def _is_number(value: Any, expected: float) -> bool:
    """Whether the value is this number, however it is written."""
    try:
        return number(value, ()) == expected
    except ProblemError:
        return False


def _choice(value: Any, what: str, table: Mapping[str, Mapping[str, Parameter]]) -> Choice:
    """A name, or a mapping from one name to its parameters; defaults filled in."""
    name, parameters = _name_and_parameters(value, what)
    if name not in table:
        raise ProblemError(unknown_name(what, name, table), (what,))
    known = table[name]
    path = (what, name)
    given = present(mapping(parameters, path, "a mapping of parameters"), known, path)
    values = {
        key: _parameter(given[key], (*path, key), known[key]) if key in given else known[key].default for key in known
    }
    return Choice(name, values)


def _name_and_parameters(value: Any, what: str) -> tuple[str, Any]:
    if isinstance(value, str):
        return value, {}
    article = "an" if what[0] in "aeiou" else "a"
    named = mapping(value, (what,), f"the name of {article} {what}, alone or with its parameters")
    if len(named) != 1:
        found = ", ".join(visible(key) for key in list(named)[:4]) if named else "none"
        raise ProblemError(f"expected one {what}, found {found}", (what,))
    ((name, parameters),) = named.items()
    return name, {} if parameters is None else parameters


def _parameter(value: Any, path: Path, parameter: Parameter) -> Value:
    """One parameter's value, of the same type as its default."""
    default = parameter.default
    if isinstance(default, bool):
        return flag(value, path)
    if isinstance(default, str):
        return word(value, path, parameter.words)
    if isinstance(default, tuple):
        return _two_numbers(value, path, parameter)
    return _number(value, path, parameter)


def _two_numbers(value: Any, path: Path, parameter: Parameter) -> tuple[float, float]:
    if not is_list(value) or len(value) != 2:
        found = f"a list of {len(value)}" if is_list(value) else quoted(value)
        raise ProblemError(f"expected two numbers, as in {list(parameter.default)}, found {found}", path)  # type: ignore[arg-type]
    return _number(value[0], (*path, 0), parameter), _number(value[1], (*path, 1), parameter)


def _number(value: Any, path: Path, parameter: Parameter) -> float:
    return in_range(value, path, least=parameter.least, above=parameter.above, below=parameter.below)
