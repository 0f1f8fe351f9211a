"""However large the filter: a run holds a few times what it records, and not every window of the input."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import convstep
from convstep.correlation import choice
from convstep.correlation.windows import Windows

FEW = 4
"""Two iterations are held at a time, and what it takes to compute them."""


def share(batch: int, channels: int, filters: int, size: int, kernel: int) -> float:
    """The peak of memory in a run of three iterations, in numbers that one iteration records."""
    random = np.random.default_rng(1)
    side = size - kernel + 1
    problem = convstep.load(
        {
            "input": random.normal(size=(batch, channels, size, size)),
            "filter": random.normal(size=(filters, channels, kernel, kernel)),
            "target": random.normal(size=(batch, filters, side, side)),
            "learning_rate": 1e-9,
            "stop": {"iterations": 3},
        }
    )
    recorded = 0
    tracemalloc.start()
    try:
        for step in convstep.descend(problem):
            recorded = sum(step.array(name).nbytes for name in step)
        return tracemalloc.get_traced_memory()[1] / recorded
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1, 1, 256, 3), (1, 1, 1, 256, 11), (1, 1, 1, 256, 31), (1, 1, 1, 512, 31), (8, 16, 32, 64, 3),
        (8, 64, 64, 32, 3), (8, 3, 16, 64, 5),
    ],
)  # fmt: skip
def test_a_few_times_what_is_recorded(shape):
    assert share(*shape) < FEW


def test_a_table_of_all_windows_would_be_noticed(monkeypatch):
    monkeypatch.setattr(choice, "make_correlation", lambda x, geometry, in_order: Windows(x, geometry))
    monkeypatch.setattr("convstep.layers.conv.make_correlation", choice.make_correlation)
    assert share(1, 1, 1, 128, 9) > FEW
