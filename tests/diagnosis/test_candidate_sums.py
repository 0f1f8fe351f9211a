"""The sums for many candidates at once: those of the definition, and z in its very order."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.correlation import definition
from convstep.diagnosis import candidate_sums
from convstep.diagnosis.candidate_sums import CandidateSums, input_gradient, sliding
from convstep.geometry import Geometry

GEOMETRIES = [
    Geometry(1, 1, (3, 3), 1, (2, 2)),
    Geometry(1, 1, (5, 5), 1, (5, 5)),
    Geometry(1, 3, (4, 3), 1, (4, 3)),
    Geometry(2, 4, (7, 6), 6, (2, 3), stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2), groups=2),
    Geometry(2, 2, (6, 5), 3, (3, 2), padding=((2, 2), (1, 1))),
    Geometry(1, 3, (4, 5), 3, (2, 2), groups=3),
]
ROWS = 3


def drawn(geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An input, and filters and δ of several candidates; in tenths, so that the order of a sum can be seen."""
    random = np.random.default_rng(sum(geometry.size))
    shapes = geometry.input_shape, (ROWS, *geometry.filter_shape), (ROWS, *geometry.output_shape)
    x, w, delta = (random.integers(-30, 30, shape) / 10 for shape in shapes)
    return x, w, delta


@pytest.mark.parametrize("most", [1 << 22, 0])
@pytest.mark.parametrize("rows", [1, ROWS])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_z_is_summed_in_the_definitions_order(monkeypatch, geometry, rows, most):
    monkeypatch.setattr(candidate_sums, "MOST_PRODUCTS", most)
    x, w, _ = drawn(geometry)
    found = CandidateSums(x).correlate(w[:rows], geometry)
    padded = definition.pad(x, geometry)
    assert np.array_equal(found, [definition.correlate(padded, each, geometry) for each in w[:rows]])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gradients_are_the_definitions(geometry):
    x, w, delta = drawn(geometry)
    padded = definition.pad(x, geometry)
    by_filter = CandidateSums(x).filter_gradient(delta, geometry)
    assert np.allclose(by_filter, [definition.filter_gradient(padded, each, geometry) for each in delta], atol=1e-12)
    expected = [definition.input_gradient(each, own, geometry) for each, own in zip(delta, w, strict=True)]
    assert np.allclose(input_gradient(delta, w, geometry), expected, atol=1e-12)
    one = input_gradient(delta, w[:1], geometry)
    assert np.allclose(one[1], definition.input_gradient(delta[1], w[0], geometry), atol=1e-12)


@pytest.mark.parametrize(("most", "whole"), [(ROWS * 8 * 4, 1), (ROWS * 8 * 4 - 1, 0)])
def test_products_are_held_all_at_once_up_to_a_bound(monkeypatch, most, whole):
    geometry = Geometry(1, 1, (3, 3), 2, (2, 2))
    x, w, _ = drawn(geometry)
    counted = Counted()
    monkeypatch.setattr(candidate_sums, "MOST_PRODUCTS", most)
    monkeypatch.setattr(candidate_sums, "np", counted)
    CandidateSums(x).correlate(w, geometry)
    assert counted.multiplied == whole


class Counted:
    """NumPy, with the products that are made all at once counted."""

    multiplied = 0

    def __getattr__(self, name: str) -> object:
        self.multiplied += name == "multiply"
        return getattr(np, name)


@pytest.mark.parametrize(
    ("kernel", "padding", "fits"),
    [
        ((2, 2), ((0, 0), (0, 0)), True),
        ((4, 4), ((1, 1), (1, 1)), True),
        ((3, 3), ((0, 0), (0, 0)), False),
        ((2, 2), ((1, 0), (0, 0)), False),
    ],
)
def test_delta_slides_only_where_it_fits(kernel, padding, fits):
    found = sliding(Geometry(1, 1, (3, 3), 1, (2, 2)), kernel, padding)
    assert (found is not None) == fits
