"""Which filters solve the problem: by hand, and by moving along the directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn_runs import drawn_run
from program import SAMPLES
from scipy.optimize import linprog

import convstep
from convstep.reasons.best import compared_target, loss_at
from convstep.reasons.solutions import Solutions, judge_expected, solutions
from convstep.reasons.vectors import downhill, null_space
from convstep.reasons.windows import weights_of, window_matrix


def reached(document: Any) -> tuple[convstep.Problem, convstep.Outcome, Solutions]:
    problem = convstep.load(document)
    outcome = outcome_of(problem)
    assert outcome.status == "converged"
    return problem, outcome, solutions(problem, outcome)


def outcome_of(problem: convstep.Problem) -> convstep.Outcome:
    """How it ends, without advice."""
    descent = convstep.descend(problem)
    for _ in descent:
        pass
    assert descent.outcome is not None
    return descent.outcome


def facts(document: Any) -> dict[str, convstep.Fact]:
    return {fact.id: fact for fact in convstep.why(convstep.load(document)).facts}


def row(x: list[float], t: list[float], w: float = 1, **others: Any) -> dict[str, Any]:
    return {"input": [x], "filter": [[w]], "target": [t], "learning_rate": 0.2, **others}


def test_the_question() -> None:
    """[0,0] and [1,1] fix two of four numbers; the two outputs with the target 0 only need z ≤ 0."""
    problem, outcome, found = reached(SAMPLES / "question-converges.yaml")
    assert (found.dimension, found.free_outputs, found.at_the_edge) == (2, 2, 0)
    assert found.directions.tolist() == [[1, 1, 1, 0], [-1, 0, 0, 1]]
    windows = np.array([[1, -1, 0, 1], [1, 0, -1, 1]])
    assert not (windows @ found.directions.T).any()
    assert outcome.filter == pytest.approx(np.array([[0.633, 0.184], [0.184, 0.551]]), abs=5e-4)
    assert judge_expected(problem, outcome) == ("another solution", 0.0)
    assert facts(problem_with(expected_filter=[[1, 0], [0, 0]]))["expected-filter"].says == (
        "The filter reached (0.6328 0.1836 / 0.1836 0.5508) is not the expected one (1 0 / 0 0), and both are right: "
        "with the expected one the loss is 0."
    )


def problem_with(**changed: Any) -> dict[str, Any]:
    """The question at a rate that converges."""
    return {
        "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
        "filter": [[1, -1], [1, 1]],
        "target": [[1, 0], [0, 1]],
        "learning_rate": 0.1,
        **changed,
    }


def test_the_expected_filter_is_the_same() -> None:
    assert facts(SAMPLES / "edge-detector.yaml")["expected-filter"].values["verdict"] == "same"
    close = (outcome_of(convstep.load(problem_with())).filter + 1e-5).tolist()
    assert (
        facts(problem_with(expected_filter=close))["expected-filter"].says == "The filter reached is the expected one."
    )


def test_the_expected_filter_is_no_solution() -> None:
    fact = facts(problem_with(expected_filter=[[1, 0], [0, 1]]))["expected-filter"]
    assert fact.values == {"verdict": "not a solution", "loss": 1.0}
    assert (
        fact.says
        == "The expected filter (1 0 / 0 1) is not a solution: its loss is 1; the filter reached has 9.05664e-13."
    )
    # Where nothing solves the problem, the expected filter may still be as good as any.
    best = facts(problem_with(target=[[1, -1], [0, 1]], expected_filter=[[1, 0], [0, 0]]))["expected-filter"]
    assert (
        best.says == "The expected filter (1 0 / 0 0) is not a solution: its loss is 0.5; the filter reached has 0.5."
    )


def test_the_expected_filter_where_the_run_failed() -> None:
    fact = facts(problem_with(learning_rate=0.5, expected_filter=[[1, 0], [0, 0]]))["expected-filter"]
    assert fact.says == "The expected filter (1 0 / 0 0) is a solution: its loss is 0. The run did not get to one."


@pytest.mark.parametrize("activation", ["relu", "linear", "sigmoid"])
def test_the_expected_filter_with_a_bias_of_its_own(activation: str) -> None:
    """2x + 1, or 3x + 0 where z = 3 is all that is asked for."""
    target = {"sigmoid": 1 / (1 + np.exp(-3.0))}.get(activation, 3)
    document = row([1, 1], [target, target], bias=0, activation=activation, stop={"iterations": 100000})
    for expected in ([[4]], [[3]], [[-7]]):
        assert (
            facts(document | {"expected_filter": expected})["expected-filter"].values["verdict"] == "another solution"
        )
    other = row([1, 2], [3, 5], bias=0, activation="linear", expected_filter=[[3]])
    assert facts(other)["expected-filter"].values["verdict"] == "not a solution"


def test_an_output_that_came_down_to_0_could_be_below_as_well() -> None:
    """w falls to 0 from above; any w ≤ 0 would do."""
    found = reached(row([1], [0]))[2]
    assert (found.dimension, found.free_outputs, found.at_the_edge) == (1, 1, 1)
    assert "it stands at z = 0, where only one way is open" in facts(row([1], [0]))["not-unique"].says


def test_outputs_that_hold_each_other_at_0_are_fixed() -> None:
    """z = w and z = −w both need z ≤ 0: only w = 0 is left."""
    document = row([1, -1], [0, 0])
    assert reached(document)[2].dimension == 0
    assert facts(document)["unique"].says == "There is no other solution."


def test_a_window_of_zeros_fixes_nothing() -> None:
    found = reached(row([2, 0], [2, 0]))[2]
    assert (found.dimension, found.free_outputs) == (0, 0)


@pytest.mark.parametrize(
    ("activation", "says"),
    [
        ("linear", "There is no other solution."),
        ("tanh", "There is no other solution."),
        ("silu", "Around the filter reached there is no other solution."),  # silu is not one-to-one below 0
    ],
)
def test_where_the_only_solution_is_the_only_one(activation: str, says: str) -> None:
    target = {"silu": -0.2, "tanh": -0.2}.get(activation, -2)
    document = row([1], [target], activation=activation, stop={"iterations": 20000})
    assert facts(document)["unique"].says == says


def test_a_loss_that_was_asked_to_be_large_proves_no_solution() -> None:
    assert "not-unique" not in facts(problem_with(stop={"loss": 0.1}))
    assert "unique" not in facts(row([1], [3], activation="linear", stop={"loss": 0.1}))


def test_only_plain_updates_are_sums_of_windows() -> None:
    """Adam divides each number by its own size; a weight decay shrinks the start."""
    sentence = "each update is a sum of windows"
    assert sentence in facts(problem_with())["not-unique"].says
    assert sentence in facts(problem_with(learning_rate=0.05, optimizer={"sgd": {"momentum": 0.8}}))["not-unique"].says
    assert sentence not in facts(problem_with(optimizer="adam"))["not-unique"].says


@pytest.mark.parametrize("seed", range(10))
def test_what_was_added_is_a_sum_of_windows(seed: int) -> None:
    """As it is said: of windows that were alive and wrong in some iteration."""
    problem = convstep.load(taught(seed, "relu"))
    matrix, trace = window_matrix(problem), convstep.run(problem)
    outcome = trace.outcome
    used = np.any([step.delta.reshape(-1) != 0 for step in trace], axis=0)
    added = weights_of(
        problem, outcome.filter - problem.filter, None if problem.bias is None else outcome.bias - problem.bias
    )
    across = null_space(matrix[used]) if used.any() else np.eye(len(added))
    assert np.abs(added @ across).max(initial=0.0) <= 1e-9 * max(1.0, np.abs(added).max())


def taught(seed: int, activation: Any) -> dict[str, Any]:
    """A problem with a solution, near which it starts."""
    document = drawn_run(seed, activation=activation, loss="half_squared_error", optimizer="sgd", learning_rate=1.0)
    document.pop("target_through_activation", None)
    problem = convstep.load(document)
    teacher = next(convstep.descend(problem)).output
    start = (problem.filter + np.random.default_rng(seed).integers(-1, 2, problem.filter.shape) * 0.125).tolist()
    curvature = np.linalg.svd(window_matrix(problem), compute_uv=False)[0] ** 2
    rate = 1.0 / curvature if curvature else 1.0
    return document | {"target": teacher.tolist(), "filter": start, "learning_rate": rate,
                       "stop": {"iterations": 2000, "loss": 1e-14}}  # fmt: skip


@pytest.mark.parametrize("activation", ["relu", "linear", {"leaky_relu": {"slope": 0.5}}, "tanh"])
@pytest.mark.parametrize("seed", range(9))
def test_along_the_directions_the_problem_stays_solved(seed: int, activation: Any) -> None:
    problem = convstep.load(taught(seed, activation))
    outcome = outcome_of(problem)
    if outcome.status != "converged":
        return
    found = solutions(problem, outcome)
    matrix, target = window_matrix(problem), compared_target(problem)
    fixed = target > 0 if activation == "relu" else np.ones(len(target), dtype=bool)
    if (found.directions == np.round(found.directions)).all():
        assert not (matrix[fixed] @ found.directions.T).any()
    else:
        assert np.abs(matrix[fixed] @ found.directions.T).max() < 1e-12 * np.abs(matrix).max() * 10
    assert np.linalg.matrix_rank(found.directions) == found.dimension if found.dimension else True
    if not found.at_the_edge and found.free_outputs == (~fixed).sum():
        rank = np.linalg.matrix_rank(matrix[fixed]) if fixed.any() else 0
        assert found.dimension == matrix.shape[1] - rank
    weights = weights_of(problem, outcome.filter, outcome.bias)
    for direction in found.directions if not found.at_the_edge else ():
        step = 1e-6 * direction / np.abs(direction).max()
        for moved in (weights + step, weights - step):
            assert loss_at(problem, matrix, moved) <= outcome.loss * 1.001 + 1e-20


@pytest.mark.parametrize("seed", range(60))
def test_the_dimension_of_what_is_left(seed: int) -> None:
    """Equalities and outputs at the edge: the dimension of {d: fixed·d = 0, edge·d ≤ 0}, by linear programming."""
    random = np.random.default_rng(seed)
    rows = random.integers(-1, 2, (random.integers(1, 7), random.integers(1, 5))).astype(float)
    target = random.integers(0, 2, len(rows)).astype(float)
    scale = random.permutation(len(rows)) < len(rows) // 2  # half of those with the target 0 are well below
    if not rows[target > 0].any() or np.linalg.matrix_rank(rows[target > 0]) < (target > 0).sum():
        return
    # A filter with z = t where t = 1, from the outputs themselves: each row has its own number behind it.
    slack = np.where((target == 0) & scale, -1.0, 0.0)
    layer = np.concatenate([rows, slack[:, None]], axis=1)[:, :, None]
    document = {
        "input": layer.transpose(1, 0, 2).tolist(),
        "target": target.reshape(-1, 1).tolist(),
        "learning_rate": 0.1,
    }
    weights = np.append(np.linalg.lstsq(rows[target > 0], target[target > 0], rcond=None)[0], 0.0)
    weights[-1] = 1 + np.abs(rows @ weights[:-1]).max()
    z = layer[:, :, 0] @ weights
    edge = (target == 0) & (np.abs(z) < 1e-9)
    if (z[target == 0] > 1e-9).any():
        return
    document["filter"] = weights.reshape(-1, 1, 1).tolist()
    problem, _, found = reached(document)
    fixed = window_matrix(problem)[target > 0]
    stuck = [row for row in window_matrix(problem)[edge] if can_fall(row, fixed, window_matrix(problem)[edge]) >= -1e-9]
    everything = np.concatenate([fixed, np.array(stuck).reshape(-1, fixed.shape[1])])
    assert found.dimension == fixed.shape[1] - np.linalg.matrix_rank(everything)


def can_fall(row: np.ndarray, fixed: np.ndarray, edge: np.ndarray) -> float:
    """How far row·d can fall while |d| ≤ 1, fixed·d = 0 and edge·d ≤ 0."""
    end = linprog(
        row, A_ub=edge, b_ub=np.zeros(len(edge)), A_eq=fixed, b_eq=np.zeros(len(fixed)), bounds=[(-1, 1)] * len(row)
    )
    return float(end.fun)


def test_downhill_against_linear_programming() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        rows = random.integers(-2, 3, (random.integers(1, 7), random.integers(1, 5))).astype(float)
        chosen = rows[random.integers(len(rows))]
        found = downhill(rows, chosen)
        least = can_fall(chosen, np.zeros((1, len(chosen))), rows)
        assert (found is not None) == (least < -1e-9)
        if found is not None:
            assert chosen @ found < 0
            assert (rows @ found).max() <= 1e-9


def test_large_directions_are_not_written_as_whole_numbers() -> None:
    """Windows such as 997 991: the whole direction −991 997 is kept, products of such are not."""
    kept = reached(
        {"input": [[997, 991]], "filter": [[0, 0]], "target": [[1]], "learning_rate": 1e-6, "activation": "linear"}
    )
    assert sorted(np.abs(kept[2].directions[0])) == [991, 997]
    random = np.random.default_rng(3).integers(900, 1000, (3, 4))
    document = {"input": random.tolist(), "filter": np.zeros((1, 4)).tolist(), "target": [[1], [2], [3]],
                "learning_rate": "auto", "activation": "linear", "stop": {"loss": 1e9, "iterations": 1}}  # fmt: skip
    problem = convstep.load(document)
    found = solutions(problem, convstep.run(problem).outcome)
    assert found.dimension == 1
    assert np.linalg.norm(found.directions[0]) == pytest.approx(1)
    assert np.abs(window_matrix(problem) @ found.directions[0]).max() < 1e-10


@pytest.mark.parametrize("seed", range(12))
def test_uniqueness_by_rank(seed: int) -> None:
    problem = convstep.load(taught(seed, "linear"))
    outcome = outcome_of(problem)
    if outcome.status != "converged":
        return
    ids = [fact.id for fact in convstep.why(problem).facts]
    matrix = window_matrix(problem)
    assert ("unique" in ids) == (np.linalg.matrix_rank(matrix) == matrix.shape[1])
