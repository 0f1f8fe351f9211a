"""The layer as one matrix, and the curvature's eigenvalues, against matrices written out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from profiles import examples
from program import SAMPLES
from strategies import problem_documents

import convstep
from convstep.reasons.windows import MOST_NUMBERS, eigenvalues, is_small, weights_of, window_matrix

QUESTION = [[1, -1, 0, 1], [-1, 0, 1, 0], [0, 1, 0, -1], [1, 0, -1, 1]]
"""The windows of the sample, a row each, in the filter's order."""


def load(name: str, *settings: str) -> convstep.Problem:
    return convstep.load(SAMPLES / f"{name}.yaml")


def test_the_question_by_hand() -> None:
    assert window_matrix(load("question")).tolist() == QUESTION


def test_convolution_groups_and_bias_by_hand() -> None:
    rotated = convstep.load({"input": [[1, 2], [3, 4]], "filter": [[0, 0]], "operation": "convolution", "bias": 5})
    assert window_matrix(rotated).tolist() == [[2, 1, 1], [4, 3, 1]]
    grouped = convstep.load({"input": [[[2]], [[3]]], "filter": [[[[0]]], [[[0]]]], "groups": 2, "bias": [1, 1]})
    assert window_matrix(grouped).tolist() == [[2, 0, 1, 0], [0, 3, 0, 1]]


@given(problem_documents())
@examples(100)
def test_it_gives_the_run_s_own_z(document: dict[str, Any]) -> None:
    """Exactly: small whole numbers."""
    problem = convstep.load(document)
    step = next(convstep.descend(problem))
    z = window_matrix(problem) @ weights_of(problem, problem.filter, problem.bias)
    assert z.tolist() == step.pre_activation.reshape(-1).tolist()


def test_eigenvalues_of_the_question() -> None:
    """Σ x̃x̃ᵀ is [[3, −1, −2, 2], [−1, 2, 0, −2], [−2, 0, 2, −1], [2, −2, −1, 3]], its largest eigenvalue (3 + √5)²/4."""
    problem = load("question")
    matrix = window_matrix(problem)
    assert (matrix.T @ matrix).tolist() == [[3, -1, -2, 2], [-1, 2, 0, -2], [-2, 0, 2, -1], [2, -2, -1, 3]]
    found = eigenvalues(problem, matrix, np.ones(4))
    assert found[0] == pytest.approx((3 + 5**0.5) ** 2 / 4, rel=1e-12)
    assert found[0] == pytest.approx(6.854101966, abs=5e-10)
    assert found.sum() == pytest.approx(10)  # the trace
    assert found == pytest.approx(np.linalg.eigvalsh(matrix.T @ matrix)[::-1])


def test_eigenvalues_of_the_outputs_that_are_alive() -> None:
    """[0,0] and [1,1] alone: their products with each other are [[3, 2], [2, 3]], so 5 and 1."""
    problem = load("question-oscillates")
    found = eigenvalues(problem, window_matrix(problem), np.array([1.0, 0, 0, 1]))
    assert found == pytest.approx([5, 1, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "scale"),
    [("half_squared_error", 1), ("squared_error", 2), ("mean_squared_error", 2 / 3), ("huber", 1 / 3)],
)
def test_eigenvalues_know_the_loss_the_slopes_and_the_decay(loss: str, scale: float) -> None:
    """x = 1, 2, 3 with the slopes 1, ½, 0: Σ s²x² = 1 + 1."""
    problem = convstep.load({"input": [[1, 2, 3]], "filter": [[1]], "target": [[0, 0, 0]], "learning_rate": 1,
                             "loss": loss, "optimizer": {"sgd": {"weight_decay": 0.25}}})  # fmt: skip
    found = eigenvalues(problem, window_matrix(problem), np.array([1, 0.5, 0]))
    assert found == pytest.approx([2 * scale + 0.25])


def test_what_is_small() -> None:
    def layer(size: int, kernel: int) -> convstep.Problem:
        return convstep.load({"input": np.ones((size, size)).tolist(), "filter": np.ones((kernel, kernel)).tolist()})

    assert is_small(layer(500, 1))
    assert not is_small(layer(501, 1))
    assert MOST_NUMBERS < 501**2
    assert is_small(layer(20, 20))
    assert not is_small(layer(30, 25))
