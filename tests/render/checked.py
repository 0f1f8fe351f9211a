"""Attempts, and the pages of their diagnoses, on a console whose width and colours are pinned."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from program import SAMPLES
from rich.text import Text

import convstep
from convstep.diagnosis.result import Diagnosis
from convstep.problem.model import Problem
from convstep.render.check import check_lines
from convstep.render.matrix import Look
from convstep.render.report import header
from convstep.render.terminal import page_console, write

Keys = Mapping[str, Any]

TEXTBOOK: Keys = {
    "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
    "filter": [[1, 0], [-1, 2]],
    "output_gradient": [[1, -1], [2, 0.5]],
    "learning_rate": 0.1,
}
STRIDED: Keys = {
    "input": [[1, -1, 0, 2, 1], [0, 1, 0, 1, -1], [2, -1, 1, 0, 3], [1, 0, 2, 1, 0], [0, 2, -1, 1, 1]],
    "filter": [[1, -1], [2, 1]],
    "stride": 2,
    "padding": [[0, 1], [0, 1]],
    "target": [[1, 0, 2], [0, 1, 0], [1, 1, 1]],
    "learning_rate": 0.5,
}
BATCH: Keys = {
    "input": [[[[1, 2, 0], [0, 1, 3], [2, 0, 1]]], [[[0, 1, 1], [2, -1, 0], [1, 0, 2]]]],
    "filter": [[[[1, 0], [-1, 2]]], [[[0, 1], [1, -1]]]],
    "bias": [1, 0],
    "target": [[[[1, 2], [0, 1]], [[1, 0], [0, 2]]], [[[0, 1], [1, 0]], [[2, 1], [0, 1]]]],
    "learning_rate": 0.1,
}


def question(**changes: Any) -> Keys:
    """The problem that began it all."""
    return {
        "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
        "filter": [[1, -1], [1, 1]],
        "target": [[1, 0], [0, 1]],
        "learning_rate": 0.5,
        **changes,
    }


CHANNELS_OUTPUT = [
    [["0.244", "0.692", "0.659"], [0, 0, 0], [0, "0.205", 0]],
    [["0.845", "0.673", "0.375"], [0, 0, 0], [0, 0, "0.793"]],
]


def attempts() -> dict[str, tuple[Keys | str, Keys | None]]:
    """By name: a problem, or a sample's name, and the attempt at it; ``None`` for the sample's own."""
    return {
        "question-attempt": ("question-attempt", None),
        "answer-attempt": ("answer-attempt", None),
        "own-convention": (
            question(),
            {
                "error": [[-2, 0], [0, 0]],
                "filter_gradient": [[-2, 2], [0, -2]],
                "new_filter": [["0.0", "0.0"], ["1.0", "0.0"]],
            },
        ),
        "right": (TEXTBOOK, {"filter_gradient": [["-0.50", "3.5"], [-1, "-1.50"]], "loss": "-2.50"}),
        "slip": (
            STRIDED,
            {
                "delta": [[2, 0, 0], [5, 5, 3], [0, 0, 0]],
                "filter_gradient": [[26, 7], [15, 7]],
                "new_filter": [["-12.0", "-4.5"], ["-5.5", "-2.5"]],
            },
        ),
        "missing-term": (STRIDED, {"filter_gradient": [[17, -7], [15, 7]]}),
        "explained-so-far": (
            question(target=[[1, -1], [0, 1]]),
            {
                "error": [[2, 1], [0, 0]],
                "delta": [[2, 1], [0, 0]],
                "filter_gradient": [[17, "3.5"], [-4, 11]],
                "new_filter": [[1, 1], ["9.25", -3]],
            },
        ),
        "hidden-sign": (
            {
                "input": [[0.7, 0.3, 0.9], [0.2, 0.6, 0.1], [0.8, 0.5, 0.4]],
                "filter": [[0.3, 0.7], [0.9, 0.1]],
                "target": [[0.1, 0.9], [0.3, 1.4]],
                "activation": "sigmoid",
                "learning_rate": 0.5,
            },
            {
                "filter_gradient": [["0.374", "0.347"], ["0.395", "0.326"]],
                "new_filter": [["0.487", "0.874"], ["1.098", "0.263"]],
            },
        ),
        "unexplained": (STRIDED, {"filter_gradient": [[11, 5], [3, -4]]}),
        "stride-ignored": (
            STRIDED,
            {
                "pre_activation": [
                    [3, 1, -1, 2, -1],
                    [2, 0, 1, 5, 5],
                    [5, 0, 6, -1, 3],
                    [3, 1, 0, 4, 2],
                    [-2, 3, -2, 0, 1],
                ]
            },
        ),
        "odd-shape": (STRIDED, {"filter_gradient": [[1, 2, 3], [4, 5, 6], [7, 8, 10], [1, 1, 1]]}),
        "batch": (
            BATCH,
            {
                "delta": [[[[3, 6], [0, 3]], [[0, 0], [3, 0]]], [[[0, 2], [1, 4]], [[2, 0], [0, 0]]]],
                "bias_gradient": [19, 5],
                "filter_gradient": [[[[18, 16], [5, 32]]], [[[0, 5], [10, -2]]]],
                "new_filter": [[[["2.8", "1.6"], ["-0.5", "5.2"]]], [[["0.0", "1.5"], ["2.0", "-1.2"]]]],
            },
        ),
        "channels": ("channels", {"output": CHANNELS_OUTPUT}),
        "half-filled": (
            TEXTBOOK,
            {"pre_activation": [[3, None], [None, 3]], "delta": None, "filter_gradient": [[None, 3.5], [None, None]]},
        ),
        "two-mistakes": (
            STRIDED,
            {
                "delta": [[2, 0, -2], [5, 5, 3], [-1, -1, 0]],
                "filter_gradient": [[25, -10], [17, 7]],
                "new_filter": [["13.5", "-6.0"], ["10.5", "4.5"]],
            },
        ),
        "shows-nothing": (
            question(target=[[3, 2], [2, 1]]),
            {"delta": [[0, 0], [0, 0]], "filter_gradient": [[0, 0], [0, 0]], "new_filter": [[1, -1], [1, 1]]},
        ),
        "slip-after-slip": (
            TEXTBOOK,
            {"delta": [[1, -1], [2, "0.5"]], "filter_gradient": [["1.5", "4.5"], ["0.0", "1.5"]]},
        ),
        "no-separation": (question(), {"pre_activation": [[1, -2], [0, 3]]}),
    }


def diagnosed(name: str) -> tuple[Problem, Diagnosis]:
    """The problem of an attempt by its name, and the diagnosis."""
    source, attempt = attempts()[name]
    problem = convstep.load(SAMPLES / f"{source}.yaml" if isinstance(source, str) else source)
    return problem, convstep.diagnose(problem, attempt or problem.attempt)


def page(lines: Sequence[Text], width: int = 80, color: str = "never") -> str:
    """Lines as they are printed."""
    stream = io.StringIO()
    write(page_console(color, width, stream), lines)
    return stream.getvalue()


def checked_page(
    problem: Problem, diagnosis: Diagnosis, width: int = 80, *, name: str = "homework.yaml", **look: Any
) -> str:
    """The page of one attempt."""
    shown = Look(width, look.pop("digits", 6), look.pop("all_cells", False))
    return page([*header(problem, name, width), Text(), *check_lines(diagnosis, shown)], width, **look)
