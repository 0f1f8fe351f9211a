"""Boundaries of the sample, as literals, and what refinement promises in general."""

from __future__ import annotations

import pytest
from program import SAMPLES

import convstep
from convstep.errors import UsageError
from convstep.problem.reader import read_source
from convstep.sweeping import refine
from convstep.sweeping.refine import LEAST_SIZE, PRECISION, Boundary, Refinement
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import Sweep, planned, sweep

QUESTION = read_source(str(SAMPLES / "question.yaml")).data


def refined(*vary: str, starts: Starts | None = None, **changed: float) -> Refinement:
    whole = Sweep(planned({**QUESTION, **changed}, None, vary, starts))
    refinement = Refinement(whole)
    for work in (whole, refinement):
        for _ in work:
            pass
    return refinement


def places(refinement: Refinement) -> list[tuple[str, str, float]]:
    """From what to what, and where."""
    return [
        (each.below.outcome.status, each.above.outcome.status, each.above.set[each.key])
        for each in refinement.boundaries
    ]


def test_the_question_converges_is_on_its_way_dies_and_diverges() -> None:
    """With 1000 iterations: converges below 0.3976, is still on its way up to 0.4004, dies to 1.0, diverges above."""
    refinement = refined("learning_rate=0.05:1.2:24")
    found = places(refinement)
    assert refinement.complete
    assert found[0] == ("converged", "stopped", pytest.approx(0.3976, abs=1e-4))
    assert found[-1] == ("dead", "diverged", pytest.approx(1.0, abs=2e-3))
    between = [place for place in found[1:-1] if "oscillating" not in place[:2]]
    assert between
    for below, above, rate in between:
        assert {below, above} == {"stopped", "dead"}
        assert rate == pytest.approx(0.4004, abs=6e-4)


def test_the_guaranteed_rate_is_no_boundary() -> None:
    limit = 0.2918
    runs = sweep(QUESTION, [f"learning_rate={limit - 0.05}:{limit + 0.05}:41"])
    assert {run.outcome.status for run in runs} == {"converged"}
    assert all(abs(rate - limit) > 0.05 for _, _, rate in places(refined("learning_rate=0.05:1.2:24")))


def test_an_exact_cycle_of_two_at_two_fifths() -> None:
    below, at, above = sweep(QUESTION, ["learning_rate=0.3999,0.4,0.4001"])
    assert (at.outcome.status, at.outcome.period) == ("oscillating", 2)
    assert below.outcome.status == above.outcome.status == "stopped"


def check_sides(boundary: Boundary, **changed: float) -> None:
    """Both sides are single runs that end differently, as near to each other as promised."""
    low, high = boundary.below.set[boundary.key], boundary.above.set[boundary.key]
    assert abs(high - low) <= PRECISION * max(abs(low), abs(high), LEAST_SIZE * 8)
    assert boundary.below.outcome.status != boundary.above.outcome.status
    for run in (boundary.below, boundary.above):
        outcome = convstep.run(convstep.load({**QUESTION, **changed}, run.set)).outcome
        assert (outcome.status, outcome.iterations, outcome.loss) == tuple(run.outcome.__dict__.values())[:3]


@pytest.mark.parametrize(
    "vary",
    [["learning_rate=0.6:1.2:5"], ["learning_rate=1.2:0.6:5"], ["learning_rate=log:0.5:2:4"], ["filter[1,1]=-4:4:8"]],
)
def test_both_sides_hold(vary: list[str]) -> None:
    found = refined(*vary, learning_rate=0.1).boundaries
    assert found
    for boundary in found:
        check_sides(boundary, learning_rate=0.1)
    values = [each.below.set[each.key] for each in found]
    assert values == sorted(values, reverse="1.2:0.6" in vary[0])


def test_for_each_value_of_the_second_key() -> None:
    found = refined("learning_rate=0.6:1.2:4", "optimizer.sgd.momentum=0,0.1").boundaries
    assert {each.below.set["optimizer.sgd.momentum"] for each in found} == {0.0, 0.1}
    for boundary in found:
        assert boundary.below.set["optimizer.sgd.momentum"] == boundary.above.set["optimizer.sgd.momentum"]
        check_sides(boundary)


def test_no_end_of_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine, "MOST_BOUNDARIES", 5)
    refinement = refined("learning_rate=0.39:0.41:3")
    assert not refinement.complete
    assert 1 <= len(refinement.boundaries) <= 5 * (refine.PARTS)


def test_a_boundary_at_0_is_found_as_well() -> None:
    """The output that dies with filter[1,1] ≤ 0 is the last one: x·w there is w itself."""
    found = places(refined("filter[1,1]=-0.5:0.7:3", learning_rate=0.1))
    assert found == [("dead", "converged", pytest.approx(0.0, abs=1e-8))]


def test_nothing_to_find() -> None:
    refinement = refined("learning_rate=0.1:0.2:3")
    assert (refinement.boundaries, refinement.complete) == ([], True)


@pytest.mark.parametrize("vary", [["activation=relu,tanh"], ["learning_rate=1,3,2"], ["learning_rate=1"]])
def test_what_cannot_be_refined(vary: list[str]) -> None:
    with pytest.raises(UsageError, match="--refine needs --vary with numbers in their order"):
        refined(*vary)


def test_starts_cannot_be_refined() -> None:
    with pytest.raises(UsageError, match="no --starts"):
        refined(starts=Starts(3))


def test_a_key_that_takes_whole_numbers_only() -> None:
    with pytest.raises(UsageError, match=r"--refine: stop\.iterations cannot take all values between two others"):
        refined("stop.iterations=1:101:2")
