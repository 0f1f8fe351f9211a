"""Arrays in files of their own: ``.npy`` (NumPy's format) and ``.csv`` (one matrix, commas between the numbers)."""

from __future__ import annotations

import math
import os
import re
import warnings
from typing import BinaryIO

import numpy as np

from convstep.arrays import Array
from convstep.errors import Path, ProblemError
from convstep.problem import limits
from convstep.problem.checks_arrays import numeric
from convstep.problem.checks_numbers import number
from convstep.words import counted, spelled_shape, visible

CSV_CELL = re.compile(r'\s*"(?P<inside>(?:[^"]|"")*+)"\s*(?=,|$)|[^,]*')
"""A cell, which may stand in quotes, where "" is one of them; elsewhere a quote is a character like others."""


def read_data(name: str, path: Path, folder: str | None) -> Array:
    """The numbers of a data file.

    Args:
        name: The file, relative to the folder.
        path: The key in the problem that names the file; errors point there.
        folder: The problem file's folder; ``None`` for the current one.
    """
    shown = visible(name, longest=200)
    file = os.path.join(folder or "", name)
    try:
        if os.path.exists(file) and not os.path.isfile(file):
            raise ProblemError(f"{shown}: not a file that holds data", path)
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            read = _read_npy if name.lower().endswith(".npy") else _read_csv
            return read(stream, size, path, shown)
    except FileNotFoundError:
        raise ProblemError(f"{shown}: no such file{_beside(folder)}", path) from None
    except OSError as error:
        raise ProblemError(f"{shown}: cannot be read: {error.strerror}", path) from None
    except ValueError:
        raise ProblemError(f"{shown}: no file can have this name", path) from None


def _beside(folder: str | None) -> str:
    return "; its name is taken relative to the problem file" if folder else ""


def _read_npy(stream: BinaryIO, size: int, path: Path, name: str) -> Array:
    """The array of a .npy file. Nothing is read before the header agrees with the file's size."""
    shape, by_columns, kind = _npy_header(stream, path, name)
    if kind.hasobject:
        raise ProblemError(f"{name}: holds Python objects, which could run code; save it as an array of numbers", path)
    needed, found = math.prod(shape) * kind.itemsize, size - stream.tell()
    if math.prod(shape) * 8 > limits.ARRAY_BYTES:
        raise ProblemError(
            f"{name}: {spelled_shape(shape)} numbers; the limit is {limits.spelled_bytes(limits.ARRAY_BYTES)}", path
        )
    if found != needed:
        expected = f"its header says {counted(needed, 'byte')} of numbers"
        raise ProblemError(f"{name}: damaged: {expected}, and there are {found}", path)
    values = np.frombuffer(stream.read(needed), dtype=kind)
    return numeric(values.reshape(shape, order="F" if by_columns else "C"), path, name)


def _npy_header(stream: BinaryIO, path: Path, name: str) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether columns come first, and the type of the numbers."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with warnings.catch_warnings():
            # A header is parsed as Python; whatever that warns of, the file was not written by the user.
            warnings.simplefilter("ignore")
            shape, by_columns, kind = readers[np.lib.format.read_magic(stream)](stream)
    except Exception:
        # NumPy reads a header with Python's own parser and tokenizer, and lets all of their errors through.
        raise ProblemError(f"{name}: not a .npy file that holds an array of numbers", path) from None
    if any(size < 0 for size in shape):
        raise ProblemError(f"{name}: damaged: its header says the shape {list(shape)}", path)
    return shape, by_columns, kind


def _read_csv(stream: BinaryIO, size: int, path: Path, name: str) -> Array:
    """The matrix of a .csv file; blank lines count for nothing."""
    if size > limits.TEXT_BYTES:
        raise ProblemError(f"{name}: larger than 64 MiB; {limits.ADVICE}", path)
    try:
        text = stream.read(limits.TEXT_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(f"{name}: not UTF-8 text: the byte {error.start} cannot be read", path) from None
    lines = _csv_lines(text)
    if not lines:
        raise ProblemError(f"{name}: empty; expected a matrix, commas between the numbers", path)
    values = _csv_matrix([line for _, line in lines], quick="_" not in text)
    return np.array(_csv_rows(lines, path, name)) if values is None else values


def _csv_lines(text: str) -> list[tuple[int, str]]:
    """The lines that hold something, each with its number."""
    return [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]


def csv_cells(name: str, folder: str | None) -> list[list[str]]:
    """The numbers of a .csv file that `read_data` has found to be in order, as they are written."""
    with open(os.path.join(folder or "", name), encoding="utf-8-sig") as stream:
        return [[cell for _, cell in _csv_cells(line)] for _, line in _csv_lines(stream.read())]


def _csv_cells(line: str) -> list[tuple[int, str]]:
    """The cells of a line, each with the column of its first character; quotes around one are taken off.

    >>> _csv_cells('1, "1/3","a""b"')
    [(1, '1'), (4, '1/3'), (10, 'a"b')]
    """
    cells, place = [], 0
    while place <= len(line):
        found = CSV_CELL.match(line, place)
        assert found is not None
        whole, text = found[0], found[0].strip()
        column = found.start() + len(whole) - len(whole.lstrip()) + 1
        cells.append((column, text if found["inside"] is None else found["inside"].replace('""', '"').strip()))
        place = found.end() + 1
    return cells


def _csv_matrix(lines: list[str], quick: bool) -> Array | None:
    """The matrix, if every cell is a finite number as Python reads it and all rows are equally long."""
    # Python's own reading accepts 1_000, which is no number elsewhere.
    if not quick:
        return None
    try:
        values = np.array([list(map(float, line.split(","))) for line in lines])
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _csv_rows(lines: list[tuple[int, str]], path: Path, name: str) -> list[list[float]]:
    """The rows, cell by cell; finds the first that is out of order."""
    rows: list[list[float]] = []
    for line_number, line in lines:
        row = [_csv_number(cell, f"{name}:{line_number}:{column}", path) for column, cell in _csv_cells(line)]
        if rows and len(row) != len(rows[0]):
            message = f"expected {counted(len(rows[0]), 'number')} as in the first row, found {len(row)}"
            raise ProblemError(f"{name}:{line_number}: {message}", path)
        rows.append(row)
    return rows


def _csv_number(cell: str, place: str, path: Path) -> float:
    """One cell's number."""
    try:
        return number(cell, path)
    except ProblemError as error:
        hint = "; expected commas between the numbers" if ";" in cell or "\t" in cell else ""
        raise ProblemError(f"{place}: {error.message}{hint}", path) from None
