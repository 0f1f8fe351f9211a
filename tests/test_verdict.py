"""Why a run ended: whole sentences, for runs small enough to be followed by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from drawn_problems import question

from convstep.choices import Choice
from convstep.descent import descend, stopped_after
from convstep.problem.model import Problem, Stop
from convstep.verdict import Verdict, judge

LINEAR = Choice("linear")
ONE = np.array([[1.0]])


def verdict(problem: Problem) -> Verdict:
    run = descend(problem)
    steps = list(run)
    assert run.outcome is not None
    return judge(problem, run.outcome, steps[0], steps[-1])


def row(x: list[float], t: list[float], w: float = 0.0, rate: float = 0.5, **changed: Any) -> Problem:
    """One weight that looks at each cell of a row."""
    facts: dict[str, Any] = {
        "input": np.array([x]),
        "filter": np.array([[w]]),
        "target": np.array([t]),
        "activation": LINEAR,
        "learning_rate": rate,
    }
    return Problem(**(facts | changed))


def test_dead() -> None:
    assert verdict(question()) == Verdict(
        "The gradient is 0 although the loss is still 1: output[0,0] and output[1,1] are wrong, but the slope of relu "
        "there is 0, so no error flows back."
    )


def test_dead_with_a_single_wrong_cell() -> None:
    problem = row([1, -1], [2, 0], w=-1.0, activation=Choice("relu"), target=np.array([[2.0, 1.0]]))
    assert verdict(problem) == Verdict(
        "The gradient is 0 although the loss is still 2: output[0,0] is wrong, but the slope of relu there is 0, "
        "so no error flows back."
    )


def test_dead_names_only_what_could_be_right() -> None:
    """ReLU does not produce −1, and the third output sees only zeros."""
    said = verdict(row([1, 1, 0], [2, -1, 1], w=-1.0, activation=Choice("relu"))).reason
    assert ": output[0,0] is wrong, but the slope of relu there is 0" in said


def test_dead_with_many_cells() -> None:
    problem = row([1] * 6, [2] * 6, w=-1.0, rate=0.1, activation=Choice("relu"))
    assert verdict(problem) == Verdict(
        "The gradient is 0 although the loss is still 12: 6 of the 6 cells of output are wrong, but the slope of relu "
        "there is 0, so no error flows back."
    )


def test_dead_by_a_slope_that_is_nearly_0() -> None:
    problem = row([1], [0.5], w=-30.0, activation=Choice("sigmoid"))
    assert verdict(problem) == Verdict(
        "The gradient is as good as 0 (at most 4.7e-14) although the loss is still 0.125: output[0,0] is wrong, "
        "but the slope of sigmoid there is at most 9.35762e-14, so no error flows back."
    )


def test_dead_names_four_cells_and_counts_five() -> None:
    four = verdict(row([1] * 4, [2] * 4, w=-1.0, activation=Choice("relu"))).reason
    assert "output[0,0], output[0,1], output[0,2] and output[0,3] are wrong" in four
    five = verdict(row([1] * 5, [2] * 5, w=-1.0, activation=Choice("relu"))).reason
    assert "5 of the 5 cells of output are wrong" in five


def test_dead_where_nothing_at_all_is_small_enough_but_0() -> None:
    problem = row([1, -1], [2, 1], w=-1.0, activation=Choice("relu"), stop=Stop(gradient=0.0))
    assert verdict(problem) == Verdict(
        "The gradient is 0 although the loss is still 2: output[0,0] is wrong, but the slope of relu there is 0, "
        "so no error flows back."
    )


def test_dead_by_slopes_of_which_one_is_0() -> None:
    """σ(−1200) is 0 in floats."""
    problem = row([1, 40], [0.5, 0.5], w=-30.0, activation=Choice("sigmoid"))
    assert "output[0,0] and output[0,1] are wrong, but the slope of sigmoid there is at most 9.35762e-14" in (
        verdict(problem).reason
    )


def test_the_gradient_of_the_bias_counts() -> None:
    """It is twice the filter's."""
    problem = row([0.5], [0.5], w=-60.0, bias=np.array(0.0), activation=Choice("sigmoid"))
    assert verdict(problem).reason.startswith("The gradient is as good as 0 (at most 4.7e-14) although")


def test_converged() -> None:
    assert verdict(question(learning_rate=0.1)) == Verdict(
        "The loss 9.05664e-13 is at most 1e-12, so the output matches the target."
    )


def test_converged_to_a_loss_that_is_no_match() -> None:
    assert verdict(row([1], [1], w=1.0, stop=Stop(loss=1e-6))) == Verdict(
        "The loss 0 is at most 1e-6, so the output matches the target."
    )
    assert verdict(row([1], [1], w=1.0, stop=Stop(loss=1.1e-6))) == Verdict(
        "The loss 0 is at most 1.1e-6, as stop.loss asks."
    )


