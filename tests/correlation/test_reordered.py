"""What another order of additions must not change: signs, exact zeros, infinities; and the bound that this rests on."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_problems import SEEDS, numbers
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.correlation import correlate, input_gradient, pad, reordered
from convstep.correlation.fourier import Fourier
from convstep.correlation.patches import Patches
from convstep.correlation.reordered import HUGE, Reordered, grain_of, is_safe, spread
from convstep.correlation.taps import Taps
from convstep.geometry import Geometry
from correlation.schemes import SCHEMES, filter_gradient, forward, geometries_for, small_tiles

each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
PLANE = Geometry(1, 1, (40, 50), 1, (5, 7))


def decimals(seed: int, shape: tuple[int, ...], choice: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3)) -> np.ndarray:
    """Few different numbers that no float holds exactly, so that sums are often 0, or not quite."""
    return np.random.default_rng(seed).choice([*choice, *(-each for each in choice)], size=shape)


def in_order(padded: np.ndarray, w: np.ndarray, geometry: Geometry) -> np.ndarray:
    taps, z = Taps(padded, geometry), np.empty((1, *geometry.output_shape))
    taps.correlate(taps.filter_views(w[None])[0], taps.output_views(z)[0])
    return z[0]


@each_scheme
@examples(150)
@given(data=st.data(), seed=SEEDS)
def test_signs_and_zeros_are_those_of_the_definition(scheme: type[Reordered], data: st.DataObject, seed: int) -> None:
    geometry = data.draw(geometries_for(scheme))
    padded = pad(decimals(seed, geometry.input_shape), geometry)
    w = decimals(seed + 1, geometry.filter_shape)
    plain = correlate(padded, w, geometry)
    with small_tiles():
        made = scheme(padded, geometry)
        assert np.array_equal(np.sign(forward(made, w)), np.sign(plain))
        bias = -plain[0, :, -1, -1]  # now every filter has a z that is 0 exactly
        found = forward(made, w, bias)
    expected = plain + bias[:, None, None]
    assert (expected[0, :, -1, -1] == 0.0).all()
    assert np.array_equal(np.sign(found), np.sign(expected))


@each_scheme
@pytest.mark.parametrize("whole", [False, True])
def test_single_cells_are_put_right_among_many(scheme: type[Reordered], whole: bool) -> None:
    """Without it, Fourier fails: the sums that are 0 by the definition come out as 1e-17 of what was added.

    Whole numbers are no exception where their sums are too large for floats to hold them all.
    """
    x, w = numbers(1, PLANE.input_shape), numbers(2, PLANE.filter_shape)
    if whole:
        x, w = np.rint(2.0**31 * x), np.rint(2.0**31 * w)
    w[0, 0, -1, -1] = 1.0
    for row, column in ((0, 0), (20, 0), (35, 43)):
        window = x[0, 0, row : row + 5, column : column + 7]
        window[-1, -1] -= correlate(x, w, PLANE)[0, 0, row, column]
    expected = correlate(x, w, PLANE)
    assert np.sum(expected == 0.0) >= 2
    made = scheme(x, PLANE)
    assert np.array_equal(np.sign(forward(made, w)), np.sign(expected))
    if scheme is Fourier:  # in which order a matrix product adds is BLAS's own affair: it may be in order
        unsettled = np.empty(PLANE.output_shape)
        made.correlate(w, unsettled)
        assert not np.array_equal(np.sign(unsettled), np.sign(expected))


@each_scheme
@pytest.mark.parametrize("bias", [None, np.array([0.25])])
def test_a_flat_picture_under_an_edge_filter(
    scheme: type[Reordered], bias: np.ndarray | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all sums are 0, or all but 0: they are done in order, all at once."""
    x = np.full(PLANE.input_shape, 0.7)
    x[..., 30:, :] = 0.3
    w = np.zeros(PLANE.filter_shape)
    w[..., ::2, 1], w[..., ::2, 5] = 0.1, -0.1
    monkeypatch.setattr(Reordered, "_by_definition", None)
    expected = correlate(x, w, PLANE) + (0.0 if bias is None else bias)
    assert np.array_equal(np.sign(forward(scheme(x, PLANE), w, bias)), np.sign(expected))


