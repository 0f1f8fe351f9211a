"""Which scheme is picked for which sizes, and that a run is the same whichever it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn_problems import INTEGERS, numbers

from convstep.block import Block
from convstep.choices import Choice
from convstep.correlation import choice, make_correlation
from convstep.correlation.band import Band
from convstep.correlation.fourier import Fourier
from convstep.correlation.patches import Patches
from convstep.correlation.taps import Taps
from convstep.correlation.windows import Windows
from convstep.descent import descend
from convstep.geometry import Geometry
from convstep.problem.model import Problem, Stop

PLAIN = Geometry(1, 1, (3, 3), 1, (2, 2))


def made(geometry: Geometry, **asked: bool) -> object:
    return make_correlation(np.zeros(geometry.input_shape), geometry, **asked)


def test_small_problems_have_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PLAIN.positions * PLAIN.filters * PLAIN.taps == 16
    monkeypatch.setattr(choice, "LARGEST_TABLE", 16)
    assert isinstance(made(PLAIN), Windows)
    monkeypatch.setattr(choice, "LARGEST_TABLE", 15)
    assert isinstance(made(PLAIN), Taps)


def test_large_problems_by_their_shape() -> None:
    assert isinstance(made(Geometry(1, 1, (32, 32), 1, (9, 9))), Windows)
    assert isinstance(made(Geometry(1, 3, (16, 16), 8, (3, 3))), Patches)
    assert isinstance(made(Geometry(1, 1, (256, 256), 1, (3, 3))), Band)
    assert isinstance(made(Geometry(1, 1, (256, 256), 1, (9, 9))), Band)
    assert isinstance(made(Geometry(1, 1, (256, 256), 1, (10, 10))), Fourier)
    assert isinstance(made(Geometry(1, 1, (256, 256), 1, (11, 11)), in_order=True), Taps)
    assert isinstance(made(Geometry(1, 1, (90, 90), 1, (3, 3))), Taps)
    assert isinstance(made(Geometry(1, 1, (64, 64), 1, (5, 5))), Patches)
    assert isinstance(made(Geometry(1, 1, (64, 64), 1, (9, 9))), Patches)
    assert isinstance(made(Geometry(1, 1, (64, 64), 1, (21, 21))), Fourier)
    assert isinstance(made(Geometry(1, 1, (256, 256), 1, (11, 11), stride=(2, 2))), Patches)
    assert isinstance(made(Geometry(8, 3, (32, 32), 16, (5, 5))), Patches)


@pytest.mark.parametrize(
    ("geometry", "scheme"),
    [
        # 2·2·2 taps at 4096 positions are 32,768 products, half of the largest table.
        (Geometry(1, 2, (65, 65), 1, (2, 2)), Windows),
        (Geometry(1, 2, (66, 65), 1, (2, 2)), Patches),
        # 64·128 outputs are the smallest large plane, whichever way it lies.
        (Geometry(1, 1, (66, 130), 1, (3, 3)), Band),
        (Geometry(1, 1, (130, 66), 1, (3, 3)), Band),
        (Geometry(1, 1, (66, 129), 1, (3, 3)), Taps),
        # Below that 9 taps are few.
        (Geometry(1, 1, (88, 92), 1, (2, 5)), Patches),
        (Geometry(1, 1, (64, 100), 1, (1, 37)), Patches),
        # 100 taps may be transformed, and 99 not; 64·64 outputs times 128 taps are the fewest products.
        (Geometry(1, 1, (60, 199), 1, (1, 100)), Fourier),
        (Geometry(1, 1, (60, 198), 1, (1, 99)), Patches),
        (Geometry(1, 1, (71, 79), 1, (8, 16)), Fourier),
        (Geometry(1, 1, (70, 79), 1, (8, 16)), Patches),
    ],
)
def test_where_one_scheme_ends_the_next_begins(geometry: Geometry, scheme: type) -> None:
    assert isinstance(made(geometry), scheme)


def problem(size: int = 128, kernel: int = 3, **changed: Any) -> Problem:
    facts: dict[str, Any] = {
        "input": numbers(1, (size, size), INTEGERS),
        "filter": numbers(2, (kernel, kernel), INTEGERS),
        "bias": np.array(1.0),
        "target": numbers(3, (size - kernel + 1,) * 2, INTEGERS),
        "learning_rate": 2.0**-30,
        "stop": Stop(2, -1.0, -1.0),
    }
    return Problem(**(facts | changed))


@pytest.mark.parametrize(("kernel", "scheme"), [(3, Band), (13, Fourier)])
@pytest.mark.parametrize("operation", ["cross-correlation", "convolution"])
def test_a_run_on_whole_numbers_is_the_same_to_the_bit(
    kernel: int, scheme: type, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = problem(kernel=kernel, operation=operation)
    assert isinstance(Block(asked).layer.correlation, scheme)
    first = next(descend(asked))
    monkeypatch.setattr(choice, "_large", lambda padded, geometry, in_order: Taps(padded, geometry))
    expected = next(descend(asked))
    assert np.sum(expected.pre_activation == 0.0) > 20
    for name in expected:
        assert np.array_equal(first[name], expected[name]), name


def test_an_absolute_error_is_computed_in_order() -> None:
    """∂L/∂a is a sign there, and an error that is 0 exactly must stay so."""
    asked = problem(input=numbers(1, (128, 128)), filter=numbers(2, (3, 3)), loss=Choice("mean_absolute_error"))
    block = Block(asked)
    assert isinstance(block.layer.correlation, Taps)
    assert isinstance(Block(problem()).layer.correlation, Band)
