"""JSON: every number reads back to the same value, in the names and the order that are promised."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import SAMPLES
from strategies import problem_documents

import convstep
from convstep.quantities import QUANTITIES
from convstep.render.json import MOST_NUMBERS, JsonDocument, JsonLines, StepTexts, step_text, text_of
from convstep.trace import Outcome, Step
from convstep.verdict import Verdict, judge

drawn = examples(60)


def written(kind: type[JsonDocument] | type[JsonLines], document: dict[str, Any]) -> tuple[str, list[Step]]:
    """The trace of a run as text, and its Steps."""
    problem = convstep.load(document)
    descent = convstep.descend(problem)
    steps = list(descent)
    assert descent.outcome is not None
    stream = io.StringIO()
    writer = kind(stream, None, False)
    writer.begin(problem)
    for step in steps:
        writer.step(step)
    writer.end(descent.outcome, judge(problem, descent.outcome, steps[0], steps[-1]))
    return stream.getvalue(), steps


def strict(text: str) -> Any:
    """JSON read by its standard: NaN and Infinity are not in it."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_reads_back_to_itself(value):
    text = text_of(value)
    if not math.isfinite(value):
        assert text == "null"
    else:
        assert float(text) == value
        assert strict(text) == value
        assert (re.fullmatch(r"-?\d+", text) is not None) == (value == int(value) and abs(value) < 1e16)
        assert text != "-0"
        assert len(text) <= len(repr(value))


@given(st.lists(st.lists(st.floats(), min_size=1), min_size=1))
def test_lists_are_written_number_by_number(rows):
    assert text_of(rows) == "[" + ", ".join("[" + ", ".join(text_of(one) for one in row) + "]" for row in rows) + "]"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (-2.0, "-2"), (-0.0, "0"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (1e16, "1e+16"),
     (9999999999999998.0, "9999999999999998"), (-1e15, "-1000000000000000"), (5e-324, "5e-324"), (1e22, "1e+22"),
     (float("nan"), "null"), (float("-inf"), "null"), (10.05, "10.05"), (100.0, "100"), (-0.5, "-0.5")],
)  # fmt: skip
def test_numbers_to_the_character(value, text):
    assert text_of(value) == text
    assert text_of([value, value]) == f"[{text}, {text}]"
    assert text_of({"a": [[value]]}) == f'{{"a": [[{text}]]}}'


@drawn
@given(problem_documents())
def test_a_trace_holds_the_steps_to_the_bit(document):
    text, steps = written(JsonDocument, document)
    read = strict(text)
    assert list(read) == ["format", "version", "problem", "iterations", "result"]
    assert (read["format"], read["version"]) == ("convstep-trace", 1)
    assert len(read["iterations"]) == len(steps)
    for item, step in zip(read["iterations"], steps, strict=True):
        assert item["iteration"] == step.iteration
        assert list(item) == ["iteration", *(name for name in QUANTITIES if name in step)]
        for name in step:
            assert np.array_equal(np.array(item[name], dtype=float), step.array(name))
    assert not re.search(r"(?<![\w.])-0(?![.\de])", text)
    assert not re.search(r"\d\.0\b(?!\d)", text)


@drawn
@given(problem_documents())
def test_a_document_and_lines_hold_the_same(document):
    whole = strict(written(JsonDocument, document)[0])
    first, *rest = map(strict, written(JsonLines, document)[0].splitlines())
    last = rest.pop()
    assert list(first)[:3] == ["type", "format", "version"]
    assert first == {"type": "problem"} | {key: whole[key] for key in ("format", "version", "problem")}
    assert rest == [{"type": "iteration"} | item for item in whole["iterations"]]
    assert last == {"type": "result"} | whole["result"]


@drawn
@given(problem_documents(), st.sets(st.sampled_from(sorted(QUANTITIES)), max_size=3))
def test_a_template_writes_what_is_written_number_by_number(document, names):
    texts, some = StepTexts(None), StepTexts(names)
    for step in convstep.descend(convstep.load(document)):
        assert texts.text(step) == step_text(step)
        assert some.text(step) == step_text(step, names)


@drawn
@given(problem_documents(), st.randoms(use_true_random=False))
def test_it_does_so_in_any_order(document, random):
    """What a line hands on to the next one is not taken for another's."""
    steps = list(convstep.descend(convstep.load(document)))
    random.shuffle(steps)
    texts = StepTexts(None)
    assert [texts.text(step) for step in steps] == [step_text(step) for step in steps]


def test_what_stands_twice_is_written_once():
    descent = convstep.descend(convstep.load(SAMPLES / "sigmoid.yaml"))
    texts = StepTexts(None)
    assert [texts.text(step) for step in descent] == [
        step_text(step) for step in convstep.descend(convstep.load(SAMPLES / "sigmoid.yaml"))
    ]
    assert [each.array for each in texts._shared] == ["new_filter", "error", "error", "filter"]


