"""What a mistake is called where a problem's settings make it something else to do."""

from __future__ import annotations

import numpy as np
import pytest
from golden_lines import golden_lines
from made import attempt, numbers, ways

import convstep
from convstep.diagnosis.catalogue import CATALOGUE
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.wording import (
    ASCENT_INSTEAD,
    INSTEAD_UNDER_CONVOLUTION,
    OTHER_SQUARES,
    SUM_OF_DELTA,
    UNDER_CONVOLUTION,
    WITHOUT_NESTEROV,
    words,
)

KEYS = {
    "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
    "filter": [[1, 0.5], [-1, 2]],
    "target": [[1, 0], [0, 2]],
    "learning_rate": 0.1,
}


def slid(over, small):
    """A matrix laid on every window of another."""
    windows = np.lib.stride_tricks.sliding_window_view(over, small.shape)
    return np.einsum("ijpq,pq->ij", windows, small)


def told(attempt_, **changes):
    """What is said of each mistake of the first explanation, and what to do instead."""
    diagnosis = convstep.diagnose(convstep.load(KEYS | changes), attempt_)
    return {each.id: (each.says, each.instead) for each in diagnosis.explanations[0]}


def called(name, **changes):
    """The words for each way of a mistake, by its stage and its number there."""
    setting = Examiner(convstep.load(KEYS | changes)).exercise(1).setting
    return {(rule.stage, rule.way): words(setting, rule) for rule in ways(setting, name)}


def test_who_forgets_to_turn_the_filter_of_a_true_convolution():
    """Everything worked as a cross-correlation: z is [[4, 7], [−1.5, 4.5]], and δ [[3, 7], [0, 2.5]]."""
    found = told(
        {
            "pre_activation": [[4, 7], [-1.5, 4.5]],
            "delta": [[3, 7], [0, 2.5]],
            "filter_gradient": [[19.5, 13.5], [7, 26.5]],
            "input_gradient": [[3, 8.5, 3.5], [-3, 1.5, 15.25], [0, -2.5, 5]],
        },
        operation="convolution",
    )
    assert {name: says.split(". ")[0] for name, (says, _) in found.items()} == {
        "filter-rotated": "You laid the filter on the input as it stands",
        "gradient-rotated": "You did not turn the sums of δ and the input by 180°",
        "input-gradient-unrotated": "You turned the filter on the way back",
    }


def test_what_to_do_instead_under_a_true_convolution_leads_to_the_right_numbers():
    """Turned, then laid on the windows; slid, then turned; as it is, all the way around."""
    problem = convstep.load(KEYS | {"operation": "convolution"})
    step = next(iter(convstep.descend(problem)))
    turned = problem.filter[::-1, ::-1]
    assert np.allclose(slid(problem.input, turned), step.pre_activation)
    assert np.allclose(slid(problem.input, step.delta)[::-1, ::-1], step.filter_gradient)
    assert np.allclose(slid(np.pad(step.delta, 1), problem.filter), step.input_gradient)
    instead = {name: called(name, operation="convolution") for name in ("filter-rotated", "gradient-rotated")}
    assert instead["filter-rotated"]["used_filter", 0].instead == "Turn the filter by 180°, then lay it on each window."
    slide = "Slide δ over the input as it stands, then turn the result by 180°."
    assert {each.instead for each in instead["gradient-rotated"].values()} == {slide}
    assert len(instead["gradient-rotated"]) == 2
    back = called("input-gradient-unrotated", operation="convolution")["input_gradient", 0]
    assert back.instead.startswith("Full correlation of δ with the filter as it is")


@pytest.mark.parametrize("name", ["filter-rotated", "gradient-rotated", "input-gradient-unrotated"])
def test_a_cross_correlation_has_the_words_of_the_catalogue(name):
    found = called(name)
    assert found
    assert set(found.values()) == {CATALOGUE[name]}
    assert not set(called(name, operation="convolution").values()) & {CATALOGUE[name]}


