"""Attempts of learners who made known mistakes, or none, or who wrote anything: all drawn, the same ones every time."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from planted_layer import NAMES, READINGS, SIGNS, Layer, Rounding, calculate
from planted_problems import drawn_numbers, drawn_problem

TRIES = 4000
"""How many problems are drawn for one mistake before it is called impossible."""
SEEN = 3.0
"""A mistake is visible where it moves a number by so many times what rounding alone could have moved it by."""

ALL_SIGNS: tuple[tuple[str, ...], ...] = ((), *((sign,) for sign in SIGNS), SIGNS)
"""Every choice of conventions."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "pre_activation": (
        *("filter-rotated", "filter-transposed", "channels-not-summed", "bias-forgotten", "bias-repeated"),
        *("padding-wrong", "stride-ignored", "dilation-ignored"),
    ),
    "output": ("activation-forgotten",),
    "error": (
        *("error-before-activation", "error-squared", "error-absolute", "target-not-activated", "target-activated"),
    ),
    "output_gradient": ("factor-two", "mean-for-sum", "sum-for-mean", "mean-twice"),
    "delta": (
        *("slope-forgotten", "activation-for-slope", "value-for-slope", "slope-of-output", "slope-shortcut"),
        *("upstream-forgotten", "slope-of-error", "slope-of-target", "slope-at-zero", "slope-inverted"),
    ),
    "filter_gradient": (
        *("gradient-rotated", "gradient-transposed", "gradient-full", "gradient-same-everywhere"),
        *("gradient-accumulated", "gradient-averaged", "gradient-from-error", "gradient-from-output"),
        *("gradient-from-filter", "gradient-one-position", "gradient-stride-ignored"),
    ),
    "bias_gradient": ("bias-gradient-mean",),
    "new_bias": ("bias-gradient-forgotten",),
    "input_gradient": (
        *("input-gradient-unrotated", "input-gradient-valid", "input-gradient-new-filter"),
        *("input-gradient-from-error", "remainder-lost"),
    ),
    "new_filter": (
        *("ascent", "rate-forgotten", "rate-twice", "rate-divides", "gradient-replaces", "update-from-start"),
        *("momentum-forgotten", "momentum-stale", "decay-forgotten"),
        *("adam-bias-correction", "adam-power", "adam-epsilon"),
    ),
}
"""The quantity in which each mistake is made."""
PLACE = {id_: place for place, ids in PLACES.items() for id_ in ids}

GROUPS: tuple[frozenset[str], ...] = tuple(
    frozenset(group)
    for group in (
        ("filter-rotated", "filter-transposed"),
        ("bias-forgotten", "bias-repeated"),
        ("padding-wrong", "stride-ignored", "dilation-ignored"),
        PLACES["error"],
        (*PLACES["output_gradient"], "error-squared", "error-absolute"),
        ("activation-forgotten", "error-before-activation"),
        PLACES["delta"],
        (*PLACES["delta"], "gradient-from-error", "input-gradient-from-error"),
        (
            *("gradient-from-error", "gradient-from-output", "gradient-from-filter", "gradient-same-everywhere"),
            *("gradient-full", "gradient-one-position", "gradient-stride-ignored"),
        ),
        ("gradient-same-everywhere", "gradient-rotated", "gradient-transposed"),
        ("slope-inverted", "gradient-transposed"),
        PLACES["input_gradient"],
        ("rate-forgotten", "rate-twice", "rate-divides"),
        ("gradient-replaces", "update-from-start"),
        ("momentum-forgotten", "momentum-stale"),
        ("adam-bias-correction", "adam-power", "adam-epsilon"),
        ("bias-gradient-mean", "bias-gradient-forgotten"),
    )
)
"""Nobody makes two mistakes of one group."""

SELDOM = {
    ("activation-for-slope", "error"),
    ("slope-of-error", "derivative"),
    ("slope-of-target", "derivative"),
    ("slope-inverted", "zero-at-zero"),
    ("gradient-averaged", "outputs"),
    ("gradient-averaged", "map"),
    ("gradient-averaged", "positions-both"),
    ("gradient-averaged", "outputs-both"),
    ("gradient-averaged", "map-both"),
    ("gradient-one-position", "last"),
    *(("gradient-one-position", f"at {place}") for place in range(1, 25)),
    ("bias-gradient-forgotten", "zero"),
    ("adam-bias-correction", "first"),
    ("adam-bias-correction", "second"),
    ("adam-epsilon", "before-correction"),
}
"""Readings that are good enough to verify what was told, and too far-fetched to be planted."""


