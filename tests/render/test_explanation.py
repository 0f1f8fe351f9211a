"""Explanations as pages: whole ones against goldens, and the rules that hold for all of them."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import NAMES, SAMPLES
from strategies import problem_documents

import convstep
from convstep.render.meanings import formula
from convstep.render.picks import PICK
from render.explained import derivations, explained
from render.reading import NotRationalError, equations, exactly, number
from render.test_pages import LARGE

WIDTHS = (40, 80, 120)
FLOOD = 155


def sample(name: str, **changes: Any) -> convstep.Problem:
    return convstep.load(SAMPLES / f"{name}.yaml", changes)


GOLDENS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "question": ("question", {}, {}),
    "channels-cell": ("channels", {}, {"cells": [("pre_activation", (0, 0, 2))]}),
    "channels-input-gradient": ("channels", {}, {"cells": [("input_gradient", (1, 2, 2))]}),
    "adam": (
        "question",
        {"optimizer": "adam"},
        {
            "iteration": 2,
            "cells": [(f"filter_{part}", (0, 1)) for part in ("momentum", "square_average", "update")],
        },
    ),
    "used": ("question", {}, {"cells": [("input", (1, 1)), ("filter", (0, 1))]}),
    "true-convolution": (
        "true-convolution",
        {},
        {"cells": [("pre_activation", (0, 0)), ("filter_gradient", (0, 1)), ("input_gradient", (1, 1))]},
    ),
    "sigmoid": ("sigmoid", {}, {"iteration": 2, "names": ["output", "activated_target", "activation_slope", "loss"]}),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", GOLDENS)
def test_pages(case, width, same_as_golden):
    name, changes, wishes = GOLDENS[case]
    same_as_golden(f"explain-{case}-{width}", explained(sample(name, **changes), width, **wishes))


def test_a_page_in_colour(same_as_golden):
    page = explained(sample("question"), color="always", cells=[("filter_gradient", (0, 1))])
    same_as_golden("explain-colour", page)


# Rules


@given(problem_documents(), st.sampled_from([40, 80, 200]), st.sampled_from([3, 6, 12]), st.booleans())
@examples(20)
def test_every_equation_of_a_page_is_true(document, width, digits, whole):
    """Read from the page, not from what made it."""
    problem = convstep.load(document)
    page = explained(problem, width, digits=digits, all_cells=whole)
    found = equations(page)
    assert found
    for printed in found:
        if printed.calculation and printed.relations[-1] == "=":
            assert exactly(printed.calculation, problem) == printed.result, printed


def test_the_cells_of_a_page_are_those_of_the_step():
    problem = sample("sigmoid")
    source = derivations(problem, 2)
    shown = {printed.name: printed for printed in equations(explained(problem, iteration=2, digits=12, all_cells=True))}
    cells = [(name, index) for name in source.step for index in source.indices(name)]
    for name, index in cells:
        printed = shown[f"{name}[{','.join(map(str, index))}]" if index else name]
        assert float(number(printed.sides[-1])) == pytest.approx(source.value(name, index), rel=1e-10)
    assert len(shown) == len(cells)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_too_wide(name, width):
    """Only a name that is wider than the page is."""
    for line in explained(sample(name), width).splitlines():
        content = line.lstrip(" =≈+−·→")
        assert len(line) <= width or " " not in content or set(content) & set("⎡⎢⎣"), line


def test_each_quantity_opens_with_its_formula_and_meaning():
    page = explained(sample("channels", optimizer="adam"), 200)
    for name in derivations(sample("channels", optimizer="adam")).step:
        title, meaning = re.search(rf"^({name}   .+)\n(  .+(?:\n  .+)?)", page, re.MULTILINE).groups()
        assert len(title.split("   ")[1]) > 2
        assert "." in meaning


OPENINGS = [
    ({}, "pre_activation", "z[i,j] = Σ x[i+p, j+q]·w[p,q]"),
    ({"stride": [2, 1], "padding": [1, 0], "bias": 1}, "pre_activation", "z[i,j] = Σ x[2·i+p−1, j+q]·w[p,q] + b"),
    ({"dilation": [1, 2], "operation": "convolution", "padding": 1}, "filter_gradient",
     "∂L/∂w[1−p, 1−q] = Σ δ[i,j]·x[i+p−1, j+2·q−1]"),
    ({"activation": {"leaky_relu": {"slope": 0.1}}}, "output", "a = f(z) = z where z > 0, slope·z where z ≤ 0"),
    ({"activation": {"gelu": {"approximate": "tanh"}}}, "output", "a = f(z) = 0.5·z·(1 + t)"),
    ({"target_through_activation": True}, "error", "e = a − f(t)"),
    ({"target_through_activation": True}, "loss", "L = ½ Σ (a − f(t))²"),
    ({"loss": "squared_error"}, "output_gradient", "∂L/∂a = 2·(a − t)"),
    ({}, "filter_update", "Δw = −learning_rate·∂L/∂w"),
    ({"optimizer": {"sgd": {"weight_decay": 0.1}}}, "filter_update",
     "Δw = −learning_rate·(∂L/∂w + weight_decay·w)"),
    ({"optimizer": {"sgd": {"momentum": 0.9, "nesterov": True}}}, "filter_update",
     "Δw = −learning_rate·(∂L/∂w + momentum·m)"),
    ({"optimizer": "adam"}, "filter_square_average", "v = beta₂·(previous v) + (1 − beta₂)·∂L/∂w²"),
    ({"optimizer": "adam", "bias": 1}, "bias_update",
     "Δb = −learning_rate/(1 − beta₁^k) · m / (√v/√(1 − beta₂^k) + eps), k counts the iterations"),
    ({"optimizer": {"adam": {"amsgrad": True}}}, "filter_largest_square_average", "v̂ = max(v, previous v̂)"),
    ({"optimizer": {"rmsprop": {"centered": True}}}, "filter_update", "Δw = −learning_rate·∂L/∂w / (√(v − ḡ²) + eps)"),
    ({"optimizer": {"rmsprop": {"momentum": 0.5}}}, "filter_momentum",
     "m = momentum·(previous m) + ∂L/∂w / (√v + eps)"),
    ({"optimizer": {"adagrad": {"lr_decay": 0.5}}}, "filter_update",
     "Δw = −learning_rate/(1 + (k − 1)·lr_decay) · ∂L/∂w / (√v + eps), k counts the iterations"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "opening"), OPENINGS)
def test_formulas_are_those_of_the_problem(changes, name, opening):
    page = explained(sample_like(changes), 200, names=[name])
    assert f"\n{name}   {opening}\n" in page


SEVERAL: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"input": (2, 4, 4), "filter": (3, 2, 2, 2), "stride": 2, "padding": 1}, (2, 1, 2)),
    ({"input": (2, 2, 4, 4), "filter": (2, 2, 2, 3), "dilation": [2, 1]}, (1, 1, 0, 1)),
    ({"input": (4, 4, 4), "filter": (6, 2, 2, 2), "groups": 2}, (4, 1, 2)),
    ({"input": (3, 4, 4), "filter": (3, 1, 2, 2), "groups": 3}, (2, 1, 2)),
    ({"input": (3, 4, 4), "filter": (6, 1, 2, 2), "groups": 3, "operation": "convolution"}, (5, 1, 2)),
    ({"input": (2, 4, 4), "filter": (2, 2, 2)}, (1, 2)),
    ({"input": (4, 4), "filter": (2, 1, 2, 2), "operation": "convolution"}, (1, 1, 2)),
]


@pytest.mark.parametrize(("document", "cell"), SEVERAL)
def test_formulas_of_several_channels_name_the_cells_below_them(document, cell):
    arrays = {name: np.ones(document[name]) for name in ("input", "filter")}
    problem = convstep.load(document | arrays)
    found = re.fullmatch(r"z\[(.*)] = Σ x\[(.*)]·w\[(.*)]", formula("pre_activation", problem))
    z, x, w = (part.replace("·", "*").replace("−", "-") for part in found.groups())
    letters = dict(zip(z.split(","), cell, strict=True)) | {"floor": math.floor}
    channels, rows, columns = (1, 1, *problem.filter.shape)[-3:]
    named = set()
    for c, p, q in np.ndindex(channels, rows, columns):
        names = letters | {"c": c, "p": p, "q": q}
        named.add(tuple(eval(f"({each})", {}, names) for each in (x, w)))
    terms = derivations(problem).cell("pre_activation", cell).terms
    assert named == {tuple(factor.cell for factor in term.factors) for term in terms}


def sample_like(changes: dict[str, Any]) -> convstep.Problem:
    """The question with changes, and a target that fits."""
    document = {"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]], "learning_rate": 0.5}
    sizes = {key: value for key, value in changes.items() if key != "target_through_activation"}
    shape = convstep.load(document | sizes).output_shape
    return convstep.load(document | changes | {"target": [[1] * shape[1]] * shape[0]})


def test_the_cells_that_took_part_are_picked_out():
    page = explained(sample("question"), cells=[("filter_gradient", (0, 1))])
    marked = re.findall(rf"-?\d+{PICK}", page)
    assert sorted(marked) == sorted([f"{each}{PICK}" for each in (2, 0, 0, 0, -1, 0, 1, 0, -2)])
    assert f"{PICK} took part" in page


def test_of_a_large_matrix_the_part_around_the_window_is_shown():
    page = explained(convstep.load(LARGE), cells=[("pre_activation", (20, 30))])
    assert "input x, rows 19–23, columns 29–33" in page
    assert page.count(PICK) == 9 + 9 + 1 + 1


def test_padding_is_padding_in_matrices_and_sums():
    page = explained(sample("channels"), cells=[("pre_activation", (0, 0, 0))])
    assert "padding·filter[0,0,0,0] + padding·filter[0,0,0,1]" in page
    assert page.count(f"·{PICK}") == 3 * 5


def test_large_quantities_show_one_cell_and_how_to_ask_for_others():
    page = explained(convstep.load(LARGE), 200)
    assert "pre_activation[19,24]" in page
    assert "1 of 1824 cells; --cell 'pre_activation[0,0]' for another, --all-cells for all." in page
    assert "pre_activation[0,0]" not in page.replace("--cell 'pre_activation[0,0]'", "")
    few = explained(sample("channels"), names=["pre_activation"])
    assert "pre_activation[1,2,2]" in few
    assert "--all-cells" not in few


def test_all_cells_shows_them_all():
    names = {printed.name for printed in equations(explained(sample("channels"), names=["input_gradient"]))}
    assert len(names) == 1
    every = equations(explained(sample("channels"), names=["input_gradient"], all_cells=True))
    assert len(every) == 3 * 5 * 5


def wide_layer(**changes: Any) -> convstep.Problem:
    """64 channels, 64 filters."""
    document = {"input": [[[(c * y + x) % 5 - 2 for x in range(8)] for y in range(8)] for c in range(64)],
                "filter": {"size": 3, "filters": 64, "seed": 1}, "padding": 1,
                "output_gradient": [[[1, -1] * 4] * 8] * 64, "learning_rate": 0.1}  # fmt: skip
    return convstep.load(document | changes)


def test_a_layer_of_64_channels_does_not_flood_the_terminal():
    problem = wide_layer()
    assert len(explained(problem).splitlines()) < FLOOD
    with_state = explained(wide_layer(optimizer="adam", bias=0))
    assert len(with_state.splitlines()) < FLOOD + 90  # nine quantities more
    for cell in [("pre_activation", (3, 4, 5)), ("input_gradient", (63, 0, 0)), ("filter", (1, 2, 0, 0))]:
        assert len(explained(problem, cells=[cell]).splitlines()) < FLOOD


def test_a_long_sum_on_a_page():
    problem = wide_layer()
    cell = [("pre_activation", (3, 4, 5))]
    assert "(567 more terms" in explained(problem, cells=cell)
    page = explained(problem, cells=cell, all_terms=True)
    assert "more terms" not in page
    assert page.count("·filter[3,") == 64 * 9
    for printed in equations(explained(problem, cells=cell, digits=12)):
        try:
            assert abs(exactly(printed.calculation, problem) - printed.result) < 1e-9
        except NotRationalError:
            raise AssertionError(printed) from None


def test_given_quantities_are_matrices():
    page = explained(sample("textbook"), names=["output_gradient"])
    assert "The problem gives it." in page
    assert "⎡ 1  -1   ⎤" in page
    for name in ("input", "target"):
        assert "The problem gives it." in explained(sample("question"), names=[name])


def test_the_other_way_round():
    page = explained(sample("question"), cells=[("input", (0, 0))])
    assert "One output used input[0,0]:\n    pre_activation[0,0] used it times filter[0,0] = 1; it sends back" in page
    assert "All that is sent back adds up to its gradient:\n  input_gradient[0,0] = delta[0,0]·filter[0,0] = " in page
    unused = sample_like({"stride": 2, "input": [[1, 2, 3]] * 3})
    assert "No window holds input[2,2]: no output used it, and its gradient is 0." in explained(
        unused, 120, cells=[("input", (2, 2))]
    )
    forward = convstep.load({"input": [[1, 2]], "filter": [[3]]})
    text = explained(forward, cells=[("filter", (0, 0))])
    assert "pre_activation[0,1] used it times input[0,1] = 2\n" in text
    assert "Nothing is sent back: the problem has no target and no output_gradient." in text


def test_a_bias_is_used_by_every_output():
    page = explained(sample("channels"), cells=[("bias", (1,))])
    assert "9 outputs used bias[1]:" in page
    assert "pre_activation[1,2,2] used it; it sends back delta[1,2,2] = 0.692631" in page


def test_many_uses_are_cut_short():
    problem = convstep.load(LARGE)
    page = explained(problem, cells=[("filter", (0, 0))])
    assert "… and 1814 more; --all-terms shows them." in page
    assert len(page.splitlines()) < FLOOD
    assert explained(problem, cells=[("filter", (0, 0))], all_terms=True).count(" used it ") == 1824


@pytest.mark.parametrize(
    ("changes", "text", "delta", "laid"),
    [
        ({}, "δ, bordered with zeros, under the filter rotated by 180°;", "", ""),
        ({"operation": "convolution"}, "δ, bordered with zeros, under the filter as it is;", "", ""),
        ({"stride": [2, 1]}, "δ, spread out by the stride 2×1 and bordered with zeros, under the filter rotated by",
         "delta, spread out δ", "filter rotated w"),
        ({"dilation": [1, 2]}, "the filter rotated by 180° with its taps 1×2 apart;", "delta δ",
         "filter rotated, spread out w"),
    ],
)  # fmt: skip
def test_how_the_rotated_view_is_described(changes, text, delta, laid):
    page = explained(sample_like(changes), 200, cells=[("input_gradient", (1, 1))])
    assert text in page
    assert "Both views agree:" in page
    below = page[page.index("Both views") :]
    assert (delta in below and laid in below) if delta else "⎡" not in below


def test_rounding_is_explained_where_there_is_any():
    assert "Rounded to" not in explained(sample("question"))
    assert explained(sample("sigmoid"), 200, digits=4).count("Rounded to 4 digits; ") == 1


def test_indices_survive_where_rich_reads_markup():
    """[0,1] and [bold] look like markup to rich."""
    for color in ("never", "always"):
        page = explained(sample("question", title="a [bold]title[/bold]"), color=color)
        assert "a [bold]title[/bold]" in page
        for text in ("input[0,1]·filter[0,1]", "delta[1,0]", "filter_update[0,1]"):
            assert text in page
