"""The page of reasons: goldens at three widths, and what holds for every page."""

from __future__ import annotations

import functools
import io
import json
import re
from typing import Any

import pytest
from program import SAMPLES

import convstep
from convstep.reasons.model import Advice, Fact, Reasons, Trial
from convstep.reasons.settings import options
from convstep.render.reasons import reasons_lines, write_reasons
from convstep.render.terminal import page_console, write

WIDTHS = (40, 80, 120)

TEXTBOOK: dict[str, Any] = {
    "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
    "filter": [[1, 0], [-1, 2]],
    "output_gradient": [[1, -1], [2, 0.5]],
    "learning_rate": 0.1,
}
PAGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "question": ("question", {}),
    "converges": ("question-converges", {}),
    "oscillates": ("question-oscillates", {}),
    "out-of-reach": ("out-of-reach", {}),
    "slow": ("linear", {"stop.iterations": 100, "learning_rate": 0.05}),
    "diverging": ("linear", {"learning_rate": 1}),
    "output-gradient": (TEXTBOOK, {}),
    "forward-only": ({"input": [[1, 2]], "filter": [[3]]}, {}),
    "channels": ("channels", {}),
    "sigmoid": ("sigmoid", {"stop.iterations": 200}),
}


def command(settings: Any) -> str:
    return f"convstep run problem.yaml {options(settings)}".replace(" --set slope_at_zero=", "")


def page(reasons: Reasons, width: int, color: str = "never") -> str:
    """The lines, on a console of their own."""
    stream = io.StringIO()
    console = page_console(color, width, stream)
    write(console, reasons_lines(reasons, command, width))
    return stream.getvalue()


@functools.cache
def reasons_of(name: str) -> Reasons:
    source, changed = PAGES[name]
    return convstep.why(convstep.load(SAMPLES / f"{source}.yaml" if isinstance(source, str) else source, changed))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_whole_pages(same_as_golden, name, width):
    text = page(reasons_of(name), width)
    for line in text.splitlines():
        assert len(line) <= width or line.startswith("     convstep run "), "only a command may be wider: it is copied"
        assert line == line.rstrip()
    same_as_golden(f"why-{name}-{width}", text)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_all_that_the_answer_holds(name):
    """Whatever the width, the words are those of the facts, in their order."""
    reasons = reasons_of(name)
    for width in (*WIDTHS, 20, 1000):
        words = " ".join(page(reasons, width).split())
        place = 0
        for said in [fact.says for fact in reasons.facts] + [advice.says for advice in reasons.advice]:
            assert " ".join(said.split()) in words[place:]
            place = words.index(" ".join(said.split()), place)
        for advice in reasons.advice:
            assert command(advice.set) in words


def test_colours_change_nothing_but_the_colour():
    colored = page(reasons_of("question"), 80, "always")
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == page(reasons_of("question"), 80)
    assert colored != page(reasons_of("question"), 80)


def test_a_filter_stays_on_one_line():
    fact = Fact("x", "It visits by turns the two filters 0.68 0.16 / 0.16 0.36 and -1e-5 2 / 3 4, each twice.", {})
    text = page(Reasons("stopped", 1, (fact,), ()), 60)
    assert "0.68 0.16 / 0.16 0.36" in text
    assert "-1e-5 2 / 3 4" in text
    assert "stopped after 1 iteration ─" in text


def test_the_document():
    advice = Advice("Do.", {"learning_rate": 0.5, "slope_at_zero": None}, Trial("converged", 3, float("inf")))
    fact = Fact("a-fact", "It is “so”.", {"limit": float("nan"), "cells": [[0, 1]], "whole": 2.0})
    stream = io.StringIO()
    write_reasons(stream, Reasons("dead", 7, (fact,), (advice,)))
    assert stream.getvalue().endswith("}\n")
    assert json.loads(stream.getvalue()) == {
        "format": "convstep-reasons",
        "version": 1,
        "status": "dead",
        "iterations": 7,
        "facts": [{"id": "a-fact", "says": "It is “so”.", "values": {"limit": None, "cells": [[0, 1]], "whole": 2}}],
        "advice": [
            {
                "says": "Do.",
                "set": {"learning_rate": 0.5, "slope_at_zero": None},
                "tried": {"status": "converged", "iterations": 3, "loss": None},
            }
        ],
    }
