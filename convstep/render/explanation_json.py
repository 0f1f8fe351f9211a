"""Explanations as JSON, written cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from convstep.derivation.model import Cell, Factor, Term, Use
from convstep.render.json import text_of

FORMAT = '"format": "convstep-explanation", "version": 1'


def factor_data(factor: Factor) -> dict[str, Any]:
    """One factor; a constant has a symbol, everything else a name and a cell."""
    data: dict[str, Any] = {"name": factor.name, "cell": list(factor.cell)} if factor.name else {}
    data["value"] = factor.value
    if factor.symbol:
        data["symbol"] = factor.symbol
    if factor.padding:
        data["padding"] = True
    if factor.function:
        data |= {"function": factor.function.format(factor.name), "argument": factor.argument}
    if factor.formula:
        data |= {"formula": factor.formula, "numbers": dict(factor.numbers)}
    if factor.iteration is not None:
        data["iteration"] = factor.iteration
    return data


def term_data(term: Term) -> dict[str, Any]:
    """One product."""
    return {"value": term.value, "factors": [factor_data(factor) for factor in term.factors]}


def cell_data(cell: Cell) -> dict[str, Any]:
    """One number and its sum."""
    data: dict[str, Any] = {"name": cell.name, "cell": list(cell.cell), "value": cell.value}
    data["terms"] = [term_data(term) for term in cell.terms]
    if cell.terms_give is not None:
        data["terms_give"] = cell.terms_give
    if cell.note:
        data["note"] = cell.note
    return data


def use_data(use: Use) -> dict[str, Any]:
    """One place that used a number."""
    data = {"name": use.name, "cell": list(use.cell), "factor": factor_data(use.factor)}
    return data | ({"sends_back": term_data(use.back)} if use.back is not None else {})


def write_explanation(stream: TextIO, iteration: int, cells: Iterable[dict[str, Any]]) -> None:
    """One iteration's document."""
    stream.write(f"{{{FORMAT}, ")
    _write_iteration(stream, iteration, cells)
    stream.write("}\n")


def write_explanations(stream: TextIO, iterations: Sequence[tuple[int, Iterable[dict[str, Any]]]]) -> None:
    """One document for several iterations."""
    stream.write(f'{{{FORMAT}, "iterations": [')
    for position, (iteration, cells) in enumerate(iterations):
        stream.write(",\n{" if position else "\n{")
        _write_iteration(stream, iteration, cells)
        stream.write("}")
    stream.write("]}\n")


def _write_iteration(stream: TextIO, iteration: int, cells: Iterable[dict[str, Any]]) -> None:
    stream.write(f'"iteration": {iteration}, "cells": [')
    for position, cell in enumerate(cells):
        stream.write((",\n" if position else "\n") + text_of(cell))
    stream.write("]")