class Hand(NamedTuple):
    """How a learner writes numbers.

    Attributes:
        decimals: How many, most of the time.
        steps: Whether each number is rounded before the next is computed from it, and not only in the end.
        cut: Whether further digits are cut off instead of rounded.
        mixed: Whether some quantities are written with a decimal or two more.
        as_text: Whether zeros at the end are kept: "0.50".
    """

    decimals: int
    steps: bool = False
    cut: bool = False
    mixed: bool = False
    as_text: bool = True

    @property
    def rounding(self) -> Rounding | None:
        """What is done to each number before the next is computed from it."""
        if not self.steps:
            return None
        return (lambda x: shortened(x, self.decimals)) if self.cut else (lambda x: np.round(x, self.decimals))


def shortened(x: np.ndarray, decimals: int) -> np.ndarray:
    """Further digits cut off; what a float lacks to a whole last digit is not one digit."""
    return np.trunc(np.round(x * 10.0**decimals, 6)) / 10.0**decimals


class Planted(NamedTuple):
    """An attempt, and what was done in it.

    Attributes:
        problem: The problem file's keys.
        attempt: The attempt's keys.
        mistakes: The ids of the mistakes.
        readings: The mistakes with the way in which they were made.
        signs: The learner's conventions.
        iteration: Which iteration it is about.
        hand: How it was written.
        decimals: By quantity: how many decimals were written; ``None`` where all numbers are whole and exact.
    """

    problem: dict[str, Any]
    attempt: dict[str, Any]
    mistakes: frozenset[str]
    readings: tuple[tuple[str, str], ...]
    signs: tuple[str, ...]
    iteration: int
    hand: Hand
    decimals: dict[str, int | None]


def drawn_hand(random: np.random.Generator, decimals: int, easy: bool = False) -> Hand:
    """A way of writing numbers; an easy one is at least not rounded at every step.

    Who rounds at every step has no further digits to write, so such digits are never mixed.
    """
    steps = not easy and random.random() < 0.4
    return Hand(
        decimals,
        steps=steps,
        cut=random.random() < 0.3,
        mixed=not steps and random.random() < 0.3,
        as_text=random.random() < 0.7,
    )


def is_whole(value: Any) -> bool:
    """Whether all numbers are whole but for what floats make of them."""
    numbers = np.asarray(value, float)
    return bool((np.abs(numbers - np.round(numbers)) < 1e-9).all())


def written(value: Any, decimals: int | None, hand: Hand) -> Any:
    """Nested lists of numbers as the learner writes them; whole ones as integers where there are no decimals."""
    if isinstance(value, list):
        return [written(each, decimals, hand) for each in value]
    if decimals is None:
        return round(value)
    if hand.cut:
        value = float(shortened(np.array(value), decimals))
    text = f"{value:.{decimals}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return text if hand.as_text else float(text)


def write(
    random: np.random.Generator,
    numbers: Mapping[str, Any],
    exact: Mapping[str, Any],
    kept: Iterable[str],
    hand: Hand,
    iteration: int,
) -> tuple[dict[str, Any], dict[str, int | None]]:
    """The attempt's keys, and the decimals of each quantity in it.

    A number without a point claims to be exact: only what is whole before any rounding is written so.
    """
    attempt: dict[str, Any] = {} if iteration == 1 and random.random() < 0.5 else {"iteration": iteration}
    decimals: dict[str, int | None] = {}
    for name in kept:
        more = int(random.integers(3)) if hand.mixed else 0
        whole = is_whole(numbers[name]) and is_whole(exact[name])
        decimals[name] = None if whole and random.random() < 0.7 else hand.decimals + more
        attempt[name] = written(numbers[name], decimals[name], hand)
    return attempt, decimals


def drawn_signs(random: np.random.Generator, problem: Mapping[str, Any]) -> tuple[str, ...]:
    """The learner's conventions; e = t − a only where there is a t."""
    chance = random.random()
    if chance < 0.25 and "target" in problem:
        return ("error-sign",)
    return ("gradient-sign",) if chance > 0.88 else ()


def drawn_readings(random: np.random.Generator, ids: Iterable[str], layer: Layer) -> tuple[tuple[str, str], ...] | None:
    """For each mistake a way of making it that is possible in this problem; ``None`` where there is none."""
    found = []
    for id_ in ids:
        possible = [r for r in READINGS[id_] if (id_, r) not in SELDOM and is_possible(id_, r, layer)]
        if not possible:
            return None
        found.append((id_, possible[random.integers(len(possible))]))
    return tuple(found)


