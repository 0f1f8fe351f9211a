"""The rules that end a run: each one alone, their order, and cycles of every length."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_problems import SEEDS, question
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import convstep
from convstep import block
from convstep.choices import Choice
from convstep.descent import descend
from convstep.problem.model import Problem, Stop
from convstep.stopping import Cycles, Ending, Progress, Rules
from convstep.trace import Outcome

LINEAR = Choice("linear")


def single(x: float, w: float, t: float | None, rate: float, **changed: Any) -> Problem:
    """One weight, one output: linear unless said otherwise."""
    facts: dict[str, Any] = {
        "input": np.array([[x]]),
        "filter": np.array([[w]]),
        "target": None if t is None else np.array([[t]]),
        "activation": LINEAR,
        "learning_rate": rate,
    }
    return Problem(**(facts | changed))


def outcome_of(problem: Problem) -> tuple[Outcome, int]:
    """The outcome, and how many iterations were handed out."""
    run = convstep.descend(problem)
    count = sum(1 for _ in run)
    assert run.outcome is not None
    return run.outcome, count


def progress(rows: int = 1, first: int = 2, **changed: Any) -> Progress:
    """Iterations at which no rule holds, but for what is changed; two outputs, two parameters."""
    facts: dict[str, Any] = {
        "finite": np.ones(rows, dtype=bool),
        "loss": np.full(rows, 5.0),
        "gradient": np.ones((rows, 2)),
        "update": np.ones((rows, 2)),
        "output_gradient": np.ones((rows, 2)),
        "delta": np.ones((rows, 2)),
        "states": np.arange(2.0 * rows).reshape(rows, 2) + 10.0 * first,
    }
    facts |= {name: np.asarray(value) for name, value in changed.items()}
    return Progress(first_iteration=first, **facts)


def rules(target: tuple[float, float] = (3.0, -4.0), first_loss: float = 2.0, **changed: Any) -> Rules:
    problem = Problem(
        np.ones((1, 2)),
        np.ones((1, 1)),
        target=np.array([target]),
        learning_rate=0.5,
        **({"activation": LINEAR} | changed),
    )
    return Rules(problem, first_loss, np.zeros(2))


QUIET = {"gradient": np.full((1, 2), 1e-9), "update": np.full((1, 2), 0.5e-9)}
HIGHEST = 12.5e12  # half of 3² + 4² is more than the first loss


def test_nothing_to_end() -> None:
    assert rules().ending(progress()) is None
    assert rules().ending(progress(loss=[HIGHEST])) is None
    assert rules().ending(progress(loss=[1.0001e-12])) is None


@pytest.mark.parametrize(
    ("changed", "ending"),
    [
        ({"finite": [False]}, Ending(0, "diverged")),
        ({"finite": [False], "first": 1}, Ending(1, "diverged")),
        ({"loss": [np.nextafter(HIGHEST, np.inf)]}, Ending(1, "diverged")),
        ({"loss": [np.inf]}, Ending(1, "diverged")),
        ({"loss": [np.nan]}, Ending(1, "diverged")),
        ({"loss": [1e-12]}, Ending(1, "converged")),
        ({"loss": [0.0]}, Ending(1, "converged")),
        (QUIET, Ending(1, "stationary")),
        (QUIET | {"delta": np.full((1, 2), 1e-9)}, Ending(1, "dead")),
        (QUIET | {"delta": [[1.0, 0.0]]}, Ending(1, "stationary")),
        (QUIET | {"delta": [[0.0, 1.0]], "output_gradient": [[1.0, 1e-9]]}, Ending(1, "dead")),
        (QUIET | {"delta": [[0.0, 0.0]], "output_gradient": [[1e-9, -1e-9]]}, Ending(1, "stationary")),
        (QUIET | {"delta": [[0.0, 0.0]], "output_gradient": [[1e-9, -1.0]]}, Ending(1, "dead")),
        (QUIET | {"delta": [[-1.0, 0.0]], "output_gradient": [[-1.0, 1.0]]}, Ending(1, "stationary")),
        # The order: each of these holds for the later rules too.
        (QUIET | {"finite": [False], "loss": [0.0]}, Ending(0, "diverged")),
        (QUIET | {"loss": [0.0], "delta": [[0.0, 0.0]]}, Ending(1, "converged")),
        (QUIET | {"loss": [np.inf], "delta": [[0.0, 0.0]]}, Ending(1, "diverged")),
    ],
)
def test_each_rule(changed: dict[str, Any], ending: Ending) -> None:
    assert rules().ending(progress(**changed)) == ending


@pytest.mark.parametrize(
    "almost",
    [
        {"gradient": [[1e-9, 1.1e-9]], "update": [[0.0, 0.0]]},
        {"gradient": [[0.0, -1.1e-9]], "update": [[0.0, 0.0]]},
        {"gradient": [[0.0, 0.0]], "update": [[0.0, -0.6e-9]]},
    ],
)
def test_gradient_and_update_must_both_vanish(almost: dict[str, Any]) -> None:
    assert rules().ending(progress(**almost)) is None


def test_the_first_row_counts() -> None:
    finite = np.array([True, True, False, True])
    assert rules().ending(progress(4, finite=finite)) == Ending(2, "diverged")
    assert rules().ending(progress(4, finite=finite, loss=[5.0, 0.0, 5.0, 5.0])) == Ending(2, "converged")
    assert rules().ending(progress(4, finite=finite, loss=[5.0, 5.0, 5.0, 0.0])) == Ending(2, "diverged")


def test_the_larger_of_first_loss_and_target_may_rise() -> None:
    assert rules(first_loss=100.0).ending(progress(loss=[100e12])) is None
    assert rules(first_loss=100.0).ending(progress(loss=[101e12])) == Ending(1, "diverged")


def test_where_nothing_counts_as_a_loss_of_0_nothing_is_a_rise() -> None:
    exactly = rules((0.0, 0.0), first_loss=0.0, stop=Stop(loss=0.0))
    assert exactly.ending(progress(loss=[1e-300])) is None


def test_dead_needs_a_target_within_reach() -> None:
    silent = progress(**(QUIET | {"delta": [[0.0, 0.0]]}))
    assert rules((3.0, -4.0), activation=Choice("relu")).ending(silent) == Ending(1, "dead")
    assert rules((-3.0, -4.0), activation=Choice("relu")).ending(silent) == Ending(1, "stationary")
    assert rules((-3.0, 0.0), activation=Choice("relu")).ending(silent) == Ending(1, "dead")
    right = progress(**(QUIET | {"delta": [[0.0, 0.0]], "output_gradient": [[1.0, 0.0]]}))
    assert rules((-3.0, 0.0), activation=Choice("relu")).ending(right) == Ending(1, "stationary")
    through = rules((-3.0, -4.0), activation=Choice("relu"), target_through_activation=True)
    assert through.ending(silent) == Ending(1, "dead")


def test_without_a_target_nothing_converges_and_the_loss_may_rise() -> None:
    problem = Problem(np.ones((1, 2)), np.ones((1, 1)), output_gradient=np.ones((1, 2)), learning_rate=0.5)
    assert Rules(problem, 0.0, np.zeros(2)).ending(progress(loss=[0.0])) is None
    assert Rules(problem, 0.0, np.zeros(2)).ending(progress(loss=[-1e300])) is None
    assert Rules(problem, 0.0, np.zeros(2)).ending(progress(loss=[-np.inf])) == Ending(1, "diverged")
    silent = progress(**(QUIET | {"delta": [[0.0, 0.0]]}))
    assert Rules(problem, 0.0, np.zeros(2)).ending(silent) == Ending(1, "stationary")


def test_without_a_target_no_number_of_outputs_is_dead() -> None:
    problem = single(1.0, -1.0, None, 0.5, activation=Choice("relu"), output_gradient=np.ones((1, 3)))
    assert outcome_of(replace(problem, input=np.ones((1, 3))))[0].status == "stationary"


JUMPING = {"states": np.tile([[2.0, 2.0], [0.0, 0.0]], (3, 1))}


def test_a_cycle_ends_a_run_at_the_row_that_completes_it_unless_a_rule_held_before() -> None:
    assert rules().ending(progress(6, **JUMPING)) == Ending(5, "oscillating", 2)
    loss = np.array([5.0, 0.0, 5.0, 5.0, 5.0, 5.0])
    assert rules().ending(progress(6, loss=loss, **JUMPING)) == Ending(2, "converged", None)


# Whole runs


def test_converged_at_once() -> None:
    outcome, count = outcome_of(single(1.0, 3.0, 3.0, 0.5))
    assert (outcome.status, outcome.iterations, outcome.loss, count) == ("converged", 1, 0.0, 1)


def test_a_gradient_that_is_0_from_the_start() -> None:
    outcome, count = outcome_of(single(1.0, -1.0, 2.0, 0.5, activation=Choice("relu")))
    assert (outcome.status, outcome.loss, count) == ("dead", 2.0, 1)
    outcome, count = outcome_of(single(1.0, -1.0, -2.0, 0.5, activation=Choice("relu")))
    assert (outcome.status, outcome.loss, count) == ("stationary", 2.0, 1)


def test_errors_that_balance_each_other() -> None:
    problem = Problem(
        np.array([[1.0, 1.0]]), np.array([[0.0]]), target=np.array([[1.0, 3.0]]), activation=LINEAR, learning_rate=0.5
    )
    outcome, _ = outcome_of(problem)
    assert (outcome.status, outcome.loss, outcome.iterations) == ("stationary", 1.0, 2)


def test_weight_decay_is_part_of_the_gradient() -> None:
    """½(w − 3)² + ½w² is least at 1.5: the loss's own gradient is −1.5 there."""
    problem = single(1.0, 0.0, 3.0, 0.5, optimizer=Choice("sgd", {"weight_decay": 1.0}))
    outcome, _ = outcome_of(problem)
    assert (outcome.status, outcome.iterations) == ("stationary", 2)
    assert outcome.filter.item() == 1.5
    dying = single(1.0, -1.0, 3.0, 0.5, activation=Choice("relu"), optimizer=Choice("sgd", {"weight_decay": 1.0}))
    outcome, _ = outcome_of(dying)
    assert outcome.status == "dead"
    assert -1e-9 <= outcome.filter.item() < 0.0
    assert outcome.iterations > 25  # the dead weight halves until the decay is too small as well


