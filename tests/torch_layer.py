"""The same layer in PyTorch, in float64, as plain as it can be written; skips whoever imports it without PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.choices import Choice
from convstep.geometry import Geometry
from convstep.problem.model import Problem

torch = pytest.importorskip("torch")
F = pytest.importorskip("torch.nn.functional")

torch.set_num_threads(1)  # for a few numbers each, threads only cost time


def tensor(x: np.ndarray, *, leaf: bool = False) -> torch.Tensor:
    """A copy of the array; with `leaf` autograd follows it."""
    return torch.tensor(np.array(x, order="C"), dtype=torch.float64, requires_grad=leaf)


def convolved(x: torch.Tensor, w: torch.Tensor, bias: torch.Tensor | None, g: Geometry) -> torch.Tensor:
    """conv2d with padding that need not be the same on both sides."""
    (top, bottom), (left, right) = g.padding
    x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, w, bias, stride=g.stride, dilation=g.dilation, groups=g.groups)


def activated(z: torch.Tensor, choice: Choice, slope_at_zero: float | None = None) -> torch.Tensor:
    """The activation by its name; PyTorch takes no slope at zero, so it is a case of its own."""
    chosen = dict(choice.parameters)
    functions = {
        "relu": F.relu,
        "linear": lambda z: z,
        "leaky_relu": lambda z: F.leaky_relu(z, chosen.get("slope", 0.01)),
        "elu": lambda z: F.elu(z, chosen.get("alpha", 1.0)),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softplus": lambda z: F.softplus(z, beta=chosen.get("beta", 1.0)),
        "silu": F.silu,
        "gelu": lambda z: F.gelu(z, approximate=chosen.get("approximate", "none")),
    }
    a = functions[choice.name](z)
    return a if slope_at_zero is None else torch.where(z == 0, slope_at_zero * z, a)


def loss_of(a: torch.Tensor, target: torch.Tensor, choice: Choice) -> torch.Tensor:
    """The loss by its name."""
    functions = {
        "half_squared_error": lambda: 0.5 * F.mse_loss(a, target, reduction="sum"),
        "squared_error": lambda: F.mse_loss(a, target, reduction="sum"),
        "mean_squared_error": lambda: F.mse_loss(a, target),
        "mean_absolute_error": lambda: F.l1_loss(a, target),
        "huber": lambda: F.huber_loss(a, target, delta=choice.parameters.get("delta", 1.0)),
    }
    return functions[choice.name]()


class TorchLayer:
    """A problem's layer as PyTorch sees it, with its parameters as leaves."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.geometry = problem, problem.geometry
        self.x = tensor(problem.input, leaf=True)
        self.w = tensor(problem.filter, leaf=True)
        self.b = None if problem.bias is None else tensor(problem.bias, leaf=True)

    @property
    def parameters(self) -> list[torch.Tensor]:
        """The filter, and the bias if there is one."""
        return [self.w] if self.b is None else [self.w, self.b]

    def forward(self) -> dict[str, torch.Tensor]:
        """Every number of the forward pass, those that autograd should keep included."""
        problem, g = self.problem, self.geometry
        w = self.w.flip(-1, -2) if problem.operation == "convolution" else self.w
        b = None if self.b is None else self.b.reshape(-1)
        z = convolved(self.x.reshape(g.input_shape), w.reshape(g.filter_shape), b, g)
        z = z.reshape(problem.output_shape)
        a = activated(z, problem.activation, problem.slope_at_zero)
        # For `linear`, z and a are one tensor, and their gradients are the same as well.
        z.retain_grad()
        a.retain_grad()
        found = {"pre_activation": z, "output": a}
        if problem.target is None:
            assert problem.output_gradient is not None
            return found | {"loss": (a * tensor(problem.output_gradient)).sum()}
        target = tensor(problem.target)
        if problem.target_through_activation:
            target = activated(target, problem.activation, problem.slope_at_zero)
            found["activated_target"] = target
        return found | {"error": a - target, "loss": loss_of(a, target, problem.loss)}

    def iteration(self) -> dict[str, np.ndarray]:
        """Forward and backward; the gradients stay in the leaves for an optimizer."""
        for leaf in (self.x, *self.parameters):
            leaf.grad = None
        found = {"filter": self.w} | ({} if self.b is None else {"bias": self.b})
        found = {name: value.detach().clone() for name, value in found.items()} | self.forward()
        found["loss"].backward()
        found |= {"output_gradient": found["output"].grad, "delta": found["pre_activation"].grad}
        found |= {"filter_gradient": self.w.grad, "input_gradient": self.x.grad}
        if self.b is not None:
            found["bias_gradient"] = self.b.grad
        return {name: value.detach().numpy().copy() for name, value in found.items()}
