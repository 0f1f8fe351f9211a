"""The README is part of the program: its commands run, its transcripts are exact, nothing that exists is missing."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from program import SAMPLES, environment
from readme import README, Command, blocks, commands, install_shim

import convstep
from convstep.cli.main import COMMANDS, cli
from convstep.problem.keys import KEYS
from convstep.quantities import QUANTITIES

TEXT = README.read_text(encoding="utf-8")


def path_with_tools(folder: Path) -> str:
    """The directories of programs: this environment's first, and a jq, real or little."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if shutil.which("jq", path=path):
        return path
    if importlib.util.find_spec("jq") is None:
        pytest.skip("neither the program jq nor the Python package jq is here")
    folder.mkdir()
    install_shim(folder)
    return os.pathsep.join([str(folder), path])


def run(command: str, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line in the shell, its errors among its output as on a terminal."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(PATH=path, HOME=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def complaint(command: Command, done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with a command's run; empty if nothing is."""
    place = f"README.md:{command.line}: $ {command.text}"
    if command.output is None:
        return f"{place}\nexit code {done.returncode}\n{done.stdout}" if done.returncode else ""
    wanted, found = command.output.splitlines(), done.stdout.splitlines()
    return "\n".join(
        [place, *difflib.unified_diff(wanted, found, "README.md", "printed", lineterm="")] * (wanted != found)
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="the README's commands are for a shell, and bash is not here")
def test_every_command_runs_and_prints_what_the_readme_says(tmp_path):
    folder = tmp_path / "readme"
    folder.mkdir()
    path = path_with_tools(tmp_path / "tools")
    every = [command for block in blocks() for command in commands(block)]
    # The lines that set up an environment are run by .ci/run.
    checked = [command for command in every if not command.text.startswith("python3 -m venv")]
    assert len(checked) > 10
    complaints = [complaint(command, run(command.text, folder, path)) for command in checked]
    assert not any(complaints), "\n\n".join(filter(None, complaints))


@pytest.mark.skipif(importlib.util.find_spec("jq") is None, reason="the Python package jq is not here")
@pytest.mark.skipif(shutil.which("jq") is None, reason="the program jq is not here")
def test_the_little_jq_says_what_jq_says(tmp_path):
    install_shim(tmp_path)
    text = '{"a": [1, 0.5, -2], "b": "x<y"}\n{"a": [], "b": "two"}\n'
    for line in ("jq -r .b", "jq -c .a", "jq -c 'select(.b == \"two\") | [.b]'", "jq '.a'"):
        outputs = [
            subprocess.run(
                ["bash", "-c", line], input=text, env={"PATH": path}, capture_output=True, text=True, check=True
            )
            for path in (os.environ["PATH"], f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        ]
        assert outputs[0].stdout == outputs[1].stdout != ""


def test_the_python_example_runs(tmp_path):
    (tmp_path / "problem.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())
    (block,) = [block for block in blocks() if block.language == "python"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("[[2.0, 0.0], [0.0, 0.0]] [[2.0, -2.0], [0.0, 2.0]]\nconverged 131 The loss ")


def test_the_problem_file_is_one(tmp_path):
    (block,) = [block for block in blocks() if block.language == "yaml"]
    (tmp_path / "problem.yaml").write_text(block.text, encoding="utf-8")
    ours, shipped = (convstep.load(path) for path in (tmp_path / "problem.yaml", SAMPLES / "question.yaml"))
    assert ours.title == shipped.title
    assert ours.input.tolist() == shipped.input.tolist()
    assert (ours.activation, ours.learning_rate) == (shipped.activation, shipped.learning_rate)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or (README.parent / target).exists(), target


def test_it_opens_with_what_a_learner_sees():
    head = TEXT[: TEXT.index("## ")]
    assert "```console\n$ convstep run" in head
    assert "── Iteration 1 ──" in head


def every_option() -> list[tuple[str, str]]:
    """Each command with each of its options."""
    context = click.Context(cli)
    found = [("", option) for option in _options(cli)]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found += [(name, option) for option in _options(command)]
    return found


def _options(command: click.Command) -> list[str]:
    return [max(option.opts, key=len) for option in command.params if isinstance(option, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme_and_in_the_help(name):
    assert f"convstep {name}" in TEXT
    assert f"\n  {name} " in cli.get_help(click.Context(cli))


@pytest.mark.parametrize(("name", "option"), every_option())
def test_every_option_is_explained(name, option):
    context = click.Context(cli)
    command = cli.get_command(context, name) if name else cli
    assert command is not None
    text = command.get_help(click.Context(command))
    explained = re.search(rf"^  (?:-\w, )?{option}(?: \S+)?(?: {{2,}}|\n {{10,}})\S", text, re.MULTILINE)
    assert explained or re.search(rf"{option}(?![\w-])", TEXT), f"{option} of convstep {name} is not documented"


def test_every_sample_is_named_by_the_command_that_the_readme_shows():
    assert re.search(r"^convstep samples\b", TEXT, re.MULTILINE)


NOT_YET = ("layers", "attempt")
"""Keys that are known, and wait for what they are for."""


@pytest.mark.parametrize("key", [key for key in KEYS if key not in NOT_YET])
def test_every_key_of_a_problem_is_explained(key):
    table = TEXT[TEXT.index("## The problem file") : TEXT.index("## Every quantity")]
    assert re.search(rf"^\|[^|]*`{key}`[^|]*\|", table, re.MULTILINE)


@pytest.mark.parametrize("status", ["converged", "dead", "stationary", "oscillating", "diverged", "stopped"])
def test_every_status_is_explained(status):
    assert re.search(rf"^\| `{status}` \| \w", TEXT, re.MULTILINE)


OTHER_STATES = re.compile(r"_(largest_square_average|gradient_average)$|^bias_(momentum|square_average)$")
"""States of optimizers that the README sums up with an ellipsis and "the same of `bias`"."""


@pytest.mark.parametrize("name", [name for name in QUANTITIES if not OTHER_STATES.search(name)])
def test_every_quantity_is_explained(name):
    table = TEXT[TEXT.index("## Every quantity") : TEXT.index("## JSON for other tools")]
    assert re.search(rf"^\|[^|]*`{name}`[^|]*\|", table, re.MULTILINE)


@pytest.mark.parametrize("code", [0, 1, 2, 130, 141, 143])
def test_every_exit_code_is_explained(code):
    table = TEXT[TEXT.index("| exit code |") :]
    assert re.search(rf"^\|[^|]*\b{code}\b[^|]*\|", table, re.MULTILINE)
