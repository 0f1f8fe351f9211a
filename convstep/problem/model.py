"""What a valid problem is. Nothing here reads a file, and nothing here can fail on a user's words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from convstep.arrays import Array, as_float, in_floats
from convstep.choices import Choice
from convstep.geometry import Geometry, Pair


class Stop(NamedTuple):
    """When a run ends by itself.

    Attributes:
        iterations: How many iterations are done at the most.
        loss: At or below this loss the run has converged.
        gradient: At or below this largest absolute entry the gradient has vanished.
    """

    iterations: int = 1000
    loss: float = 1e-12
    gradient: float = 1e-9


MOST_DIGITS = 1400
"""The largest bound: Python reads and writes integers of 4300 digits, and products of three are formed."""


class Exact(NamedTuple):
    """That a problem is calculated in fractions.

    Attributes:
        max_digits: How many digits a numerator or denominator may have; a run that would need more is stopped.
    """

    max_digits: int = 1000


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class Problem:
    """An input, a filter and what to learn: everything a run needs, checked and complete.

    Make one with `convstep.load`. Arrays are float64, own their memory and are read-only. The output has an
    axis N if and only if the input is 4-D, and an axis F if and only if the filter is 4-D. Of an exact problem all
    arrays hold fractions, and the rate, `stop` and the parameters of functions are fractions too.

    Attributes:
        input: x, H×W, C×H×W or N×C×H×W.
        filter: w, kh×kw, C×kh×kw or F×C/groups×kh×kw: the first iteration's.
        bias: b, 0-D, or of length F for a 4-D filter; ``None`` if the problem has none.
        target: t, in the output's shape; ``None`` where `output_gradient` or nothing is given.
        output_gradient: ∂L/∂a as given, in the output's shape; ``None`` where there is a target or nothing.
        activation, slope_at_zero: f, and the slope that relu and leaky_relu take at exactly z = 0.
        target_through_activation: Whether the target is passed through the activation first.
        operation: ``cross-correlation``, or ``convolution`` (the filter rotated by 180°).
        stride, dilation, padding, groups: As in `Geometry`.
        loss, learning_rate, optimizer, stop: How it learns; no learning_rate → no update.
        title: Free text, to be shown as itself.
        attempt: A learner's own numbers, as they stand in the file.
        expected_filter: The filter that the author had in mind, shaped like the filter.
        exact: Whether, and within which bounds, it is calculated in fractions; ``None`` for floats.
    """

    input: Array
    filter: Array
    bias: Array | None = None
    target: Array | None = None
    output_gradient: Array | None = None
    activation: Choice = Choice("relu")
    slope_at_zero: float | None = None
    target_through_activation: bool = False
    operation: str = "cross-correlation"
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    groups: int = 1
    loss: Choice = Choice("half_squared_error")
    learning_rate: float | None = None
    optimizer: Choice = Choice("sgd")
    stop: Stop = Stop()
    title: str | None = None
    attempt: Any = None
    expected_filter: Array | None = None
    exact: Exact | None = None

    def __repr__(self) -> str:
        shapes = f"input {self.input.shape}, filter {self.filter.shape}"
        return f"<Problem {self.title!r}: {shapes}, {self.activation.name}>" if self.title else f"<Problem: {shapes}>"

    @property
    def geometry(self) -> Geometry:
        """The sizes of the correlation."""
        batch = self.input.shape[0] if self.input.ndim == 4 else 1
        channels = self.input.shape[-3] if self.input.ndim >= 3 else 1
        filters = self.filter.shape[0] if self.filter.ndim == 4 else 1
        rows, columns = self.input.shape[-2:]
        kernel_rows, kernel_columns = self.filter.shape[-2:]
        return Geometry(
            batch,
            channels,
            (rows, columns),
            filters,
            (kernel_rows, kernel_columns),
            self.stride,
            self.dilation,
            self.padding,
            self.groups,
        )

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The output's shape: N and F only where the problem has those axes."""
        batch, filters, rows, columns = self.geometry.output_shape
        return (
            *([batch] if self.input.ndim == 4 else []),
            *([filters] if self.filter.ndim == 4 else []),
            rows,
            columns,
        )

    @property
    def learns(self) -> bool:
        """Whether there is an update: a gradient to follow and a rate to follow it with."""
        return self.learning_rate is not None and not self.forward_only

    @property
    def forward_only(self) -> bool:
        """Whether there is neither a target nor an output gradient."""
        return self.target is None and self.output_gradient is None

    @property
    def in_floats(self) -> Problem:
        """The problem in floats: itself, or with the floats nearest to its fractions."""
        if self.exact is None:
            return self
        names = ("input", "filter", "bias", "target", "output_gradient", "expected_filter")
        given = {name: array for name in names if (array := getattr(self, name)) is not None}
        changes: dict[str, Any] = {name: in_floats(array) for name, array in given.items()}
        for name in ("learning_rate", "slope_at_zero"):
            value = getattr(self, name)
            changes[name] = None if value is None else as_float(value)
        for name in ("activation", "loss", "optimizer"):
            changes[name] = getattr(self, name).converted(lambda _, value: as_float(value))
        changes["stop"] = Stop(self.stop.iterations, as_float(self.stop.loss), as_float(self.stop.gradient))
        return replace(self, **changes, exact=None)
