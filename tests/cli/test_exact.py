"""``--exact`` and ``--max-digits`` on the commands that know them, and what the others say."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from program import answer

from cli.test_start_up import imported

QUESTION = ("--sample", "question", "--exact")
NEAR_ZERO = """input: [[0.1, 0.2, 0.3], [1, 1, 1]]
filter: [[1, 1, -1]]
target: [[1], [0]]
learning_rate: 0.5
stop: {iterations: 1}
"""


def test_a_run_in_fractions(call):
    code, out, err = call("run", *QUESTION, "--lr", "0.1")
    assert (code, err) == (0, "")
    assert "learning_rate 0.1\nexact: in fractions\n" in out
    assert "── converged after 131 iterations ─" in out
    assert "longest fraction: 260 digits" in out
    assert re.search(r"^ +iteration +loss +max gradient +slope 0 +digits", out, re.MULTILINE)
    assert re.search(r"^ +5 +0\.41646156 +0\.7426 +1 +8", out, re.MULTILINE)
    assert "≈" not in out
    assert "rounded" not in out


def test_the_file_may_ask_for_it(call, tmp_path):
    (tmp_path / "p.yaml").write_text("input: [[0.1, '1/3']]\nfilter: [[3, 3]]\nexact: true\n")
    code, out, _ = call("run", "p.yaml", "--format", "json")
    assert code == 0
    document = json.loads(out)
    assert document["problem"]["input"] == [["1/10", "1/3"]]
    assert document["problem"]["exact"] is True
    assert document["iterations"][0]["pre_activation"] == [["13/10"]]
    code, out, _ = call("run", "p.yaml", "--set", "exact=false", "--format", "json")
    assert json.loads(out)["problem"]["exact"] is False


def test_every_digit_of_a_setting_counts(call):
    rate = "0.12345678901234567890123456789"
    code, out, _ = call("run", *QUESTION, "--lr", rate, "--iters", "1", "--format", "json")
    assert code == 0
    document = json.loads(out)
    assert Fraction(document["problem"]["learning_rate"]) == Fraction(rate)
    assert Fraction(document["iterations"][0]["filter_update"][0][0]) == -2 * Fraction(rate)


def test_the_digits_are_bounded(call):
    code, out, err = call("run", "--sample", "question", "--lr", "0.1", "--max-digits", "30", "--quiet")
    assert (code, err) == (0, "")
    assert "── stopped after 15 iterations ─" in out
    assert "The fractions have grown too long: the next iteration needs 32 digits, and\n  max_digits is 30;" in out
    code, out, _ = call("run", "--sample", "question", "--lr", "0.1", "--max-digits", "30", "--format", "json")
    document = json.loads(out)
    assert document["problem"]["exact"] == {"max_digits": 30}
    assert document["result"]["status"] == "stopped"
    assert len(document["iterations"]) == 15
    assert call("run", *QUESTION, "--max-digits", "0")[0] == 2
    assert call("run", *QUESTION, "--max-digits", "1401")[0] == 2


def test_a_first_iteration_that_is_too_long_is_one_error(call):
    code, out, err = call("run", *QUESTION, "--max-digits", "20", "--set", "filter[0,0]=1e-15")
    assert (code, out) == (2, "")
    assert err == "convstep: iteration 1 needs fractions of 31 digits; allowed are 20: --max-digits goes up to 1400\n"


@pytest.mark.parametrize("command", ["run", "explain", "why", "gradcheck"])
def test_what_leaves_the_fractions_is_one_error(call, command):
    code, out, err = call(command, "--sample", "sigmoid", "--exact")
    assert (code, out) == (2, "")
    assert err == (
        "convstep: --set exact=true: activation: sigmoid makes no fractions out of fractions; "
        "with exact use relu, linear or leaky_relu\n"
    )


def test_a_trace_is_shown_again_and_fed_back(call, tmp_path):
    _, text, _ = call("run", *QUESTION, "--lr", "1/7", "--iters", "9", "--format", "json")
    (tmp_path / "trace.json").write_text(text)
    assert call("run", "trace.json", "--format", "json") == (0, text, "")
    _, lines, _ = call("run", "trace.json", "--format", "jsonl")
    (tmp_path / "trace.jsonl").write_text(lines)
    assert call("run", "trace.jsonl", "--format", "json") == (0, text, "")
    (tmp_path / "problem.json").write_text(json.dumps(json.loads(text)["problem"]))
    assert call("run", "problem.json", "--format", "json") == (0, text, "")
    pages = [call("explain", *source, "--iter", "9", "--format", "json") for source in (
        ("trace.json",), ("trace.jsonl",), ("problem.json",), (*QUESTION, "--lr", "1/7"))]  # fmt: skip
    assert pages[0][0] == 0
    assert all(page == pages[0] for page in pages)


@pytest.mark.parametrize("wrong", ['"1/0"', '"a"', "null", '"1e999999"', "[1]", "true"])
def test_a_trace_with_a_number_that_is_none_is_one_error(call, tmp_path, wrong):
    _, text, _ = call("run", *QUESTION, "--iters", "2", "--format", "json")
    broken = text.replace('"loss": 2,', f'"loss": {wrong},', 1)
    assert broken != text
    (tmp_path / "trace.json").write_text(broken)
    code, out, err = call("run", "trace.json", "--iter", "1", "--show", "delta")
    assert code == 2 or wrong == "true"
    assert err.count("\n") <= 1
    assert "Traceback" not in out + err


def test_explain_never_approximates(call):
    for iteration in ("2", "last"):
        code, out, err = call("explain", *QUESTION, "--lr", "0.3", "--iter", iteration, "--all-cells")
        assert (code, err) == (0, "")
        assert "≈" not in out
    _, out, _ = call("explain", *QUESTION, "--lr", "1/3", "--iter", "2", "--cell", "loss")
    assert "= ½·(2/3)² + ½·0² + ½·0² + ½·0²" not in out
    assert re.search(r"= ½·\S+² \+ ½·\S+² \+ ½·\S+² \+ ½·\S+²\n +=", out)


def test_the_last_run_is_remembered_with_its_fractions(call):
    call("run", *QUESTION, "--lr", "1/3", "--quiet")
    code, out, _ = call("explain", "--iter", "2", "--cell", "new_filter[0,0]")
    assert code == 0
    assert "exact: in fractions" in out
    code, out, _ = call("gradcheck")
    assert code == 0
    assert "by difference quotients in fractions" in out


def test_why_says_how_the_exact_run_ended(call):
    code, out, err = call("why", *QUESTION)
    assert (code, err) == (0, "")
    assert "── dead after 35 iterations ─" in out
    assert "convstep run --sample question --set exact=true --lr 0.1459" in out
    code, out, _ = call("why", *QUESTION, "--lr", "1/3", "--iters", "3", "--format", "json")
    assert code == 0
    assert isinstance(json.loads(out)["facts"][0]["values"]["loss"], str)


def test_gradcheck_allows_nothing(call):
    code, out, err = call("gradcheck", *QUESTION, "--cells", "--iter", "5", "--format", "json")
    assert (code, err) == (0, "")
    checks = json.loads(out)["checks"]
    assert {check["tolerance"] for check in checks} == {0}
    assert all(check["difference"] == 0 for check in checks if not check["kink"])


def test_gradcheck_against_a_file_compares_in_floats(call, tmp_path):
    _, text, _ = call("run", *QUESTION, "--lr", "1/7", "--format", "json")
    (tmp_path / "trace.json").write_text(text)
    code, out, _ = call("gradcheck", "--sample", "question", "--lr", "1/7", "--iter", "4", "--against", "trace.json")
    assert code == 0
    assert "agree" in out
    code, out, _ = call("gradcheck", *QUESTION, "--lr", "1/7", "--iter", "4", "--against", "trace.json")
    assert code == 0


def test_sweep_calculates_in_floats_and_says_so(call):
    code, out, err = call("sweep", "--sample", "question", "--set", "exact=true")
    assert (code, out) == (2, "")
    assert err == (
        "convstep: sweep calculates in floats, and this problem is exact; --set exact=false sweeps it in floats\n"
    )


def test_a_session_goes_back_and_branches_in_fractions():
    commands = "\n\njump 9\nback\nexplain delta[0,0]\nset learning_rate 1/7\n\nuntil loss < 0.01\nback\nq\n"
    code, out, err = answer("run", *QUESTION, "--lr", "0.1", "--step", given=commands)
    assert code == 0
    assert "Traceback" not in err
    assert "── Iteration 9 ─" in out
    assert "branch 1: learning_rate=1/7" in out
    assert "≈" not in out


def test_a_z_within_rounding_of_0_gets_one_quiet_note(call, tmp_path):
    (tmp_path / "p.yaml").write_text(NEAR_ZERO)
    code, out, err = call("run", "p.yaml")
    assert (code, err) == (0, "")
    note = (
        "  In iteration 1 pre_activation[0,0] is 5.55112e-17, within rounding of 0; the\n"
        "  slope taken is 1. In fractions (--exact) it is exactly 0, and the slope 0.\n"
    )
    assert out.endswith("\n\n" + note)
    assert call("run", "p.yaml", "--quiet")[1].endswith("\n\n" + note)
    assert "rounding of 0" not in call("run", "p.yaml", "--set", "activation=linear")[1]
    assert "rounding of 0" not in call("run", "p.yaml", "--exact")[1]
    assert "rounding" not in call("run", "p.yaml", "--format", "jsonl")[1]
    # What no fraction can decide is said all the same.
    out = call("run", "p.yaml", "--set", "optimizer=adam", "--quiet")[1]
    assert out.endswith("within rounding of 0; the\n  slope taken is 1.\n")


def test_the_note_reads_standard_input_once():
    code, out, err = answer("run", "-", "--quiet", given=NEAR_ZERO)
    assert (code, err) == (0, "")
    assert "In fractions (--exact) it is exactly 0" in out


def test_a_run_in_floats_imports_no_fractions():
    assert "fractions" not in _modules("run", "--sample", "question", "--lr", "0.1", "--quiet")
    assert "fractions" in _modules("run", *QUESTION, "--quiet")
    assert imported("run", *QUESTION, "--format", "json") <= {"numpy", "yaml"}


def _modules(*arguments: str) -> set[str]:
    import subprocess
    import sys

    from program import environment

    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from convstep.__main__ import main\n"
        f"main({list(arguments)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment(), timeout=60, check=True
    )
    return set(done.stderr.split())
