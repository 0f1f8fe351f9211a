"""Diagnoses as data: JSON, one object an attempt, and CSV, one row an attempt."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TextIO

from convstep.diagnosis.result import Diagnosis, JudgedCell, JudgedQuantity, ToldMistake
from convstep.render.json import text_of

FORMAT = {"format": "convstep-check", "version": 1}
COLUMNS = ("file", "iteration", "verdict", "first_wrong", "mistakes", "conventions", "slips", "error")


class Judged(NamedTuple):
    """An attempt from a file, and what was found.

    Attributes:
        file: The file's name.
        iteration: Which iteration the attempt is at; ``None`` where it could not be read.
        diagnosis: What was found; ``None`` where it could not be read.
        error: Why it could not be read.
    """

    file: str
    iteration: int | None
    diagnosis: Diagnosis | None
    error: str = ""

    @property
    def verdict(self) -> str:
        """``right``, ``slip``, ``wrong``, ``unexplained`` or ``unreadable``."""
        return self.diagnosis.verdict if self.diagnosis else "unreadable"


def check_data(judged: Judged) -> dict[str, Any]:
    """One attempt."""
    diagnosis = judged.diagnosis
    head: dict[str, Any] = {"file": judged.file}
    if judged.iteration is not None:
        head["iteration"] = judged.iteration
    head["verdict"] = judged.verdict
    if diagnosis is None:
        return {**head, "error": judged.error}
    result = {
        **head,
        "first_wrong": diagnosis.first_wrong,
        "quantities": [_quantity(each) for each in diagnosis.quantities],
        "explanations": [[_mistake(each) for each in one] for one in diagnosis.explanations],
    }
    if diagnosis.so_far:
        result["so_far"] = [[_mistake(each) for each in one] for one in diagnosis.so_far]
    separation = diagnosis.separation
    if separation is not None:
        predictions = {name: numbers.tolist() for name, numbers in separation.predictions.items()}
        result["separation"] = {"name": separation.name, "predictions": predictions}
    return result


def _quantity(quantity: JudgedQuantity) -> dict[str, Any]:
    data: dict[str, Any] = {"name": quantity.name, "status": quantity.status}
    if quantity.id is not None:
        data["id"] = quantity.id
    data |= {"given": quantity.given.tolist(), "expected": quantity.expected.tolist()}
    if quantity.follows_differs:
        data["follows"] = quantity.follows.tolist()
    if quantity.nothing:
        data["shows_nothing"] = True
    return {**data, "cells": [_cell(each) for each in quantity.cells]}


def _cell(cell: JudgedCell) -> dict[str, Any]:
    data: dict[str, Any] = {"cell": list(cell.cell), "given": cell.given, "expected": cell.expected}
    if cell.kind is not None:
        data |= {"kind": cell.kind, "says": cell.says}
    if cell.with_cell is not None:
        data["with"] = list(cell.with_cell)
    if cell.term is not None:
        data["term"] = cell.term
    return data


def _mistake(mistake: ToldMistake) -> dict[str, Any]:
    data: dict[str, Any] = {"id": mistake.id, "at": mistake.at, "says": mistake.says, "instead": mistake.instead}
    return {**data, "few": True} if mistake.few else data


def write_document(stream: TextIO, judged: Sequence[Judged]) -> None:
    """One attempt as one object, several below ``results``."""
    data = [check_data(each) for each in judged]
    document = {**FORMAT, **data[0]} if len(data) == 1 else {**FORMAT, "results": data}
    stream.write(text_of(document) + "\n")


def write_line(stream: TextIO, judged: Judged) -> None:
    """One attempt as one line, written at once."""
    stream.write(text_of({**FORMAT, **check_data(judged)}) + "\n")
    stream.flush()


def write_header(stream: TextIO) -> None:
    """The head of a table in CSV."""
    csv.writer(stream, lineterminator="\n").writerow(COLUMNS)


def write_row(stream: TextIO, judged: Judged) -> None:
    """One attempt as a row of CSV; the mistakes of a set are joined by ``+``, the sets of a tie by ``|``."""
    diagnosis = judged.diagnosis
    slips = sum(cell.kind is not None for each in diagnosis.quantities for cell in each.cells) if diagnosis else 0
    csv.writer(stream, lineterminator="\n").writerow(
        [
            judged.file,
            "" if judged.iteration is None else judged.iteration,
            judged.verdict,
            (diagnosis.first_wrong or "") if diagnosis else "",
            sets_text(diagnosis) if diagnosis else "",
            "+".join(diagnosis.conventions) if diagnosis else "",
            slips if diagnosis else "",
            judged.error,
        ]
    )
    stream.flush()


def sets_text(diagnosis: Diagnosis) -> str:
    """The explanations in a word: ``ascent``, ``a+b`` for two mistakes, ``a | b`` for a tie."""
    return " | ".join("+".join(each.id for each in one) for one in diagnosis.explanations)


def spelled_sets(sets: Iterable[Sequence[str]]) -> str:
    """Sets of ids, for people: ``a and b, or c``."""
    return ", or ".join(" and ".join(one) for one in sets)
