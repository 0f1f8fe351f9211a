"""The attempts in a file: in all the forms that a file may have, in the order of their iterations."""

from __future__ import annotations

from pathlib import Path

import pytest

from convstep.errors import ProblemError
from convstep.problem.attempt_file import attempts_of
from convstep.problem.checks_attempt import CALLED
from convstep.problem.reader import Source, read_source
from convstep.quantities import QUANTITIES

PROBLEM = "input: [[1, 2]]\nfilter: [[0.50]]\ntarget: [[1, 1]]\nlearning_rate: 0.10\n"
ERROR = [[1, 0.5]]
SECOND = "a second attempt at iteration {}; write which one it is, as in iteration: {}"
SOME = "filter, loss, iteration, error, delta, new_filter"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def source(text: str, name: str = "file.yaml") -> Source:
    Path(name).write_text(text, encoding="utf-8")
    return read_source(name, attempts=True)


@pytest.mark.parametrize(
    "text",
    [
        "error: [[1, 0.5]]\n",
        "attempt: {error: [[1, 0.5]]}\n",
        "- error: [[1, 0.5]]\n",
        "attempt:\n- error: [[1, 0.5]]\n",
        '[{"error": [[1, 0.5]]}]',
        '{"attempt": [{"error": [[1, 0.5]]}]}',
        PROBLEM + "attempt: {error: [[1, 0.5]]}\n",
        PROBLEM + "attempt: [{error: [[1, 0.5]]}]\n",
    ],
)
def test_every_form(text: str) -> None:
    assert attempts_of(source(text)) == [{"error": ERROR}]


def test_a_problem_alone_has_none() -> None:
    assert attempts_of(source(PROBLEM)) == []


def test_they_come_in_the_order_of_their_iterations() -> None:
    found = attempts_of(source("- {iteration: 3, loss: 1}\n- {loss: 2}\n- {iteration: 2, loss: 3}\n"))
    assert [each["loss"] for each in found] == [2, 3, 1]


def test_what_holds_nothing_counts_as_absent() -> None:
    assert attempts_of(source("error: [[1, 0.5]]\nloss: null\n")) == [{"error": ERROR}]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("attempt: []\n", "file.yaml:1:10: attempt: expected at least one attempt, found an empty list"),
        ("[]\n", "file.yaml:1:1: expected at least one attempt, found an empty list"),
        ("attempt: 3\n", "file.yaml:1:10: attempt: expected a mapping from names, as in error or filter_gradient,"),
        ("gradient: [[1]]\n", "file.yaml:1:1: gradient: unknown key; did you mean filter_gradient?"),
        ("name: Anna\nloss: 1\n", "file.yaml:1:1: name: an attempt has no name; check calls it by its file"),
        ("- {loss: 1, Title: x}\n", "file.yaml:1:13: [0].Title: an attempt has no name; check calls it by its file"),
        ("xyzzy: 1\n", f"file.yaml:1:1: xyzzy: unknown key; known here: {SOME} …; convstep worksheet prints all"),
        ("- {W': 1}\n", "file.yaml:1:4: [0].W': unknown key; did you mean new_filter?"),
        ("- {loss: 1}\n- {lss: 1}\n", "file.yaml:2:4: [1].lss: unknown key; did you mean loss?"),
        ("attempt:\n- {loss: 1}\n- {loss: x}\n", "file.yaml:3:10: attempt[1].loss: expected a number or null,"),
        ("attempt: {loss: 1}\nloss: 2\n", "file.yaml:2:1: loss: stands beside attempt; write it below attempt"),
        (PROBLEM + "attempt: {iteration: 2}\n", "file.yaml:5:10: attempt: expected quantities, such as error"),
        ("- {loss: 1}\n- {loss: 2}\n", f"file.yaml:2:3: [1]: {SECOND.format(1, 2)}"),
        (
            "- {loss: 1, iteration: 4}\n- {iteration: 4, loss: 2}\n",
            f"file.yaml:2:15: [1].iteration: {SECOND.format(4, 5)}",
        ),
        (
            "- {loss: 1, iteration: null}\n- {loss: 2, iteration: 1.0}\n",
            "file.yaml:2:24: [1].iteration: a second attempt",
        ),
        (PROBLEM + "attempt: [{loss: 1}, {loss: 2}]\n", f"file.yaml:5:22: attempt[1]: {SECOND.format(1, 2)}"),
        ("error: [[1, 2], [3]]\n", "file.yaml:1:17: error[1]: row 1 has 1 number and row 0 has 2;"),
        ("error: [[1, 2], 3]\n", "file.yaml:1:17: error[1]: expected a list of 2 as at position 0, found 3"),
        ("iteration: 1.5\nloss: 1\n", "file.yaml:1:12: iteration: expected an integer of at least 1, found 1.5"),
    ],
)
def test_errors_say_where(text: str, error: str) -> None:
    with pytest.raises(ProblemError) as raised:
        attempts_of(source(text))
    assert str(raised.value).startswith(error)


def test_other_words_are_no_names_and_lead_to_names():
    assert not {*CALLED} & {*QUANTITIES}
    assert {*CALLED.values()} <= {*QUANTITIES}
    assert all(word == word.lower() for word in CALLED)