@pytest.mark.parametrize(
    ("loss", "name", "factor", "did"),
    [
        ("half_squared_error", "mean-for-sum", 2 / 4, "You took the mean of the squares, whose derivative is 2e/n."),
        ("half_squared_error", "mean-for-sum", 1 / 4, "You divided by the number of outputs."),
        (
            "mean_squared_error",
            "sum-for-mean",
            4 / 2,
            "You took half of the sum of the squares, whose derivative is e.",
        ),
        ("mean_squared_error", "sum-for-mean", 4, "You did not divide by the number of outputs."),
    ],
)
@pytest.mark.parametrize("quantity", ["loss", "output_gradient"])
def test_one_squared_error_for_another(loss, name, factor, did, quantity):
    step = next(iter(convstep.descend(convstep.load(KEYS | {"loss": loss}))))
    found = told({quantity: factor * np.asarray(getattr(step, quantity))}, loss=loss)
    assert list(found) == [name]
    assert found[name][0].startswith(did)


def test_of_two_outputs_half_the_sum_is_the_mean():
    two = {"input": [[1, 2]], "filter": [[1]], "target": [[0, 0]]}
    for loss, name in (("half_squared_error", "mean-for-sum"), ("mean_squared_error", "sum-for-mean")):
        assert set(called(name, loss=loss, **two)) == {("loss", 0), ("output_gradient", 0)}


def test_a_plain_momentum_in_the_place_of_nesterovs():
    """v is 0.9·(the old v) + ∂L/∂w; with Nesterov the step goes along ∂L/∂w + 0.9·v."""
    nesterov = {"optimizer": {"sgd": {"momentum": 0.9, "nesterov": True}}, "learning_rate": 0.01}
    stale, plain = called("momentum-stale", **nesterov).values()
    assert stale == CATALOGUE["momentum-stale"]
    assert plain.did == "You stepped by the new momentum as it is, as without Nesterov."
    setting = Examiner(convstep.load(KEYS | nesterov)).exercise(2).setting
    velocity = setting.truth["filter_momentum"]
    made = [numbers(setting, [rule])["filter_update"] for rule in ways(setting, "momentum-stale")]
    assert np.allclose(made[1], -0.01 * velocity.reshape(2, 2))
    assert not np.allclose(made[0], made[1])
    said = convstep.diagnose(convstep.load(KEYS | nesterov), attempt(setting, {"filter_update": made[1]}))
    assert [each.id for each in said.explanations[0]] == ["momentum-stale"]
    rest = {"optimizer": {"rmsprop": {"momentum": 0.9}}}
    assert set(called("momentum-stale", **rest).values()) == {CATALOGUE["momentum-stale"]}


@pytest.mark.parametrize(("optimizer", "own"), [("sgd", True), ("adam", False)])
def test_an_ascent_is_mended_by_what_the_optimizer_does(optimizer, own):
    for each in called("ascent", optimizer=optimizer).values():
        assert each.instead == (CATALOGUE["ascent"].instead if own else ASCENT_INSTEAD)


@pytest.mark.parametrize("name", INSTEAD_UNDER_CONVOLUTION)
def test_what_to_do_instead_where_the_layer_turns_the_filter(name):
    wide = {"input": np.arange(25.0).reshape(5, 5), "target": np.zeros((4, 4))}
    said = {words_.instead for words_ in called(name, operation="convolution", **wide).values()}
    assert said - {SUM_OF_DELTA} == {INSTEAD_UNDER_CONVOLUTION[name]}
    assert {words_.instead for words_ in called(name, **wide).values()} - {SUM_OF_DELTA} == {CATALOGUE[name].instead}


def test_a_bias_has_no_input_to_be_correlated_with():
    found = called("gradient-from-error", bias=0.5)
    assert {words_.instead for (stage, _), words_ in found.items() if stage == "bias_source"} == {SUM_OF_DELTA}


def test_all_words_are_as_they_were(request):
    """``pytest tests/diagnosis --update-goldens`` writes them anew: read what has changed."""
    tables = {
        **{f"convolution, {name} in {stage}": said for (name, stage), said in UNDER_CONVOLUTION.items()},
        "nesterov": WITHOUT_NESTEROV,
        **{f"instead under convolution, {name}": (said,) for name, said in INSTEAD_UNDER_CONVOLUTION.items()},
        "bias": (SUM_OF_DELTA,),
        **OTHER_SQUARES,
        "ascent": (ASCENT_INSTEAD,),
    }
    now = [[name, *said] for name, said in tables.items()]
    assert golden_lines(request, "wording.jsonl", lambda: now) == now
