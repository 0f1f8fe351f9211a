"""Arrays in .npy and .csv files."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstep.errors import ProblemError
from convstep.problem.load import load


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem one folder below the current one, its data beside it."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("sub")


def read(name: str) -> Any:
    Path("sub/p.yaml").write_text(f"filter: [[1]]\ninput: {name}\n")
    return load("sub/p.yaml").input


def refusal(name: str) -> str:
    with pytest.raises(ProblemError) as caught:
        read(name)
    text = str(caught.value)
    assert text.startswith("sub/p.yaml:2:8: input: ")
    return text.removeprefix("sub/p.yaml:2:8: input: ")


def header(described: str) -> bytes:
    """A .npy file of version 1 that holds nothing but this header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(described)) + described.encode()


@pytest.mark.parametrize("kind", ["float64", "float32", ">f8", "int32", "uint8", "longdouble"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(kind: str, order: Any) -> None:
    numbers = np.arange(24).reshape(2, 3, 4)
    np.save("sub/x.npy", np.asarray(numbers, dtype=kind, order=order))
    Path("sub/p.yaml").write_text("filter: [[[1]], [[1]]]\ninput: x.npy\n")
    found = load("sub/p.yaml").input
    assert found.tolist() == numbers.tolist()
    assert found.flags.owndata


def test_a_file_may_be_given_for_every_array() -> None:
    np.save("sub/X.NPY.npy", [[1.0, 2.0]])
    os.rename("sub/X.NPY.npy", "sub/X.NPY")
    Path("sub/one.csv").write_text("1\n")
    keys = {"input": "X.NPY", "filter": "one.csv", "target": "X.NPY", "expected_filter": "one.csv", "learning_rate": 1}
    Path("sub/p.yaml").write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    problem = load("sub/p.yaml")
    assert problem.target is not None
    assert problem.target.tolist() == problem.input.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("\ufeff1, -2.5e1 \r\n\r\n 1/4,.5", [[1, -25], [0.25, 0.5]]),
        ("7", [[7]]),
        ('"1/3","2"\n3,"4"\n', [[1 / 3, 2], [3, 4]]),
        ('"1", " -2.5" \r\n3 ,4\r\n', [[1, -2.5], [3, 4]]),
    ],
)
def test_csv(text: str, numbers: list[list[float]]) -> None:
    Path("sub/x.csv").write_bytes(text.encode())
    assert read("x.csv").tolist() == numbers


def test_exact_numbers_of_csv_may_stand_in_quotes() -> None:
    Path("sub/x.csv").write_text('"1/3",0.1\n')
    Path("sub/p.yaml").write_text("filter: [[1]]\ninput: x.csv\nexact: true\n")
    exact = load("sub/p.yaml")
    assert exact.input.tolist() == [[Fraction(1, 3), Fraction(1, 10)]]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty; expected a matrix, commas between the numbers"),
        (" \n\n", "empty; expected a matrix, commas between the numbers"),
    ],
)
def test_csv_that_is_empty(text: str, error: str) -> None:
    Path("sub/x.csv").write_text(text)
    assert refusal("x.csv") == f"x.csv: {error}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1,2\n\n3, x\n", '3:4: expected a number, found text "x"'),
        ("a,b\n1,2\n", '1:1: expected a number, found text "a"'),
        ("1,,2\n", "1:3: expected a number, found empty text"),
        ("1,2,\n", "1:5: expected a number, found empty text"),
        ("1;2\n", '1:1: expected a number, found text "1;2"; expected commas between the numbers'),
        ("1 2\n", '1:1: expected a number, found text "1 2"'),
        ("1_000\n", '1:1: expected a number, found text "1_000"'),
        ("1,nan\n", '1:3: expected a number, found text "nan"'),
        ("1,2\n3,inf\n", '2:3: expected a number, found text "inf"'),
        ("1,1e999\n", "1:3: expected a number, found a number past 1.8e308"),
        ("1,2\n3\n", "2: expected 2 numbers as in the first row, found 1"),
        ('"1", "x"\n', '1:6: expected a number, found text "x"'),
        ('1,2\n"3","a""b"\n', '2:5: expected a number, found text "a"b"'),
        ('"1,5",2\n', '1:1: expected a number, found text "1,5"; decimals are written with a point, as in 0.5'),
        ('"",2\n', "1:1: expected a number, found empty text"),
        ('1,"2\n', '1:3: expected a number, found text ""2"'),
        ('1,"2"3\n', '1:3: expected a number, found text ""2"3"'),
        ("1,\x1b[2J\n", '1:3: expected a number, found text "\\x1b[2J"'),
    ],
)
def test_csv_with_a_fault(text: str, error: str) -> None:
    Path("sub/x.csv").write_text(text)
    assert refusal("x.csv") == f"x.csv:{error}"


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        (np.array([[1.0, np.nan]]), "expected a finite number at [0, 1], found NaN"),
        (np.array([[np.inf]]), "expected a finite number at [0, 0], found a number past 1.8e308"),
        (np.array([[True]]), "expected real numbers, found an array of bool"),
        (np.array([[1j]]), "expected real numbers, found an array of complex128"),
        (np.array([["a"]]), "expected real numbers, found an array of <U1"),
        (np.zeros((0, 2)), "expected numbers, found an empty array of shape [0, 2]"),
        (np.array([[{}]]), "holds Python objects, which could run code; save it as an array of numbers"),
    ],
)
def test_npy_with_other_contents(numbers: Any, error: str) -> None:
    np.save("sub/x.npy", numbers)
    assert refusal("x.npy") == f"x.npy: {error}"


NOT_NPY = "not a .npy file that holds an array of numbers"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NOT_NPY),
        (b"hello", NOT_NPY),
        (b"\x93NUMPY\x09\x00", NOT_NPY),
        (header("{'descr': '<f8'"), NOT_NPY),
        (header("[" * 9000), NOT_NPY),
        (header("{'descr': '\\d', 'fortran_order': False, 'shape': (1,)}"), NOT_NPY),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}") + bytes(31),
            "damaged: its header says 32 bytes of numbers, and there are 31",
        ),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}") + bytes(40),
            "damaged: its header says 32 bytes of numbers, and there are 40",
        ),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}"),
            "damaged: its header says the shape [-1, 2]",
        ),
        (
            header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999, 99999)}"),
            "99999×99999 numbers; the limit is 1 GiB",
        ),
    ],
)
def test_npy_that_is_none(data: bytes, error: str) -> None:
    Path("sub/x.npy").write_bytes(data)
    assert refusal("x.npy") == f"x.npy: {error}"


def test_files_that_cannot_be_opened() -> None:
    os.mkdir("sub/folder.npy")
    os.mkfifo("sub/pipe.csv")
    assert refusal("folder.npy") == "folder.npy: not a file that holds data"
    assert refusal("pipe.csv") == "pipe.csv: not a file that holds data"
    assert refusal("no.npy") == "no.npy: no such file; its name is taken relative to the problem file"
    assert refusal('"a\\0.npy"') == "a\\x00.npy: no file can have this name"
    assert refusal('"a\\e.npy"') == "a\\x1b.npy: no such file; its name is taken relative to the problem file"
    Path("sub/x.csv").write_bytes(b"1,\xe9")
    assert refusal("x.csv") == "x.csv: not UTF-8 text: the byte 2 cannot be read"
    os.truncate("sub/x.csv", 64 * 2**20 + 1)
    assert refusal("x.csv") == "x.csv: larger than 64 MiB; put large matrices into a .npy file and give its name"
