"""How small the loss can become: by hand, and against SciPy's optimisers from many starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawn_runs import drawn_run
from scipy import special
from scipy.optimize import least_squares, minimize

import convstep
from convstep.reasons.best import Best, _relu, best_loss, compared_target, loss_at
from convstep.reasons.relu import _Tree, least_convex, search
from convstep.reasons.windows import weights_of, window_matrix

Function = Callable[[np.ndarray], np.ndarray]

OUTPUTS: dict[str, Function] = {
    "linear": lambda z: z,
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.1 * z),
    "sigmoid": special.expit,
    "tanh": np.tanh,
}
LOSSES: dict[str, Callable[[np.ndarray], float]] = {
    "half_squared_error": lambda e: 0.5 * np.sum(e**2),
    "squared_error": lambda e: np.sum(e**2),
    "mean_squared_error": lambda e: np.mean(e**2),
    "mean_absolute_error": lambda e: np.mean(np.abs(e)),
    "huber": lambda e: np.mean(np.where(np.abs(e) <= 0.5, 0.5 * e**2, 0.5 * (np.abs(e) - 0.25))),
}
SQUARES = ("half_squared_error", "squared_error", "mean_squared_error")


def best_of(document: dict[str, Any]) -> Best:
    """From the file's own filter."""
    problem = convstep.load(document)
    return best_loss(problem, weights_of(problem, problem.filter, problem.bias))


def row(x: list[float], t: list[float], **others: Any) -> dict[str, Any]:
    """One weight that looks at each cell of a row."""
    return {"input": [x], "filter": [[1]], "target": [t], "learning_rate": 0.1, **others}


def name_of(choice: Any) -> str:
    return choice if isinstance(choice, str) else next(iter(choice))


def smallest(document: dict[str, Any], starts: int) -> float:
    """The smallest loss that SciPy finds, from random starts and from least-squares ones."""
    problem = convstep.load(document)
    matrix, target = window_matrix(problem), np.array(document["target"], dtype=float).reshape(-1)
    f, loss = OUTPUTS[name_of(document["activation"])], LOSSES[name_of(document["loss"])]
    if document.get("target_through_activation"):
        target = f(target)
    random = np.random.default_rng(1)
    begins = [np.linalg.lstsq(matrix, target, rcond=None)[0]]
    for _ in range(starts):
        chosen = random.random(len(target)) < 0.6
        begins.append(np.linalg.lstsq(matrix[chosen], target[chosen], rcond=None)[0])
        begins.append(random.normal(0, 2, matrix.shape[1]))
    ends = []
    for begin in begins:
        if name_of(document["loss"]) in SQUARES:
            ends.append(least_squares(lambda w: f(matrix @ w) - target, begin, max_nfev=30).x)
        else:
            ends.append(minimize(lambda w: loss(f(matrix @ w) - target), begin, options={"maxiter": 25}).x)
    return float(min(loss(f(matrix @ w) - target) for w in [*begins, *ends]))


def drawn(seed: int, activation: Any, loss: Any) -> dict[str, Any]:
    return drawn_run(seed, activation=activation, loss=loss, optimizer="sgd", learning_rate=0.05)


def test_a_target_that_relu_cannot_produce() -> None:
    """Target 1 −1 / 0 1: the best at [0,1] is 0, an error of 1."""
    best = best_loss(convstep.load("samples/out-of-reach.yaml"), np.zeros(4))
    assert (best.bound, best.from_range, best.from_zeros, best.from_conflict) == (0.5, 0.5, 0, 0)
    assert best.found == pytest.approx(0.5, rel=1e-15)
    assert best.meets


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (row([1, 1], [1, 3], activation="linear"), (1, 0, 0, 1, 1)),  # both get the mean, 2
        (row([1, 1], [1, 3]), (1, 0, 0, 1, 1)),
        (row([1, -1], [2, 1]), (0.5, 0, 0, 0.5, 0.5)),  # one of them is 0 for any weight; better the smaller
        (row([1, 0], [2, 1]), (0.5, 0, 0.5, 0, 0.5)),  # the second window is 0
        (row([1, 0], [2, -1]), (0.5, 0.5, 0, 0, 0.5)),
        (row([1, 1], [-1, 3]), (4, 0.5, 0, 3.5, 4)),  # z = 1: errors 2 and −2; z = 0 would cost ½ + 4½
        (row([1, 2], [1, 2], loss="mean_squared_error"), (0, 0, 0, 0, 0)),
        (row([1, 0], [2, 1], loss="mean_absolute_error"), (0.5, 0, 0.5, 0, 0.5)),
        (row([0, 0], [0.5, 1], activation="sigmoid"), (0.125, 0, 0.125, 0, 0.125)),
        (row([1], [2], activation="tanh"), (0.5, 0.5, 0, 0, None)),  # never reached: tanh stays below 1
    ],
)
def test_by_hand(document: dict[str, Any], expected: tuple[float | None, ...]) -> None:
    best = best_of(document)
    found = (best.bound, best.from_range, best.from_zeros, best.from_conflict, best.found)
    for number, wanted in zip(found, expected, strict=True):
        assert wanted is None or number == pytest.approx(wanted, abs=1e-15)
    assert best.meets == (expected[-1] is not None)


