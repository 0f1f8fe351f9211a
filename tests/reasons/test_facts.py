"""What ``why`` says of runs small enough to be followed by hand, and whether it is true of all others."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from drawn_runs import drawn_run
from program import NAMES, SAMPLES

import convstep
from convstep.reasons.history import watch
from convstep.reasons.rates import iterations_to
from convstep.render.json import text_of


def facts(document: Any, **changed: Any) -> dict[str, convstep.Fact]:
    """The facts by their ids; of several with one id the last."""
    if isinstance(document, str):
        document = SAMPLES / f"{document}.yaml"
    reasons = convstep.why(convstep.load(document, changed))
    return {fact.id: fact for fact in reasons.facts}


def row(x: list[float], t: list[float], w: float = 1, **others: Any) -> dict[str, Any]:
    return {"input": [x], "filter": [[w]], "target": [t], "learning_rate": 0.1, "activation": "linear", **others}


def test_the_question_at_its_own_rate() -> None:
    found = facts("question")
    assert list(found) == ["outcome", "died", "rate-above-limit", "better-exists", "expected-filter"]
    rate = found["rate-above-limit"]
    assert rate.says == (
        "The rate 0.5 is above the limit 2/λmax = 0.291796 (λmax = 6.8541, the largest of the curvature's eigenvalues "
        "6.8541, 2.61803, 0.381966 and 0.145898); only below it is the loss sure to fall. "
        "No output is alive any more, so no rate changes anything now. "
        "For the outputs that were alive in iteration 33 the limit was 0.4 (eigenvalues 5, 1, 0 and 0); the rate is "
        "above it, where an error grows until the slopes change."
    )
    before = rate.values["before_death"]
    assert (before["iteration"], before["limit"]) == (33, pytest.approx(0.4, rel=1e-12))
    assert before["eigenvalues"] == pytest.approx([5, 1, 0, 0], abs=1e-12)
    assert rate.values["largest_curvature"] == pytest.approx(6.854101966, abs=5e-10)
    assert rate.values["limit"] == pytest.approx(0.2917960675, abs=5e-11)
    assert rate.values["active_limit"] is None
    assert found["better-exists"].says == (
        "It could be better: there is a filter with the loss 0, and the run ended at 1."
    )


def test_what_the_rate_did_when_the_outputs_died() -> None:
    """The errors of [0,0] and [1,1] together are the direction of the eigenvalue 5: they grow by 1 − 5·½."""
    trace = convstep.run(convstep.load(SAMPLES / "question.yaml"))
    before, after = (trace[n].pre_activation[[0, 1], [0, 1]] - 1 for n in (32, 33))
    assert trace[32].activation_slope.tolist() == [[1, 0], [0, 1]]
    assert after.sum() == pytest.approx((1 - 5 * 0.5) * before.sum(), rel=1e-9)


def test_no_word_of_a_death_where_nothing_died_on_the_way() -> None:
    found = facts(row([1], [1], -1, activation="relu", learning_rate=3))
    assert "dead-from-start" in found
    assert "before_death" not in found["rate-above-limit"].values


def test_the_question_at_the_rate_that_cycles() -> None:
    """The outputs [0,0] and [1,1] are alive; their curvature's eigenvalues are 5 and 1, and 2/5 is the rate itself."""
    found = facts("question-oscillates")
    rate = found["rate-above-limit"]
    assert rate.says == (
        "The rate 0.4 is above the limit 2/λmax = 0.291796 (λmax = 6.8541, the largest of the curvature's eigenvalues "
        "6.8541, 2.61803, 0.381966 and 0.145898); only below it is the loss sure to fall. "
        "For the outputs that are alive at the end the limit is 0.4 (eigenvalues 5, 1, 0 and 0); the rate is exactly "
        "it, where an error keeps its size and changes its sign in each iteration."
    )
    assert rate.values["active_limit"] == pytest.approx(0.4, rel=1e-12)
    assert rate.values["active_eigenvalues"] == pytest.approx([5, 1, 0, 0], abs=1e-12)
    cycle = found["cycle"]
    assert cycle.says == "The 2 filters that it visits by turns: 0.68 0.16 / 0.16 0.36 and 0.776 0.112 / 0.112 0.456."
    trace = convstep.run(convstep.load(SAMPLES / "question-oscillates.yaml"))
    assert cycle.values == {"period": 2, "filters": [step.filter.tolist() for step in trace.steps[-2:]]}


