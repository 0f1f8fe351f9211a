"""The terms that a slip is explained with: each is made of cells that are there, and together they are the number."""

from __future__ import annotations

import numpy as np
import pytest
from measure_diagnosis import seeded
from planted_problems import drawn_problem

import convstep
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.terms import Term, spelled, terms_giving, terms_of

SUMS = ("pre_activation", "filter_gradient", "bias_gradient")
DRAWN = 60


UNLIKE = {
    "input": [[1, 2, 0, 3, 1], [0, -1, 4, 2, 2], [5, 1, 1, 0, 3], [2, 2, -3, 1, 0], [1, 0, 2, 4, 1]],
    "filter": [[1, -1], [2, 3]],
    "output_gradient": [[1, 2], [3, 4], [5, 6]],
    "stride": [1, 2],
    "dilation": [2, 1],
}
"""With another stride and another dilation down than across."""


def drawn_settings():
    yield convstep.load(UNLIKE), setting_at(convstep.load(UNLIKE), 1), 1
    random, found = seeded(5, "terms"), 0
    while found < DRAWN:
        drawn = drawn_problem(random)
        if drawn is not None:
            found += 1
            problem, iteration = drawn
            yield convstep.load(problem), setting_at(convstep.load(problem), iteration), iteration


def factor(problem, step, name, cell):
    """The number that a factor names, in the shapes of the problem; around the input there are zeros."""
    array = problem.input if name == "input" else step.array(name)
    if cell is None:
        return array
    assert len(cell) == array.ndim
    inside = all(0 <= place < size for place, size in zip(cell, array.shape, strict=True))
    assert inside or name == "input"
    return array[cell] if inside else 0.0


def test_each_is_a_product_of_named_numbers_and_all_of_them_are_the_sum():
    seen = set()
    for problem, setting, iteration in drawn_settings():
        step = next(step for step in convstep.descend(problem) if step.iteration == iteration)
        for name in (each for each in SUMS if each in step):
            right = step.array(name).reshape(-1)
            for place in range(right.size):
                terms = terms_of(setting, name, place, setting.truth)
                for term in terms:
                    assert term.value == np.prod([value for _, _, value in term.factors])
                    for of, cell, value in term.factors:
                        assert value == factor(problem, step, of, cell)
                cells = [term.says for term in terms]
                assert len(set(cells)) == len(cells)
                assert sum(term.value for term in terms) == pytest.approx(right[place], rel=1e-9, abs=1e-9)
            seen.add(name)
    assert seen == set(SUMS)


def test_what_is_no_sum_has_no_terms():
    _, setting, _ = next(drawn_settings())
    assert terms_of(setting, "output", 0, setting.truth) == []
    assert terms_giving(setting, "output", 0, [setting.truth], 1.0, 0.0) == []


@pytest.mark.parametrize(
    ("total", "unit", "given_by"),
    [
        *((13, 0.0, 0), (13.00001, 0.0, 0), (13.0001, 0.0, None), (11, 0.0, 1), (12, 1.0, 0)),
        *(
            (13.04, 0.01, 0),
            (13.06, 0.01, None),
            (13.055, 0.01, None),
            (11.04, 0.01, 1),
            (10.96, 0.01, 1),
            (11.2, 0.01, None),
        ),
    ],
)
def test_the_first_numbers_that_give_the_sum_are_taken(total, unit, given_by):
    keys = {"input": [[1, 2]], "filter": [[3, 4]], "target": [[1]], "learning_rate": 1}
    setting = setting_at(convstep.load(keys), 1)
    slipped = {**setting.truth, "filter": np.array([[[[[3.0, 5.0]]]]])}
    found = terms_giving(setting, "pre_activation", 0, [slipped, setting.truth], total, unit)
    assert [each.value for each in found] == {0: [3, 10], 1: [3, 8], None: []}[given_by]


def test_how_a_term_is_written():
    term = Term((("delta", (0, 1), 2.0), ("input", (0, 2), -1.5)), -3.0)
    assert (term.says, term.numbers) == ("delta[0,1]·input[0,2]", "2·(−1.5)")
    assert Term((("bias", None, 0.5),), 0.5).says == "bias"
    assert spelled(-1e-5) == "(−1e-5)"