def test_whole_numbers_infinities_and_large_arrays_in_a_block():
    """A block of four: whole numbers and zeros of either sign, fractions of 1, an infinity, and all of these again."""
    w = np.array([[[1.0, -0.0]], [[0.5, 1e16]], [[np.inf, 2.0]], [[-3.0, 1e-7]]])
    for more in ({}, {"output": np.zeros((4, MOST_NUMBERS))}):
        block = {"filter": w, "loss": np.array([2.0, 0.25, np.nan, -0.0]), **more}
        texts = StepTexts(None)
        written = [texts.text(Step(row + 1, block, row)) for row in range(4)]
        assert written == [step_text(Step(row + 1, block, row)) for row in range(4)]
        assert written[0].startswith('"iteration": 1, "filter": [[1, 0]], "loss": 2')
        assert written[2].startswith('"iteration": 3, "filter": [[null, 2]], "loss": null')


@drawn
@given(problem_documents())
def test_the_problem_fed_back_gives_the_same_text(document):
    text, _ = written(JsonDocument, document)
    again, _ = written(JsonDocument, strict(text)["problem"])
    assert again == text


def test_the_result_has_its_keys_in_order():
    with_bias = {"input": [[1, 2]], "filter": [[1]], "bias": 1, "target": [[1, 1]], "learning_rate": 0.1}
    result = strict(written(JsonDocument, with_bias)[0])["result"]
    assert list(result) == ["status", "iterations", "loss", "filter", "bias", "reason", "advice"]
    forward = strict(written(JsonDocument, {"input": [[1, 2]], "filter": [[1]]})[0])["result"]
    assert list(forward) == ["status", "iterations", "filter", "reason", "advice"]


def test_what_is_not_finite_is_null():
    arrays = {"filter": np.array([[[1.0, np.inf]]]), "loss": np.array([np.nan]), "delta": np.array([[-np.inf]])}
    assert step_text(Step(1, arrays)) == '"iteration": 1, "filter": [[1, null]], "loss": null, "delta": [null]'


def test_a_loss_that_overflowed_is_null_in_the_result():
    stream = io.StringIO()
    JsonLines(stream, None, False).end(Outcome("diverged", 1, math.inf, np.array([[1.0]])), Verdict("because", ()))
    assert strict(stream.getvalue()) == {
        "type": "result", "status": "diverged", "iterations": 1, "loss": None, "filter": [[1]], "reason": "because",
        "advice": [],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["1.0, -0.0]", "nan, inf", "a\x1b[2Jb", '"quoted"\\', "δ 滤 \u202e", "-0, 5.0,"])
def test_text_is_left_alone(text):
    assert strict(text_of({text: [text, {"a": text}]})) == {text: [text, {"a": text}]}
    assert text_of(text).isascii()


EVERYTHING: dict[str, Any] = {
    "title": "All keys, none at its default",
    "input": [[[1, -2, 0, 3], [0, 1, 2, -1], [2, 0, -1, 1]], [[0, 1, 1, 0], [1, -1, 0, 2], [-1, 0, 1, 0]]],
    "filter": [[[[1, 0], [0, -1]]], [[[0, 1], [1, 0]]]],
    "bias": [0.5, 0],
    "activation": {"leaky_relu": {"slope": 0.25}},
    "slope_at_zero": 0.5,
    "target_through_activation": True,
    "operation": "convolution",
    "stride": [1, 2],
    "dilation": [2, 1],
    "padding": [[1, 0], [0, 1]],
    "groups": 2,
    "loss": {"huber": {"delta": 0.5}},
    "learning_rate": 0.03,
    "optimizer": {"adam": {"betas": [0.5, 0.75], "eps": 0.001, "weight_decay": 0.01, "amsgrad": True}},
    "stop": {"iterations": 7, "loss": 1e-3, "gradient": 1e-4},
    "expected_filter": [[[[1, 1], [0, -1]]], [[[0, 1], [1, 1]]]],
}


def test_no_key_is_lost_on_the_way():
    layer = ("input", "filter", "operation", "stride", "dilation", "padding", "groups")
    shape = convstep.load({key: EVERYTHING[key] for key in layer}).output_shape
    document = EVERYTHING | {"target": np.ones(shape).tolist()}
    text, _ = written(JsonDocument, document)
    again = strict(text)["problem"]
    assert again.keys() >= document.keys()
    assert {key: again[key] for key in EVERYTHING} == EVERYTHING
    assert written(JsonDocument, again)[0] == text
