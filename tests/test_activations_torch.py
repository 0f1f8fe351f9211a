"""Values and slopes of every activation against torch.nn.functional and its autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import ACTIVATION_CHOICES, SEEDS
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.activations import ACTIVATIONS, make_activation
from convstep.choices import Choice

torch = pytest.importorskip("torch")
from torch_layer import activated, tensor  # noqa: E402

SPECIAL = np.array([0.0, -0.0, 1e3, -1e3, 1e-8, -1e-8, 1e-300, -1e-300, 1.0, -1.0, 20.0, -20.0, 36.0, -36.0])


@np.errstate(over="ignore")
def compare(choice: Choice, z: np.ndarray) -> None:
    leaf = tensor(z, leaf=True)
    expected = activated(leaf, choice)
    (expected_slope,) = torch.autograd.grad(expected.sum(), leaf)
    a, slope = np.full(z.shape, np.nan), np.full(z.shape, np.nan)
    activation = make_activation(choice)
    activation.value(z, a)
    activation.slope(z, a, slope)
    close = {"rtol": 1e-12, "atol": 1e-12, "err_msg": str(choice.spelled)}
    np.testing.assert_allclose(a, expected.detach().numpy(), **close)
    np.testing.assert_allclose(slope, expected_slope.numpy(), **close)


@examples(200)
@given(ACTIVATION_CHOICES, SEEDS, st.sampled_from([1.0, 10.0, 100.0]))
def test_drawn(choice: Choice, seed: int, size: float) -> None:
    compare(choice, np.random.default_rng(seed).normal(scale=size, size=(3, 20)))


@examples(60)
@given(ACTIVATION_CHOICES)
def test_special_numbers(choice: Choice) -> None:
    compare(choice, SPECIAL)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_defaults(name: str) -> None:
    compare(Choice(name), SPECIAL)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_softplus_around_its_threshold(beta: float) -> None:
    z = np.array([19.9, np.nextafter(20.0, 0.0), 20.0, np.nextafter(20.0, 30.0), 20.1, 50.0]) / beta
    compare(Choice("softplus", {"beta": beta}), z)
