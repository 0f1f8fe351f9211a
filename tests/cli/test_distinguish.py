"""``convstep distinguish``: a problem file with comments, and what cannot be asked."""

from __future__ import annotations

import json

import pytest
from program import NO_FILE, SAMPLES

from convstep.diagnosis.catalogue import CATALOGUE


def test_what_it_prints_is_a_problem(call, tmp_path):
    code, out, err = call("distinguish", "ascent", "rate-forgotten", "--sample", "question")
    assert (code, err) == (0, "")
    assert out.startswith("# Shown, and told apart: ascent, rate-forgotten\n")
    (tmp_path / "exercise.yaml").write_text(out, encoding="utf-8")
    assert call("run", "exercise.yaml", "--quiet")[0] == 0
    (tmp_path / "sheet.yaml").write_text(call("worksheet", "exercise.yaml")[1], encoding="utf-8")
    assert "no number is filled in yet" in call("check", "sheet.yaml")[2]


def test_every_mistake_is_spoken_of_once(call):
    _, out, _ = call("distinguish", "--sample", "question")
    comments = " ".join(line[2:] for line in out.splitlines() if line.startswith("# "))
    words = comments.replace(",", " ").replace(":", " ").split()
    assert {name: words.count(name) for name in CATALOGUE} == dict.fromkeys(CATALOGUE, 1)
    assert max(map(len, out.splitlines())) <= 100


def test_what_takes_an_earlier_iteration_is_not_said_to_be_impossible(call):
    _, out, _ = call("distinguish", "ascent", "update-from-start", "--sample", "question")
    assert out.splitlines()[:2] == [
        "# Shown, and told apart: ascent",
        "# Cannot be made in iteration 1 of a problem like this: update-from-start",
    ]


def test_the_ids_and_the_file_in_any_order(call, tmp_path):
    (tmp_path / "p.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())
    one = call("distinguish", "p.yaml", "ascent", "rate-twice", "ascent")
    assert one == call("distinguish", "ascent", "rate-twice", "p.yaml")
    assert one[0] == 0
    assert call("distinguish", "ascent")[2] == NO_FILE
    seeds = {call("distinguish", "p.yaml", "--seed", seed)[1] for seed in ("1", "1", "2")}
    assert len(seeds) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("asent",), "asent: neither a mistake nor a file; did you mean ascent?"),
        (
            ("question",),
            "question: neither a mistake nor a file; the built-in problem of this name is --sample question",
        ),
        (("zzz", "ascent"), "zzz: neither a mistake nor a file; convstep check --mistakes lists the ids"),
        (("p.yaml", "q.yaml"), "q.yaml: a second FILE; give one problem"),
        (("p.yaml", "ascnt"), "ascnt: neither a mistake nor a file; did you mean ascent?"),
        (
            ("forward.yaml",),
            "forward.yaml: a problem that learns nothing shows few mistakes; give it a target and a rate",
        ),
        (("\x1b[2J",), "\\x1b[2J: neither a mistake nor a file;"),
    ],
)
def test_what_cannot_be_asked_is_one_line(call, tmp_path, arguments, says):
    for name in ("p", "q"):
        (tmp_path / f"{name}.yaml").write_bytes((SAMPLES / "question.yaml").read_bytes())
    (tmp_path / "forward.yaml").write_text(json.dumps({"input": [[1, 2]], "filter": [[3]]}))
    code, out, err = call("distinguish", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"convstep: {says}")
    assert err.count("\n") == 1