def test_the_question_where_it_converges() -> None:
    found = facts("question-converges")
    assert found["rate-below-limit"].says == (
        "The rate 0.1 is 0.343 of the limit 2/λmax = 0.291796. For the outputs that are alive at the end the limit is "
        "0.4; the rate is below it."
    )
    assert found["not-unique"].says == (
        "The solution is not the only one. Changes along 2 directions alter no output whose target is above 0: "
        "1 1 / 1 0 and -1 0 / 0 1. The 2 outputs whose target is 0 only need z ≤ 0, so a small change either way is as "
        "good. Why this one: each update is a sum of windows, of outputs that were alive and wrong, so filter − start "
        "is one as well."
    )


def test_a_target_out_of_reach() -> None:
    found = facts("out-of-reach")["out-of-reach"]
    assert found.says == (
        "The smallest possible loss is 0.5 (because relu never produces some of the targets), and the run got there."
    )
    assert found.values["smallest_possible"]
    both = facts(row([1, 1], [-1, 3], 2, activation="relu"))["out-of-reach"]
    assert both.says == (
        "The smallest possible loss is 4 (0.5 because relu never produces some of the targets, and 3.5 because outputs "
        "share weights, and no filter suits them all), and the run got there."
    )
    assert facts(row([1], [2], activation="tanh"))["out-of-reach"].says.startswith(
        "No filter has a loss below 0.5, and the best that was found has 0.5"
    )


@pytest.mark.parametrize(
    ("activation", "target", "edge"),
    [("sigmoid", [0, 1], "0 and 1"), ("sigmoid", [0.5, 1], "1"), ("tanh", [-1, 0], "-1"), ("softplus", [0, 3], "0")],
)
def test_a_target_at_the_edge_of_what_is_produced(activation: str, target: list[float], edge: str) -> None:
    document = row([1, -2], target, activation=activation, stop={"iterations": 20})
    assert facts(document)["never-quite"].says == (
        f"{activation} comes near the target {edge} but never produces it: there the error shrinks only while the "
        "filter grows without end."
    )
    assert "never-quite" not in facts(document | {"target_through_activation": True})


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_no_filter_brings_an_output_that_sees_only_zeros_near_its_target(activation: str) -> None:
    found = facts(row([0], [1], activation=activation))
    assert "never-quite" not in found
    assert "sees-only-zeros" in found
    beside = facts(row([0, 1], [1, 1], activation=activation, stop={"iterations": 20}))
    assert beside["never-quite"].values["outputs"] == [[0, 1]]


def test_targets_inside_or_far_outside_are_not_at_the_edge() -> None:
    for activation, target in (("sigmoid", [0.1, 2]), ("relu", [0, -1]), ("linear", [0, 1]), ("silu", [0, 1])):
        assert "never-quite" not in facts(row([1, -2], target, activation=activation, stop={"iterations": 5}))


def test_outputs_that_see_only_zeros() -> None:
    one = facts(row([0, 1], [1, 1], activation="relu"))["sees-only-zeros"]
    assert one.says == "output[0,0] is 0 with any filter: it sees only zeros, and only a bias could change that."
    assert one.values == {"outputs": [[0, 0]], "value": 0.0}
    two = facts(row([0, 1], [1, 2], activation="sigmoid", padding=[[0, 0], [1, 0]], target=[[1, 0.2, 0.731]]))
    assert two["sees-only-zeros"].says == (
        "output[0,0] and output[0,1] are 0.5 with any filter: they see only zeros, and only a bias could change that."
    )
    beside_a_death = facts(row([0, 1], [1, 1], -1, activation="relu"))
    assert list(beside_a_death)[:3] == ["outcome", "dead-from-start", "sees-only-zeros"]