def test_momentum_carries_on_through_a_vanished_gradient() -> None:
    """At iteration 2 the gradient is 0 and the velocity is not."""
    problem = single(1.0, 0.0, 1.0, 1.0, optimizer=Choice("sgd", {"momentum": 0.5}), stop=Stop(3, -1.0))
    steps = list(descend(problem))
    assert len(steps) == 3
    assert steps[1].filter_gradient.item() == 0.0
    assert steps[1].filter_update.item() == 0.5


@pytest.mark.parametrize("longest", [1, 256])
@pytest.mark.parametrize("last", range(2, 12))
def test_overflow_is_not_recorded(last: int, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """w = 0, −c, −2c …, and ∂L/∂x = 1e200·w overflows in one iteration, wherever blocks end; the loss does not."""
    monkeypatch.setattr(block, "LONGEST_BLOCK", longest)
    c = 1.797e108 / (last - 1.5)
    problem = single(1e-300, 0.0, None, c * 1e100, output_gradient=np.array([[1e200]]), stop=Stop(gradient=-1.0))
    run = descend(problem)
    steps = list(run)
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.iterations, len(steps)) == ("diverged", last - 1, last - 1)
    assert all(np.isfinite(step[name]).all() for step in steps for name in step)
    assert np.array_equal(run.outcome.filter, steps[-1].new_filter)
    assert run.outcome.loss == pytest.approx(-1e-100 * (last - 1) * c)


