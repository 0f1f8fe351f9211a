"""What every scheme of arithmetic can do."""

from __future__ import annotations

from typing import ClassVar, Protocol

from convstep.arrays import Array


class Correlation(Protocol):
    """A correlation with one input, made ready to be done many times with other filters.

    Numbers of many iterations lie in one array, an iteration a row. A scheme first cuts such an array into the
    views it likes best, once for all rows; the views go on showing what is written into the array.

    Attributes:
        reorders: Whether sums are taken in another order than the definition's: then each z needs `settle`.
    """

    reorders: ClassVar[bool]

    def filter_views(self, filters: Array) -> list[Array]:
        """Cuts iterations×F×C/groups×kh×kw for `correlate`."""

    def output_views(self, outputs: Array) -> list[Array]:
        """Cuts iterations×N×F×rows×columns for `correlate`."""

    def delta_views(self, deltas: Array) -> list[Array]:
        """Cuts iterations×N×F×rows×columns for `filter_gradient`."""

    def gradient_views(self, gradients: Array) -> list[Array]:
        """Cuts iterations×F×C/groups×kh×kw for `filter_gradient`."""

    def correlate(self, w: Array, z: Array) -> None:
        """Writes x̂ ⋆ w into z: views of `filter_views` and `output_views`."""

    def settle(self, w: Array, z: Array, bias: Array | None) -> None:
        """Puts z = x̂ ⋆ w + b right where another order of additions decides its sign, or whether it is 0."""

    def filter_gradient(self, delta: Array, gradient: Array) -> None:
        """Writes Σ δ·x̂ into gradient: views of `delta_views` and `gradient_views`."""

    def input_gradients(self, deltas: Array, filters: Array) -> Array:
        """∂L/∂x of iterations×N×F×rows×columns and iterations×F×C/groups×kh×kw: iterations×N×C×H×W."""
