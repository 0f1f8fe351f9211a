"""An iteration computed once more by PyTorch: forward by its own functions, backward by autograd, all in float64.

PyTorch is optional and is imported here alone, when it is asked for. It adds with fused products and in another order,
so the last digits may differ. Where such a digit decides on which side of a kink a number lies, PyTorch goes on with
convstep's number, and the cell is named.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.choices import Choice
from convstep.differences import EPSILON
from convstep.errors import UsageError
from convstep.forward_paths import ForwardPaths
from convstep.gradients import Kink
from convstep.losses import make_loss
from convstep.problem.model import Problem
from convstep.quantities import QUANTITIES
from convstep.trace import Step

Tensor = Any
CLOSE = 1e-12
"""How far two numbers may be apart, as a share of the size of the numbers that they were made of."""

STATES: Mapping[str, Mapping[str, str]] = {
    "sgd": {"momentum": "momentum_buffer"},
    "adam": {"momentum": "exp_avg", "square_average": "exp_avg_sq", "largest_square_average": "max_exp_avg_sq"},
    "rmsprop": {"momentum": "momentum_buffer", "square_average": "square_avg", "gradient_average": "grad_avg"},
    "adagrad": {"square_average": "sum"},
}
"""What torch.optim calls the state of an optimizer."""


class SideBySide(NamedTuple):
    """One quantity, computed twice.

    Attributes:
        name: The quantity.
        largest: Its largest number, without its sign.
        difference: How far two numbers are apart at the most.
        ulps: The same in units in the last place of the largest number.
        tolerance: How far they may be apart.
    """

    name: str
    largest: float
    difference: float
    ulps: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether they are as close as float64 allows."""
        return self.difference <= self.tolerance


class TorchComparison(NamedTuple):
    """An iteration beside PyTorch's.

    Attributes:
        iteration: Which one.
        version: PyTorch's.
        quantities: In the order of the calculation.
        kinks: Where PyTorch's number lay on the other side of a kink.
    """

    iteration: int
    version: str
    quantities: tuple[SideBySide, ...]
    kinks: tuple[Kink, ...]

    @property
    def agrees(self) -> bool:
        """Whether all agree."""
        return all(each.agrees for each in self.quantities)

    @property
    def first_wrong(self) -> SideBySide | None:
        """The first in the order of the calculation that differs: the place to look."""
        return next((each for each in self.quantities if not each.agrees), None)


