"""Every option of ``convstep run`` does what its help says."""

from __future__ import annotations

import json
import re

import pytest
from program import NO_FILE, answer, environment

SIX = ("run", "--sample", "question")


def pages(text: str) -> list[int]:
    """The iterations that are shown in full."""
    return [int(found) for found in re.findall(r"^── Iteration (\d+) ─", text, re.MULTILINE)]


def outcome(text: str) -> str:
    """The headline of the outcome."""
    (found,) = re.findall(r"^── (\w+ after \d+ iterations?) ─", text, re.MULTILINE)
    return found


def test_no_file_runs_the_sample_and_says_so_in_one_line(call):
    code, out, err = call("run")
    assert (code, err) == (0, NO_FILE)
    assert outcome(out) == "dead after 35 iterations"
    assert call(*SIX) == (0, out, "")


def test_the_default_shows_first_and_last_in_full_and_fits_about_100_lines(call):
    _, out, _ = call(*SIX)
    assert pages(out) == [1, 35]
    assert len(out.splitlines()) <= 100
    assert "dead after 35 iterations" in "\n".join(out.splitlines()[-24:])


def test_a_file(call, tmp_path):
    (tmp_path / "mine.json").write_text('{"title": "Mine", "input": [[1, 2]], "filter": [[3]]}')
    code, out, err = call("run", "mine.json")
    assert (code, err) == (0, "")
    assert out.startswith("mine.json · Mine\ninput 1×2 · filter 1×1 · relu\n")


@pytest.mark.parametrize("text", ['{"input": [[1, 2]], "filter": [[3]]}', "input: [[1, 2]]\nfilter: [[3]]\n"])
def test_standard_input_in_either_format(text):
    code, out, err = answer("run", "-", given=text)
    assert (code, err) == (0, "")
    assert out.startswith("<stdin>\ninput 1×2 · filter 1×1 · relu\n")


def test_lr_and_iters_are_short_for_set(call):
    short = call(*SIX, "--lr", "0.1", "--iters", "7")
    assert short == call(*SIX, "--set", "learning_rate=0.1", "--set", "stop.iterations=7")
    assert outcome(short[1]) == "stopped after 7 iterations"
    assert "learning_rate 0.1\n" in short[1]


def test_set_changes_any_key_and_the_last_one_wins(call):
    _, out, _ = call(
        *SIX, "--format", "json", "--iter", "1",
        "--set", "activation=linear", "--set", "filter=[[1,0],[0,1]]", "--set", "filter[0,1]=2", "--set", "stride=9",
        "--set", "stride=1",
    )  # fmt: skip
    problem = json.loads(out)["problem"]
    assert problem["activation"] == "linear"
    assert problem["filter"] == [[1, 2], [0, 1]]
    assert problem["stride"] == 1


@pytest.mark.parametrize(
    ("choice", "shown"),
    [("1", [1]), ("1,5,10-12,last", [1, 5, 10, 11, 12, 35]), ("last", [35]), ("35,last", [35]), (" 2 , 3 ", [2, 3])],
)
def test_iter_shows_these_and_the_outcome(call, choice, shown):
    code, out, err = call(*SIX, "--iter", choice)
    assert (code, pages(out), err) == (0, shown, "")
    assert outcome(out) == "dead after 35 iterations"


def test_iter_narrows_json_which_then_says_partial(call):
    whole = json.loads(call(*SIX, "--format", "json")[1])
    part = json.loads(call(*SIX, "--format", "json", "--iter", "2,4-5,last")[1])
    assert "partial" not in whole
    assert part["partial"] is True
    assert part["iterations"] == [whole["iterations"][number - 1] for number in (2, 4, 5, 35)]
    assert part["result"] == whole["result"]


def test_iter_narrows_lines(call):
    lines = [json.loads(line) for line in call(*SIX, "--format", "jsonl", "--iter", "3,last")[1].splitlines()]
    assert [line["type"] for line in lines] == ["problem", "iteration", "iteration", "result"]
    assert lines[0]["partial"] is True
    assert [line["iteration"] for line in lines[1:3]] == [3, 35]


