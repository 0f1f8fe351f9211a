"""``convstep explain``: what is asked for, what is answered, and every complaint to the character."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest
from program import NAMES, answer

import convstep
from convstep.cli.explain import Question, parse_question

QUESTION = ("explain", "--sample", "question")
HEAD = "sample question · The filter that would not learn\n"


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    """Nothing that was run elsewhere is remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def equations(page: str) -> list[str]:
    """The names of the cells that a page explains."""
    return re.findall(r"^  ([a-z_]+(?:\[[\d,]+\])?)(?= =|$)", page, re.MULTILINE)


def test_the_calculation_as_one_would_do_it_with_a_pencil(call):
    code, out, err = call(*QUESTION, "--iter", "1")
    assert (code, err) == (0, "")
    assert out.startswith(HEAD)
    assert (
        "  pre_activation[1,0] = input[1,0]·filter[0,0] + input[1,1]·filter[0,1]\n"
        "                        + input[2,0]·filter[1,0] + input[2,1]·filter[1,1]\n"
        "                      = 0·1 + 1·(−1) + 0·1 + (−1)·1\n"
        "                      = −2\n"
    ) in out


def test_groups_stand_in_the_order_of_the_calculation(call):
    _, out, _ = call(*QUESTION)
    step = next(iter(convstep.descend(convstep.load({"input": [[1]], "filter": [[1]], "target": [[1]],
                                                     "learning_rate": 1}))))  # fmt: skip
    assert re.findall(r"^([a-z_]+)(?:   .*)?$", out, re.MULTILINE) == list(step)


def test_iteration_1_is_what_is_explained_by_default(call):
    assert call(*QUESTION) == call(*QUESTION, "--iter", "1")


def test_iterations_are_named_as_in_run(call):
    _, out, _ = call(*QUESTION, "--iter", "1,3-4,last", "--quantity", "loss")
    assert [int(found) for found in re.findall(r"── Iteration (\d+) ─", out)] == [1, 3, 4, 35]


@pytest.mark.parametrize("ask", [("--cell", "delta[0,1]"), ("--cell", " delta[0, 1] "), ("--cell", "delta[0][1]"),
                                 ("--quantity", "delta", "--cell", "[0,1]"),
                                 ("--quantity", "delta", "--cell", "delta[0,1]")])  # fmt: skip
def test_one_cell_however_it_is_written(call, ask):
    _, out, _ = call(*QUESTION, *ask)
    assert "── delta[0,1] in iteration 1 ─" in out
    assert equations(out) == ["delta[0,1]"]


def test_one_cell_in_several_iterations(call):
    _, out, _ = call(*QUESTION, "--cell", "loss", "--iter", "1,2")
    assert "       = 2\n\n── loss in iteration 2 ─" in out
    assert not out.endswith("\n\n")


def test_one_quantity(call):
    _, out, _ = call(*QUESTION, "--quantity", "delta")
    assert equations(out) == ["delta[0,0]", "delta[0,1]", "delta[1,0]", "delta[1,1]"]


def test_a_single_number_needs_no_index(call):
    _, out, _ = call(*QUESTION, "--cell", "loss")
    assert "loss = ½·error[0,0]² + ½·error[0,1]² + ½·error[1,0]² + ½·error[1,1]²" in out


@pytest.mark.parametrize("width", [40, 80, 200])
def test_width_and_digits(call, width):
    _, out, _ = call("explain", "--sample", "sigmoid", "--width", str(width), "--digits", "3", "--quantity", "output")
    assert max(map(len, out.splitlines())) <= width
    assert "0.731" in out
    assert "Rounded to 3 digits" in " ".join(out.split())


def test_columns_and_colours(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = call(*QUESTION)
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) == 60
    _, coloured, _ = call(*QUESTION, "--color", "always")
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == out


def test_settings_change_the_problem(call):
    _, out, _ = call(*QUESTION, "--lr", "0.25", "--set", "filter[0,0]=2", "--cell", "new_filter[0,0]")
    assert "new_filter[0,0] = filter[0,0] + filter_update[0,0] = 2 + (−1) = 1" in out


def test_a_forward_pass_alone(call, tmp_path):
    (tmp_path / "forward.json").write_text('{"input": [[1, 2]], "filter": [[3]], "bias": 1}')
    _, out, _ = call("explain", "forward.json")
    assert equations(out) == ["pre_activation[0,0]", "pre_activation[0,1]", "output[0,0]", "output[0,1]"]
    assert "pre_activation[0,1] = input[0,1]·filter[0,0] + bias = 2·3 + 1 = 7" in out


