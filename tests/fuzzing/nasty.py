"""Nasty values, and documents, traces and texts with something nasty in them."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from hypothesis import strategies as st
from strategies import problem_documents

HOSTILE_TEXT = (
    "[bold red]x[/] \x1b[31mred\x1b[0m \x1b]0;title\x07 <script>alert(1)</script> "
    "\u202etxet\u202c \u2066\u200b[link=x]y[/link] :smile: \\n \x00 {0} %s $(id)"
)
"""Markup, escapes, HTML, marks that turn the direction of writing, what is invisible, and what shells would run."""

NUMBERS = (
    *(0, -0.0, 1, -1, 2, 0.5, -3.25, 1e-320, 5e-324, 1e-300, 1e-9, 1e9, 1e15, 1e16, 1e153, 1e155, 1e200, -1e300, 1e308),
    *(2**31, 2**53 + 1, 2**63, 2**64, 10**18, 10**30, 10**400, float("nan"), float("inf"), float("-inf")),
)
TEXTS = (
    *("", " ", "1/3", "1/0", "-1/-3", "0x10", "1e999", "nan", "auto", "same", "full", "valid", "relu", "adam", "he"),
    *("none", "tanh", "convolution", "sgd", "huber", "question", "nowhere.npy", "/dev/zero", "/dev/null", ".", "~"),
    *(HOSTILE_TEXT, "\ud800", "٣", "½", "A" * 5000, "9" * 5000, "1/" + "9" * 400),
)
OTHERS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        [],
        {},
        [[]],
        [[[]]],
        [[[[[[1]]]]]],
        [None],
        [[1, 2], [3]],
        [[1, [2]]],
        [1, 2],
        [2, 1],
        [0, 0],
    ),
    *(
        [[0, 1], [2, 0]],
        [[1, 0], [0, 10**6]],
        [-1, 1],
        [1, 2, 3],
        {"size": 2},
        {"size": 10**9},
        {"size": [2, 1], "x": 1},
    ),
    *({"relu": None}, {"leaky_relu": {"slope": 1e300}}, {"elu": {"alpha": -1e308}}, {"softplus": {"beta": 1e-320}}),
    *({"huber": {"delta": 1e-320}}, {"huber": {"delta": 1e308}}, {"sgd": {"momentum": 1e308, "nesterov": True}}),
    *(
        {"sgd": {"momentum": 1, "dampening": -1e308}},
        {"adam": {"betas": [0, 0], "eps": 0}},
        {"adam": {"betas": [1, 1]}},
    ),
    *({"rmsprop": {"centered": True, "eps": 0, "alpha": 2}}, {"adagrad": {"eps": 0}}, {"a": {"b": {"c": [{}]}}}),
    *({"iterations": 0}, {"iterations": 3, "loss": 1e308, "gradient": 1e308}, {"iterations": 5, "loss": -1}),
    *({"iteration": 1, "output": [[1]]}, {"iteration": 10**30}, {"output": [[None, "x"]]}, [{"output": 3}, 5]),
    *({"size": 2, "initial": "he", "seed": 10**30}, {"size": 3, "filters": 2, "initial": "glorot"}, {"size": 1}),
)
VALUES = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.sampled_from(OTHERS)).map(copy.deepcopy)

KEYS = (
    *("input", "filter", "target", "output_gradient", "bias", "activation", "slope_at_zero", "title", "operation"),
    *("target_through_activation", "stride", "dilation", "padding", "groups", "loss", "learning_rate", "optimizer"),
    *("stop", "attempt", "expected_filter", "exact", "layers", "format", "version", "problem", "iterations", "result"),
    *("", "Input", "learning-rate", "__class__", HOSTILE_TEXT, "\ud800", "1", "null", "filter[0,1]", "stop.iterations"),
)


def slots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in nested lists and mappings at which a value stands: what holds it, and its key there."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for key, inner in items for place in ((value, key), *slots(inner))]


@st.composite
def mutated(draw: st.DrawFn, documents: st.SearchStrategy[Any], most: int = 3) -> Any:
    """A document with some values replaced, taken out, doubled or put in."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(0, most))):
        places = slots(document)
        holder, key = draw(st.sampled_from(places)) if places else (document, None)
        change = draw(st.sampled_from(["replace", "replace", "remove", "key", "extend"]))
        if change == "key" or key is None:
            document[draw(st.sampled_from(KEYS))] = draw(VALUES)
        elif change == "replace":
            holder[key] = draw(VALUES)
        elif change == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(draw(VALUES))
    return document


@st.composite
def texts(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> bytes:
    """A document as JSON, or as YAML in one of its styles; sometimes with bytes changed, cut off or repeated."""
    document = draw(documents)
    text = _spelled(draw, document).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        return _damaged(draw, text)
    return text


def _spelled(draw: st.DrawFn, document: Any) -> str:
    text = json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    if not isinstance(document, dict) or draw(st.booleans()):
        return text
    # Block style at the top, flow style below: as people write problem files.
    return "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in document.items())


PIECES = (
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\t", b"\n", b"{", b"[", b"]", b"}", b'"', b"'", b",", b":"),
    *(b"- ", b"&a ", b"*a ", b"!!python/name:os.system ", b"# ", b"--- ", b"...\n", b"| ", b"> ", b"? ", b"<<: ", b"@"),
    *(b"%YAML 1.1\n", b"NaN", b"Infinity", b"1e999", b"\\ud800", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[2J", b"[" * 200),
)


def _damaged(draw: st.DrawFn, text: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + draw(st.sampled_from([0, 1, 20, 10**6])))))
        text = text[:start] + draw(st.sampled_from(PIECES)) * draw(st.integers(0, 2)) + text[end:]
    return text


def documents() -> st.SearchStrategy[Any]:
    """Problems, sound or with something nasty in them."""
    return mutated(problem_documents())


@functools.cache
def recorded(name: str, form: str) -> str:
    """The trace of a sample, a few iterations long."""
    from fuzzing.inside import call

    return call(["run", "--sample", name, "--iters", "4", "--format", form]).out


@st.composite
def traces(draw: st.DrawFn) -> bytes:
    """A trace in which something was changed, as a document or in lines."""
    form, name = draw(st.sampled_from(["json", "jsonl"])), draw(st.sampled_from(["question", "momentum", "channels"]))
    text = recorded(name, form)
    if draw(st.integers(0, 3)) == 0:
        return _damaged(draw, text.encode())
    whole = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    changed = draw(mutated(st.just(whole)) if form == "json" else _mutated_lines(whole))
    if form == "json":
        return json.dumps(changed).encode()
    return "\n".join(json.dumps(line) for line in changed).encode()


@st.composite
def _mutated_lines(draw: st.DrawFn, lines: list[Any]) -> list[Any]:
    number = draw(st.integers(0, len(lines) - 1))
    replaced = draw(st.one_of(mutated(st.just(lines[number])), VALUES))
    return [*lines[:number], replaced, *lines[number + draw(st.integers(0, 1)) :]]
