"""Files and standard input: what is read as what, and what is refused."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.problem.reader import read_source

PROBLEM = {"input": [[1, 2]], "filter": [[1]]}
JSON = json.dumps(PROBLEM)
YAML = "input: [[1, 2]]\nfilter: [[1]]\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("name", "text", "is_json"),
    [
        ("p.json", JSON, True),
        ("p.yaml", YAML, False),
        ("p.YML", YAML, False),
        ("p.yaml", JSON, False),
        ("p.yaml", "{input: [[1, 2]], filter: [[1]]}", False),
        ("p.txt", JSON, True),
        ("p", "\n  " + JSON, True),
        ("p", YAML, False),
        ("p", "{input: [[1, 2]], filter: [[1]]}", False),
        ("p.json", "\ufeff" + JSON, True),
        ("p.yaml", "\ufeff" + YAML, False),
        ("p.yaml", YAML.replace("\n", "\r\n"), False),
        ("p.json", json.dumps(PROBLEM, indent="\t").replace("\n", "\r\n"), True),
        ("-", JSON, True),
        ("-", YAML, False),
    ],
)
def test_json_and_yaml_are_told_apart(monkeypatch: pytest.MonkeyPatch, name: str, text: str, is_json: bool) -> None:
    if name == "-":
        standard_input(monkeypatch, text.encode())
    else:
        Path(name).write_bytes(text.encode())
    source = read_source(name)
    assert source.data == PROBLEM
    assert (source.is_json, source.is_trace, source.prefix) == (is_json, False, ())
    assert source.name == ("<stdin>" if name == "-" else name)
    assert source.path == (None if name == "-" else name)


def test_the_folder_is_that_of_the_file() -> None:
    os.makedirs("a/b")
    Path("a/b/p.yaml").write_text(YAML)
    assert read_source(Path("a/b/p.yaml")).folder == os.path.join("a", "b")
    Path("p.yaml").write_text(YAML)
    assert read_source("p.yaml").folder == ""


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("p.yaml", b"", "p.yaml: empty; expected a mapping with input and filter"),
        ("p.json", b" \n", "p.json: empty; expected a mapping with input and filter"),
        ("p.yaml", b"# nothing\n", "p.yaml: empty; expected a mapping with input and filter"),
        ("p.yaml", b"\n- 1\n", "p.yaml:2:1: expected a mapping with input and filter, found a list"),
        ("p.json", b"[1]", "p.json:1:1: expected a mapping with input and filter, found a list"),
        ("p", b"hello", 'p:1:1: expected a mapping with input and filter, found text "hello"'),
        ("p.yaml", b"\x89PNG\r\n\x1a\n\0\0", "p.yaml: binary data; expected a problem as text, in YAML or JSON"),
        ("p.yaml", b"\xff\xfea\0", "p.yaml: text in UTF-16; save it as UTF-8"),
        (
            "p.yaml",
            b"a: \xc3\xa9\nb: \xc3\xa9\xe9",
            "p.yaml:2:5: not UTF-8 text: byte 11 is 0xe9; save the file as UTF-8",
        ),
        ("p", b'{"a": 1,}', "p:1:8: not readable as JSON: a comma with nothing behind it; take it away"),
        ("p.yaml", b'{"a": [}', "p.yaml:1:8: not readable as YAML: expected a value"),
    ],
)
def test_every_refusal(name: str, data: bytes, error: str) -> None:
    if name == "p" and data.startswith(b"{"):
        data = data.replace(b"}", b"]")
        error = "p:1:8: not readable as JSON: a comma with nothing behind it; take it away"
    Path(name).write_bytes(data)
    with pytest.raises(ProblemError) as caught:
        read_source(name)
    assert str(caught.value) == error


def test_an_array_in_place_of_a_problem() -> None:
    np.save("x.npy", np.eye(2))
    with pytest.raises(ProblemError) as caught:
        read_source("x.npy")
    message = "a NumPy array, not a problem; name it in a problem file, as in input: numbers.npy"
    assert str(caught.value) == f"x.npy: {message}"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("qestion.yaml", "qestion.yaml: no such file; did you mean question.json?"),
        ("question.yaml", "question.yaml: no such file; did you mean question.json?"),
        ("folder/A-b.json", "folder/A-b.json: no such file; did you mean folder/a_b.yaml?"),
        ("xyz.json", "xyz.json: no such file"),
        ("nowhere/question.json", "nowhere/question.json: no such file"),
        ("question.json/x", "question.json/x: cannot be read: Not a directory"),
        ("folder", "folder: a folder; expected a problem file"),
        ("", ": no such file"),
        ("a\0b", "a\\x00b: no file can have this name"),
        ("a\x1b[2J\nb", "a\\x1b[2J\\nb: no such file"),
        ("x" * 300, f"{'x' * 300}: cannot be read: File name too long"),
    ],
)
def test_files_that_cannot_be_opened(name: str, error: str) -> None:
    os.mkdir("folder")
    Path("folder/a_b.yaml").write_text(YAML)
    Path("question.json").write_text(JSON)
    with pytest.raises(ProblemError) as caught:
        read_source(name)
    assert str(caught.value) == error.removeprefix(": ")


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ProblemError, match=r"^p.yaml: no permission to read it$"):
        read_source("p.yaml")


def test_a_text_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEXT_BYTES", 100_000)
    Path("p.yaml").write_text("# " + "x" * 99_966 + "\n" + YAML)
    assert read_source("p.yaml").data == PROBLEM
    Path("p.yaml").write_text("# " + "x" * 99_999 + "\n" + YAML)
    with pytest.raises(ProblemError) as caught:
        read_source("p.yaml")
    assert str(caught.value) == "p.yaml: larger than 64 MiB; put large matrices into a .npy file and give its name"


def test_standard_input_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ProblemError, match=r"^<stdin>: there is no standard input$"):
        read_source("-")


def test_standard_input_that_holds_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(YAML))
    assert read_source("-").data == PROBLEM


def test_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, YAML.encode())
    read_source("-")
    assert not sys.stdin.closed