def test_outputs_that_see_only_zeros_and_are_as_near_as_they_can_be() -> None:
    assert "sees-only-zeros" not in facts(row([0, 1], [-1, 3], activation="relu", stop={"iterations": 5}))
    assert "sees-only-zeros" not in facts(row([0, 1], [0, 3], stop={"iterations": 5}))
    assert "sees-only-zeros" not in facts(row([0, 1], [1, 3], bias=0, stop={"iterations": 5}))


def test_a_better_filter_that_weight_decay_keeps_away_from() -> None:
    """w = 1.5 between the target 3 and the decay's 0."""
    found = facts(row([1], [3], optimizer={"sgd": {"weight_decay": 1.0}}))
    assert found["better-exists"].says == (
        "It could be better: there is a filter with the loss 0, and the run ended at 1.125. Weight decay pulls the run "
        "away from it."
    )


@pytest.mark.parametrize(
    ("changed", "promise"),
    [
        ({}, "only below it is the loss sure to fall"),
        ({"activation": "linear", "target": [[1, -1], [0, 1]]}, "only below it is the loss sure to fall"),
        (
            {"target": [[1, -1], [0, 1]]},
            "a rate below it is a good start, though for relu with a target below 0 no guarantee that the loss falls",
        ),
        (
            {"target": [[1, -1], [0, 1]], "target_through_activation": True},  # relu makes the −1 a 0
            "only below it is the loss sure to fall",
        ),
        ({"activation": "tanh"}, "a rate below it is a good start, though for tanh no guarantee that the loss falls"),
        (
            {"optimizer": {"sgd": {"weight_decay": 0.1}}},
            "only below it is the loss together with the weight decay's ½·decay·w² sure to fall",
        ),
    ],
)
def test_what_is_promised_below_the_limit(changed: dict[str, Any], promise: str) -> None:
    found = facts("question", learning_rate=3, **changed)
    assert f"; {promise}." in found["rate-above-limit"].says


@pytest.mark.parametrize("seed", range(30))
def test_below_the_limit_the_loss_falls_as_promised(seed: int) -> None:
    """At 0.999 of the limit, from many starts; weight decay's share counted in."""
    decay = 0.1 if seed % 3 == 0 else 0.0
    document = drawn_run(
        seed, activation="linear" if seed % 2 else "relu", optimizer={"sgd": {"weight_decay": decay}},
        loss=["half_squared_error", "mean_squared_error", {"huber": {"delta": 0.5}}][seed % 3], learning_rate=1e-9,
        stop={"iterations": 40},
    )  # fmt: skip
    if not seed % 2:
        document["target"] = np.abs(document["target"]).tolist()
    if not np.any(document["input"]):
        return
    found = facts(document).get("rate-below-limit")
    if found is None:
        return
    trace = convstep.run(convstep.load(document | {"learning_rate": 0.999 * found.values["limit"]}))
    assert "sure to fall" in facts(document | {"learning_rate": 1e3})["rate-above-limit"].says
    squares = [float(np.sum(s.filter**2)) + (float(np.sum(s.bias**2)) if "bias" in s else 0.0) for s in trace]
    losses = [step.loss + 0.5 * decay * size for step, size in zip(trace, squares, strict=True)]
    assert all(after <= before * (1 + 1e-12) + 1e-15 for before, after in pairwise(losses))


