"""Which outputs died when: against all iterations of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_runs import drawn_run
from program import SAMPLES

import convstep
from convstep.choices import Choice
from convstep.reasons.facts import MOST_NAMED
from convstep.reasons.history import Death, deaths, watch


def by_brute_force(problem: convstep.Problem) -> list[Death]:
    """From all Steps, one output after the other."""
    trace = convstep.run(problem)
    last, least = trace.steps[-1], problem.stop.gradient
    found = []
    ones = replace(problem, input=np.abs(problem.input), filter=np.ones(problem.filter.shape), target=None)
    seen = next(convstep.descend(replace(ones, activation=Choice("linear"), learning_rate=None))).output
    for cell in np.ndindex(last.output.shape):
        out_of_reach = problem.activation.name == "relu" and problem.target[cell] < 0
        wrong = abs(last.output_gradient[cell]) > least and not (out_of_reach and not problem.target_through_activation)
        if problem.bias is None and seen[cell] == 0:  # no filter changes it
            continue
        if not wrong or last.activation_slope[cell] != 0:
            continue
        alive = [step.iteration for step in trace if step.activation_slope[cell] != 0]
        if not alive:
            found.append(Death(cell, 0, None, float(trace[0].pre_activation[cell])))
        else:
            before, after = trace[alive[-1] - 1], trace[alive[-1]]
            z = float(before.pre_activation[cell]), float(after.pre_activation[cell])
            found.append(Death(cell, alive[-1], *z))
    return sorted(found, key=lambda death: (-death.iteration, death.cell))


def test_the_question() -> None:
    """Both useful outputs died by one update, that of iteration 33."""
    problem = convstep.load(SAMPLES / "question.yaml")
    trace = convstep.run(problem)
    found = deaths(problem, watch(problem))
    assert [(death.cell, death.iteration) for death in found] == [((0, 0), 33), ((1, 1), 33)]
    for death in found:
        assert death.before == trace[32].pre_activation[death.cell] > 0
        assert death.after == trace[33].pre_activation[death.cell] < 0
    assert found[0].before == pytest.approx(2.144, abs=5e-4)
    assert found[0].after == pytest.approx(-0.681912, abs=5e-7)
    facts = [fact for fact in convstep.why(problem).facts if fact.id == "died"]
    assert [fact.says for fact in facts] == [
        "output[0,0] died by the update of iteration 33: its z went from 2.144 to -0.681912.",
        "output[1,1] died by the update of iteration 33: its z went from 2.10991 to -0.698953.",
    ]
    assert facts[0].values == {"cell": [0, 0], "iteration": 33, "z_before": found[0].before, "z_after": found[0].after}


@pytest.mark.parametrize("seed", range(40))
def test_as_by_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    changed: dict[str, Any] = {"learning_rate": float(random.choice([0.1, 0.3, 0.6])), "activation": "relu"}
    problem = convstep.load(drawn_run(seed, **changed, stop={"iterations": 60}))
    history = watch(problem)
    found = deaths(problem, history)
    assert found == by_brute_force(problem)
    if history.outcome.status == "dead":
        facts = [fact for fact in convstep.why(problem).facts if fact.id in KINDS]
        told = [tuple(fact.values["cell"]) for fact in facts if fact.id != "died-too"]
        told += [tuple(each["cell"]) for fact in facts if fact.id == "died-too" for each in fact.values["outputs"]]
        assert told == [death.cell for death in found]


KINDS = ("died", "dead-from-start", "died-too")


def said(document: dict[str, Any]) -> list[str]:
    reasons = convstep.why(convstep.load(document))
    assert reasons.status in ("dead", "stationary")
    return [fact.says for fact in reasons.facts if fact.id in KINDS]


def row(x: list[float], t: list[float], w: float, rate: float = 0.1) -> dict[str, Any]:
    return {"input": [x], "filter": [[w]], "target": [t], "learning_rate": rate}


def test_dead_from_the_start() -> None:
    assert said(row([1], [1], -3)) == [
        "output[0,0] was dead from the start: its z is -3 in iteration 1. That is the starting filter's doing, not the "
        "rate's."
    ]


def test_thrown_over() -> None:
    """w = 5, e = 4, rate 2: w′ = −3."""
    assert said(row([1], [1], 5, 2)) == ["output[0,0] died by the update of iteration 1: its z went from 5 to -3."]


def test_thrown_to_the_flat_end_of_a_smooth_activation() -> None:
    """The slope of silu is 1e-38 there, and never 0."""
    smooth = row([1], [-1], -1.2, 50) | {"activation": "silu"}
    assert said(smooth) == ["output[0,0] died by the update of iteration 3: its z went from 1.1948 to -92.8153."]
    wrong_end = row([1], [0], 40) | {"activation": "sigmoid"}
    assert said(wrong_end)[0].startswith("output[0,0] was dead from the start: its z is 40 in iteration 1.")


def test_a_window_of_zeros_has_not_died() -> None:
    assert said(row([1, 0], [1, 1], -1)) == [
        "output[0,0] was dead from the start: its z is -1 in iteration 1. That is the starting filter's doing, not the "
        "rate's."
    ]


def test_an_output_that_is_as_good_as_it_can_be_has_not_died() -> None:
    """The target −1 at [0,1] cannot be reached: 0 there is the best there is. w = 5, errors 4 and 6, rate 2."""
    assert said(row([1, 1], [1, -1], 5, 2)) == [
        "output[0,0] died by the update of iteration 1: its z went from 5 to -15."
    ]


def test_the_rest_is_counted() -> None:
    """w = 5, six windows of 1, each with the error 4: w′ = 5 − 12."""
    named = [f"output[0,{n}] died by the update of iteration 1: its z went from 5 to -7." for n in range(MOST_NAMED)]
    assert said(row([1] * 6, [1] * 6, 5, 0.5)) == [*named, "2 more outputs that are wrong died too."]
    assert said(row([1] * 5, [1] * 5, 5, 0.5))[-1] == "1 more output that is wrong died too."
    assert said(row([1] * 5, [1] * 5, -5))[-1] == "1 more output that is wrong was dead from the start."
    assert said(row([1] * 6, [1] * 6, -5))[-1] == "2 more outputs that are wrong were dead from the start."
    apart = {"filter": [[5, -1]], "stride": [1, 2]}  # the last output sees the other weight
    one_unborn = said(row([1, 0] * 6 + [0, 1], [1] * 7, 5, 0.5) | apart)
    assert one_unborn == [*named, "Of 3 more outputs that are wrong 2 died too and 1 was dead from the start."]