def is_possible(id_: str, reading: str, layer: Layer) -> bool:
    """Whether somebody could make this mistake in this way here, whatever numbers come out."""
    strides, dilations = max(layer.spacing.stride) > 1, max(layer.spacing.dilation) > 1
    if id_ == "gradient-stride-ignored":
        return {
            "stride": strides and not dilations,
            "valid": strides and not dilations,
            "dilation": dilations and not strides,
            "both": strides and dilations,
        }[reading]
    if reading == "squares":
        loss = {"mean-for-sum": "half_squared_error", "sum-for-mean": "mean_squared_error"}[id_]
        return layer.loss.name == loss and np.prod(layer.output_shape) != 2
    if id_ == "gradient-rotated" and reading == "delta":
        return not layer.convolution
    if id_ == "gradient-one-position" and " " in reading:
        return int(reading.rpartition(" ")[2]) < layer.output_shape[2] * layer.output_shape[3]
    if id_ == "gradient-same-everywhere":  # of one number alone, nobody says that it is everywhere
        return layer.w[0].size > 1 and (layer.target is not None or not reading.startswith("error"))
    return True


def visible_names(numbers: Mapping[str, Any], other: Mapping[str, Any], doubt: Mapping[str, Any]) -> set[str]:
    """The quantities in which one sheet differs from another by more than any rounding could do."""
    found = set()
    for name in numbers.keys() & other.keys() & doubt.keys():
        a, b = np.asarray(numbers[name], float), np.asarray(other[name], float)
        if a.shape != b.shape:
            found.add(name)
            continue
        least = np.asarray(doubt[name]) if np.shape(doubt[name]) == a.shape else np.max(doubt[name])
        if (np.abs(a - b) > SEEN * least).any():
            found.add(name)
    return found


def doubts(problem: Layer, iteration: int, decimals: int) -> dict[str, Any]:
    """By how much rounding alone, in the end or at every step, may move each number of the right sheet."""
    exact, unit = calculate(problem, iteration=iteration), 10.0**-decimals
    found = {name: np.full(np.shape(value), unit) for name, value in exact.items()}
    for cut in (False, True):
        rounding = Hand(decimals, steps=True, cut=cut).rounding
        for name, value in calculate(problem, iteration=iteration, rounding=rounding).items():
            found[name] = np.maximum(found[name], np.abs(np.subtract(value, exact[name])) + unit)
    return found


def keepable(numbers: Mapping[str, Any], readings: Collection[tuple[str, str]], signs: Collection[str]) -> list[str]:
    """What a learner would write down: not the filter once more, nor numbers whose sign or meaning is anybody's."""
    out = {"filter", "bias"}
    if signs:  # whether the optimizer's state flips along is not settled by the catalogue
        out |= {name for name in NAMES if name.endswith("_momentum")}
    if {("error-squared", "error"), ("error-absolute", "error")} & set(readings):
        out.add("loss")
    return [name for name in numbers if name not in out]


def drawn_subset(random: np.random.Generator, names: list[str], always: Collection[str]) -> list[str]:
    """Some of the names, a few or nearly all of them."""
    share = random.choice([0.3, 0.5, 0.8, 1.0])
    return [name for name in names if name in always or random.random() < share]


def planted(random: np.random.Generator, ids: tuple[str, ...], decimals: int, tries: int = TRIES) -> Planted:
    """An attempt with the mistakes made in it, and visible in what was kept.

    Raises:
        LookupError: In so many tries, no problem was found in which they are.
    """
    for _ in range(tries):
        drawn = drawn_problem(random, ids)
        found = None if drawn is None else _planted(random, *drawn, ids, decimals)
        if found is not None:
            return found
    raise LookupError(f"no problem in which {' and '.join(ids)} can be seen")


def _planted(
    random: np.random.Generator, problem: dict[str, Any], iteration: int, ids: tuple[str, ...], decimals: int
) -> Planted | None:
    readings, signs = drawn_readings(random, ids, Layer(problem)), drawn_signs(random, problem)
    if readings is None:
        return None
    hand = drawn_hand(random, decimals)
    exact = calculate(problem, readings, iteration, signs)
    if not all(np.isfinite(value).all() for value in exact.values()) or not _sizes_tell(exact, readings, problem):
        return None
    if {"gradient-from-error", "input-gradient-from-error"} & set(ids):
        always = {"delta"}
    else:
        always = {PLACE[id_] for id_ in ids if random.random() < 0.8} if len(ids) > 1 else set()
    kept = drawn_subset(random, keepable(exact, readings, signs), always)
    if not always <= {*kept} or not _all_visible(problem, iteration, readings, exact, kept, decimals):
        return None
    numbers = calculate(problem, readings, iteration, signs, hand.rounding) if hand.steps else exact
    attempt, digits = write(random, numbers, exact, kept, hand, iteration)
    found = Planted(problem, attempt, frozenset(ids), readings, signs, iteration, hand, digits)
    coarsest = coarsest_digits(found)
    if coarsest < decimals and not _all_visible(problem, iteration, readings, exact, kept, coarsest):
        return None
    return None if _is_washed_out(found) else found


