"""What every activation has: a value, a derivative, and what is known of both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from convstep.arrays import Array, Mask
from convstep.choices import Choice, Parameter


class Piece(NamedTuple):
    """A formula, and where it holds.

    Attributes:
        formula: In letters.
        where: Where z must lie: ``z > 0``, ``z < 0``, ``z = 0``, ``z ≤ 0``; empty where the formula holds everywhere.
    """

    formula: str
    where: str = ""

    def holds(self, z: float) -> bool:
        """Whether z (beta·z, where that is compared) lies where the formula holds."""
        return {
            "": True,
            "z > 0": z > 0,
            "z < 0": z < 0,
            "z = 0": z == 0,
            "z ≤ 0": z <= 0,
            "beta·z > 20": z > 20,
            "beta·z ≤ 20": z <= 20,
        }[self.where]


class Activation:
    """a = f(z), one number at a time.

    Attributes:
        parameters: The parameters that the problem file may give, with their defaults.
        pieces, slope_pieces: f(z) and f′(z) as they are written on paper, in letters: z, a = f(z), and parameters.
        takes_slope_at_zero: Whether `slope_at_zero` may be set: f has a kink at 0.
        largest_slope: sup |f′(z)|, which bounds how strongly an error is sent back.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = {}
    pieces: ClassVar[tuple[Piece, ...]]
    slope_pieces: ClassVar[tuple[Piece, ...]]
    takes_slope_at_zero: ClassVar[bool] = False

    def __init__(self, choice: Choice, slope_at_zero: float | None = None) -> None:
        self.choice = choice = choice.completed(self.parameters)
        self.slope_at_zero = self.default_slope_at_zero(choice) if slope_at_zero is None else slope_at_zero

    @classmethod
    def default_slope_at_zero(cls, choice: Choice) -> float:
        """The derivative taken at exactly 0 where the problem does not say (PyTorch's)."""
        return 0.0

    @property
    def largest_slope(self) -> float:
        """sup |f′(z)| over all z."""
        return 1.0

    def value(self, z: Array, out: Array) -> None:
        """Writes f(z) into out, which is not z; that a number overflows on the way is for the caller to ignore."""
        raise NotImplementedError

    def slope(self, z: Array, a: Array, out: Array) -> None:
        """Writes f′(z) into out; a is f(z), for those whose derivative is quickest from there."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[float, float]:
        """The infimum and the supremum of f."""
        return -math.inf, math.inf

    def reaches(self, target: Array) -> Mask:
        """Where the target is a number that f(z) can be for some finite z."""
        return np.ones(target.shape, dtype=bool)

    def inverse(self, a: Array) -> Array | None:
        """The z with f(z) = a, not finite where there is none; ``None`` where f is not one-to-one."""
        return None

    def piece_at(self, z: float) -> Piece:
        """The formula of f that holds at z; an empty one where z is not a number."""
        return next((piece for piece in self.pieces if piece.holds(z)), Piece(""))

    def slope_piece_at(self, z: float) -> Piece:
        """The formula of f′ that holds at z; an empty one where z is not a number."""
        return next((piece for piece in self.slope_pieces if piece.holds(z)), Piece(""))

    def letters(self, z: float, a: float) -> dict[str, float]:
        """What the letters of the formulas stand for."""
        given = {name: value for name, value in self.choice.parameters.items() if not isinstance(value, (str, tuple))}
        return {"z": z, "a": a, "slope_at_zero": self.slope_at_zero, **given}
