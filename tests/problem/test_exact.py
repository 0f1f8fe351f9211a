"""Numbers in fractions: every digit that was written counts, wherever it was written."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import NAMES, SAMPLES

import convstep
from convstep.errors import ProblemError
from convstep.problem.checks import check
from convstep.problem.document import to_document
from convstep.problem.exact import MOST_PRODUCTS, fraction
from convstep.problem.load import read_problem
from convstep.problem.model import Exact
from convstep.render.problem_file import json_text, yaml_text

LONG = "0.1234567890123456789012345"
YAML = f"""
input: [[{LONG}, 1e-3], [!!float 0.5, 0x10]]
filter: [['1/3', +.5]]
target: [[-0.30], [2.]]
learning_rate: 0.1
activation: {{leaky_relu: {{slope: 0.010}}}}
optimizer: {{sgd: {{momentum: 0.9}}}}
stop: {{loss: 1e-12}}
exact: true
"""
JSON = f"""{{"input": [[{LONG}, 1e-3], [0.5, 16]], "filter": [["1/3", 0.5]], "target": [[-0.30], [2]],
"learning_rate": 0.1, "activation": {{"leaky_relu": {{"slope": 0.010}}}}, "optimizer": {{"sgd": {{"momentum": 0.9}}}},
"stop": {{"loss": 1e-12}}, "exact": true}}"""


@pytest.mark.parametrize(("ending", "text"), [("yaml", YAML), ("json", JSON), ("txt", JSON), ("txt", YAML)])
def test_decimals_are_what_is_written(tmp_path: Path, ending: str, text: str) -> None:
    path = tmp_path / f"problem.{ending}"
    path.write_text(text)
    problem = convstep.load(path)
    assert problem.exact == Exact(1000)
    assert problem.input.tolist() == [[Fraction(LONG), Fraction(1, 1000)], [Fraction(1, 2), Fraction(16)]]
    assert problem.input[0, 0] != Fraction(float(LONG))
    assert problem.filter.tolist() == [[Fraction(1, 3), Fraction(1, 2)]]
    assert problem.target.tolist() == [[Fraction(-3, 10)], [Fraction(2)]]
    assert problem.learning_rate == Fraction(1, 10)
    assert problem.activation.parameters["slope"] == problem.slope_at_zero == Fraction(1, 100)
    assert problem.optimizer.parameters == {
        "momentum": Fraction(9, 10),
        "nesterov": False,
        "dampening": 0,
        "weight_decay": 0,
    }
    assert (problem.stop.loss, problem.stop.gradient) == (Fraction(1, 10**12), Fraction(1, 10**9))


def test_all_numbers_are_fractions_and_read_only() -> None:
    problem = convstep.load({"input": [[1, 2]], "filter": [[3]], "bias": 1, "output_gradient": [[0, 1]], "exact": True})
    for name in ("input", "filter", "bias", "output_gradient"):
        array = getattr(problem, name)
        assert all(type(number) is Fraction for number in array.reshape(-1))
        assert not array.flags.writeable
    assert problem.bias.shape == ()


def test_settings_are_as_written_too(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("input: [[1, 2]]\nfilter: [[1]]\n")
    written = [f"filter[0,0]={LONG}", f"input=[[{LONG}, 2]]", "bias=1/3", "exact=true"]
    problem, _ = read_problem(str(tmp_path / "p.yaml"), written)
    assert (problem.filter.item(), problem.input[0, 0], problem.bias.item()) == (
        Fraction(LONG),
        Fraction(LONG),
        Fraction(1, 3),
    )
    assert convstep.load({"input": [[1]], "filter": [[1]]}, {"exact": True, "bias": 0.1}).bias.item() == Fraction(1, 10)


def test_data_files(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"\ufeff{LONG}, 1/3\n\n 2,0.1\n", encoding="utf-8")
    np.save(tmp_path / "w.npy", np.array([[0.1, 1 / 3]]))
    (tmp_path / "p.yaml").write_text("input: x.csv\nfilter: w.npy\nexact: true\n")
    problem = convstep.load(tmp_path / "p.yaml")
    assert problem.input.tolist() == [[Fraction(LONG), Fraction(1, 3)], [Fraction(2), Fraction(1, 10)]]
    assert problem.filter.tolist() == [[Fraction(1, 10), Fraction(repr(1 / 3))]]


def test_what_is_drawn_is_the_decimal_that_is_shown() -> None:
    keys = {"input": [[1, 2, 3]], "filter": {"size": [1, 2], "initial": "he", "seed": 4}}
    drawn, exact = (convstep.load(keys | {"exact": wanted}).filter for wanted in (False, True))
    assert exact.tolist() == [[Fraction(repr(number)) for number in row] for row in drawn.tolist()]


def test_one_bias_starts_every_filters() -> None:
    problem = convstep.load({"input": [[1]], "filter": [[[[1]]], [[[2]]]], "bias": "1/3", "exact": True})
    assert problem.bias.tolist() == [Fraction(1, 3), Fraction(1, 3)]


@examples(200)
@given(st.fractions(max_denominator=10**30), st.integers(-30, 30), st.integers(0, 10**25))
def test_any_number_that_is_written(number: Fraction, exponent: int, digits: int) -> None:
    assert fraction(str(number)) == number
    assert fraction(f"{digits}e{exponent}") == digits * Fraction(10) ** exponent
    assert fraction(f"-0.{digits:030d}") == Fraction(-digits, 10**30)
    assert fraction(float(number)) == Fraction(repr(float(number)))
    assert fraction(np.float64(0.1)) == Fraction(1, 10)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_reads_back_as_the_same_problem(name: str) -> None:
    try:
        problem = convstep.load(SAMPLES / f"{name}.yaml", {"exact": {"max_digits": 77}})
    except ProblemError:
        return
    document = to_document(problem)
    assert document["exact"] == {"max_digits": 77}
    assert to_document(check(document)) == document
    assert to_document(check(json.loads(json_text(problem)))) == document


def test_a_written_file_reads_back_as_the_same_problem(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(YAML)
    problem = convstep.load(tmp_path / "p.yaml")
    for name, text in (("q.yaml", yaml_text(problem)), ("q.json", json_text(problem))):
        (tmp_path / name).write_text(text)
        assert to_document(convstep.load(tmp_path / name)) == to_document(problem)


def test_in_floats_it_is_the_problem_without_exact(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(YAML)
    exact, plain = (convstep.load(tmp_path / "p.yaml", {"exact": wanted}) for wanted in (True, False))
    assert to_document(exact.in_floats) == to_document(plain)
    assert plain.in_floats is plain
    assert type(exact.in_floats.learning_rate) is float


def test_what_would_take_too_long_is_refused_with_its_size() -> None:
    keys = {"input": np.zeros((1500, 1500)), "filter": [[1]], "exact": True}
    with pytest.raises(ProblemError) as caught:
        convstep.load(keys)
    assert str(caught.value) == (
        "exact: input 1500×1500 with filter 1×1 takes 2250000 products; in fractions at most 2000000 are calculated"
    )
    assert MOST_PRODUCTS == 2_000_000


def test_a_setting_that_leaves_the_fractions_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("input: [[1]]\nfilter: [[1]]\nactivation: tanh\n")
    with pytest.raises(ProblemError) as caught:
        read_problem(str(tmp_path / "p.yaml"), ["exact=true"])
    assert str(caught.value) == (
        "--set exact=true: activation: tanh makes no fractions out of fractions; "
        "with exact use relu, linear or leaky_relu"
    )


@pytest.mark.parametrize("number", ["1e-1400", "0." + "1" * 1400, "1/1" + "0" * 1400, "1e-999999999", "1e-99999999999"])
def test_a_number_that_is_too_long_is_refused_where_it_stands(tmp_path: Path, number: str) -> None:
    (tmp_path / "p.yaml").write_text(f"input: [[0]]\nfilter: [[0]]\noutput_gradient: [['{number}']]\nexact: true\n")
    with pytest.raises(
        ProblemError, match=r"p\.yaml:3:20: output_gradient\[0,0\]: expected a number of at most 1400 digits"
    ):
        convstep.load(tmp_path / "p.yaml")


def test_white_space_in_a_fraction_means_nothing() -> None:
    problem = convstep.load({"input": [[" 1\t/\n3 "]], "filter": [["\u00a0-.5 "]], "exact": True})
    assert (problem.input.item(), problem.filter.item()) == (Fraction(1, 3), Fraction(-1, 2))


def test_false_is_floats() -> None:
    assert convstep.load({"input": [[0.1]], "filter": [[1]], "exact": False}).exact is None
    assert to_document(convstep.load({"input": [[0.1]], "filter": [[1]]}))["exact"] is False