def test_exactly_at_the_limit_of_a_linear_layer() -> None:
    """x = 1, so λ = 1; at the rate 2 the error 2 becomes −2, and so on."""
    found = facts(row([1], [3], learning_rate=2))["rate-above-limit"]
    assert found.says == (
        "The rate 2 is exactly the limit 2/λmax = 2 (λmax = 1, the largest curvature); only below it is the loss sure "
        "to fall. There an error "
        "keeps its size and changes its sign in each iteration."
    )


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", {"leaky_relu": {"slope": 0.3}}])
def test_other_activations_are_spoken_of_by_their_slopes(activation: Any) -> None:
    says = facts(row([1, 2], [0.3, 0.4], activation=activation, stop={"iterations": 30}))["rate-below-limit"].says
    words = (
        "slopes at the end the limit is "
        if isinstance(activation, dict)
        else "curvature at the end the limit is about "
    )
    assert f"With the {words}" in says
    assert "alive" not in says


SILU_CYCLE = {"input": [[1]], "filter": [[-1.27]], "target": [[-1]], "activation": "silu", "learning_rate": 14}


def test_the_curvature_counts_what_the_errors_add() -> None:
    """Where silu is least f′ is 0 and f″ = 0.2178: with the error 0.7215 the curvature is 0.1571, the limit 12.73."""
    near = facts(SILU_CYCLE, **{"learning_rate": 1, "stop.iterations": 300})["rate-below-limit"]
    assert near.values["active_limit"] == pytest.approx(12.73, abs=5e-3)
    assert "With the curvature at the end the limit is about 12.7" in near.says
    for rate, settles in ((12.6, True), (12.9, False)):
        start = {"learning_rate": rate, "filter": [[-1.2784]], "stop": {"iterations": 5000}}
        run = convstep.run(convstep.load(SILU_CYCLE, start))
        assert (run.outcome.status == "stationary") == settles


def test_a_rate_that_makes_a_run_oscillate_is_never_cleared() -> None:
    says = facts(SILU_CYCLE)["rate-above-limit"].says
    assert "the rate is below" not in says
    assert "At the steepest of the filters that it visits the limit is about 8.7" in says
    for rate in (12.8, 13.0, 13.5, 15.0, 17.0):
        for fact in facts(SILU_CYCLE, learning_rate=rate, **{"stop.iterations": 3000}).values():
            assert "the rate is below" not in fact.says


def test_no_limit_is_made_of_slopes_that_are_as_good_as_0() -> None:
    thrown = facts(SILU_CYCLE, learning_rate=50)["rate-above-limit"]
    assert "With the" not in thrown.says


@pytest.mark.parametrize(
    "activation",
    ["sigmoid", "tanh", "softplus", "silu", "gelu", {"gelu": {"approximate": "tanh"}}, "elu", {"elu": {"alpha": 0.5}}],
)
@pytest.mark.parametrize("loss", ["half_squared_error", "mean_squared_error", {"huber": {"delta": 0.5}}])
def test_the_curvature_is_that_of_the_loss(activation: Any, loss: Any) -> None:
    """The largest eigenvalue of the Hessian, by second differences of the loss itself."""
    document = {"input": [[1, -2, 0.5], [0.3, 1, -1]], "filter": [[0.2, -0.4]], "target": [[2, -0.7], [0.4, 0.2]],
                "activation": activation, "loss": loss, "learning_rate": 1e-9, "stop": {"iterations": 1}}  # fmt: skip

    def loss_at(first: float, second: float) -> float:
        moved = convstep.load(document, {"filter": [[0.2 + first, -0.4 + second]]})
        return next(convstep.descend(moved)).loss

    step = 1e-4
    hessian = np.empty((2, 2))
    for i, j in np.ndindex(2, 2):
        a, b = step * np.eye(2)[i], step * np.eye(2)[j]
        four = loss_at(*(a + b)) - loss_at(*(a - b)) - loss_at(*(b - a)) + loss_at(*(-a - b))
        hessian[i, j] = four / (4 * step**2)
    found = facts(document)["rate-below-limit"].values["active_eigenvalues"]
    assert found == pytest.approx(np.linalg.eigvalsh(hessian)[::-1].tolist(), abs=2e-6)


