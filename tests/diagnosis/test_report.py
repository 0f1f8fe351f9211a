"""What is said of what a search found: statuses, mistakes, slips."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.following import Followed, follow
from convstep.diagnosis.levels import Found, Level
from convstep.diagnosis.matching import Verdict
from convstep.diagnosis.plan import plan_for, rules_of
from convstep.diagnosis.report import Reading, report
from convstep.diagnosis.result import JudgedCell
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.telling import told
from convstep.diagnosis.worlds import true_worlds
from convstep.diagnosis.written import Written, finest
from convstep.quantities import QUANTITIES

PAIR = {"input": [[1, 2, 3]], "filter": [[2, 1]], "target": [[3, 5]], "learning_rate": 0.5, "activation": "linear"}
"""z = [4, 7], e = δ = [1, 2], ∂L/∂w = [5, 8], Δw = [−2.5, −4], w′ = [−0.5, −3]."""
ONE, SLIPS = Level(1, False), Level(0, True)
GIVEN = {"error": [[1, 2]], "delta": [[1, 2]], "filter_gradient": [[5, 8]]}


def reading_of(attempt, problem=PAIR, **judged):
    """An attempt as it is judged, and otherwise where a test says so."""
    setting = setting_at(convstep.load(problem), 1)
    written = {name: Written.of(attempt[name]) for name in QUANTITIES if name in attempt}
    plan = plan_for(setting, written)
    found, values, _ = follow(setting, plan.stages, written, true_worlds(setting, plan.stages, finest(written)))
    found = {name: each._replace(**judged.get(name, {})) for name, each in found.items()}
    return Reading(setting, plan, written, found, {name: each[1:2] for name, each in values.items()})


def rule(id_, stage, way=0):
    rules = rules_of(setting_at(convstep.load(PAIR), 1))
    return next(each for each in rules if (each.id, each.stage, each.way) == (id_, stage, way))


UPSTREAM, SLOPE = rule("upstream-forgotten", "delta"), rule("slope-of-target", "delta")
FROM_ERROR, ROTATED = rule("gradient-from-error", "gradient_source"), rule("gradient-rotated", "placed_source")
AVERAGED = rule("gradient-averaged", "filter_gradient")


def by(*labels, turns=0):
    return Found([labels], 0, turns)


def shown(name, kind="shown", *, turned=False, **others):
    return Verdict(name, kind, turned, **others)


def test_right_numbers():
    found = report(reading_of(GIVEN), None, (), 2)
    assert (found.verdict, found.first_wrong, found.explanations, found.ways) == ("right", None, (), ())
    assert (found.iteration, found.looked_for) == (1, 2)
    assert report(reading_of(GIVEN), None, ()).looked_for == 3
    assert [each.name for each in found.quantities] == list(GIVEN)
    for each in found.quantities:
        assert (each.status, each.id, each.cells, each.nothing, each.by_rounding) == ("right", None, (), False, False)
        assert each.given.tolist() == each.expected.tolist() == each.follows.tolist() == GIVEN[each.name]


def test_numbers_that_nothing_explains():
    found = report(reading_of({"error": [[1, 9]], "delta": [[1, 9]], "filter_gradient": [[6, None]]}), None, ())
    assert (found.verdict, found.first_wrong, found.explanations) == ("unexplained", "error", ())
    assert [(each.status, each.id) for each in found.quantities] == [
        ("wrong", None),
        ("follows", None),
        ("wrong", None),
    ]
    assert found["error"].cells == (JudgedCell((0, 1), 9.0, 2.0),)
    assert found["filter_gradient"].cells == (JudgedCell((0, 0), 6.0, 19.0),)
    assert np.isnan(found["filter_gradient"].given[0, 1])
    assert found["filter_gradient"].expected.tolist() == [[5, 8]]
    assert found["filter_gradient"].follows.tolist() == [[19, 29]]
    assert report(reading_of({"error": [[1, 9, 5]]}), None, ())["error"].cells == ()


def test_a_number_within_its_doubt_is_not_wrong():
    reading = reading_of({"error": [[9, 9]]})
    doubt = np.array([7.5, 7.5]).reshape(reading.followed["error"].doubt.shape)
    reading = reading._replace(followed={"error": reading.followed["error"]._replace(doubt=doubt)})
    assert report(reading, None, ())["error"].cells == (JudgedCell((0, 0), 9.0, 1.0),)


def test_wrong_cells_are_told_in_the_learners_sign():
    attempt = {"error": [[-1, -7]]}
    turned = report(reading_of(attempt, error={"turned": True}), None, ())
    assert (turned["error"].status, turned["error"].id) == ("convention", "error-sign")
    assert turned["error"].follows.tolist() == [[-1, -2]]
    way = by(rule("error-squared", "error"), shown("error", turned=True))
    found = report(reading_of(attempt), ONE, [way])["error"]
    assert (found.status, found.id) == ("wrong", "error-squared")
    assert (found.follows.tolist(), found.expected.tolist()) == ([[-1, -2]], [[1, 2]])
    assert found.cells == (JudgedCell((0, 1), -7.0, -2.0),)
    straight = report(reading_of(attempt), ONE, [by(rule("error-squared", "error"), shown("error"))])["error"]
    assert (straight.follows.tolist(), len(straight.cells)) == ([[1, 2]], 2)


LATER = (FROM_ERROR, "filter_gradient")
HERE = (UPSTREAM, "delta")
SEEN = (UPSTREAM, "filter_gradient")
"""Mistakes before ∂L/∂w alone; one that δ shows; one before δ, shown by ∂L/∂w."""


@pytest.mark.parametrize(
    ("made", "kind", "follows", "turned", "true", "after_wrong", "status"),
    [
        (HERE, "shown", False, False, 0, False, "wrong"),
        (HERE, "shown", True, False, 1, False, "wrong"),
        (LATER, "shown", True, False, 1, False, "wrong"),
        (LATER, "slip", False, False, 0, False, "slip"),
        (LATER, "slip", False, False, 1, False, "slip"),
        (HERE, "slip", False, False, 0, False, "wrong"),
        (HERE, "slip", False, False, 1, False, "wrong"),
        (HERE, "follows", False, False, 0, False, "wrong"),
        (HERE, "follows", True, False, 0, False, "follows"),
        (HERE, "follows", True, False, 1, False, "right"),
        (SEEN, None, False, False, 0, False, "wrong"),
        (SEEN, None, True, False, 0, False, "right"),
        (SEEN, None, True, False, 0, True, "follows"),
        (SEEN, None, False, False, 1, False, "right"),
        (LATER, None, False, False, 0, False, "wrong"),
        (LATER, "true", False, False, 0, False, "follows"),
        (LATER, "turned", False, False, -1, False, "convention"),
        (LATER, "turned", False, True, 1, False, "right"),
        (LATER, "follows", True, True, -1, False, "follows"),
        (LATER, None, True, True, -1, False, "convention"),
        (None, None, True, True, -1, False, "convention"),
        (None, None, True, True, 1, False, "right"),
        (None, None, False, False, 1, True, "right"),
        (None, None, True, False, 0, False, "right"),
        (None, None, True, False, 0, True, "follows"),
        (None, None, True, False, -1, False, "follows"),
        (None, None, False, False, -1, False, "follows"),
        (None, None, False, False, 0, False, "wrong"),
        (None, None, False, False, 0, True, "wrong"),
    ],
)
def test_what_a_quantity_is(made, kind, follows, turned, true, after_wrong, status):
    delta = {"follows": follows, "turned": turned, "true": true}
    error = {"follows": not after_wrong, "true": int(not after_wrong)}
    given = GIVEN | {"pre_activation": [[4, 7]]}
    reading = reading_of(given, delta=delta, error=error, filter_gradient={"follows": False, "true": 0})
    found = []
    if made is not None:
        slip = {"cells": (1,), "expected": (1.0, 2.0)} if kind == "slip" else {}
        labels = () if kind is None else (shown("delta", kind, **slip),)
        last = () if made is HERE else (shown("filter_gradient"),)
        found = [by(made[0], *labels, *last)]
        assert report(reading, None, found).ways[0].at == {made[0].id: made[1]}
    assert report(reading, None, found)["delta"].status == status


def test_a_convention_is_named_by_where_it_shows():
    turned = {"turned": True, "true": -1, "follows": True}
    names = ("error", "output_gradient", "delta")
    every = report(reading_of({name: [[-1, -2]] for name in names}, **dict.fromkeys(names, turned)), None, ())
    assert [each.id for each in every.quantities] == ["error-sign", "gradient-sign", "gradient-sign"]
    for name in names:
        assert report(reading_of({name: [[-1, -2]]}, **{name: turned}), None, ())[name].id == "error-sign"
    gradient = report(reading_of({"filter_gradient": [[-5, -8]]}, filter_gradient=turned), None, ())
    assert gradient["filter_gradient"].id == "gradient-sign"
    assert gradient.first_wrong is None


@pytest.mark.parametrize(
    ("labels", "delta", "gradient"),
    [
        ((UPSTREAM, shown("delta"), FROM_ERROR, shown("filter_gradient")), "upstream-forgotten", "gradient-from-error"),
        ((UPSTREAM, FROM_ERROR, shown("delta"), shown("filter_gradient")), "upstream-forgotten", "gradient-from-error"),
        ((UPSTREAM, shown("delta"), FROM_ERROR, AVERAGED, shown("filter_gradient")), "upstream-forgotten", None),
        ((UPSTREAM, shown("filter_gradient")), "upstream-forgotten", "upstream-forgotten"),
        ((UPSTREAM, rule("slope-of-error", "activation_slope"), shown("filter_gradient")), None, None),
        ((FROM_ERROR, shown("filter_gradient")), None, "gradient-from-error"),
    ],
)
def test_a_wrong_quantity_has_the_one_mistake_that_it_shows(labels, delta, gradient):
    wrong = {"follows": False, "true": 0}
    found = report(reading_of(GIVEN, delta=wrong, filter_gradient=wrong), ONE, [by(*labels)])
    assert [found[name].status for name in GIVEN] == ["right", "wrong", "wrong"]
    assert [found[name].id for name in GIVEN] == [None, delta, gradient]


def test_what_was_shown_before_is_not_named_again():
    """A mistake in z is seen in a, and again in δ by way of the slope."""
    wrong = {"follows": False, "true": 0}
    in_z = rule("filter-rotated", "used_filter")._replace(stage="pre_activation", compute=lambda s, v: v["window_sums"])
    reading = reading_of({"output": [[4, 7]], "delta": [[1, 2]]}, output=wrong, delta=wrong)
    found = report(reading, ONE, [by(in_z, shown("output"), UPSTREAM, shown("delta"))])
    assert [each.id for each in found.quantities] == ["filter-rotated", "upstream-forgotten"]
    assert found.ways[0].at == {"filter-rotated": "output", "upstream-forgotten": "delta"}
    assert report(reading, ONE, [by(in_z, shown("output"))])["delta"].id == "filter-rotated"


def test_after_a_tie_no_mistake_is_named_but_conventions_are():
    turned = {"turned": True, "true": -1, "follows": True}
    reading = reading_of(GIVEN, error=turned, delta={"follows": False, "true": 0})
    found = report(reading, ONE, [by(UPSTREAM, shown("delta")), by(SLOPE, shown("delta"))])
    assert [each.id for each in found.quantities] == ["error-sign", None, None]
    assert [each.status for each in found.quantities] == ["convention", "wrong", "right"]
    assert [[each.id for each in one] for one in found.explanations] == [["upstream-forgotten"], ["slope-of-target"]]
    assert (found.verdict, found.first_wrong) == ("wrong", "delta")


def test_the_most_common_mistakes_come_first():
    found = [by(first, second, shown("delta")) for first, second in ((SLOPE, ROTATED), (UPSTREAM, ROTATED))]
    ways = report(reading_of(GIVEN), None, [by(SLOPE, shown("delta")), *found, by(UPSTREAM, shown("delta"))]).ways
    assert [way.ids for way in ways] == [
        ("upstream-forgotten", "gradient-rotated"),
        ("slope-of-target", "gradient-rotated"),
        ("upstream-forgotten",),
        ("slope-of-target",),
    ]


def test_of_the_same_mistakes_the_way_with_the_fewest_turns_is_told():
    first, second = (rule("gradient-one-position", "summed_gradient", way) for way in (0, 1))
    last = shown("filter_gradient")

    def way_of(*turns):
        found = [by(each, last, turns=count) for each, count in zip((first, second), turns, strict=True)]
        (way,) = report(reading_of(GIVEN), None, found).ways
        return way.rules[0].way, way.turns

    assert (way_of(1, 1), way_of(2, 1), way_of(1, 2)) == ((0, 1), (1, 1), (0, 1))
    both = [Found([(first, last), (SLOPE, last)], 0, 3)]
    assert [(way.ids, way.turns) for way in report(reading_of(GIVEN), None, both).ways] == [
        (("gradient-one-position",), 3),
        (("slope-of-target",), 3),
    ]


@pytest.mark.parametrize(
    ("plain", "hidden", "kept"),
    [((1,), 1, True), ((1,), 2, False), ((1,), 0, True), ((1, 3), 2, False), ((), 2, True)],
)
@pytest.mark.parametrize("beside", [(), (ROTATED,)])
def test_a_sign_that_nobody_has_seen_is_assumed_only_without_more_turns(plain, hidden, kept, beside):
    last = shown("filter_gradient")
    found = [by(each, last, turns=turns) for each, turns in zip((SLOPE, AVERAGED), plain, strict=False)]
    unseen = rule("upstream-forgotten", "delta", 1)
    assert unseen.turns
    ways = report(reading_of(GIVEN), None, [by(unseen, *beside, last, turns=hidden), *found]).ways
    assert len(ways) == len(plain) + kept
    assert any(unseen in way.rules for way in ways) is kept


def test_a_slip_is_told_and_put_right_for_those_who_go_on():
    reading = reading_of({"error": [[1, 7]], "delta": [[1, 2]]})
    slip = shown("error", "slip", cells=(1,), expected=(1.0, 2.0))
    found = report(reading, SLIPS, [by(slip, shown("delta", "true"))])
    assert (found.verdict, found.first_wrong, found.explanations) == ("slip", "error", ())
    assert [each.status for each in found.quantities] == ["slip", "right"]
    (cell,) = found["error"].cells
    assert (cell.cell, cell.given, cell.expected, cell.kind is not None) == ((0, 1), 7.0, 2.0, True)
    assert found["error"].id is None
    assert found.reading.values["error"].ravel().tolist() == [1, 7]
    assert found.reading.mended["error"].ravel().tolist() == [1, 2]
    assert found.reading.mended["error"].shape == reading.values["error"].shape
    assert reading.mended == {}


def test_a_slip_in_numbers_of_another_size_is_not_put_right():
    reading = reading_of({"error": [[1, 2]], "filter_gradient": [[1, 7, 3]]})
    odd = AVERAGED._replace(compute=lambda s, v: np.array([[[[[1.0, 2.0, 3.0]]]]]))
    slip = shown("filter_gradient", "slip", cells=(1,), expected=(1.0, 2.0, 3.0))
    found = report(reading, Level(1, True), [by(odd, slip)])
    assert found["filter_gradient"].status == "wrong"
    assert [(each.cell, each.expected) for each in found["filter_gradient"].cells] == [((0, 1), 2.0)]
    assert found.reading.mended["filter_gradient"].ravel().tolist() == [1, 7, 3]


def test_what_was_not_given_is_as_the_mistake_makes_it():
    reading = reading_of({"error": [[1, 2]], "filter_gradient": [[3, 5]]})
    found = report(reading, ONE, [by(UPSTREAM, shown("filter_gradient")), by(AVERAGED, shown("filter_gradient"))])
    assert found.ways[0].ids == ("gradient-averaged",)
    assert reading.values["delta"].ravel().tolist() == [1, 2]
    only = report(reading, ONE, [by(UPSTREAM, shown("filter_gradient"))])
    assert only.reading.values["delta"].ravel().tolist() == [1, 1]  # the slopes alone
    assert only.reading.values["filter_gradient"].ravel().tolist() == [3, 5]
    assert "gradient_source" in only.reading.values
    assert found.reading.values["delta"].ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("numbers", "off"),
    [
        ([["1.3", "2.0"]], True),
        ([["1.0", "1.8"]], True),
        ([["1.0", "1.9"]], False),
        ([["1.1", "2.0"]], False),
        ([["1.2", "2.0"]], True),
        ([["4/3", "2.0"]], False),
        ([["1.0", None]], False),
        ([["1.3"]], False),
        ([["1.0", "5"]], False),
    ],
)
def test_a_right_number_may_be_off_by_rounding(numbers, off):
    found = report(reading_of({"error": numbers}, error={"true": 1}), None, ())["error"]
    assert (found.status, found.by_rounding) == ("right", off)
    wrong = report(reading_of({"error": numbers}, error={"true": 0, "follows": False}), None, ())["error"]
    assert (wrong.status, wrong.by_rounding) == ("wrong", False)


def test_what_is_right_as_the_run_has_it_is_compared_with_that():
    reading = reading_of({"error": [["1.5", "2.5"]]}, error={"true": 1, "as_run": True})
    reading.setting.of_run = {"error": reading.setting.full("error", np.array([[1.5, 2.5]]))}
    as_run = report(reading, None, ())["error"]
    assert (as_run.expected.tolist(), as_run.follows.tolist()) == ([[1.5, 2.5]], [[1, 2]])
    assert as_run.by_rounding is False
    plain = reading._replace(followed={"error": reading.followed["error"]._replace(as_run=False)})
    assert report(plain, None, ())["error"].expected.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("judged", "status", "nothing"),
    [
        ({"true": 1}, "right", True),
        ({"true": -1, "follows": True}, "follows", True),
        ({"true": -1, "follows": True, "turned": True}, "convention", False),
        ({"true": 0, "follows": False}, "wrong", False),
    ],
)
def test_only_what_is_in_order_shows_nothing(judged, status, nothing):
    found = report(reading_of({"error": [[1, 2]]}, error={"nothing": True, **judged}), None, ())["error"]
    assert (found.status, found.nothing) == (status, nothing)
    assert not report(reading_of({"error": [[1, 2]]}, error={"nothing": False, **judged}), None, ())["error"].nothing


SQUARE = PAIR | {"input": [[1, 2], [3, 4]], "filter": [[2]], "target": [[0, 0], [0, 0]]}


@pytest.mark.parametrize(
    ("numbers", "chance", "few"),
    [
        ([[1, 1], [1, 1]], 0.01, False),
        ([[1, 1], [1, 1]], 0.011, True),
        ([[1, 1], [1, None]], 0.0, True),
        ([[1, 1], [1, None]], 0.5, True),
    ],
)
def test_few_numbers_and_chance_are_told_with_caution(numbers, chance, few):
    reading = reading_of({"delta": numbers}, SQUARE)
    found = report(reading, ONE, [by(UPSTREAM, shown("delta", chance=chance))])
    ((mistake,),) = found.explanations
    assert (mistake.id, mistake.at, mistake.few) == ("upstream-forgotten", "delta", few)
    assert (mistake.says, mistake.instead) == told(
        reading.setting, reading.plan, UPSTREAM, reading.values, reading.written
    )


def test_of_several_mistakes_at_one_place_none_is_told_with_caution():
    both = report(reading_of(GIVEN), ONE, [by(FROM_ERROR, AVERAGED, shown("filter_gradient", chance=0.5))])
    assert [(each.id, each.few) for each in both.explanations[0]] == [
        ("gradient-from-error", False),
        ("gradient-averaged", False),
    ]
    apart = report(reading_of(GIVEN), ONE, [by(UPSTREAM, shown("delta"), AVERAGED, shown("filter_gradient"))])
    assert [(each.at, each.few) for each in apart.explanations[0]] == [("delta", True), ("filter_gradient", True)]
    reading = reading_of(GIVEN)
    assert [each.says for each in apart.explanations[0]] == [
        told(reading.setting, reading.plan, each, reading.values)[0] for each in (UPSTREAM, AVERAGED)
    ]


def test_the_size_of_a_reading():
    one, three = np.zeros(1), np.zeros(3)
    followed = {"error": Followed(True, False, 1, three, three, one, False)}
    assert Reading(None, None, {}, followed, {"error": three}).size == 10 * 8
    assert Reading(None, None, {}, followed, {"error": three}, {"delta": three}).size == 13 * 8
    assert Reading(None, None, {}, followed, {}).mended == {}


SQUARED = {
    "input": [[0, -1, -1], [-1, -1, -1], [2, 2, 1]],
    "filter": [["-0.2", "-0.7"], ["-0.9", "-0.4"]],
    "bias": "0.5",
    "target": [[1, -3], [1, -3]],
    "activation": "tanh",
    "learning_rate": "0.5",
}


def test_mistakes_that_undo_each_other_were_not_made():
    """2·∂L/∂a, and the rate 0.5 twice: with them the steps round as they did, but without them all is the same."""
    given = {"new_filter": [["1.982", "1.482"], ["-4.833", "-2.808"]], "new_bias": "-1.682"}
    diagnosis = convstep.diagnose(convstep.load(SQUARED), given)
    assert [[each.id for each in one] for one in diagnosis.explanations] == [["error-squared"]]
    assert [each.id for each in diagnosis.quantities] == ["error-squared", "error-squared"]


def test_at_another_rate_something_is_left_of_them():
    """At 0.25 it is half of the step, which 2e/n makes of four outputs as well, and more simply."""
    problem = convstep.load(SQUARED | {"learning_rate": "0.25"})
    step = next(iter(convstep.descend(problem)))
    slope = 1 - step.output**2
    delta = 2 * (step.output - problem.target) ** 2 * slope
    gradient = [[(delta * problem.input[p : p + 2, q : q + 2]).sum() for q in range(2)] for p in range(2)]
    given = {"new_filter": problem.filter - 0.0625 * np.array(gradient), "new_bias": 0.5 - 0.0625 * delta.sum()}
    diagnosis = convstep.diagnose(problem, given)
    assert [[each.id for each in one] for one in diagnosis.explanations] == [["error-squared", "mean-for-sum"]]


def test_what_cancels_is_left_out_and_then_the_simplest_is_told():
    """At the rate 0.5, 2·∂L/∂a and the rate twice undo each other; three other mistakes do not."""
    reading = reading_of({"new_filter": [[-3, -7]]})
    factor, twice = rule("factor-two", "output_gradient"), rule("rate-twice", "filter_rate")
    new = shown("new_filter")
    cancels, stays = by(factor, ROTATED, twice, new), by(UPSTREAM, ROTATED, twice, new)
    for found in ([cancels, stays], [stays, cancels], [cancels]):
        told_ = report(reading, Level(3, False), found)
        assert [[each.id for each in one] for one in told_.explanations] == [["gradient-rotated"]]
    both = report(reading, Level(3, False), [stays])
    assert [len(one) for one in both.explanations] == [3]
    pair = report(reading, Level(2, False), [by(factor, twice, new)])
    assert [len(one) for one in pair.explanations] == [2]
