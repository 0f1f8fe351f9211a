"""``convstep gradcheck``: every option, every ending, every error."""

from __future__ import annotations

import json
import re
import sys

import pytest
from program import NAMES, NO_FILE, answer

from cli.test_start_up import imported
from convstep.correlation import Windows
from convstep.numbers import cell_text

SIX = ("gradcheck", "--sample", "question")
AGREES = re.compile(r"^── the gradients agree, (\d+) of \1 ─+$", re.MULTILINE)
BESIDE_KINKS = re.compile(r"^── (\d+) of (\d+) agree; (\d+) lies? at a kink ─+$", re.MULTILINE)


def all_agree(out: str) -> bool:
    """Whether a page says that all comparisons agree, as far as no kink is in the way."""
    found = BESIDE_KINKS.search(out)
    return bool(AGREES.search(out)) or (found is not None and int(found[1]) + int(found[3]) == int(found[2]))


def document(text: str) -> dict:
    """The JSON document, of the format promised."""
    found = json.loads(text)
    assert list(found)[:3] == ["format", "version", "agrees"]
    assert (found["format"], found["version"]) == ("convstep-gradcheck", 1)
    assert all({"name", "kind", "agrees", "kink"} <= set(check) for check in found["checks"])
    return found


def test_no_file_checks_the_sample_and_says_so(call):
    code, out, err = call("gradcheck")
    assert (code, err) == (0, NO_FILE)
    assert all_agree(out)
    assert call(*SIX) == (0, out, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_agrees(call, name):
    code, out, err = call("gradcheck", "--sample", name, "--cells")
    assert (code, err) == (0, "")
    assert all_agree(out)


def test_what_disagrees_leaves_with_1(call, monkeypatch):
    right = Windows.filter_gradient

    def planted(self, delta, gradient):
        right(self, delta, gradient)
        gradient *= -1

    monkeypatch.setattr(Windows, "filter_gradient", planted)
    code, out, err = call(*SIX)
    assert (code, err) == (1, "")
    assert re.search(r"^── \d+ of \d+ comparisons disagree ─+$", out, re.MULTILINE)
    assert "The place to look is filter_gradient, the first" in out
    code, out, _ = call(*SIX, "--format", "json")
    assert code == 1
    assert (document(out)["agrees"], document(out)["first_wrong"]) == (False, "filter_gradient")


def test_the_last_run_is_checked_with_its_settings(call):
    call("run", "--sample", "sigmoid", "--lr", "0.25")
    code, out, err = call("gradcheck")
    assert (code, err) == (0, "")
    assert out.startswith("sample sigmoid, the last run here with learning_rate=0.25\n")


def test_another_iteration(call):
    found = document(call(*SIX, "--iter", "3", "--cells", "--format", "json")[1])
    steps = json.loads(call("run", "--sample", "question", "--iter", "3", "--format", "json")[1])["iterations"]
    assert (found["iteration"], steps[0]["iteration"]) == (3, 3)
    gradient = steps[0]["filter_gradient"]
    numbers = [c["analytic"] for c in found["checks"] if (c["name"], c["kind"]) == ("filter_gradient", "cell")]
    assert numbers == [number for row in gradient for number in row]
    assert document(call(*SIX, "--iter", "last", "--format", "json")[1])["iteration"] == 35


def test_directions_and_seed(call):
    one, again, other = (
        document(call(*SIX, "--directions", "2", "--seed", seed, "--format", "json")[1]) for seed in ("1", "1", "2")
    )
    assert one == again != other
    assert (one["seed"], other["seed"]) == (1, 2)
    names = [check["name"] for check in one["checks"] if check["upstream"] == "loss"]
    assert names == [name for name in ("output_gradient", "delta", "filter_gradient", "input_gradient") for _ in "12"]


def test_one_cell_by_either_name_and_several(call):
    by_parameter = call(*SIX, "--cell", "filter[0,1]", "--format", "json")
    assert by_parameter == call(*SIX, "--cell", "filter_gradient[0, 1]", "--format", "json")
    (check,) = document(by_parameter[1])["checks"]
    assert (check["name"], check["cell"], check["kind"], check["analytic"]) == ("filter_gradient", [0, 1], "cell", -2)
    found = document(call(*SIX, "--cell", "delta[0,0]", "--cell", "filter", "--format", "json")[1])["checks"]
    names = [f"{check['name']}{cell_text(check['cell'])}" for check in found]
    assert names == ["delta[0,0]", *(f"filter_gradient[{i},{j}]" for i in (0, 1) for j in (0, 1))]


def test_a_bias_of_no_dimensions_is_a_cell(call):
    code, out, _ = call(*SIX, "--set", "bias=0.5", "--cell", "bias", "--format", "json")
    (check,) = document(out)["checks"]
    assert (code, check["name"], check["cell"]) == (0, "bias_gradient", [])


def test_a_kink_is_said_and_no_failure(call):
    code, out, _ = call(*SIX, "--set", "target=[[1,1],[0,1]]", "--cell", "delta[0,1]")
    assert code == 0
    assert re.search(r"^  delta\[0,1\] +cell +0 +-0\.49999\d* +0\.5 +kink$", out, re.MULTILINE)
    assert "Within the step lies a kink of relu: pre_activation[0,1] = 0." in out


@pytest.mark.parametrize("width", ["20", "40", "80", "200"])
def test_pages_keep_to_their_width(call, width):
    _, out, _ = call("gradcheck", "--sample", "channels", "--cells", "--width", width)
    longest = max(out.splitlines(), key=len)
    assert len(longest) <= max(40, int(width))


def test_a_trace_is_checked_as_it_stands(call, tmp_path):
    trace = json.loads(call("run", "--sample", "sigmoid", "--iters", "3", "--format", "json")[1])
    (tmp_path / "right.json").write_text(json.dumps(trace))
    assert call("gradcheck", "right.json", "--iter", "2")[0] == 0
    trace["iterations"][1]["filter_gradient"][0][1] *= 1.001
    (tmp_path / "wrong.json").write_text(json.dumps(trace))
    assert call("gradcheck", "wrong.json", "--iter", "1")[0] == 0
    code, out, _ = call("gradcheck", "wrong.json", "--iter", "2", "--cells")
    assert code == 1
    assert re.search(r"^  filter_gradient\[0,1\] .* disagrees$", out, re.MULTILINE)
    assert re.search(r"^  filter_gradient\[0,0\] .* agrees$", out, re.MULTILINE)


# Beside another program


def test_against_a_file_that_agrees(call, tmp_path):
    (tmp_path / "mine.yaml").write_text("filter_gradient: [[2, -2], [0, 2]]\nloss: 2.0\n")
    code, out, err = call(*SIX, "--against", "mine.yaml")
    assert (code, err) == (0, "")
    assert "── 2 of 2 quantities agree ──" in out


def test_against_a_file_that_does_not(call, tmp_path):
    (tmp_path / "mine.json").write_text('{"filter_gradient": [[2, -2], [0, 2]], "new_filter": [[2, -2], [1, 2]]}')
    code, out, err = call(*SIX, "--against", "mine.json")
    assert (code, err) == (1, "")
    assert "The place to look is new_filter" in out
    code, out, _ = call(*SIX, "--against", "mine.json", "--format", "json")
    found = document(out)
    assert (code, found["agrees"], found["against"], found["first_wrong"]) == (1, False, "mine.json", "new_filter")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_against_a_trace(call, tmp_path, form):
    (tmp_path / "trace").write_text(call("run", "--sample", "question", "--format", form)[1])
    for iteration in ("1", "7", "last"):
        code, out, _ = call(*SIX, "--against", "trace", "--iter", iteration)
        assert code == 0
        assert "── 12 of 12 quantities agree ──" in out
    assert call(*SIX, "--lr", "0.1", "--against", "trace", "--iter", "2")[0] == 1


def test_the_file_may_name_its_iteration(call, tmp_path):
    (tmp_path / "mine.yaml").write_text("attempt:\n  iteration: 2\n  delta: [[0, -1], [0, 0]]\n")
    _, out, _ = call(*SIX, "--against", "mine.yaml", "--format", "json")
    assert document(out)["iteration"] == 2
    message = "convstep: --iter 1: the numbers in mine.yaml are of iteration 2\n"
    assert call(*SIX, "--against", "mine.yaml", "--iter", "1") == (2, "", message)


def test_against_standard_input():
    code, out, err = answer(*SIX, "--against", "-", given='{"loss": 2}')
    assert (code, err) == (0, "")
    assert "── Iteration 1 beside <stdin> ──" in out


HAS = "filter, pre_activation, output, error, loss, output_gradient, activation_slope, delta, filter_gradient, "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"detla": 3}', "mine.json:1:2: detla: unknown key; did you mean delta?"),
        (
            '{"bias": 3}',
            f"mine.json: bias: this problem has none; it has {HAS}input_gradient, filter_update and new_filter",
        ),
        (
            '{"delta": [[1, 2], [3]]}',
            "mine.json:1:20: delta[1]: row 1 has 1 number and row 0 has 2; every row of a matrix needs the same length",
        ),
        (
            '{"delta": [[1, 2], null]}',
            "mine.json:1:11: delta: expected null in place of single numbers only, not of rows",
        ),
        (
            '{"attempt": {"delta": [[1, "x"], [3, 4]]}}',
            'mine.json:1:28: attempt.delta[0,1]: expected a number or null, found text "x"',
        ),
        ('{"delta": [[1, NaN], [3, 4]]}', "mine.json:1:16: delta[0,1]: expected a number or null, found NaN"),
        (
            '{"attempt": [{"loss": 1}, {"loss": 2}]}',
            "mine.json:1:13: attempt: expected the quantities of one iteration, found a list",
        ),
        ('{"iteration": 1}', "mine.json:1:1: expected quantities, such as delta and filter_gradient; found none"),
        ("{}", "mine.json:1:1: expected quantities, such as delta and filter_gradient; found none"),
        ('{"delta": ', "mine.json:1:11: not readable as JSON: expected a value, found the end of the text"),
    ],
)
def test_a_file_that_holds_no_quantities(call, tmp_path, text, message):
    (tmp_path / "mine.json").write_text(text)
    assert call(*SIX, "--against", "mine.json") == (2, "", f"convstep: {message}\n")


