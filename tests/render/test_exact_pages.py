"""Exact runs as pages and as JSON: whole pages against goldens, and that nothing on them is rounded."""

from __future__ import annotations

import io
import json
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import SAMPLES
from strategies import LOSSES, problem_documents

import convstep
from convstep.gradients import check_gradients
from convstep.problem.document import to_document
from convstep.render.explanation_json import cell_data
from convstep.render.gradcheck import gradient_lines
from convstep.render.html import step_html
from convstep.render.json import JsonDocument, JsonLines, text_of
from convstep.render.matrix import Look
from convstep.render.sums import equation_of
from convstep.render.terminal import page_console, write
from convstep.render.wrapping import equation_lines
from convstep.verdict import judge
from render.explained import derivations, explained
from render.pages import printed
from render.reading import equations, exactly, parsed
from render.test_sums import source_of

WIDTHS = (40, 80, 120)
THIRDS: dict[str, Any] = {
    "title": "Thirds and tenths",
    "input": [["1/3", 0.1, 2], [-1, "2/7", 0.25]],
    "filter": [["1/2", "-1/3"]],
    "bias": "1/6",
    "target": [[1, 0], ["1/9", 2]],
    "activation": {"leaky_relu": {"slope": 0.1}},
    "loss": {"huber": {"delta": "1/3"}},
    "optimizer": {"sgd": {"momentum": 0.5, "weight_decay": "1/8"}},
    "learning_rate": 0.3,
    "stop": {"iterations": 6},
    "exact": True,
}
OPTIMIZERS: tuple[Any, ...] = (
    "sgd",
    {"sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": "1/3"}},
    {"sgd": {"momentum": 0.5, "dampening": 0.3}},
)
ACTIVATIONS: tuple[Any, ...] = ("relu", "linear", {"leaky_relu": {"slope": 0.01}}, {"leaky_relu": {"slope": "-7/3"}})


@st.composite
def exact_problems(draw: st.DrawFn) -> convstep.Problem:
    """A problem whose numbers are whole, decimal and p/q by turns."""
    document = draw(problem_documents(ACTIVATIONS, LOSSES, OPTIMIZERS))
    scale = draw(st.sampled_from(["1", "1/3", "1/10", "7/12"]))
    for key in ("input", "filter"):
        document[key] = _scaled(document[key], Fraction(scale))
    if "learning_rate" in document:
        document["stop"] = {"iterations": 2}
    return convstep.load(document, {"exact": True})


def _scaled(value: Any, by: Fraction) -> Any:
    return [_scaled(each, by) for each in value] if isinstance(value, list) else str(value * by)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_of_a_run(same_as_golden, width):
    text = printed(THIRDS, width)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"exact-{width}", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_of_an_explanation(same_as_golden, width):
    names = ["pre_activation", "output", "loss", "filter_gradient", "filter_momentum", "filter_update", "new_filter"]
    page = explained(THIRDS, width, iteration=2, names=names)
    assert max(map(len, page.splitlines())) <= width
    same_as_golden(f"explain-exact-{width}", page)
    cells = [("input_gradient", (0, 1)), ("input", (1, 1))]
    same_as_golden(f"explain-exact-cells-{width}", explained(THIRDS, width, iteration=2, cells=cells))


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_of_a_gradient_check(same_as_golden, width):
    problem = convstep.load(THIRDS, {"input[0]": [1, 0, 0], "bias": "-1/2"})
    check = check_gradients(problem, directions=2, cells=[("filter_gradient", None)])
    stream = io.StringIO()
    write(page_console("never", width, stream), gradient_lines(problem, check, Look(width)))
    assert "kink" in stream.getvalue()
    same_as_golden(f"gradcheck-exact-{width}", stream.getvalue())


@given(exact_problems(), st.integers(1, 2), st.sampled_from([1, 6]))
@examples(40)
def test_every_sum_is_true_to_the_last_digit(problem, iteration, digits):
    """Read back and worked out as it is printed: no ≈, and what is printed is the Step's number."""
    source = source_of(problem, iteration)
    for name in source.step:
        for index in source.indices(name):
            cell = source.cell(name, index)
            if not cell.terms:
                continue
            found = parsed([line.plain for line in equation_lines(equation_of(cell, digits), 10**6)])
            assert set(found.relations) == {"="}
            assert found.result == source.step.array(name).item(index)
            assert not found.calculation or exactly(found.calculation, problem) == found.result, found
            assert isinstance(cell.value, Fraction)