def test_overflow_in_the_first_iteration_is_recorded() -> None:
    run = descend(single(1e200, 1e200, 1.0, 0.5))
    (step,) = run
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.iterations) == ("diverged", 1)
    assert step.loss == np.inf
    assert np.isnan(run.outcome.loss)


def test_overflow_where_nothing_is_learned_warns_of_nothing() -> None:
    forward = single(1e200, 1e200, None, 0.5, learning_rate=None)
    (step,) = descend(forward)
    assert step.output.item() == np.inf
    (step,) = descend(replace(forward, filter=np.array([[1.0]]), output_gradient=np.array([[1e200]])))
    assert (step.loss, step.filter_gradient.item()) == (np.inf, np.inf)


def test_overflow_of_several_parameters_warns_of_nothing() -> None:
    """Infinities of both signs meet in the search for cycles; a warning would be an error here."""
    outcome, count = outcome_of(question(activation=LINEAR, input=question().input * 1e200))
    assert (outcome.status, count) == ("diverged", 1)
    outcome, count = outcome_of(question(activation=LINEAR, learning_rate=1e300))
    assert (outcome.status, count) == ("diverged", 1)
    outcome, count = outcome_of(question(activation=LINEAR, target=question().target * 1e200))
    assert (outcome.status, count) == ("diverged", 1)  # ½Σt² is more than a float can hold