def compare_with_torch(problem: Problem, step: Step, before: Step | None = None) -> TorchComparison:
    """Computes an iteration by PyTorch and compares every quantity.

    Args:
        problem: The problem.
        step: The iteration, from whose filter and bias PyTorch starts.
        before: The iteration before, whose optimizer's state it goes on with.

    Raises:
        UsageError: PyTorch is not installed.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        message = "--against torch needs PyTorch, which is not installed: pip install torch (a CPU build is enough)"
        raise UsageError(message) from None
    bias = step.bias if problem.bias is not None else None
    layer = _Layer(torch, replace(problem, filter=step.filter, bias=bias), step)
    found = layer.quantities()
    if "filter_update" in step and "filter_gradient" in found:
        found |= _updates(torch, problem, step, before)
    sizes = _sizes(layer, step)
    rows = [
        _side_by_side(name, step.array(name), found[name], sizes.get(name, 0.0)) for name in QUANTITIES if name in found
    ]
    return TorchComparison(step.iteration, str(torch.__version__), tuple(rows), tuple(layer.kinks))


def _side_by_side(name: str, ours: Array, theirs: Array, size: float) -> SideBySide:
    largest = max(float(np.abs(each).max(initial=0.0)) for each in (ours, theirs))
    difference = float(np.abs(ours - theirs).max(initial=0.0))
    ulps = difference / float(np.spacing(largest)) if difference else 0.0
    return SideBySide(name, largest, difference, ulps, CLOSE * max(size, largest))


class _Layer:
    """The layer as PyTorch sees it.

    Attributes:
        kinks: Where a last digit decided.
    """

    def __init__(self, torch: Any, problem: Problem, step: Step) -> None:
        self.torch, self.problem, self.step = torch, problem, step
        self.paths = ForwardPaths(replace(problem, learning_rate=None), step)
        self.kinks: list[Kink] = []
        self.x, self.w = self._tensor(problem.input, leaf=True), self._tensor(problem.filter, leaf=True)
        self.b = None if problem.bias is None else self._tensor(problem.bias, leaf=True)

    def _tensor(self, array: Array, *, leaf: bool = False) -> Tensor:
        return self.torch.tensor(np.array(array, order="C"), dtype=self.torch.float64, requires_grad=leaf)

    def quantities(self) -> dict[str, Array]:
        """Every quantity up to the gradients, by its name."""
        z = self._pre_activation()
        used_z = self._settled("pre_activation", z)
        a = self._activated(used_z)
        found = {"pre_activation": z, "output": a}
        if self.problem.forward_only:
            return self._arrays(found)
        found |= self._lossy(a)
        grad = self.torch.autograd.grad
        leaves = [a, used_z, self.w, self.x, *([] if self.b is None else [self.b])]
        names = ["output_gradient", "delta", "filter_gradient", "input_gradient", "bias_gradient"]
        found |= dict(zip(names, grad(found["loss"], leaves, retain_graph=True), strict=False))
        (found["activation_slope"],) = grad(a.sum(), used_z)
        return self._arrays(found)

    def _arrays(self, found: Mapping[str, Tensor]) -> dict[str, Array]:
        return {name: value.detach().numpy().copy() for name, value in found.items()}

    def _pre_activation(self) -> Tensor:
        problem, g = self.problem, self.problem.geometry
        (top, bottom), (left, right) = g.padding
        functional = self.torch.nn.functional
        x = functional.pad(self.x.reshape(g.input_shape), (left, right, top, bottom))
        w = self.w.flip(-1, -2) if problem.operation == "convolution" else self.w
        b = None if self.b is None else self.b.reshape(-1)
        z = functional.conv2d(x, w.reshape(g.filter_shape), b, stride=g.stride, dilation=g.dilation, groups=g.groups)
        return z.reshape(problem.output_shape)

    def _activated(self, z: Tensor) -> Tensor:
        choice, functional = self.problem.activation, self.torch.nn.functional
        chosen = self.paths.activation.choice.parameters
        a = {
            "relu": functional.relu,
            "linear": lambda z: z * 1.0,
            "leaky_relu": lambda z: functional.leaky_relu(z, chosen["slope"]),
            "elu": lambda z: functional.elu(z, chosen["alpha"]),
            "sigmoid": self.torch.sigmoid,
            "tanh": self.torch.tanh,
            "softplus": lambda z: functional.softplus(z, beta=chosen["beta"]),
            "silu": functional.silu,
            "gelu": lambda z: functional.gelu(z, approximate=chosen["approximate"]),
        }[choice.name](z)
        at_zero = self.problem.slope_at_zero
        return a if at_zero is None else self.torch.where(z == 0, at_zero * z, a)

    def _lossy(self, a: Tensor) -> dict[str, Tensor]:
        """The loss, and what it is computed from."""
        problem = self.problem
        if problem.output_gradient is not None:
            return {"loss": (a * self._tensor(problem.output_gradient)).sum()}
        assert problem.target is not None
        target, found = self._tensor(problem.target), {}
        if problem.target_through_activation:
            found["activated_target"] = target = self._activated(target)
        found["error"] = a - target
        settled = self._settled("error", found["error"])
        return found | {"loss": self._loss(settled, problem.loss)}

    def _loss(self, error: Tensor, choice: Choice) -> Tensor:
        functional, zero = self.torch.nn.functional, self.torch.zeros_like(error)
        return {
            "half_squared_error": lambda: 0.5 * functional.mse_loss(error, zero, reduction="sum"),
            "squared_error": lambda: functional.mse_loss(error, zero, reduction="sum"),
            "mean_squared_error": lambda: functional.mse_loss(error, zero),
            "mean_absolute_error": lambda: functional.l1_loss(error, zero),
            "huber": lambda: functional.huber_loss(error, zero, delta=make_loss(choice).choice.number("delta")),
        }[choice.name]()

    def _settled(self, name: str, theirs: Tensor) -> Tensor:
        """PyTorch's numbers, and convstep's where a last digit decided on the side of a kink."""
        ours, found = self.step.array(name), theirs.detach().numpy()
        size = float(self.paths.sizes.max()) + float(np.abs(ours).max())
        apart = np.zeros(ours.shape, dtype=bool)
        for corner in self.paths.corners.get(name, ()):
            apart |= np.sign(ours - corner) != np.sign(found - corner)
        apart &= np.abs(ours - found) <= CLOSE * size
        if not apart.any():
            return theirs
        self.kinks += [Kink(name, tuple(int(i) for i in cell), float(ours[tuple(cell)])) for cell in np.argwhere(apart)]
        return self.torch.where(self._tensor(apart) > 0, self._tensor(ours) + (theirs - theirs.detach()), theirs)


def _updates(torch: Any, problem: Problem, step: Step, before: Step | None) -> dict[str, Array]:
    """What torch.optim makes of convstep's gradient: state, update and new parameters."""
    assert problem.learning_rate is not None
    choice = problem.optimizer
    found: dict[str, Array] = {}
    states = {ours: theirs for ours, theirs in STATES[choice.name].items() if f"filter_{ours}" in step}
    if states and step.iteration > 1 and before is None:
        return {}
    kinds = ["filter", *(["bias"] if "bias" in step else [])]
    leaves = {kind: torch.tensor(np.array(step.array(kind)), requires_grad=True) for kind in kinds}
    maker = {"sgd": "SGD", "adam": "Adam", "rmsprop": "RMSprop", "adagrad": "Adagrad"}[choice.name]
    optimizer = getattr(torch.optim, maker)(list(leaves.values()), lr=problem.learning_rate, **choice.parameters)
    for kind, leaf in leaves.items():
        leaf.grad = torch.tensor(np.array(step.array(f"{kind}_gradient")))
        if before is not None and states:
            state = {theirs: torch.tensor(np.array(before.array(f"{kind}_{ours}"))) for ours, theirs in states.items()}
            optimizer.state[leaf] = state | {"step": torch.tensor(float(step.iteration - 1))}
    optimizer.step()
    for kind, leaf in leaves.items():
        new = leaf.detach().numpy().copy()
        found |= {f"{kind}_{ours}": optimizer.state[leaf][theirs].numpy().copy() for ours, theirs in states.items()}
        found |= {f"{kind}_update": new - step.array(kind), f"new_{kind}": new}
    return found


