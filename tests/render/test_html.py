"""What a notebook shows: well-formed, escaped, and in the notebook's own colours."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from drawn_problems import question
from hypothesis import given
from profiles import examples
from program import NAMES, SAMPLES
from strategies import problem_documents

import convstep
from convstep.derivation.model import Cell, Factor, product
from convstep.render.html import MOST_EQUATIONS

HOSTILE = "<script>alert('1')</script>&\"'"
VOID = {"br"}


class Checker(HTMLParser):
    """Complains about tags that are not closed in their order; collects tags and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        assert all(name == "style" and value for name, value in attrs), attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def checked(html: str) -> str:
    """The text of a piece of HTML, which must be whole and name no colour."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert checker.tags <= {"div", "b", "i", "br", "span", "small", "table", "tr", "td", "pre"}
    styles = " ".join(re.findall(r"style='([^']*)'", html))
    assert not re.search(r"#[0-9a-f]{3}|rgb|\b(black|white(?!-space)|red|green|blue|gr[ae]y|yellow)\b", styles)
    assert not re.search(r"(?<!-)color:|background:(?!none)", styles)
    return checker.text


@pytest.mark.parametrize("name", NAMES)
def test_samples_in_a_notebook(name):
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    trace = convstep.run(problem)
    text = checked(trace._repr_html_())
    assert text.startswith(f"{trace.outcome.status} after {len(trace)} iteration")
    assert trace.reason in text
    step = checked(trace[0]._repr_html_())
    assert step.startswith("Iteration 1")
    assert all(quantity in step for quantity in trace[0])
    assert step in text


@given(problem_documents())
@examples(15)
def test_any_problem_in_a_notebook(document):
    problem = convstep.load(document)
    trace = convstep.run(problem)
    checked(trace._repr_html_())
    checked(convstep.explain(trace[0], problem)._repr_html_())


def test_an_explanation_reads_like_its_page():
    trace = convstep.run(question())
    shown = checked(convstep.explain(trace[0], question(), quantity="activation_slope")._repr_html_())
    assert "activation_slope[0,1] = relu′(pre_activation[0,1]) = relu′(0) = 0\n" in shown
    assert "z is exactly 0, where relu has a kink" in shown
    given = checked(convstep.explain(trace[0], question(), quantity="filter")._repr_html_())
    assert "filter[0,1] = −1\n  The problem gives it\n" in given


def test_hostile_text_cannot_get_in():
    """Reason and advice hold words of verdicts; whatever they may be one day, they are escaped. So are notes."""
    trace = convstep.run(question(title=HOSTILE))
    hostile = dataclasses.replace(trace, reason=HOSTILE, advice=(HOSTILE,))
    assert hostile.outcome.status == trace.outcome.status
    outcome = dataclasses.replace(trace.outcome, status=HOSTILE)
    for each in (hostile, dataclasses.replace(trace, outcome=outcome), trace):
        html = each._repr_html_()
        assert "<script" not in html
        checked(html)
    assert checked(hostile._repr_html_()).count(HOSTILE) == 2
    cell = Cell(HOSTILE, (0,), 1.0, (product(Factor(1.0, HOSTILE, (0,), function=f"{HOSTILE}({{}})", argument=1.0)),))
    explanation = convstep.Explanation(1, (cell._replace(note=HOSTILE),))
    html = explanation._repr_html_()
    assert "<script" not in html
    assert HOSTILE in checked(html)


def test_large_matrices_show_their_corners():
    problem = question(input=np.ones((40, 30)), target=np.ones((39, 29)))
    step = next(iter(convstep.descend(problem)))
    text = checked(step._repr_html_())
    assert "39×29" in text
    assert "…" in text
    assert len(step._repr_html_()) < 100_000


def test_long_explanations_are_cut():
    problem = question(input=np.ones((40, 30)), target=np.ones((39, 29)))
    explanation = convstep.explain(next(iter(convstep.descend(problem))), problem, quantity="delta")
    text = checked(explanation._repr_html_())
    assert f"… and {39 * 29 - MOST_EQUATIONS} more" in text


def test_numbers_that_are_none():
    with np.errstate(all="ignore"):
        step = next(iter(convstep.descend(question(input=np.full((3, 3), 1e300), filter=np.full((2, 2), 1e300)))))
    assert "∞" in checked(step._repr_html_())
