"""The schemes that add in an order of their own, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import FLOATS, INTEGERS, LAYOUTS, SEEDS, numbers, permuted
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.correlation import correlate, input_gradient, pad
from convstep.correlation import filter_gradient as defined_filter_gradient
from convstep.correlation.band import Band
from convstep.correlation.fourier import Fourier, tile_size
from convstep.correlation.reordered import Reordered
from convstep.geometry import Geometry
from correlation.schemes import SCHEMES, filter_gradient, forward, geometries_for, small_tiles

each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
KINDS = st.sampled_from([INTEGERS, "quarters", FLOATS])
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def drawn(seed: int, shape: tuple[int, ...], kind: str) -> np.ndarray:
    return numbers(seed, shape, INTEGERS) / 4 if kind == "quarters" else numbers(seed, shape, kind)


@each_scheme
@examples(150)
@given(data=st.data(), seed=SEEDS, kind=KINDS, layout=LAYOUTS)
def test_scheme_equals_definition(
    scheme: type[Reordered], data: st.DataObject, seed: int, kind: str, layout: str
) -> None:
    geometry = data.draw(geometries_for(scheme))
    x = permuted(drawn(seed, geometry.input_shape, kind), layout)
    w = permuted(drawn(seed + 1, geometry.filter_shape, kind), layout)
    delta, bias = drawn(seed + 2, geometry.output_shape, kind), drawn(seed + 3, (geometry.filters,), kind)
    padded = pad(x, geometry)
    with small_tiles():
        made = scheme(padded, geometry)
        found = forward(made, w, bias), filter_gradient(made, delta), made.input_gradients(delta[None], w[None])[0]
    expected = (
        correlate(padded, w, geometry) + bias[:, None, None],
        defined_filter_gradient(padded, delta, geometry),
        input_gradient(delta, w, geometry),
    )
    for one, other in zip(found, expected, strict=True):
        if kind == FLOATS:
            np.testing.assert_allclose(one, other, **CLOSE)
        else:
            assert np.array_equal(one, other)
    assert np.array_equal(np.sign(found[0]), np.sign(expected[0]))


@each_scheme
@examples(60)
@given(data=st.data(), seed=SEEDS)
def test_rows_of_iterations_are_as_single_ones(scheme: type[Reordered], data: st.DataObject, seed: int) -> None:
    geometry = data.draw(geometries_for(scheme))
    made = scheme(pad(numbers(seed, geometry.input_shape), geometry), geometry)
    deltas, filters = numbers(seed + 1, (3, *geometry.output_shape)), numbers(seed + 2, (3, *geometry.filter_shape))
    for delta in deltas:
        filter_gradient(made, delta)  # what was prepared for one row must not serve for another
    together = made.input_gradients(deltas, filters)
    for row, (delta, w) in enumerate(zip(deltas, filters, strict=True)):
        assert np.array_equal(together[row], made.input_gradients(delta[None], w[None])[0])
        np.testing.assert_allclose(together[row], input_gradient(delta, w, geometry), **CLOSE)


@each_scheme
@pytest.mark.parametrize("size", [(61, 83), (8, 8), (9, 300)])
def test_whole_numbers_stay_whole_at_the_real_sizes_of_tiles(scheme: type[Reordered], size: tuple[int, int]) -> None:
    geometry = Geometry(1, 1, size, 1, (7, 5), padding=((3, 3), (0, 2)))
    x, w = numbers(1, geometry.input_shape, INTEGERS), numbers(2, geometry.filter_shape, INTEGERS)
    delta, padded = numbers(3, geometry.output_shape, INTEGERS), pad(x, geometry)
    made = scheme(padded, geometry)
    inner = np.sum(forward(made, w) * delta)
    assert np.sum(w * filter_gradient(made, delta)) == inner
    assert np.sum(x * made.input_gradients(delta[None], w[None])[0]) == inner
    assert np.array_equal(forward(made, w), correlate(padded, w, geometry))


def test_whole_numbers_too_large_for_a_transform_are_done_without() -> None:
    geometry = Geometry(1, 1, (40, 40), 1, (5, 5))
    x, w = 1e6 + numbers(1, geometry.input_shape, INTEGERS), 1e6 + numbers(2, geometry.filter_shape, INTEGERS)
    delta = 1e6 + numbers(3, geometry.output_shape, INTEGERS)
    made = Fourier(x, geometry)
    assert np.array_equal(forward(made, w), correlate(x, w, geometry))
    assert np.array_equal(filter_gradient(made, delta), defined_filter_gradient(x, delta, geometry))
    assert np.array_equal(made.input_gradients(delta[None], w[None])[0], input_gradient(delta, w, geometry))


@pytest.mark.parametrize("scheme", [Band, Fourier])
def test_what_suits_a_scheme_of_planes(scheme: type[Band] | type[Fourier]) -> None:
    assert scheme.suits(Geometry(2, 3, (9, 9), 3, (2, 2), dilation=(2, 1), padding=((1, 0), (0, 2)), groups=3))
    assert not scheme.suits(Geometry(1, 1, (9, 9), 1, (2, 2), stride=(2, 1)))
    assert not scheme.suits(Geometry(1, 2, (9, 9), 1, (2, 2)))
    assert not scheme.suits(Geometry(1, 1, (9, 9), 2, (2, 2)))


@given(st.integers(1, 5000), st.integers(1, 200))
def test_tiles_are_long_enough_and_of_small_primes(output: int, reach: int) -> None:
    size = tile_size(output, reach)
    assert reach <= size
    assert (-(-output // (size - reach + 1)) - 1) * (size - reach + 1) < output
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    assert size == 1
