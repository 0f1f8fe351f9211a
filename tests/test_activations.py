"""Activations: values by hand, slopes by finite differences, and what they claim of themselves by sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_problems import ACTIVATION_CHOICES, SEEDS
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from convstep.activations import ACTIVATIONS, BRANCHES_PAY, make_activation
from convstep.choices import Choice

STEP = 1e-5
KINKED = ("relu", "leaky_relu", "elu")


@np.errstate(over="ignore")
def value(choice: Choice, z: object, slope_at_zero: float | None = None) -> np.ndarray:
    z = np.asarray(z, dtype=np.float64)
    out = np.full(z.shape, np.nan)
    make_activation(choice, slope_at_zero).value(z, out)
    return out


@np.errstate(over="ignore")
def slope(choice: Choice, z: object, slope_at_zero: float | None = None) -> np.ndarray:
    z = np.asarray(z, dtype=np.float64)
    out = np.full(z.shape, np.nan)
    make_activation(choice, slope_at_zero).slope(z, value(choice, z, slope_at_zero), out)
    return out


LN2 = math.log(2.0)
BY_HAND = [
    (Choice("relu"), [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
    (Choice("linear"), [-2, 0, 3], [-2, 0, 3], [1, 1, 1]),
    (Choice("leaky_relu"), [-2, 0, 3], [-0.02, 0, 3], [0.01, 0.01, 1]),
    (Choice("leaky_relu", {"slope": -0.5}), [-2, 0, 3], [1, 0, 3], [-0.5, -0.5, 1]),
    (Choice("elu"), [-LN2, 0, 3], [-0.5, 0, 3], [0.5, 1, 1]),
    (Choice("elu", {"alpha": 3.0}), [-LN2, 0, 3], [-1.5, 0, 3], [1.5, 3, 1]),
    (Choice("sigmoid"), [-LN2, 0, LN2], [1 / 3, 0.5, 2 / 3], [2 / 9, 0.25, 2 / 9]),
    (Choice("tanh"), [-LN2, 0, LN2], [-0.6, 0, 0.6], [0.64, 1, 0.64]),
    (Choice("softplus"), [-LN2, 0, LN2], [math.log(1.5), LN2, math.log(3)], [1 / 3, 0.5, 2 / 3]),
    (Choice("softplus", {"beta": 2.0}), [0, LN2 / 2], [LN2 / 2, math.log(3) / 2], [0.5, 2 / 3]),
    (Choice("silu"), [-LN2, 0, LN2], [-LN2 / 3, 0, LN2 * 2 / 3], [1 / 3 - LN2 * 2 / 9, 0.5, 2 / 3 + LN2 * 2 / 9]),
    # Φ(1) = 0.8413447460685429…, φ(1) = 0.2419707245191434…
    (Choice("gelu"), [0, 1, -1], [0, 0.8413447460685429, -0.15865525393145707], [0.5, 1.0833154705876864, None]),
    # PyTorch's documentation of the approximation: 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
    (Choice("gelu", {"approximate": "tanh"}), [0, 1, -1], [0, 0.8411919906082768, -0.15880800939172324], [0.5, None]),
]


@pytest.mark.parametrize(("choice", "z", "values", "slopes"), BY_HAND, ids=lambda x: str(getattr(x, "spelled", "")))
def test_by_hand(choice: Choice, z: list[float], values: list[float], slopes: list[float | None]) -> None:
    np.testing.assert_allclose(value(choice, z), values, rtol=1e-14, atol=1e-15)
    for found, expected in zip(slope(choice, z), slopes, strict=False):
        assert expected is None or found == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("at_zero", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_slope_at_zero_is_for_zero_alone(name: str, at_zero: float) -> None:
    found = slope(Choice(name), [-1e-300, -0.0, 0.0, 1e-300], at_zero)
    leak = 0.01 if name == "leaky_relu" else 0.0
    assert found.tolist() == [leak, at_zero, at_zero, 1.0]
    assert value(Choice(name), [-1.0, 0.0, 1.0], at_zero).tolist() == [-leak, 0.0, 1.0]


def test_which_take_a_slope_at_zero() -> None:
    assert [name for name, kind in ACTIVATIONS.items() if kind.takes_slope_at_zero] == ["relu", "leaky_relu"]
    assert make_activation(Choice("leaky_relu", {"slope": 0.3})).slope_at_zero == 0.3
    assert make_activation(Choice("relu")).slope_at_zero == 0.0


@examples(200)
@given(ACTIVATION_CHOICES, SEEDS)
def test_slope_is_the_derivative(choice: Choice, seed: int) -> None:
    z = np.random.default_rng(seed).uniform(-8.0, 8.0, size=30)
    if choice.name in KINKED:
        z = z[np.abs(z) > 10 * STEP]
    if choice.name == "softplus":
        z = z[np.abs(z * choice.parameters["beta"] - 20.0) > 0.01]
    numeric = (value(choice, z + STEP) - value(choice, z - STEP)) / (2 * STEP)
    np.testing.assert_allclose(slope(choice, z), numeric, rtol=1e-7, atol=1e-8)


DENSE = np.concatenate([np.linspace(-40.0, 40.0, 320_001), [-0.0, 0.0]])


@examples(60)
@given(ACTIVATION_CHOICES, st.sampled_from([None, 0.0, 1.0]))
def test_largest_slope(choice: Choice, at_zero: float | None) -> None:
    at_zero = at_zero if choice.name in ("relu", "leaky_relu") else None
    claimed = make_activation(choice, at_zero).largest_slope
    sampled = float(np.abs(slope(choice, [*DENSE[::8], DENSE[0] * 10, DENSE[-3] * 10, 0.0], at_zero)).max())
    assert sampled <= claimed * (1 + 1e-15)
    assert sampled >= claimed * (1 - 1e-5)


@pytest.mark.parametrize(
    "choice", [Choice("silu"), Choice("gelu"), Choice("gelu", {"approximate": "tanh"})], ids=lambda c: str(c.spelled)
)
def test_constants_to_the_last_digits(choice: Choice) -> None:
    """Largest slope and least value were worked out once: near them, a fine sample comes within 1e-14."""
    activation = make_activation(choice)
    peak = DENSE[np.argmax(slope(choice, DENSE))]
    steepest = slope(choice, np.linspace(peak - 1e-3, peak + 1e-3, 20_001)).max()
    assert steepest == pytest.approx(activation.largest_slope, rel=1e-13)
    bottom = DENSE[np.argmin(value(choice, DENSE))]
    least = value(choice, np.linspace(bottom - 1e-3, bottom + 1e-3, 20_001)).min()
    below, above = least - 1e-12, least + 1e-12
    assert activation.reaches(np.array([below, above])).tolist() == [False, True]
    assert activation.reaches(np.array([activation.bounds[0]])).all()


@examples(60)
@given(ACTIVATION_CHOICES)
def test_reaches_what_is_produced(choice: Choice) -> None:
    activation = make_activation(choice)
    z = DENSE[np.abs(DENSE) < 15.0][::8]  # beyond, sigmoid and tanh round to their limits
    assert activation.reaches(value(choice, z)).all()


@pytest.mark.parametrize(
    ("choice", "reached", "beyond"),
    [
        (Choice("relu"), [0.0, 1e9], [-1e-300, -1.0]),
        (Choice("linear"), [-1e9, 0.0, 1e9], []),
        (Choice("leaky_relu"), [-1e9, 0.0, 1e9], []),
        (Choice("leaky_relu", {"slope": 0.0}), [0.0, 1.0], [-1.0]),
        (Choice("leaky_relu", {"slope": -0.1}), [0.0, 1.0], [-1.0]),
        (Choice("elu", {"alpha": 2.0}), [-1.999, 0.0, 5.0], [-2.0, -3.0]),
        (Choice("elu", {"alpha": 0.0}), [0.0, 5.0], [-0.1]),
        (Choice("elu", {"alpha": -1.0}), [0.0, 0.5, 5.0], [-0.1]),
        (Choice("sigmoid"), [0.001, 0.999], [0.0, 1.0, -1.0, 2.0]),
        (Choice("tanh"), [-0.999, 0.0, 0.999], [-1.0, 1.0, 2.0]),
        (Choice("softplus"), [1e-300, 5.0], [0.0, -1.0]),
        (Choice("silu"), [-0.278, 0.0, 5.0], [-0.279]),
        (Choice("gelu"), [-0.1699, 0.0, 5.0], [-0.1701]),
        (Choice("gelu", {"approximate": "tanh"}), [-0.17, 0.0, 5.0], [-0.1701]),
    ],
    ids=lambda x: str(getattr(x, "spelled", "")),
)
def test_reaches(choice: Choice, reached: list[float], beyond: list[float]) -> None:
    activation = make_activation(choice)
    assert activation.reaches(np.array(reached)).all()
    assert not activation.reaches(np.array(beyond)).any()
    assert activation.reaches(np.array(reached)).dtype == bool


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_numbers_give_no_nan(name: str) -> None:
    z = np.array([-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
    assert np.isfinite(value(Choice(name), z)).all()
    assert np.isfinite(slope(Choice(name), z)).all()


PAPER = str.maketrans({"·": "*", "−": "-", "²": "**2", "σ": "sigmoid", "Φ": "share", "φ": "density"})
FUNCTIONS = {
    "exp": math.exp,
    "tanh": math.tanh,
    "ln": math.log,
    "max": max,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "share": lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))),
    "density": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
}


@examples(150)
@given(ACTIVATION_CHOICES, st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 30.0]), st.floats(-25.0, 25.0)))
def test_the_formulas_on_paper_give_the_numbers(choice: Choice, z: float) -> None:
    activation = make_activation(choice)
    a, f_slope = float(value(choice, z)), float(slope(choice, z))
    letters = FUNCTIONS | activation.letters(z, a)
    for piece, number in ((activation.piece_at(z), a), (activation.slope_piece_at(z), f_slope)):
        found = eval(piece.formula.translate(PAPER), {}, letters)  # what is evaluated is our own
        assert found == pytest.approx(number, rel=1e-8, abs=1e-12), piece


@examples(60)
@given(ACTIVATION_CHOICES)
def test_bounds_are_the_infimum_and_the_supremum(choice: Choice) -> None:
    low, high = make_activation(choice).bounds
    found = value(choice, np.concatenate([DENSE, [-1e6, 1e6]]))
    assert low - 1e-12 <= found.min() <= (low + 1e-7 if low > -math.inf else -1000)
    assert (high - 1e-7 if high < math.inf else 9e5) <= found.max() <= high


@examples(100)
@given(ACTIVATION_CHOICES)
def test_inverse_leads_back(choice: Choice) -> None:
    activation = make_activation(choice)
    z = np.array([-7.5, -2.0, -0.5, -1e-6, 0.0, 1e-6, 0.5, 1.0, 2.0, 7.5, 11.0])
    if choice.name == "softplus":
        z = np.append(z, [25.0 / choice.parameters["beta"], 40.0 / choice.parameters["beta"]])
    found = activation.inverse(value(choice, z))
    one_to_one = choice.name in ("linear", "sigmoid", "tanh", "softplus") or (
        choice.name in ("leaky_relu", "elu") and next(iter(choice.parameters.values())) > 0
    )
    assert (found is not None) == one_to_one
    if found is not None:
        np.testing.assert_allclose(found, z, rtol=3e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["elu", "sigmoid", "tanh", "softplus"])
def test_inverse_of_what_is_never_reached_is_not_finite(name: str) -> None:
    found = make_activation(Choice(name)).inverse(np.array([-1.0, -2.0]))
    assert found is not None
    assert not np.isfinite(found).any()


def test_what_is_flat_below_0_has_no_inverse() -> None:
    leaky = make_activation(Choice("leaky_relu", {"slope": 0.0}))
    assert leaky.bounds == (0.0, math.inf)
    assert leaky.inverse(np.ones(1)) is None
    assert make_activation(Choice("elu", {"alpha": 0.0})).inverse(np.ones(1)) is None


def test_softplus_is_straight_above_20_but_not_at_20() -> None:
    softplus = Choice("softplus")
    assert value(softplus, [20.0, 20.5]).tolist() == [pytest.approx(math.log1p(math.exp(20.0)), rel=1e-15), 20.5]
    assert slope(softplus, [20.0, 20.5]).tolist() == [pytest.approx(1 / (1 + math.exp(-20.0)), rel=1e-15), 1.0]
    back = make_activation(softplus).inverse(np.array([20.0]))
    assert value(softplus, back).item() == pytest.approx(20.0, rel=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_piece_holds_somewhere_and_no_two_at_once(name: str) -> None:
    activation = make_activation(Choice(name))
    for pieces in (activation.pieces, activation.slope_pieces):
        holding = [[piece.holds(z) for piece in pieces] for z in (-30.0, -1e-9, 0.0, 1e-9, 20.0, 20.5, 30.0)]
        assert all(sum(each) == 1 for each in holding)
        assert all(any(each) for each in zip(*holding, strict=True))


@pytest.mark.parametrize(("word", "formula"), [("none", "z·Φ(z)"), ("tanh", "0.5·z·(1 + t)")])
def test_gelu_says_which_it_is(word: str, formula: str) -> None:
    assert make_activation(Choice("gelu", {"approximate": word})).piece_at(1.0).formula == formula


def test_defaults_are_filled_in() -> None:
    assert make_activation(Choice("leaky_relu")).choice.spelled == {"leaky_relu": {"slope": 0.01}}
    assert make_activation(Choice("elu")).choice.spelled == {"elu": {"alpha": 1.0}}
    assert make_activation(Choice("softplus")).choice.spelled == {"softplus": {"beta": 1.0}}
    assert make_activation(Choice("gelu")).choice.spelled == {"gelu": {"approximate": "none"}}


@pytest.mark.parametrize("slope_at_zero", [0.0, 0.25, 1.0])
def test_relu_has_the_same_slopes_for_few_numbers_and_for_many(slope_at_zero: float) -> None:
    few = np.array([-1.0, -1e-320, -0.0, 0.0, 1e-320, 2.0, np.inf, -np.inf, np.nan])
    many = np.tile(few, BRANCHES_PAY)
    relu = make_activation(Choice("relu"), slope_at_zero)
    expected, slope = np.empty(few.shape), np.empty(many.shape)
    relu.slope(few, few, expected)
    relu.slope(many, many, slope)
    at_zero = slope_at_zero
    assert np.array_equal(expected, [0.0, 0.0, at_zero, at_zero, 1.0, 1.0, 1.0, 0.0, np.nan], equal_nan=True)
    assert np.array_equal(slope, np.tile(expected, BRANCHES_PAY), equal_nan=True)
    assert not np.signbit(slope[~np.isnan(slope)]).any()