def test_the_present_limit_of_a_sigmoid_at_a_solution_is_the_true_one() -> None:
    """Where the errors are 0 the slopes tell all: below the limit the last errors shrink, above they grow."""
    problem = convstep.load(SAMPLES / "sigmoid.yaml")
    trace = convstep.run(problem)
    limit = facts("sigmoid")["rate-below-limit"].values["active_limit"]
    near = trace.outcome.filter + 1e-7 * np.array([[1, -2], [1, 1]])
    for factor, grows in ((0.98, False), (1.02, True)):
        moved = convstep.load(
            SAMPLES / "sigmoid.yaml",
            {"learning_rate": factor * limit, "filter": near.tolist(), "stop": {"iterations": 400, "loss": 0}},
        )
        last = convstep.run(moved)
        assert (last.outcome.loss > last[0].loss) == grows


SLOW: list[dict[str, Any]] = [
    {"activation": "linear", "learning_rate": 0.05, "stop.iterations": 100},
    {"activation": "linear", "learning_rate": 0.1, "stop.iterations": 30},
    {"activation": "linear", "learning_rate": 0.28, "stop.iterations": 20},
    {"activation": "linear", "learning_rate": 0.1, "stop.iterations": 50, "loss": "mean_squared_error"},
    {"activation": "linear", "learning_rate": 0.02, "stop.iterations": 80, "loss": "squared_error", "bias": 1},
    {"activation": "relu", "learning_rate": 0.05, "stop.iterations": 60, "target": [[1, 0], [0, 1]]},
    {"activation": {"leaky_relu": {"slope": 0.5}}, "learning_rate": 0.05, "stop.iterations": 300},
    {"activation": "tanh", "learning_rate": 0.1, "stop.iterations": 100, "target": [[0.5, -0.2], [0, 0.4]]},
]


@pytest.mark.parametrize("changed", SLOW)
def test_the_iterations_still_needed_are_about_right(changed: dict[str, Any]) -> None:
    """That many more, and it is there; half of them are not enough."""
    fact = facts("linear", **changed)["slow"]
    needed, done = fact.values["iterations_needed"], changed["stop.iterations"]
    assert f"about {needed} more iterations" in fact.says.replace("About", "about")
    problem = convstep.load(SAMPLES / "linear.yaml", changed | {"stop.iterations": 100000})
    total = convstep.run(problem).outcome
    assert total.status == "converged"
    smooth = changed["activation"] == "tanh"  # its slopes are not yet what they will be
    assert needed == pytest.approx(total.iterations - done, rel=0.2 if smooth else 0.05, abs=2)
    if changed["activation"] == "linear":  # there the arithmetic is exact
        assert needed == pytest.approx(total.iterations - done, abs=1)
    reached = convstep.run(convstep.load(SAMPLES / "linear.yaml", changed)).outcome.filter.tolist()
    again = {"learning_rate": fact.values["best_rate"], "filter": reached, "stop.iterations": 100000}
    if "bias" not in changed and not smooth:
        at_best = convstep.run(convstep.load(SAMPLES / "linear.yaml", changed | again)).outcome
        assert fact.values["iterations_at_best_rate"] == pytest.approx(at_best.iterations, rel=0.05, abs=2)


def test_slow_by_hand() -> None:
    """x = 1 and 2 in two filter numbers: eigenvalues 1 and 4; 0.1 leaves 0.9 and 0.6 of the errors an iteration."""
    document = {"input": [[[1, 0]], [[0, 2]]], "filter": [[[0]], [[0]]], "target": [[1, 1]], "learning_rate": 0.1,
                "activation": "linear", "stop": {"iterations": 3, "loss": 1e-6}}  # fmt: skip
    fact = facts(document)["slow"]
    assert fact.values["condition"] == pytest.approx(4)
    assert fact.values["slowest_direction"] == pytest.approx([1, 0])
    assert fact.values["best_rate"] == pytest.approx(2 / 5)
    # ½·0.81ᵏ ≤ 1e-6 (the other is long gone): k ≥ 62.3, and 3 are done. At 2/5 both leave 0.6: ½·0.36ᵏ on ½·0.9⁶.
    assert fact.values["iterations_needed"] == 60
    assert fact.says == (
        "The condition number is 4. In the slowest direction, 1 / 0, what is missing shrinks to 0.9 of itself an "
        f"iteration. About 60 more iterations are needed at this rate, and {fact.values['iterations_at_best_rate']} at "
        "0.4, the best rate in the long run."
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": {"sgd": {"momentum": 0.9}}},
        {"optimizer": "adam"},
        {"optimizer": {"sgd": {"weight_decay": 0.1}}},
        {"loss": "mean_absolute_error"},
    ],
)
def test_no_forecast_where_the_arithmetic_is_another(changed: dict[str, Any]) -> None:
    found = facts("linear", **{"learning_rate": 0.01, "stop.iterations": 20, **changed})
    assert "slow" not in found


