"""What the transforms may do in the place of the definition, and what they may not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_problems import INTEGERS, numbers

from convstep.correlation import pad
from convstep.correlation.fourier import Fourier, round_to, tile_size
from convstep.correlation.reordered import ROUNDOFF, Reordered
from convstep.geometry import Geometry
from correlation.schemes import small_tiles

GEOMETRY = Geometry(1, 1, (9, 30), 1, (2, 3))
GRAIN = 2.0**-8


def small(x: np.ndarray) -> Fourier:
    with small_tiles():
        return Fourier(x, GEOMETRY)


def only_twos_threes_and_fives(size: int) -> bool:
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    return size == 1


def best_tile(output: int, reach: int) -> int:
    """The least work of all sizes that there are: at most 256 or four times the reach, or the whole in one."""
    longest = max(256, 4 * reach)
    whole = next(size for size in range(output + reach - 1, 10**6) if only_twos_threes_and_fives(size))
    sizes = [size for size in range(max(reach, 64), longest + 1) if only_twos_threes_and_fives(size) and size < whole]
    sizes += [whole] if whole <= 2 * longest else []
    return min(sizes, key=lambda size: math.ceil(output / (size - reach + 1)) * size * math.log2(size + 1))


@pytest.mark.parametrize("reach", [1, 2, 5, 16, 31, 60, 64, 65, 66, 100, 129, 243])
def test_a_tile_is_the_one_with_the_least_work(reach: int) -> None:
    for output in (*range(1, 70), *range(70, 1200, 13), 2048, 4096, 10_000):
        assert tile_size(output, reach) == best_tile(output, reach)


def test_the_noise_is_higham_s() -> None:
    """Three transforms of 8·log₂(cells) roundings of the root mean square of what they make, beside the sums' own."""
    made = small(numbers(1, GEOMETRY.input_shape))
    cells = made.tile[0] * made.tile[1]
    assert made.tile[0] != made.tile[1]
    assert made.tiles[1] > 1
    transforms = 3 * 8 * (math.log2(cells) + 1) * math.sqrt(cells) * 2.0**-53
    assert made.noise == pytest.approx(transforms + 4 * 6 * 2.0**-53, rel=1e-12, abs=0)


@pytest.mark.parametrize("share", [0.24, 0.26])
def test_numbers_are_rounded_only_where_noise_is_less_than_a_quarter_of_their_grain(share: float) -> None:
    made = small(numbers(1, GEOMETRY.input_shape, INTEGERS))
    w, delta = numbers(2, GEOMETRY.filter_shape, INTEGERS), numbers(3, GEOMETRY.output_shape, INTEGERS)
    noise = made.noise - 4 * GEOMETRY.taps * ROUNDOFF
    scale, could = share * GRAIN / noise, share < 0.25
    assert made.correlate_fast(w, np.empty(GEOMETRY.output_shape), scale, GRAIN) is could
    assert (made.input_gradient_fast(delta, w, scale, GRAIN) is not None) is could
    summed = noise + math.prod(made.tiles) * math.sqrt(math.prod(made.tile)) * ROUNDOFF
    gradient = np.empty(GEOMETRY.filter_shape)
    assert made.filter_gradient_fast(delta, gradient, share * GRAIN / summed, GRAIN) is could


def test_only_where_nothing_but_zeros_met_is_noise_wiped_off() -> None:
    """Not where numbers came together that cancel; and not what is more than noise."""
    x, delta = np.zeros(GEOMETRY.input_shape), np.zeros(GEOMETRY.output_shape)
    x[..., 7, 20], delta[..., 7, 18:20], delta[..., 0, 0] = 1.0, 1.0, 1.0
    made = small(x)
    gradient = np.full(GEOMETRY.filter_shape, 1e-20)
    gradient[0, 0, 1] = 1.0
    with small_tiles():
        made._wipe_gradient(delta, gradient, 1e-20)
    assert gradient[0, 0].tolist() == [[0.0, 1e-20, 1e-20], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("size", [(9, 30), (30, 9)])
def test_where_nothing_but_zeros_met_anywhere_along_the_rows(size: tuple[int, int]) -> None:
    geometry = GEOMETRY._replace(size=size)
    for row in range(geometry.output[0]):
        x, delta = np.zeros(geometry.input_shape), np.zeros(geometry.output_shape)
        x[..., row, 5], delta[..., row, 5] = 1.0, 1.0
        gradient = np.full(geometry.filter_shape, 1e-20)
        with small_tiles():
            Fourier(x, geometry)._wipe_gradient(delta, gradient, 1e-20)
        assert gradient[0, 0].tolist() == [[1e-20, 0, 0], [0, 0, 0]]


def test_rounding_leaves_no_minus_zero() -> None:
    found = np.array([0.24, -0.24, 0.26, -0.3, 1.1])
    round_to(found, 0.5)
    assert found.tolist() == [0.0, 0.0, 0.5, -0.5, 1.0]
    assert not np.signbit(found[:2]).any()


def test_transforms_of_delta_serve_both_gradients_and_no_other_delta() -> None:
    """They are kept by where δ lies in memory, and made anew for another."""
    x, w = pad(numbers(1, GEOMETRY.input_shape), GEOMETRY), numbers(2, GEOMETRY.filter_shape)
    deltas = numbers(3, (2, *GEOMETRY.output_shape))
    made, gradient = small(x), np.empty(GEOMETRY.filter_shape)
    made.filter_gradient(deltas[0], gradient)
    kept = made._delta_spectra.copy()
    for delta in (deltas[0], deltas[1], deltas[0]):
        fresh: Reordered = small(x)
        assert np.array_equal(made.input_gradients(delta[None], w[None]), fresh.input_gradients(delta[None], w[None]))
    assert np.array_equal(made._delta_spectra, kept)
