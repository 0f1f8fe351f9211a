"""The definition against numbers worked by hand, and the faster equals against the definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from drawn_problems import FLOATS, INTEGERS, LAYOUTS, SEEDS, geometries, numbers, permuted
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from scipy.signal import correlate2d

from convstep.correlation import correlate, filter_gradient, input_gradient, input_gradients, pad
from convstep.correlation.taps import Taps
from convstep.correlation.windows import Windows
from convstep.geometry import Geometry

SCHEMES = [Windows, Taps]
KINDS = st.sampled_from([INTEGERS, FLOATS])

# Input [[1,2,0],[0,1,3],[4,0,1]], filter [[1,2],[3,-1]]: every number below was worked out on paper.
X = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]]]])
W = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])
DELTA = np.array([[[[1.0, -2.0], [0.0, 3.0]]]])
PLAIN = Geometry(1, 1, (3, 3), 1, (2, 2))


def test_definition_by_hand() -> None:
    assert correlate(X, W, PLAIN)[0, 0].tolist() == [[4, 2], [14, 6]]


def test_filter_gradient_by_hand() -> None:
    # δ00·[[1,2],[0,1]] + δ01·[[2,0],[1,3]] + δ11·[[1,3],[0,1]] = [[1−4+3, 2+0+9], [0−2+0, 1−6+3]]
    assert filter_gradient(X, DELTA, PLAIN)[0, 0].tolist() == [[0, 11], [-2, -2]]


def test_input_gradient_by_hand() -> None:
    # 1·w at [0,0], −2·w at [0,1], 3·w at [1,1]
    assert input_gradient(DELTA, W, PLAIN)[0, 0].tolist() == [[1, 0, -4], [3, -4, 8], [0, 9, -3]]


def test_stride_padding_and_dilation_by_hand() -> None:
    geometry = Geometry(1, 1, (3, 3), 1, (2, 2), stride=(2, 1), dilation=(1, 2), padding=((1, 0), (0, 1)))
    # padded rows: [0,0,0,0], [1,2,0,0], [0,1,3,0], [4,0,1,0]; a window spans 2 rows and columns j, j+2
    z = correlate(pad(X, geometry), W, geometry)[0, 0]
    assert z.tolist() == [[3 * 1 - 0, 3 * 2 - 0], [0 + 6 + 12 - 1, 1 + 0 + 0 - 0]]
    delta = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    # tap [0,0] meets 0, 0, 0, 1; [0,1]: 0, 0, 3, 0; [1,0]: 1, 2, 4, 0; [1,1]: 0, 0, 1, 0
    assert filter_gradient(pad(X, geometry), delta, geometry)[0, 0].tolist() == [[4, 9], [1 + 4 + 12, 3]]
    # rows of the padding and its last column are cut off
    expected = [[3 * 1, 3 * 2, -1], [3, 4, 2 * 3], [3 * 3, 3 * 4, -3]]
    assert input_gradient(delta, W, geometry)[0, 0].tolist() == expected


def test_groups_channels_and_batch_by_hand() -> None:
    geometry = Geometry(batch=2, channels=4, size=(1, 1), filters=2, kernel=(1, 1), groups=2)
    x = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).reshape(2, 4, 1, 1)
    w = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    assert correlate(x, w, geometry)[:, :, 0, 0].tolist() == [[21, 4300], [65, 8700]]
    delta = np.array([[1.0, -1.0], [2.0, 3.0]]).reshape(2, 2, 1, 1)
    assert filter_gradient(x, delta, geometry)[:, :, 0, 0].tolist() == [[11, 14], [18, 20]]
    expected = [[1, 10, -100, -1000], [2, 20, 300, 3000]]
    assert input_gradient(delta, w, geometry)[:, :, 0, 0].tolist() == expected


def test_how_many_windows_and_taps_there_are() -> None:
    geometry = Geometry(batch=2, channels=6, size=(3, 5), filters=4, kernel=(2, 1), groups=2)
    assert geometry.output == (2, 5)
    assert geometry.positions == 2 * 2 * 5
    assert geometry.taps == 3 * 2 * 1


def test_pad() -> None:
    geometry = Geometry(1, 1, (1, 2), 1, (1, 1), padding=((1, 0), (2, 1)))
    assert pad(np.array([[[[1.0, 2.0]]]]), geometry)[0, 0].tolist() == [[0, 0, 0, 0, 0], [0, 0, 1, 2, 0]]
    assert pad(X, PLAIN) is X


def test_definition_on_fractions() -> None:
    third, half = Fraction(1, 3), Fraction(1, 2)
    x = np.array([[[[third, half], [half, third]]]], dtype=object)
    w = np.array([[[[half]]]], dtype=object)
    geometry = Geometry(1, 1, (2, 2), 1, (1, 1), stride=(1, 2), padding=((0, 0), (1, 0)))
    z = correlate(pad(x, geometry), w, geometry)
    assert z[0, 0].tolist() == [[0, Fraction(1, 4)], [0, Fraction(1, 6)]]
    delta = np.array([[[[third, third], [third, third]]]], dtype=object)
    assert filter_gradient(pad(x, geometry), delta, geometry).tolist() == [[[[Fraction(5, 18)]]]]
    gradient = input_gradient(delta, w, geometry)
    assert gradient[0, 0].tolist() == [[0, Fraction(1, 6)], [0, Fraction(1, 6)]]
    assert isinstance(gradient[0, 0, 0, 1], Fraction)


@examples(40)
@given(geometries(), SEEDS)
def test_fractions_agree_with_floats(geometry: Geometry, seed: int) -> None:
    x, w = numbers(seed, geometry.input_shape, INTEGERS), numbers(seed + 1, geometry.filter_shape, INTEGERS)
    fractions = np.vectorize(lambda value: Fraction(int(value), 7), otypes=[object])
    exact = correlate(pad(fractions(x), geometry), fractions(w), geometry)
    floats = correlate(pad(x, geometry), w, geometry)
    assert (exact * 49 == floats.astype(int)).all()


def run_scheme(
    scheme: type[Windows] | type[Taps], x: np.ndarray, w: np.ndarray, delta: np.ndarray, geometry: Geometry
) -> tuple[np.ndarray, np.ndarray]:
    """Forward and filter gradient, in the last of three rows that lie beside biases, as in a run."""
    size, padded = w.size, pad(x, geometry)
    before = padded.copy()
    made = scheme(padded, geometry)
    parameters = np.full((3, size + geometry.filters), np.nan)
    gradient_rows = np.full_like(parameters, np.nan)
    z, deltas = np.full((3, *geometry.output_shape), np.nan), np.full((3, *geometry.output_shape), np.nan)
    filters, gradients = (rows[:, :size].reshape(3, *geometry.filter_shape) for rows in (parameters, gradient_rows))
    filter_views, output_views = made.filter_views(filters), made.output_views(z)
    delta_views, gradient_views = made.delta_views(deltas), made.gradient_views(gradients)
    filters[2], deltas[2] = w, delta  # after the views were cut: they go on showing what is written
    made.correlate(filter_views[2], output_views[2])
    made.filter_gradient(delta_views[2], gradient_views[2])
    made.correlate(filter_views[2], output_views[2])
    assert np.isnan(z[:2]).all()
    assert np.isnan(gradient_rows[:2]).all()
    assert np.isnan(gradient_rows[2, size:]).all()
    assert np.array_equal(padded, before)
    return z[2], gradients[2]


@pytest.mark.parametrize("scheme", SCHEMES)
@examples(120)
@given(geometry=geometries(), seed=SEEDS, kind=KINDS, layout=LAYOUTS)
def test_scheme_equals_definition(
    scheme: type[Windows] | type[Taps], geometry: Geometry, seed: int, kind: str, layout: str
) -> None:
    x = permuted(numbers(seed, geometry.input_shape, kind), layout)
    w = permuted(numbers(seed + 1, geometry.filter_shape, kind), layout)
    delta = numbers(seed + 2, geometry.output_shape, kind)
    z, gradient = run_scheme(scheme, x, w, delta, geometry)
    expected_z = correlate(pad(x, geometry), w, geometry)
    expected = filter_gradient(pad(x, geometry), delta, geometry)
    assert np.array_equal(z, expected_z)  # to the last bit, floats too: the same order of additions
    if kind == INTEGERS:
        assert np.array_equal(gradient, expected)
    else:
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@examples(120)
@given(geometries(), SEEDS, KINDS, LAYOUTS, st.integers(1, 3))
def test_input_gradients_equal_definition(geometry: Geometry, seed: int, kind: str, layout: str, count: int) -> None:
    deltas = numbers(seed, (count, *geometry.output_shape), kind)
    filters = permuted(numbers(seed + 1, (count, *geometry.filter_shape), kind), layout)
    expected = [input_gradient(delta, w, geometry) for delta, w in zip(deltas, filters, strict=True)]
    assert np.array_equal(input_gradients(deltas, filters, geometry), expected)


@examples(120)
@given(geometries(), SEEDS)
def test_the_three_inner_products_are_one(geometry: Geometry, seed: int) -> None:
    x, w = numbers(seed, geometry.input_shape, INTEGERS), numbers(seed + 1, geometry.filter_shape, INTEGERS)
    delta = numbers(seed + 2, geometry.output_shape, INTEGERS)
    from_definition = np.sum(correlate(pad(x, geometry), w, geometry) * delta)
    assert np.sum(x * input_gradient(delta, w, geometry)) == from_definition
    assert np.sum(w * filter_gradient(pad(x, geometry), delta, geometry)) == from_definition
    assert np.sum(x * input_gradients(delta[None], w[None], geometry)) == from_definition
    for scheme in SCHEMES:
        z, gradient = run_scheme(scheme, x, w, delta, geometry)
        assert np.sum(z * delta) == from_definition
        assert np.sum(w * gradient) == from_definition


@examples(60)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 4), st.integers(0, 4), SEEDS)
def test_against_scipy(rows: int, columns: int, more_rows: int, more_columns: int, seed: int) -> None:
    x, w = numbers(seed, (rows + more_rows, columns + more_columns)), numbers(seed + 1, (rows, columns))
    geometry = Geometry(1, 1, x.shape, 1, w.shape)
    z = correlate(x[None, None], w[None, None], geometry)
    np.testing.assert_allclose(z[0, 0], correlate2d(x, w, mode="valid"), rtol=1e-12, atol=1e-12)
    gradient = filter_gradient(x[None, None], z, geometry)
    np.testing.assert_allclose(gradient[0, 0], correlate2d(x, z[0, 0], mode="valid"), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sum_that_is_0_in_its_order_is_0(scheme: type[Windows] | type[Taps]) -> None:
    """The last term takes back all the others, added one after the other: a single window is no exception."""
    terms = numbers(5, (40,))
    terms[-1] = -np.add.accumulate(terms[:-1])[-1]
    assert np.sum(terms) != 0.0  # pairwise
    geometry = Geometry(1, 1, (5, 8), 1, (5, 8))
    x, w = terms.reshape(1, 1, 5, 8), np.ones((1, 1, 5, 8))
    z, _ = run_scheme(scheme, x, w, np.ones((1, 1, 1, 1)), geometry)
    assert z.item() == 0.0


def test_a_gradient_that_is_0_in_its_order_is_0() -> None:
    terms = numbers(5, (40,))
    terms[-1] = -np.add.accumulate(terms[:-1])[-1]
    geometry = Geometry(1, 1, (5, 8), 1, (1, 1))
    _, gradient = run_scheme(Windows, np.ones((1, 1, 5, 8)), np.ones((1, 1, 1, 1)), terms.reshape(1, 1, 5, 8), geometry)
    assert gradient.item() == 0.0
