"""What is varied: ranges and lists as they are read, and what is wrong with those that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.errors import UsageError
from convstep.sweeping.grids import parse_variation


def test_a_linear_range_is_as_exact_as_if_it_were_written_out() -> None:
    variation = parse_variation("learning_rate=0.01:1:100")
    assert variation.values == tuple(float(f"{n / 100:.2f}") for n in range(1, 101))
    assert not variation.logarithmic


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1:0.3:3", (0.1, 0.2, 0.3)),
        ("1:0:3", (1.0, 0.5, 0.0)),
        ("-1:1:3", (-1.0, 0.0, 1.0)),
        ("1/3:1:3", (1 / 3, 2 / 3, 1.0)),
        ("5:9:1", (5.0,)),
        (" 1 : 2 : 2 ", (1.0, 2.0)),
        ("1e-3:3e-3:3", (0.001, 0.002, 0.003)),
        ("log:0.001:1:4", (0.001, 0.01, 0.1, 1.0)),
        ("log:1:1024:11", tuple(2.0**n for n in range(11))),
        ("0.1,0.2,0.5", (0.1, 0.2, 0.5)),
        ("1/4, 2", (0.25, 2.0)),
        ("0.5", (0.5,)),
        ("relu,tanh", ("relu", "tanh")),
        ("auto,0.1", ("auto", 0.1)),
        ("[1, 2],[3, 4]", ([1, 2], [3, 4])),
        ("relu,{leaky_relu: {slope: 0.1}}", ("relu", {"leaky_relu": {"slope": 0.1}})),
        ("true,false", (True, False)),
    ],
)
def test_values(text: str, values: tuple[object, ...]) -> None:
    assert parse_variation(f"key={text}").values == values


def test_the_key_is_spelled_as_everywhere() -> None:
    assert parse_variation("filter[0][1]=1,2").key == "filter[0,1]"
    assert parse_variation(" optimizer.sgd.momentum =0,0.9").path == ("optimizer", "sgd", "momentum")


@pytest.mark.parametrize(
    ("values", "numeric", "ordered"),
    [((1.0, 2.0), True, True), ((2.0, 1.0), True, True), ((1.0,), True, False), ((1.0, 1.0), True, False),
     ((1.0, 3.0, 2.0), True, False), (("relu", 1.0), False, False), ((True, False), False, False)],
)  # fmt: skip
def test_numbers_in_their_order(values: tuple[object, ...], numeric: bool, ordered: bool) -> None:
    variation = parse_variation("key=1,2")._replace(values=values)
    assert (variation.numeric, variation.ordered) == (numeric, ordered)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("learning_rate", "expected a key and its values"),
        ("=1,2", "expected a key and its values"),
        ("a b=1", "expected a key and its values"),
        ("bias=1:2", "expected start:stop:count"),
        ("bias=1:2:3:4", "expected start:stop:count"),
        ("bias=log:1", "expected start:stop:count"),
        ("bias=1:2:0", "expected a count from 1 to 100000, found 0"),
        ("bias=1:2:x", "expected a count from 1 to 100000, found x"),
        ("bias=1:2:", "expected a count from 1 to 100000, found nothing"),
        ("bias=1:2:100001", "expected a count from 1 to 100000"),
        ("bias=a:2:3", 'expected a number, found text "a"'),
        ("bias=1:1/0:3", "denominator is 0"),
        ("bias=1:1e999:3", "expected a number"),
        ("bias=log:0:1:3", "a start and a stop above 0"),
        ("bias=log:1:-1:3", "a start and a stop above 0"),
        ("bias=1,,2", "a value is missing"),
        ("bias=", "a value is missing"),
    ],
)
def test_complaints(setting: str, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_variation(setting)
    text = str(raised.value)
    assert text.startswith(f"--vary {setting}: ")
    assert complaint in text
    assert "\n" not in text


def test_logarithmic_values_are_evenly_spread() -> None:
    values = np.array(parse_variation("learning_rate=log:0.003:7:50").values)
    assert (values[0], values[-1]) == (0.003, 7.0)
    np.testing.assert_allclose(np.diff(np.log(values)), np.log(7 / 0.003) / 49, rtol=1e-11)
