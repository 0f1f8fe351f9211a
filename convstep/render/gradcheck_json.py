"""Gradient checks as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from convstep.comparison import Compared, Comparison, Relation
from convstep.gradients import Check, GradientCheck, Kink
from convstep.render.json import text_of
from convstep.torch_reference import SideBySide, TorchComparison

FORMAT = '"format": "convstep-gradcheck", "version": 1'


def kink_data(kinks: Iterable[Kink]) -> list[dict[str, Any]]:
    """The numbers at kinks."""
    return [{"name": kink.name, "cell": list(kink.cell), "value": kink.value} for kink in kinks]


def check_data(check: Check) -> dict[str, Any]:
    """One comparison with a difference."""
    data: dict[str, Any] = {"name": check.name, "kind": check.kind, "upstream": check.upstream}
    if check.cell is not None:
        data["cell"] = list(check.cell)
    data |= {"analytic": check.analytic, "numeric": check.numeric, "difference": check.difference}
    data |= {"agrees": check.agrees, "kink": bool(check.kinks), "tolerance": check.tolerance, "step": check.step}
    return data | ({"kinks": kink_data(check.kinks), "allowance": check.allowance} if check.kinks else {})


def torch_data(each: SideBySide) -> dict[str, Any]:
    """One quantity beside PyTorch's."""
    data: dict[str, Any] = {"name": each.name, "kind": "torch", "difference": each.difference, "agrees": each.agrees}
    return data | {"kink": False, "largest": each.largest, "ulps": each.ulps, "tolerance": each.tolerance}


def relation_data(relation: Relation) -> dict[str, Any]:
    """What may explain a difference."""
    data: dict[str, Any] = {"id": relation.id, "says": relation.says}
    if relation.factor is not None:
        data["factor"] = relation.factor
    return data | ({"shift": list(relation.shift)} if relation.shift is not None else {})


def compared_data(compared: Compared) -> dict[str, Any]:
    """One quantity beside that of another program."""
    data: dict[str, Any] = {"name": compared.name, "kind": "given"}
    if compared.difference is not None:
        data["difference"] = compared.difference
    data |= {"agrees": compared.agrees, "kink": False}
    return data | ({"relations": [relation_data(each) for each in compared.relations]} if not compared.agrees else {})


def write_gradients(stream: TextIO, check: GradientCheck) -> None:
    """The document of a gradient check."""
    about = {"iteration": check.iteration, "seed": check.seed}
    _write(stream, check.agrees, about, check.first_wrong, map(check_data, check.checks))


def write_torch(stream: TextIO, comparison: TorchComparison) -> None:
    """The document of a comparison with PyTorch."""
    first = comparison.first_wrong
    about = {"iteration": comparison.iteration, "against": "torch", "torch": comparison.version}
    if comparison.kinks:
        about["kinks"] = kink_data(comparison.kinks)
    name = None if first is None else first.name
    _write(stream, comparison.agrees, about, name, map(torch_data, comparison.quantities))


def write_comparison(stream: TextIO, comparison: Comparison, name: str) -> None:
    """The document of a comparison with another program's numbers."""
    first = comparison.first_wrong
    about = {"iteration": comparison.iteration, "against": name}
    wrong = None if first is None else first.name
    _write(stream, comparison.agrees, about, wrong, map(compared_data, comparison.quantities))


def _write(
    stream: TextIO, agrees: bool, about: dict[str, Any], first_wrong: str | None, checks: Iterable[dict[str, Any]]
) -> None:
    """A document, a comparison a line."""
    head = {"agrees": agrees} | about | ({"first_wrong": first_wrong} if first_wrong else {})
    lines = ",\n".join(text_of(check) for check in checks)
    stream.write(f'{{{FORMAT}, {text_of(head)[1:-1]}, "checks": [\n{lines}]}}\n')