def test_a_loss_that_rises_too_far() -> None:
    """e → −9e: the loss rises by 81 an iteration from ½, past 5·10¹¹ at the 15th."""
    outcome, count = outcome_of(single(1.0, 0.0, 1.0, 10.0))
    rises = int(np.ceil(12 / np.log10(81)))
    assert (outcome.status, outcome.iterations, count) == ("diverged", rises, rises)
    assert outcome.loss == 0.5 * 81.0**rises


def test_a_loss_that_begins_high_may_stay_high() -> None:
    outcome, _ = outcome_of(single(1.0, 1e6, 0.0, 0.5))
    assert (outcome.status, outcome.iterations) == ("converged", 40)  # ½·(10⁶/2ᵏ)² ≤ 10⁻¹²


def test_a_rounding_error_is_no_rise() -> None:
    decay = Choice("sgd", {"weight_decay": 0.1})
    problem = Problem(
        np.array([[1.0, 3.0]]),
        np.array([[0.75, -0.25]]),
        target=np.zeros((1, 1)),
        activation=LINEAR,
        learning_rate=0.1,
        optimizer=decay,
    )
    assert outcome_of(problem)[0].status == "converged"


def test_asked_for_no_more() -> None:
    outcome, count = outcome_of(single(1.0, 0.0, 1.0, 0.25, stop=Stop(7)))
    assert (outcome.status, outcome.iterations, count) == ("stopped", 7, 7)


def test_other_thresholds() -> None:
    outcome, _ = outcome_of(single(1.0, 0.0, 2.0, 0.5, stop=Stop(loss=0.5)))
    assert (outcome.status, outcome.iterations, outcome.loss) == ("converged", 1, 0.5)
    outcome, _ = outcome_of(single(1.0, 0.0, 2.0, 0.5, stop=Stop(gradient=1.0)))
    assert (outcome.status, outcome.iterations) == ("stationary", 2)  # the gradient of iteration 2 is −1