def _sizes(layer: _Layer, step: Step) -> dict[str, float]:
    """How large the numbers are that each quantity is made of: where they cancel, rounding is a share of these."""
    problem, g, paths = layer.problem, layer.problem.geometry, layer.paths
    most = {name: float(np.abs(step.array(name)).max()) for name in step}
    slope = paths.activation.largest_slope
    z = float(paths.sizes.max())
    error = slope * z + most["output"] + _most(problem.target) + most.get("activated_target", 0.0)
    n = int(np.prod(problem.output_shape))
    curvature = (layer.paths.loss.largest_curvature or 0.0) / (n if layer.paths.loss.is_mean else 1)
    sent = most.get("output_gradient", 0.0) + curvature * error
    delta = sent * slope * (1.0 + z)
    sizes = {"pre_activation": z, "output": error, "activated_target": error, "error": error}
    sizes |= {"loss": n * sent * error, "output_gradient": sent, "activation_slope": slope * (1.0 + z), "delta": delta}
    sizes |= {"filter_gradient": g.positions * _most(problem.input) * delta, "bias_gradient": g.positions * delta}
    sizes["input_gradient"] = g.filters * g.taps * _most(problem.filter) * delta
    for kind in ("filter", "bias"):
        if f"{kind}_update" in step:
            moved = (most[kind] + most[f"{kind}_update"]) * _cancelled(step, kind)
            sizes |= {f"{kind}_update": moved, f"new_{kind}": moved, f"{kind}_momentum": moved}
    return sizes


def _most(array: Array | None) -> float:
    return 0.0 if array is None else float(np.abs(array).max())


def _cancelled(step: Step, kind: str) -> float:
    """By how much centered rmsprop's v − ḡ² is smaller than v, at the most; 1 for all other optimizers."""
    if f"{kind}_gradient_average" not in step:
        return 1.0
    square = step.array(f"{kind}_square_average")
    left = square - step.array(f"{kind}_gradient_average") ** 2
    share = square / np.maximum(left, EPSILON * square + np.finfo(np.float64).tiny)
    return max(1.0, float(share.max()))
