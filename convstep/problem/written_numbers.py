"""Numbers that keep the text they were written with: 0.50 says that two decimals are meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstep.numbers import WrittenNumber
from convstep.problem.locate import texts_at
from convstep.problem.plain_scalars import NUMBER


def with_texts(
    data: Mapping[str, Any], text: str, prefix: tuple[str | int, ...], is_json: bool, *, bare: bool = False
) -> Mapping[str, Any]:
    """The keys of a file, the numbers of a learner's attempt with their texts.

    In a problem that is what stands below ``attempt``, in a file without an input all of it. The text is read once
    more, and only for files with an attempt.

    Args:
        data: The keys.
        text: The file's text.
        prefix: Where in the text they are.
        is_json: Whether it is JSON; else it is YAML.
        bare: Whether the text is the list of attempts that `data` has below ``attempt``.
    """
    if "attempt" in data:
        texts = texts_at(text, prefix if bare else (*prefix, "attempt"), is_json=is_json)
        return {**data, "attempt": _joined(data["attempt"], texts)}
    joined = _joined(data, texts_at(text, prefix, is_json=is_json))
    return joined if isinstance(joined, Mapping) else data


def _joined(value: Any, texts: Any) -> Any:
    """The same data, each float of it with its text; where the two do not run alike, it stays as it is."""
    if isinstance(value, Mapping) and isinstance(texts, dict):
        return {key: _joined(item, texts.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(texts, list) and len(value) == len(texts):
        return [_joined(item, text) for item, text in zip(value, texts, strict=True)]
    if type(value) is float and isinstance(texts, str) and NUMBER.fullmatch(texts):
        return WrittenNumber(value, texts)
    return value