def test_stationary_at_a_target_out_of_reach() -> None:
    assert verdict(question(learning_rate=0.1, target=np.array([[1.0, -1.0], [0.0, 1.0]]))) == Verdict(
        "The gradient is as good as 0 (at most 9.2e-10) at the loss 0.5: target[0,1] can never be reached, "
        "relu does not produce -1."
    )


def test_stationary_where_errors_balance() -> None:
    assert verdict(row([1, 1], [1, 3])) == Verdict(
        "The gradient is 0 at the loss 1: the errors that are left balance each other, so no small change of the "
        "filter helps."
    )


def test_a_target_out_of_range_is_not_the_reason_where_only_zeros_are_seen() -> None:
    zeros = "at the loss 0.5: output[0,0] is wrong, but sees only zeros, and no filter changes it."
    assert zeros in verdict(row([0, 1], [1, 0], activation=Choice("tanh"))).reason
    nearest = verdict(row([0, 1], [-1.0, 0.0], activation=Choice("relu"))).reason
    assert nearest.endswith("target[0,0] can never be reached, relu does not produce -1.")


def test_stationary_where_errors_balance_beside_an_output_that_is_right() -> None:
    assert verdict(row([1, 1, 0], [1, 3, 0])) == verdict(row([1, 1], [1, 3]))


def test_stationary_where_all_that_is_wrong_sees_only_zeros() -> None:
    assert verdict(row([0, 1], [1, 1], w=1.0)) == Verdict(
        "The gradient is 0 at the loss 0.5: output[0,0] is wrong, but sees only zeros, and no filter changes it."
    )
    corner = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 0]])
    facts = {"input": corner, "filter": np.ones((2, 2)), "target": np.array([[1.0, 2], [0, 1]])}
    assert verdict(row([0], [0], activation=Choice("relu"), slope_at_zero=1.0, **facts)) == Verdict(
        "The gradient is 0 at the loss 2.5: output[0,1] and output[1,1] are wrong, but see only zeros, and no filter "
        "changes them."
    )
    padded = row([1], [0], w=1.0, target=np.array([[2.0, 1.0]]), padding=((0, 0), (1, 0)))
    assert verdict(padded).reason.endswith(
        "output[0,0] is wrong, but sees only zeros (padding included), and no filter changes it."
    )


def test_stationary_where_errors_balance_beside_an_output_that_sees_only_zeros() -> None:
    assert verdict(row([1, 1, 0], [1, 3, 1])) == Verdict(
        "The gradient is 0 at the loss 1.5: the errors of the outputs that see more than zeros balance each other, so "
        "no small change of the filter helps."
    )


def test_stationary_at_errors_as_large_as_allowed() -> None:
    """relu does not produce −½ either, but an error of ½ is none here."""
    problem = row([1], [-0.5], w=-1.0, activation=Choice("relu"), stop=Stop(gradient=0.5))
    assert verdict(problem) == Verdict("The gradient is 0 at the loss 0.125: no error is larger than 0.5.")


def test_stationary_though_every_output_is_right() -> None:
    assert verdict(row([1], [3], w=3.0, stop=Stop(loss=-1.0))) == Verdict(
        "The gradient is 0 at the loss 0: no error is larger than 0."
    )


def test_stationary_without_a_target() -> None:
    problem = question(target=None, output_gradient=np.zeros((2, 2)))
    assert verdict(problem) == Verdict("The gradient is 0 at the loss 0: nothing changes any more.")


def test_stationary_by_weight_decay() -> None:
    """w = 1.5 between the target 3 and the decay's 0: the loss's own gradient there is −1.5."""
    assert verdict(row([1], [3], optimizer=Choice("sgd", {"weight_decay": 1.0}))) == Verdict(
        "The gradient is 0 with weight decay at the loss 1.125: the pull of the errors and that of weight decay "
        "balance each other."
    )


def test_oscillating() -> None:
    assert verdict(question(learning_rate=0.4)) == Verdict(
        "The filter comes back to itself every 2 iterations and so never settles; the loss is 0.0144 where it stopped."
    )


def test_diverged() -> None:
    # The loss is ½, 40.5, 3280.5 …: ½·81⁷ after seven iterations.
    assert verdict(row([1], [1], rate=10.0)) == Verdict(
        "The updates overshoot further and further: the loss rose from 0.5 to 1.14384e13."
    )


def test_diverged_by_overflow() -> None:
    assert verdict(row([1], [1], rate=1e300)) == Verdict(
        "After iteration 1 a number is too large for a float, or 0 was divided by 0; the loss began at 0.5."
    )