def test_no_worse_than_the_start_and_the_filter_0() -> None:
    problem = convstep.load(row([1], [-1], activation="silu", filter=[[-1.2]]))
    assert best_loss(problem, np.array([-90.0])).found == pytest.approx(0.260808, abs=5e-7)
    problem = convstep.load(row([1], [0], activation="sigmoid", filter=[[40]]))
    assert best_loss(problem, np.array([40.0])).found == 0.125


CASES = [("relu", loss, range(42)) for loss in SQUARES[:1]]
CASES += [("relu", loss, range(60, 76)) for loss in SQUARES[1:]]
CASES += [("linear", loss, range(100, 108)) for loss in SQUARES]
CASES += [({"leaky_relu": {"slope": 0.1}}, loss, range(200, 208)) for loss in SQUARES]
CASES += [(name, loss, range(300, 306)) for name in ("sigmoid", "tanh") for loss in SQUARES]
CASES += [
    (name, loss, range(400, 403))
    for name in ("relu", "linear", {"leaky_relu": {"slope": 0.1}}, "sigmoid", "tanh")
    for loss in ("mean_absolute_error", {"huber": {"delta": 0.5}})
]


@pytest.mark.parametrize(("activation", "loss", "seeds"), CASES)
def test_no_optimiser_falls_below(activation: Any, loss: Any, seeds: range) -> None:
    for seed in seeds:
        document = drawn(seed, activation, loss)
        problem = convstep.load(document)
        best = best_of(document)
        found = smallest(document, 2 if name_of(loss) in SQUARES else 1)
        start = loss_at(problem, window_matrix(problem), np.zeros(window_matrix(problem).shape[1]))
        slack = 1e-9 * max(start, best.found)
        assert found >= best.bound - slack, f"seed {seed}: {found} is below the bound {best.bound}"
        assert best.bound <= best.found
        if best.meets:
            assert found >= best.found - slack, f"seed {seed}: {found} is below the best {best.found}"
        if activation == "linear" and name_of(loss) in SQUARES:
            assert best.meets
        if activation == "relu" and name_of(loss) in SQUARES and (compared_target(problem) > 0).sum() <= 12:
            assert best.meets, f"seed {seed}: bound {best.bound}, found {best.found}"


def test_the_choices_are_kept() -> None:
    """z = w for both, t = 3 and 1. Given up, the other's z must not rise: w = 0 costs 9 + 1. Alike, both fall: 4."""
    tree = _Tree(np.array([[1.0], [1.0]]), np.array([3.0, 1.0]))
    first, both = np.array([True, False]), np.array([True, True])
    value, weights = tree._solve(first, both, np.zeros(1))
    assert (value, weights.item()) == (pytest.approx(10), pytest.approx(0, abs=1e-6))
    value, weights = tree._solve(both, both, np.zeros(1))
    assert (value, weights.item()) == (pytest.approx(2), pytest.approx(2))
    # While the second is undecided it costs nothing.
    value, weights = tree._solve(first, first, np.zeros(1))
    assert (value, weights.item()) == (pytest.approx(0), pytest.approx(3))
    # z = w and z = −w cannot both be above 0: that costs more than any choice.
    tree = _Tree(np.array([[1.0], [-1.0]]), np.array([3.0, 1.0]))
    assert tree._solve(both, both, np.ones(1))[0] == pytest.approx(10)
    assert tree.bound_below(both, np.zeros(2, dtype=bool), np.zeros(1)) == pytest.approx(1)


def test_kinks_are_found_exactly() -> None:
    """½(w − 2)² is pulled to 2; from 0 on an output with the target t < 0 pulls back with −t and more."""
    matrix, living = np.array([[1.0], [1.0]]), np.array([True, False])
    for target, expected in ((-1.0, 0.5), (-3.0, 0.0), (0.0, 1.0)):
        for start in (-4.0, 0.0, 7.0):
            weights, work = least_convex(matrix, np.array([2.0, target]), living, np.array([start]), 10**7)
            assert weights is not None
            assert weights.item() == pytest.approx(expected, abs=1e-12)
            assert 0 < work < 10**6
    assert least_convex(matrix, np.array([2.0, 0.0]), living, np.zeros(1), 10) == (None, 10)


