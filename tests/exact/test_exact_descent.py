"""Runs in fractions: numbers worked out by hand, the statuses, what stops them, and the way back to any iteration."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from program import NAMES, SAMPLES

import convstep
from convstep.descent import again, stopped_after
from convstep.errors import ProblemError, UsageError
from convstep.exact.descent import ExactCycles
from convstep.problem.exact import RATIONAL, fractions_array
from convstep.stepping import state_after
from convstep.trace import Start

BY_HAND: dict[str, Any] = {
    "input": [["1/3", "1/2"]],
    "filter": [["3/5"]],
    "bias": "1/10",
    "target": [[1, "1/4"]],
    "activation": "linear",
    "learning_rate": "3/7",
    "exact": True,
}


def flat(step: convstep.Step, name: str) -> list[Fraction]:
    return step.array(name).reshape(-1).tolist()


def test_an_iteration_worked_out_by_hand():
    step = next(convstep.descend(convstep.load(BY_HAND)))
    assert flat(step, "pre_activation") == flat(step, "output") == [Fraction(3, 10), Fraction(2, 5)]
    assert flat(step, "error") == flat(step, "delta") == [Fraction(-7, 10), Fraction(3, 20)]
    assert step.loss == Fraction(41, 160)  # ½·(49/100 + 9/400)
    assert flat(step, "filter_gradient") == [Fraction(-19, 120)]  # −7/30 + 3/40
    assert flat(step, "bias_gradient") == [Fraction(-11, 20)]
    assert flat(step, "input_gradient") == [Fraction(-21, 50), Fraction(9, 100)]
    assert flat(step, "filter_update") == [Fraction(19, 280)]
    assert flat(step, "new_filter") == [Fraction(187, 280)]  # 168/280 + 19/280
    assert flat(step, "new_bias") == [Fraction(47, 140)]  # 14/140 + 33/140


@pytest.mark.parametrize(
    ("loss", "value", "sent"),
    [
        ("half_squared_error", Fraction(41, 160), [Fraction(-7, 10), Fraction(3, 20)]),
        ("squared_error", Fraction(41, 80), [Fraction(-7, 5), Fraction(3, 10)]),
        ("mean_squared_error", Fraction(41, 160), [Fraction(-7, 10), Fraction(3, 20)]),
        ("mean_absolute_error", Fraction(17, 40), [Fraction(-1, 2), Fraction(1, 2)]),
        # |e| above delta: 1/5·(7/10 − 1/10); below: ½·9/400
        (
            {"huber": {"delta": 0.2}},
            Fraction(1, 2) * (Fraction(3, 25) + Fraction(9, 800)),
            [Fraction(-1, 10), Fraction(3, 40)],
        ),
    ],
)
def test_every_loss_by_hand(loss, value, sent):
    step = next(convstep.descend(convstep.load(BY_HAND | {"loss": loss})))
    assert step.loss == value
    assert flat(step, "output_gradient") == sent


@pytest.mark.parametrize(
    ("parameters", "momenta", "filters"),
    [
        ({"weight_decay": "1/2"}, None, [Fraction(1, 2), Fraction(3, 8)]),
        ({"momentum": "1/2"}, [Fraction(1), Fraction(3, 2)], [Fraction(3, 4), Fraction(3, 8)]),
        ({"momentum": "1/2", "nesterov": True}, [Fraction(1), Fraction(3, 2)], [Fraction(5, 8), Fraction(3, 16)]),
        ({"momentum": "1/2", "dampening": "1/3"}, [Fraction(1), Fraction(7, 6)], [Fraction(3, 4), Fraction(11, 24)]),
    ],
)
def test_descent_by_hand(parameters, momenta, filters):
    keys = {"input": [[1]], "filter": [[1]], "output_gradient": [[1]], "activation": "linear", "learning_rate": "1/4"}
    keys |= {"optimizer": {"sgd": parameters}, "stop": {"iterations": 2}, "exact": True}
    if "weight_decay" in parameters:
        # w′ = w − ¼·(1 + ½·w): 1 → 5/8 → 5/8 − ¼·(1 + 5/16) = 19/64
        filters = [Fraction(5, 8), Fraction(19, 64)]
    steps = list(convstep.descend(convstep.load(keys)))
    assert [step.new_filter.item() for step in steps] == filters
    assert momenta is None or [step.filter_momentum.item() for step in steps] == momenta


def test_channels_strides_groups_and_a_rotation_by_hand():
    keys = {
        "input": [[["1/2", 1, 2]], [[3, "1/3", 5]]],
        "filter": [[[["1/7", 2]]], [[[3, "1/5"]]]],
        "groups": 2,
        "stride": [1, 2],
        "padding": [[0, 0], [0, 1]],
        "operation": "convolution",
        "bias": [0, "1/2"],
        "activation": "linear",
        "output_gradient": [[[1, "1/2"]], [["1/3", 0]]],
        "exact": True,
    }
    step = next(convstep.descend(convstep.load(keys)))
    # The filters rotated: [2, 1/7] and [1/5, 3].
    assert flat(step, "pre_activation") == [
        1 + Fraction(1, 7),
        Fraction(4),
        Fraction(3, 5) + 1 + Fraction(1, 2),
        Fraction(1) + Fraction(1, 2),
    ]
    # Rotated back: the second tap met 1/2 and 2, the first 1 and the padding.
    assert flat(step, "filter_gradient") == [Fraction(1), Fraction(1, 2) + 1, Fraction(1, 9), Fraction(1)]
    assert flat(step, "bias_gradient") == [Fraction(3, 2), Fraction(1, 3)]
    assert flat(step, "input_gradient") == [
        Fraction(2),
        Fraction(1, 7),
        Fraction(1),
        Fraction(1, 15),
        Fraction(1),
        Fraction(0),
    ]


EXACT_SAMPLES = [
    name
    for name in NAMES
    if (problem := convstep.load(SAMPLES / f"{name}.yaml")).activation.name in RATIONAL["activation"]
    and problem.optimizer.name == "sgd"
]


@pytest.mark.parametrize("name", EXACT_SAMPLES)
def test_the_samples_end_as_in_floats(name):
    path = SAMPLES / f"{name}.yaml"
    limits = {"stop.iterations": min(200, convstep.load(path).stop.iterations)}
    try:
        exact = convstep.load(path, limits | {"exact": True})
    except ProblemError as error:
        assert error.path == ("learning_rate",)  # noqa: PT017  The sample's rate is auto.
        return
    floats, fractions = convstep.run(convstep.load(path, limits)), convstep.run(exact)
    assert (fractions.outcome.status, len(fractions)) == (floats.outcome.status, len(floats))
    assert fractions.outcome.period == floats.outcome.period


def run_of(**changes: Any) -> convstep.Trace:
    keys = {
        "input": [[1]],
        "filter": [[1]],
        "target": [[3]],
        "activation": "linear",
        "learning_rate": 0.5,
        "exact": True,
    }
    return convstep.run(convstep.load(keys | changes))


def test_each_status():
    converged = run_of()
    assert converged.outcome.status == "converged"
    assert converged.outcome.loss == Fraction(2, 4 ** (len(converged)))
    assert run_of(learning_rate=2).outcome.status == "oscillating"
    assert run_of(learning_rate=2).outcome.period == 2
    assert (
        run_of(learning_rate=2).outcome.iterations
        == convstep.run(run_of(learning_rate=2).problem.in_floats).outcome.iterations
    )
    diverged = run_of(learning_rate=5)
    assert diverged.outcome.status == "diverged"
    assert diverged.outcome.loss == 2 * Fraction(16) ** len(diverged) > 10**12 * Fraction(9, 2)
    assert run_of(activation="relu", filter=[[-1]]).outcome.status == "dead"
    assert run_of(activation="relu", filter=[[-1]], target=[[-1]]).outcome.status == "stationary"
    assert run_of(stop={"iterations": 2}).outcome.status == "stopped"


def test_statuses_are_decided_by_fractions_where_floats_cannot_tell():
    # The loss is above stop.loss by less than a float can show.
    bound = {"stop": {"loss": "2000000000000000000001/16000000000000000000000", "iterations": 2}}
    just_above = {"stop": {"loss": "1999999999999999999999/16000000000000000000000", "iterations": 2}}
    assert run_of(**bound).outcome.status == "converged"
    assert run_of(**just_above).outcome.status == "stopped"
    assert convstep.run(run_of(**just_above).problem.in_floats).outcome.status == "converged"


@pytest.mark.parametrize(
    ("drift", "returns"), [(Fraction(10**18 - 1, 10**30), True), (Fraction(10**18 + 1, 10**30), False)]
)
def test_a_state_has_come_back_by_its_fractions(drift, returns):
    """Both drifts are 1e-12 in floats, which is just within the tolerance."""
    states = [fractions_array([Fraction((-1) ** k), k // 2 * drift], (2,)) for k in range(6)]
    cycles = ExactCycles(states[0])
    found = [cycles.find(state[None]) for state in states[1:]]
    assert found == [None] * 4 + [(0, 2) if returns else None]


def test_a_run_stops_before_a_fraction_is_longer_than_allowed():
    trace = run_of(learning_rate=0.1, exact={"max_digits": 12})
    assert trace.outcome.status == "stopped"
    numbers = [number for step in trace for name in step for number in step.array(name).reshape(-1)]
    numbers.append(trace.outcome.loss)
    assert all(max(abs(number.numerator), number.denominator) < 10**12 for number in numbers)
    longer = run_of(learning_rate=0.1, exact={"max_digits": 1000}, stop={"iterations": len(trace) + 1})
    following = [number for name in longer[-1] for number in longer[-1].array(name).reshape(-1)]
    digits = max(len(str(max(abs(n.numerator), n.denominator))) for n in [*following, longer.outcome.loss])
    assert trace.outcome.digits == digits > 12
    assert trace.reason == (
        f"The fractions have grown too long: the next iteration needs {digits} digits, and max_digits is 12; "
        "the loss went from 2 to 0.564859072962."
    )


def test_a_first_iteration_that_is_too_long_is_refused():
    with pytest.raises(
        UsageError, match=r"iteration 1 needs fractions of 41 digits; allowed are 20: --max-digits goes"
    ):
        run_of(filter=[["1e-20"]], exact={"max_digits": 20})
    with pytest.raises(UsageError, match="needs fractions of 31 digits"):
        convstep.run(convstep.load({"input": [["1e-30"]], "filter": [[1]], "exact": {"max_digits": 30}}))


def test_any_iteration_is_computed_again():
    problem = convstep.load(SAMPLES / "momentum.yaml", {"exact": True, "stop.iterations": 6, "bias": "1/3"})
    steps = list(convstep.descend(problem))
    start = Start(4, 1, state_after(steps[2]))
    later = convstep.Problem(**(vars(problem) | {"filter": steps[3].filter, "bias": steps[3].bias}))
    for step, known in zip(islice(again(later, start), 3), steps[3:], strict=True):
        assert step.iteration == known.iteration
        assert all(np.array_equal(step.array(name), known.array(name)) for name in known)


def test_a_run_that_the_user_stopped_has_the_loss_at_its_last_filter():
    problem = convstep.load(BY_HAND)
    first, second = islice(convstep.descend(problem), 2)
    outcome = stopped_after(problem, first)
    assert (outcome.status, outcome.loss) == ("stopped", second.loss)
    assert outcome.filter.item() == second.filter.item()


def test_what_is_handed_out_is_read_only():
    step = next(convstep.descend(convstep.load(BY_HAND)))
    assert not any(step.array(name).flags.writeable for name in step if step.array(name).ndim)
    assert all(isinstance(number, Fraction) for name in step for number in step.array(name).reshape(-1))