def test_a_wrong_shape_is_evidence_and_no_error(call, tmp_path):
    (tmp_path / "mine.json").write_text('{"delta": [[1, 2, 3], [1, 2, 3], [1, 2, 3]]}')
    code, out, _ = call(*SIX, "--against", "mine.json")
    assert code == 1
    assert "has shape 3×3, expected 2×2" in out


# Beside PyTorch


@pytest.mark.parametrize("arguments", [(), ("--iter", "5"), ("--iter", "last")])
@pytest.mark.parametrize("name", NAMES)
def test_against_torch(call, name, arguments):
    pytest.importorskip("torch")
    code, out, err = call(
        "gradcheck", "--sample", name, "--against", "torch", *(arguments * (name not in ("textbook", "answer-attempt")))
    )
    assert (code, err) == (0, "")
    assert re.search(r"^── as PyTorch: all \d+, within [\d.e]+ ulp ─+$", out, re.MULTILINE)


def test_against_torch_as_json(call):
    pytest.importorskip("torch")
    found = document(call(*SIX, "--against", "torch", "--format", "json")[1])
    assert (found["agrees"], found["against"]) == (True, "torch")
    assert {check["kind"] for check in found["checks"]} == {"torch"}


def test_without_torch_one_line_says_so(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = "--against torch needs PyTorch, which is not installed: pip install torch (a CPU build is enough)"
    assert call(*SIX, "--against", "torch") == (2, "", f"convstep: {message}\n")


# Command lines that cannot be obeyed

ALONE = "--against takes no differences; it does not go with --cells, --cell, --directions or --seed"
GRADIENTS = "output_gradient, delta, filter_gradient and input_gradient"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--against", "torch", "--cells"), ALONE),
        (("--against", "torch", "--cell", "delta[0,0]"), ALONE),
        (("--against", "torch", "--directions", "3"), ALONE),
        (("--against", "torch", "--seed", "0"), ALONE),
        (("--against", "missing.json"), "missing.json: no such file"),
        (("--cells", "--cell", "delta[0,0]"), "give --cells or --cell, not both"),
        (("--iter", "1,2"), "--iter '1,2': expected one iteration, as in --iter 3 or --iter last"),
        (("--iter", "1-2"), "--iter '1-2': expected one iteration, as in --iter 3 or --iter last"),
        (("--iter", "0"), "--iter '0': expected iterations counted from 1, such as 1,5,10-12,last"),
        (("--iter", "99"), "iteration 99 was not reached: there are only 35 iterations"),
        (("--cell", "filter[2,0]"), "filter_gradient has no cell [2,0]; its last is filter_gradient[1,1]"),
        (("--cell", "bias"), f"there is no bias_gradient to check here; there is {GRADIENTS}"),
        (("--cell", "fliter[0,0]"), f"there is no fliter to check here; there is {GRADIENTS}"),
        (
            ("--cell", "[0,0]"),
            "--cell '[0,0]': expected a quantity and indices, such as 'filter_gradient[0,1]' or loss",
        ),
    ],
)
def test_one_line_says_what_is_wrong(call, arguments, message):
    assert call(*SIX, *arguments) == (2, "", f"convstep: {message}\n")


def test_help_and_json_import_nothing_that_they_do_not_need():
    assert imported("gradcheck", "--help") == set()
    assert imported(*SIX, "--format", "json") <= {"numpy", "yaml"}
