"""Attempts at one problem: what they share, which of several explanations is told, and what is said without any."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis import search
from convstep.diagnosis.examiner import Examiner, _cost, _has, _is_lopsided, _is_odd
from convstep.diagnosis.levels import LEVELS, Found, Level
from convstep.diagnosis.matching import Verdict
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.search import Search
from convstep.diagnosis.written import Written, read_written

KEYS = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, -1], [1, 1]],
    "target": [[1, -1], [0, 1]],
    "learning_rate": 0.5,
}
"""z is [[3, 0], [-2, 1]]; e is [[2, 1], [0, 0]], δ [[2, 0], [0, 0]], and the gradient [[2, -2], [0, 2]]."""
ERROR, DELTA, GRADIENT, NEW = [[2, 1], [0, 0]], [[2, 0], [0, 0]], [[2, -2], [0, 2]], [[0, 0], [1, 0]]
NONSENSE = [[17, 3], [-4, 11]]
ONE_NUMBER = {"input": [[2]], "filter": [[2]], "target": [[2]], "learning_rate": 0.1}
"""z and a are 4, e and δ 2, and the gradient is 4."""
BIASED = {**KEYS, "bias": 0.5}


def examiner(**changes):
    return Examiner(convstep.load({**KEYS, **changes}))


def exercise(**changes):
    return examiner(**changes).exercise(1)


def starts(made, attempt):
    written = read_written(attempt)
    return made._starts(made.plan(frozenset(written)), written)


def ids(diagnosis):
    return [[mistake.id for mistake in one] for one in diagnosis.explanations]


def negative(rows):
    return (-np.array(rows)).tolist()


def test_an_attempt_is_at_the_first_iteration_if_it_does_not_say():
    made = examiner()
    assert made.diagnose({"new_filter": NEW}).verdict == "right"
    assert made.diagnose({"new_filter": NEW}).iteration == 1
    assert made.diagnose({"iteration": 2, "new_filter": NEW}).iteration == 2


def test_an_exercise_depends_on_the_attempts_before_it_and_on_no_others():
    made = examiner()
    first, second, third = ({"iteration": number, "new_filter": NONSENSE} for number in (1, 2, 3))
    plain, own = made.exercise(2), made.exercise(2, [first])
    assert made.exercise(2) is plain
    assert own is not plain
    assert own.setting.problem.filter.tolist() == NONSENSE
    assert plain.setting.problem.filter.tolist() == NEW
    assert made.exercise(2, [third, second, first]) is own
    assert made.exercise(2, [{"new_filter": NONSENSE}]) is own
    assert made.exercise(1, [first]) is made.exercise(1)
    assert made.exercise(3, [second, first]) is made.exercise(3, [first, second])
    assert made.exercise(3, [second, first]).setting.is_own


def test_what_an_attempt_leads_to_is_gone_on_from():
    """Turned by 180° the gradient is [[2, 0], [-2, 2]], and the filter [[0, -1], [2, 0]]."""
    made = examiner()
    rotated = {"filter_gradient": [[2, 0], [-2, 2]]}
    assert made.exercise(2, [rotated]).setting.problem.filter.tolist() == [[0, -1], [2, 0]]
    (known,) = made._gone_on_from([{**rotated, "bias_gradient": 3, "new_bias": 1}])
    assert set(known) == {"filter_gradient", "new_filter"}
    assert known["new_filter"].tolist() == [[0, -1], [2, 0]]
    whole = {"iteration": 2, "new_filter": NONSENSE}
    assert made._gone_on_from([whole, rotated])[1] == whole
    assert made._gone_on_from([{"new_filter": NONSENSE}]) == [{"new_filter": NONSENSE}]


def test_of_exercises_with_own_numbers_the_last_sixteen_are_kept():
    made = examiner()
    plain = made.exercise(2)
    attempts = [[{"new_filter": [[number, 0], [0, 1]]}] for number in range(17)]
    found = [made.exercise(2, earlier) for earlier in attempts[:16]]
    assert [made.exercise(2, earlier) for earlier in attempts[:16]] == found
    last = made.exercise(2, attempts[16])
    assert [made.exercise(2, earlier) for earlier in attempts[1:]] == [*found[1:], last]
    assert made.exercise(2) is plain
    assert made.exercise(2, attempts[0]) is not found[0]
    assert made.exercise(2, attempts[2]) is found[2]
    assert made.exercise(2, attempts[1]) is not found[1]


def test_of_each_kind_so_many_bytes_are_kept():
    made = exercise()
    assert [each.most for each in (made._begun, made._reached, made._judged)] == [33_554_432] * 3


def test_equal_numbers_are_judged_once_in_whatever_order_they_come():
    made = exercise()
    one, other = read_written({"delta": DELTA, "new_filter": NEW}), read_written({"new_filter": NEW, "delta": DELTA})
    assert made.judge(one) is made.judge(other)
    assert made.judge(read_written({"delta": DELTA})) is not made.judge(one)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(convstep.ProblemError, match="no number is filled in yet"):
        exercise().judge({})
    with pytest.raises(convstep.ProblemError) as caught:
        exercise().judge(read_written({"bias_gradient": 1}))
    told = str(caught.value)
    assert "this problem has none; it has" in told
    assert "filter_gradient" in told
    assert "new_bias" not in told


def test_the_next_iteration_starts_from_the_parameters_and_the_state():
    assert exercise().ends == ["new_filter"]
    adam = exercise(bias=0.5, optimizer="adam")
    assert sorted(adam.ends) == [
        *("bias_momentum", "bias_square_average", "filter_momentum", "filter_square_average"),
        *("new_bias", "new_filter"),
    ]


def test_what_was_not_written_is_led_to_where_all_explanations_agree():
    """A gradient of 8 is that of an error of 4, and the output 4 times δ: the new filter is 2 − 0.8 all the same."""
    made = exercise(**ONE_NUMBER)
    written = {"filter_gradient": Written.of([[8]])}
    told = {mistake for one in ids(made.judge(written)) for mistake in one}
    assert {"factor-two", "gradient-from-output"} <= told
    found = made.led_to(written, ["output_gradient", "new_filter", "new_bias"])
    assert list(found) == ["new_filter"]
    assert found["new_filter"].shape == (1, 1)
    assert found["new_filter"].tolist() == [[pytest.approx(1.2)]]


def test_a_single_explanation_agrees_with_itself():
    written = read_written({"filter_gradient": GRADIENT, "filter_update": [[1, -1], [0, 1]]})
    made = exercise()
    assert ids(made.judge(written)) == [["ascent"]]
    assert made.led_to(written, ["new_filter"])["new_filter"].tolist() == [[2, -2], [1, 2]]


def test_nothing_is_led_to_by_nothing_or_by_what_cannot_be_explained():
    made = exercise()
    assert made.led_to({}, ["new_filter"]) == {}
    assert made.led_to(read_written({"filter_gradient": NONSENSE}), ["new_filter"]) == {}


def test_a_level_that_is_too_much_ends_the_search_for_as_many(monkeypatch):
    made, tried = exercise(), []
    attempt = read_written({"filter_gradient": NONSENSE})
    run = Search.run
    monkeypatch.setattr(Search, "run", lambda each: tried.append(each.level) or run(each))
    assert made._explained(attempt, LEVELS) == (None, 3)
    assert tried == list(LEVELS)
    plan = made.plan(frozenset(attempt))
    two = Search(made.setting, plan, made._starts(plan, attempt)[0][1], LEVELS[1])
    two.run()
    monkeypatch.setattr(search, "MOST_PRODUCTS", two.products)
    assert exercise()._explained(attempt, LEVELS) == (None, 2)
    tried.clear()
    monkeypatch.setattr(search, "MOST_PRODUCTS", 0)
    assert exercise()._explained(attempt, LEVELS) == (None, 1)
    assert tried == [Level(1, False), Level(2, False), Level(0, True), Level(1, True)]


def test_a_sign_may_change_on_the_way_where_nothing_else_helps():
    made = exercise()
    turned = {"error": ERROR, "output_gradient": negative(ERROR), "delta": negative(DELTA)}
    (first, strictly), (second, freely) = starts(made, turned)
    assert (strictly.fails, freely.fails) == (True, False)
    assert [each.turned for each in first.followed.values()] == [False, False, False]
    assert [each.turned for each in second.followed.values()] == [False, True, False]
    assert len(starts(made, {"error": ERROR, "delta": DELTA})) == 1
    assert len(starts(made, {"error": ERROR, "delta": NONSENSE})) == 1
    assert len(starts(made, {"error": negative(ERROR), "delta": negative(DELTA)})) == 1


@pytest.mark.parametrize("name", ["output_gradient", "delta"])
def test_a_changed_sign_that_is_needed_anyway_is_no_mistake(name):
    made = exercise()
    given = {"error": ERROR, name: negative(ERROR if name != "delta" else DELTA), "filter_gradient": negative(GRADIENT)}
    right = made.judge(read_written({**given, "new_filter": NEW}))
    assert (right.verdict, ids(right), right.conventions) == ("right", [], ("gradient-sign",))
    wrong = made.judge(read_written({**given, "new_filter": [[2, -2], [1, 2]]}))
    assert (wrong.verdict, ids(wrong)) == ("wrong", [["ascent"]])
    assert wrong[name].status == "convention"


def test_a_sign_that_is_changed_back_where_the_slope_is_forgotten():
    """t − a was written, then a − t as δ: nothing is right with another sign, and the mistake is told all the same."""
    made = exercise()
    given = {"error": negative(ERROR), "delta": ERROR}
    assert len(starts(made, given)) == 1
    assert ["slope-forgotten"] in ids(made.judge(read_written(given)))


def test_a_reading_has_the_learners_numbers_of_one_world():
    made = exercise()
    reading, start = starts(made, {"error": [["2.1", "1"], ["0", "0"]], "filter_gradient": NONSENSE})[0]
    assert {len(each) for each in reading.values.values()} == {1}
    assert {len(each) for name, each in start.values.items() if name == "delta"} == {4}
    assert reading.values["delta"].ravel().tolist() == [2.1, 0, 0, 0]


@pytest.mark.parametrize(("number", "half"), [("2.0", 0.05), ("2.00", 0.005), (2, 0.0)])
def test_evidence_has_half_a_unit_of_the_finest_digits(number, half):
    made = exercise()
    start = starts(made, {"error": [[number, 1], [0, 0]], "filter_gradient": NONSENSE})[0][1]
    assert [each.half for each in start.evidence.values()] == [half, half]


def test_right_numbers_and_plans_are_worked_out_once():
    made = exercise()
    plan = made.plan(frozenset({"delta"}))
    assert made.plan(frozenset({"delta"})) is plan
    assert made.plan(frozenset({"error"})) is not plan
    assert made.truths(plan, 1) is made.truths(plan, 1)
    assert (len(made.truths(plan, 1)["delta"]), len(made.truths(plan, 0)["delta"])) == (4, 2)


def test_how_far_an_explanation_goes():
    """With the slope forgotten δ is the error, and its gradient [[1, -2], [1, 2]]."""
    found = exercise().judge(read_written({"error": ERROR, "delta": ERROR, "filter_gradient": NONSENSE}))
    assert (found.verdict, found.first_wrong, found.explanations) == ("unexplained", "filter_gradient", ())
    assert "slope-forgotten" in [mistake.id for one in found.so_far for mistake in one]
    assert [each.status for each in found.quantities] == ["right", "wrong", "wrong"]
    assert found["filter_gradient"].follows.tolist() == [[1, -2], [1, 2]]


def test_nothing_is_explained_before_the_first_that_cannot_be():
    found = exercise().judge(read_written({"error": ERROR, "delta": NONSENSE, "new_filter": NONSENSE}))
    assert (found.verdict, found.first_wrong, found.so_far) == ("unexplained", "delta", ())


def test_a_slip_is_told_before_what_cannot_be_explained():
    given = {"output": [[3, 0], [0, 7]], "error": [[2, 1], [0, 6]], "filter_gradient": NONSENSE}
    found = exercise().judge(read_written(given))
    assert (found.verdict, found.first_wrong) == ("unexplained", "filter_gradient")
    assert [each.status for each in found.quantities] == ["slip", "follows", "wrong"]


FOLLOWS, TRUE = Verdict("delta", "follows", False), Verdict("delta", "true", False)


def rule(id_, stage):
    return Rule(id_, stage, lambda s, v: v[stage])


def test_of_equally_many_mistakes_those_that_need_least_else():
    plan = exercise().plan(frozenset({"delta"}))
    assert _cost(plan, Found([(FOLLOWS,)], 1, 33)) == (1, 2, False)
    assert _cost(plan, Found([(FOLLOWS,), (TRUE,)], 0, 15)) == (0, 0, False)
    assert _cost(plan, Found([(TRUE,), (TRUE,)], 0, 16)) == (0, 1, True)


def test_right_numbers_after_a_mistake_are_odd():
    plan = exercise().plan(frozenset({"delta"}))
    wrong = rule("error-squared", "error")
    assert _is_odd(plan, (wrong, FOLLOWS, TRUE))
    assert not _is_odd(plan, (wrong, FOLLOWS))
    assert not _is_odd(plan, ())


def test_a_mistake_that_was_made_on_one_side_only_is_odd():
    both = exercise(**BIASED).plan(frozenset({"new_filter", "new_bias"}))
    for name, stage in (("ascent", "update"), ("rate-forgotten", "rate")):
        of_filter, of_bias = rule(name, f"filter_{stage}"), rule(name, f"bias_{stage}")
        assert _is_lopsided(both, (of_filter, FOLLOWS))
        assert _is_lopsided(both, (of_bias,))
        assert not _is_lopsided(both, (of_filter, of_bias))
        assert _is_odd(both, (of_filter,))
    assert not _is_lopsided(both, ())
    assert not _is_lopsided(both, (rule("filter-rotated", "used_filter"), rule("error-squared", "error")))
    assert not _is_lopsided(both, (rule("bias-gradient-mean", "bias_gradient"),))  # a filter's is not so wrong
    assert _is_lopsided(both, (rule("ascent", "filter_update"), rule("rate-forgotten", "bias_update")))
    alone = exercise(**BIASED).plan(frozenset({"new_filter"}))
    assert not _is_lopsided(alone, (rule("ascent", "filter_update"),))


def test_a_stage_has_wrong_ways_of_some_mistakes():
    plan = exercise(**BIASED).plan(frozenset({"new_filter", "new_bias"}))
    assert _has(plan, "bias_rate", "rate-twice")
    assert not _has(plan, "bias_rate", "ascent")
    assert not _has(plan, "no-stage", "ascent")


def test_everyone_is_judged_by_the_same_examiner():
    problem = convstep.load(KEYS)
    first = convstep.diagnose(problem, {"new_filter": NEW})
    assert convstep.diagnose(problem, {"new_filter": NEW}) is first
