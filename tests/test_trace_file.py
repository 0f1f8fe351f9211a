"""Traces read back: the same iterations, however many are read at a time, and whatever stands between them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from profiles import examples
from strategies import problem_documents

import convstep
from convstep import trace_file
from convstep.errors import ProblemError
from convstep.problem.load import read_problem
from convstep.render.json import JsonDocument, JsonLines
from convstep.trace import Step
from convstep.trace_file import Recorded
from convstep.verdict import judge

LONG = {"input": [[1, 2], [3, 4]], "filter": [[0.5]], "bias": 0.25, "target": [[1, 1], [1, 1]], "learning_rate": 0.001}
LONG |= {"stop": {"iterations": 40, "loss": 0, "gradient": 0}}


def written(document: dict[str, Any], kind: type[JsonDocument] | type[JsonLines]) -> tuple[str, list[Step]]:
    """A run as text, and its Steps."""
    problem = convstep.load(document)
    run = convstep.descend(problem)
    steps = list(run)
    assert run.outcome is not None
    stream = io.StringIO()
    writer = kind(stream, None, False)
    writer.begin(problem)
    for step in steps:
        writer.step(step)
    writer.end(run.outcome, judge(problem, run.outcome, steps[0], steps[-1]))
    return stream.getvalue(), steps


def recorded(folder: Path, text: str, first: int = 1) -> Recorded:
    """The text as a file, read back."""
    path = folder / "trace"
    path.write_text(text, encoding="utf-8")
    problem, source = read_problem(str(path))
    return Recorded(source, problem, first)


def same(found: Sequence[Step], expected: Sequence[Step]) -> None:
    assert [step.iteration for step in found] == [step.iteration for step in expected]
    for one, other in zip(found, expected, strict=True):
        assert list(one) == list(other)
        for name in one:
            np.testing.assert_array_equal(one.array(name), other.array(name), name)
            assert one.array(name).ndim == 0 or not one.array(name).flags.writeable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@given(problem_documents())
@examples(30)
def test_a_run_read_back_is_the_run(document):
    for kind in (JsonDocument, JsonLines):
        text, steps = written(document, kind)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trace_file, "BLOCK", 5)
            with TemporaryDirectory() as folder:
                same(list(recorded(Path(folder), text)), steps)


@pytest.mark.parametrize("characters", [1, 3000, 1 << 20])
def test_many_are_read_at_a_time(folder, monkeypatch, characters):
    text, steps = written(LONG, JsonLines)
    monkeypatch.setattr(trace_file, "BLOCK_CHARACTERS", characters)
    found = list(recorded(folder, text))
    same(found, steps)
    together = [len(step.block[0]["loss"]) for step in found]
    assert together == {1: [1] * 40, 1 << 20: [1, *[4] * 4, *[16] * 16, *[19] * 19]}.get(characters, together)


CHANGES: list[tuple[str, str, str]] = [
    ('"loss": ', '"loss": "much", "lost": ', "loss: expected numbers in equally long rows"),
    ('"error": [[', '"error": [[1, 2], [', "error has the shape (3, 2), and the problem's error has (2, 2)"),
    ('"delta": [[', '"delta": [[1, ', "delta: expected numbers in equally long rows"),
    ('"delta"', '"delat"', "has no delta; run the trace's problem again"),
    (
        '"loss"',
        '"bias_momentum": 1, "loss"',
        "has bias_momentum, and its problem has none; run the trace's problem again",
    ),
    ('"iteration": ', '"iteration": true, "number": ', "an iteration without its number"),
    ('"type": "iteration"', '"type": "thing"', "expected an iteration or a result"),
    ('{"type"', '{"type', "the trace ends in the middle; run its problem again"),
]


@pytest.mark.parametrize(("old", "new", "error"), CHANGES)
@pytest.mark.parametrize("line", [1, 2, 4, 20, 39])
def test_what_comes_before_a_wrong_line_is_handed_out(folder, old, new, error, line):
    text, steps = written(LONG, JsonLines)
    lines = text.splitlines(keepends=True)
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new)
    found = []
    with pytest.raises(ProblemError) as raised:  # noqa: PT012
        for step in recorded(folder, "".join(lines)):
            found.append(step)
    assert error in str(raised.value)
    # One is always read ahead.
    same(found, steps[: max(0, line - 2)])


def test_what_is_not_alike_is_read_one_by_one(folder):
    """Some iterations were written with more quantities than others; the trace says that it is a part."""
    text, steps = written(LONG, JsonLines)
    head, *lines = text.splitlines()
    items = [json.loads(line) for line in lines]
    for item in items[1:40:3]:
        del item["delta"], item["error"]
    head = json.dumps(json.loads(head) | {"partial": True})
    found = list(recorded(folder, "\n".join([head, *map(json.dumps, items)])))
    assert [step.iteration for step in found] == list(range(1, 41))
    assert [("delta" in step) for step in found] == [row % 3 != 1 for row in range(40)]
    for one, other in zip(found, steps, strict=True):
        for name in one:
            np.testing.assert_array_equal(one.array(name), other.array(name))


@pytest.mark.parametrize("first", [1, 2, 17, 40, 41])
def test_earlier_lines_are_passed_over(folder, first):
    text, steps = written(LONG, JsonLines)
    read = recorded(folder, text, first)
    same(list(read), steps[first - 1 :])
    assert read.outcome is not None


def test_a_line_that_is_passed_over_is_not_looked_at_but_for_its_end(folder):
    text, steps = written(LONG, JsonLines)
    lines = text.splitlines(keepends=True)
    lines[3] = lines[3].replace('"loss": ', '"loss": x')
    same(list(recorded(folder, "".join(lines), 30)), steps[29:])
    lines[3] = lines[3][:200] + "\n"
    with pytest.raises(ProblemError, match="the trace ends in the middle"):
        list(recorded(folder, "".join(lines), 30))


def test_what_was_not_finite_is_null_and_back(folder):
    text, _ = written(LONG, JsonLines)
    lines = text.splitlines()
    for line in (1, 30):
        item = json.loads(lines[line])
        item["filter_update"], item["loss"] = [[None]], None
        lines[line] = json.dumps(item)
    found = list(recorded(folder, "\n".join(lines)))
    for step in (found[0], found[29]):
        assert np.isnan(step.filter_update).all()
        assert np.isnan(step.loss)
    assert np.isfinite(found[28].loss)
