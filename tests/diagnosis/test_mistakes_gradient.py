"""Gradients made in other ways: of how many positions, of which sizes, and from which other numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import convstep
from convstep.diagnosis.mistakes_gradient import _single_positions, _without_remainder
from convstep.geometry import Geometry


def geometry(size, kernel, *, batch=1, padding=(0, 0), stride=(1, 1)):
    ends = tuple((each, each) for each in padding)
    return Geometry(
        batch=batch,
        channels=1,
        filters=1,
        groups=1,
        size=size,
        kernel=kernel,
        stride=stride,
        dilation=(1, 1),
        padding=ends,
    )


@pytest.mark.parametrize(
    ("columns", "batch", "places"),
    [(1, 1, 0), (2, 1, 2), (1, 2, 2), (25, 1, 25), (26, 1, 2)],
)
def test_of_many_positions_the_first_and_the_last_are_tried_alone(columns, batch, places):
    found = _single_positions(geometry((1, columns), (1, 1), batch=batch))
    assert len(found) == places
    if places:
        assert (found[0], found[-1]) == ((0, 0, 0), (batch - 1, 0, columns - 1))


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "stride", "sizes"),
    [
        ((4, 4), (2, 2), (0, 0), (1, 1), []),
        ((5, 5), (2, 2), (0, 0), (2, 2), [(4, 4), (4, 4)]),
        ((4, 4), (3, 3), (1, 1), (2, 2), [(3, 3)]),
        ((1, 3), (1, 1), (1, 0), (3, 1), []),
        ((3, 1), (1, 1), (0, 1), (1, 3), []),
    ],
)
def test_the_sizes_up_to_the_last_window_have_something_in_them(size, kernel, padding, stride, sizes):
    found = list(_without_remainder(geometry(size, kernel, padding=padding, stride=stride)))
    assert all(min(each) > 0 for each in found)
    assert found == sizes


RANDOM = np.random.default_rng(3)


def drawn(*shape):
    return RANDOM.integers(-4, 5, size=shape).astype(float)


@pytest.mark.parametrize(
    ("input_", "filter_"),
    [
        (drawn(3, 1), drawn(2, 1)),
        (drawn(1, 3), drawn(1, 2)),
        (drawn(3, 3), drawn(2, 2)),
        (drawn(2, 1, 3, 3), drawn(1, 1, 2, 2)),
        (drawn(2, 3, 3), drawn(2, 2, 2, 2)),
        (drawn(3, 2, 3, 3), drawn(2, 2, 2, 2)),
    ],
)
def test_a_gradient_from_the_output_number_by_number(input_, filter_):
    """Output and filter have the same size, so that δ can be multiplied with the output as if that were the result."""
    filters = filter_.shape[0] if filter_.ndim == 4 else 1
    size = [max(1, inside - 1) for inside in input_.shape[-2:]]
    target = drawn(*input_.shape[:-3], *([filters] if filter_.ndim == 4 else []), *size)
    keys = {"input": input_, "filter": filter_, "target": target, "learning_rate": 0.125, "activation": "linear"}
    problem = convstep.load(keys)
    step = next(iter(convstep.descend(problem)))
    output, delta = (each.reshape(-1, filters, *size) for each in (step.output, step.delta))
    gradient = np.zeros((delta.shape[1], output.shape[1], *size))
    for f, c in product(range(delta.shape[1]), range(output.shape[1])):
        gradient[f, c] = (delta[:, f] * output[:, c]).sum(axis=0)
    diagnosis = convstep.diagnose(problem, {"filter_gradient": gradient.reshape(filter_.shape)})
    assert ["gradient-from-output"] in [[each.id for each in one] for one in diagnosis.explanations]
