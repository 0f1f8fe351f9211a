"""``convstep check``: its files in order, its formats, its exit codes and its ends."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import SAMPLES, answer, environment, start

from convstep import descend, load
from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS

RIGHT = "output: [[3, 0], [0, 1]]\nerror: [[2, 0], [0, 0]]\n"
ASCENT = "filter_gradient: [[2, -2], [0, 2]]\nnew_filter: [[2, -2], [1, 2]]\n"
OWN_WAY = "error: [[-2, 0], [0, 0]]\nnew_filter: [[0, 0], [1, 0]]\n"
SLIP = "filter_gradient: [[2, -2], [0, -2]]\n"
NONSENSE = "filter_gradient: [[7, 5], [3, -4]]\n"
BROKEN = "output: [[3, 0],\n  [0, x]]\n"
HEAD = "file,iteration,verdict,first_wrong,mistakes,conventions,slips,error"

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files: names without their ending, and texts. ``p.yaml`` is there already: the problem of the question."""
    (tmp_path / "p.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())

    def these(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")

    return these


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def rows(out: str) -> list[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


@pytest.mark.parametrize("name", ["question-attempt", "answer-attempt"])
def test_a_sample_is_the_page_of_its_golden(call, name):
    code, out, err = call("check", "--sample", name)
    golden = Path(__file__).parent.parent / "golden" / f"check-{name}-80.txt"
    assert (code, err) == (1, "")
    _, *expected = golden.read_text(encoding="utf-8").splitlines()
    first, *rest = out.splitlines()
    assert rest == expected
    assert first.startswith(f"sample {name} · ")


@pytest.mark.parametrize(
    ("attempt", "code", "verdict"),
    [
        (RIGHT, 0, "right"),
        (OWN_WAY, 0, "right"),
        (ASCENT, 1, "wrong"),
        (SLIP, 1, "slip"),
        (NONSENSE, 1, "unexplained"),
        (BROKEN, 2, "unreadable"),
    ],
)
@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_the_code_is_that_of_the_verdict(call, write, attempt, code, verdict, form):
    write(a=attempt)
    ended, out, err = call("check", "p.yaml", "a.yaml", "--format", form)
    assert (ended, err) == (code, "")
    assert (rows(out)[0] if form == "csv" else lines(out)[0])["verdict"] == verdict


def test_one_that_is_not_right_makes_the_class_not_right(call, write):
    write(a=RIGHT, b=OWN_WAY, c=BROKEN)
    assert call("check", "p.yaml", "a.yaml", "b.yaml")[0] == 0
    assert call("check", "p.yaml", "a.yaml", "c.yaml")[0] == 1
    assert call("check", "p.yaml", "a.yaml", "c.yaml", "--summary")[0] == 1


def test_files_are_read_in_order(call, write):
    """Each attempt is at the problem before it, a problem's own attempt comes first."""
    other = (SAMPLES / "question.yaml").read_text(encoding="utf-8").replace("rate: 0.5", "rate: 1")
    write(a=ASCENT, other=other + "attempt:\n  new_filter: [[-1, 1], [1, -1]]\n", b="new_filter: [[-1, 1], [1, -1]]\n")
    code, out, _ = call("check", "p.yaml", "a.yaml", "b.yaml", "other.yaml", "a.yaml", "b.yaml", "--format", "jsonl")
    assert code == 1
    assert [(each["file"], each["verdict"] == "right") for each in lines(out)] == [
        ("a.yaml", False),
        ("b.yaml", False),
        ("other.yaml", True),
        ("a.yaml", False),
        ("b.yaml", True),
    ]
    assert ["rate-forgotten"] in [[each["id"] for each in one] for one in lines(out)[1]["explanations"]]


def test_pages_of_a_class_say_whose_they_are(call, write):
    write(a=RIGHT, b=BROKEN)
    _, out, err = call("check", "p.yaml", "a.yaml", "b.yaml")
    assert err == ""
    assert '\n  b.yaml: unreadable\n    b.yaml:2:7: output[1,1]: expected a number or null, found text "x"\n' in out
    assert out.startswith("a.yaml, an attempt at p.yaml · The filter that would not learn\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a.yaml",), "a.yaml: an attempt, and no problem before it; name the problem's file first"),
        (("list.yaml",), "list.yaml: an attempt, and no problem before it; name the problem's file first"),
        (("below.yaml", "p.yaml"), "below.yaml: an attempt, and no problem before it; name the problem's file first"),
        (("p.yaml",), "p.yaml: it has no attempt to check; convstep worksheet prints the problem with empty matrices"),
        (
            (),
            "no FILE given; convstep check homework.yaml checks the attempt in it, and convstep worksheet writes one",
        ),
        (("none.yaml",), "none.yaml: no such file"),
        (("p.yaml", "none.yaml"), "none.yaml: no such file"),
        (("bad.yaml", "a.yaml"), 'bad.yaml:1:10: input[0,0]: expected a number, found text "x"'),
        (("p.yaml", "a.yaml", "--set", "lr=1"), "--set lr=1: unknown key"),
        (("p.yaml", "a.yaml", "--summary", "--format", "csv"), "--summary: a page or JSON; csv has a row an attempt"),
        (("p.yaml", "--blind", "--format", "csv"), "--blind: a page or JSON; csv has a row an attempt"),
        (("p.yaml", "--blind", "--sample", "question"), "give a FILE or --sample, not both"),
        (("--mistakes", "asent"), "--mistakes: there is no mistake asent; did you mean ascent?"),
        (
            ("--mistakes", "gradient_rotated"),
            "--mistakes: there is no mistake gradient_rotated; did you mean gradient-rotated?",
        ),
        (
            ("--mistakes", "\x1b[2Jzzz"),
            "--mistakes: there is no mistake \\x1b[2Jzzz; convstep check --mistakes lists them",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_line(call, write, arguments, says):
    write(
        a=RIGHT,
        list=f"- {RIGHT.splitlines()[0]}\n",
        below="attempt: {error: [[2, 0], [0, 0]]}\n",
        bad="input: [[x]]\nfilter: [[1]]\n",
    )
    code, out, err = call("check", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"convstep: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("output: [[3, 0],\n  [0, x]]\n", ':2:7: output[1,1]: expected a number or null, found text "x"'),
        ("attempt:\n  output: [[3, 0], [0]]\n", ":2:20: attempt.output[1]: row 1 has 1 number and row 0 has 2"),
        ("output: [[3, 0]\n", ":2:1: not readable as YAML"),
        ("outptu: [[3, 0], [0, 1]]\nerror: [[2, 0], [0, 0]]\n", ":1:1: outptu: unknown key; did you mean output?"),
        ("error: []\n", ":1:8: error: expected numbers, found an empty list"),
        ("error: [[.nan, 0], [0, 0]]\n", ":1:10: error[0,0]: expected a number or null, found NaN"),
        ("error: [[true, 0], [0, 0]]\n", ":1:10: error[0,0]: expected a number or null, found true"),
        ("error: [[2, 0], [0, 0]]\nerror: [[2, 0], [0, 0]]\n", ":2:1: error: duplicate key"),
        ("iteration: 0\nerror: [[2, 0], [0, 0]]\n", ":1:12: iteration: expected an integer of at least 1, found 0"),
        ("iteration: 2\n", ":1:1: expected quantities, such as error and filter_gradient; found none"),
        ("[]\n", ":1:1: expected at least one attempt, found an empty list"),
        ("attempt: []\n", ":1:10: attempt: expected at least one attempt, found an empty list"),
        ("- 3\n", ":1:3: [0]: expected a mapping from names"),
        ("error: [[null, null], [null, null]]\n", ":1:1: no number is filled in yet"),
        (
            "attempt: {error: [[2, 0], [0, 0]]}\ndelta: [[2, 0], [0, 0]]\n",
            ":2:1: delta: stands beside attempt; write it below attempt",
        ),
        (
            "error: [[2, 0], [0, 0]]\nbias_gradient: 3\n",
            ":2:1: bias_gradient: this problem has none; it has filter, pre_activation, output, error, loss, ",
        ),
        (
            "- error: [[2, 0], [0, 0]]\n- {iteration: 2, bias_gradient: 3}\n",
            ":2:18: [1].bias_gradient: this problem has none;",
        ),
        (
            "iteration: 900\nerror: [[2, 0], [0, 0]]\n",
            ": there is no iteration 900: the run ends after 35 iterations",
        ),
        ("", ": empty; expected an attempt, as in error: [[1, 0]], or a problem with input and filter"),
        ("5\n", ":1:1: expected an attempt, as in error: [[1, 0]], or a problem with input and filter, found 5"),
        ("\0", ": binary data;"),
    ],
)
def test_an_unreadable_attempt_says_where_and_ends_nothing(call, write, text, error):
    write(a=RIGHT, bad=text, b=RIGHT)
    code, out, err = call("check", "p.yaml", "a.yaml", "bad.yaml", "b.yaml", "--format", "jsonl")
    assert (code, err) == (1, "")
    found = lines(out)
    assert [each["verdict"] for each in found if each["verdict"] != "unreadable"][:1] == ["right"]
    assert found[0]["file"] == "a.yaml"
    assert found[-1]["file"] == "b.yaml"
    broken = next(each for each in found if each["verdict"] == "unreadable")
    assert broken.keys() <= {"format", "version", "file", "iteration", "verdict", "error"}
    assert broken["error"].startswith(f"bad.yaml{error}")
    by_row = next(row for row in rows(call("check", "p.yaml", "bad.yaml", "--format", "csv")[1]) if row["error"])
    assert by_row["error"] == broken["error"]
    if len(found) == 3:
        code, out, err = call("check", "p.yaml", "bad.yaml")
        assert (code, out, err) == (2, "", f"convstep: {broken['error']}\n")


def test_one_attempt_is_one_object_and_several_are_results(call, write):
    write(a=ASCENT, b=RIGHT)
    one = json.loads(call("check", "p.yaml", "a.yaml", "--format", "json")[1])
    several = json.loads(call("check", "p.yaml", "a.yaml", "b.yaml", "--format", "json")[1])
    by_line = lines(call("check", "p.yaml", "a.yaml", "b.yaml", "--format", "jsonl")[1])
    head = {"format": "convstep-check", "version": 1}
    assert one == {**head, **several["results"][0]} == by_line[0]
    assert several.keys() == {"format", "version", "results"}
    assert by_line == [{**head, **each} for each in several["results"]]
    says = one["explanations"][0][0].pop("says")
    instead = one["explanations"][0][0].pop("instead")
    assert says.startswith("The gradient at [0,0] is 2, and you moved with it: 1 grew by 1 to 2. Against it, ")
    assert instead == CATALOGUE["ascent"].instead
    assert one == {
        **head,
        "file": "a.yaml",
        "iteration": 1,
        "verdict": "wrong",
        "first_wrong": "new_filter",
        "quantities": [
            {
                "name": "filter_gradient",
                "status": "right",
                "given": [[2, -2], [0, 2]],
                "expected": [[2, -2], [0, 2]],
                "cells": [],
            },
            {
                "name": "new_filter",
                "status": "wrong",
                "id": "ascent",
                "given": [[2, -2], [1, 2]],
                "expected": [[0, 0], [1, 0]],
                "cells": [
                    {"cell": [0, 0], "given": 2, "expected": 0},
                    {"cell": [0, 1], "given": -2, "expected": 0},
                    {"cell": [1, 1], "given": 2, "expected": 0},
                ],
            },
        ],
        "explanations": [[{"id": "ascent", "at": "new_filter", "few": True}]],
    }


def test_a_tie_in_json_says_what_would_settle_it(call):
    document = json.loads(call("check", "--sample", "answer-attempt", "--format", "json")[1])
    assert [[each["id"] for each in one] for one in document["explanations"]] == [
        ["slope-forgotten"],
        ["slope-at-zero"],
    ]
    assert document["separation"] == {
        "name": "activation_slope",
        "predictions": {"slope-forgotten": [[1, 0], [0, 1]], "slope-at-zero": [[1, 1], [0, 1]]},
    }
    cells = document["quantities"][1]["cells"]
    assert [(each["cell"], each["kind"], each["says"]) for each in cells] == [
        ([0, 0], "lost-minus", "a lost minus"),
        ([1, 0], "lost-minus", "a lost minus"),
    ]


def test_csv_has_a_row_an_attempt(call, write):
    write(a=ASCENT, b=OWN_WAY, c=SLIP)
    _, out, _ = call("check", "p.yaml", "a.yaml", "b.yaml", "c.yaml", "--format", "csv")
    assert out == (
        f"{HEAD}\n"
        "a.yaml,1,wrong,new_filter,ascent,,0,\n"
        "b.yaml,1,right,,,error-sign,0,\n"
        "c.yaml,1,slip,filter_gradient,,,1,\n"
    )
    tie = rows(call("check", "--sample", "answer-attempt", "--format", "csv")[1])[0]
    assert (tie["mistakes"], tie["conventions"], tie["slips"]) == ("slope-forgotten | slope-at-zero", "error-sign", "2")


def test_the_next_iteration_starts_from_the_learners_own_filter(call, write):
    """After an ascent the right z of iteration 2 is that of the filter 2 -2 / 1 2, with or without ``attempt:``."""
    second = "pre_activation: [[6, -1], [-4, 3]]"
    bare = f"- iteration: 2\n  {second}\n- new_filter: [[2, -2], [1, 2]]\n"
    write(
        bare=bare,
        below="attempt:\n" + "".join(f"  {line}\n" for line in bare.splitlines()),
        alone=f"iteration: 2\n{second}\n",
        own=(SAMPLES / "question.yaml").read_text(encoding="utf-8")
        + "attempt:\n"
        + "".join(f"  {line}\n" for line in bare.splitlines()),
    )
    for name in ("bare", "below", "own"):
        out = call("check", "p.yaml", f"{name}.yaml", "--format", "jsonl")[1]
        assert [(each["iteration"], each["verdict"]) for each in lines(out)] == [(1, "wrong"), (2, "right")]
        assert lines(out)[1]["quantities"][0]["expected"] == [[6, -1], [-4, 3]]
    alone = lines(call("check", "p.yaml", "alone.yaml", "--format", "jsonl")[1])[0]
    assert alone["verdict"] != "right"
    assert alone["quantities"][0]["expected"] == [[0, 1], [0, -1]]
    own, right = "your own numbers for iteration 1", "the right numbers of iteration 1"
    for name, which in (("bare", own), ("own", own), ("alone", right)):
        assert f"It starts from the filter that {which} lead to." in call("check", "p.yaml", f"{name}.yaml")[1]


def test_standard_input_is_an_attempt_or_a_problem(write, tmp_path):
    write(a=ASCENT)
    problem = (SAMPLES / "question.yaml").read_text(encoding="utf-8")
    found = answer("check", "p.yaml", "-", "--format", "csv", given=RIGHT, cwd=tmp_path)
    assert found == (0, f"{HEAD}\n<stdin>,1,right,,,,0,\n", "")
    found = answer("check", "-", "a.yaml", "--format", "csv", given=problem, cwd=tmp_path)
    assert found == (1, f"{HEAD}\na.yaml,1,wrong,new_filter,ascent,,0,\n", "")
    found = answer(
        "check", "p.yaml", "-", "--format", "csv", given=f"[{{{json.dumps('error')}: [[2, 0], [0, 0]]}}]", cwd=tmp_path
    )
    assert found == (0, f"{HEAD}\n<stdin>,1,right,,,,0,\n", "")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_trace_is_a_problem(call, write, tmp_path, form):
    write(a=ASCENT)
    (tmp_path / "trace").write_text(call("run", "p.yaml", "--format", form)[1], encoding="utf-8")
    code, out, _ = call("check", "trace", "a.yaml", "--format", "csv")
    assert (code, out) == (1, f"{HEAD}\na.yaml,1,wrong,new_filter,ascent,,0,\n")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_the_digits_survive_a_run(call, write, tmp_path, form):
    """0.50 stays 0.50: fed back, the attempt is judged the same."""
    attempt = 'attempt:\n  filter_gradient: [[2.00, -2.0], [0.50, +2.]]\n  new_filter: [["1/3", 1e-3], [1, -.5]]\n'
    write(own=(SAMPLES / "question.yaml").read_text(encoding="utf-8") + attempt)
    text = call("run", "own.yaml", "--iters", "1", "--format", form)[1]
    assert (
        '"attempt": {"filter_gradient": [[2.00, -2.0], [0.50, "2."]], "new_filter": [["1/3", 1e-3], [1, -0.5]]}' in text
    )
    (tmp_path / "trace").write_text(text, encoding="utf-8")
    before, after = (
        lines(call("check", name, "--format", "jsonl")[1])[0] | {"file": ""} for name in ("own.yaml", "trace")
    )
    assert before == after


THIRDS = """
input: [[1]]
filter: [[1]]
activation: linear
target: [[0]]
learning_rate: {rate}
attempt:
  new_filter: [[{given}]]
"""


@pytest.mark.parametrize(
    ("rate", "given", "verdict"),
    [
        ('"2/3"', "0.33", "right"),
        ('"2/3"', "0.34", "right"),
        ('"2/3"', "0.36", "not"),
        ('"2/3"', "0.333", "right"),
        ('"2/3"', "0.330", "not"),
        ('"2/3"', '"1/3"', "right"),
        ('"2/3"', '"1/4"', "not"),
        ('"2/3"', "0", "not"),
        ('"2/3"', "3.3e-1", "right"),
        ("0.505", "0.50", "right"),
        ("0.52", "0.50", "not"),
        ("0.52", "0.5", "right"),
        ("0.5001", "0.50000", "not"),
        ("2", "-1", "right"),
        ("2.2", "-1", "not"),
        ("2.2", "-1.", "right"),
    ],
)
def test_a_number_is_judged_to_its_digits(call, write, rate, given, verdict):
    write(own=THIRDS.format(rate=rate, given=given))
    found = lines(call("check", "own.yaml", "--format", "jsonl")[1])[0]["verdict"]
    assert (found == "right") == (verdict == "right")


def test_digits_may_be_mixed(call, write):
    write(a="filter_gradient: [[2, -2.0], [0.00, 2.000]]\nnew_filter: [[0, 0.0], [1.00, -0.0]]\n")
    assert call("check", "p.yaml", "a.yaml")[0] == 0
    write(b="filter_gradient: [[2, -2.0], [0.00, 2.002]]\n")
    assert call("check", "p.yaml", "b.yaml")[0] == 1


def test_rounding_accuses_nobody_of_a_mistake(call, write):
    """0.33 for 1/3 is right; a number that is only near what a mistake gives is no sign of it."""
    write(own=THIRDS.format(rate='"1/3"', given="0.67"))
    assert call("check", "own.yaml", "--format", "csv")[1].splitlines()[1] == "own.yaml,1,right,,,,0,"
    # Ascent gives 4/3 = 1.33; 1.35 is neither right nor that.
    write(own=THIRDS.format(rate='"1/3"', given="1.35"))
    assert "ascent" not in call("check", "own.yaml", "--format", "csv")[1]
    write(own=THIRDS.format(rate='"1/3"', given="1.33"))
    assert "ascent" in call("check", "own.yaml", "--format", "csv")[1]


def test_settings_change_the_problem(call, write):
    write(a="new_filter: [[-1, 1], [1, -1]]\n")
    assert call("check", "p.yaml", "a.yaml", "--set", "learning_rate=1")[0] == 0
    assert call("check", "p.yaml", "a.yaml")[0] == 1


def test_open_cells_are_not_judged(call, write):
    write(a="filter_gradient: [[2, null], [null, 2]]\ndelta: null\noutput: [null, [0, 1]]\n")
    code, out, _ = call("check", "p.yaml", "a.yaml", "--format", "json")
    assert code == 0
    assert [(each["name"], each["given"]) for each in json.loads(out)["quantities"]] == [
        ("output", [[None, None], [0, 1]]),
        ("filter_gradient", [[2, None], [None, 2]]),
    ]


def test_the_summary_counts_the_class(call, write):
    write(a=ASCENT, b=OWN_WAY, c=SLIP, d=BROKEN)
    files = ("check", "p.yaml", "a.yaml", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "--summary")
    code, out, err = call(*files)
    assert (code, err) == (1, "")
    assert out.startswith("── 5 attempts ──")
    assert json.loads(call(*files, "--format", "json")[1]) == {
        "format": "convstep-check-summary",
        "version": 1,
        "attempts": 5,
        "verdicts": {"right": 1, "slip": 1, "wrong": 2, "unreadable": 1},
        "mistakes": {"ascent": {"certain": 2, "possible": 0}},
        "first_wrong": {"new_filter": 2, "filter_gradient": 1},
        "ties": [],
        "conventions": {"error-sign": 1},
    }
    assert json.loads(call("check", "--sample", "answer-attempt", "--summary", "--format", "json")[1])["ties"] == [
        {"sets": [["slope-forgotten"], ["slope-at-zero"]], "attempts": 1}
    ]


def test_the_replay_comes_below_the_page(call):
    _, page, _ = call("check", "--sample", "question-attempt")
    code, out, _ = call("check", "--sample", "question-attempt", "--replay")
    assert code == 1
    assert out.startswith(page)
    assert "── your rule run to its end: diverged ──" in out.removeprefix(page)


@pytest.mark.parametrize("name", [*CATALOGUE, *CONVENTIONS])
def test_every_mistake_can_be_asked_for(call, name):
    code, out, err = call("check", "--mistakes", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"── {name}")


def test_the_mistakes_as_json(call):
    code, out, err = call("check", "--mistakes", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["format"], found["version"]) == ("convstep-check-mistakes", 1)
    assert [each["id"] for each in found["mistakes"]] == [*CATALOGUE, *CONVENTIONS]
    for each in found["mistakes"]:
        example = each.get("example")
        assert each["convention"] == (each["id"] in CONVENTIONS) == (example is None)
        if example:
            step = list(descend(load(example["problem"])))[example["iteration"] - 1]
            assert np.asarray(example["right"]) == pytest.approx(np.asarray(step[example["quantity"]]), rel=1e-12)
            assert example["right"] != example["wrong"]


def test_one_mistake_as_a_line_of_json(call):
    code, out, err = call("check", "--mistakes", "ascent", "--format", "jsonl")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out)["did"] == "You moved up the gradient."
    assert call("check", "--mistakes", "--format", "csv")[0] == 2


def test_the_list_of_mistakes(call):
    code, out, err = call("check", "--mistakes")
    assert (code, err) == (0, "")
    names = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert {*CATALOGUE, *CONVENTIONS} <= names


def test_blind_needs_no_attempt(call, write):
    write()
    code, out, err = call("check", "p.yaml", "--blind")
    assert (code, err) == (0, "")
    assert "cannot be seen: the numbers come out right" in out
    found = json.loads(call("check", "p.yaml", "--blind", "--format", "json")[1])
    assert found["seen"] + len(found["unseen"]) + len(found["unmade"]) == len(CATALOGUE)
    assert not {*found["unseen"]} & {*found["unmade"]}


def test_hostile_names_of_files_stay_text(call, write, tmp_path):
    write()
    name = "[red]\x1b[2J\u202e.yaml"
    (tmp_path / name).write_text(RIGHT, encoding="utf-8")
    for color in ("never", "always"):
        _, out, _ = call("check", "p.yaml", name, "--color", color)
        assert "[red]\\x1b[2J\\u202e.yaml" in out
        assert not {"\u202e", "\x1b[2J"} & {out[i : i + n] for n in (1, 4) for i in range(len(out))}
    (tmp_path / name).write_text(BROKEN, encoding="utf-8")
    for more in ((), ("p.yaml",)):
        _, out, err = call("check", "p.yaml", name, *more)
        assert "\x1b[2J" not in out + err
        assert "\u202e" not in out + err


def test_colours_are_a_wish(call, monkeypatch):
    plain = call("check", "--sample", "question-attempt")[1]
    assert "\x1b" not in plain
    assert "\x1b[" in call("check", "--sample", "question-attempt", "--color", "always")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert call("check", "--sample", "question-attempt")[1] == plain


ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("settings", ASCII)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--sample", "question-attempt", "--replay"), ("check", "--sample", "answer-attempt"),
        ("check", "--sample", "answer-attempt", "--format", "jsonl"), ("check", "--sample", "question", "--blind"),
        ("check", "--sample", "answer-attempt", "--format", "csv"), ("check", "--mistakes"),
        ("check", "--mistakes", "ascent"), ("check", "--sample", "answer-attempt", "--summary"),
        ("worksheet", "--sample", "true-convolution"), ("distinguish", "ascent", "--sample", "question"),
        ("check", "--help"), ("worksheet", "--help"), ("distinguish", "--help"), ("check", "δelta"),
    ],
)  # fmt: skip
def test_old_encodings_never_crash(settings, arguments):
    code, _, err = answer(*arguments, env=environment(**settings), errors="surrogateescape")
    if "δelta" in arguments:
        assert code == 2
    else:
        assert (code, err) == (int("attempt" in "".join(arguments)), "")
    assert "Traceback" not in err


def test_plain_characters_keep_the_columns():
    wide = answer("check", "--sample", "question-attempt")[1].splitlines()
    plain = answer("check", "--sample", "question-attempt", env=environment(PYTHONIOENCODING="ascii"))[1].splitlines()
    assert [len(line) for line in plain] == [len(line) for line in wide]
    assert "?" not in "\n".join(plain)


def test_head_takes_one_line_of_a_class(write, tmp_path):
    write(a=ASCENT)
    with start("check", "p.yaml", *["a.yaml"] * 3000, "--format", "jsonl", cwd=tmp_path) as process:
        assert json.loads(process.stdout.readline())["verdict"] == "wrong"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
