"""`run --step`: scripts through a pipe, whole sessions as they are printed, and hostile commands."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from program import ENDLESS, SAMPLES, START, answer, environment, start
from render.conftest import same_as_golden  # noqa: F401  A fixture.

import convstep
from convstep.cli import stepper_commands
from convstep.cli.stepper_commands import COMMANDS, candidates, command_called
from convstep.errors import UsageError

Script = Callable[..., tuple[str, str]]
LONG = ("--sample", "sigmoid", "--lr", "1e-9", "--set", "stop.loss=0", "--set", "stop.gradient=0")


@pytest.fixture
def script(call, monkeypatch) -> Script:
    """Runs a session in this process: the commands, then options; returns standard output and error."""

    def run(commands: str | bytes, *options: str, code: int = 0) -> tuple[str, str]:
        data = commands if isinstance(commands, bytes) else commands.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        options = options or ("--sample", "question")
        found, out, err = call("run", "--step", *options)
        assert found == code, err
        assert "Traceback" not in err
        return out, err

    return run


def headings(out: str) -> list[str]:
    return re.findall(r"^── (.*?) ─*$", out, re.MULTILINE)


def numbers(out: str) -> list[str]:
    """The headings without the outcome's."""
    return [found.removeprefix("Iteration ") for found in headings(out) if found.startswith("Iteration")]


def page(out: str, heading: str) -> str:
    """The last page with this heading, from its second line on."""
    begin = out.rindex(f"── {heading} ─")
    return out[out.index("\n", begin) : out.index("\n── ", begin)]


# Whole sessions

