"""The activations: each one's value directly above its derivative.

Names, parameters and values are PyTorch's (``torch.nn.functional``). Each function writes its result into
``out``, an array of z's shape, so that a run can reuse its memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from convstep.activation_base import Activation, Piece
from convstep.arrays import Array, Mask
from convstep.choices import Choice, Parameter

BRANCHES_PAY = 512
"""With fewer numbers, one pass that decides for each is the fastest; for many, it is the slowest by far."""

_erf = np.frompyfunc(math.erf, 1, 1)


_ONE = np.ones(())
"""As an array: NumPy would make one of a float in every call."""


def _sigmoid(z: Array, out: Array) -> Array:
    """σ(z) = 1 / (1 + e⁻ᶻ) in `out`; the e⁻ᶻ that overflows for z below −709 stands for a result that is 0."""
    np.negative(z, out)
    np.exp(out, out)
    np.add(out, _ONE, out)
    return np.divide(_ONE, out, out)


class Linear(Activation):
    pieces = (Piece("z"),)
    slope_pieces = (Piece("1"),)

    def inverse(self, a: Array) -> Array | None:
        return a

    def value(self, z: Array, out: Array) -> None:
        np.copyto(out, z)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        out.fill(1.0)


class Relu(Activation):
    pieces = (Piece("max(z, 0)"),)
    slope_pieces = (Piece("1", "z > 0"), Piece("0", "z < 0"), Piece("slope_at_zero", "z = 0"))
    takes_slope_at_zero = True

    def __init__(self, choice: Choice, slope_at_zero: float | None = None) -> None:
        super().__init__(choice, slope_at_zero)
        # As arrays: NumPy would make one of a float in every call.
        self._zero = np.zeros(())
        self._slope_at_zero = np.array(self.slope_at_zero)

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, math.inf

    def value(self, z: Array, out: Array) -> None:
        np.maximum(z, self._zero, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        if z.size < BRANCHES_PAY:
            np.heaviside(z, self._slope_at_zero, out=out)
            return
        np.sign(z, out=out)
        np.maximum(out, self._zero, out=out)
        if self.slope_at_zero:
            np.copyto(out, self._slope_at_zero, where=z == 0.0)

    def reaches(self, target: Array) -> Mask:
        return target >= 0


class LeakyRelu(Activation):
    pieces = (Piece("z", "z > 0"), Piece("slope·z", "z ≤ 0"))
    slope_pieces = (Piece("1", "z > 0"), Piece("slope", "z < 0"), Piece("slope_at_zero", "z = 0"))
    parameters = {"slope": Parameter(0.01)}
    takes_slope_at_zero = True

    @classmethod
    def default_slope_at_zero(cls, choice: Choice) -> float:
        return choice.number("slope")

    @property
    def largest_slope(self) -> float:
        return max(1.0, abs(self.choice.number("slope")), self.slope_at_zero)

    @property
    def bounds(self) -> tuple[float, float]:
        return (0.0 if self.choice.number("slope") <= 0 else -math.inf), math.inf

    def inverse(self, a: Array) -> Array | None:
        slope = self.choice.number("slope")
        return np.where(a > 0, a, a / slope) if slope > 0 else None

    def value(self, z: Array, out: Array) -> None:
        np.multiply(z, self.choice.number("slope"), out=out)
        np.copyto(out, z, where=z > 0)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        out.fill(self.choice.number("slope"))
        np.copyto(out, 1.0, where=z > 0)
        np.copyto(out, self.slope_at_zero, where=z == 0)

    def reaches(self, target: Array) -> Mask:
        return target >= 0 if self.choice.number("slope") <= 0 else super().reaches(target)


class Elu(Activation):
    pieces = (Piece("z", "z > 0"), Piece("alpha·(exp(z) − 1)", "z ≤ 0"))
    slope_pieces = (Piece("1", "z > 0"), Piece("alpha·exp(z)", "z ≤ 0"))
    parameters = {"alpha": Parameter(1.0)}

    @property
    def largest_slope(self) -> float:
        return max(1.0, abs(self.choice.number("alpha")))

    @property
    def bounds(self) -> tuple[float, float]:
        return min(0.0, -self.choice.number("alpha")), math.inf

    def inverse(self, a: Array) -> Array | None:
        alpha = self.choice.number("alpha")
        with np.errstate(all="ignore"):
            return np.where(a > 0, a, np.log1p(a / alpha)) if alpha > 0 else None

    def value(self, z: Array, out: Array) -> None:
        np.multiply(np.expm1(np.minimum(z, 0.0)), self.choice.number("alpha"), out=out)
        np.copyto(out, z, where=z > 0)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.multiply(np.exp(np.minimum(z, 0.0)), self.choice.number("alpha"), out=out)
        np.copyto(out, 1.0, where=z > 0)

    def reaches(self, target: Array) -> Mask:
        alpha = self.choice.number("alpha")
        return target > -alpha if alpha > 0 else target >= 0


class Sigmoid(Activation):
    pieces = (Piece("1 / (1 + exp(−z))"),)
    slope_pieces = (Piece("a·(1 − a)"),)

    @property
    def largest_slope(self) -> float:
        return 0.25

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0

    def inverse(self, a: Array) -> Array | None:
        with np.errstate(all="ignore"):
            return np.log(a) - np.log1p(-a)

    def value(self, z: Array, out: Array) -> None:
        _sigmoid(z, out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.subtract(_ONE, a, out)
        np.multiply(a, out, out)

    def reaches(self, target: Array) -> Mask:
        return (target > 0) & (target < 1)


class Tanh(Activation):
    pieces = (Piece("tanh(z)"),)
    slope_pieces = (Piece("1 − a²"),)

    @property
    def bounds(self) -> tuple[float, float]:
        return -1.0, 1.0

    def inverse(self, a: Array) -> Array | None:
        with np.errstate(all="ignore"):
            return np.arctanh(a)

    def value(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.multiply(a, a, out)
        np.subtract(_ONE, out, out)

    def reaches(self, target: Array) -> Mask:
        return np.abs(target) < 1


class Softplus(Activation):
    """ln(1 + e^(beta·z)) / beta; as in PyTorch simply z where beta·z is above 20."""

    pieces = (Piece("ln(1 + exp(beta·z)) / beta", "beta·z ≤ 20"), Piece("z", "beta·z > 20"))
    slope_pieces = (Piece("1 / (1 + exp(−beta·z))", "beta·z ≤ 20"), Piece("1", "beta·z > 20"))
    parameters = {"beta": Parameter(1.0, above=0.0)}
    straight_above: ClassVar[float] = 20.0

    def piece_at(self, z: float) -> Piece:
        return super().piece_at(self.choice.number("beta") * z)

    def slope_piece_at(self, z: float) -> Piece:
        return super().slope_piece_at(self.choice.number("beta") * z)

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, math.inf

    def inverse(self, a: Array) -> Array | None:
        beta = self.choice.number("beta")
        with np.errstate(all="ignore"):
            return np.where(beta * a > self.straight_above, a, np.log(np.expm1(beta * a)) / beta)

    def value(self, z: Array, out: Array) -> None:
        beta = self.choice.number("beta")
        np.divide(np.log1p(np.exp(np.minimum(beta * z, self.straight_above))), beta, out=out)
        np.copyto(out, z, where=beta * z > self.straight_above)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        beta = self.choice.number("beta")
        _sigmoid(beta * z, out)
        np.copyto(out, 1.0, where=beta * z > self.straight_above)

    def reaches(self, target: Array) -> Mask:
        return target > 0


class Silu(Activation):
    pieces = (Piece("z·σ(z)"),)
    least: ClassVar[float] = -0.2784645427610738  # f(−1.2784645427…)
    slope_pieces = (Piece("σ(z)·(1 + z·(1 − σ(z)))"),)

    @property
    def largest_slope(self) -> float:
        return 1.099839320128867  # where f″ = 0: z = 2.3993572805…

    @property
    def bounds(self) -> tuple[float, float]:
        return self.least, math.inf

    def value(self, z: Array, out: Array) -> None:
        np.multiply(z, _sigmoid(z, out), out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        sigmoid = _sigmoid(z, np.empty_like(z))
        np.multiply(sigmoid, 1.0 + z * (1.0 - sigmoid), out=out)

    def reaches(self, target: Array) -> Mask:
        return target >= self.least


class Gelu(Activation):
    """z·Φ(z) by the error function, or its approximation by tanh, as PyTorch's ``gelu``."""

    pieces = (Piece("z·Φ(z)"),)
    slope_pieces = (Piece("Φ(z) + z·φ(z)"),)
    parameters = {"approximate": Parameter("none", words=("none", "tanh"))}
    root: ClassVar[float] = math.sqrt(2.0 / math.pi)
    cubic: ClassVar[float] = 0.044715

    @property
    def by_tanh(self) -> bool:
        """Whether the approximation by tanh is asked for."""
        return self.choice.parameters["approximate"] == "tanh"

    @property
    def largest_slope(self) -> float:
        return 1.1289930686587717 if self.by_tanh else 1.128904145185155

    @property
    def bounds(self) -> tuple[float, float]:
        return self.least, math.inf

    def value(self, z: Array, out: Array) -> None:
        if self.by_tanh:
            inner = self.root * (z + self.cubic * z * z * z)
            np.multiply(0.5 * z, 1.0 + np.tanh(inner), out=out)
        else:
            np.multiply(z, self._normal_share(z), out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        if self.by_tanh:
            tanh = np.tanh(self.root * (z + self.cubic * z * z * z))
            inner_slope = self.root * (1.0 + 3.0 * self.cubic * z * z)
            np.add(0.5 * (1.0 + tanh), 0.5 * z * (1.0 - tanh * tanh) * inner_slope, out=out)
        else:
            density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            np.add(self._normal_share(z), z * density, out=out)

    def reaches(self, target: Array) -> Mask:
        return target >= self.least

    @property
    def least(self) -> float:
        """The smallest value of f, near z = −0.7518 (by tanh −0.7525)."""
        return -0.17004075057125406 if self.by_tanh else -0.16997120747990366

    def piece_at(self, z: float) -> Piece:
        return Piece("0.5·z·(1 + t)") if self.by_tanh else super().piece_at(z)

    def slope_piece_at(self, z: float) -> Piece:
        return Piece("0.5·(1 + t) + 0.5·z·(1 − t²)·u") if self.by_tanh else super().slope_piece_at(z)

    def letters(self, z: float, a: float) -> dict[str, float]:
        if not self.by_tanh:
            return super().letters(z, a)
        inner, inner_slope = self.root * (z + self.cubic * z * z * z), self.root * (1.0 + 3.0 * self.cubic * z * z)
        return super().letters(z, a) | {"t": math.tanh(inner), "u": inner_slope}

    @staticmethod
    def _normal_share(z: Array) -> Array:
        """Φ(z), the share of the normal distribution below z."""
        return 0.5 * (1.0 + np.asarray(_erf(z / math.sqrt(2.0)), dtype=np.float64))


ACTIVATIONS: Mapping[str, type[Activation]] = {
    "relu": Relu,
    "linear": Linear,
    "leaky_relu": LeakyRelu,
    "elu": Elu,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softplus": Softplus,
    "silu": Silu,
    "gelu": Gelu,
}
"""The activations by the name that a problem file gives them."""


def make_activation(choice: Choice, slope_at_zero: float | None = None) -> Activation:
    """The activation that a problem asks for.

    >>> import numpy as np
    >>> z = np.array([-2.0, 0.0, 3.0]); a = np.empty(3); slope = np.empty(3)
    >>> relu = make_activation(Choice("relu"))
    >>> relu.value(z, a); relu.slope(z, a, slope); print(a, slope)
    [0. 0. 3.] [0. 0. 1.]
    """
    return ACTIVATIONS[choice.name](choice, slope_at_zero)
