"""Stride, dilation, padding and groups: do the input and the filter fit each other?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from convstep.arrays import without_ones
from convstep.errors import ProblemError
from convstep.geometry import Geometry, Pair
from convstep.problem import limits
from convstep.problem.checks_numbers import integer, is_list, pair
from convstep.words import quoted, spelled_shape

Padding = tuple[Pair, Pair]
Shape = tuple[int, ...]

PADDING_WORDS = ("valid", "same", "full")


def check_channels(given: Mapping[str, Any], signal: Shape, kernel: Shape, groups: int) -> None:
    """Refuses a filter that has not one matrix for each channel of its group.

    Args:
        given: The problem's keys.
        signal: The shape of the input.
        kernel: The shape of the filter.
        groups: Into how many parts the channels are split.
    """
    channels = signal[-3] if len(signal) >= 3 else 1
    if groups > 1:
        _check_groups(channels, kernel, groups)
    found = kernel[-3] if len(kernel) >= 3 else 1
    if found != channels // groups:
        a_group = f", {channels // groups} in each of {groups} groups" if groups > 1 else ""
        needed = f"the input has {channels}{a_group}; a filter has one matrix for each"
        plural = "channel" if found == 1 else "channels"
        raise ProblemError(f"has {found} {plural} ({spelled_shape(kernel)}) and {needed}", ("filter",))


def _check_groups(channels: int, kernel: Shape, groups: int) -> None:
    if channels % groups:
        message = f"the input's channels ({channels}) cannot be split into {groups} equal groups"
        raise ProblemError(message, ("groups",))
    if len(kernel) != 4:
        found = f"found {spelled_shape(kernel)}"
        raise ProblemError(f"more than one group needs a filter of the shape F×C/groups×kh×kw, {found}", ("groups",))
    if kernel[0] % groups:
        message = f"the filters ({kernel[0]}) cannot be split into {groups} equal groups"
        raise ProblemError(message, ("groups",))


def padding(value: Any, plain: Geometry) -> Padding:
    """[[top, bottom], [left, right]] of the zeros around the input.

    Args:
        value: As the problem gives it: a number, [rows, columns], both sides of each, or a word.
        plain: The geometry without padding.
    """
    if isinstance(value, str) and value in PADDING_WORDS:
        rows, columns = (_padding_by_word(value, plain, axis) for axis in (0, 1))
        return rows, columns
    others = ", [rows, columns], [[top, bottom], [left, right]], valid, same or full"
    if isinstance(value, str) and not value[:1].isdigit():
        raise ProblemError(f"expected an integer, {others[2:]}, found {quoted(value)}", ("padding",))
    if is_list(value) and any(is_list(side) for side in value):
        return _padding_by_side(value)
    rows_each, columns_each = pair(value, ("padding",), 0, others)
    return (rows_each, rows_each), (columns_each, columns_each)


def _padding_by_side(value: Any) -> Padding:
    if len(value) != 2:
        raise ProblemError(f"expected [[top, bottom], [left, right]], found a list of {len(value)}", ("padding",))
    sides = []
    for axis, (item, names) in enumerate(zip(value, ("[top, bottom]", "[left, right]"), strict=True)):
        if not is_list(item) or len(item) != 2:
            found = f"a list of {len(item)}" if is_list(item) else quoted(item)
            raise ProblemError(f"expected {names}, found {found}", ("padding", axis))
        before, after = (integer(side, ("padding", axis, i), 0) for i, side in enumerate(item))
        sides.append((before, after))
    rows, columns = sides
    return rows, columns


def _padding_by_word(word: str, plain: Geometry, axis: int) -> Pair:
    """The zeros before and after along one axis.

    For an input of 5, a filter of 3 and the stride 1, ``same`` makes 12345 → 0123450.
    For an input of 4 and a filter of 2 it makes 1234 → 12340: the odd cell comes last.
    """
    size, reach, stride = plain.size[axis], plain.reach[axis], plain.stride[axis]
    if word == "full":
        return reach - 1, reach - 1
    if word == "valid":
        return 0, 0
    total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def check_sizes(geometry: Geometry) -> None:
    """Refuses a filter that does not fit into the padded input, and arrays that would not fit into memory."""
    if any(reach > size for reach, size in zip(geometry.reach, geometry.padded, strict=True)):
        raise ProblemError(_too_large(geometry), ("filter",))
    padded = (geometry.batch, geometry.channels, *geometry.padded)
    check_memory("the padded input", padded, "padding")
    check_memory("the output", geometry.output_shape, "filter")
    _check_machine(8 * (PADDED_ARRAYS * math.prod(padded) + OUTPUT_ARRAYS * math.prod(geometry.output_shape)))


PADDED_ARRAYS, OUTPUT_ARRAYS = 3, 6
"""How many arrays of these sizes one iteration holds at once, at the least."""


def _check_machine(needed: int) -> None:
    """Refuses what the machine has no memory for: a system that runs out of it ends programs without a word."""
    there = limits.machine_bytes()
    if there is not None and needed > there:
        raise ProblemError(
            f"one iteration needs at least {limits.spelled_bytes(needed)} of memory, and this machine has "
            f"{limits.spelled_bytes(there)}; try a smaller input or less padding",
            ("input",),
        )


def check_memory(what: str, shape: Shape, key: str) -> None:
    """Refuses an array of more than 1 GiB, before it is made."""
    needed = math.prod(shape) * 8
    if needed > limits.ARRAY_BYTES:
        raise ProblemError(
            f"{what} would be {spelled_shape(shape)}, {limits.spelled_bytes(needed)}; "
            f"the limit is {limits.ARRAY_BYTES // 8} numbers ({limits.spelled_bytes(limits.ARRAY_BYTES)})",
            (key,),
        )


def _too_large(geometry: Geometry) -> str:
    kernel, size = spelled_shape(geometry.kernel), spelled_shape(geometry.size)
    reach, padded = spelled_shape(geometry.reach), spelled_shape(geometry.padded)
    spans = kernel if reach == kernel else f"{kernel} with dilation spans {reach}, which"
    within = f"the input, {size}" if padded == size else f"the padded input, {padded} ({size} without padding)"
    return f"{spans} is larger than {within}"


def geometry_words(geometry: Geometry) -> str:
    """What a shape follows from, for messages; what is as usual is not mentioned.

    >>> geometry_words(Geometry(1, 1, (5, 5), 1, (2, 2), stride=(2, 2)))
    'input 5×5, filter 2×2, stride 2'
    >>> geometry_words(Geometry(4, 1, (5, 5), 1, (2, 2)))
    'input 4×1×5×5, filter 2×2'
    """
    input_, filter_ = (geometry.batch, geometry.channels), (geometry.filters, geometry.group_channels)
    words = (
        f"input {spelled_shape((*without_ones(input_), *geometry.size))}, "
        f"filter {spelled_shape((*without_ones(filter_), *geometry.kernel))}"
    )
    settings = (
        ("stride", shortest_pair(geometry.stride), 1),
        ("dilation", shortest_pair(geometry.dilation), 1),
        ("padding", shortest_padding(geometry.padding), 0),
    )
    return words + "".join(f", {name} {found}" for name, found, usual in settings if found != usual)


def shortest_pair(sizes: Pair) -> int | list[int]:
    """[rows, columns] as a problem file writes it: one number where both are the same."""
    return sizes[0] if sizes[0] == sizes[1] else list(sizes)


def shortest_padding(sides: Padding) -> int | list[int] | list[list[int]]:
    """The padding as a problem file writes it: with as few numbers as say it.

    >>> shortest_padding(((1, 1), (1, 1))), shortest_padding(((0, 0), (1, 1))), shortest_padding(((0, 1), (0, 1)))
    (1, [0, 1], [[0, 1], [0, 1]])
    """
    rows, columns = sides
    if rows[0] == rows[1] and columns[0] == columns[1]:
        return shortest_pair((rows[0], columns[0]))
    return [list(rows), list(columns)]
