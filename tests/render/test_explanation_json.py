"""Explanations as JSON: the contract, and the same numbers as the pages."""

from __future__ import annotations

import io
import json
import math
from typing import Any

from hypothesis import given
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.render.explanation_json import cell_data, write_explanation, write_explanations
from render.explained import derivations, explained
from render.reading import equations, number


def written(problem: convstep.Problem, iteration: int = 1) -> dict[str, Any]:
    source = derivations(problem, iteration)
    stream = io.StringIO()
    cells = (cell_data(source.cell(name, index)) for name in source.step for index in source.indices(name))
    write_explanation(stream, iteration, cells)
    return json.loads(stream.getvalue(), parse_constant=refuse)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def test_the_example_of_the_contract():
    problem = convstep.load({"input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]], "filter": [[1, -1], [1, 1]],
                             "padding": [[0, 1], [0, 0]]})  # fmt: skip
    document = written(problem)
    assert {key: document[key] for key in ("format", "version", "iteration")} == {
        "format": "convstep-explanation", "version": 1, "iteration": 1
    }  # fmt: skip
    cells = {(cell["name"], tuple(cell["cell"])): cell for cell in document["cells"]}
    assert cells["pre_activation", (1, 0)] == {
        "name": "pre_activation", "cell": [1, 0], "value": -2, "terms": [
            {"value": 0, "factors": [{"name": "input", "cell": [1, 0], "value": 0},
                                     {"name": "filter", "cell": [0, 0], "value": 1}]},
            {"value": -1, "factors": [{"name": "input", "cell": [1, 1], "value": 1},
                                      {"name": "filter", "cell": [0, 1], "value": -1}]},
            {"value": 0, "factors": [{"name": "input", "cell": [2, 0], "value": 0},
                                     {"name": "filter", "cell": [1, 0], "value": 1}]},
            {"value": -1, "factors": [{"name": "input", "cell": [2, 1], "value": -1},
                                      {"name": "filter", "cell": [1, 1], "value": 1}]}]}  # fmt: skip
    padded = cells["pre_activation", (2, 0)]["terms"][2]
    assert padded == {"value": 0, "factors": [{"name": "input", "cell": [3, 0], "value": 0, "padding": True},
                                              {"name": "filter", "cell": [1, 0], "value": 1}]}  # fmt: skip


def test_functions_constants_and_notes():
    problem = convstep.load({"input": [[0]], "filter": [[1]], "target": [[1]], "learning_rate": 0.5,
                             "loss": "mean_squared_error"})  # fmt: skip
    cells = {cell["name"]: cell for cell in written(problem)["cells"]}
    assert cells["filter"] == {
        "name": "filter",
        "cell": [0, 0],
        "value": 1,
        "terms": [],
        "note": "The problem gives it",
    }
    assert cells["output"]["terms"][0]["factors"] == [
        {"name": "pre_activation", "cell": [0, 0], "value": 0, "function": "relu(pre_activation)", "argument": 0,
         "formula": "max(z, 0)", "numbers": {"z": 0, "a": 0, "slope_at_zero": 0}}
    ]  # fmt: skip
    assert cells["activation_slope"]["note"].startswith("z is exactly 0")
    assert cells["output_gradient"]["terms"][0]["factors"][0] == {"value": 2, "symbol": "2/1"}
    assert cells["filter_update"]["terms"][0]["factors"][:2] == [
        {"value": -1}, {"value": 0.5, "symbol": "learning_rate"}
    ]  # fmt: skip


def test_the_iteration_before_is_named():
    problem = convstep.load({"input": [[1]], "filter": [[2]], "target": [[1]], "learning_rate": 0.25})
    cells = {cell["name"]: cell for cell in written(problem, 2)["cells"]}
    assert cells["filter"]["terms"][0]["factors"] == [
        {"name": "new_filter", "cell": [0, 0], "value": 1.75, "iteration": 1}
    ]


@given(problem_documents())
@examples(30)
def test_values_are_products_and_cells_are_sums(document):
    for cell in written(convstep.load(document))["cells"]:
        for term in cell["terms"]:
            product = math.prod(factor["value"] for factor in term["factors"])
            assert math.isclose(product, term["value"], rel_tol=1e-14)
        if cell["terms"]:
            values = [term["value"] for term in cell["terms"]]
            assert math.isclose(sum(values), cell["value"], rel_tol=1e-12, abs_tol=1e-12 * sum(map(abs, values)))


@given(problem_documents(activations=("relu", "linear"), losses=("half_squared_error",), optimizers=("sgd",)))
@examples(20)
def test_json_and_pages_say_the_same(document):
    problem = convstep.load(document)
    shown = {equation.name: equation for equation in equations(explained(problem, 200, digits=12, all_cells=True))}
    for cell in written(problem)["cells"]:
        name = f"{cell['name']}[{','.join(map(str, cell['cell']))}]" if cell["cell"] else cell["name"]
        if not cell["terms"]:
            continue
        assert math.isclose(float(number(shown[name].sides[-1])), cell["value"], rel_tol=1e-11)
        for factor in (factor for term in cell["terms"] for factor in term["factors"] if factor.get("name")):
            assert (
                factor.get("padding") or label(factor) in shown[name].sides[0] or "more terms" in shown[name].sides[0]
            )


def label(factor: dict[str, Any]) -> str:
    return f"{factor['name']}[{','.join(map(str, factor['cell']))}]" if factor["cell"] else factor["name"]


def test_several_iterations_are_one_document():
    stream = io.StringIO()
    write_explanations(stream, [(1, [{"name": "loss"}]), (3, [])])
    assert json.loads(stream.getvalue()) == {
        "format": "convstep-explanation", "version": 1,
        "iterations": [{"iteration": 1, "cells": [{"name": "loss"}]}, {"iteration": 3, "cells": []}]
    }  # fmt: skip
