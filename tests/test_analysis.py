"""The curvature against matrices written out, the two ways to find it, and what it promises of a descent."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from drawn_problems import numbers, problems, question
from hypothesis import assume, given
from profiles import examples

from convstep import analysis
from convstep.activations import make_activation
from convstep.analysis import largest_curvature, safe_rate
from convstep.choices import Choice
from convstep.correlation import correlate, pad
from convstep.descent import descend
from convstep.errors import ProblemError
from convstep.problem.model import Problem, Stop

LINEAR = Choice("linear")
HALF = Choice("half_squared_error")

# The question's windows: [1,-1,0,1], [-1,0,1,0], [0,1,0,-1], [1,0,-1,1]; Σ x̃x̃ᵀ on paper, and Σ x̃ beside it.
MATRIX = np.array([[3, -1, -2, 2], [-1, 2, 0, -2], [-2, 0, 2, -1], [2, -2, -1, 3]])
WITH_BIAS = np.block([[MATRIX, np.array([[1], [0], [0], [1]])], [np.array([[1, 0, 0, 1, 4]])]])
LARGEST = (7 + 3 * math.sqrt(5)) / 2
"""The fourth power of the golden ratio: x² − 7x + 1 divides the matrix's characteristic polynomial."""


@pytest.fixture(params=["direct", "lanczos"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to find the eigenvalue."""
    if request.param == "lanczos":
        monkeypatch.setattr(analysis, "DIRECT_WORK", -1)


def test_the_matrix_on_paper() -> None:
    assert np.linalg.eigvalsh(MATRIX)[-1] == pytest.approx(LARGEST, rel=1e-14)
    assert pytest.approx(6.854101966249685, rel=1e-15) == LARGEST
    assert pytest.approx(0.29179606750063, rel=1e-13) == 2 / LARGEST


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, LARGEST),
        ({"loss": Choice("squared_error")}, 2 * LARGEST),
        ({"loss": Choice("mean_squared_error")}, 2 / 4 * LARGEST),
        ({"loss": Choice("huber", {"delta": 0.5})}, LARGEST / 4),
        ({"activation": LINEAR}, LARGEST),
        ({"activation": Choice("sigmoid")}, LARGEST / 16),
        ({"activation": Choice("leaky_relu", {"slope": -2.0})}, 4 * LARGEST),
        ({"activation": Choice("elu", {"alpha": 3.0})}, 9 * LARGEST),
        ({"activation": Choice("silu")}, 1.099839320128867**2 * LARGEST),
        ({"operation": "convolution"}, LARGEST),
        ({"optimizer": Choice("sgd", {"weight_decay": 0.5})}, LARGEST + 0.5),
        ({"loss": Choice("squared_error"), "optimizer": Choice("sgd", {"weight_decay": 0.5})}, 2 * LARGEST + 0.5),
        ({"bias": np.array(0.0)}, np.linalg.eigvalsh(WITH_BIAS)[-1]),
        ({"stride": (2, 2), "target": np.ones((1, 1))}, 3),
        ({"padding": ((0, 0), (0, 3)), "filter": np.ones((3, 1)), "target": np.ones((1, 6))}, None),
        ({"dilation": (2, 2), "target": np.ones((1, 1))}, 2),
        ({"input": np.zeros((3, 3))}, 0),
    ],
)
def test_question(changed: dict[str, Any], expected: float | None) -> None:
    # The columns [1,0,0], [-1,1,-1], [0,0,1] and three of padding: Σ x̃x̃ᵀ = [[2,-1,1],[-1,1,-1],[1,-1,2]].
    expected = 2 + math.sqrt(3) if expected is None else expected
    assert largest_curvature(question(**changed)) == pytest.approx(expected, rel=1e-9)


def test_neither_curvature_nor_target() -> None:
    assert largest_curvature(question(loss=Choice("mean_absolute_error"))) is None
    assert largest_curvature(question(target=None)) is None
    assert largest_curvature(question(target=None, output_gradient=np.ones((2, 2)))) is None


def test_groups_channels_and_batch() -> None:
    """Two groups of one cell: windows (1, 2), (2, 4) → 5·1² + 5·2² = 25; windows (3, 0), (0, 1) → 9."""
    x = np.array([[1.0, 2.0, 3.0, 0.0], [2.0, 4.0, 0.0, 1.0]]).reshape(2, 4, 1, 1)
    problem = Problem(x, np.ones((2, 2, 1, 1)), target=np.ones((2, 2, 1, 1)), groups=2)
    assert largest_curvature(problem) == pytest.approx(25, rel=1e-12)
    other = replace(problem, input=x[:, [2, 3, 0, 1]])
    assert largest_curvature(other) == pytest.approx(25, rel=1e-12)


def written_out(problem: Problem) -> float:
    """λ of the whole layer from its definition: what each parameter alone does to the output is a column."""
    g = problem.geometry
    padded = pad(problem.input.reshape(g.input_shape), g)
    filters = [one.reshape(g.filter_shape) for one in np.eye(problem.filter.size)]
    columns = [correlate(padded, w, g) for w in filters]
    if problem.bias is not None:
        columns += [np.broadcast_to(one.reshape(1, -1, 1, 1), g.output_shape) for one in np.eye(g.filters)]
    table = np.stack([column.reshape(-1) for column in columns])
    return float(np.linalg.eigvalsh(table @ table.T)[-1])


@pytest.mark.parametrize("direct_work", [analysis.DIRECT_WORK, -1], ids=["direct", "lanczos"])
@examples(40)
@given(problem=problems())
def test_drawn_problems(direct_work: float, problem: Problem) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "DIRECT_WORK", direct_work)
        found = largest_curvature(problem)
    if problem.loss.name == "mean_absolute_error":
        assert found is None
        return
    c = {"half_squared_error": 1.0, "squared_error": 2.0}.get(problem.loss.name)
    assert problem.target is not None
    n = problem.target.size
    c = c or {"mean_squared_error": 2.0 / n, "huber": 1.0 / n}[problem.loss.name]
    slope = make_activation(problem.activation, problem.slope_at_zero).largest_slope
    assert found == pytest.approx(c * slope**2 * written_out(problem), rel=1e-9, abs=1e-300)


def test_by_lanczos_equals_the_direct_path(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(
        numbers(1, (2, 4, 9, 8)), numbers(2, (6, 2, 3, 2)), np.zeros(6), numbers(3, (2, 6, 7, 7)), groups=2
    )
    direct = largest_curvature(problem)
    monkeypatch.setattr(analysis, "DIRECT_WORK", -1)
    called = []
    original = analysis._by_lanczos
    monkeypatch.setattr(analysis, "_by_lanczos", lambda problem: called.append(1) or original(problem))
    assert largest_curvature(problem) == pytest.approx(direct, rel=1e-8)
    assert called


@pytest.mark.usefixtures("_way")
def test_squares_that_overflow() -> None:
    assert largest_curvature(question(input=question().input * 1e200)) == math.inf


# What λ promises: below 2/λ gradient descent on a linear layer settles, above it does not.


@examples(40)
@given(problems(activation=LINEAR, loss=HALF, target_through_activation=False))
def test_two_over_lambda_is_the_limit(problem: Problem) -> None:
    curvature = largest_curvature(problem)
    assert curvature is not None
    assume(curvature > 1e-3)
    below = replace(problem, learning_rate=0.999 * 2 / curvature, stop=Stop(300, -1.0, -1.0))
    losses = [step.loss for step in descend(below)]
    assert len(losses) == 300
    assert all(after <= before * (1 + 1e-9) + 1e-20 for before, after in pairwise(losses))
    above = replace(problem, learning_rate=1.2 * 2 / curvature, stop=Stop(600, -1.0, -1.0))
    run = descend(above)
    for _ in run:
        pass
    assert run.outcome is not None
    assert run.outcome.status == "diverged"


def test_the_questions_own_limit() -> None:
    for factor, status in ((0.999, "stopped"), (1.001, "diverged")):
        problem = question(activation=LINEAR, learning_rate=factor * 2 / LARGEST, stop=Stop(10_000, -1.0, -1.0))
        run = descend(problem)
        for _ in run:
            pass
        assert run.outcome is not None
        assert run.outcome.status == status


# auto


def test_safe_rate() -> None:
    assert safe_rate(question()) == pytest.approx(1 / LARGEST, rel=1e-14)
    assert safe_rate(Problem(np.array([[3.0]]), np.ones((1, 1)), target=np.ones((1, 1)))) == 1 / 9
    assert safe_rate(question(optimizer=Choice("sgd", {"momentum": 0.0}))) == pytest.approx(1 / LARGEST, rel=1e-14)
    assert safe_rate(question(input=np.zeros((3, 3)), optimizer=Choice("sgd", {"weight_decay": 0.25}))) == 4.0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": None}, "auto needs a target; give the rate as a number"),
        (
            {"optimizer": Choice("sgd", {"momentum": 0.9})},
            "auto is 1/λ for plain sgd and says nothing about sgd with momentum; give the rate as a number",
        ),
        (
            {"optimizer": Choice("adam")},
            "auto is 1/λ for plain sgd and says nothing about adam; give the rate as a number",
        ),
        (
            {"loss": Choice("mean_absolute_error")},
            "auto needs a loss with a curvature, and mean_absolute_error has none; give a number",
        ),
        (
            {"input": np.zeros((3, 3))},
            "auto is 1/λ, and here λ is 0: the input is as good as 0 wherever a window reaches; "
            "give the rate as a number",
        ),
        (
            {"input": np.full((3, 3), 1e200)},
            "auto is 1/λ, and here λ is inf: the input's squares overflow; give the rate as a number",
        ),
    ],
)
def test_errors_of_safe_rate(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        safe_rate(question(**changed))
    assert caught.value.message == message
    assert str(caught.value) == f"learning_rate: {message}"


def test_a_rate_that_would_be_infinite_is_an_error() -> None:
    with pytest.raises(ProblemError):
        safe_rate(question(input=question().input * 1e-160))