SESSIONS = {
    "tour": "\nnext 3\nback 2\njump 12\nexplain delta[0,1]\nshow delta, slope\nuntil slope changes\nwhy\n20\nq\n",
    "branches": (
        "# the rate was too large\n4\nset learning_rate 0.1\n\nback\nb\nset filter[0,0] 2\nshow filter\nundo\n"
        "until loss < 0.01\nc\nundo\nundo\n"
    ),
    "mistakes": (
        "nxt\ns\nback\nback x\njump 0\nset\nset learning_rat 1\nset filter[0,7] 1\nset learning_rate -1\nundo\n"
        "explain dleta\nexplain delta[4,4]\nexplain delta[\nshow nonsense\nuntil\nuntil loss\nuntil loss < much\n"
        "until delta < 1\nsave\nsave x.txt\ncontinue until the end\ndelta\n\x1b[A\n? nothing\nquit\n"
    ),
    "help": "?\n" + "".join(f"? {name}\n" for name in COMMANDS),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_whole_sessions(same_as_golden, tmp_path, name):  # noqa: F811
    """What a screen would show: pages and talk together, in their order."""
    with start("run", "--sample", "question", "--step", stdin=-1, stderr=-2, cwd=tmp_path) as process:
        out, _ = process.communicate(SESSIONS[name], timeout=60)
    assert process.returncode == 0
    same_as_golden(f"stepper-{name}", out)


def test_pages_go_to_standard_output_and_talk_to_standard_error(script):
    out, err = script("\nnonsense\nset lr 0.1\nundo\n")
    assert numbers(out) == ["1", "2", "2, branch 1: learning_rate=0.1", "2"]
    assert err.splitlines() == ["nonsense is no command; ? lists them", "Undone: learning_rate=0.1"]


def test_pages_are_those_of_a_run(script, call):
    out, _ = script("\n\n2\nb\n3\n")
    _, run, _ = call("run", "--sample", "question", "--iter", "1-3")
    for iteration, shown in ((1, "1"), (2, "2"), (3, "3")):
        assert page(out, f"Iteration {shown}") == page(run, f"Iteration {iteration}")


def test_it_begins_and_ends_as_a_run_does(script, call):
    out, err = script("continue\n")
    _, run, _ = call("run", "--sample", "question")
    assert out.splitlines()[:28] == run.splitlines()[:28]
    assert out[out.index("── dead") :] == run[run.index("── dead") :]
    assert out.count("── dead after 35 iterations") == 1
    assert err == "The run is over: dead after 35 iterations. why says why, back goes back.\n"


@pytest.mark.parametrize("commands", ["", "q", "QUIT\n", "exit\n\n", "# nothing\n"])
def test_leaving_early_is_stopped(script, commands):
    out, _ = script(commands)
    assert headings(out) == ["Iteration 1", "stopped after 1 iteration"]
    assert "You stopped it after iteration 1" in out


# Going

WAYS = [
    ("next\nN 2\nback\nBACK 10\n", ["2", "4", "3", "1"]),
    ("jump 5\nj first\n7\n jump 3 \n", ["5", "1", "7", "3"]),
    ("j last\nb\nn\n", ["35", "34", "35"]),
    ("c\nc\n40\n", ["35"]),
    ("40\n", ["35"]),
    ("3\nuntil iteration == 5\nb 4\nuntil iteration >= 4\nuntil iteration >= 4\n", ["3", "5", "1", "4", "5"]),
    ("until status changes\n", ["35"]),
    ("until loss < 0.2\nb\nuntil loss < 0.2\n", ["4", "3", "4"]),
]


@pytest.mark.parametrize(("commands", "shown"), WAYS)
def test_ways_to_go(script, commands, shown):
    assert numbers(script(commands)[0]) == ["1", *shown]


def test_what_never_holds_is_said(script):
    out, err = script("until loss < 0.05\nuntil loss < 0.05\n")
    assert numbers(out) == ["1", "35"]
    over = "The run is over: dead after 35 iterations. why says why, back goes back."
    never = [f"loss < 0.05 did not hold in any iteration from {n} on." for n in (2, 36)]
    assert err.splitlines() == [over, never[0], over, never[1]]


def test_the_session_goes_on_after_the_end(script):
    out, _ = script("c\nexplain loss\nback 33\nset lr 0.1\nc\n")
    assert headings(out) == [
        "Iteration 1",
        "Iteration 35",
        "loss in iteration 35",
        "Iteration 2",
        "Iteration 2, branch 1: learning_rate=0.1",
        "Iteration 131, branch 1: learning_rate=0.1",
        "converged after 131 iterations, branch 1: learning_rate=0.1",
    ]


def test_the_exit_code_is_that_of_where_it_was_left(script):
    script("c\n", "--sample", "question", "--exit-code", code=1)
    script("set lr 0.1\nc\n", "--sample", "question", "--exit-code", code=0)
    script("", "--sample", "question-converges", "--exit-code", code=1)


def test_only_what_was_asked_for_is_shown(script):
    out, _ = script("\nshow loss\nshow\n", "--sample", "question", "--show", "delta")
    assert page(out, "Iteration 1").count("delta δ") == 1
    assert "filter_gradient" not in out
    assert "loss L = " in out
    out, err = script("", "--sample", "question", "--show", "bias", code=2)
    assert (out, err[:44]) == ("", "convstep: --show: this problem has no bias; ")


@pytest.mark.parametrize("name", ["textbook", "channels", "momentum", "sigmoid", "edge-detector"])
def test_every_command_on_other_problems(script, name):
    commands = [
        "n",
        "explain",
        "explain filter",
        "explain input",
        "show",
        "why",
        "until slope changes",
        "b",
        "c",
        "why",
    ]
    out, _ = script("\n".join(commands), *("--sample", name, "--iters", "30"))
    assert headings(out)[0] == "Iteration 1"
    assert re.fullmatch(r"(\w+ after \d+ iterations?)", headings(out)[-1])


def test_a_forward_pass_alone(script, tmp_path):
    (tmp_path / "p.json").write_text('{"input": [[1, 2]], "filter": [[1]]}', encoding="utf-8")
    out, err = script("n\nc\nwhy\nexplain output\nset target [[1, 1]]\nset lr 0.1\nset target [[1, 1]]\nn\n", "p.json")
    assert numbers(out)[-1] == "2, branch 2: learning_rate=0.1, target=[[1, 1]]"
    assert "learning_rate: missing" in err


# Explanations and verdicts


def test_an_explanation_is_that_of_explain(script, call):
    out, _ = script("2\nexplain filter_gradient[0,1]\nexplain delta\n")
    for asked in (("--cell", "filter_gradient[0,1]"), ("--quantity", "delta")):
        _, explained, _ = call("explain", "--sample", "question", "--iter", "2", *asked)
        assert explained.split("\n\n", 1)[1].split("\n", 1)[1].strip() in out


def test_flags_that_explanations_hint_at_are_taken(script):
    sample = ("--sample", "edge-detector")
    short, _ = script("explain output\n", *sample)
    assert "--all-cells" in short
    assert short.count("output[") < 5
    whole, _ = script("explain output --all-cells\nexplain --cell 'output[0,1]'\n", *sample)
    assert whole.count("output[0,1] = ") == 2
    assert whole.count("] = linear(") == 36 + 1


def test_the_momentum_of_a_branch_is_explained(script):
    out, _ = script("3\nset lr 0.01\nexplain filter_momentum[0,0]\n", "--sample", "momentum")
    assert "filter_momentum[0,0] in iteration 3, branch 1: learning_rate=0.01" in headings(out)


def test_why_before_and_after_the_end(script):
    out, _ = script("3\nwhy\nc\nwhy\n1\nset lr 0.1\nc\nwhy\n")
    assert "The run is not over. From iteration 1 to iteration 3 the loss has gone from 2 to 0.625" in " ".join(
        out.split()
    )
    assert " ".join(out.split()).count("so the output matches the target.") == 2
    assert "jump 1, then set learning_rate 0.1459" in out


# Saving


@pytest.mark.parametrize("ending", ["yaml", "yml", "json", "YAML"])
def test_a_saved_problem_goes_on_with_the_same_numbers(script, call, tmp_path, ending):
    _, err = script(f"5\nset lr 0.1\n8\nsave 'later.{ending}'\nn\n")
    assert err == f"Saved 'later.{ending}': its first iteration is iteration 8 here.\n"
    ours = json.loads(call("run", f"later.{ending}", "--format", "json")[1])["iterations"]
    first = list(convstep.descend(convstep.load(SAMPLES / "question.yaml")))[4].filter
    whole = convstep.run(convstep.load(SAMPLES / "question.yaml", {"filter": first, "learning_rate": 0.1}))
    assert [step["filter"] for step in ours] == [step.filter.tolist() for step in whole[3 : 3 + len(ours)]]
    assert sorted(os.listdir(tmp_path)) == [f"later.{ending}"]


def test_nothing_is_overwritten_unasked(script, tmp_path):
    (tmp_path / "a.yaml").write_text("mine", encoding="utf-8")
    _, err = script("save a.yaml\n")
    assert err == "a.yaml exists already; save! a.yaml replaces it\n"
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == "mine"
    script("save! a.yaml\n")
    assert convstep.load(tmp_path / "a.yaml").learning_rate == 0.5
    assert os.listdir(tmp_path) == ["a.yaml"]


def test_what_cannot_be_saved_is_said(script, tmp_path):
    (tmp_path / "folder.json").mkdir()
    _, err = script("save gone/a.yaml\nsave! folder.json\nsave a\0b.json\n3\nsave m.json\n", "--sample", "momentum")
    assert err.splitlines() == [
        "gone/a.yaml could not be written: No such file or directory",
        "folder.json could not be written: Is a directory",
        "a\\x00b.json could not be written: no file can have this name",
        "Saved m.json: its first iteration is iteration 3 here.",
        "A problem file cannot hold the state of sgd: there it begins anew.",
    ]
    assert sorted(os.listdir(tmp_path)) == ["folder.json", "m.json"]


def test_a_write_that_fails_leaves_nothing(script, tmp_path, monkeypatch):
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.json").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(os, "replace", full)
    _, err = script("save! a.json\n")
    assert err.splitlines()[-1] == "a.json could not be written: No space left on device"
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "mine"
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_attempt_stays_with_its_iteration(script, tmp_path):
    document = {"input": [[1]], "filter": [[2]], "target": [[0]], "learning_rate": 0.1, "attempt": {"output": [[2]]}}
    (tmp_path / "p.json").write_text(json.dumps(document), encoding="utf-8")
    _, err = script("save a.json\nn\nsave b.json\n", "p.json")
    assert "The attempt is left out: it belongs to other iterations." in err
    kept = ["attempt" in json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("a.json", "b.json")]
    assert kept == [True, False]


# Traces, standard input


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_trace_is_walked_through_as_it_was_recorded(script, call, tmp_path, form):
    _, text, _ = call("run", "--sample", "question", "--format", form)
    # A number that no calculation gives: what is shown is what the trace holds.
    text = text.replace("-0.0662690500030294", "-0.0777777").replace("no error flows back", "the trace says")
    (tmp_path / "trace").write_text(text, encoding="utf-8")
    out, _ = script("c\nb\nn\nj 3\nset lr 0.1\nundo\nj last\nwhy\n", "trace")
    assert numbers(out) == ["1", "35", "34", "35", "3", "3, branch 1: learning_rate=0.1", "3", "35"]
    assert "-0.0777777" in page(out, "Iteration 35")
    assert "── dead after 35 iterations" in out
    assert out.count("so the trace says.") == 2


def test_a_trace_that_was_cut_off(script, call, tmp_path):
    _, text, _ = call("run", "--sample", "question", "--format", "jsonl")
    (tmp_path / "trace.jsonl").write_text("".join(text.splitlines(keepends=True)[:4]), encoding="utf-8")
    out, err = script("j 9\nn\n", "trace.jsonl")
    assert numbers(out) == ["1", "3"]
    assert err == "There is nothing behind this iteration.\n"
    assert "── stopped after 3 iterations" in out


def test_where_the_problem_came_from_standard_input_there_are_no_commands_in_it():
    """Without a terminal, that is: this process has none."""
    given = (SAMPLES / "question.yaml").read_text(encoding="utf-8")
    code, out, err = answer("run", "-", "--step", given=given, start_new_session=True)
    assert (code, err) == (0, "")
    assert headings(out) == ["Iteration 1", "stopped after 1 iteration"]


def test_commands_are_not_mistaken_for_a_problem():
    code, out, err = answer("run", "--step", given="\n\n")
    assert (code, err) == (0, "No file given: this is the built-in sample question.\n")
    assert numbers(out) == ["1", "2", "3"]


def test_a_closed_standard_input_ends_the_session_at_once():
    with start("run", "--sample", "question", "--step") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert headings(out) == ["Iteration 1", "stopped after 1 iteration"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_a_signal_ends_the_command(number, code):
    """SIGTERM the session too, with its outcome; after Ctrl-C the next command is read: here there is none."""
    endless = ("run", "--sample", "sigmoid", *ENDLESS, "--step")
    with start(*endless, stdin=subprocess.PIPE) as process:
        process.stdin.write("until loss < 0\n")
        process.stdin.close()
        for line in process.stdout:  # the first page is flushed before a command is read
            if "f\u2032(z)" in line:
                break
        time.sleep(1)
        process.send_signal(number)
        out, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == code
    where = re.search(r"── stopped after (\d+) iterations ─", out)
    assert where
    assert numbers(out) == [where[1]]
    assert err == ("" if code else f"Interrupted at iteration {where[1]}.\n")


# Hostile commands

HOSTILE = [
    b"\xff\xfe\x00\x01",
    b"\0",
    "‮⏎ 下一步 ٣".encode(),
    "٣".encode(),
    b"x" * 3_000_000,
    b"next " + b"9" * 5000,
    b"9" * 5000,
    b"explain " + b"[" * 500_000,
    b"explain delta" + b"[0]" * 300_000,
    b"explain " + b"a " * 300_000,
    b"show " + b"delta," * 20_000 + b"x",
    b"set " + b"[" * 500_000,
    b"set a" + b"[0]" * 100_000 + b" 1",
    b"set input " + b"[" * 500_000,
    b"set filter {size: 100000}",
    b"set filter[" + b"9" * 30 + b"] 1",
    b"set stop.iterations 1e400",
    b"set filter !!python/object:os.system [x]",
    b"set input /dev/zero.npy",
    b"a b" + b" " * 900_000 + b"c",
    b"until " + b"(" * 100_000,
    b"until loss < " + b"9" * 900_000,
    b"save " + b"x" * 300_000 + b".yaml",
    b"save \xff\xfe.yaml\x07",
    b"\x1b]0;title\x07\x1b[2J",
    b"? \x1b[2J",
    b"! ls",
    b"next; next",
    b"{[({[",
]


@pytest.mark.parametrize("command", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_commands_are_one_line_and_the_session_goes_on(script, tmp_path, command):
    out, err = script(command + b"\nshow delta\n")
    assert numbers(out)[-1] == "1" or b"show" in command
    assert out.count("delta δ") == 2
    assert len(err.splitlines()) == 1
    assert len(err) < 700
    assert err.rstrip("\n").isprintable()
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_million_iterations_in_bounded_memory(script):
    """Scaled down; `continue` and `until` hold checkpoints and a curve, no iterations."""
    import tracemalloc

    def peak(iterations: int) -> int:
        tracemalloc.start()
        out, _ = script("c\nb\n2\nuntil iteration == 500\n", *LONG, "--iters", str(iterations))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert numbers(out) == ["1", str(iterations), str(iterations - 1), "2", "500"]
        return found

    peak(600)
    assert peak(2_000) < 1.25 * peak(700) + 2**19


# What helps to type them

STEP = next(iter(convstep.descend(convstep.load(SAMPLES / "question.yaml"))))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ex", ["explain "]),
        ("s", ["show ", "set ", "save ", "save! "]),
        ("", [f"{name} " for name in COMMANDS]),
        ("explain filter_g", ["filter_gradient"]),
        ("explain inp", ["input_gradient", "input"]),
        ("show delta,act", ["activation_slope"]),
        ("sh  delta, new", ["new_filter"]),
        ("until lo", ["loss"]),
        ("until slope ch", ["changes"]),
        ("set lea", ["learning_rate "]),
        ("set stop.", ["stop.iterations ", "stop.loss ", "stop.gradient "]),
        ("set activation lea", ["leaky_relu"]),
        ("set optimizer ada", ["adam", "adagrad"]),
        ("set learning_rate 0", []),
        ("jump l", ["last"]),
        ("? un", ["until", "undo"]),
        ("nonsense x", []),
        ("show bias", []),
    ],
)
def test_what_the_tab_key_offers(line, found):
    assert candidates(line, STEP) == found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_unambiguous_beginning_of_a_command_will_do(name):
    for end in range(1, len(name) + 1):
        word = name[:end]
        same = [each for each in COMMANDS if each.startswith(word)]
        if len(same) == 1:
            assert command_called(word.upper()) == name
    assert command_called(name) == name


def test_a_beginning_of_several_is_refused():
    with pytest.raises(UsageError, match=r"^u may be until or undo$"):
        command_called("u")


def test_the_help_fits_a_small_screen(script):
    _, err = script("?\n")
    lines = err.splitlines()
    assert max(map(len, lines)) < 80
    assert len(lines) < 24
    assert all(command.usage in err for command in stepper_commands.COMMANDS.values())


def test_it_starts_without_what_it_does_not_need(tmp_path):
    code = (
        "import sys; from convstep.cli.main import main\n"
        "try: main(['run', '--sample', 'question', '--quiet'])\n"
        "finally: assert not [m for m in sys.modules if 'stepper' in m or m in ('readline', 'convstep.stepping')]"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(START[0]).exists()
