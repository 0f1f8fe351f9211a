"""Numbers that do not fit together are told from those that were rounded, and a run's own always fit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from drawn_problems import problems as drawn
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import NAMES
from strategies import problem_documents

import convstep
from convstep.derivation.explanation import Derivations
from convstep.derivation.fitting import misfit
from convstep.derivation.model import Factor, LongSum, product
from convstep.problem.model import Problem
from convstep.sample_files import path_of
from convstep.trace import Step

ACTIVATIONS = ["relu", "linear", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "silu", "gelu"]
OPTIMIZERS = [
    {"sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05}},
    {"adam": {"amsgrad": True, "weight_decay": 0.1}},
    {"rmsprop": {"centered": True, "momentum": 0.5}},
    {"adagrad": {"lr_decay": 0.1}},
]


def unfit(source: Derivations, most: int = 200) -> list[tuple[str, tuple[int, ...]]]:
    """The cells whose terms give something else; of large quantities only some are asked."""
    found = []
    for name in source.step:
        indices = list(source.indices(name))
        for index in indices[:: max(1, len(indices) // most)]:
            if source.cell(name, index).terms_give is not None:
                found.append((name, index))
    return found


def check_fits(problem: Problem, most: int = 3) -> None:
    before = None
    for step in convstep.descend(problem):
        assert unfit(Derivations(problem, step, before)) == []
        before = step
        if step.iteration == most:
            break


def edited(problem: Problem, name: str, cell: tuple[int, ...], value: float) -> Derivations:
    """The first iteration with one number changed."""
    step = next(convstep.descend(problem))
    arrays = {each: step.array(each)[None].copy() for each in step}
    arrays[name][(0, *cell)] = value
    return Derivations(problem, Step(1, arrays))


@given(st.one_of(problem_documents().map(convstep.load), drawn()))
@examples(60)
def test_the_numbers_of_a_run_fit(problem):
    check_fits(problem)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("exact", [False, True])
def test_the_numbers_of_samples_fit(name, exact):
    try:
        problem = convstep.load(path_of(name), {"exact": True} if exact else {})
    except convstep.ConvstepError:
        return  # its activation is irrational
    check_fits(problem)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: next(iter(one)))
def test_functions_and_optimizers_fit(activation, optimizer):
    random = np.random.default_rng(3)
    check_fits(
        convstep.load(
            {
                "input": random.normal(size=(5, 6)) * 6,
                "filter": random.normal(size=(2, 3)),
                "bias": 0.1,
                "target": random.normal(size=(4, 4)),
                "activation": activation,
                "optimizer": optimizer,
                "learning_rate": 0.05,
            }
        )
    )


@pytest.mark.parametrize("kernel", [3, 12])
def test_sums_by_other_schemes_fit_beside_numbers_that_are_far_larger(kernel):
    """A Fourier transform errs as its largest numbers do, in windows of small ones too."""
    random = np.random.default_rng(1)
    signal = random.normal(size=(80, 80))
    signal[:10] *= 1e10
    problem = {"input": signal, "filter": random.normal(size=(kernel, kernel)), "learning_rate": 1e-22}
    shape = (81 - kernel, 81 - kernel)
    check_fits(convstep.load(problem | {"activation": "linear", "target": random.normal(size=shape)}), most=1)


@pytest.mark.parametrize("exact", [False, True])
def test_a_long_sum_is_judged_too(exact, monkeypatch):
    monkeypatch.setattr("convstep.derivation.model.MOST_AT_ONCE", 5)
    problem = convstep.load(
        {"input": np.ones((4, 4)), "filter": [[2]], "output_gradient": np.ones((4, 4)), "exact": exact}
    )
    source = edited(problem, "loss", (), 33)
    assert isinstance(source.cell("loss", ()).terms, LongSum)
    assert source.cell("loss", ()).terms_give == 32
    assert unfit(edited(problem, "loss", (), 32)) == []


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("changed", "cell", "told"),
    [
        ("delta", (0, 0), {"delta", "filter_gradient", "input_gradient"}),
        ("output", (0, 0), {"output", "error"}),
        ("activation_slope", (1, 1), {"activation_slope", "delta"}),
        ("loss", (), {"loss"}),
        ("filter_update", (0, 1), {"filter_update", "new_filter"}),
    ],
)
def test_what_an_edited_number_contradicts_is_told(exact, changed, cell, told):
    document = {
        "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, 0.5], ["1/3", 1]], "target": [[2, 0], [0, 1]],
        "learning_rate": 0.1, "exact": exact, "activation": "leaky_relu",
    }  # fmt: skip
    source = edited(convstep.load(document), changed, cell, 77)
    assert {name for name, _ in unfit(source)} == told


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_function_is_applied_once_more(activation):
    document = {"input": [[1, -1.5]], "filter": [[1]], "activation": activation, "output_gradient": [[1, 1]]}
    for name in ("output", "activation_slope"):
        source = edited(convstep.load(document), name, (0, 0), 5.0)
        found = source.cell(name, (0, 0))
        right = next(convstep.descend(source.problem)).array(name)[0, 0]
        assert (found.value, found.terms_give) == (5.0, pytest.approx(right))
        assert source.cell(name, (0, 1)).terms_give is None


def test_the_filter_of_a_later_iteration_is_what_the_one_before_left():
    problem = convstep.load({"input": [[1, 2]], "filter": [[3, 4]], "target": [[10]], "learning_rate": 0.01})
    steps = convstep.descend(problem)
    first, second = next(steps), next(steps)
    arrays = {name: second.array(name)[None].copy() for name in second}
    arrays["filter"][0, 0, 0] += 1
    source = Derivations(problem, Step(2, arrays), first)
    assert source.cell("filter", (0, 0)).terms_give == first.new_filter[0, 0]
    assert source.cell("filter", (0, 1)).terms_give is None
    assert Derivations(problem, Step(2, arrays)).cell("filter", (0, 0)).terms_give is None


def test_numbers_of_seven_digits_fit():
    """As another program writes them that has floats of 32 bits."""
    problem = convstep.load(path_of("sigmoid"), {"optimizer": "adam"})
    step = next(convstep.descend(problem))
    arrays = {name: np.array(step.array(name)[None], dtype=np.float32).astype(float) for name in step}
    assert unfit(Derivations(problem, Step(1, arrays))) == []


def test_numbers_near_the_end_of_a_floats_range_are_not_judged():
    terms = [product(Factor(1e200), Factor(1e200)), product(Factor(-1e200), Factor(1e200))]
    assert misfit(0.0, terms) is None
    assert misfit(3.0, [product(Factor(1e-200), Factor(1e-200))]) is None
    assert misfit(3.0, [product(Factor(math.nan))]) is None
    assert misfit(math.nan, [product(Factor(2.0))]) == 2.0


def test_json_says_what_the_terms_give():
    from convstep.render.explanation_json import cell_data
    from convstep.render.json import text_of

    problem = convstep.load({"input": [[1]], "filter": [["1/3"]], "output_gradient": [[2]], "exact": True})
    data = json.loads(text_of(cell_data(edited(problem, "filter_gradient", (0, 0), 5).cell("filter_gradient", (0, 0)))))
    assert (data["value"], data["terms_give"]) == (5, 2)
    assert "terms_give" not in cell_data(edited(problem, "delta", (0, 0), 2).cell("delta", (0, 0)))
