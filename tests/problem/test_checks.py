"""What a problem may be, and every way in which it may not: each message to the character, with its place.

Every refused problem is written once, as YAML, and refused in JSON as well: same key, same words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstep import analysis
from convstep.choices import Choice
from convstep.errors import ProblemError
from convstep.problem.checks import check
from convstep.problem.load import load
from convstep.problem.model import Problem, Stop
from convstep.problem.yaml_text import read_yaml
from convstep.words import visible

FORWARD = "input: [[1, 2, 3], [4, 5, 6], [7, 8, 9]]\nfilter: [[1, 2], [3, 4]]\n"
LEARNING = FORWARD + "target: [[1, 0], [0, 1]]\nlearning_rate: 0.5\n"
MISSING = "missing; a problem needs an input and a filter"
KNOWN = "input, filter, target, learning_rate, activation, loss …; README, The problem file, lists all"
INPUT_SHAPES = "nested lists of numbers (H×W, C×H×W or N×C×H×W) or the name of a .npy or .csv file"
PADDINGS = "[rows, columns], [[top, bottom], [left, right]], valid, same or full"
POINT = "decimals are written with a point, as in 0.5"
LIMIT = "the limit is 134217728 numbers (1 GiB)"
SAME_LENGTH = "every row of a matrix needs the same length"
HUGE = "99999999999999999999"
ACTIVATIONS = "relu, linear, leaky_relu, elu, sigmoid, tanh, softplus, silu or gelu"
LOSSES = "half_squared_error, squared_error, mean_squared_error, mean_absolute_error or huber"
FILTER_SHAPES = "nested lists of numbers (kh×kw, C×kh×kw or F×C/groups×kh×kw), a data file or {size: 3}"
OUTPUT = "the shape of the output (input 3×3, filter 2×2"
ONE_EACH = "a filter has one matrix for each"

WRONG_KEYS = [
    ("{}", f"1:1: input: {MISSING}"),
    ("filter: [[1]]\n", f"1:1: input: {MISSING}"),
    ("# first\ninput: [[1]]\nfilter: null\n", f"3:9: filter: {MISSING}"),
    (FORWARD + "learning_rte: 1\n", "3:1: learning_rte: unknown key; did you mean learning_rate?"),
    (FORWARD + "Learning-Rate: 1\n", "3:1: Learning-Rate: unknown key; did you mean learning_rate?"),
    (FORWARD + "xyzzy: null\n", f"3:1: xyzzy: unknown key; known here: {KNOWN}"),
    (FORWARD + "layer: 1\n", f"3:1: layer: unknown key; known here: {KNOWN}"),
    (FORWARD + '"a\\e[2J": 1\n', f"3:1: a\\x1b[2J: unknown key; known here: {KNOWN}"),
    (FORWARD + f"{'x' * 100}: 1\n", f"3:1: {'x' * 40}…: unknown key; known here: {KNOWN}"),
    (
        FORWARD + "learning_rate: 0,5\n",
        f'3:16: learning_rate: expected a positive number or auto, found text "0,5"; {POINT}',
    ),
    (LEARNING + "title: 5\n", "5:8: title: expected text, found 5; quotes make it text"),
    (LEARNING + "title: [a]\n", "5:8: title: expected text, found a list"),
    (LEARNING + "layers: [flatten]\n", "5:1: layers: chains of layers are not supported yet"),
    (
        LEARNING + "exact: true\nactivation: sigmoid\n",
        "6:13: activation: sigmoid makes no fractions out of fractions; with exact use relu, linear or leaky_relu",
    ),
    (
        LEARNING + "exact: true\noptimizer: {adam: {eps: 0.1}}\n",
        "6:12: optimizer: adam makes no fractions out of fractions; with exact use sgd",
    ),
    (
        FORWARD + "target: [[1, 0], [0, 1]]\nlearning_rate: auto\nexact: true\n",
        "4:16: learning_rate: auto is an eigenvalue, and no fraction; with exact use a positive number",
    ),
    (
        LEARNING + "exact: {max_digits: 1401}\n",
        "5:21: exact.max_digits: expected at most 1400, found 1401",
    ),
    (LEARNING + "exact: {digits: 9}\n", "5:9: exact.digits: unknown key; did you mean max_digits?"),
    (
        LEARNING + "exact: true\nbias: '1e-5000'\n",
        "6:7: bias: expected a number of at most 1400 digits where exact is set, found a longer one",
    ),
    (LEARNING + "exact: 1\n", "5:8: exact: expected true or false, found 1"),
]

WRONG_ARRAYS = [
    ("input: [[1, 2], [3]]\nfilter: [[1]]\n", f"1:17: input[1]: row 1 has 1 number and row 0 has 2; {SAME_LENGTH}"),
    ("input:\n  - [1, 2]\n  - [3, 4, 5]\n", f"3:5: input[1]: row 1 has 3 numbers and row 0 has 2; {SAME_LENGTH}"),
    (
        "input: [[[1, 2], [3, 4]], [[1, 2], [3]]]\n",
        f"1:36: input[1,1]: row [1,1] has 1 number and row [0,0] has 2; {SAME_LENGTH}",
    ),
    (
        "input: [[[1], [2]], [[1]]]\n",
        "1:21: input[1]: matrix 1 has 1 row and matrix 0 has 2; every matrix needs the same size",
    ),
    (
        "input: [[[[1]], [[2]]], [[[1]]]]\n",
        "1:25: input[1]: block 1 has 1 matrix and block 0 has 2; every block needs the same size",
    ),
    ("input: [[1, 2], 3]\n", "1:17: input[1]: expected a row, a list of numbers, found 3"),
    ("input: [3, [1, 2]]\n", "1:9: input[0]: expected a row, a list of numbers, found 3"),
    ("input: [[1, [2]]]\n", "1:10: input[0,0]: expected a row, a list of numbers, found 1"),
    ("input: [[[1], 2]]\n", "1:15: input[0,1]: expected a row, a list of numbers, found 2"),
    ("input: [[[1]], 2]\n", "1:16: input[1]: expected a matrix, a list of rows, found 2"),
    (
        "input: [1, 2]\n",
        "1:8: input: expected H×W, C×H×W or N×C×H×W, found a list of numbers; a single row is written [[1, 2, 3]]",
    ),
    ("input: [[[[[1]]]]]\n", "1:8: input: expected H×W, C×H×W or N×C×H×W, found lists nested 5 deep"),
    (f"input: {'[' * 50}1{']' * 50}\n", "1:8: input: expected H×W, C×H×W or N×C×H×W, found lists nested 50 deep"),
    ("input: 5\n", f"1:8: input: expected {INPUT_SHAPES}, found 5"),
    ("input: abc\n", f'1:8: input: expected {INPUT_SHAPES}, found text "abc"'),
    ("input: {a: 1}\n", f"1:8: input: expected {INPUT_SHAPES}, found a mapping"),
    ("input: true\n", f"1:8: input: expected {INPUT_SHAPES}, found true"),
    ("input: []\n", "1:8: input: expected numbers, found an empty list"),
    ("input: [[], []]\n", "1:9: input[0]: expected numbers, found an empty list"),
    ("input: [[1], []]\n", "1:14: input[1]: expected numbers, found an empty list"),
    ("input: [[1, true]]\n", "1:13: input[0,1]: expected a number, found true"),
    ("input: [[1, yes]]\n", '1:13: input[0,1]: expected a number, found text "yes"'),
    ("input: [[1, null]]\n", "1:13: input[0,1]: expected a number, found nothing"),
    ("input: [[1, {a: 2}]]\n", "1:13: input[0,1]: expected a number, found a mapping"),
    ("input: [[1, .nan]]\n", "1:13: input[0,1]: expected a number, found NaN"),
    ("input:\n- [1, 2]\n- [3, -.inf]\n", "3:7: input[1,1]: expected a number, found a number past -1.8e308"),
    ("input: [[1, 1e999]]\n", "1:13: input[0,1]: expected a number, found a number past 1.8e308"),
    (f"input: [[1, 1{'0' * 400}]]\n", "1:13: input[0,1]: expected a number, found a number past 1.8e308"),
    (f"input: [[1, 1{'0' * 5000}]]\n", "1:13: input[0,1]: expected a number, found a number past 1.8e308"),
    ("input: [[1, '1/0']]\n", "1:13: input[0,1]: expected a number, found a fraction whose denominator is 0"),
    ("input: [[1, '1/2/3']]\n", '1:13: input[0,1]: expected a number, found text "1/2/3"'),
    ("input: [[1, '1e999']]\n", "1:13: input[0,1]: expected a number, found a number past 1.8e308"),
    ("input: [[1, '0,5']]\n", f'1:13: input[0,1]: expected a number, found text "0,5"; {POINT}'),
    ("input: [[1, ' -,5 ']]\n", f'1:13: input[0,1]: expected a number, found text " -,5 "; {POINT}'),
    ("input: [[1, '0,5,2']]\n", '1:13: input[0,1]: expected a number, found text "0,5,2"'),
    ("input: [[1, 'inf']]\n", '1:13: input[0,1]: expected a number, found text "inf"'),
    ("input: [[1, 1:30]]\n", '1:13: input[0,1]: expected a number, found text "1:30"'),
    (
        "input: [[1]]\nfilter: 3\n",
        f"2:9: filter: expected {FILTER_SHAPES}, found 3",
    ),
    ("input: [[1]]\nfilter: [[x]]\n", '2:11: filter[0,0]: expected a number, found text "x"'),
]

WRONG_GEOMETRY = [
    ("input: [[1, 2]]\nfilter: [[1], [2]]\n", "2:9: filter: 2×1 is larger than the input, 1×2"),
    (
        "input: [[1, 2]]\nfilter: [[1], [2]]\npadding: [0, 1]\n",
        "2:9: filter: 2×1 is larger than the padded input, 1×4 (1×2 without padding)",
    ),
    (FORWARD + "dilation: 3\n", "2:9: filter: 2×2 with dilation spans 4×4, which is larger than the input, 3×3"),
    (
        "input: [[1, 2]]\nfilter: [[[1]], [[2]]]\n",
        f"2:9: filter: has 2 channels (2×1×1) and the input has 1; {ONE_EACH}",
    ),
    (
        "input: [[[1]], [[2]]]\nfilter: [[1]]\n",
        f"2:9: filter: has 1 channel (1×1) and the input has 2; {ONE_EACH}",
    ),
    (FORWARD + "groups: 2\n", "3:9: groups: the input's channels (1) cannot be split into 2 equal groups"),
    (
        "input: [[[1]], [[2]]]\nfilter: [[1]]\ngroups: 2\n",
        "3:9: groups: more than one group needs a filter of the shape F×C/groups×kh×kw, found 1×1",
    ),
    (
        "input: [[[1]], [[2]]]\nfilter: [[[[1]]]]\ngroups: 2\n",
        "3:9: groups: the filters (1) cannot be split into 2 equal groups",
    ),
    (
        "input: [[[1]], [[2]]]\nfilter: [[[[1]], [[1]]], [[[1]], [[2]]]]\ngroups: 2\n",
        f"2:9: filter: has 2 channels (2×2×1×1) and the input has 2, 1 in each of 2 groups; {ONE_EACH}",
    ),
    (FORWARD + "groups: 0\n", "3:9: groups: expected an integer of at least 1, found 0"),
    (FORWARD + "groups: 1.5\n", "3:9: groups: expected an integer of at least 1, found 1.5"),
    (FORWARD + "groups: true\n", "3:9: groups: expected an integer of at least 1, found true"),
    (FORWARD + "stride: 0\n", "3:9: stride: expected an integer of at least 1 or [rows, columns], found 0"),
    (FORWARD + "stride: 1,2\n", '3:9: stride: expected an integer of at least 1 or [rows, columns], found text "1,2"'),
    (FORWARD + "stride: abc\n", '3:9: stride: expected an integer of at least 1 or [rows, columns], found text "abc"'),
    (FORWARD + "stride: [1]\n", "3:9: stride: expected two integers, [rows, columns], found a list of 1"),
    (FORWARD + "stride: [0, 1]\n", "3:10: stride[0]: expected an integer of at least 1, found 0"),
    (FORWARD + "stride: [1, 2.5]\n", "3:13: stride[1]: expected an integer of at least 1, found 2.5"),
    (FORWARD + "stride: 10000000000\n", "3:9: stride: expected at most 1000000000, found 10000000000"),
    (FORWARD + "dilation: [1, -1]\n", "3:15: dilation[1]: expected an integer of at least 1, found -1"),
    (FORWARD + "dilation: [1, false]\n", "3:15: dilation[1]: expected an integer of at least 1, found false"),
    (FORWARD + "padding: -1\n", f"3:10: padding: expected an integer of at least 0, {PADDINGS}, found -1"),
    (FORWARD + "padding: sane\n", f'3:10: padding: expected an integer, {PADDINGS}, found text "sane"'),
    (FORWARD + "padding: [1, 2, 3]\n", "3:10: padding: expected two integers, [rows, columns], found a list of 3"),
    (FORWARD + "padding: [[1, 1]]\n", "3:10: padding: expected [[top, bottom], [left, right]], found a list of 1"),
    (FORWARD + "padding: [[1, 1], 2]\n", "3:19: padding[1]: expected [left, right], found 2"),
    (FORWARD + "padding: [[1], [1, 2]]\n", "3:11: padding[0]: expected [top, bottom], found a list of 1"),
    (FORWARD + "padding: [[1, 1], [1, -2]]\n", "3:23: padding[1,1]: expected an integer of at least 0, found -2"),
    (
        FORWARD + "padding: 1000000000\n",
        f"3:10: padding: the padded input would be 1×1×2000000003×2000000003, 29802322477.2 GiB; {LIMIT}",
    ),
    (
        FORWARD + "padding: full\ndilation: 1000000\n",
        f"3:10: padding: the padded input would be 1×1×2000003×2000003, 29802.5 GiB; {LIMIT}",
    ),
    ("input: [[1]]\nfilter: {size: 2}\n", "2:9: filter: 2×2 is larger than the input, 1×1"),
    ("input: [[1]]\nfilter: {}\n", "2:9: filter: expected size: n or [rows, columns], found none"),
    ("input: [[1]]\nfilter: {sise: 1}\n", "2:10: filter.sise: unknown key; did you mean size?"),
    ("input: [[1]]\nfilter: {size: [1, 0]}\n", "2:20: filter.size[1]: expected an integer of at least 1, found 0"),
    (
        "input: [[1]]\nfilter: {size: 1, initial: xavier}\n",
        '2:28: filter.initial: expected he, glorot, uniform or zeros, found text "xavier"',
    ),
    ("input: [[1]]\nfilter: {size: 1, seed: -1}\n", "2:25: filter.seed: expected an integer of at least 0, found -1"),
    (
        "input: [[1]]\nfilter: {size: 1, filters: 0}\n",
        "2:28: filter.filters: expected an integer of at least 1, found 0",
    ),
    (
        "input: [[1]]\nfilter: {size: 1000000}\n",
        f"2:9: filter: the filter would be 1000000×1000000, 7450.6 GiB; {LIMIT}",
    ),
    (
        "input: [[1]]\npadding: 100\nfilter: {size: 1, filters: 10000}\n",
        f"3:9: filter: the output would be 1×10000×201×201, 3.1 GiB; {LIMIT}",
    ),
    (FORWARD + "bias: [1, 2]\n", "3:7: bias: expected one number, found a list of 2"),
    (FORWARD + "bias: [[1]]\n", "3:7: bias: expected one number, found lists nested 2 deep"),
    (FORWARD + "bias: x\n", '3:7: bias: expected one number, found text "x"'),
    (
        "input: [[1]]\nfilter: {size: 1, filters: 3}\nbias: [1, 2]\n",
        "3:7: bias: expected one number, or a list of 3, one for each filter, found a list of 2",
    ),
    (FORWARD + "operation: conv\n", '3:12: operation: expected cross-correlation or convolution, found text "conv"'),
]

WRONG_FUNCTIONS = [
    (FORWARD + "activation: rellu\n", '3:13: activation: unknown activation "rellu"; did you mean relu?'),
    (
        FORWARD + "activation: softmax\n",
        f'3:13: activation: unknown activation "softmax"; expected {ACTIVATIONS}',
    ),
    (
        FORWARD + "activation: 3\n",
        "3:13: activation: expected the name of an activation, alone or with its parameters, found 3",
    ),
    (FORWARD + "activation: {}\n", "3:13: activation: expected one activation, found none"),
    (FORWARD + "activation: {relu: {}, tanh: {}}\n", "3:13: activation: expected one activation, found relu, tanh"),
    (
        FORWARD + "activation: {leaky_relu: {slop: 0.1}}\n",
        "3:27: activation.leaky_relu.slop: unknown key; did you mean slope?",
    ),
    (FORWARD + "activation: {relu: {slope: 0.1}}\n", "3:21: activation.relu.slope: unknown key; there are none here"),
    (
        FORWARD + "activation: {leaky_relu: 0.1}\n",
        "3:26: activation.leaky_relu: expected a mapping of parameters, found 0.1",
    ),
    (
        FORWARD + "activation: {leaky_relu: {slope: true}}\n",
        "3:34: activation.leaky_relu.slope: expected a number, found true",
    ),
    (
        FORWARD + "activation: {softplus: {beta: 0}}\n",
        "3:31: activation.softplus.beta: expected a positive number, found 0",
    ),
    (
        FORWARD + "activation: {gelu: {approximate: erf}}\n",
        '3:34: activation.gelu.approximate: expected none or tanh, found text "erf"',
    ),
    (FORWARD + "slope_at_zero: 2\n", "3:16: slope_at_zero: expected a number from 0 to 1, found 2"),
    (FORWARD + "slope_at_zero: false\n", "3:16: slope_at_zero: expected a number from 0 to 1, found false"),
    (
        FORWARD + "slope_at_zero: 0\nactivation: tanh\n",
        "3:1: slope_at_zero: only relu and leaky_relu have a choice at 0; tanh has none: leave this key out",
    ),
    (
        LEARNING + "loss: mse\n",
        f'5:7: loss: unknown loss "mse"; expected {LOSSES}',
    ),
    (
        LEARNING + "loss: mean_square_error\n",
        '5:7: loss: unknown loss "mean_square_error"; did you mean mean_squared_error?',
    ),
    (
        LEARNING + "loss: cross_entropy\n",
        "5:7: loss: cross_entropy needs a chain of layers that ends in softmax or sigmoid, which is not supported yet",
    ),
    (LEARNING + "loss: {huber: {delta: 0}}\n", "5:23: loss.huber.delta: expected a positive number, found 0"),
    (LEARNING + "optimizer: adm\n", '5:12: optimizer: unknown optimizer "adm"; did you mean adam?'),
    (
        LEARNING + "optimizer: {sgd: {nesterov: true}}\n",
        "5:29: optimizer.sgd.nesterov: needs momentum above 0 and dampening 0",
    ),
    (
        LEARNING + "optimizer: {sgd: {momentum: 0.9, dampening: 0.1, nesterov: true}}\n",
        "5:60: optimizer.sgd.nesterov: needs momentum above 0 and dampening 0",
    ),
    (LEARNING + "optimizer: {sgd: {nesterov: 1}}\n", "5:29: optimizer.sgd.nesterov: expected true or false, found 1"),
    (
        LEARNING + "optimizer: {sgd: {momentum: -1}}\n",
        "5:29: optimizer.sgd.momentum: expected a number of at least 0, found -1",
    ),
    (
        LEARNING + "optimizer: {adam: {betas: 0.9}}\n",
        "5:27: optimizer.adam.betas: expected two numbers, as in [0.9, 0.999], found 0.9",
    ),
    (
        LEARNING + "optimizer: {adam: {betas: [0.9]}}\n",
        "5:27: optimizer.adam.betas: expected two numbers, as in [0.9, 0.999], found a list of 1",
    ),
    (
        LEARNING + "optimizer:\n  adam:\n    betas: [0.9, 1]\n",
        "7:18: optimizer.adam.betas[1]: expected a number from 0 to less than 1, found 1",
    ),
]

WRONG_LEARNING = [
    (
        FORWARD + "target: [[1]]\nlearning_rate: 1\n",
        f"3:9: target: expected 2×2, {OUTPUT}), found 1×1",
    ),
    (
        FORWARD + "target: 5\nstride: 2\npadding: [1, 0]\ndilation: [2, 1]\n",
        f"3:9: target: expected 2×1, {OUTPUT}, stride 2, dilation [2, 1], padding [1, 0]), found a single number",
    ),
    (
        FORWARD + "target: [1, 2, 3]\n",
        f"3:9: target: expected 2×2, {OUTPUT}), found a list of 3",
    ),
    (
        FORWARD + "target: [[1, 0], [0, 1]]\n",
        "1:1: learning_rate: missing; a problem with a target needs one, as in learning_rate: 0.1",
    ),
    (
        FORWARD + "output_gradient: [[1, 0]]\n",
        f"3:18: output_gradient: expected 2×2, {OUTPUT}), found 1×2",
    ),
    (
        FORWARD + "output_gradient: [[1, 0], [0, 1]]\nstop: {iterations: 2}\n",
        "1:1: learning_rate: missing; more than one iteration needs it, as in learning_rate: 0.1",
    ),
    (
        LEARNING + "output_gradient: [[1, 0], [0, 1]]\n",
        "5:1: output_gradient: expected either target or output_gradient, found both",
    ),
    (
        FORWARD + "target_through_activation: true\n",
        "3:1: target_through_activation: there is no target to pass through",
    ),
    (LEARNING + "target_through_activation: 1\n", "5:28: target_through_activation: expected true or false, found 1"),
    (FORWARD + "learning_rate: 0\n", "3:16: learning_rate: expected a positive number or auto, found 0"),
    (FORWARD + "learning_rate: -1\n", "3:16: learning_rate: expected a positive number or auto, found -1"),
    (FORWARD + "learning_rate: fast\n", '3:16: learning_rate: expected a positive number or auto, found text "fast"'),
    (FORWARD + "learning_rate: true\n", "3:16: learning_rate: expected a positive number or auto, found true"),
    (
        FORWARD + "learning_rate: '1/0'\n",
        "3:16: learning_rate: expected a positive number or auto, found a fraction whose denominator is 0",
    ),
    (LEARNING + "stop: 5\n", "5:7: stop: expected a mapping of iterations, loss and gradient, found 5"),
    (LEARNING + "stop: {iteration: 5}\n", "5:8: stop.iteration: unknown key; did you mean iterations?"),
    (LEARNING + "stop: {iterations: 0}\n", "5:20: stop.iterations: expected an integer of at least 1, found 0"),
    (
        LEARNING + f"stop: {{iterations: {HUGE}}}\n",
        f"5:20: stop.iterations: expected at most 9223372036854775807, found {HUGE}",
    ),
    (LEARNING + "stop:\n  loss: -1\n", "6:9: stop.loss: expected a number of at least 0, found -1"),
    (LEARNING + "stop: {gradient: .nan}\n", "5:18: stop.gradient: expected a number of at least 0, found NaN"),
    (
        LEARNING + "expected_filter: [[1, 2]]\n",
        "5:18: expected_filter: expected 2×2, the shape of the filter, found 1×2",
    ),
    (
        LEARNING + "attempt: 5\n",
        "5:10: attempt: expected a mapping from names, as in error or filter_gradient, to numbers, found 5",
    ),
    (LEARNING + "attempt: {errr: [[1]]}\n", "5:11: attempt.errr: unknown key; did you mean error?"),
    (
        LEARNING + "attempt: {error: [[1, 2], [3]]}\n",
        f"5:27: attempt.error[1]: row 1 has 1 number and row 0 has 2; {SAME_LENGTH}",
    ),
    (
        LEARNING + "attempt: {error: [[1, null], [3, x]]}\n",
        '5:34: attempt.error[1,1]: expected a number or null, found text "x"',
    ),
    (
        LEARNING + "attempt: {error: [[1, 2], 3]}\n",
        "5:27: attempt.error[1]: expected a list of 2 as at position 0, found 3",
    ),
    (
        LEARNING + "attempt: {error: [[[1]], [[1], [2]]]}\n",
        "5:26: attempt.error[1]: expected a list of 1 as at position 0, found a list of 2",
    ),
    (LEARNING + "attempt: {loss: true}\n", "5:17: attempt.loss: expected a number or null, found true"),
    (
        LEARNING + "attempt: {loss: .inf}\n",
        "5:17: attempt.loss: expected a number or null, found a number past 1.8e308",
    ),
    (
        LEARNING + "attempt:\n- {error: [[1]]}\n- {error: []}\n",
        "7:11: attempt[1].error: expected numbers, found an empty list",
    ),
    (
        LEARNING + "attempt: [{iteration: 0}]\n",
        "5:23: attempt[0].iteration: expected an integer of at least 1, found 0",
    ),
]

WRONG = WRONG_KEYS + WRONG_ARRAYS + WRONG_GEOMETRY + WRONG_FUNCTIONS + WRONG_LEARNING


@pytest.mark.parametrize(("text", "error"), WRONG)
def test_every_refusal_in_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, error: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(text)
    with pytest.raises(ProblemError) as caught:
        load("p.yaml")
    assert str(caught.value) == f"p.yaml:{error}"


@pytest.mark.parametrize(("text", "error"), WRONG)
def test_every_refusal_in_json(tmp_path: Path, text: str, error: str) -> None:
    """One key a line, so that the line tells which key is meant; columns are tested with `locate`."""
    data = read_yaml(text)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items()]
    file = tmp_path / "p.json"
    file.write_text("{" + ",\n".join(lines) + "}")
    with pytest.raises(ProblemError) as caught:
        load(file)
    found = caught.value
    _, _, words = error.split(":", 2)
    assert str(found) == f"{file}:{found.line}:{found.column}:{words}"
    names = [visible(key) for key in data]
    assert found.line == (names.index(found.path[0]) + 1 if found.path and found.path[0] in names else 1)
    assert found.column is not None


def test_every_default() -> None:
    problem = check({"input": [[1, 2, 3]], "filter": [[1, 2]], "target": [[1, 2]], "learning_rate": 0.1})
    assert problem.activation == Choice("relu")
    assert problem.slope_at_zero == 0.0
    assert problem.loss == Choice("half_squared_error")
    assert problem.optimizer == Choice(
        "sgd", {"momentum": 0.0, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0}
    )
    assert problem.stop == Stop(1000, 1e-12, 1e-9)
    assert (problem.stride, problem.dilation, problem.padding, problem.groups) == ((1, 1), (1, 1), ((0, 0), (0, 0)), 1)
    assert problem.operation == "cross-correlation"
    assert problem.target_through_activation is False
    assert (
        problem.bias is problem.output_gradient is problem.title is problem.attempt is problem.expected_filter is None
    )


def test_a_key_that_holds_nothing_counts_as_absent() -> None:
    keys = ("title", "target", "bias", "activation", "padding", "stop", "learning_rate", "attempt", "layers", "exact")
    problem = check({"input": [[1]], "filter": [[1]], **dict.fromkeys(keys)})
    assert problem.forward_only
    assert check({"input": [[1]], "filter": [[1]], "exact": False}).forward_only


def test_arrays_are_owned_read_only_and_without_negative_zero() -> None:
    given = np.array([[-0.0, 2.0]])
    problem = check({"input": given, "filter": [[-0.0]], "bias": -0.0})
    for array in (problem.input, problem.filter, problem.bias):
        assert array is not None
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
        assert array.flags.owndata
        assert not array.flags.writeable
        assert not np.signbit(array).any()
    assert given.flags.writeable
    assert np.signbit(given[0, 0])


@pytest.mark.parametrize("kind", ["int8", "uint64", "float16", "float32", "longdouble", ">f8"])
def test_numpy_arrays_of_any_real_type(kind: str) -> None:
    square = np.asfortranarray(np.arange(6).reshape(2, 3).astype(kind))
    assert check({"input": square, "filter": [[1]]}).input.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.array([[1.0, np.nan]]), "input[0,1]: expected a finite number, found NaN"),
        (np.array([[True]]), "input: expected real numbers, found an array of bool"),
        (np.array([[1j]]), "input: expected real numbers, found an array of complex128"),
        (np.array([[None]]), "input: expected real numbers, found an array of object"),
        (np.zeros((0, 3)), "input: expected numbers, found an empty array of shape [0, 3]"),
        (np.zeros(3), "input: expected H×W, C×H×W or N×C×H×W, found a list of 3"),
        (np.zeros((1, 1, 1, 1, 1)), "input: expected H×W, C×H×W or N×C×H×W, found 1×1×1×1×1"),
        (np.broadcast_to(0.0, (20_000, 20_000)), "input: 20000×20000 numbers; the limit is 1 GiB"),
    ],
)
def test_numpy_arrays_that_are_refused(array: Any, error: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check({"input": array, "filter": [[1]]})
    assert str(caught.value) == error


def test_numbers_in_every_spelling() -> None:
    row = [["1/3", " -2/4 ", "0.25", "1e-3", np.float32(0.5), np.int64(3), "+7", 10**300]]
    problem = check({"input": tuple(map(tuple, row)), "filter": [[1]]})
    assert problem.input.tolist() == [[1 / 3, -0.5, 0.25, 0.001, 0.5, 3.0, 7.0, 1e300]]
    assert check({"input": [[f"{10**400}/{10**400}"]], "filter": [[1]]}).input.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("given", "stride", "dilation"), [(2, 2, 2), (2.0, 2, 2), ([1, 2], [1, 2.0], (1, 2)), ("2", "4/2", [2, 2])]
)
def test_integers_in_every_spelling(given: Any, stride: Any, dilation: Any) -> None:
    problem = check({"input": np.ones((5, 5)), "filter": [[1]], "stride": stride, "dilation": dilation, "groups": 1.0})
    wanted = (1, 2) if isinstance(given, list) else (2, 2)
    assert problem.stride == problem.dilation == wanted
    assert type(problem.stride[0]) is int


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "given", "padding"),
    [
        (5, 3, 1, 0, (0, 0)),
        (5, 3, 1, 2, (2, 2)),
        (5, 3, 1, "valid", (0, 0)),
        (5, 3, 1, "same", (1, 1)),
        (4, 2, 1, "same", (0, 1)),
        (5, 2, 2, "same", (0, 1)),
        (6, 3, 2, "same", (0, 1)),
        (7, 1, 3, "same", (0, 0)),
        (5, 3, 1, "full", (2, 2)),
    ],
)
def test_padding_along_one_axis(size: int, kernel: int, stride: int, given: Any, padding: tuple[int, int]) -> None:
    problem = check(
        {"input": np.ones((9, size)), "filter": np.ones((1, kernel)), "stride": [1, stride], "padding": given}
    )
    assert problem.padding[1] == padding
    if given == "same":
        assert problem.output_shape[1] == -(-size // stride)


def test_padding_in_every_form() -> None:
    base = {"input": np.ones((5, 5)), "filter": np.ones((3, 2)), "dilation": [1, 3]}
    forms = {"n": 1, "each": [1, 2], "sides": [[0, 1], [2, 3]], "full": "full", "same": "same"}
    found = {name: check({**base, "padding": given}).padding for name, given in forms.items()}
    assert found == {
        "n": ((1, 1), (1, 1)),
        "each": ((1, 1), (2, 2)),
        "sides": ((0, 1), (2, 3)),
        "full": ((2, 2), (3, 3)),
        "same": ((1, 1), (1, 2)),
    }


@pytest.mark.parametrize(
    ("signal", "kernel", "bias", "output"),
    [
        ((4, 4), (2, 2), (), (3, 3)),
        ((2, 4, 4), (2, 2, 2), (), (3, 3)),
        ((5, 2, 4, 4), (2, 2, 2), (), (5, 3, 3)),
        ((4, 4), (6, 1, 2, 2), (6,), (6, 3, 3)),
        ((5, 2, 4, 4), (6, 2, 2, 2), (6,), (5, 6, 3, 3)),
        ((1, 4, 4), (1, 1, 2, 2), (1,), (1, 3, 3)),
    ],
)
def test_shapes(
    signal: tuple[int, ...], kernel: tuple[int, ...], bias: tuple[int, ...], output: tuple[int, ...]
) -> None:
    problem = check(
        {"input": np.ones(signal), "filter": np.ones(kernel), "bias": 2, "output_gradient": np.ones(output)}
    )
    assert problem.bias is not None
    assert problem.bias.shape == bias
    assert problem.output_shape == output
    assert (problem.bias == 2).all()


def test_a_target_may_add_or_drop_leading_axes_of_length_1() -> None:
    base = {"input": np.ones((1, 1, 3, 3)), "filter": np.ones((1, 1, 3, 1)), "learning_rate": 1}
    for target in ([1, 2, 3], [[1, 2, 3]], [[[[[1, 2, 3]]]]]):
        found = check({**base, "target": target, "expected_filter": [[[1], [2], [3]]]})
        assert found.target is not None
        assert found.target.tolist() == [[[[1.0, 2.0, 3.0]]]]
        assert found.expected_filter is not None
        assert found.expected_filter.shape == (1, 1, 3, 1)
    assert check({"input": [[1]], "filter": [[1]], "output_gradient": 5}).output_gradient == np.array([[5.0]])


def test_one_bias_for_each_filter() -> None:
    base = {"input": [[1]], "filter": np.ones((2, 1, 1, 1))}
    assert check({**base, "bias": [1, "1/2"]}).bias is not None
    assert np.array_equal(check({**base, "bias": [1, "1/2"]}).bias, [1.0, 0.5])
    assert check({"input": [[1]], "filter": [[1]], "bias": [3]}).bias == np.array(3.0)
    assert check({"input": [[1]], "filter": [[1]], "bias": np.array(3)}).bias == np.array(3.0)


def test_drawn_filters_have_the_spread_of_their_name_and_come_back_with_their_seed() -> None:
    def drawn(shape: tuple[int, ...], **given: Any) -> Any:
        return check({"input": np.ones(shape), "filter": {"size": [3, 5], **given}, "groups": 2}).filter

    he = drawn((8, 9, 9), filters=1000)
    assert he.shape == (1000, 4, 3, 5)
    assert he.std() == pytest.approx((2 / 60) ** 0.5, rel=0.02)
    assert np.array_equal(he, drawn((8, 9, 9), filters=1000, seed=0, initial="he"))
    assert not np.array_equal(he, drawn((8, 9, 9), filters=1000, seed=1))
    glorot = abs(drawn((8, 9, 9), filters=1000, initial="glorot")).max()
    assert glorot == pytest.approx((6 / (60 + 1000 * 15)) ** 0.5, rel=0.01)
    assert abs(drawn((8, 9, 9), filters=1000, initial="uniform")).max() == pytest.approx(60**-0.5, rel=0.01)
    assert not drawn((8, 9, 9), filters=2, initial="zeros").any()


@pytest.mark.parametrize(
    ("signal", "filters", "shape"),
    [((4, 4), None, (2, 2)), ((3, 4, 4), None, (3, 2, 2)), ((1, 3, 4, 4), None, (3, 2, 2)), ((4, 4), 1, (1, 1, 2, 2))],
)
def test_a_drawn_filter_has_as_few_axes_as_it_can(signal: Any, filters: int | None, shape: tuple[int, ...]) -> None:
    assert check({"input": np.ones(signal), "filter": {"size": 2, "filters": filters}}).filter.shape == shape


def test_functions_with_parameters() -> None:
    problem = check(
        {
            "input": [[1]],
            "filter": [[1]],
            "target": [[1]],
            "learning_rate": "1/4",
            "activation": {"leaky_relu": {"slope": "1/10"}},
            "loss": {"huber": None},
            "optimizer": {"adam": {"betas": [0, 0.5], "amsgrad": True}},
        }
    )
    assert problem.activation == Choice("leaky_relu", {"slope": 0.1})
    assert problem.slope_at_zero == 0.1
    assert problem.loss == Choice("huber", {"delta": 1.0})
    assert problem.learning_rate == 0.25
    parameters = {"betas": (0.0, 0.5), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": True}
    assert problem.optimizer == Choice("adam", parameters)


def test_a_leak_outside_of_0_to_1_is_its_own_slope_at_zero() -> None:
    document = {"input": [[1]], "filter": [[1]], "activation": {"leaky_relu": {"slope": -3}}}
    assert check(document).slope_at_zero == -3.0
    assert check({**document, "slope_at_zero": -3}).slope_at_zero == -3.0
    assert check({**document, "slope_at_zero": 1}).slope_at_zero == 1.0


def test_how_many_iterations() -> None:
    base = {"input": [[1]], "filter": [[1]], "learning_rate": 1}
    many = {"stop": {"iterations": 10**18}}
    assert check({**base, "target": 1}).stop.iterations == 1000
    assert check({**base, "target": 1, **many}).stop.iterations == 10**18
    assert check({**base, "output_gradient": 1}).stop.iterations == 1
    assert check({**base, "output_gradient": 1, **many}).stop.iterations == 10**18
    assert check({**base, **many}).stop.iterations == 1
    assert check({**base, "target": 1, "stop": {"loss": 0}}).stop == Stop(1000, 0.0, 1e-9)


def test_attempts_are_kept_as_they_stand() -> None:
    first = {"iteration": 2, "error": [[1, None], ["1/3", 2.5]], "loss": None, "new_bias": np.array([1.0])}
    base = {"input": [[1]], "filter": [[1]]}
    assert check({**base, "attempt": first}).attempt == {
        "iteration": 2,
        "error": [[1, None], ["1/3", 2.5]],
        "new_bias": [1.0],
    }
    assert check({**base, "attempt": [first, {}]}).attempt == [check({**base, "attempt": first}).attempt, {}]


def test_the_rate_auto_is_asked_for_once_all_else_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Problem] = []

    def rate(problem: Problem) -> float:
        asked.append(problem)
        return 0.125

    monkeypatch.setattr(analysis, "safe_rate", rate)
    base = {"input": [[1]], "filter": [[1]], "learning_rate": "auto", "loss": "squared_error"}
    assert check({**base, "target": 1}).learning_rate == 0.125
    assert asked[0].learning_rate is None
    assert asked[0].loss == Choice("squared_error")
    assert check(base).learning_rate is None
    assert len(asked) == 1


def test_a_rate_that_cannot_be_found_is_the_fault_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def rate(problem: Problem) -> float:
        raise ProblemError("there is none")

    monkeypatch.setattr(analysis, "safe_rate", rate)
    with pytest.raises(ProblemError, match=r"^learning_rate: there is none$"):
        check({"input": [[1]], "filter": [[1]], "target": 1, "learning_rate": "auto"})


def test_a_large_matrix_is_read_quickly() -> None:
    import time

    rows = np.arange(1_000_000.0).reshape(1000, 1000).tolist()
    start = time.perf_counter()
    check({"input": rows, "filter": [[1]]})
    assert time.perf_counter() - start < 1


def test_keys_must_be_text() -> None:
    with pytest.raises(ProblemError, match=r"^expected text as a key, found 1$"):
        check({1: 2})  # type: ignore[dict-item]