@pytest.mark.parametrize("longest", [1, 2, 5, 256])
def test_two_for_ever(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the rate 2 the weight jumps from 0 to 2·t and back: states 0, 2, 0, 2, 0 are two full periods."""
    monkeypatch.setattr(block, "LONGEST_BLOCK", longest)
    outcome, count = outcome_of(single(1.0, 0.0, 1.0, 2.0))
    assert (outcome.status, outcome.period, count, outcome.iterations) == ("oscillating", 2, 5, 5)


def test_two_for_ever_in_fractions() -> None:
    problem = {"input": [[1]], "filter": [[0]], "target": [["1/3"]], "activation": "linear", "learning_rate": 2}
    outcome, count = outcome_of(convstep.load(problem, {"exact": True}))
    assert (outcome.status, outcome.period, count, outcome.iterations) == ("oscillating", 2, 5, 5)


# Cycles


def find_in_blocks(states: np.ndarray, sizes: list[int]) -> tuple[int, int] | None:
    """The row (0 is the first state) and the period, the states handed over in blocks of these sizes."""
    cycles, start, turn = Cycles(states[0]), 1, 0
    while start < len(states):
        block = states[start : start + sizes[turn % len(sizes)]]
        found = cycles.find(block)
        if found:
            return start + found[0], found[1]
        start, turn = start + len(block), turn + 1
    return None


CUTS = [[1], [2], [3, 1, 7], [64], [1, 2, 4, 8, 16, 32, 64, 128, 256], [1000]]


def cycle(period: int, size: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(period, size))


@pytest.mark.parametrize("sizes", CUTS, ids=str)
@pytest.mark.parametrize("lead", [0, 1, 5, 100])
@pytest.mark.parametrize("period", [2, 3, 7, 64])
def test_every_period_is_found_after_two_full_ones(period: int, lead: int, sizes: list[int]) -> None:
    before = np.random.default_rng(1).normal(size=(lead, 3))
    states = np.concatenate([before, np.tile(cycle(period), (6, 1))])
    # The first state of the cycle is row `lead`; rows lead + period … lead + 3·period − 1 repeat it twice.
    assert find_in_blocks(states, sizes) == (lead + 3 * period - 1, period)


@pytest.mark.parametrize("sizes", CUTS, ids=str)
def test_what_is_no_cycle(sizes: list[int]) -> None:
    count = np.arange(400.0)[:, None]
    slow = 1.0 + 0.9**count * np.array([[1.0, -1.0]])
    alternating = 1.0 + (-0.99) ** count * np.array([[1.0, 2.0]])
    still = np.ones((400, 2))
    drifting = np.tile(cycle(5, 2), (80, 1)) + 1e-9 * count
    too_long = np.tile(cycle(65, 2), (6, 1))
    for states in (slow, alternating, still, 0.0 * still, drifting, too_long, cycle(400, 2)):
        assert find_in_blocks(states, sizes) is None


def test_a_cycle_that_stands_still_once_a_period_is_none() -> None:
    states = np.tile([[0.0], [1.0], [1.0]], (20, 1))
    assert find_in_blocks(states, [7]) is None


@pytest.mark.parametrize("before", [[], [[0.0, 0.0]]], ids=str)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("off", "found"), [(0.9e-12, True), (1.1e-12, False)])
def test_tolerance_is_relative_to_the_largest_number(
    off: float, found: bool, place: int, before: list[list[float]]
) -> None:
    states = np.tile([[1000.0, 1.0], [-1000.0, 1.0]], (10, 1))
    states[:, 1] += 1000.0 * off * (np.arange(20) // 2)
    states = np.array([*before, *np.roll(states, 1 - place, axis=1)])
    assert (find_in_blocks(states, [3]) is not None) == found


@examples(80)
@given(st.integers(2, 20), st.integers(0, 40), SEEDS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_found_alike_whatever_the_blocks(period: int, lead: int, seed: int, sizes: list[int]) -> None:
    random = np.random.default_rng(seed)
    states = np.concatenate(
        [random.integers(0, 3, size=(lead, 2)), np.tile(random.integers(0, 3, (period, 2)), (8, 1))]
    )
    assert find_in_blocks(states.astype(float), sizes) == find_in_blocks(states.astype(float), [1])


def test_a_long_history_of_many_numbers_is_cut() -> None:
    assert Cycles(np.zeros(3)).longest == 64
    assert Cycles(np.zeros(1 << 14)).longest == (1 << 20) // (3 << 14)
    assert Cycles(np.zeros(1 << 22)).longest == 2


def test_the_optimizers_state_must_come_back_too() -> None:
    """Adam's running averages never repeat, though the weight soon moves by next to nothing."""
    problem = single(1.0, 0.0, 1.0, 0.5, optimizer=Choice("adam"), stop=Stop(400, -1.0, -1.0))
    assert outcome_of(problem)[0].status == "stopped"
    assert outcome_of(replace(problem, optimizer=Choice("sgd"), learning_rate=2.0))[0].status == "oscillating"


def test_no_more_is_kept_than_the_longest_cycle_takes() -> None:
    cycles = Cycles(np.zeros(3))
    for _ in range(3):
        cycles.find(np.random.default_rng(0).normal(size=(150, 3)))
    assert len(cycles.history) == 3 * cycles.longest