def test_show_narrows_pages_and_json(call):
    _, out, _ = call(*SIX, "--show", "filter_gradient, delta", "--iter", "1")
    page = out[out.index("── Iteration") : out.index("── dead")]
    assert re.findall(r"[a-z]+(?:_[a-z]+)* (?=[δ∂])", page) == ["delta ", "filter_gradient "]
    part = json.loads(call(*SIX, "--show", "delta,filter_gradient", "--format", "json")[1])
    assert part["partial"] is True
    assert [list(step) for step in part["iterations"]] == [["iteration", "delta", "filter_gradient"]] * 35


def test_all_shows_every_iteration(call):
    assert pages(call(*SIX, "--all")[1]) == list(range(1, 36))


@pytest.mark.parametrize("option", ["--quiet", "-q"])
def test_quiet_shows_only_the_outcome(call, option):
    whole = call(*SIX)[1]
    out = call(*SIX, option)[1]
    assert out.startswith("── dead after 35 iterations ─")
    assert whole.endswith(out)


def test_digits(call):
    assert "⎡ -0.0663  -0.0998 ⎤" in call(*SIX, "--quiet", "--digits", "3")[1]
    final = json.loads(call(*SIX, "--format", "json")[1])["result"]["filter"][0]
    assert f"⎡ {final[0]:.9g}  {final[1]:.9g} ⎤" in call(*SIX, "--quiet", "--digits", "9")[1]
    assert "rounded to 3 digits" in call(*SIX, "--digits", "3")[1]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_width_is_used_and_kept(call, width):
    lines = call(*SIX, "--width", str(width))[1].splitlines()
    assert max(map(len, lines)) == width


def test_columns_is_honoured_and_width_wins():
    narrow = environment(COLUMNS="50")
    assert max(map(len, answer(*SIX, env=narrow)[1].splitlines())) == 50
    assert max(map(len, answer(*SIX, "--width", "60", env=narrow)[1].splitlines())) == 60
    assert max(map(len, answer(*SIX, env=environment(COLUMNS="nonsense"))[1].splitlines())) == 80


def test_color_only_where_it_is_wanted(call, monkeypatch):
    plain = call(*SIX)[1]
    coloured = call(*SIX, "--color", "always")[1]
    assert "\x1b[" not in plain
    assert plain == call(*SIX, "--color", "never")[1]
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain != coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert call(*SIX)[1] == plain
    assert call(*SIX, "--color", "always")[1] == coloured


def test_marks_survive_no_color_and_a_pipe():
    code, out, err = answer(*SIX, "--iter", "2", env=environment(NO_COLOR="1"))
    assert (code, err) == (0, "")
    assert all(mark in out for mark in ("× slope 0", "° z is exactly 0", "* changed since", "×*"))


def test_all_cells(call, tmp_path):
    rows = [[row * 30 + column for column in range(30)] for row in range(20)]
    (tmp_path / "large.json").write_text(json.dumps({"input": rows, "filter": [[1]]}))
    assert "…" in call("run", "large.json")[1]
    whole = call("run", "large.json", "--all-cells", "--width", "300")[1]
    assert "…" not in whole
    assert all(re.search(rf"\b{cell}\b", whole) for row in rows for cell in row)


def test_exit_code(call):
    assert call(*SIX, "--exit-code", "--quiet")[0] == 1
    assert call(*SIX, "--quiet")[0] == 0
    assert call("run", "--sample", "question-converges", "--exit-code", "--quiet")[0] == 0
    assert call(*SIX, "--exit-code", "--format", "json")[0] == 1


def test_only_json_goes_to_standard_output():
    code, out, err = answer("run", "--format", "json")
    assert (code, err) == (0, NO_FILE)
    assert list(json.loads(out)) == ["format", "version", "problem", "iterations", "result"]


def test_help_and_version(call):
    from convstep import __version__

    assert call("--version") == call("-V") == (0, f"convstep {__version__}\n", "")
    assert call() == call("--help") == call("-h")
    assert call()[1].startswith("Usage: convstep [OPTIONS] COMMAND [ARGS]...\n")
    assert call("run", "-h") == call("run", "--help")
    assert call("run", "-h")[1].startswith("Usage: convstep run [OPTIONS] [FILE]\n")