@pytest.mark.parametrize("loss", SQUARES)
@pytest.mark.parametrize("seed", range(10))
def test_the_bound_of_the_search_is_the_best_of_it(seed: int, loss: str) -> None:
    """Without the help of one for the other."""
    problem = convstep.load(drawn(seed, "relu", loss))
    if (compared_target(problem) > 0).sum() > 12:
        return
    matrix, start = window_matrix(problem), weights_of(problem, problem.filter, problem.bias)
    bound, candidates = _relu(problem, matrix, start)
    assert bound == pytest.approx(min(loss_at(problem, matrix, each) for each in candidates), rel=1e-9, abs=1e-12)


def errors_of(w: np.ndarray, matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.maximum(matrix @ w, 0) - target


def test_relu_on_any_numbers() -> None:
    """Not only small whole ones, of any size: the bound holds, and meets the best."""
    for seed in range(15):
        random = np.random.default_rng(seed)
        outputs, parameters = random.integers(4, 10), random.integers(1, 5)
        size, height = 10.0 ** random.integers(-4, 5, 2)
        matrix = size * random.normal(size=(outputs, parameters))
        target = height * np.where(random.random(outputs) < 0.7, random.normal(size=outputs), 0.0)
        found = search(matrix, target, [])
        least = min(np.sum((np.maximum(matrix @ w, 0) - target) ** 2) for w in found.candidates)
        for _ in range(12):
            chosen = random.random(outputs) < 0.6
            begin = np.linalg.lstsq(matrix[chosen], target[chosen], rcond=None)[0]
            scaled = (matrix / size, target / height)
            end = least_squares(errors_of, begin * size / height, args=scaled).x * height / size
            reached = np.sum((np.maximum(matrix @ end, 0) - target) ** 2)
            assert reached >= found.bound - 1e-9 * height**2
        assert least - found.bound <= 1e-9 * height**2, f"seed {seed}"


@pytest.mark.parametrize("seed", range(8))
def test_many_undecided_outputs_still_give_a_true_bound(seed: int) -> None:
    document = drawn_run(
        seed, input=np.random.default_rng(seed).integers(-2, 3, (9, 9)).tolist(), filter=[[1, 0], [-1, 1]],
        target=np.random.default_rng(seed + 50).integers(-1, 3, (8, 8)).tolist(), padding=0, stride=1,
        activation="relu", loss="half_squared_error", optimizer="sgd",
    )  # fmt: skip
    best = best_of(document)
    found = smallest(document, 4)
    assert best.bound <= min(found, best.found)
    assert best.found <= found * 1.2
    assert best.bound >= best.from_range > 0


def test_the_run_s_own_end_is_a_candidate() -> None:
    """Where nothing better is found, the best is where the run ended."""
    document = row([1, 2, -1], [3, 1, 1], activation="silu", loss="mean_absolute_error", stop={"iterations": 100})
    problem = convstep.load(document)
    outcome = convstep.run(problem).outcome
    best = best_loss(problem, weights_of(problem, outcome.filter, outcome.bias))
    assert best.found == pytest.approx(outcome.loss, rel=1e-12)


@pytest.mark.parametrize("seed", range(16))
def test_a_run_that_got_there_is_said_to_have(seed: int) -> None:
    document = drawn_run(seed, optimizer="sgd", learning_rate="auto", loss="half_squared_error",
                         activation="relu" if seed % 2 else "linear", stop={"iterations": 800})  # fmt: skip
    if not np.any(document["input"]):
        return
    problem = convstep.load(document)
    reasons = convstep.why(problem)
    fact = next((fact for fact in reasons.facts if fact.id == "out-of-reach"), None)
    if fact is None:
        return
    outcome = convstep.run(problem).outcome
    there = outcome.loss <= fact.values["found"] * (1 + 1e-6) + 1e-12
    assert ("the run got there" in fact.says or "which is where the run ended" in fact.says) == there
    assert ("smallest possible" in fact.says) == fact.values["smallest_possible"]
    if not fact.values["smallest_possible"]:
        assert fact.values["bound"] < fact.values["found"]


@pytest.mark.parametrize("loss", LOSSES)
def test_rounding_errors_are_no_loss(loss):
    """x·w = t has a solution, which no float hits; what is left of each error is around 1e-16 of the target."""
    best = best_of(row([0.1, 0.2, 0.3], [0.7, 1.4, 2.1], activation="linear", loss=loss))
    assert best.found <= best.noise < 1e-12
    assert best.meets
    assert best.bound == 0
