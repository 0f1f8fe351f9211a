"""The definition and the faster equals against PyTorch's conv2d and autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import SEEDS, geometries, numbers
from hypothesis import given
from profiles import examples

from convstep.correlation import correlate, filter_gradient, input_gradient, input_gradients, pad
from convstep.correlation.band import Band
from convstep.correlation.fourier import Fourier
from convstep.correlation.patches import Patches
from convstep.correlation.taps import Taps
from convstep.correlation.windows import Windows
from convstep.geometry import Geometry

torch = pytest.importorskip("torch")
from torch_layer import convolved, tensor  # noqa: E402


def schemes_for(geometry: Geometry) -> list[type]:
    """All that can do this geometry."""
    return [Windows, Taps, Patches, *(scheme for scheme in (Band, Fourier) if scheme.suits(geometry))]


@examples(150)
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
    for scheme in schemes_for(geometry):
        made, found, gradient = scheme(padded, geometry), np.empty((1, *z.shape)), np.empty((1, *w.shape))
        made.correlate(made.filter_views(w[None])[0], made.output_views(found)[0])
        made.filter_gradient(made.delta_views(delta[None])[0], made.gradient_views(gradient)[0])
        np.testing.assert_allclose(found[0], z.detach().numpy(), **close)
        np.testing.assert_allclose(gradient[0], w_leaf.grad.numpy(), **close)


LARGER = [
    Geometry(2, 6, (32, 17), 4, (5, 3), (2, 1), (1, 2), ((2, 1), (0, 3)), groups=2),
    Geometry(1, 1, (300, 170), 1, (5, 3), padding=((2, 1), (0, 3))),
    Geometry(1, 1, (170, 300), 1, (13, 17), padding=((0, 8), (3, 0))),
    Geometry(2, 3, (90, 75), 3, (7, 2), dilation=(2, 3), groups=3),
]


@pytest.mark.parametrize("geometry", LARGER)
def test_a_larger_one(geometry: Geometry) -> None:
    """Sizes where the schemes' own order of additions differs from PyTorch's in many places, and tiles are many."""
    x, w = numbers(1, geometry.input_shape), numbers(2, geometry.filter_shape)
    delta = numbers(3, geometry.output_shape)
    x_leaf, w_leaf = tensor(x, leaf=True), tensor(w, leaf=True)
    z = convolved(x_leaf, w_leaf, None, geometry)
    z.backward(tensor(delta))
    close = {"rtol": 1e-11, "atol": 1e-11}
    for scheme in schemes_for(geometry):
        made, found, gradient = scheme(pad(x, geometry), geometry), np.empty((1, *z.shape)), np.empty((1, *w.shape))
        made.correlate(made.filter_views(w[None])[0], made.output_views(found)[0])
        made.filter_gradient(made.delta_views(delta[None])[0], made.gradient_views(gradient)[0])
        np.testing.assert_allclose(found[0], z.detach().numpy(), **close)
        np.testing.assert_allclose(gradient[0], w_leaf.grad.numpy(), **close)
        np.testing.assert_allclose(made.input_gradients(delta[None], w[None])[0], x_leaf.grad.numpy(), **close)
