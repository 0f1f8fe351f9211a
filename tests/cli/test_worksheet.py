"""``convstep worksheet``: the right shapes, accepted half filled, and right when filled with the right numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import yaml
from program import NAMES, NO_FILE, SAMPLES

import convstep
from convstep.cli.worksheet import USUAL

OTHER = [name for name in NAMES if not name.endswith("-attempt")]


def shape(value: Any) -> tuple[int, ...]:
    return (len(value), *shape(value[0])) if isinstance(value, list) else ()


def filled(sheet: str, step: convstep.Step, share: float = 1.0) -> str:
    """The sheet with the first numbers of each quantity filled in, the rest left open."""
    document = yaml.safe_load(sheet)
    for name in [each for each in document["attempt"] if each != "iteration"]:
        numbers = np.array(step.array(name), dtype=object)
        flat = numbers.reshape(-1)
        flat[max(1, int(share * flat.size)) :] = None
        document["attempt"][name] = numbers.tolist()
    return json.dumps(document)


@pytest.mark.parametrize("iteration", [1, 2])
@pytest.mark.parametrize("name", OTHER)
def test_every_sheet_has_the_right_shapes(call, name, iteration):
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    steps = [step for step, _ in zip(convstep.descend(problem), range(iteration), strict=False)]
    code, out, err = call("worksheet", "--sample", name, "--iter", str(iteration))
    if len(steps) < iteration:
        assert (code, out) == (2, "")
        assert err == "convstep: there is no iteration 2: the run ends after 1 iteration\n"
        return
    assert (code, err) == (0, "")
    attempt = yaml.safe_load(out)["attempt"]
    assert attempt.pop("iteration") == iteration
    kept = ["filter_momentum"] if name == "momentum" else []
    assert list(attempt) == [each for each in steps[-1] if each in (*USUAL, *kept)]
    assert {key: shape(value) for key, value in attempt.items()} == {
        key: np.shape(steps[-1].array(key)) for key in attempt
    }
    assert "null" in out
    assert not any(character.isdigit() for character in out.partition("attempt:\n  iteration: ")[2][2:])


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("name", OTHER)
def test_the_right_numbers_in_it_are_right(call, tmp_path, name, share):
    step = next(convstep.descend(convstep.load(SAMPLES / f"{name}.yaml")))
    sheet = call("worksheet", "--sample", name)[1]
    (tmp_path / "sheet.json").write_text(filled(sheet, step, share))
    code, out, err = call("check", "sheet.json", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["verdict"] == "right"


def test_a_wrong_number_in_it_is_not(call, tmp_path):
    sheet = call("worksheet", "--sample", "question")[1]
    assert sheet.count("delta:\n    - [null, null]") == 1
    (tmp_path / "sheet.yaml").write_text(sheet.replace("delta:\n    - [null, null]", "delta:\n    - [3, null]"))
    assert call("check", "sheet.yaml")[0] == 1
    (tmp_path / "sheet.yaml").write_text(sheet.replace("delta:\n    - [null, null]", "delta:\n    - [2, null]"))
    assert call("check", "sheet.yaml")[0] == 0


def test_an_empty_sheet_is_one_clear_error(call, tmp_path):
    sheet = call("worksheet", "--sample", "question")[1]
    (tmp_path / "sheet.yaml").write_text(sheet)
    line = sheet.splitlines().index("attempt:") + 2
    code, out, err = call("check", "sheet.yaml")
    assert (code, out, err) == (2, "", f"convstep: sheet.yaml:{line}:3: attempt: no number is filled in yet\n")


def test_it_is_the_same_problem(call, tmp_path):
    for name in OTHER:
        (tmp_path / "sheet.yaml").write_text(call("worksheet", "--sample", name)[1])
        runs = [
            call("run", *words, "--format", "jsonl", "--iters", "2")[1]
            for words in (("--sample", name), ("sheet.yaml",))
        ]
        assert runs[0].splitlines()[1:] == runs[1].splitlines()[1:]


def test_what_the_optimizer_keeps_is_filled_in_before_the_step(call, tmp_path):
    keys = {"input": [[1, 2], [0, 1]], "filter": [[1]], "bias": 1, "target": [[1, 1], [1, 1]], "learning_rate": 0.1}
    (tmp_path / "adam.json").write_text(json.dumps(keys | {"optimizer": {"adam": {"amsgrad": True}}}))
    attempt = list(yaml.safe_load(call("worksheet", "adam.json")[1])["attempt"])
    after = attempt[attempt.index("bias_gradient") + 1 :]
    states = ("momentum", "square_average", "largest_square_average")
    assert sorted(after[:6]) == sorted(f"{kind}_{state}" for kind in ("filter", "bias") for state in states)
    assert after[6:] == ["new_filter", "new_bias"]


def test_the_quantities_and_the_iteration_are_a_wish(call):
    asked = ("worksheet", "--sample", "channels", "--quantities", "loss, bias_gradient,delta", "--iter", "2")
    attempt = yaml.safe_load(call(*asked)[1])["attempt"]
    assert list(attempt) == ["iteration", "loss", "delta", "bias_gradient"]
    assert (attempt["iteration"], attempt["loss"], attempt["bias_gradient"]) == (2, None, [None, None])
    assert shape(attempt["delta"]) == (2, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--quantities", "delta,nwe_filter"),
            "--quantities: this problem has no nwe_filter; did you mean new_filter?",
        ),
        (("--quantities", "bias_gradient"), "--quantities: this problem has no bias_gradient; did you mean "),
        (("--quantities", "\x1b[2J"), "--quantities: this problem has no \\x1b[2J; it has filter, pre_activation, "),
        (("--quantities", ","), "--quantities: expected names of quantities, such as delta,filter_gradient"),
        (("--iter", "900"), "there is no iteration 900: the run ends after 35 iterations"),
    ],
)
def test_what_there_is_not(call, arguments, says):
    code, out, err = call("worksheet", "--sample", "question", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"convstep: {says}")
    assert err.count("\n") == 1


def test_the_attempt_of_a_problem_is_left_out(call):
    assert call("worksheet", "--sample", "question-attempt")[1].count("attempt:") == 1
    assert yaml.safe_load(call("worksheet", "--sample", "question-attempt")[1])["attempt"]["error"] == [[None] * 2] * 2


def test_without_a_file_it_is_the_question(call):
    code, out, err = call("worksheet")
    assert (code, err) == (0, NO_FILE)
    assert out == call("worksheet", "--sample", "question")[1]
