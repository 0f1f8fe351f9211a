"""Whole pages, as they are printed at three widths."""

from __future__ import annotations

import re
from typing import Any

import pytest
from program import SAMPLES

import convstep
from render.pages import printed

WIDTHS = (40, 80, 120)


def grid(rows: int, columns: int, seed: int = 0) -> list[list[int]]:
    """Small whole numbers without a pattern that the eye sees."""
    return [
        [((row + seed) * 7 + column * 13 + row * column) % 11 - 5 for column in range(columns)] for row in range(rows)
    ]


LARGE: dict[str, Any] = {
    "title": "More cells than a page has room for",
    "input": grid(40, 50),
    "filter": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "target": grid(38, 48, 5),
    "learning_rate": 1e-5,
    "stop": {"iterations": 1},
}
DEEP: dict[str, Any] = {
    "title": "Sixty-four channels",
    "input": [grid(4, 4, channel) for channel in range(64)],
    "filter": [[grid(2, 2, channel + 64 * number) for channel in range(64)] for number in range(2)],
    "bias": 0.5,
    "target": [grid(3, 3, 1), grid(3, 3, 2)],
    "learning_rate": 1e-4,
    "stop": {"iterations": 1},
}
PAGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "question": ("question", {}),
    "channels": ("channels", {"chosen": "1"}),
    "momentum": ("momentum", {"chosen": "2"}),
    "sigmoid": ("sigmoid", {}),
    "textbook": ("textbook", {}),
    "true-convolution": ("true-convolution", {}),
    "large": (LARGE, {}),
    "large-all-cells": (LARGE, {"all_cells": True, "show": ("error",)}),
    "deep": (DEEP, {}),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_whole_pages(same_as_golden, name, width):
    source, wishes = PAGES[name]
    if isinstance(source, str):
        text = printed(convstep.load(SAMPLES / f"{source}.yaml"), width, name=f"sample {source}", **wishes)
    else:
        text = printed(source, width, **wishes)
    assert max(map(len, text.splitlines())) <= width
    same_as_golden(f"{name}-{width}", text)


def test_whole_pages_in_colour(same_as_golden):
    problem = convstep.load(SAMPLES / "question.yaml")
    text = printed(problem, 80, name="sample question", color="always", chosen="2")
    plain = printed(problem, 80, name="sample question", chosen="2")
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == plain
    same_as_golden("question-colour", text.replace("\x1b", "␛"))


def test_all_cells_are_all_cells():
    text = printed(LARGE, 80, all_cells=True, show=("error",))
    body = text[text.index("error e") : text.index("── stopped")]
    cells = re.findall(r"(?<=\s)-?\d+(?=\s)", re.sub(r"columns? \d+( to \d+)?", "", body).replace("°", ""))
    assert len(cells) == 38 * 48
    assert "…" not in body


def test_a_page_of_a_large_problem_is_short():
    assert len(printed(LARGE, 80).splitlines()) < 120
    assert len(printed(DEEP, 80).splitlines()) < 400