def test_no_forecast_where_the_target_is_out_of_reach() -> None:
    for changed in ({"activation": "relu"}, {"activation": "sigmoid"}, {"activation": "tanh"}):
        says = facts("linear", **{"learning_rate": 0.01, "stop.iterations": 20, **changed})["slow"].says
        assert "more iterations" not in says


def test_iterations_to() -> None:
    assert iterations_to(0.25, np.array([1.0]), np.array([0.5])) == 1
    assert iterations_to(0.2, np.array([1.0]), np.array([0.5])) == 2
    assert iterations_to(1.0, np.array([1.0]), np.array([0.5])) == 0
    assert iterations_to(0.5, np.array([1.0]), np.array([-1.0])) is None
    assert iterations_to(0.5, np.array([1.0]), np.array([1.5])) is None
    assert iterations_to(0.5, np.array([1.0, 0.0]), np.array([0.1, 1.0])) == 1
    assert iterations_to(1e-12, np.array([1.0, 1.0]), np.array([1 - 1e-7, 0.1])) == pytest.approx(138155098, rel=1e-6)


@pytest.mark.parametrize(
    "document",
    [
        row([1e200], [1]),  # λ overflows
        row([1e160], [1], 1e-160),
        row([1e-200], [1]),
        row([0, 0], [1, 1]),
        row([1, 2], [1, 1], loss="mean_absolute_error", stop={"iterations": 50}, learning_rate=0.001),
        row([1, 2], [3, 4], activation={"elu": {"alpha": 0}}),
        row([1], [1e150], learning_rate=10),
    ],
)
def test_extreme_numbers_are_no_trouble(document: dict[str, Any]) -> None:
    text = text_of([dict(fact.values) for fact in convstep.why(convstep.load(document)).facts])
    assert json.loads(text) is not None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_numbers_that_are_so(name: str) -> None:
    """The facts' numbers are those of the run itself."""
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    reasons, trace = convstep.why(problem), convstep.run(problem)
    assert (reasons.status, reasons.iterations) == (trace.outcome.status, trace.outcome.iterations)
    assert reasons.facts[0].says == trace.reason
    assert reasons.facts[0].values == {"iterations": trace.outcome.iterations, "loss": trace.outcome.loss}


def test_nothing_is_said_of_what_does_not_learn() -> None:
    for document in (
        {"input": [[1]], "filter": [[1]]},
        {"input": [[1]], "filter": [[1]], "output_gradient": [[1]]},
        {"input": [[1]], "filter": [[1]], "output_gradient": [[1]], "learning_rate": 1},
    ):
        reasons = convstep.why(convstep.load(document))
        assert [fact.id for fact in reasons.facts] == ["outcome"]
        assert reasons.advice == ()


def test_the_history_is_that_of_the_run() -> None:
    problem = convstep.load(SAMPLES / "question.yaml")
    history, trace = watch(problem), convstep.run(problem)
    assert history.outcome.iterations == len(trace)
    assert [filters.tolist() for filters in history.filters] == [step.filter.tolist() for step in trace]
    assert (history.first.iteration, history.last.iteration) == (1, 35)
