"""Every piece of advice that is printed is run again, as the command that is printed and by the library."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_runs import drawn_run
from program import NAMES, SAMPLES

import convstep
from convstep.cli.main import main
from convstep.numbers import short
from convstep.reach import is_produced
from convstep.reasons import answer, trials
from convstep.reasons.best import cost_of_range
from convstep.reasons.model import Advice, Reasons
from convstep.reasons.trials import MOST_ADVICE


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, that remembers its last run in itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command writes."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as left:
            main(arguments)
    finally:
        signal.signal(signal.SIGTERM, before)  # the program's own would outlast it
    out, err = capsys.readouterr()
    assert (left.value.code or 0, err) == (0, "")
    return out


def commands(page: str) -> list[str]:
    """The commands on a page of reasons."""
    return [line.strip() for line in page.splitlines() if line.startswith("     convstep run ")]


def check_words(advice: Advice) -> None:
    """The sentence says how it ended."""
    tried = advice.tried
    assert tried.status in ("converged", "stationary", "stopped")
    assert f"{tried.iterations} iteration" in advice.says
    if tried.status != "converged":
        assert f"the loss {short(tried.loss)}" in advice.says or f"down to {short(tried.loss)}" in advice.says
    if "learning_rate" in advice.set:
        assert f"learning_rate {short_or_word(advice.set['learning_rate'])}" in advice.says


def short_or_word(rate: Any) -> str:
    return rate if isinstance(rate, str) else short(rate)


def check(document: Any, before: convstep.Problem, reasons: Reasons) -> None:
    """By the library: set the keys, run it, and it ends as is said, better than before."""
    assert len(reasons.advice) <= MOST_ADVICE
    assert not (reasons.status == "converged" and reasons.advice)
    lost, target = reasons.facts[0].values["loss"], before.target
    forced, beyond = 0.0, False
    if reasons.advice and target is not None:
        forced, beyond = cost_of_range(before), not is_produced(before).all()
    for advice in reasons.advice:
        check_words(advice)
        descent = convstep.descend(convstep.load(document, advice.set))
        deque(descent, maxlen=0)
        outcome = descent.outcome
        assert outcome is not None
        assert (outcome.status, outcome.iterations, outcome.loss) == advice.tried
        spared = 0.0 if "activation" in advice.set else forced
        halved = outcome.loss < lost / 2 or outcome.loss - spared < (lost - spared) / 2
        assert outcome.status == "converged" or halved or not np.isfinite(lost)
    if beyond and reasons.status in ("dead", "oscillating"):
        return
    if any(advice.tried.status == "converged" for advice in reasons.advice):
        assert all(advice.tried.status == "converged" for advice in reasons.advice)


def by_command(capsys: pytest.CaptureFixture[str], command: str) -> tuple[str, int, float]:
    """How the run ends that a printed command starts."""
    program, *arguments = shlex.split(command)
    assert program == "convstep"
    with pytest.MonkeyPatch.context() as patch:  # its own advice is not what is looked for
        patch.setattr(trials, "advise", lambda problem, outcome, goes_on: ())
        out = printed(capsys, *arguments, "--format", "jsonl", "--iter", "1", "--show", "loss")
    result = json.loads(out.splitlines()[-1])
    return result["status"], result["iterations"], result["loss"]


@pytest.mark.parametrize("name", NAMES)
def test_the_samples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    reasons = convstep.why(problem)
    check(SAMPLES / f"{name}.yaml", problem, reasons)
    told = commands(printed(capsys, "why", "--sample", name))
    assert [by_command(capsys, command) for command in told] == [advice.tried for advice in reasons.advice]


@pytest.mark.parametrize("seed", range(60))
def test_drawn_problems(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """By the library, and by the command as it is printed."""
    document = drawn_run(seed)
    problem = convstep.load(document)
    reasons = convstep.why(problem)
    check(document, problem, reasons)
    if not reasons.advice:
        return
    Path("a problem.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:  # once is enough; that it is the same twice is tested below
        patch.setattr(answer, "advise", lambda problem, outcome: reasons.advice)
        page = printed(capsys, "why", "a problem.json")
    assert [by_command(capsys, command) for command in commands(page)] == [advice.tried for advice in reasons.advice]


@pytest.mark.parametrize("seed", [1, 3, 14, 35, 49, 56])
def test_the_same_twice(seed: int) -> None:
    problem = convstep.load(drawn_run(seed))
    first, second = convstep.why(problem), convstep.why(problem)
    assert repr(first) == repr(second)


def test_at_most_three_the_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow, and out of reach as well: a larger rate, momentum, more iterations, a linear layer, a bias would help."""
    document = {"input": [[1, 2]], "filter": [[1]], "target": [[-1, 60]], "learning_rate": 3e-4,
                "stop": {"iterations": 100}}  # fmt: skip
    told = convstep.why(convstep.load(document)).advice
    monkeypatch.setattr(trials, "MOST_ADVICE", 99)
    every = convstep.why(convstep.load(document)).advice
    assert len(told) == 3 < len(every)
    assert repr(told) == repr(every[:3])


@pytest.mark.parametrize("name", ["question", "question-oscillates", "out-of-reach"])
def test_traces_with_advice_are_the_same_again(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("json", "jsonl"):
        first = printed(capsys, "run", "--sample", name, "--format", form)
        Path("trace").write_text(first, encoding="utf-8")
        assert json.loads(first.splitlines()[-1] if form == "jsonl" else first)
        assert '"advice": ["With ' in first
        assert printed(capsys, "run", "trace", "--format", form) == first


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["--lr", "0.6"], "convstep run --sample question --lr 0.1459"),
        (["--set", "learning_rate=0.6"], "convstep run --sample question --lr 0.1459"),
        (["--set", "title=it's so"], """convstep run --sample question --set 'title=it'"'"'s so' --lr 0.1459"""),
        (
            ["--set", "filter[0,0]=1.5", "--lr", "0.7"],
            "convstep run --sample question --set 'filter[0,0]=1.5' --lr 0.1459",
        ),
    ],
)
def test_settings_stay_in_the_command(settings: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = commands(printed(capsys, "why", "--sample", "question", *settings))
    assert expected in told
    for command in told:
        assert by_command(capsys, command)[0] == "converged"


@pytest.mark.parametrize("name", ["-x.yaml", "sample question.yaml", "it's $HOME & more.yaml", "question.yaml"])
def test_any_file_name_can_be_copied(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text((SAMPLES / "question.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    given = os.path.join(".", name)
    for command in commands(printed(capsys, "why", given)):
        assert by_command(capsys, command)[0] == "converged"
        assert shlex.split(command)[2].removeprefix("./") == name
