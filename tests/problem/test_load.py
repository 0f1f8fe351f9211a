"""From a file, or data, to a problem; and what an error blames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import environment

from convstep.errors import ProblemError
from convstep.problem.load import load, read_problem

GOOD = "input: [[1, 2], [3, 4]]\nfilter: [[1]]\ntarget: [[1, 2], [3, 4]]\nlearning_rate: 1\noptimizer: sgd\n"
BAD = GOOD + "stride: 0\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(BAD)


def test_a_file_and_its_source() -> None:
    problem, source = read_problem("good.yaml", ["learning_rate=1/4", "filter[0,0]=7"])
    assert problem.learning_rate == 0.25
    assert problem.filter.tolist() == [[7.0]]
    assert source.text == GOOD
    assert source.data["filter"] == [[1]]


@pytest.mark.parametrize(
    "overrides", [{"learning_rate": 0.25, "filter[0,0]": 7}, ["learning_rate=0.25", "filter[0,0]=7"]]
)
@pytest.mark.parametrize(
    "source", ["good.yaml", Path("good.yaml"), {"input": [[1]], "filter": np.array([[1]]), "target": 1}]
)
def test_every_kind_of_source_and_override(source: Any, overrides: Any) -> None:
    problem = load(source, overrides)
    assert problem.learning_rate == 0.25
    assert problem.filter.tolist() == [[7.0]]


def test_a_setting_may_mend_the_file() -> None:
    assert load("bad.yaml", {"stride": None}).stride == (1, 1)
    assert load("bad.yaml", ["stride="]).stride == (1, 1)


NO_RATE = "expected a positive number or auto, found"
TOO_SMALL = "target: expected 1×1, the shape of the output (input 2×2, filter 1×1, stride 2), found 2×2"


@pytest.mark.parametrize(
    ("file", "settings", "error"),
    [
        ("good.yaml", ["learning_rate=abc"], f'--set learning_rate=abc: {NO_RATE} text "abc"'),
        (
            "good.yaml",
            ["learning_rte=2"],
            "--set learning_rte=2: unknown key; did you mean learning_rate?",
        ),
        ("good.yaml", ["filter[0,0]=.nan"], "--set filter[0,0]=.nan: expected a number, found NaN"),
        ("good.yaml", ["filter[0,0]=NaN"], '--set filter[0,0]=NaN: expected a number, found text "NaN"'),
        ("good.yaml", ["filter=[[NaN]]"], "--set filter=[[NaN]]: filter[0,0]: expected a number, found NaN"),
        (
            "good.yaml",
            ["filter[0,5]=2"],
            "--set filter[0,5]=2: there is no position 5; the list has 1 entry, counted from 0",
        ),
        ("good.yaml", ["bias=1", "stride=2", "title=a"], f"--set stride=2: {TOO_SMALL}"),
        ("good.yaml", ["input="], "--set input=: missing; a problem needs an input and a filter"),
        ("good.yaml", ["a\x1b=1"], "--set a\\x1b=1: unknown key; known here: "),
        (
            "good.yaml",
            ["x"],
            "--set x: expected KEY=VALUE, as in learning_rate=0.1, stop.iterations=50 or filter[0,1]=2",
        ),
        ("bad.yaml", ["bias=1"], "bad.yaml:6:9: stride: expected an integer of at least 1 or [rows, columns], found 0"),
        ("bad.yaml", ["stride=2"], f"--set stride=2: {TOO_SMALL}"),
        (
            "bad.yaml",
            ["x"],
            "--set x: expected KEY=VALUE, as in learning_rate=0.1, stop.iterations=50 or filter[0,1]=2",
        ),
    ],
)
def test_what_is_to_blame(file: str, settings: list[str], error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_problem(file, settings)
    found = str(caught.value)
    assert found == error or (error.endswith(": ") and found.startswith(error))


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"learning_rate": "abc"}, f'override learning_rate: {NO_RATE} text "abc"'),
        (
            {"filter[0,5]": 2},
            "override filter[0,5]: there is no position 5; the list has 1 entry, counted from 0",
        ),
        ({"a b": 2}, "override a b: expected a key, as in learning_rate, stop.iterations or filter[0,1]"),
    ],
)
def test_overrides_by_value(overrides: Any, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        load("good.yaml", overrides)
    assert str(caught.value) == error


SMALL = {"input": [[1]], "filter": [[1]]}
WANTED = "expected the path of a file, - or a mapping with input and filter, found"
OVERRIDES = "expected overrides as a mapping or a list of KEY=VALUE, found"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((5,), f"{WANTED} 5"),
        ((None,), f"{WANTED} nothing"),
        (([1],), f"{WANTED} a list"),
        ((b"good.yaml",), f"{WANTED} a value of type bytes"),
        ((SMALL, 5), f"{OVERRIDES} 5"),
        ((SMALL, None), f"{OVERRIDES} nothing"),
        ((SMALL, "bias=1"), f'{OVERRIDES} text "bias=1"'),
        ((SMALL, [None]), "expected each override as KEY=VALUE, found nothing"),
        ((SMALL, {3: 1}), "override 3: expected a key, as in learning_rate, stop.iterations or filter[0,1]"),
    ],
)
def test_what_no_problem_can_be_loaded_from(arguments: Any, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        load(*arguments)
    assert str(caught.value) == error


def test_an_error_in_a_mapping_has_no_file() -> None:
    with pytest.raises(ProblemError) as caught:
        load({"input": [[1]], "filter": [["x"]]})
    assert str(caught.value) == 'filter[0,0]: expected a number, found text "x"'
    assert (caught.value.file, caught.value.line, caught.value.column) == (None, None, None)


def test_an_error_in_a_file_knows_where_it_is() -> None:
    with pytest.raises(ProblemError) as caught:
        load("bad.yaml")
    assert (caught.value.file, caught.value.line, caught.value.column) == ("bad.yaml", 6, 9)
    assert caught.value.path == ("stride",)


def test_the_sample_of_the_question() -> None:
    problem = load(Path(__file__).parents[2] / "samples" / "question.yaml")
    assert problem.title == "The filter that would not learn"
    assert problem.output_shape == (2, 2)


def test_reading_json_loads_neither_yaml_nor_random_numbers() -> None:
    Path("p.json").write_text('{"input": [[1]], "filter": [[1]]}')
    code = (
        "import sys, numpy; before = set(sys.modules)  # NumPy 1 loads its random numbers by itself\n"
        "from convstep.problem.load import load; load('p.json')\n"
        "assert not {'yaml', 'numpy.random', 'difflib', 'convstep.analysis'} & (set(sys.modules) - before)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