@each_scheme
def test_where_nothing_but_zeros_meet_is_0(scheme: type[Reordered], monkeypatch: pytest.MonkeyPatch) -> None:
    """A dark border, and outputs that send nothing back: the usual picture, and no sum needs to be done again."""
    x, delta = numbers(1, PLANE.input_shape), numbers(2, PLANE.output_shape)
    x[..., :20], delta[..., 10:, 5:] = 0.0, 0.0
    w = numbers(3, PLANE.filter_shape)
    monkeypatch.setattr(Reordered, "_by_definition", None)
    monkeypatch.setattr(Reordered, "in_order", None)
    made = scheme(x, PLANE)
    z, sent_back = forward(made, w), made.input_gradients(delta[None], w[None])[0]
    assert (z[..., :14] == 0.0).all()
    assert (z[..., 14:] != 0.0).all()
    assert np.array_equal(sent_back == 0.0, input_gradient(delta, w, PLANE) == 0.0)
    assert (sent_back == 0.0).sum() > 500
    found = filter_gradient(made, np.where(np.arange(44) < 17, delta, 0.0))
    assert (found[..., :4] == 0.0).all()
    assert (found[..., 4:] != 0.0).all()


@each_scheme
@examples(100)
@given(data=st.data(), seed=SEEDS)
def test_the_bound_holds(scheme: type[Reordered], data: st.DataObject, seed: int) -> None:
    """The first of all results, before anything is put right, is as near to the definition's as is said."""
    geometry = data.draw(geometries_for(scheme))
    x, w = np.sign(numbers(seed, geometry.input_shape)) / 3, numbers(seed + 1, geometry.filter_shape) ** 3
    made, z = scheme(pad(x, geometry), geometry), np.empty(geometry.output_shape)
    made.correlate(w, z)
    bounds = made.noise * made.largest * np.abs(w).sum(axis=(1, 2, 3))
    error = np.abs(z - correlate(pad(x, geometry), w, geometry))
    assert (error <= bounds[:, None, None]).all()


BAD = [np.inf, -np.inf, np.nan, 1e308, 1e300]


@each_scheme
@pytest.mark.parametrize("bad", BAD)
def test_what_is_too_large_is_done_in_order(scheme: type[Reordered], bad: float) -> None:
    x, w, delta = numbers(1, PLANE.input_shape), numbers(2, PLANE.filter_shape), numbers(3, PLANE.output_shape)
    with np.errstate(all="ignore"):
        w_bad, delta_bad = w.copy(), delta.copy()
        w_bad[0, 0, 1, 2], delta_bad[0, 0, 10, 20] = bad, bad
        made, taps = scheme(x, PLANE), Taps(x, PLANE)
        assert np.array_equal(forward(made, w_bad), in_order(x, w_bad, PLANE), equal_nan=True)
        sent_back = made.input_gradients(delta_bad[None], w[None])
        assert np.array_equal(sent_back, taps.input_gradients(delta_bad[None], w[None]), equal_nan=True)
        expected = np.empty((1, *PLANE.filter_shape))
        taps.filter_gradient(taps.delta_views(delta_bad[None])[0], taps.gradient_views(expected)[0])
        assert np.array_equal(filter_gradient(made, delta_bad), expected[0], equal_nan=True)


def test_numbers_too_small_to_multiply() -> None:
    x, w = 1e-170 * numbers(1, PLANE.input_shape), 1e-170 * numbers(2, PLANE.filter_shape)
    for scheme in SCHEMES:
        assert (forward(scheme(x, PLANE), w) == 0.0).all()


def test_grain() -> None:
    assert grain_of(np.array([1.0, -3.0, 1e15])) == 1.0
    assert grain_of(np.array([0.5, -3.0])) == 2.0**-8
    assert grain_of(np.array([2.0**-16])) == 2.0**-16
    assert grain_of(np.array([2.0**-17])) is None
    assert grain_of(np.array([0.1])) is None
    late = np.ones(reordered.CHUNK + 1)
    late[-1] = 0.1
    assert grain_of(late) is None


def test_products_are_exact_as_long_as_floats_hold_every_multiple_of_their_grain() -> None:
    ones, halves = np.ones(3), np.full(3, 0.5)
    common = Reordered._common_grain
    assert common(1.0, ones, 2.0**53 - 1) == 1.0
    assert common(1.0, ones, 2.0**53) is None
    assert common(2.0**-8, halves, 2.0**37 - 1) == 2.0**-16
    assert common(2.0**-8, halves, 2.0**37) is None
    assert common(1.0, np.full(3, 0.1), 1.0) is None
    assert common(None, ones, 1.0) is None