def _sizes_tell(exact: Mapping[str, Any], readings: Collection[tuple[str, str]], problem: Mapping[str, Any]) -> bool:
    """A wrong padding shows in the size: where it does not, what the learner pads with later is not settled."""
    if "padding-wrong" not in dict(readings):
        return True
    right = calculate(problem)["pre_activation"]
    return "pre_activation" in exact and np.shape(exact["pre_activation"]) != np.shape(right)


def _all_visible(
    problem: dict[str, Any],
    iteration: int,
    readings: tuple[tuple[str, str], ...],
    exact: Mapping[str, Any],
    kept: list[str],
    decimals: int,
) -> bool:
    """Whether each mistake shows in what was kept, whatever conventions one assumes; zeros alone show nothing."""
    layer = Layer(problem)
    doubt = doubts(layer, iteration, decimals)
    told = {name: value for name, value in exact.items() if name in kept}
    if not told:
        return False
    for fewer in itertools.chain.from_iterable(itertools.combinations(readings, n) for n in range(len(readings))):
        for signs in ALL_SIGNS:
            other = calculate(layer, fewer, iteration, signs)
            shows = visible_names(told, other, doubt)
            if not any(np.any(told[name]) for name in shows):
                return False
    return True


def shown_digits(value: Any) -> int:
    """The most decimals that any of the numbers shows, as they stand there: a float has lost its zeros at the end."""
    if isinstance(value, list):
        return max(map(shown_digits, value))
    return len((value if isinstance(value, str) else f"{value!r}").partition(".")[2])


def coarsest_digits(attempt: Planted) -> int:
    """The decimals of the quantity that shows the fewest; whoever reads it may allow so much rounding everywhere."""
    shown = [shown_digits(attempt.attempt[name]) for name, digits in attempt.decimals.items() if digits is not None]
    return min(shown, default=attempt.hand.decimals)


def _is_washed_out(attempt: Planted) -> bool:
    """Whether rounding has wiped out what a mistake did: with fewer mistakes the same could have been written."""
    layer = Layer(attempt.problem)
    return any(
        _is_written(attempt, layer, fewer)
        for n in range(len(attempt.readings))
        for fewer in itertools.combinations(attempt.readings, n)
    )


def agrees(attempt: Planted, numbers: Mapping[str, Any]) -> bool:
    """Whether these numbers are, but for rounding, those that the learner wrote down."""
    for name, decimals in attempt.decimals.items():
        if name not in numbers or np.shape(numbers[name]) != np.shape(attempt.attempt[name]):
            return False
        given = np.asarray(attempt.attempt[name], float)
        unit = 0.0 if decimals is None else 10.0**-decimals
        allowed = 2.0 * unit + 1e-7 * max(1.0, float(np.abs(given).max()))
        if (np.abs(np.asarray(numbers[name]) - given) > allowed).any():
            return False
    return True


def _is_written(
    attempt: Planted,
    layer: Layer,
    readings: Collection[tuple[str, str]],
    conventions: Iterable[tuple[str, ...]] = ALL_SIGNS,
) -> bool:
    """Whether these mistakes give the numbers: exactly, from the learner's own on, or with rounding at every step."""
    given = {name: attempt.attempt[name] for name in attempt.decimals}
    roundings = [Hand(attempt.hand.decimals, steps=True, cut=cut).rounding for cut in (False, True)]
    worlds = [(None, None), (None, given), *((rounding, None) for rounding in roundings)]
    return any(
        agrees(attempt, calculate(layer, readings, attempt.iteration, signs, *world))
        for signs in conventions
        for world in worlds
    )


def is_reproduced(attempt: Planted, ids: Collection[str], conventions: Collection[tuple[str, ...]] = ALL_SIGNS) -> bool:
    """Whether a set of mistakes, in any reading and one of the conventions, gives the numbers that were written."""
    layer = Layer(attempt.problem)
    choices = [[(id_, r) for r in READINGS.get(id_, ()) if is_possible(id_, r, layer)] for id_ in ids]
    return any(_is_written(attempt, layer, readings, conventions) for readings in itertools.product(*choices))


