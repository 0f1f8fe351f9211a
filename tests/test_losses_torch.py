"""Every loss and its gradient against torch.nn.functional and its autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import LOSS_CHOICES, SEEDS
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.choices import Choice
from convstep.losses import make_loss

torch = pytest.importorskip("torch")
from torch_layer import loss_of, tensor  # noqa: E402


def compare(choice: Choice, error: np.ndarray) -> None:
    leaf = tensor(error, leaf=True)
    expected = loss_of(leaf, torch.zeros_like(leaf), choice)
    expected.backward()
    loss, gradient = make_loss(choice), np.full(error.shape, np.nan)
    loss.gradient(error, gradient)
    close = {"rtol": 1e-12, "atol": 1e-12, "err_msg": str(choice.spelled)}
    np.testing.assert_allclose(loss.values(error[None])[0], expected.item(), **close)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), **close)


@examples(150)
@given(LOSS_CHOICES, SEEDS, st.sampled_from([0.1, 1.0, 30.0]), st.integers(1, 40))
def test_drawn(choice: Choice, seed: int, size: float, number: int) -> None:
    compare(choice, np.random.default_rng(seed).normal(scale=size, size=number))


@examples(40)
@given(LOSS_CHOICES)
def test_special_numbers(choice: Choice) -> None:
    delta = float(choice.parameters.get("delta", 1.0))
    compare(choice, np.array([0.0, -0.0, 1e3, -1e3, delta, -delta, 1e-8, 1.0]))
