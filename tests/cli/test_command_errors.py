"""A command line that cannot be obeyed: one line on standard error, to the character, nothing on standard output."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import NO_FILE, answer, environment

HAS = (
    "filter, pre_activation, output, error, loss, output_gradient, activation_slope, delta, filter_gradient, "
    "input_gradient, filter_update, new_filter"
)
STEP_ALONE = "--step shows pages one after the other; it does not go with --format, --quiet or --iter"

OURS = {
    "run --sample qestion": "there is no sample qestion; did you mean question?",
    "run --sample xyz": "there is no sample xyz; convstep samples lists them",
    "samples chanels": "there is no sample chanels; did you mean channels?",
    "samples ../samples/question": "there is no sample ../samples/question; convstep samples lists them",
    "run --sample question problem.yaml": "give a FILE or --sample, not both",
    "run missing.yaml": "missing.yaml: no such file",
    "run --iter 0": "--iter '0': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --iter 3-2": "--iter '3-2': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --iter 1-": "--iter '1-': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --iter 1,,2": "--iter '1,,2': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --iter -1": "--iter '-1': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --iter first": "--iter 'first': expected iterations counted from 1, such as 1,5,10-12,last",
    "run --show dleta": "--show: there is no quantity dleta; did you mean delta?",
    "run --show output,weights_gradient": "--show: there is no quantity weights_gradient; did you mean bias_gradient?",
    "run --show ,": "--show: expected names of quantities, such as delta,filter_gradient",
    "run --all --iter 1": "give --all or --iter, not both",
    "run --step --format json": STEP_ALONE,
    "run --step --format jsonl": STEP_ALONE,
    "run --step --quiet": STEP_ALONE,
    "run --step --iter 2": STEP_ALONE,
}

IN_THE_SAMPLE = {
    "run --iter 99": "iteration 99 was not reached: there are only 35 iterations",
    "run --iter 30-40": "iteration 36 was not reached: there are only 35 iterations",
    "run --iter 2 --iters 1": "iteration 2 was not reached: there is only 1 iteration",
    "run --iter 99 --format json": "iteration 99 was not reached: there are only 35 iterations",
    "run --show bias": f"--show: this problem has no bias; it has {HAS}",
    "run --show bias --format json": f"--show: this problem has no bias; it has {HAS}",
    "run --show bias --format jsonl": f"--show: this problem has no bias; it has {HAS}",
    "run --show bias --quiet": f"--show: this problem has no bias; it has {HAS}",
    "run --lr abc": ('--set learning_rate=abc: expected a positive number or auto, found text "abc"'),
    "run --iters 0": "--set stop.iterations=0: expected an integer of at least 1, found 0",
    "run --set nothing": (
        "--set nothing: expected KEY=VALUE, as in learning_rate=0.1, stop.iterations=50 or filter[0,1]=2"
    ),
    "run --set optimiser=adam": "--set optimiser=adam: unknown key; did you mean optimizer?",
}

CLICKS = {
    "--nonsense": ("No such option '--nonsense'", "convstep"),
    "nonsense": ("No such command 'nonsense'", "convstep"),
    "run --nonsense": ("No such option '--nonsense'", "convstep run"),
    "run a b": ("Got unexpected extra argument (b)", "convstep run"),
    "samples a b": ("Got unexpected extra argument (b)", "convstep samples"),
    "run --digits 0": ("Invalid value for '--digits': 0 is not in the range 1<=x<=17", "convstep run"),
    "run --width 19": ("Invalid value for '--width': 19 is not in the range 20<=x<=100000", "convstep run"),
    "run --color blue": (
        "Invalid value for '--color': 'blue' is not one of 'auto', 'always', 'never'",
        "convstep run",
    ),
    "run --format xml": (
        "Invalid value for '--format': 'xml' is not one of 'table', 'json', 'jsonl'",
        "convstep run",
    ),
}


@pytest.mark.parametrize("line", OURS)
def test_what_is_asked_for_is_impossible(call, line):
    assert call(*line.split()) == (2, "", f"convstep: {OURS[line]}\n")


@pytest.mark.parametrize("line", IN_THE_SAMPLE)
def test_what_the_sample_does_not_have(call, line):
    assert call(*line.split()) == (2, "", f"{NO_FILE}convstep: {IN_THE_SAMPLE[line]}\n")


@pytest.mark.parametrize("line", CLICKS)
def test_what_click_finds_wrong_is_one_line_that_names_the_help(call, line):
    message, command = CLICKS[line]
    code, out, err = call(*line.split())
    assert (code, out) == (2, "")
    # click 8.1 writes "No such option: --x", and later ones "No such option '--x'".
    assert err.replace("option: --nonsense", "option '--nonsense'") == f"convstep: {message}; see {command} --help\n"


def test_an_option_without_its_value(call):
    code, out, err = call("run", "--show")
    assert (code, out) == (2, "")
    assert err.startswith("convstep: Option '--show' requires an argument")
    assert err.count("\n") == 1


def test_a_directory_an_empty_file_and_text_that_is_no_problem(call, tmp_path):
    Path("folder").mkdir()
    Path("empty.yaml").write_text("")
    Path("broken.json").write_text('{"input": [[1, 2],')
    for name in ("folder", "empty.yaml", "broken.json"):
        code, out, err = call("run", name)
        assert (code, out) == (2, "")
        assert err.startswith(f"convstep: {name}")
        assert err.count("\n") == 1


def test_a_hostile_name_is_shown_escaped(call):
    code, out, err = call("run", "--show", "\x1b[2Jdelta\u202e")
    assert (code, out) == (2, "")
    assert err.startswith("convstep: --show: there is no quantity \\x1b[2Jdelta\\u202e; ")


@pytest.mark.parametrize("line", ["run --sample \x1b[2J", "run --iter \x1b[2J", "run \x1b[2J.yaml", "samples \x1b[2J"])
def test_no_message_repeats_what_a_terminal_would_obey(call, line):
    code, out, err = call(*line.split(" "))
    assert (code, out) == (2, "")
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_messages_survive_a_terminal_of_ascii():
    code, out, err = answer("run", "--show", "δx", env=environment(PYTHONIOENCODING="ascii"))
    assert (code, out) == (2, "")
    assert err.startswith("convstep: --show: there is no quantity \\u03b4x; there are filter, ")
