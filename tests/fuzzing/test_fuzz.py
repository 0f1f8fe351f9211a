"""Whatever it is given, the program answers: no traceback, a known exit code, sound JSON, nothing a terminal obeys."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from fuzzing.inside import call, check
from fuzzing.nasty import HOSTILE_TEXT, KEYS, NUMBERS, TEXTS, documents, texts, traces

WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "check": ((), ("--format", "json"), ("--format", "csv"), ("--summary",), ("--blind",), ("--replay",)),
    "worksheet": ((), ("--quantities", "delta,loss"), ("--iter", "2")),
    "run": (
        *(
            (),
            ("--all",),
            ("--iter", "1,last"),
            ("--quiet",),
            ("--format", "json"),
            ("--format", "jsonl"),
            ("--exit-code",),
        ),
        *(
            ("--format", "json", "--iter", "2"),
            ("--all", "--digits", "1", "--width", "20"),
            ("--all-cells", "--digits", "17"),
        ),
        *(("--show", "delta,loss"), ("--format", "jsonl", "--show", "filter"), ("--color", "always", "--quiet")),
    ),
    "explain": (
        *(
            (),
            ("--format", "json"),
            ("--cell", "input[0,0]"),
            ("--cell", "loss"),
            ("--quantity", "delta", "--all-terms"),
        ),
        *(("--iter", "last"), ("--iter", "1,2", "--format", "json"), ("--width", "20", "--all-cells")),
    ),
    "why": ((), ("--format", "json"), ("--width", "20")),
    "gradcheck": ((), ("--format", "json"), ("--cells",)),
    "sweep": (
        *(
            ("--vary", "learning_rate=0.1,0.2"),
            ("--starts", "5", "--format", "jsonl"),
            ("--starts", "3", "--format", "json"),
        ),
        *(("--vary", "log:1e-3:1:4", "--format", "csv"), ("--vary", "learning_rate=log:0.001:1:4", "--format", "json")),
    ),
}
"""Ways to ask, of which each command is asked one."""

ASKED = [(name, *options) for name, every in WORDS.items() for options in every]


def asked_of_input(words: tuple[str, ...], given: bytes) -> None:
    """Gives a text to the program by standard input, for few iterations where the text does not say how many."""
    name, *options = words
    arguments = [name, "-", *options]
    answer = call(arguments, given)
    if "always" not in options:
        check(answer, arguments)
    assert answer.code in (0, 1, 2)


@examples(200)
@given(st.sampled_from(ASKED), texts(documents()))
def test_problems(words: tuple[str, ...], given: bytes) -> None:
    asked_of_input(words, given)


@examples(150)
@given(st.sampled_from([words for words in ASKED if words[0] != "sweep"]), traces())
def test_traces(words: tuple[str, ...], given: bytes) -> None:
    asked_of_input(words, given)


SPELLED = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from([str(number) for number in NUMBERS if number != 10**400]),
    st.text(max_size=8),
    st.sampled_from(
        [
            *("1,last", "0", "3-1", "1-" + "9" * 50, "delta[0,0]", "filter[9,9]", "delta[", "input", "new_filter[0,0]"),
            *(
                "learning_rate=0.1",
                "filter[0,1]=2",
                "padding=1e9",
                "dilation=1000000",
                "stop.iterations=1",
                "x=[[[",
                "a=b",
            ),
            *(
                "learning_rate=0:1:3",
                "log:0:1:3",
                "filter[0,0]=0:1:" + "9" * 30,
                "activation=relu,tanh",
                "table",
                "json",
            ),
        ]
    ),
    st.sampled_from(KEYS).map(lambda key: f"{key}=1"),
)
OPTIONS = st.sampled_from(
    [
        *(
            "--sample",
            "--set",
            "--lr",
            "--iters",
            "--all",
            "--iter",
            "--show",
            "--quiet",
            "--format",
            "--exit-code",
            "--cell",
        ),
        *(
            "--digits",
            "--width",
            "--color",
            "--all-cells",
            "--quantity",
            "--all-terms",
            "--cells",
            "--against",
            "--vary",
        ),
        *(
            "--starts",
            "--seed",
            "--around",
            "--initial",
            "--refine",
            "--help",
            "--version",
            "-x",
            "--",
            "--step",
            "--exact",
        ),
    ]
)


@examples(200)
@given(
    st.sampled_from([*WORDS, "samples", "rum", HOSTILE_TEXT, "--help"]),
    st.lists(st.tuples(OPTIONS, st.one_of(st.none(), SPELLED)), max_size=3),
)
def test_command_lines(name: str, options: list[tuple[str, str | None]]) -> None:
    words = [word for pair in options for word in pair if word is not None and _can_be_typed(word)]
    # Few iterations, unless what is drawn says otherwise; a command that has no such option refuses it in one line.
    arguments = [name, "--iters", "3", *words] if name in WORDS else [name, *words]
    answer = call(arguments)
    if "always" not in arguments:
        check(answer, arguments)


SESSION = (
    *("next", "back", "jump 2", "jump 99999999999999999999", "why", "explain delta[0,0]", "explain", "undo", "?", "q"),
    *("set learning_rate 0.1", "set learning_rate nan", "show", "x" * 5000, HOSTILE_TEXT, ""),
)


TYPED = st.text(max_size=12).filter(lambda text: not text.lstrip().startswith("s"))
"""Anything but `save`, which would write files."""


@examples(60)
@given(
    st.sampled_from(["question", "channels", "sigmoid", "textbook"]),
    st.lists(st.one_of(st.sampled_from(SESSION), TYPED), max_size=6),
)
def test_sessions(name: str, lines: list[str]) -> None:
    given = "\n".join(lines).encode("utf-8", "surrogatepass")
    arguments = ["run", "--sample", name, "--iters", "20", "--step"]
    check(call(arguments, given), arguments)


def _can_be_typed(word: str) -> bool:
    """Whether the system can hand a word to a program: not with a 0 in it, nor with half a surrogate pair."""
    try:
        return b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        return False
