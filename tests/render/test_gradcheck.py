"""Pages of ``convstep gradcheck``, whole; and what each line of them says about the numbers."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import SAMPLES

import convstep
from convstep.comparison import compare_quantities
from convstep.gradients import BESIDE_KINKS, LOSS, RANDOM, Check, GradientCheck, Kink, check_gradients
from convstep.problem.quantities_file import GivenQuantity
from convstep.render.gradcheck import comparison_lines, gradient_lines, torch_lines
from convstep.render.gradcheck_json import write_comparison, write_gradients, write_torch
from convstep.render.matrix import Look
from convstep.render.terminal import page_console, write
from convstep.torch_reference import SideBySide, TorchComparison

QUESTION = convstep.load(SAMPLES / "question.yaml")
STEP = next(convstep.descend(QUESTION))
WIDTHS = (40, 80, 120)


def text_of(lines: Any, width: int = 80, color: str = "never") -> str:
    stream = io.StringIO()
    write(page_console(color, width, stream), lines)
    return stream.getvalue()


# Drawn numbers differ in their last digits from machine to machine, so the goldens show numbers made up.
KINK = Kink("pre_activation", (0, 1), 0.0)
CHECKS = (
    Check("activation_slope", "direction", RANDOM, None, 0.436411, 0.220304, 1e-5, 1e-9, 0.5, (KINK,)),
    Check("filter_gradient", "direction", RANDOM, None, 1.5, 1.5 + 1e-11, 1e-5, 1e-9),
    Check("filter_gradient", "direction", RANDOM, None, -1.25, -1.25 - 3e-11, 1e-5, 2e-9),
    Check("activation_slope", "direction", BESIDE_KINKS, None, -0.5, -0.5, 1e-5, 1e-9),
    Check("output_gradient", "direction", LOSS, None, 2.25, 2.25, 1e-5, 1e-9),
    Check("filter_gradient", "direction", LOSS, None, 12.5, 12.5 + 2e-11, 1e-5, 1e-9),
    Check("filter_gradient", "cell", LOSS, (0, 0), 2.0, 1.9999954584, 1e-5, 9e-6),
    Check("filter_gradient", "cell", LOSS, (0, 1), -2.0, -2.0, 1e-5, 1e-9),
)
WRONG = (*CHECKS[:-1], CHECKS[-1]._replace(numeric=2.0))


def page(checks: tuple[Check, ...], width: int = 80, **look: Any) -> str:
    return text_of(gradient_lines(QUESTION, GradientCheck(1, 0, 1.8e-5, checks), Look(width, **look)), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages(same_as_golden, width):
    text = page(CHECKS, width)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"gradcheck-{width}", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_of_what_disagrees(same_as_golden, width):
    text = page(WRONG, width)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"gradcheck-wrong-{width}", text)


def test_colours_add_nothing_but_colours():
    lines = gradient_lines(QUESTION, GradientCheck(1, 0, 1.8e-5, WRONG), Look())
    coloured = text_of(lines, color="always")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == page(WRONG)
    assert "\x1b[33mkink" in coloured
    assert "\x1b[1;31mdisagrees" in coloured


def test_the_page_shows_the_numbers_of_the_check():
    check = check_gradients(convstep.load(SAMPLES / "sigmoid.yaml"), cells=True)
    text = text_of(gradient_lines(QUESTION, check, Look(160, digits=17)), 160)
    rows = re.findall(r"^  (\w+)(\[\d,\d\]) +cell +(\S+) +(\S+) +(\S+) +(\w+)$", text, re.MULTILINE)
    cells = [each for each in check.checks if each.kind == "cell"]
    assert len(rows) == len(cells) == 4 + 4 + 4 + 9
    for (name, cell, analytic, numeric, difference, verdict), each in zip(rows, cells, strict=True):
        assert (name, json.loads(cell)) == (each.name, list(each.cell or ()))
        assert float(analytic) == pytest.approx(each.analytic, rel=1e-12, abs=1e-300)
        assert float(numeric) == pytest.approx(each.numeric, rel=1e-12, abs=1e-300)
        assert float(difference) == pytest.approx(each.difference, rel=0.06, abs=1e-300)
        assert verdict == "agrees"


def test_of_several_directions_the_worst_is_shown():
    row = re.compile(r"^  filter_gradient +direction +(\S+)", re.MULTILINE)
    assert row.findall(page(CHECKS)) == ["-1.25", "12.5"]
    assert row.findall(page((CHECKS[1]._replace(numeric=1.0), *CHECKS[2:]))) == ["1.5", "12.5"]
    assert "the worst of 2 directions" in page(CHECKS)


def test_what_is_not_a_number_is_the_worst():
    overflowed = CHECKS[1]._replace(numeric=float("nan"))
    for checks in ((CHECKS[1], overflowed, CHECKS[2]), (overflowed, CHECKS[1], CHECKS[2])):
        assert re.search(r"^  filter_gradient +direction +1\.5 +not a number .* disagrees$", page(checks), re.MULTILINE)


def test_a_gradient_of_nothing_but_zeros_is_shown():
    zero = Check("input_gradient", "direction", RANDOM, None, 0.0, 0.0, 1e-5, 0.0)
    assert "  input_gradient  direction         0        0           0  agrees" in page((zero, zero))


def test_of_many_numbers_some_are_shown_and_all_that_disagree():
    many = [Check("input_gradient", "cell", LOSS, (n, 0), 1.0, 1.0 if n != 70 else 2.0, 1e-5, 1e-9) for n in range(100)]
    shown = re.findall(r"input_gradient\[(\d+),0\]", page(tuple(many)))
    assert [int(n) for n in shown] == [*range(20), 70]
    assert "… and 79 more that agree (--all-cells shows them)" in page(tuple(many))
    assert len(re.findall(r"input_gradient\[", page(tuple(many), all_cells=True))) == 100


def test_of_many_kinks_some_are_listed():
    kinks = tuple(Kink("pre_activation", (0, n), 0.0) for n in range(10))
    text = " ".join(page((CHECKS[0]._replace(kinks=kinks),)).split())
    assert "pre_activation[0,5] = 0 and 4 more. There" in text
    assert "pre_activation[0,6]" not in text


def test_gradients_as_json():
    stream = io.StringIO()
    write_gradients(stream, GradientCheck(1, 7, 1.8e-5, (CHECKS[0], WRONG[-1])))
    assert stream.getvalue().startswith('{"format": "convstep-gradcheck", "version": 1, "agrees": false, ')
    document = json.loads(stream.getvalue())
    first, last = document.pop("checks")
    assert document == {
        "format": "convstep-gradcheck",
        "version": 1,
        "agrees": False,
        "iteration": 1,
        "seed": 7,
        "first_wrong": "filter_gradient",
    }
    assert first == {
        "name": "activation_slope",
        "kind": "direction",
        "upstream": "random",
        "analytic": 0.436411,
        "numeric": 0.220304,
        "difference": 0.436411 - 0.220304,
        "agrees": True,
        "kink": True,
        "tolerance": 1e-9,
        "step": 1e-5,
        "kinks": [{"name": "pre_activation", "cell": [0, 1], "value": 0}],
        "allowance": 0.5,
    }
    assert (last["kind"], last["cell"], last["agrees"], last["kink"]) == ("cell", [0, 1], False, False)


# Beside PyTorch: made up too, so that no PyTorch is needed

SIDES = (
    SideBySide("pre_activation", 3.0, 0.0, 0.0, 3e-12),
    SideBySide("filter_gradient", 2.0, 2.0**-51, 1.0, 2e-12),
    SideBySide("new_filter", 12.5, 0.25, 2.0**47, 2e-12),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_beside_pytorch(same_as_golden, width):
    text = text_of(torch_lines(TorchComparison(2, "2.13.0+cpu", SIDES[:2], (KINK,)), Look(width)), width)
    text += text_of(torch_lines(TorchComparison(2, "2.13.0+cpu", SIDES, ()), Look(width)), width)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"gradcheck-torch-{width}", text)


def test_pytorch_as_json():
    stream = io.StringIO()
    write_torch(stream, TorchComparison(2, "2.13.0+cpu", SIDES, (KINK,)))
    document = json.loads(stream.getvalue())
    assert (document["agrees"], document["first_wrong"], document["against"]) == (False, "new_filter", "torch")
    assert document["kinks"] == [{"name": "pre_activation", "cell": [0, 1], "value": 0}]
    assert document["checks"][1] == {
        "name": "filter_gradient",
        "kind": "torch",
        "difference": 2.0**-51,
        "agrees": True,
        "kink": False,
        "largest": 2,
        "ulps": 1,
        "tolerance": 2e-12,
    }


# Beside another program

MINE = {
    "pre_activation": [[3, 0], [-2, 1]],
    "loss": 4,
    "filter_gradient": [[2, 0], [-2, None]],
    "input_gradient": [[2, -2], [2, 2]],
    "filter_update": [[2, -2], [0, 2]],
    "new_filter": [[0.1, 2.2], [3, 4]],
}


def beside(mine: dict[str, Any], width: int = 80) -> str:
    found = compare_quantities(QUESTION, STEP, {name: GivenQuantity.of(value) for name, value in mine.items()})
    return text_of(comparison_lines(found, "mine.json", Look(width)), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_pages_beside_another_program(same_as_golden, width):
    pages = (MINE, {name: MINE[name] for name in ("pre_activation", "filter_gradient")}, {"error": [[2, 0], [0, 0]]})
    text = "\n".join(beside(mine, width) for mine in pages)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"gradcheck-given-{width}", text)


def test_a_long_file_name_does_not_break_the_page():
    found = compare_quantities(QUESTION, STEP, {"loss": GivenQuantity.of(2)})
    text = text_of(comparison_lines(found, "a/" * 100 + "mine.json", Look(40)), 40)
    assert max(map(len, text.splitlines())) <= 40


def test_another_program_as_json():
    given = {name: GivenQuantity.of(MINE[name]) for name in ("pre_activation", "filter_update", "input_gradient")}
    stream = io.StringIO()
    write_comparison(stream, compare_quantities(QUESTION, STEP, given), "mine.json")
    document = json.loads(stream.getvalue())
    assert document["first_wrong"] == "input_gradient"
    assert document["checks"] == [
        {"name": "pre_activation", "kind": "given", "difference": 0, "agrees": True, "kink": False},
        {
            "name": "input_gradient",
            "kind": "given",
            "agrees": False,
            "kink": False,
            "relations": [{"id": "shape", "says": "has shape 2×2, expected 3×3"}],
        },
        {
            "name": "filter_update",
            "kind": "given",
            "difference": 3,
            "agrees": False,
            "kink": False,
            "relations": [
                {
                    "id": "sign+factor",
                    "says": "has the opposite sign and is off by the factor 2, or 1 / the learning rate 0.5",
                    "factor": -2,
                }
            ],
        },
    ]


def test_a_shift_as_json():
    problem = convstep.load({"input": np.arange(25.0).reshape(5, 5) ** 2, "filter": np.eye(3)})
    step = next(convstep.descend(problem))
    given = {"output": GivenQuantity.exactly(np.roll(step.output, 1, axis=0))}
    stream = io.StringIO()
    write_comparison(stream, compare_quantities(problem, step, given), "mine.json")
    (check,) = json.loads(stream.getvalue())["checks"]
    assert check["relations"] == [{"id": "shift", "says": "is shifted by 1 row down", "shift": [1, 0]}]


def test_the_goldens_are_there():
    names = {path.stem for path in (Path(__file__).parent.parent / "golden").glob("gradcheck-*.txt")}
    pages = ("gradcheck", "gradcheck-wrong", "gradcheck-torch", "gradcheck-given", "gradcheck-exact")
    assert names == {f"{name}-{width}" for name in pages for width in WIDTHS}
