"""What is imported for which command, and how much memory a long run takes."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from program import NO_FILE, answer, environment

HEAVY = ("numpy", "rich", "yaml", "scipy", "torch")


def imported(*arguments: str) -> set[str]:
    """Which of the heavy packages the command imports."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from convstep.__main__ import main\n"
        f"main({list(arguments)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment(), timeout=60, check=False
    )
    assert done.returncode == 0
    names = {name.partition(".")[0] for name in done.stderr.removeprefix(NO_FILE).split()}
    assert "convstep" in names
    return names & set(HEAVY)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("run", "--help"), ("samples",), ("samples", "linear")]
)
def test_what_needs_no_numbers_imports_nothing_heavy(arguments):
    assert imported(*arguments) == set()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_written_without_rich(form):
    assert imported("run", "--format", form) <= {"numpy", "yaml"}


def test_a_json_problem_needs_no_yaml(tmp_path):
    (tmp_path / "problem.json").write_text('{"input": [[1, 2]], "filter": [[3]]}')
    assert imported("run", str(tmp_path / "problem.json"), "--format", "json") == {"numpy"}
    assert imported("run", str(tmp_path / "problem.json")) == {"numpy", "rich"}


def peak(iterations: int, *arguments: str) -> int:
    """The most memory that a run of so many iterations takes, in bytes."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = [sys.executable, "-m", "convstep", "run", "--sample", "sigmoid", "--lr", "1e-9", "--set", "stop.gradient=0"]
    command = [sys.executable, "-c", code, *run, "--set", "stop.loss=0", "--iters", str(iterations), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment(), timeout=120, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(("arguments", "most"), [(("--format", "jsonl"), 50_000), ((), 50_000)])
def test_memory_does_not_grow_with_the_iterations(arguments, most):
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    few, many = peak(1_000, *arguments), peak(most, *arguments)
    assert many < few + 4 * 2**20


def test_a_long_run_shows_no_progress_in_a_pipe():
    code, out, err = answer(
        "run", "--sample", "sigmoid", "--lr", "1e-9", "--set", "stop.gradient=0", "--iters", "60000", "--quiet"
    )
    assert (code, err) == (0, "")
    assert out.startswith("── stopped after 60000 iterations")