def test_long_sums_whole_or_not(call, tmp_path):
    (tmp_path / "long.json").write_text(json.dumps({"input": [[1] * 50], "filter": [[2] * 50]}))
    assert "(41 more terms: 82)" in call("explain", "long.json")[1]
    assert "more terms" not in call("explain", "long.json", "--all-terms")[1]


def test_large_quantities_whole_or_not(call, tmp_path):
    (tmp_path / "large.json").write_text(json.dumps({"input": [[1] * 50], "filter": [[2]]}))
    assert len(equations(call("explain", "large.json", "--quantity", "output")[1])) == 1
    assert len(equations(call("explain", "large.json", "--quantity", "output", "--all-cells")[1])) == 50


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_explained(call, name):
    code, out, err = call("explain", "--sample", name, "--iter", "1,last")
    assert (code, err) == (0, "")
    assert "−nan" not in out


@pytest.mark.parametrize("name", NAMES)
def test_json_holds_every_number(call, name):
    code, out, err = call("explain", "--sample", name, "--format", "json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert list(document) == ["format", "version", "iteration", "cells"]
    trace = json.loads(call("run", "--sample", name, "--iter", "1", "--format", "json")[1])["iterations"][0]
    for cell in document["cells"]:
        assert cell["value"] == np.array(trace[cell["name"]])[tuple(cell["cell"])]
    assert len(document["cells"]) == sum(np.size(value) for key, value in trace.items() if key != "iteration")


def test_json_of_several_iterations_of_one_cell_and_of_its_uses(call):
    document = json.loads(call(*QUESTION, "--iter", "1,2", "--cell", "loss", "--format", "json")[1])
    assert [each["iteration"] for each in document["iterations"]] == [1, 2]
    (cell,) = json.loads(call(*QUESTION, "--cell", "input[1,1]", "--format", "json")[1])["cells"]
    assert [use["cell"] for use in cell["used_by"]] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert cell["used_by"][0]["factor"] == {"name": "filter", "cell": [1, 1], "value": 1}
    assert sum(use["sends_back"]["value"] for use in cell["used_by"]) == cell["gradient"]["value"] == 2
    (cell,) = json.loads(call(*QUESTION, "--cell", "input_gradient[0,0]", "--format", "json")[1])["cells"]
    assert len(cell["terms"]) == 1
    assert [term["factors"][0].get("padding", False) for term in cell["rotated_terms"]] == [True, True, True, False]


def test_json_where_nothing_is_sent_back(call, tmp_path):
    (tmp_path / "forward.json").write_text('{"input": [[1, 2]], "filter": [[3]]}')
    (cell,) = json.loads(call("explain", "forward.json", "--cell", "filter[0,0]", "--format", "json")[1])["cells"]
    assert [(use["cell"], "sends_back" in use) for use in cell["used_by"]] == [([0, 0], False), ([0, 1], False)]
    assert "gradient" not in cell


THERE = "filter, pre_activation, output, error, loss, output_gradient, activation_slope, delta, filter_gradient, " \
        "input_gradient, filter_update, new_filter"  # fmt: skip
SHAPE = "expected a quantity and indices, such as 'filter_gradient[0,1]' or loss"
COMPLAINTS = [
    (("--quantity", "foo"), f"there is no quantity foo; there are {THERE}"),
    (("--quantity", "DELTA"), "there is no quantity DELTA; did you mean delta?"),
    (("--quantity", "bias"), f"this problem has no bias; iteration 1 holds {THERE}"),
    (("--cell", "bias[0]"), f"this problem has no bias; iteration 1 holds {THERE}"),
    (("--quantity", "gradient"), "there is no quantity gradient; did you mean input_gradient?"),
    (("--cell", "w[0,0]"), "there is no quantity w; did you mean filter?"),
    (("--cell", "δ[0,0]"), "there is no quantity δ; did you mean delta?"),
    (("--cell", "delt[0,1]"), "there is no quantity delt; did you mean delta?"),
    (("--cell", "delta[0,2]"), "delta has no cell [0,2]: it takes 2 indices, from 0 up to 1 and 1"),
    (("--cell", "delta[1]"), "delta has no cell [1]: it takes 2 indices, from 0 up to 1 and 1"),
    (("--cell", "delta"), "which cell of delta? it takes 2 indices, from 0 up to 1 and 1: delta[0,0]"),
    (("--cell", "input[3,0]"), "input has no cell [3,0]: it takes 2 indices, from 0 up to 2 and 2"),
    (("--cell", "loss[0]"), "loss is a single number; write it without [0]"),
    (("--cell", "[0,1]"), f"--cell '[0,1]': {SHAPE}"),
    (("--cell", "delta[0,-1]"), f"--cell 'delta[0,-1]': {SHAPE}"),
    (("--cell", "delta(0,1)"), f"--cell 'delta(0,1)': {SHAPE}"),
    (("--cell", ""), f"--cell '': {SHAPE}"),
    (("--cell", "x\x1b[2J"), f"--cell 'x\\x1b[2J': {SHAPE}"),
    (("--cell", "d" * 300), f"--cell '{'d' * 40}': {SHAPE}"),
    (("--quantity", "error", "--cell", "delta[0,1]"), "--cell names delta and --quantity error; give one of them"),
    (("--iter", "36"), "iteration 36 was not reached: there are only 35 iterations"),
    (("--iter", "30-40"), "iteration 36 was not reached: there are only 35 iterations"),
    (("--iter", "2", "--iters", "1"), "iteration 2 was not reached: there is only 1 iteration"),
    (("--iter", "0"), "--iter '0': expected iterations counted from 1, such as 1,5,10-12,last"),
    (("file.yaml",), "give a FILE or --sample, not both"),
    (("--format", "xml"), "Invalid value for '--format': 'xml' is not one of 'table', 'json'; see convstep explain "
     "--help"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), COMPLAINTS)
@pytest.mark.parametrize("form", ["table", "json"])
def test_every_complaint_is_one_line(call, arguments, message, form):
    if "--format" not in arguments:
        arguments = (*arguments, "--format", form)
    assert call(*QUESTION, *arguments) == (2, "", f"convstep: {message}\n")


def test_a_number_in_the_place_of_a_file(call, tmp_path):
    hint = "no such file; to explain that number write"
    assert call("explain", "delta") == (2, "", f"convstep: delta: {hint} --quantity delta\n")
    assert call("explain", "filter[0,1]") == (2, "", f"convstep: filter[0,1]: {hint} --cell 'filter[0,1]'\n")
    assert call("explain", "nothing") == (2, "", "convstep: nothing: no such file\n")
    (tmp_path / "delta").write_text('{"input": [[1]], "filter": [[1]]}')
    assert call("explain", "delta")[0] == 0


@pytest.mark.parametrize(
    ("cell", "question"),
    [("a_b[0,1]", Question("a_b", (0, 1))), ("loss", Question("loss", ())), ("x[1][2,3]", Question("x", (1, 2, 3)))],
)
def test_cells_are_read(cell, question):
    assert parse_question(None, cell) == question


def test_a_closed_pipe_ends_it_quietly():
    import subprocess

    from program import START, environment

    command = " ".join([*START, *QUESTION]) + " | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment(), timeout=60)
    assert (done.stdout, done.stderr) == (HEAD, "")


def test_old_terminals_get_plain_characters():
    from program import environment

    code, out, err = answer(*QUESTION, env=environment(LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", LC_ALL="C"))
    assert (code, err) == (0, "")
    assert out.isascii()
    assert "pre_activation[0,0] = input[0,0].filter[0,0]" in out


@pytest.mark.parametrize("cell", ["pre_activation[5,5]", "filter_gradient[0,0]", "filter[0,0]", "input[9,9]", "loss"])
def test_one_cell_of_a_large_input_comes_at_once(call, tmp_path, cell):
    size = 512  # a quarter of the cells that the promise is about, in half of its second
    np.save(tmp_path / "x.npy", np.random.default_rng(1).normal(size=(size, size)))
    np.save(tmp_path / "g.npy", np.random.default_rng(2).normal(size=(size - 2, size - 2)))
    document = {"input": "x.npy", "filter": {"size": 3, "seed": 1}, "output_gradient": "g.npy", "learning_rate": 0.1}
    (tmp_path / "big.json").write_text(json.dumps(document))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        assert call("explain", "big.json", "--cell", cell)[0] == 0
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5
