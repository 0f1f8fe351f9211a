"""Completion as the shells ask for it: through _CONVSTEP_COMPLETE."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from program import NAMES, START, environment

from convstep.problem.keys import KEYS
from convstep.quantities import QUANTITIES

SHELLS = ("bash", "zsh", "fish")


def completed(shell: str, *words: str) -> list[str]:
    """What the shell is offered for the last of the words."""
    line = ["convstep", *words]
    told = {"COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    if shell == "fish":
        told["COMP_CWORD"] = words[-1]
    env = environment(_CONVSTEP_COMPLETE=f"{shell}_complete", **told)
    done = subprocess.run([*START], env=env, capture_output=True, text=True, encoding="utf-8", timeout=30, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    if shell == "zsh":
        return lines[1::3]  # a kind, a word and its help, a line each
    return [line.partition(",")[2].partition("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ex",), ["explain"]),
        (("explain", "--all-t"), ["--all-terms"]),
        (("explain", "--quantity", "filter_g"), ["filter_gradient", "filter_gradient_average"]),
        (("explain", "--cell", "new_"), ["new_filter", "new_bias"]),
        (("run", "--show", "delta,new_f"), ["delta,new_filter"]),
        (
            ("explain", "--sample", "question"),
            ["question", "question-attempt", "question-converges", "question-oscillates"],
        ),
        (("run", "--set", "pad"), ["padding="]),
        (("explain", "--set", "stop."), ["stop.iterations=", "stop.loss=", "stop.gradient="]),
        (("explain", "--format", "j"), ["json"]),
    ],
)
def test_each_shell_is_offered_what_fits(shell, words, offered):
    assert completed(shell, *words) == offered


def test_all_names_are_offered():
    assert completed("bash", "explain", "--quantity", "") == list(QUANTITIES)
    assert sorted(completed("bash", "run", "--sample", "")) == NAMES
    assert {f"{key}=" for key in KEYS} <= set(completed("bash", "run", "--set", ""))
    options = set(completed("bash", "explain", "--"))
    assert {"--iter", "--quantity", "--cell", "--all-terms", "--format", "--set", "--lr", "--width"} <= options


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell(shell):
    env = environment(_CONVSTEP_COMPLETE=f"{shell}_source")
    done = subprocess.run([*START], env=env, capture_output=True, text=True, encoding="utf-8", timeout=30, check=False)
    assert done.stderr == ""
    assert f"_CONVSTEP_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        check = subprocess.run(
            [shell, "-n"], input=done.stdout, capture_output=True, text=True, timeout=30, check=False
        )
        assert (check.returncode, check.stderr) == (0, "")
