"""Equations read back from a page as a reader with a pencil would: what is printed, worked out exactly.

It shares nothing with the code that prints them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convstep.problem.model import Problem

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:\.\d+)?(?:e[−-]?\d+)?(?![A-Za-z0-9_.])")
RELATION = re.compile(r"\s+([=≈])\s+")


class NotRationalError(Exception):
    """A function of a fraction that is none."""


class Irrational:
    """A number that is no fraction; 0 times it is 0 all the same."""

    def _with(self, other: Any) -> Irrational:
        return self

    def _times(self, other: Any) -> Any:
        return Fraction(0) if other == 0 else self

    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = __pow__ = _with
    __mul__ = __rmul__ = __rtruediv__ = _times

    def __neg__(self) -> Irrational:
        return self


class Printed(NamedTuple):
    """An equation as it is printed: a name, and sides, each with the sign before it."""

    name: str
    sides: list[str]
    relations: list[str]

    @property
    def calculation(self) -> str:
        """What has to be worked out; empty where only names and a number stand."""
        return self.sides[-2] if len(self.sides) > 2 else ""

    @property
    def result(self) -> Fraction:
        return number(self.sides[-1])


def number(text: str) -> Fraction:
    """A printed number; the minus sign is a real one."""
    return Fraction(text.replace("−", "-"))


def parsed(lines: Sequence[str]) -> Printed:
    """The lines of one equation."""
    name, *rest = RELATION.split(" ".join(" ".join(lines).split()) + " ")
    return Printed(name.strip(), [side.strip() for side in rest[1::2]], rest[::2])


def equations(page: str) -> list[Printed]:
    """The equations of a page, each beginning with a cell's name at an indent of two."""
    found: list[list[str]] = []
    for line in page.splitlines():
        if re.match(r"  [a-z_]+(\[[\d,]+\])?( [=≈] |$)", line):
            found.append([line])
        elif found and found[-1] and line.startswith("    ") and not re.match(r"    ([A-Z]|z is)", line):
            found[-1].append(line)
        else:
            found.append([])  # the rest of a note too
    return [parsed(lines) for lines in found if any(re.search(r"[=≈] ", line) for line in lines)]


def python(text: str) -> str:
    """The calculation in Python's signs, each number exact."""
    text = re.sub(r"\(\d+ more terms: (\S+)\)", r"(\1)", text)
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text)
    text = NUMBER.sub(lambda found: f"N('{found[0].replace('−', '-')}')", text)
    text = re.sub(r"√(N\([^)]*\))", r"root(\1)", text).replace("√(", "root(")
    for sign, meant in {"½": "N('1/2')", "−": "-", "·": "*", "²": "**2", "^": "**", "′": "_slope"}.items():
        text = text.replace(sign, meant)
    return text


def exactly(text: str, problem: Problem) -> Fraction:
    """What the calculation gives.

    Raises:
        NotRationalError: If that is no fraction.
    """
    value = eval(python(text), {"__builtins__": {}}, namespace(problem))
    if isinstance(value, Irrational):
        raise NotRationalError
    assert isinstance(value, Fraction)
    return value


def namespace(problem: Problem) -> dict[str, Any]:
    """All that may stand in a calculation."""
    names: dict[str, Any] = {"N": Fraction, "max": max, "min": min, "abs": abs, "root": root, "sign": sign}
    names |= {name: only_at(*known) for name, known in TRANSCENDENTAL.items()}
    return names | activations(problem) | {"huber": huber(problem), "φ": nowhere}


def nowhere(value: Any) -> Any:
    return Irrational()


def only_at(place: int, value: Fraction) -> Callable[[Fraction], Fraction]:
    return lambda x: value if x == place else nowhere(x)


HALF = Fraction(1, 2)
TRANSCENDENTAL: Mapping[str, tuple[int, Fraction]] = {
    "exp": (0, Fraction(1)), "ln": (1, Fraction(0)), "σ": (0, HALF), "Φ": (0, HALF),
    "sigmoid": (0, HALF), "tanh": (0, Fraction(0)), "silu": (0, Fraction(0)), "gelu": (0, Fraction(0)),
    "sigmoid_slope": (0, Fraction(1, 4)), "tanh_slope": (0, Fraction(1)), "silu_slope": (0, HALF),
    "gelu_slope": (0, HALF),
}  # fmt: skip


def sign(value: Fraction) -> Fraction:
    return Fraction((value > 0) - (value < 0))


def root(value: Fraction) -> Fraction:
    found = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return found if found**2 == value else nowhere(value)


def huber(problem: Problem) -> Callable[[Fraction], Fraction]:
    delta = Fraction(str(problem.loss.parameters.get("delta", 1.0)))
    return lambda e: e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)


def activations(problem: Problem) -> dict[str, Callable[[Fraction], Fraction]]:
    """The activations that are made of straight lines, and the straight parts of others."""
    given = {name: Fraction(str(value)) for name, value in problem.activation.parameters.items() if value is not None
             and not isinstance(value, str)}  # fmt: skip
    leak, alpha, beta = given.get("slope", Fraction("0.01")), given.get("alpha", Fraction(1)), given.get("beta", 1)
    at_zero = problem.slope_at_zero
    here = Fraction(str(at_zero)) if at_zero is not None else None

    def kinked(low: Fraction, default: Fraction) -> Callable[[Fraction], Fraction]:
        middle = default if here is None else here
        return lambda z: Fraction(1) if z > 0 else low if z < 0 else middle

    return {
        "linear": lambda z: z,
        "linear_slope": lambda z: Fraction(1),
        "relu": lambda z: max(z, Fraction(0)),
        "relu_slope": kinked(Fraction(0), Fraction(0)),
        "leaky_relu": lambda z: z if z > 0 else leak * z,
        "leaky_relu_slope": kinked(leak, leak),
        "elu": lambda z: z if z >= 0 else nowhere(z),
        "elu_slope": lambda z: Fraction(1) if z > 0 else alpha if z == 0 else nowhere(z),
        "softplus": lambda z: z if beta * z > 20 else nowhere(z),
        "softplus_slope": lambda z: Fraction(1) if beta * z > 20 else HALF if z == 0 else nowhere(z),
    }