def test_diverged_by_overflow_while_the_loss_falls() -> None:
    """∂L/∂x = 1e200·w overflows in iteration 3; the loss is 1e-100·w, and w falls."""
    problem = row([1e-300], [1], rate=1e208, stop=Stop(gradient=-1.0))
    problem = replace(problem, target=None, output_gradient=np.array([[1e200]]))
    assert verdict(problem) == Verdict(
        "After iteration 2 a number is too large for a float, or 0 was divided by 0; the loss began at 0.",
    )


def test_diverged_by_overflow_while_the_loss_stays() -> None:
    """w jumps from 0 to 2·t, where ∂L/∂x = 2·t² is too large and ½t² still is not."""
    assert verdict(row([1], [1e154], rate=2.0)) == Verdict(
        "After iteration 1 a number is too large for a float, or 0 was divided by 0; the loss began at 5e307."
    )


def test_diverged_from_an_infinite_loss() -> None:
    assert verdict(row([1e200], [1], w=1.0)) == Verdict(
        "After iteration 1 a number is too large for a float, or 0 was divided by 0."
    )


def test_stopped() -> None:
    assert verdict(row([1], [1], stop=Stop(2))) == Verdict(
        "The 2 iterations asked for are done; the loss went from 0.5 to 0.03125."
    )
    assert verdict(row([1], [1], stop=Stop(1))) == Verdict(
        "The one iteration asked for is done; the loss went from 0.5 to 0.125."
    )


def test_nothing_to_learn() -> None:
    assert verdict(question(target=None, learning_rate=None)) == Verdict(
        "There is no target and no output_gradient, so this is the forward pass alone."
    )
    assert verdict(question(target=None, learning_rate=None, output_gradient=np.ones((2, 2)))) == Verdict(
        "There is no learning_rate, so the gradients are computed and nothing is updated."
    )


def test_interrupted() -> None:
    problem = row([1], [1])
    first = next(descend(problem))
    assert judge(problem, stopped_after(problem, first), first, first, interrupted=True) == Verdict(
        "You stopped it after iteration 1; the loss went from 0.5 to 0.125."
    )
    alone = question(target=None, learning_rate=None)
    step = next(descend(alone))
    assert judge(alone, stopped_after(alone, step), step, step, interrupted=True) == Verdict(
        "You stopped it after iteration 1."
    )


def test_a_loss_that_is_not_known() -> None:
    problem = row([1], [1])
    first = next(descend(problem))
    outcome = replace(stopped_after(problem, first), loss=None)
    assert judge(problem, outcome, first, first, interrupted=True) == Verdict("You stopped it after iteration 1.")
    assert judge(problem, replace(outcome, status="oscillating", period=2), first, first) == Verdict(
        "The filter comes back to itself every 2 iterations and so never settles; the loss is unknown where it stopped."
    )


def test_a_number_cut_off_ends_a_sentence() -> None:
    problem = row([1], [1], stop=Stop(1))
    first = next(descend(problem))
    outcome = replace(stopped_after(problem, first), loss=Fraction(10**20, 3 * 10**20 + 1))
    assert judge(problem, outcome, first, first) == Verdict(
        "The one iteration asked for is done; the loss went from 0.5 to 0.333333…"
    )


def test_dead_by_an_output_that_is_as_good_as_right() -> None:
    """Its error is 1e-7; the other's target cannot be produced, and no window is all zeros."""
    found = verdict(row([1, 0.5], [1e-7, -1], w=-1.0, activation=Choice("relu")))
    assert found.reason.endswith("output[0,0] is wrong, but the slope of relu there is 0, so no error flows back.")


def test_stationary_where_the_input_is_0() -> None:
    found = verdict(row([0, 0], [1, 1]))
    assert found.reason == (
        "The gradient is 0 at the loss 1: the input is 0 everywhere, so the filter has no say in the output."
    )


def test_stationary_beside_an_output_that_died() -> None:
    """The errors of the first two, 1 and −1, balance; the third lets nothing through."""
    found = verdict(row([1, 1, -1], [1, 3, 5], w=2.0, activation=Choice("relu")))
    assert found.reason == (
        "The gradient is 0 at the loss 13.5: output[0,2] is wrong, but the slope of relu there is 0, so no error flows "
        "back."
    )


def test_dead_beside_an_output_that_is_right() -> None:
    """Nobody could help the first output, which sees only zeros."""
    found = verdict(row([0, 1], [1, 1], w=1.0, activation=Choice("relu")))
    assert found.reason == (
        "The gradient is 0 although the loss is still 0.5: output[0,0] is wrong, but sees only zeros, and no filter "
        "changes it."
    )
