"""What holds for every page: its width, its numbers, its marks, and that nothing in it is obeyed."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from rich.cells import cell_len
from rich.text import Text
from strategies import problem_documents

import convstep
from convstep.render.matrix import GAP, Look, array_block
from render.pages import matrices, printed

QUESTION: dict[str, Any] = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}
drawn = examples(40)


@drawn
@given(problem_documents(), st.integers(40, 200), st.integers(1, 9), st.booleans())
def test_no_line_is_wider_than_asked_for(document, width, digits, all_cells):
    text = printed(document, width, digits=digits, all_cells=all_cells)
    assert not [line for line in text.splitlines() if cell_len(line) > width]


@drawn
@given(problem_documents(), st.integers(20, 40), st.integers(1, 17))
def test_where_there_is_hardly_any_room_a_page_is_still_a_page(document, width, digits):
    assert "── Iteration 1 ─" in printed(document, width, digits=digits)


@drawn
@given(problem_documents(), st.integers(40, 200))
def test_no_spaces_at_the_end_and_no_minus_zero(document, width):
    text = printed(document, width)
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert not re.search(r"(?<![\w.])-0(?:\.0*)?(?![\w.])", text)
    assert not re.search(r"\b(?:nan|inf)\b", text)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("[red]x[/red] [bold]", "[red]x[/red] [bold]"),
        ("[link=http://example.org]here[/link]", "[link=http://example.org]here[/link]"),
        ("\x1b[2J\x1b[31mred\x07", r"\x1b[2J\x1b[31mred\x07"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("<script>alert(1)</script> &amp;", "<script>alert(1)</script> &amp;"),
        (":smile: \\[x]", ":smile: \\[x]"),
        ("line\none", r"line\none"),
        ("dy[n,o] x[i]", "dy[n,o] x[i]"),
        ("{0} %s", "{0} %s"),
    ],
)
@pytest.mark.parametrize("color", ["never", "always"])
def test_a_title_shows_as_itself_and_is_not_obeyed(title, shown, color):
    text = printed(QUESTION | {"title": title}, 120, color=color)
    head = re.sub(r"\x1b\[[12]?m|\x1b\[0m", "", text[: text.index("input 3×3")])
    assert shown in head
    assert head.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["[red]x[/red].yaml", "\x1b[2J.yaml", "a\u202eb.yaml"])
def test_a_file_name_shows_as_itself_and_is_not_obeyed(name):
    text = printed(QUESTION, name=name)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if name.isprintable():
        assert name in text


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("title", ["long " * 30, "x" * 150, "滤波器" * 40, "e\u0301" * 60])
def test_a_long_title_is_broken(title, width):
    text = printed(QUESTION | {"title": title}, width)
    head = text[: text.index("input 3×3")]
    assert title.replace(" ", "")[: 4 * width - 20] in re.sub(r"\s", "", head)
    assert max(map(cell_len, head.splitlines())) <= width


def test_marks_say_where_the_slope_is_0_where_z_is_0_and_what_changed():
    assert "\n  × slope 0: no error flows back here\n" in printed(QUESTION, chosen="2")
    step = list(convstep.descend(convstep.load(QUESTION)))[1]
    first = next(convstep.descend(convstep.load(QUESTION)))
    for name in ("pre_activation", "activation_slope", "delta"):
        page_with_one = printed(QUESTION, 120, chosen="2", show=(name,))
        rows = re.findall(r"[⎡⎣] (.*?) [⎤⎦]", page_with_one[: page_with_one.index("──", page_with_one.index("Iter"))])
        cells = [cell for row in rows[:2] for cell in row.split()]
        for cell, value, slope, before in zip(
            cells, step[name].flat, step.activation_slope.flat, first[name].flat, strict=False
        ):
            at_zero = name == "pre_activation" and value == 0
            assert ("°" in cell) == at_zero
            assert ("×" in cell) == (slope == 0 and not at_zero)
            assert ("*" in cell) == (value != before)


def read(text: str) -> Decimal:
    """A printed number."""
    return Decimal(text)


def last_place(number: Decimal, digits: int) -> Decimal:
    """One unit of the last of so many significant digits."""
    return Decimal(0) if number == 0 else Decimal(1).scaleb(number.adjusted() - digits + 1)


def agree(total: str, parts: list[str], digits: int, value: Decimal) -> bool:
    """Whether a printed total is the sum (or another value) of printed parts, up to their rounding."""
    slack = sum((last_place(read(part), digits) for part in [total, *parts]), Decimal(0))
    return abs(read(total) - value) <= slack


@drawn
@given(
    problem_documents(goals=("target",), optimizers=("sgd", {"sgd": {"momentum": 0.5, "weight_decay": 0.125}})),
    st.integers(3, 12),
)
def test_what_is_printed_adds_up(document, digits):
    page = printed(document, 2000, digits=digits, chosen="1", all_cells=True)
    for found in matrices(page):
        if not {"filter", "filter_update", "new_filter"} <= found.keys():
            continue
        sums = zip(found["filter"], found["filter_update"], found["new_filter"], strict=True)
        for before, update, after in sums:
            for old, change, new in zip(before, update, after, strict=True):
                assert agree(new, [old, change], digits, read(old) + read(change)), (old, change, new)


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.05, 0.3333])
def test_every_equation_of_the_question_holds_as_printed(rate):
    text = printed(QUESTION | {"learning_rate": rate}, 300, chosen="1-5")
    seen = set()
    for found in matrices(text):
        for left, sign, right, result in (
            ("output", "-", "target", "error"),
            ("output_gradient", "*", "activation_slope", "delta"),
            ("filter", "+", "filter_update", "new_filter"),
        ):
            if not {left, right, result} <= found.keys():
                continue
            seen.add(result)
            for a, b, total in zip(*([*chain(*found[name])] for name in (left, right, result)), strict=True):
                x, y = read(a), read(b)
                value = {"-": x - y, "*": x * y, "+": x + y}[sign]
                assert agree(total, [a, b], 6, value), (left, a, b, total)
    assert seen == {"error", "delta", "new_filter"}


def test_a_heading_wider_than_its_column_needs_room_too():
    rows = {"input": [[0]], "filter": [[2]], "target": [[1]], "learning_rate": 0.5, "stop": {"iterations": 4}}
    rows |= {"optimizer": {"sgd": {"weight_decay": 0.125}}}
    for width in range(36, 48):
        assert all(cell_len(line) <= width for line in printed(rows, width, digits=1).splitlines())


def test_a_loss_without_room_for_its_curve_ends_with_its_number():
    rows = {"input": [[0, 0], [0, 0], [-2, 0]], "filter": [[0, 0, 2]], "operation": "convolution", "stride": [3, 1]}
    rows |= {"padding": [[1, 0], [0, 1]], "activation": {"softplus": {"beta": 2}}, "output_gradient": [[0], [1]]}
    rows |= {"learning_rate": 0.5, "stop": {"iterations": 1}}
    for width in range(36, 48):
        assert not re.search(r" $", printed(rows, width), re.MULTILINE)


def test_the_matrices_of_one_quantity_that_are_cut_are_cut_alike():
    """The first image has numbers of six digits, the second small ones: of neither more than two rows an edge."""
    long_, short_ = ([[each + row * 0.0001 for row in range(12)] for _ in range(12)] for each in (123.456, 1))
    page = array_block(Text("x"), np.array([long_, short_]), Look(62, 9, False), labels=["a", "b"])
    lines = [line.plain for line in page.lines]
    first, second = (
        lines[lines.index(next(each for each in lines if each.strip() == name)) + 1 :][:6] for name in "ab"
    )
    assert [line.count(GAP) for line in first] == [line.count(GAP) for line in second]
    assert sum(line.count(GAP) for line in first) > len(first) - 1
    assert "12×12" in first[-1]
    whole = array_block(Text("x"), np.array([[[1, 2]], [[3, 4]]]), Look(50, 6, False), labels=["a", "b"])
    assert not any(GAP in line.plain for line in whole.lines)
