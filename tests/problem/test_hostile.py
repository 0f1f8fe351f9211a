"""Files made to take time, memory or control: one line each, within bounds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from program import environment

LARGE = 24 * 2**20
SECONDS = 20
"""Far above the two seconds that the slowest takes alone: test machines are busy."""

MEMORY = 2 * 2**30

CHILD = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from convstep.errors import ProblemError
from convstep.problem.load import load
try:
    load(sys.argv[1])
except ProblemError as error:
    sys.stdout.buffer.write(str(error).encode())
"""


def bomb() -> str:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]" for i in range(20)]
    return "\n".join(lines)


ADVICE = "put large matrices into a .npy file and give its name"
MANY = f"more than 1000000 values, aliases expanded; {ADVICE}"

HOSTILE: list[tuple[str, Callable[[], str], str]] = [
    ("brackets.json", lambda: "[" * LARGE, f": more than 1000000 lists and keys; {ADVICE}"),
    ("brackets.yaml", lambda: "[" * 900 + "]" * 900, ":1:101: nested more than 100 deep"),
    ("brackets", lambda: "[" * LARGE, f": more than 1000000 lists and keys; {ADVICE}"),
    ("dashes.yaml", lambda: "- " * (LARGE // 2), ":1:201: nested more than 100 deep"),
    (
        "wide.json",
        lambda: '{"input": [' + "[]," * (LARGE // 3) + "[]]}",
        f": more than 1000000 lists and keys; {ADVICE}",
    ),
    ("wide.yaml", lambda: "input: [" + "[]," * (LARGE // 3) + "[]]", f":1:3000010: {MANY}"),
    ("numbers.yaml", lambda: "input: [" + "1," * (LARGE // 2) + "1]", f":1:2000009: {MANY}"),
    ("numbers.json", lambda: '{"input": [' + "1," * (LARGE // 2) + "1]}", f": more than 10000000 values; {ADVICE}"),
    ("bomb.yaml", bomb, f":6:36: {MANY}"),
    (
        "chain.yaml",
        lambda: "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 9999)),
        f":1413:16: {MANY}",
    ),
    (
        "digits.yaml",
        lambda: "input: [[" + "9" * LARGE + "]]",
        ":1:10: input[0,0]: expected a number, found a number past 1.8e308",
    ),
    (
        "digits.json",
        lambda: '{"input": [[' + "9" * LARGE + "]]}",
        ":1:13: input[0,0]: expected a number, found a number past 1.8e308",
    ),
    (
        "hex.yaml",
        lambda: "input: [[0x" + "9" * LARGE + "]]",
        ":1:10: input[0,0]: expected a number, found a number past 1.8e308",
    ),
    (
        "open.json",
        lambda: '{"title": "' + "a" * LARGE,
        ":1:11: not readable as JSON: the text in quotes that begins here has no end",
    ),
    (
        "open.yaml",
        lambda: 'title: "' + "a" * LARGE,
        ":1:8: not readable as YAML: the quotes that open here are never closed",
    ),
    (
        "late.json",
        lambda: '{"title": "' + "\\n" * (LARGE // 2) + '", "input": 1}',
        f":1:{LARGE + 24}: input: expected nested lists",
    ),
    (
        "trace.json",
        lambda: '{"format": "convstep-trace", "version": 1, "problem": ' + "[" * LARGE,
        f": more than 1000000 lists and keys; {ADVICE}",
    ),
    (
        "code.yaml",
        lambda: "input: !!python/object/apply:os.system ['id']",
        ":1:8: input: the tag !!python/object/apply:os.system is not allowed",
    ),
    (
        "huge.yaml",
        lambda: "input: [[1]]\nfilter: [[1]]\npadding: 1000000000",
        ":3:10: padding: the padded input would be 1×1×2000000001×2000000001, 29802322417.5 GiB",
    ),
]


@pytest.mark.parametrize(("name", "text", "error"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_one_line_within_bounds(tmp_path: Path, name: str, text: Callable[[], str], error: str) -> None:
    (tmp_path / name).write_text(text())
    assert outcome(name, tmp_path).startswith(name + error)


def test_brackets_without_end(tmp_path: Path) -> None:
    """libyaml 0.2.6 looks ahead 1000 brackets and gives up by itself; the ones before leave it to us."""
    (tmp_path / "x.yaml").write_text("[" * LARGE)
    places = ("1:101", "1:1001")
    assert outcome("x.yaml", tmp_path) in [f"x.yaml:{place}: nested more than 100 deep" for place in places]


def test_a_device_that_never_ends(tmp_path: Path) -> None:
    found = outcome("/dev/zero", tmp_path)
    assert found == "/dev/zero: binary data; expected a problem as text, in YAML or JSON"


def test_an_input_that_never_ends(tmp_path: Path) -> None:
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        found = outcome("-", tmp_path, endless.stdout)
        endless.kill()
    assert found == f"<stdin>: larger than 64 MiB; {ADVICE}"


def outcome(name: str, folder: Path, stdin: object = subprocess.DEVNULL) -> str:
    """The one line that a child process with little memory and time has to say about a file."""
    code = CHILD.format(memory=MEMORY, seconds=SECONDS)
    child = subprocess.run(
        [sys.executable, "-c", code, name], cwd=folder, env=environment(), stdin=stdin, capture_output=True, check=True
    )  # type: ignore[call-overload]
    text: str = child.stdout.decode()
    assert "\n" not in text
    return text
