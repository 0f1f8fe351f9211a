"""A function chosen by name, with its parameters: how activations, losses and optimizers are asked for.

In a problem file ``relu``, ``{leaky_relu: {slope: 0.1}}`` and ``{sgd: {momentum: 0.9}}`` are all of this form.
The tables in `activations`, `losses` and `optimizers` say which names and parameters there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Value = float | bool | str | tuple[float, float]
"""What a parameter holds."""


class Parameter(NamedTuple):
    """One parameter of a function: its default and what it may be.

    Attributes:
        default: The value where the problem names none; its type is the type expected
            (a number, true or false, a word of `words`, or a pair of numbers).
        least: The smallest number allowed, if there is one.
        above: A number that the value must exceed, if there is one.
        below: A number that the value must stay under, if there is one.
        words: The words allowed, for a parameter that is a word.
    """

    default: Value
    least: float | None = None
    above: float | None = None
    below: float | None = None
    words: tuple[str, ...] = ()


class Choice:
    """A function's name and all its parameters, defaults filled in.

    >>> Choice("leaky_relu", {"slope": 0.1}).spelled
    {'leaky_relu': {'slope': 0.1}}
    >>> Choice("relu").spelled
    'relu'
    """

    # No dataclass: that takes most of a millisecond at every start.
    __slots__ = ("_name", "_parameters")

    def __init__(self, name: str, parameters: Mapping[str, Value] = MappingProxyType({})) -> None:
        self._name = name
        self._parameters = MappingProxyType(dict(parameters))

    @property
    def name(self) -> str:
        """The function's name."""
        return self._name

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Its parameters, by name."""
        return self._parameters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and (self.name, self.parameters) == (other.name, other.parameters)

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted(self.parameters))))

    def __repr__(self) -> str:
        return f"Choice({self.name!r}, {dict(self.parameters)!r})"

    def completed(self, known: Mapping[str, Parameter]) -> Choice:
        """The choice with the defaults of the parameters that it does not name."""
        return Choice(self.name, {name: known[name].default for name in known} | dict(self.parameters))

    def converted(self, convert: Callable[[str, Any], Any]) -> Choice:
        """The choice with each number, those of pairs included, as `convert` makes it from its name and value."""

        def one(name: str, value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(one(name, each) for each in value)
            return value if isinstance(value, (bool, str)) else convert(name, value)

        return Choice(self.name, {name: one(name, value) for name, value in self.parameters.items()})

    def number(self, parameter: str) -> float:
        """The parameter's value, where it is a number; in an exact problem a fraction."""
        value = self.parameters[parameter]
        if isinstance(value, (str, tuple)):
            raise TypeError(f"{self.name}.{parameter} is not a number")
        return float(value) if isinstance(value, (float, int)) else value

    @property
    def spelled(self) -> str | dict[str, dict[str, Value]]:
        """The choice as a problem file writes it."""
        return {self.name: dict(self.parameters)} if self.parameters else self.name