def right(random: np.random.Generator, decimals: int) -> Planted:
    """An attempt without a mistake, in any convention, written in any way."""
    while (drawn := drawn_problem(random)) is None:
        pass
    problem, iteration = drawn
    signs, hand = drawn_signs(random, problem), drawn_hand(random, decimals)
    exact = calculate(problem, (), iteration, signs)
    numbers = calculate(problem, (), iteration, signs, hand.rounding)
    kept = drawn_subset(random, keepable(numbers, (), signs), ())
    attempt, digits = write(random, numbers, exact, kept or ["output"], hand, iteration)
    return Planted(problem, attempt, frozenset(), (), signs, iteration, hand, digits)


GARBAGE = ("random", "random-after-right", "shuffled", "of-another-problem")
LEAST_CELLS = 6
"""So many cells must be garbage: fewer numbers fit something easily."""


def garbage(random: np.random.Generator, kind: str, decimals: int) -> Planted:
    """Numbers of the right shapes that no method made.

    Args:
        random: Where chance comes from.
        kind: One of `GARBAGE`: every quantity random; one random and those before it right; the right numbers of one
            quantity in another order; the numbers of a problem with other data.
        decimals: How they are written.
    """
    for _ in range(TRIES):
        drawn = drawn_problem(random)
        found = None if drawn is None else _garbage(random, *drawn, kind, decimals)
        if found is not None:
            return found
    raise LookupError(f"no problem for garbage that is {kind}")


def _garbage(
    random: np.random.Generator, problem: dict[str, Any], iteration: int, kind: str, decimals: int
) -> Planted | None:
    right_ones = calculate(problem, (), iteration)
    large = [name for name in keepable(right_ones, (), ()) if np.size(right_ones[name]) >= LEAST_CELLS]
    if not large:
        return None
    hand, last = drawn_hand(random, decimals, easy=True), str(random.choice(large))
    before = [name for name in keepable(right_ones, (), ()) if NAMES.index(name) < NAMES.index(last)]
    kept = [*drawn_subset(random, before, ()), last]
    numbers: Mapping[str, Any] | None
    if kind == "of-another-problem":
        numbers = _of_another(random, problem, iteration)
    else:
        wrong = kept if kind == "random" else [last]
        make = shuffled if kind == "shuffled" else random_like
        numbers = {**right_ones, **{name: make(random, right_ones[name]) for name in wrong}}
    if numbers is None or not _is_garbage(numbers[last], right_ones[last]):
        return None
    attempt, digits = write(random, numbers, numbers, kept, hand, iteration)
    return Planted(problem, attempt, frozenset(), (), (), iteration, hand, digits)


def _of_another(random: np.random.Generator, problem: dict[str, Any], iteration: int) -> dict[str, Any] | None:
    data = {
        key: drawn_numbers(random, np.shape(problem[key]), is_whole(problem[key]))
        for key in ("input", "filter", "target", "output_gradient")
        if key in problem
    }
    numbers = calculate(problem | data, (), iteration)
    return numbers if all(np.isfinite(value).all() for value in numbers.values()) else None


def _is_garbage(given: Any, expected: Any) -> bool:
    """Whether most cells are wrong, in no order that has a name, up to a sign or a factor."""
    x, y = np.asarray(given, float), np.asarray(expected, float)
    if x.ndim < 2 or np.ptp(x) == 0 or np.abs(x).max() < 0.5:
        return False
    if (np.abs(np.abs(x) - np.abs(y)) > 0.05).mean() <= 0.6 or (np.abs(x - y) > 0.05).sum() <= 3:
        return False
    orders = [y, y[..., ::-1, ::-1], y[..., ::-1], y[..., ::-1, :], y.swapaxes(-1, -2)]
    return not any(order.shape == x.shape and _is_multiple(x, order) for order in orders)


def _is_multiple(x: np.ndarray, y: np.ndarray) -> bool:
    scale = float((x * y).sum() / max((y * y).sum(), 1e-12))
    return bool(np.abs(x - scale * y).max() < 0.05 * np.abs(x).max())


def random_like(random: np.random.Generator, value: Any) -> Any:
    """Random numbers of the same shape and size; whole ones where those are whole."""
    most = float(max(2.0, np.ceil(np.abs(value).max())))
    if is_whole(value):
        return random.integers(-int(most), int(most) + 1, np.shape(value)).astype(float).tolist()
    return random.uniform(-most, most, np.shape(value)).tolist()


def shuffled(random: np.random.Generator, value: Any) -> Any:
    """The same numbers in another order."""
    return random.permutation(np.ravel(value)).reshape(np.shape(value)).tolist()
