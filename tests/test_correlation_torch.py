"""The definition and the faster equals against PyTorch's conv2d and autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import SEEDS, geometries, numbers
from hypothesis import given, settings

from convstep.correlation import (
    Taps,
    Windows,
    correlate,
    filter_gradient,
    input_gradient,
    input_gradients,
    pad,
)
from convstep.geometry import Geometry

torch = pytest.importorskip("torch")
from torch_layer import convolved, tensor  # noqa: E402


@settings(max_examples=150, deadline=None)
@given(geometries(), SEEDS)
def test_definition_and_schemes_against_conv2d(geometry: Geometry, seed: int) -> None:
    x, w = numbers(seed, geometry.input_shape), numbers(seed + 1, geometry.filter_shape)
    delta = numbers(seed + 2, geometry.output_shape)
    x_leaf, w_leaf = tensor(x, leaf=True), tensor(w, leaf=True)
    z = convolved(x_leaf, w_leaf, None, geometry)
    z.backward(tensor(delta))
    padded = pad(x, geometry)
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(correlate(padded, w, geometry), z.detach().numpy(), **close)
    np.testing.assert_allclose(filter_gradient(padded, delta, geometry), w_leaf.grad.numpy(), **close)
    np.testing.assert_allclose(input_gradient(delta, w, geometry), x_leaf.grad.numpy(), **close)
    np.testing.assert_allclose(input_gradients(delta[None], w[None], geometry)[0], x_leaf.grad.numpy(), **close)
    for scheme in (Windows, Taps):
        made, found, gradient = scheme(padded, geometry), np.empty((1, *z.shape)), np.empty((1, *w.shape))
        made.correlate(made.filter_views(w[None])[0], made.output_views(found)[0])
        made.filter_gradient(made.delta_views(delta[None])[0], made.gradient_views(gradient)[0])
        np.testing.assert_allclose(found[0], z.detach().numpy(), **close)
        np.testing.assert_allclose(gradient[0], w_leaf.grad.numpy(), **close)


def test_a_larger_one() -> None:
    """A size where the schemes' own order of additions differs from PyTorch's in many places."""
    geometry = Geometry(2, 6, (32, 17), 4, (5, 3), (2, 1), (1, 2), ((2, 1), (0, 3)), groups=2)
    x, w = numbers(1, geometry.input_shape), numbers(2, geometry.filter_shape)
    z = convolved(tensor(x), tensor(w), None, geometry).numpy()
    assert z.shape == geometry.output_shape
    for scheme in (Windows, Taps):
        made, found = scheme(pad(x, geometry), geometry), np.empty((1, *z.shape))
        made.correlate(made.filter_views(w[None])[0], made.output_views(found)[0])
        np.testing.assert_allclose(found[0], z, rtol=1e-11, atol=1e-11)
