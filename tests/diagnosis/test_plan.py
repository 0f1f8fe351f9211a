"""Which stages and which mistakes matter for what was given."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import Stage, stages_of
from convstep.diagnosis.plan import Plan, made_for_both, plan_for, right_values, rules_of, twins
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.settings import setting_at

KEYS = {"input": [[1, 2, 3]], "filter": [[0.5]], "target": [[1, 1, 1]], "learning_rate": 0.1}


@pytest.fixture(scope="module")
def setting():
    return setting_at(convstep.load(KEYS), 1)


def stage(name, *needs):
    """A stage that gives the sum of what it needs and 1."""
    return Stage(name, needs, lambda s, v: sum((v[need] for need in needs), np.ones((1, 2, 3))))


def rule(id_, where, **more):
    return Rule(id_, where, lambda s, v: np.zeros((1, 2, 3)), **more)


STAGES = [
    stage("filter"),
    stage("bias"),
    stage("window_sums", "filter"),
    stage("pre_activation", "window_sums", "bias"),
    stage("output", "pre_activation"),
    stage("loss", "output"),
    stage("delta", "output", "pre_activation"),
]
RULES = [
    rule("turned", "filter"),
    rule("strided", "window_sums"),
    rule("lost", "loss"),
    rule("strided", "output", needs=("bias",)),
    rule("strided", "loss"),
    rule("slope", "delta"),
]


def plan(setting, *given, rules=RULES):
    return Plan(setting, STAGES, rules, given)


def named(rules):
    return {name: [each.id for each in some] for name, some in rules.items()}


def test_only_what_leads_to_a_given_quantity_matters(setting):
    """The loss does not; the numbers of the stages go on without a gap."""
    made = plan(setting, "delta", "pre_activation")
    assert made.order == ["filter", "bias", "window_sums", "pre_activation", "output", "delta"]
    assert [each.name for each in made.stages] == list(made.stage) == made.order
    assert made.places_given == [3, 5]
    assert made.given == {"pre_activation", "delta"}
    assert made.needs["delta"] == ("output", "pre_activation")
    assert made.bit == dict(zip(made.order, (1, 2, 4, 8, 16, 32), strict=True))
    assert made.ancestors == dict(zip(made.order, (1, 2, 5, 15, 31, 63), strict=True))
    assert {type(each) for each in (*made.bit.values(), *made.ancestors.values())} == {np.uint64}
    assert made.shape == dict.fromkeys(made.order, (2, 3))


def test_a_stage_is_seen_in_the_given_quantities_that_nothing_given_hides(setting):
    before = dict.fromkeys(("filter", "bias", "window_sums", "pre_activation"), 8)
    assert plan(setting, "delta", "pre_activation").reaches == before | {"output": 32, "delta": 32}
    both = dict.fromkeys(("filter", "bias", "window_sums", "pre_activation"), 16 | 32)
    assert plan(setting, "delta", "output").reaches == both | {"output": 16, "delta": 32}


def test_mistakes_of_stages_that_matter(setting):
    """The bits of a mistake are those of the stages that are there."""
    made = plan(setting, "delta", "pre_activation")
    assert named(made.rules) == {
        "filter": ["turned"],
        "window_sums": ["strided"],
        "output": ["strided"],
        "delta": ["slope"],
    }
    assert made.stages_of_id == {"turned": 1, "strided": 4 | 16, "lost": 0, "slope": 32}


def test_arrays_are_alive_while_a_later_stage_or_mistake_looks_at_them(setting):
    made = plan(setting, "delta", "pre_activation")
    assert made.merges == {"pre_activation": ["bias", "pre_activation"], "delta": []}
    assert plan(setting, "delta", rules=[]).merges == {"pre_activation": ["pre_activation"], "delta": []}


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, True),
        ({"beside": "pre_activation"}, True),
        ({"beside": "output"}, False),
        ({"without": ("output", "loss")}, True),
        ({"without": ("loss", "pre_activation")}, False),
        ({"needs": ("bias", "filter")}, True),
        ({"needs": ("bias", "loss")}, False),
    ],
)
def test_a_mistake_wants_quantities_given_or_not(setting, more, is_told):
    assert bool(plan(setting, "delta", "pre_activation", rules=[rule("slope", "delta", **more)]).rules) == is_told


def test_what_can_explain_what_fails(setting):
    made = plan(setting, "delta", "pre_activation")
    first = {"filter": ["turned"], "window_sums": ["strided"]}
    last = {"output": ["strided"], "delta": ["slope"]}
    assert named(made.rules_for(["pre_activation"], one=False)) == first
    assert named(made.rules_for(["pre_activation"], one=True)) == first
    assert named(made.rules_for(["delta"], one=False)) == last
    assert named(made.rules_for(["pre_activation", "delta"], one=False)) == first | last


def test_one_mistake_must_explain_the_first_that_fails(setting):
    """In a later stage only those remain that are made before the first as well."""
    made = plan(setting, "delta", "pre_activation")
    failing = ["pre_activation", "delta"]
    one = made.rules_for(failing, one=True)
    assert named(one) == {"filter": ["turned"], "window_sums": ["strided"], "output": ["strided"]}
    assert made.rules_for(failing, one=True) is one
    several = made.rules_for(failing, one=False)
    assert "delta" in several
    assert made.rules_for(failing, one=False) is several


def test_one_and_several_differ_where_the_first_stage_fails_too(setting):
    made = plan(setting, "filter", "delta")
    failing = ["filter", "delta"]
    assert named(made.rules_for(failing, one=True)) == {"filter": ["turned"]}
    assert list(made.rules_for(failing, one=False)) == ["filter", "window_sums", "output", "delta"]


def test_the_ways_up_to_a_stage_as_a_text(setting):
    rules = [*RULES, rule("strided", "window_sums", way=1), rule("bent", "delta", needs=("filter", "bias"))]
    made = plan(setting, "delta", "pre_activation", rules=rules)
    failing = ["pre_activation", "delta"]
    begin = "filter(turned.0)[] bias()[] window_sums(strided.0,strided.1)[]"
    to_z = f"{begin} pre_activation()[filter,bias,pre_activation]"
    assert made.ways_up_to(2, failing, one=True) == begin
    assert made.ways_up_to(3, failing, one=True) == to_z
    assert made.ways_up_to(5, failing, one=True) == f"{to_z} output(strided.0)[] delta()[]"
    assert made.ways_up_to(5, failing, one=False) == f"{to_z} output(strided.0)[] delta(slope.0,bent.0)[]"
    assert made.ways_up_to(2, ["delta"], one=False) == "filter()[] bias()[] window_sums()[]"
    assert made.ways_up_to(3, failing, one=True) == to_z


def test_candidates_are_compared_where_several_ways_come_together(setting):
    """With right ways alone, after each such stage those arrays are alive that a later stage needs."""
    made = Plan(setting, stages_of(setting), [], {"new_filter"})
    assert made.merges == {
        "pre_activation": ["filter", "pre_activation"],
        "output_gradient": ["filter", "pre_activation", "output", "sign", "output_gradient"],
        "delta": ["filter", "sign", "delta"],
        "filter_gradient": ["filter", "filter_sign", "filter_gradient"],
        "filter_direction": ["filter", "filter_sign", "filter_direction"],
        "filter_update": ["filter", "filter_step_sign", "filter_update"],
    }


def test_the_input_gradient_may_be_made_with_the_new_filter(setting):
    assert plan_for(setting, {"input_gradient"}).reaches["new_filter"] == 0
    assert plan_for(setting, {"delta"}).order[-1] == "delta"
    sent_back = {"input": [[1, 2, 3]], "filter": [[0.5]], "output_gradient": [[1, 1, 1]]}
    order = plan_for(setting_at(convstep.load(sent_back), 1), {"input_gradient"}).order
    assert order[-1] == "input_gradient"
    assert "filter_gradient" not in order


OTHER_SIZES = {
    "window_sums": ({"used_filter": (1, 1, 1, 2, 1)}, (1, 1, 1, 4)),
    "pre_activation": ({"window_sums": (1, 1, 1, 4, 4)}, (1, 1, 4, 4)),
    "output": ({"pre_activation": (1, 1, 1, 4, 4)}, (1, 1, 4, 4)),
    "activation_slope": ({"pre_activation": (1, 1, 1, 4, 4), "output": (1, 1, 1, 4, 4)}, (1, 1, 4, 4)),
    "turned_gradient": ({"summed_gradient": (1, 1, 1, 4, 4)}, (1, 1, 4, 4)),
    "filter_gradient": ({"turned_gradient": (1, 1, 1, 4, 4)}, (1, 1, 4, 4)),
}
"""What each of these stages makes of arrays of other sizes than the right ones, of a 2×4 input and a 1×2 filter."""


def test_stages_that_can_go_on_from_another_size():
    target = [[1, 1, 1], [0, 0, 0]]
    wide = {"input": [[1, 2, 3, 4], [5, 6, 7, 8]], "filter": [[1, -1]], "target": target, "learning_rate": 0.1}
    problem = setting_at(convstep.load(wide), 1)
    made = plan_for(problem, {"new_filter"})
    right = right_values(problem, made.stages)
    assert made.keeps_shape == set(OTHER_SIZES)
    for name, (others, shape) in OTHER_SIZES.items():
        values = right | {need: np.ones(size) for need, size in others.items()}
        assert made.stage[name].compute(problem, values).shape[1:] == shape
        assert shape != made.shape[name]


def test_right_values_go_on_from_each_other(setting):
    """z is x/2, and a half of Σ(z − 1)² is ½·(¼ + 0 + ¼)."""
    found = right_values(setting, stages_of(setting))
    assert found["pre_activation"].tolist() == [[[[[0.5, 1.0, 1.5]]]]]
    assert found["loss"].tolist() == [0.25]
    assert {len(each) for each in found.values()} == {1}


def test_the_ways_of_a_mistake_are_counted_by_stage(setting):
    counted = {}
    for each in rules_of(setting):
        counted.setdefault((each.id, each.stage), []).append(each.way)
    assert counted["value-for-slope", "activation_slope"] == [0, 1]
    assert counted["value-for-slope", "delta"] == [0, 1]
    assert all(ways == list(range(len(ways))) for ways in counted.values())


def test_what_the_filter_has_the_bias_has():
    assert twins("filter_gradient") == ["bias_gradient"]
    assert twins("new_bias") == ["new_filter"]
    assert twins("decayed_bias_gradient") == ["decayed_filter_gradient"]
    assert twins("delta") == []


def test_a_mistake_is_made_for_the_filter_and_the_bias_alike():
    here, there = rule("rate", "filter_rate", way=1), rule("rate", "bias_rate", way=1)
    others = [rule("rate", "bias_rate"), rule("ascent", "bias_rate", way=1)]
    every = [here, *others, there]
    assert made_for_both([here], every) == [here, there]
    assert made_for_both([there], every) == [there, here]
    assert made_for_both([here, there], every) == [here, there]
    assert made_for_both([here], every, {"bias_rate"}) == [here]
    assert made_for_both([here], every, {"filter_rate"}) == [here, there]
    assert made_for_both([here], [here, *others]) == [here]
    assert made_for_both([others[1]], every) == [others[1]]


def test_what_leads_where(setting):
    made = plan(setting, "delta")
    assert made.leads("filter", "delta")
    assert made.leads("delta", "delta")
    assert not made.leads("delta", "output")
    assert not made.leads("loss", "delta")
    assert not made.leads("loss", "filter")


def test_a_rule_that_nobody_has_numbered_is_the_first_way():
    assert rule("slope", "delta").way == 0
