"""One convolution layer, one iteration, every number of it: right, or with any mistake of the catalogue in it.

A second implementation, apart from convstep, of what a learner does on paper. Whatever comes after a mistake is
computed from the mistaken numbers. Where a mistake leaves an array of another shape, that array stands in the result,
and what could not be computed from it does not.

Inside, all arrays have four axes: N×F×rows×columns, F×C/groups×kh×kw, N×C×H×W.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from planted_functions import (
    Array,
    Numbers,
    activate,
    choice,
    first_state,
    loss_gradient,
    loss_value,
    optimize,
    slope,
)

NAMES = (
    *("filter", "bias", "pre_activation", "output", "activated_target", "error", "loss", "output_gradient"),
    *("activation_slope", "delta", "filter_gradient", "bias_gradient", "input_gradient"),
    *("filter_momentum", "filter_square_average", "bias_momentum", "bias_square_average"),
    *("filter_update", "bias_update", "new_filter", "new_bias"),
)

READINGS: Mapping[str, tuple[str, ...]] = {
    "filter-rotated": ("plainly",),
    "filter-transposed": ("plainly",),
    "channels-not-summed": ("apart", "first"),
    "bias-forgotten": ("plainly",),
    "bias-repeated": ("taps",),
    "padding-wrong": ("none", "same", "full"),
    "stride-ignored": ("plainly",),
    "dilation-ignored": ("plainly",),
    "activation-forgotten": ("plainly",),
    "error-before-activation": ("plainly",),
    "error-squared": ("error", "gradient"),
    "error-absolute": ("error", "gradient"),
    "target-not-activated": ("plainly",),
    "target-activated": ("plainly",),
    "factor-two": ("both", "gradient", "loss"),
    "mean-for-sum": ("both", "gradient", "loss", "squares"),
    "sum-for-mean": ("both", "gradient", "loss", "squares"),
    "mean-twice": ("gradient",),
    "slope-forgotten": ("plainly",),
    "activation-for-slope": ("gradient", "error"),
    "value-for-slope": ("pre_activation", "output"),
    "slope-of-output": ("plainly",),
    "slope-shortcut": ("plainly",),
    "upstream-forgotten": ("plainly",),
    "slope-of-error": ("mask", "derivative"),
    "slope-of-target": ("mask", "derivative"),
    "slope-at-zero": ("plainly",),
    "slope-inverted": ("complement", "zero-at-zero"),
    "gradient-rotated": ("result", "delta"),
    "gradient-transposed": ("plainly",),
    "gradient-full": ("full", "same"),
    "gradient-same-everywhere": (
        *("delta-sum", "delta-mean", "error-sum", "error-mean", "gradient-sum", "gradient-mean"),
    ),
    "gradient-accumulated": ("plainly",),
    "gradient-averaged": ("positions", "outputs", "map", "positions-both", "outputs-both", "map-both"),
    "gradient-from-error": ("error", "gradient"),
    "gradient-from-output": ("output", "pre_activation"),
    "gradient-from-filter": ("plainly",),
    "gradient-one-position": ("first", "last", *(f"at {place}" for place in range(1, 25))),
    "gradient-stride-ignored": ("stride", "valid", "dilation", "both"),
    "bias-gradient-mean": ("positions", "outputs"),
    "bias-gradient-forgotten": ("absent", "zero"),
    "input-gradient-unrotated": ("plainly",),
    "input-gradient-valid": ("plainly",),
    "input-gradient-new-filter": ("plainly",),
    "input-gradient-from-error": ("plainly",),
    "remainder-lost": ("plainly",),
    "ascent": ("added", "flipped"),
    "rate-forgotten": ("plainly",),
    "rate-twice": ("plainly",),
    "rate-divides": ("plainly",),
    "gradient-replaces": ("plainly",),
    "update-from-start": ("plainly",),
    "momentum-forgotten": ("plainly",),
    "momentum-stale": ("plainly",),
    "decay-forgotten": ("plainly",),
    "adam-bias-correction": ("both", "first", "second"),
    "adam-power": ("plainly",),
    "adam-epsilon": ("corrected", "before-correction"),
}
"""Every mistake, and the ways of making it that its line in the catalogue allows."""

SIGNS = ("error-sign", "gradient-sign")
"""The two conventions: e = t − a, carried along; −g written for g."""

Pair = tuple[int, int]
Sides = tuple[Pair, Pair]
Mistake = str | tuple[str, str]
Rounding = Callable[[Array], Array]


class Spacing(NamedTuple):
    """Stride and dilation, [down, across] each."""

    stride: Pair
    dilation: Pair


def pair(value: Any) -> Pair:
    """n or [rows, columns]."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def padding_of(value: Any, size: Iterable[int], reach: Iterable[int], stride: Pair) -> Sides:
    """[[top, bottom], [left, right]] of what a problem file says of padding."""
    sides = []
    for axis, (n, span, step) in enumerate(zip(size, reach, stride, strict=True)):
        if value == "same":
            total = max((-(-n // step) - 1) * step + span - n, 0)
            sides.append((total // 2, total - total // 2))
        elif isinstance(value, str):
            sides.append((span - 1, span - 1) if value == "full" else (0, 0))
        else:
            side = value if isinstance(value, int) else value[axis]
            sides.append((side, side) if isinstance(side, int) else (int(side[0]), int(side[1])))
    return sides[0], sides[1]


def padded(x: Array, sides: Sides) -> Array:
    """x with zeros around it; `np.pad` would take a third of all the time."""
    (top, bottom), (left, right) = sides
    rows, columns = x.shape[-2:]
    wide = np.zeros((*x.shape[:-2], rows + top + bottom, columns + left + right))
    wide[..., top : top + rows, left : left + columns] = x
    return wide


def places(size: tuple[int, ...], taps: Pair, spacing: Spacing) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """For each tap p, q of a filter: the cells of a padded input that it meets, one a window."""
    count = [
        (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, taps, spacing.stride, spacing.dilation, strict=True)
    ]
    for p in range(taps[0]):
        for q in range(taps[1]):
            first = p * spacing.dilation[0], q * spacing.dilation[1]
            yield (
                p,
                q,
                (
                    slice(first[0], first[0] + (count[0] - 1) * spacing.stride[0] + 1, spacing.stride[0]),
                    slice(first[1], first[1] + (count[1] - 1) * spacing.stride[1] + 1, spacing.stride[1]),
                ),
            )


def fits(size: tuple[int, ...], taps: Pair, spacing: Spacing) -> bool:
    """Whether a window of the filter lies in the input at all."""
    return all(n > d * (k - 1) for n, k, d in zip(size, taps, spacing.dilation, strict=True))


def correlate(x: Array, w: Array, spacing: Spacing) -> Array:
    """Σ_c,p,q x[n,f,c, i·s+p·d, j·s+q·d]·w[f,c,p,q]; x is N×F×C×H×W, a copy of its channels for each filter."""
    z: Array | float = 0.0
    for p, q, (rows, columns) in places(x.shape[-2:], w.shape[-2:], spacing):
        z = z + (x[..., rows, columns] * w[:, :, p, q, None, None]).sum(axis=2)
    return np.asarray(z)


def gather(x: Array, delta: Array, taps: Pair, spacing: Spacing) -> Array:
    """Σ_n,i,j δ[n,f,i,j]·x[n,f,c, i·s+p·d, j·s+q·d] for each of the taps; x as in `correlate`.

    Where δ is larger or smaller than the windows allow, the cells that both have are summed.
    """
    g = np.zeros((x.shape[1], x.shape[2], *taps))
    for p in range(taps[0]):
        for q in range(taps[1]):
            rows = slice(p * spacing.dilation[0], None, spacing.stride[0])
            columns = slice(q * spacing.dilation[1], None, spacing.stride[1])
            met = x[..., rows, columns][..., : delta.shape[2], : delta.shape[3]]
            own = delta[:, :, None, : met.shape[-2], : met.shape[-1]]
            g[:, :, p, q] = (met * own).sum(axis=(0, 3, 4))
    return g


def rotated(w: Array) -> Array:
    """w turned by 180°."""
    return w[..., ::-1, ::-1]


class Layer:
    """What a problem file says, with four axes everywhere."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        x, w = np.array(document["input"], float), np.array(document["filter"], float)
        self.depths = {"input": x.ndim, "filter": w.ndim}
        self.x = x.reshape((1,) * (4 - x.ndim) + x.shape)
        self.w = w.reshape((1,) * (4 - w.ndim) + w.shape)
        self.filters, self.seen, *taps = self.w.shape
        self.taps = taps[0], taps[1]
        self.groups = document.get("groups", 1)
        self.spacing = Spacing(pair(document.get("stride", 1)), pair(document.get("dilation", 1)))
        self.sides = self.padding(document.get("padding", 0))
        self.convolution = document.get("operation") == "convolution"
        self.f = choice(document.get("activation"), "relu")
        self.at_zero = document.get("slope_at_zero")
        self.through = bool(document.get("target_through_activation"))
        self.loss = choice(document.get("loss"), "half_squared_error")
        self.optimizer = choice(document.get("optimizer"), "sgd")
        self.rate = document.get("learning_rate")
        self.started: dict[int, Start] = {}
        self.bias = self._bias(document.get("bias"))
        self.output_shape = (len(self.x), self.filters, *self._output_size())
        self.target, self.given = (
            None if document.get(key) is None else np.array(document[key], float).reshape(self.output_shape)
            for key in ("target", "output_gradient")
        )

    def _bias(self, given: Any) -> Array | None:
        return None if given is None else np.broadcast_to(np.array(given, float), self.filters).copy()

    def _output_size(self) -> Pair:
        x = padded(self.x, self.sides)
        *_, (rows, columns) = (place for *_, place in places(x.shape[-2:], self.taps, self.spacing))
        return len(range(rows.stop)[rows]), len(range(columns.stop)[columns])

    def padding(self, value: Any, taps: Pair | None = None) -> Sides:
        """The padding that a word or number means here."""
        reach = [d * (k - 1) + 1 for d, k in zip(self.spacing.dilation, taps or self.taps, strict=True)]
        return padding_of(value, self.x.shape[-2:], reach, self.spacing.stride)

    def for_filters(self, x: Array) -> Array:
        """N×C×… → N×F×C/groups×…: for each filter the channels of its group."""
        return x[:, self.channels_of]

    @property
    def channels_of(self) -> Array:
        """Which channels each filter sees, F×C/groups."""
        group = np.arange(self.filters) // (self.filters // self.groups)
        return group[:, None] * self.seen + np.arange(self.seen)

    def used(self, w: Array) -> Array:
        """The filter as it meets the input."""
        return rotated(w) if self.convolution else w

    @property
    def positions(self) -> int:
        """How many windows there are, over the batch."""
        return self.output_shape[0] * self.output_shape[2] * self.output_shape[3]

    @property
    def reached(self) -> Pair:
        """[rows, columns] of the input up to the last that a window reaches, when its size is worked out backwards."""
        sizes = [
            (n - 1) * s + d * (k - 1) + 1 - sum(side)
            for n, s, d, k, side in zip(
                self.output_shape[2:], self.spacing.stride, self.spacing.dilation, self.taps, self.sides, strict=True
            )
        ]
        return min(sizes[0], self.x.shape[2]), min(sizes[1], self.x.shape[3])


class Start(NamedTuple):
    """What an iteration starts from."""

    filter: Array
    bias: Array | None
    states: Mapping[str, Numbers]
    earlier: tuple[Mapping[str, Array], ...] = ()


class Sheet:
    """A learner's sheet of paper: one iteration, one quantity after the other."""

    def __init__(
        self,
        layer: Layer,
        start: Start,
        iteration: int,
        made: Mapping[str, str],
        signs: Collection[str] = (),
        rounding: Rounding | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.layer, self.start, self.iteration, self.rounding = layer, start, iteration, rounding
        self.given = given or {}
        self.predicted: Numbers = {}
        self.made = made.get
        self.flips_error = "error-sign" in signs and layer.target is not None
        self.flips_gradient = "gradient-sign" in signs
        self.numbers: Numbers = {}
        self.states: dict[str, Numbers] = {}
        self._fill()

    def _fill(self) -> None:
        self.predicted["filter"] = self.numbers["filter"] = self.start.filter
        if self.start.bias is not None:
            self.predicted["bias"] = self.numbers["bias"] = self.start.bias
        self._write("pre_activation", self.pre_activation())
        self._write("output", self.output())
        self._write("activated_target", self.activated_target())
        self._write("error", self.error())
        self._write("loss", self.loss())
        self._write("output_gradient", self.output_gradient())
        self._write("activation_slope", self.activation_slope())
        self._write("delta", self.delta())
        self._write("filter_gradient", self.filter_gradient())
        self._write("bias_gradient", self.bias_gradient())
        self.update()
        self._write("input_gradient", self.input_gradient())

    def _write(self, name: str, value: Array | None) -> None:
        if value is None:
            return
        self.numbers[name] = value if self.rounding is None else self.rounding(value)
        self.predicted[name] = self.numbers[name]
        if np.size(self.given.get(name, ())) == value.size:
            self.numbers[name] = np.array(self.given[name], float).reshape(value.shape)

    def _fitting(self, name: str) -> Array | None:
        """An array that has the output's shape, or nothing to go on from."""
        value = self.numbers.get(name)
        return value if value is not None and value.shape == self.layer.output_shape else None

    # Forward

    def pre_activation(self) -> Array | None:
        layer, w = self.layer, self.layer.used(self.start.filter)
        if self.made("filter-rotated") is not None:
            w = rotated(w)
        if self.made("filter-transposed") is not None:
            w = layer.used(self.start.filter.swapaxes(2, 3))
        spacing = Spacing(
            (1, 1) if self.made("stride-ignored") is not None else layer.spacing.stride,
            (1, 1) if self.made("dilation-ignored") is not None else layer.spacing.dilation,
        )
        padding = self.made("padding-wrong")
        sides = layer.sides if padding is None else layer.padding({"none": 0}.get(padding, padding))
        x = layer.for_filters(padded(layer.x, sides))
        if not fits(x.shape[-2:], w.shape[-2:], spacing):
            return None
        return self._with_bias(self._summed(x, w, spacing))

    def _summed(self, x: Array, w: Array, spacing: Spacing) -> Array:
        channels = self.made("channels-not-summed")
        if channels == "apart":
            return np.concatenate([correlate(x[:, :, [c]], w[:, [c]], spacing) for c in range(self.layer.seen)], axis=1)
        if channels == "first":
            return correlate(x[:, :, :1], w[:, :1], spacing)
        return correlate(x, w, spacing)

    def _with_bias(self, z: Array) -> Array:
        if self.start.bias is None or self.made("bias-forgotten") is not None:
            return z
        times = self.layer.w[0].size if self.made("bias-repeated") is not None else 1
        return z + times * self.start.bias[:, None, None]

    def output(self) -> Array | None:
        z = self.numbers.get("pre_activation")
        return z if z is None or self.made("activation-forgotten") is not None else activate(self.layer.f, z)

    # Loss and error

    def activated_target(self) -> Array | None:
        layer = self.layer
        if layer.target is None or not layer.through or self.made("target-not-activated") is not None:
            return None
        return activate(layer.f, layer.target)

    def error(self) -> Array | None:
        t = self.numbers.get("activated_target", self.layer.target)
        if t is not None and self.made("target-activated") is not None:
            t = activate(self.layer.f, t)
        a = self._fitting("pre_activation" if self.made("error-before-activation") is not None else "output")
        if a is None or t is None:
            return None
        e = t - a if self.flips_error else a - t
        if self.made("error-squared") == "error":
            return e**2
        return np.abs(e) if self.made("error-absolute") == "error" else e

    def _scaled(self, value: Array, where: str) -> Array:
        """The mistakes of one factor, in the loss or in what it sends back."""
        n = float(np.prod(self.layer.output_shape))
        factors = {
            "factor-two": 2.0 if self.layer.loss.name == "half_squared_error" else 0.5,
            "mean-for-sum": 1 / n,
            "mean-twice": 1 / n,
            "sum-for-mean": n,
        }
        for id_, factor in factors.items():
            if self.made(id_) in ("both", where):
                value = value * factor
        # Σe²/n in the place of ½Σe², and the other way round.
        for id_, factor in (("mean-for-sum", 2 / n), ("sum-for-mean", n / 2)):
            if self.made(id_) == "squares":
                value = value * factor
        return value

    def loss(self) -> Array | None:
        layer = self.layer
        if layer.given is not None:
            a = self._fitting("output")
            return None if a is None else np.array((a * layer.given).sum())
        e = self._fitting("error")
        return None if e is None else self._scaled(np.array(loss_value(layer.loss, e)), "loss")

    def output_gradient(self) -> Array | None:
        if self.layer.given is not None:
            return self.layer.given
        e = self._fitting("error")
        if e is None:
            return None
        if self.made("error-squared") == "gradient":
            e = e**2
        if self.made("error-absolute") == "gradient":
            e = np.abs(e)
        return self._scaled(loss_gradient(self.layer.loss, e), "gradient")

    # Delta

    def _slope(self, z: Array) -> Array:
        at_zero = 1.0 if self.made("slope-at-zero") is not None else self.layer.at_zero
        return slope(self.layer.f, z, at_zero)

    def activation_slope(self) -> Array | None:
        """f′(z), or what was written in its place; nothing where the learner did not think of a slope."""
        z, a = self.numbers.get("pre_activation"), self.numbers.get("output")
        if z is None or a is None:
            return None
        if any(self.made(id_) is not None for id_ in ("value-for-slope", "activation-for-slope", "slope-of-error")):
            return None
        if self.made("slope-of-target") is not None:
            return None
        if self.made("slope-of-output") is not None:
            return self._slope(a)
        if self.made("slope-shortcut") is not None:
            return z * (1 - z) if self.layer.f.name == "sigmoid" else 1 - z**2
        if self.made("slope-inverted") == "complement":
            leak = self.layer.f.given.get("slope", 0.0)  # of a leaky one, the two slopes change places
            return 1 + leak - self._slope(z)
        if self.made("slope-inverted") == "zero-at-zero":
            return np.where(z < 0, 1.0, 0.0)
        return self._slope(z)

    def delta(self) -> Array | None:
        sent = self._fitting("output_gradient")
        if self.made("upstream-forgotten") is not None:
            return self._fitting("activation_slope")
        if sent is None or self.made("slope-forgotten") is not None:
            return sent
        if (reading := self.made("activation-for-slope")) is not None:
            applied = sent if reading == "gradient" else self._fitting("error")
            return None if applied is None else activate(self.layer.f, applied)
        factor = self._factor(sent)
        return None if factor is None else sent * factor

    def _factor(self, sent: Array) -> Array | None:
        """What the learner multiplies ∂L/∂a with."""
        if (value := self.made("value-for-slope")) is not None:
            return self._fitting(value)
        if (reading := self.made("slope-of-error")) is not None:
            return np.where(sent > 0, 1.0, 0.0) if reading == "mask" else self._slope(sent)
        if (reading := self.made("slope-of-target")) is not None:
            t = self.layer.target
            if t is None:
                return None
            return np.where(t > 0, 1.0, 0.0) if reading == "mask" else self._slope(t)
        return self._fitting("activation_slope")

    # Gradients

    def _summed_with(self, delta: Array | None) -> Array | None:
        """The gradient's sum over all windows, by the rule; None without a δ."""
        layer = self.layer
        if delta is None:
            return None
        x = layer.for_filters(padded(layer.x, layer.sides))
        return layer.used(gather(x, delta, layer.taps, layer.spacing))

    def filter_gradient(self) -> Array | None:
        delta = self._fitting("delta")
        if (source := self.made("gradient-from-error")) is not None:
            delta = self._fitting("error" if source == "error" else "output_gradient")
        if delta is None:
            return None
        if self.made("gradient-rotated") == "delta":
            delta = rotated(delta)
        g = self._gathered(delta)
        return None if g is None else self._arranged(g)

    def _gathered(self, delta: Array) -> Array | None:
        """Σ δ·x, or what was summed in its place."""
        layer = self.layer
        if (source := self.made("gradient-from-output")) is not None:
            return self._from_output(source, delta)
        if self.made("gradient-from-filter") is not None:
            return self._from_filter(delta)
        if (reading := self.made("gradient-full")) is not None:
            return self._full(reading, delta)
        if (reading := self.made("gradient-one-position")) is not None:
            return self._summed_with(one_position(delta, reading))
        if (reading := self.made("gradient-same-everywhere")) is not None:
            number = self._one_number(reading, delta)
            return None if number is None else np.full_like(layer.w, number)
        if (reading := self.made("gradient-stride-ignored")) is not None:
            return self._not_spread(reading, delta)
        return self._summed_with(delta)

    def _arranged(self, g: Array) -> Array:
        """What is done to the sum afterwards: turned, divided, added to what was there, written with another sign."""
        if self.made("gradient-rotated") == "result":
            g = rotated(g)
        if self.made("gradient-transposed") is not None:
            g = g.swapaxes(2, 3)
        if (divisor := self.made("gradient-averaged")) is not None:
            g = g / self._count(divisor)
        return self._accumulated(-g if self.flips_gradient else g, "filter_gradient")

    def _count(self, what: str) -> int:
        """How many positions a learner may divide by."""
        layer = self.layer
        counts = {
            "positions": layer.positions,
            "map": layer.output_shape[2] * layer.output_shape[3],
            "outputs": layer.positions * layer.filters,
        }
        return int(counts[what.removesuffix("-both")])

    def _accumulated(self, g: Array, name: str) -> Array:
        if self.made("gradient-accumulated") is None:
            return g
        sign = -1 if self.flips_gradient != self.flips_error else 1
        earlier = sum(sheet[name] for sheet in self.start.earlier)
        return g + sign * earlier if np.shape(earlier) in ((), g.shape) else g

    def _from_output(self, source: str, delta: Array) -> Array | None:
        """a (or z) in the place of x: it has x's size, or else it has δ's, and one number comes out."""
        layer, values = self.layer, self._fitting(source)
        if values is None:
            return None
        if values.shape[-2:] == layer.x.shape[-2:]:
            return layer.used(gather(padded(values, layer.sides)[:, :, None], delta, layer.taps, layer.spacing))
        return (values * delta).sum(axis=(0, 2, 3))[:, None, None, None]

    def _from_filter(self, delta: Array) -> Array | None:
        """w in the place of x: the smaller of w and δ moves over the larger."""
        w, one = self.start.filter, Spacing((1, 1), (1, 1))
        if all(n >= k for n, k in zip(w.shape[-2:], delta.shape[-2:], strict=True)):
            return np.asarray(sum(correlate(w[:, :, None], d[None], one) for d in delta))
        if all(n >= k for n, k in zip(delta.shape[-2:], w.shape[-2:], strict=True)):
            return correlate(delta[:, :, None], w, one).sum(axis=0, keepdims=True)
        return None

    def _full(self, reading: str, delta: Array) -> Array:
        """x ⋆ δ at every place where they overlap, or at as many places as x has cells."""
        rows, columns = delta.shape[-2:]
        if reading == "full":
            sides = (rows - 1, rows - 1), (columns - 1, columns - 1)
        else:
            sides = ((rows - 1) // 2, rows // 2), ((columns - 1) // 2, columns // 2)
        x = self.layer.for_filters(padded(self.layer.x, sides))
        taps = x.shape[-2] - rows + 1, x.shape[-1] - columns + 1
        return gather(x, delta, taps, Spacing((1, 1), (1, 1)))

    def _one_number(self, reading: str, delta: Array) -> float | None:
        what, _, how = reading.partition("-")
        values = {"delta": delta, "error": self._fitting("error"), "gradient": self._summed_with(delta)}[what]
        if values is None:
            return None
        return float(values.sum() if how == "sum" else values.mean())

    def _not_spread(self, reading: str, delta: Array) -> Array:
        """δ as it is, its cells side by side although its windows lie s apart; or the taps side by side (dilation)."""
        layer, spacing, taps = self.layer, self.layer.spacing, self.layer.taps
        x = layer.for_filters(padded(layer.x, layer.sides))
        if reading == "dilation":
            spacing = Spacing(spacing.stride, (1, 1))
        else:
            spacing = Spacing((1, 1), spacing.dilation if reading == "stride" else (1, 1))
        if reading == "valid":
            taps = x.shape[-2] - delta.shape[-2] + 1, x.shape[-1] - delta.shape[-1] + 1
        return layer.used(gather(x, delta, taps, spacing))

    def bias_gradient(self) -> Array | None:
        delta, layer = self._fitting("delta"), self.layer
        forgotten = self.made("bias-gradient-forgotten")
        if delta is None or self.start.bias is None or forgotten == "absent":
            return None
        if forgotten == "zero":
            return np.zeros(layer.filters)
        g = delta.sum(axis=(0, 2, 3))
        if (divisor := self.made("bias-gradient-mean")) is not None:
            g = g / (layer.positions if divisor == "positions" else layer.positions * layer.filters)
        averaged = self.made("gradient-averaged")
        if averaged is not None and averaged.endswith("-both"):
            g = g / self._count(averaged)
        return self._accumulated(-g if self.flips_gradient else g, "bias_gradient")

    def input_gradient(self) -> Array | None:
        layer, w = self.layer, self.start.filter
        from_error = self.made("input-gradient-from-error") is not None
        delta = self._fitting("output_gradient" if from_error else "delta")
        if self.made("input-gradient-new-filter") is not None:
            w = self.numbers.get("new_filter")
        if delta is None or w is None or w.shape != layer.w.shape:
            return None
        w = layer.used(w)
        if self.made("input-gradient-unrotated") is not None:
            w = rotated(w)
        if self.made("input-gradient-valid") is not None:
            return valid_input_gradient(layer, delta, w)
        dx = scattered(layer, delta, w)
        if self.made("remainder-lost") is not None:
            dx = dx[:, :, : layer.reached[0], : layer.reached[1]]
        return dx

    # Update

    def update(self) -> None:
        """The optimizer's step, for the filter and for the bias; the learner's own sign is undone by adding."""
        for kind in ("filter", "bias"):
            w = getattr(self.start, kind)
            g = self.numbers.get(f"{kind}_gradient")
            if w is None or self.layer.rate is None:
                continue
            if kind == "bias" and self.made("bias-gradient-forgotten") is not None:
                self._write("bias_update", np.zeros_like(w))
                self._write("new_bias", w.copy())
            elif g is not None and g.shape == w.shape:
                self._update(kind, w, g)

    def _update(self, kind: str, w: Array, g: Array) -> None:
        layer = self.layer
        g = -g if self.flips_gradient != self.flips_error else g
        step, state = optimize(layer.optimizer, layer.rate, self.iteration, w, g, self.start.states[kind], self.made)
        for name, value in state.items():
            self._write(f"{kind}_{name}", value)
        self.states[kind] = state
        self._write(f"{kind}_update", step)
        step = self.numbers[f"{kind}_update"]
        start: Array | float = w
        if self.made("gradient-replaces") is not None:
            start = 0.0
        elif self.made("update-from-start") is not None:
            start = getattr(layer, {"filter": "w"}.get(kind, kind))
        self._write(f"new_{kind}", start + step)


def one_position(delta: Array, reading: str) -> Array:
    """δ with all but one position set to 0, in every image."""
    alone = np.zeros_like(delta)
    rows, columns = delta.shape[2:]
    numbers = {"first": 0, "last": rows * columns - 1}
    place = numbers[reading] if reading in numbers else int(reading.removeprefix("at "))
    row, column = divmod(place, columns)
    alone[:, :, row, column] = delta[:, :, row, column]
    return alone


def scattered(layer: Layer, delta: Array, w: Array) -> Array:
    """∂L/∂x: every δ times the filter (as it met the input), put back where its window was, the padding cut off."""
    dx = padded(np.zeros_like(layer.x), layer.sides)
    for p, q, (rows, columns) in places(dx.shape[-2:], layer.taps, layer.spacing):
        for f, channels in enumerate(layer.channels_of):
            for c, channel in enumerate(channels):
                dx[:, channel, rows, columns] += delta[:, f] * w[f, c, p, q]
    (top, _), (left, _) = layer.sides
    return dx[:, :, top : top + layer.x.shape[2], left : left + layer.x.shape[3]]


def valid_input_gradient(layer: Layer, delta: Array, w: Array) -> Array | None:
    """δ with the rotated filter moved over it, only where it lies wholly inside."""
    one = Spacing((1, 1), (1, 1))
    if not fits(delta.shape[-2:], layer.taps, one):
        return None
    dx: Array | None = None
    for f, channels in enumerate(layer.channels_of):
        for c, channel in enumerate(channels):
            part = correlate(delta[:, [f]][:, :, None], rotated(w[f, c])[None, None], one)
            if dx is None:
                dx = np.zeros((len(delta), layer.x.shape[1], *part.shape[-2:]))
            dx[:, [channel]] += part
    return dx


def starts(layer: Layer, iteration: int) -> Start:
    """What an iteration of the right run starts from."""
    if iteration in layer.started:
        return layer.started[iteration]
    if iteration == 1:
        kinds = {"filter": layer.w, "bias": layer.bias}
        states = {kind: first_state(layer.optimizer, w) for kind, w in kinds.items() if w is not None}
        start = Start(layer.w, layer.bias, states)
    else:
        before = starts(layer, iteration - 1)
        sheet = Sheet(layer, before, iteration - 1, {})
        numbers = sheet.numbers
        start = Start(numbers["new_filter"], numbers.get("new_bias"), sheet.states, (*before.earlier, numbers))
    layer.started[iteration] = start
    return start


def named(mistakes: Iterable[Mistake]) -> dict[str, str]:
    """The mistakes with their readings: the first one where an id comes alone."""
    pairs = [(each, READINGS[each][0]) if isinstance(each, str) else each for each in mistakes]
    unknown = [(id_, reading) for id_, reading in pairs if reading not in READINGS[id_]]
    if unknown:
        raise ValueError(f"no such reading: {unknown}")
    return dict(pairs)


def shown(layer: Layer, name: str, value: Array, apart: bool) -> Any:
    """Nested lists at the depth of what the quantity belongs to."""
    if name == "loss":
        return float(value)
    if name.endswith("bias") or name.startswith("bias"):
        return value.tolist() if layer.depths["filter"] == 4 else float(value[0])
    if name in ("filter", "new_filter") or name.startswith("filter_"):
        return value.reshape(value.shape[4 - layer.depths["filter"] :]).tolist()
    if name == "input_gradient":
        return value.reshape(value.shape[4 - layer.depths["input"] :]).tolist()
    drop = tuple(
        axis
        for axis, there in ((0, layer.depths["input"] == 4), (1, layer.depths["filter"] == 4 or apart))
        if not there
    )
    return np.squeeze(value, axis=drop).tolist()


def calculate(
    document: Mapping[str, Any] | Layer,
    mistakes: Iterable[Mistake] = (),
    iteration: int = 1,
    signs: Collection[str] = (),
    rounding: Rounding | None = None,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every quantity of one iteration by its name, as nested lists, with the mistakes made in it.

    Args:
        document: The problem, as its file has it, or what was already made of it.
        mistakes: Ids, or ids with a reading: ``("gradient-rotated", "delta")``.
        iteration: Counted from 1; the ones before it were done right.
        signs: Which of `SIGNS` the learner uses.
        rounding: Done to every quantity as it is written down, before the next is computed from it.
        given: Numbers that somebody wrote down: what comes after each is computed from it, whatever it should be.
    """
    layer, made = document if isinstance(document, Layer) else Layer(document), named(mistakes)
    sheet = Sheet(layer, starts(layer, iteration), iteration, made, signs, rounding, given)
    apart = made.get("channels-not-summed") == "apart"
    return {
        name: shown(
            layer, name, sheet.predicted[name], apart and name in ("pre_activation", "output", "activation_slope")
        )
        for name in NAMES
        if name in sheet.predicted
    }