@given(exact_problems())
@examples(15)
def test_no_page_of_an_explanation_holds_an_approximation(problem):
    page = explained(problem, 10**4, all_cells=True)
    assert "≈" not in page
    assert equations(page)


LEAKY: dict[str, Any] = {
    "input": [[-2, 0.5, 2], ["1/3", 0, -1], [0, -1, f"{'7' * 37}/{'8' * 36}9"]],
    "filter": [[0.3, -0.7], [1, "2/3"]], "bias": 0.1, "activation": "leaky_relu", "exact": True,
    "loss": {"huber": {"delta": "1/3"}}, "target": [[-1, 1], [0, 0]], "learning_rate": 0.05,
    "optimizer": {"sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05}},
}  # fmt: skip
"""Its fractions stand inside of functions, and are soon longer than a line."""


@pytest.mark.parametrize("width", [40, 60, 61, 80])
@pytest.mark.parametrize("iteration", [1, 3])
def test_long_fractions_inside_of_functions_are_broken_too(width, iteration):
    cells = [("input", (2, 2)), ("activation_slope", (1, 1))]
    for wishes in ({"all_cells": True}, {"cells": cells}):
        page = explained(LEAKY, width, iteration=iteration, **wishes)
        assert max(map(len, page.splitlines())) <= width


def test_a_long_fraction_stands_whole_in_its_sum_and_is_cut_in_its_matrix():
    problem = convstep.load(SAMPLES / "question.yaml", {"exact": True, "learning_rate": "1/7"})
    value = derivations(problem, 40).step.new_filter[0, 1]
    page = explained(problem, 60, iteration=40, cells=[("new_filter", (0, 1))])
    matrices, _, sums = page.partition("took part")
    assert len(str(value)) > 60
    # Broken where the width ends, and put together again.
    assert f"={value}" in re.sub(r"\n +", "", sums.replace(" ", "").replace("\n", "\n ")).replace("−", "-")
    assert f"{float(value):.9f}"[:8] + "…" in matrices
    assert "≈" not in page
    assert "stands all of it" in sums


def document_of(problem: convstep.Problem, kind: Any = JsonDocument) -> str:
    stream = io.StringIO()
    writer = kind(stream, None, False)
    descent = convstep.descend(problem)
    steps = list(descent)
    writer.begin(problem)
    for step in steps:
        writer.step(step)
    assert descent.outcome is not None
    writer.end(descent.outcome, judge(problem, descent.outcome, steps[0], steps[-1]))
    return stream.getvalue()


@given(exact_problems())
@examples(40)
def test_json_holds_every_fraction_and_reads_back(problem):
    text = document_of(problem)
    document = json.loads(text, parse_float=pytest.fail)
    assert document["problem"]["exact"] is True
    again = convstep.load(document["problem"])
    assert to_document(again) == to_document(problem)
    assert document_of(again) == text
    for item, step in zip(document["iterations"], convstep.descend(problem), strict=True):
        for name in step:
            held = [Fraction(each) for each in _flat(item[name])]
            assert held == step.array(name).reshape(-1).tolist()
            assert all(isinstance(each, int) == (Fraction(each).denominator == 1) for each in _flat(item[name]))


def _flat(value: Any) -> list[Any]:
    return [each for part in value for each in _flat(part)] if isinstance(value, list) else [value]


def test_the_same_line_by_line():
    problem = convstep.load(THIRDS)
    document = json.loads(document_of(problem))
    lines = [json.loads(line) for line in document_of(problem, JsonLines).splitlines()]
    assert lines[0]["problem"] == document["problem"]
    assert [{key: line[key] for key in line if key != "type"} for line in lines[1:-1]] == document["iterations"]
    assert Fraction(lines[-1]["loss"]) == convstep.run(problem).outcome.loss


def test_an_explanation_as_json():
    source = derivations(convstep.load(THIRDS))
    data = json.loads(text_of(cell_data(source.cell("pre_activation", (0, 0)))), parse_float=pytest.fail)
    assert data["value"] == "3/10"
    assert data["terms"][0] == {
        "value": "1/6",
        "factors": [
            {"name": "input", "cell": [0, 0], "value": "1/3"},
            {"name": "filter", "cell": [0, 0], "value": "1/2"},
        ],
    }
    assert sum(Fraction(term["value"]) for term in data["terms"]) == Fraction(3, 10)


def test_a_notebook_shows_fractions():
    step = next(convstep.descend(convstep.load(THIRDS)))
    assert ">1/3</td>" in step_html(step).replace("−", "-") or "1/3" in step_html(step)
    assert "3/10" in step_html(step) or "0.3" in step_html(step)
