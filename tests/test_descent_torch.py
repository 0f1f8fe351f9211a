"""Every quantity of the first iterations against a plain loop of PyTorch's autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import ACTIVATION_CHOICES, FLOATS, INTEGERS, LOSS_CHOICES, SEEDS, numbers, problems
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

from convstep.descent import descend
from convstep.problem.model import Problem, Stop

torch = pytest.importorskip("torch")
from torch_layer import TorchLayer, activated, tensor  # noqa: E402

CLOSE = {"rtol": 1e-9, "atol": 1e-10}
KINKS = 1e-6
"""So near to a kink, one rounding error decides between two slopes."""


def slopes_of(problem: Problem, z: np.ndarray) -> np.ndarray:
    """f′(z) of every cell by autograd: the gradient of Σ f(z)."""
    leaf = tensor(z, leaf=True)
    (slope,) = torch.autograd.grad(activated(leaf, problem.activation, problem.slope_at_zero).sum(), leaf)
    return slope.numpy()


def reference(problem: Problem, iterations: int) -> list[dict[str, np.ndarray]]:
    """What PyTorch says of each iteration, by the names of formats.md."""
    layer, found = TorchLayer(problem), []
    for _ in range(iterations):
        names = layer.iteration()
        names["activation_slope"] = slopes_of(problem, names["pre_activation"])
        for kind, leaf in zip(("filter", "bias"), layer.parameters, strict=False):
            assert leaf.grad is not None
            names[f"{kind}_update"] = -problem.learning_rate * leaf.grad.numpy()
            leaf.data -= problem.learning_rate * leaf.grad
            names[f"new_{kind}"] = leaf.detach().numpy().copy()
        found.append(names)
    return found


def near_a_kink(problem: Problem, names: dict[str, np.ndarray]) -> bool:
    """Whether PyTorch's other order of additions may choose another branch."""
    kinks = [names["pre_activation"]] if problem.activation.name in ("relu", "leaky_relu", "elu") else []
    if problem.activation.name == "softplus":
        kinks.append(names["pre_activation"] * problem.activation.parameters.get("beta", 1.0) - 20.0)
    if problem.loss.name == "mean_absolute_error" and "error" in names:
        kinks.append(names["error"])
    return any((np.abs(values) < KINKS).any() and (values[np.abs(values) < KINKS] != 0).any() for values in kinks)


def compare(problem: Problem, iterations: int) -> None:
    expected = reference(problem, iterations)
    assume(not any(near_a_kink(problem, names) for names in expected))
    steps = list(descend(problem))
    assert len(steps) == iterations
    for number, (step, names) in enumerate(zip(steps, expected, strict=True), start=1):
        assert step.iteration == number
        assert set(step) == set(names)
        for name, value in names.items():
            assert step.array(name).shape == value.shape, name
            np.testing.assert_allclose(step.array(name), value, **CLOSE, err_msg=f"{name} of iteration {number}")


@examples(250)
@given(problems(FLOATS))
def test_drawn_problems(problem: Problem) -> None:
    compare(problem, 3)


@examples(60)
@given(problems(INTEGERS, stop=Stop(iterations=1, loss=-1.0, gradient=-1.0)))
def test_whole_numbers_where_z_is_often_0(problem: Problem) -> None:
    compare(problem, 1)


@examples(60)
@given(ACTIVATION_CHOICES, LOSS_CHOICES, SEEDS, st.sampled_from([0.01, 0.3]))
def test_every_activation_with_every_loss(activation: object, loss: object, seed: int, rate: float) -> None:
    compare(
        Problem(
            input=numbers(seed, (2, 2, 6, 5)),
            filter=numbers(seed + 1, (3, 2, 3, 2)),
            bias=numbers(seed + 2, (3,)),
            target=numbers(seed + 3, (2, 3, 3, 2)),
            stride=(2, 2),
            padding=((0, 1), (1, 0)),
            dilation=(1, 2),
            activation=activation,
            loss=loss,
            learning_rate=rate,
            stop=Stop(3, -1.0, -1.0),
        ),
        3,
    )


@examples(60)
@given(st.data(), SEEDS)
def test_given_output_gradient(data: st.DataObject, seed: int) -> None:
    drawn = data.draw(problems(FLOATS, target_through_activation=False))
    gradient = numbers(seed, drawn.output_shape)
    facts = {name: getattr(drawn, name) for name in drawn.__dataclass_fields__}
    compare(Problem(**(facts | {"target": None, "output_gradient": gradient})), 3)