def test_how_large_sums_can_be() -> None:
    """That of the largest filter; and of a gradient, whatever δ looks like."""
    scales = []

    class Recording(Patches):
        def filter_gradient_fast(
            self, delta: np.ndarray, gradient: np.ndarray, scale: float, grain: float | None
        ) -> bool:
            scales.append(scale)
            return False

    geometry = Geometry(1, 1, (4, 5), 2, (1, 2))
    made = Recording(-2.0 * np.ones(geometry.input_shape), geometry)
    filters = np.array([[1.0, -2.0], [0.25, 0.5]]).reshape(geometry.filter_shape)
    assert made._sums_with(filters) == (6.0, 2.0**-8)
    assert made.noise == 4 * 2 * 2.0**-53
    gradient = np.empty(geometry.filter_shape)
    for delta in (np.full(geometry.output_shape, 3.0), np.eye(32).reshape(32, *geometry.output_shape)[5]):
        made.filter_gradient(delta, gradient)
        assert np.abs(gradient).max() <= 2.0 * np.abs(delta).sum() <= scales[-1] <= 2.0 * 32 * np.abs(delta).max()


def test_no_sum_may_reach_what_is_huge() -> None:
    assert is_safe(np.nextafter(HUGE, 0.0))
    assert not is_safe(HUGE)
    assert not is_safe(np.nan)
    assert np.finfo(float).max > HUGE * 1e27


@each_scheme
def test_whole_numbers_need_no_second_look(scheme: type[Reordered], monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = np.rint(3.0 * numbers(1, PLANE.input_shape)), np.rint(3.0 * numbers(2, PLANE.filter_shape))
    monkeypatch.setattr(Reordered, "_settle", None)
    z = forward(scheme(x, PLANE), w)
    assert (z == 0.0).any()
    assert np.array_equal(z, correlate(x, w, PLANE))


@each_scheme
@pytest.mark.parametrize("count", [1, 2, 3])
def test_input_gradients_of_some_iterations(scheme: type[Reordered], count: int) -> None:
    made = scheme(numbers(1, PLANE.input_shape), PLANE)
    deltas, filters = numbers(2, (count, *PLANE.output_shape)), numbers(3, (count, *PLANE.filter_shape))
    found = made.input_gradients(deltas, filters)
    assert found.shape == (count, *PLANE.input_shape)
    for one, delta, w in zip(found, deltas, filters, strict=True):
        np.testing.assert_allclose(one, input_gradient(delta, w, PLANE), rtol=0, atol=1e-12)


def test_a_few_cells_are_put_right_by_themselves_and_are_no_minus_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = -np.abs(numbers(1, PLANE.input_shape)), numbers(2, PLANE.filter_shape)
    made = Fourier(x, PLANE)
    monkeypatch.setattr(Reordered, "_correlate_in_order", None)
    z = np.ones(PLANE.output_shape)
    z[0, 0, 3, 7] = z[0, 0, 30, 2] = 1e-18
    made._settle(w, z, np.array([0.5]))
    expected = correlate(x, w, PLANE) + 0.5
    assert (z[0, 0, 3, 7], z[0, 0, 30, 2]) == (expected[0, 0, 3, 7], expected[0, 0, 30, 2])
    assert (z == 1.0).sum() == z.size - 2
    zero = made._by_definition(np.zeros(PLANE.filter_shape), np.array([[0], [0], [3], [7]]))
    assert zero.tolist() == [0.0]
    assert not np.signbit(zero[0])


@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (2, 5), (5, 1), (1, 7)])
def test_every_cell_is_spread_by_all_taps(kernel: tuple[int, int], dilation: tuple[int, int]) -> None:
    geometry = Geometry(1, 1, (20, 30), 1, kernel, dilation=dilation)
    cells = np.zeros((1, 1, 4, 5), dtype=bool)
    cells[0, 0, 1, 2] = cells[0, 0, 3, 0] = True
    expected = np.zeros((1, 1, 4 + geometry.reach[0] - 1, 5 + geometry.reach[1] - 1), dtype=bool)
    for i, j in ((1, 2), (3, 0)):
        for p, q in np.ndindex(kernel):
            expected[0, 0, i + p * dilation[0], j + q * dilation[1]] = True
    assert np.array_equal(spread(cells, geometry), expected)


def test_all_of_them_add_in_another_order() -> None:
    assert all(scheme.reorders for scheme in SCHEMES)
    assert not Taps.reorders


def test_memory_does_not_grow_with_the_filter() -> None:
    import tracemalloc

    for kernel in (5, 31):
        geometry = Geometry(1, 1, (256, 256), 1, (kernel, kernel))
        x, w, delta = numbers(1, geometry.input_shape), numbers(2, geometry.filter_shape), numbers(3, (256, 256))
        tracemalloc.start()
        made = Fourier(x, geometry)
        forward(made, w)
        cells = delta[: geometry.output[0], : geometry.output[1]].reshape(geometry.output_shape).copy()
        filter_gradient(made, cells)
        made.input_gradients(cells[None], w[None])
        assert tracemalloc.get_traced_memory()[1] < 12 * x.nbytes
        tracemalloc.stop()
