"""What PyYAML finds wrong with a text, in the words of somebody who mends the text."""

from __future__ import annotations

import re

from yaml import MarkedYAMLError, YAMLError

from convstep.errors import ProblemError
from convstep.problem import limits
from convstep.words import visible

NOT_PRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that YAML allows nowhere (section 5.1 of its specification)."""

PLAIN_WORDS = (
    (
        "mapping values are not allowed",
        'a ": " where none can stand; put text in quotes, and a space behind every colon',
    ),
    ("could not find expected ':'", 'expected "key: value", and found no ": " (the space counts)'),
    (
        "did not find expected key",
        "this line does not fit the lines above; mend the indentation, or close what is open",
    ),
    ("expected <block end>", "this line does not fit the lines above; mend the indentation, or close what is open"),
    ("did not find expected '-' indicator", 'expected "- " as on the lines above; mend the indentation'),
    (r"expected ',' or '\]'", "expected , or ] in the list"),
    ("expected ',' or '}'", "expected , or } in the mapping"),
    ("unexpected end of stream", "the quotes that open here are never closed"),
    ("unexpected document indicator", "the quotes that open here are not closed before a line of --- or ..."),
    ("unknown escape character", r"unknown escape after \; in quotes of the kind '…' the sign means itself"),
    ("expected .*hexadecimal number|hexdecimal", r"expected hexadecimal digits after \x, \u or \U"),
    ("undefined tag handle", "this tag is not allowed; a problem is made of numbers, text, lists and mappings"),
    ("node content|node start", "expected a value"),
    ("block sequence entries are not allowed", 'a "- " where none can stand; begin the list on a line of its own'),
)
"""By what PyYAML says (its Python and its C parser differ slightly), what we say."""

BEGINNING_COUNTS = "could not find expected ':'|unexpected end of stream|unexpected document indicator"
"""The problems that PyYAML notices late: they are where the text around them begins."""


def complaint(error: YAMLError, text: str) -> ProblemError:
    """The error as one line, with its place in the text."""
    if not isinstance(error, MarkedYAMLError):
        return _forbidden_character(text)
    mark = error.problem_mark or error.context_mark
    if error.context_mark and re.search(BEGINNING_COUNTS, str(error.problem)):
        mark = error.context_mark
    if mark is None:
        return ProblemError(f"not readable as YAML: {error.problem or error}")
    if "nesting depth" in str(error.problem):
        # libyaml 0.2.6 and later look ahead further than we go, and give up first.
        return ProblemError(f"nested more than {limits.DEPTH} deep", line=mark.line + 1, column=mark.column + 1)
    words = f"not readable as YAML: {_plain_words(error, text[mark.index : mark.index + 1])}"
    return ProblemError(words, line=mark.line + 1, column=mark.column + 1)


def _plain_words(error: MarkedYAMLError, found: str) -> str:
    problem = str(error.problem)
    if "cannot start any token" in problem:
        return _cannot_start(found)
    for pattern, words in PLAIN_WORDS:
        if re.search(pattern, problem):
            return words + _begun(error)
    return visible(problem, longest=200)


def _cannot_start(found: str) -> str:
    if found == "\t":
        return "a tab cannot indent; use spaces"
    return f"no value can begin with {visible(found)}; put the text in quotes"


def _begun(error: MarkedYAMLError) -> str:
    """Where the list, mapping or quotation began that the problem lies in, if that is another line."""
    mark, context = error.problem_mark, error.context_mark
    if mark is None or context is None or mark.line == context.line or "block" in str(error.context):
        return ""
    return f" that begins on line {context.line + 1}" if "flow" in str(error.context) else ""


def _forbidden_character(text: str) -> ProblemError:
    match = NOT_PRINTABLE.search(text)
    if match is None:
        return ProblemError("not readable as YAML")
    start = match.start()
    line_start = text.rfind("\n", 0, start) + 1
    return ProblemError(
        f"not readable as YAML: the character {visible(match[0])} is not allowed",
        line=text.count("\n", 0, start) + 1,
        column=start - line_start + 1,
    )
