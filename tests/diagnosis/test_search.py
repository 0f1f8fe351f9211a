"""One level of the search, step by step, with candidates made by hand."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.candidates import Candidates, Layer, Marks
from convstep.diagnosis.catalogue_kinds import BIT_OF, group_bits
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.kept import Kept
from convstep.diagnosis.levels import LEVELS, Level, TooMuchError
from convstep.diagnosis.matching import UNSIGNED, Verdict
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.search import Reached, Search, _signs
from convstep.diagnosis.written import read_written

KEYS = {
    "input": [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
    "filter": [[1, 2], [3, 4]],
    "target": [[1, 0], [0, 1]],
    "learning_rate": 0.5,
}
"""z is [[3, 2], [-2, 2]], and so a [[3, 2], [0, 2]], e [[2, 2], [0, 1]]."""
WRONG = [[7, 5], [1, 1]]
ONE, TWO, SLIPS = LEVELS[:3]


def search(attempt, level=ONE, kept=None, **changes):
    exercise = Examiner(convstep.load({**KEYS, **changes})).exercise(1)
    written = read_written(attempt)
    plan = exercise.plan(frozenset(written))
    _, start = exercise._starts(plan, written)[0]
    return Search(exercise.setting, plan, start, level, kept)


def candidates(arrays, worlds=2, odd=(), **marks):
    """One candidate for each row of the arrays; what is not said of them is 0."""
    count = len(next(iter(arrays.values())))
    blank = Marks.of_one().take(np.zeros(count, dtype=int))
    given = {name: np.array(each, dtype=getattr(blank, name).dtype) for name, each in marks.items()}
    layer = Layer({name: np.asarray(each, dtype=float) for name, each in arrays.items()}, np.arange(count))
    return Candidates((layer,), blank._replace(**given), worlds, frozenset(odd))


def followed_to(made, name, count=1):
    """Right candidates, up to a stage."""
    return made._as_followed(made.plan.order.index(name)).take(np.zeros(count, dtype=int))


def constant(value, id_="ascent", stage="error", shape=(1, 1, 2, 2), **more):
    return Rule(id_, stage, lambda s, v: np.full((1, *shape), float(value)), **more)


def numbers(each, name):
    """The numbers of every candidate in the first world."""
    return each.array(name)[:, 0].reshape(len(each), -1).tolist()


def test_only_sizes_that_were_written_are_looked_for():
    assert search({"pre_activation": WRONG}).sizes == set()
    assert search({"pre_activation": [[1, 2, 3]]}).sizes == {(1, 3), (3, 1)}
    assert search({"pre_activation": [[[1, 2, 3]], [[4, 5, 6]]]}).sizes == {(1, 3), (3, 1)}


def test_one_mistake_must_explain_the_first_that_fails_and_several_need_not():
    attempt = {"output": [[3, 2], [0, 2]], "delta": WRONG, "new_filter": [[9, 9], [9, 8]]}
    one, several = search(attempt), search(attempt, TWO)
    assert one.failing == several.failing == ("delta", "new_filter")
    told = [{rule.id for rules in each.rules.values() for rule in rules} for each in (one, several)]
    assert ["slope-forgotten" in each for each in told] == [True, True]
    assert ["ascent" in each for each in told] == [False, True]
    place = one.plan.places_given[-1]
    ways = [one.plan.ways_up_to(place, one.failing, one=each) for each in (True, False)]
    assert ways[0] != ways[1]
    assert (one._key(2)[:2], several._key(2)[:2]) == ((ONE, ways[0]), (TWO, ways[1]))
    assert (one.products, several.products) == (0, 0)


def test_where_something_else_than_the_right_way_is_looked_at_first():
    wrong = search({"pre_activation": WRONG})
    assert wrong.plan.order[wrong._first_doubtful()] == "used_filter"
    after = search({"pre_activation": [[3, 2], [-2, 2]], "output": WRONG})
    assert after.plan.order[after._first_doubtful()] == "output"
    nothing = {"input": [[1, 2]], "filter": [[2]], "activation": "linear", "target": None, "learning_rate": None}
    exercise = convstep.load({key: each for key, each in {**KEYS, **nothing}.items() if each is not None})
    written = read_written({"pre_activation": [[2, 4]], "output": [[2, 5]]})
    made = Examiner(exercise).exercise(1)
    plan = made.plan(frozenset(written))
    bare = Search(made.setting, plan, made._starts(plan, written)[0][1], ONE)
    assert bare.rules == {}
    assert plan.order[bare._first_doubtful()] == "output"


def test_what_was_followed_is_one_candidate():
    right = {"pre_activation": [[3, 2], [-2, 2]], "output": [[3, 2], [0, 2]]}
    made = search({**right, "error": [[-2, -2], [0, -1]], "filter_gradient": WRONG})
    first = made._as_followed(0)
    assert (len(first), first.marks.node.tolist(), first.marks.turns.tolist()) == (1, [0], [0])
    assert first.marks.node.dtype == np.int64
    found = made._as_followed(made.plan.order.index("error") + 1)
    assert (len(found), found.worlds, found.odd, found.marks.turns.tolist()) == (1, 2, set(), [1])
    assert made.paths.labels_of(int(found.marks.node[0])) == [
        (
            Verdict("pre_activation", "follows", False),
            Verdict("output", "follows", False),
            Verdict("error", "turned", turned=True),
        )
    ]
    assert found.array("error").shape == (1, 2, 1, 1, 2, 2)
    assert found.array("error").reshape(2, 4).tolist() == [[-2, -2, 0, -1]] * 2
    assert "output_gradient" not in found


def test_a_sign_is_turned_by_a_rule_that_turns():
    signs = np.array([1.0, -1.0])
    assert _signs(signs, None) is signs
    assert _signs(signs, constant(1)) is signs
    assert _signs(signs, constant(1, turns=True)).tolist() == [-1, 1]


def test_rows_of_all_worlds_by_candidate():
    made = search({"pre_activation": WRONG})
    assert made._by_candidate(np.array([[5.0, 6.0, 7.0]]), 3).tolist() == [[[5, 6, 7]] * 2] * 3
    assert made._by_candidate(np.arange(8.0).reshape(4, 2), 2).tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    assert made._by_candidate(np.arange(4.0).reshape(2, 2), 1).tolist() == [[[0, 1], [2, 3]]]


def test_products_are_counted_by_the_numbers_that_come_out_and_the_taps_of_sums():
    """Of 4 outputs with 4 taps in 2 worlds a sum takes 32 products, all else 8."""
    made = search({"new_filter": WRONG, "input_gradient": [[1] * 3] * 3})
    counted = []
    for name in ("window_sums", "summed_gradient", "input_gradient", "error"):
        made._count(name, 3)
        counted.append(made.products)
    assert counted == [96, 192, 288, 312]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_beyond_the_first_may_take_so_many_products(level):
    made = search({"output": WRONG}, level)
    made.products = 536_870_912 - 8
    made._count("error", 1)
    if level == ONE:
        made._count("error", 1)
        assert made.products == 536_870_912 + 8
    else:
        with pytest.raises(TooMuchError):
            made._count("error", 1)


def test_one_stage_may_hold_so_many_numbers():
    made = search({"output": WRONG})
    start, zero = candidates({"filter": np.ones((1, 2, 1))}), np.zeros(())
    most = np.broadcast_to(zero, (1, 2, 8_388_608))
    assert made._joined(start, "output", [(np.arange(1), most, None)], False).array("output").shape == most.shape
    more = np.broadcast_to(zero, (1, 2, 8_388_609))
    with pytest.raises(TooMuchError):
        made._joined(start, "output", [(np.arange(1), more, None)], False)


def test_one_candidate_without_a_mistake_may_make_one():
    blank, rule = Marks.of_one(), constant(1, "filter-rotated", "used_filter")
    for level, rows in ((ONE, [0]), (TWO, [0]), (SLIPS, [])):
        made = search({"output": WRONG}, level)
        assert made._allowed(blank, rule).tolist() == rows
        assert made._allowed(blank, rule._replace(again=True)).tolist() == []


def test_a_mistake_may_be_made_once_on_the_way_and_with_none_that_it_excludes():
    made = search({"delta": WRONG}, TWO)
    rule = constant(1, "slope-forgotten", "delta")
    own, other = BIT_OF["slope-forgotten"], BIT_OF["ascent"]
    slope, used = int(made.plan.bit["activation_slope"]), int(made.plan.bit["used_filter"])
    kind, turned = group_bits("slope-forgotten"), group_bits("filter-rotated")
    rows = [  # ids, mistakes, pending, groups, and whether
        (0, 0, 0, 0, True),
        (own, 1, 0, kind, True),
        (own, 1, slope, kind, False),  # twice on the way to one number
        (own | other, 2, used, kind, True),
        (other | BIT_OF["rate-forgotten"], 2, 0, 0, False),  # there are two already
        (other, 1, 0, 0, True),
        (BIT_OF["slope-at-zero"], 1, 0, group_bits("slope-at-zero"), False),
        (BIT_OF["filter-rotated"], 1, used, turned, True),
    ]
    ids, mistakes, pending, groups, may = zip(*rows, strict=True)
    marks = candidates({"z": np.zeros((8, 2, 1))}, ids=ids, mistakes=mistakes, pending=pending, groups=groups).marks
    assert made._allowed(marks, rule).tolist() == np.flatnonzero(may).tolist()
    assert made._allowed(marks, rule._replace(again=True)).tolist() == [1, 2, 3]
    assert made._allowed(marks.take(np.array([2])), rule).tolist() == []
    assert made._allowed(marks.take(np.array([1])), rule).tolist() == [0]
    assert made._allowed(marks.take(np.array([0, 2])), rule).tolist() == [0]
    assert made._allowed(marks.take(np.array([0, 5])), rule).tolist() == [0, 1]


def test_a_stage_is_done_right_and_by_every_mistake():
    made = search({"pre_activation": WRONG})
    (found,) = made._made(followed_to(made, "used_filter"), "used_filter")
    assert numbers(found, "used_filter") == [[1, 2, 3, 4], [4, 3, 2, 1], [1, 3, 2, 4]]
    rotated, transposed = BIT_OF["filter-rotated"], BIT_OF["filter-transposed"]
    assert found.marks.mistakes.tolist() == [0, 1, 1]
    assert found.marks.ids.tolist() == [0, rotated, transposed]
    assert found.marks.pending.tolist() == [0, *[made.plan.bit["used_filter"]] * 2]
    labels = [made.paths.labels_of(int(node)) for node in found.marks.node]
    assert [[rule.id for rule in trail] for (trail,) in labels] == [[], ["filter-rotated"], ["filter-transposed"]]
    assert made.products == 16


def test_a_mistake_is_made_where_it_may_be():
    """The second candidate has one mistake already."""
    made = search({"pre_activation": WRONG})
    start = followed_to(made, "used_filter", 2).marked(mistakes=np.array([0, 1]), ids=np.array([0, 1], dtype=np.uint64))
    start = start.adding({"filter": np.array([[[[[[1.0, 2], [3, 4]]]]] * 2, [[[[[5.0, 6], [7, 8]]]]] * 2])[:, :, 0]})
    (found,) = made._made(start, "used_filter")
    assert numbers(found, "used_filter") == [[1, 2, 3, 4], [5, 6, 7, 8], [4, 3, 2, 1], [1, 3, 2, 4]]
    assert made.products == 16


def test_of_mistakes_that_change_the_size_those_that_could_be_seen():
    made = search({"pre_activation": [[1] * 4] * 4})
    made.rules = {
        "window_sums": [
            constant(1, "padding-wrong", "window_sums", (1, 1, 4, 4), size=(4, 4)),
            constant(2, "padding-wrong", "window_sums", (1, 1, 3, 3), size=(3, 3)),
            constant(3, "padding-wrong", "window_sums", (1, 1, 2, 2), size=(2, 2)),
            constant(4, "padding-wrong", "window_sums", (1, 1, 4, 4)),
        ]
    }
    right, odd = made._made(followed_to(made, "window_sums"), "window_sums")
    assert numbers(right, "window_sums") == [[3, 2, -2, 2], [3] * 4]
    assert numbers(odd, "window_sums") == [[1] * 16, [4] * 16]
    assert (right.odd, odd.odd) == (set(), {"window_sums"})


def test_a_filter_of_another_size_says_enough():
    """Of 3×3 cells a filter of 1×2 makes 3×2 sums."""
    made = search({"pre_activation": WRONG})
    made.rules = {"window_sums": [constant(1, "padding-wrong", "window_sums")]}
    wide = np.broadcast_to(np.array([[1.0, 1.0]]), (1, 2, 1, 1, 1, 2))
    start = followed_to(made, "window_sums").adding({"used_filter": wide}, frozenset({"used_filter"}))
    (found,) = made._made(start, "window_sums")
    assert numbers(found, "window_sums") == [[0, -1, 1, 1, -1, 0]]
    assert found.odd == {"used_filter", "window_sums"}
    again = followed_to(made, "window_sums").adding({}, frozenset({"window_sums", "output"}))
    (found,) = made._made(again, "window_sums")
    assert found.odd == {"output"}


def test_a_gradient_of_another_size_says_enough():
    made = search({"filter_gradient": WRONG})
    made.rules = {"filter_gradient": [constant(1, stage="filter_gradient")]}
    large = {"turned_gradient": np.full((1, 2, 1, 1, 3, 3), 5.0)}
    start = followed_to(made, "filter_gradient").adding(large, frozenset(large))
    (found,) = made._made(start, "filter_gradient")
    assert numbers(found, "filter_gradient") == [[5] * 9]
    assert found.odd == {"turned_gradient", "filter_gradient"}


def test_after_an_odd_array_only_mistakes_that_do_not_use_it():
    made = search({"delta": WRONG})
    made.rules = {
        "error": [
            constant(1, needs=("output", "pre_activation")),
            constant(2, needs=("output",)),
            constant(3),
        ],
        "output": [constant(4, stage="output", needs=("pre_activation",))],
    }
    odd = frozenset({"pre_activation"})
    (found,) = made._made(followed_to(made, "error").adding({}, odd), "error")
    assert numbers(found, "error") == [[2, 2, 0, 1], [2] * 4, [3] * 4]
    (found,) = made._made(followed_to(made, "output").adding({}, odd), "output")  # it can go on from any size
    assert numbers(found, "output") == [[3, 2, 0, 2], [4] * 4]


def test_with_no_way_but_the_right_one_nothing_is_marked():
    made = search({"delta": WRONG})
    made.rules = {"error": [constant(1, size=(9, 9))]}
    (found,) = made._made(followed_to(made, "error"), "error")
    assert numbers(found, "error") == [[2, 2, 0, 1]]
    assert found.marks.pending.tolist() == [0]
    assert made.products == 0


def test_candidates_of_several_ways_stand_one_after_the_other():
    made = search({"delta": WRONG})
    start = candidates({"sign": [[1, 1], [-1, -1]], "z": np.zeros((2, 2, 1))}, odd=("error", "z"))
    turning, plain = constant(0, turns=True), constant(0, "error-squared")
    parts = [
        (np.array([0, 1]), np.array([[[1.0]] * 2, [[2.0]] * 2]), None),
        (np.array([1]), np.array([[[3.0]] * 2]), turning),
        (np.array([0]), np.array([[[4.0]] * 2]), plain),
    ]
    found = made._joined(start, "error", parts, False)
    assert numbers(found, "error") == [[1], [2], [3], [4]]
    assert found.array("sign").tolist() == [[1, 1], [-1, -1], [1, 1], [1, 1]]
    assert found.odd == {"z"}
    assert found.marks.turns.tolist() == [0, 0, 1, 0]
    without = made._joined(start.adding({}, frozenset({"z"})), "error", parts[::2], True)
    assert without.odd == {"error", "z"}
    assert [*without.layers[-1].arrays] == ["error"]
    alone = made._joined(start, "error", parts[:1], False)
    assert alone.array("error") is not None
    assert numbers(alone, "error") == [[1], [2]]


def test_what_is_marked_where_a_mistake_was_made():
    made = search({"delta": WRONG}, TWO)
    own, other = BIT_OF["filter-rotated"], BIT_OF["error-squared"]
    start = candidates(
        {"z": np.zeros((4, 2, 1))},
        ids=[0, 0, own, own],
        mistakes=[0, 1, 1, 1],
        groups=[0, 2, 0, 8],
        turns=[0, 1, 0, 2],
        pending=[0, 1, 1, 1],
    )
    rotated = constant(0, "filter-rotated")
    squared = constant(0, "error-squared", turns=True, unsigned=True)
    every = np.zeros((1, 2, 1))
    found = made._marked(
        start.marks,
        "error",
        [(np.arange(2), every, None), (np.array([2]), every, rotated), (np.array([3]), every, squared)],
    )
    bit = int(made.plan.bit["error"])
    assert found.mistakes.tolist() == [0, 1, 1, 2]  # the same mistake again counts once
    assert found.ids.tolist() == [0, 0, own, own | other]
    kinds = [group_bits(each) for each in ("filter-rotated", "error-squared")]
    assert found.groups.tolist() == [0, 2, kinds[0], 8 | kinds[1] | int(UNSIGNED)]
    assert found.pending.tolist() == [0, 1, 1 | bit, 1 | bit]
    assert found.turns.tolist() == [0, 1, 0, 3]
    assert [made.paths.labels_of(int(node)) for node in found.node] == [[()], [()], [(rotated,)], [(squared,)]]
    assert {each.dtype for each in (found.ids, found.groups, found.pending)} == {np.dtype(np.uint64)}
    assert start.marks.node.tolist() == [0] * 4


def put(made, name, odd, **marks):
    """Candidates with numbers of another size, before a stage."""
    start = followed_to(made, name, len(next(iter(marks.values()), [0])))
    array = np.zeros((len(start), 2, 1, 1, 4, 4))
    marks = {key: np.array(each, dtype=np.uint64) for key, each in marks.items()}
    return start.adding(dict.fromkeys(odd, array), frozenset(odd)).marked(**marks)


def test_before_a_stage_that_needs_the_right_size_right_numbers_take_the_place_of_odd_ones():
    made = search({"delta": WRONG})
    found = made._put_right(put(made, "compared_output", ["pre_activation", "output"]), "compared_output")
    assert numbers(found, "output") == [[3, 2, 0, 2]]
    assert numbers(found, "pre_activation") == [[3, 2, -2, 2]]
    assert numbers(found, "window_sums") == [[3, 2, -2, 2]]
    assert found.odd == set()
    found = made._put_right(put(made, "error", ["compared_output"]), "error")
    assert numbers(found, "compared_output") == [[3, 2, 0, 2]]


@pytest.mark.parametrize(
    ("name", "odd"),
    [("output", ["pre_activation"]), ("compared_output", ["pre_activation"]), ("compared_output", [])],
)
def test_odd_numbers_that_are_not_in_the_way_stay(name, odd):
    made = search({"delta": WRONG})
    start = put(made, name, odd)
    assert made._put_right(start, name) is start


def test_nobody_goes_on_from_odd_numbers_that_were_not_seen():
    made = search({"delta": WRONG})
    found = made._put_right(put(made, "compared_output", ["output"], pending=[2, 0, 1]), "compared_output")
    assert (len(found), found.marks.pending.tolist()) == (1, [0])
    unseen = put(made, "compared_output", ["output"], pending=[1, 2])
    assert made._put_right(unseen, "compared_output") is None
    assert made._done(unseen, "compared_output") == []
    made.rules = {}
    assert len(made._done(put(made, "compared_output", ["output"], pending=[0, 0]), "compared_output")[0]) == 2


def test_on_the_way_numbers_are_rounded_and_cut():
    made = search({"new_filter": [["0.25", "0.5"], ["1.25", "0.75"]]})
    array = np.repeat(np.array([1.2379, 2.7813]), 4 * 4).reshape(2, 4, 1, 1, 2, 2)
    (found,) = made._looked_at(candidates({"error": array}, 4), "error")
    by_world = found.array("error")[:, :, 0, 0, 0, 0]
    assert by_world.tolist() == [[1.2379, 1.2379, 1.24, 1.23], [2.7813, 2.7813, 2.78, 2.78]]
    assert found.array("error").shape == array.shape
    kept = candidates({"window_sums": array}, 4)
    assert made._looked_at(kept, "window_sums")[0] is kept
    assert made._looked_at(kept.take(np.zeros(0, dtype=int)), "window_sums") == []


def test_few_candidates_are_not_compared():
    made = search({"delta": WRONG})
    stage = made.plan.order[made.plan.order.index("pre_activation") + 1]
    assert [len(made._looked_at(followed_to(made, stage, count), "pre_activation")[0]) for count in (8, 9)] == [8, 1]


def test_at_a_given_quantity_only_those_with_its_numbers_stay():
    made = search({"delta": [[2, 2], [1, 1]]})
    start = followed_to(made, "delta", 2).adding({"delta": np.array([[[2, 2, 1, 1]] * 2, [[2, 2, 0, 1]] * 2]).reshape(
        2, 2, 1, 1, 2, 2
    ).astype(float)})  # fmt: skip
    (found,) = made._looked_at(start, "delta")
    assert numbers(found, "delta") == [[2, 2, 1, 1]]
    assert made._looked_at(start.take(np.array([1])), "delta") == []


def test_equal_candidates_are_one_and_those_with_fewer_mistakes_and_turns_stand_for_them():
    made = search({"delta": WRONG}, TWO)
    rows = [  # numbers, mistakes, turns, pending, owing, slips, ids, groups, and which are told in the end
        ("more mistakes", 1, 2, 0, 0, 0, 0, 7, 7),
        ("one way", 1, 1, 0, 0, 0, 0, 3, 6),
        ("other way", 1, 1, 0, 0, 0, 0, 6, 3),
        ("pending", 1, 1, 0, 4, 0, 0, 1, 1),
        ("owing", 1, 1, 0, 0, 4, 0, 1, 1),
        ("slip", 1, 1, 0, 0, 0, 1, 1, 1),
        ("turned", 2, 1, 1, 0, 0, 0, 5, 12),
        ("not turned", 2, 1, 0, 0, 0, 0, 12, 5),
        ("two", 3, 2, 0, 0, 0, 0, 1, 1),
        ("one", 3, 1, 0, 0, 0, 0, 2, 2),
    ]
    labels, cells, mistakes, turns, pending, owing, slips, ids, groups = zip(*rows, strict=True)
    nodes = [int(made.paths.grow(np.zeros(1, dtype=np.int64), label)[0]) for label in labels]
    stage = made.plan.order[made.plan.order.index("pre_activation") + 1]
    numbers_of = np.broadcast_to(np.array(cells, dtype=float).reshape(-1, 1, 1, 1, 1, 1), (10, 2, 1, 1, 2, 2))
    start = followed_to(made, stage, 10).adding({"pre_activation": numbers_of})
    start = start.marked(
        **candidates(
            {"z": np.zeros((10, 2, 1))}, node=nodes, mistakes=mistakes, turns=turns, pending=pending, owing=owing,
            slips=slips, ids=ids, groups=groups,
        ).marks._asdict()
    )  # fmt: skip
    found = made._merged(start, "pre_activation")
    told = [{trail[0] for trail in made.paths.labels_of(int(node))} for node in found.marks.node]
    by_way = dict(zip(map(frozenset, told), range(len(found)), strict=True))
    assert set(by_way) == {
        *map(frozenset, [{"one way", "other way"}, {"pending"}, {"owing"}, {"slip"}, {"turned", "not turned"}, {"one"}])
    }
    both, sign, one = (
        by_way[frozenset(each)] for each in (["one way", "other way"], ["turned", "not turned"], ["one"])
    )
    assert [found.marks.ids[row] for row in (both, sign, one)] == [2, 4, 2]
    assert [found.marks.groups[row] for row in (both, sign, one)] == [2, 4, 2]
    assert [found.marks.mistakes[row] for row in (both, sign, one)] == [1, 1, 1]
    assert found.marks.turns.tolist() == [0] * 6
    assert [numbers(found, "pre_activation")[row][0] for row in (both, sign, one)] == [1, 2, 3]
    assert made._merged(start, "window_sums") is start
    different = start.take(np.array([1, 3, 7]))
    assert made._merged(different, "pre_activation") is different


def test_numbers_that_differ_by_rounding_errors_are_equal():
    grid = search({"delta": WRONG})._grid
    same, near, other = grid(np.array([4.0, 4.0 + 1e-10, 4.0 + 1e-9]))
    assert same == near == pytest.approx(1e10)
    assert other - same in (2, 3)
    assert grid(np.array([1e-20, -np.inf, np.inf])).tolist() == [1e10, -np.inf, np.inf]
    assert grid(np.array([-4.0, 1.0])).tolist() == [-1e10, 2.5e9]
    zeros = grid(np.array([0.0, -0.0, 1e-301]))
    assert zeros.tolist() == [0, 0, 0]
    assert not np.signbit(zeros).any()


@pytest.mark.parametrize(("level", "rows"), [(ONE, [0, 5, 6]), (Level(1, True), [5, 6]), (TWO, [2])])
def test_in_the_end_every_mistake_is_confirmed_and_slips_are_found_where_they_are_asked_for(level, rows):
    made = search({"delta": WRONG}, level)
    nodes = [int(made.paths.grow(np.zeros(1, dtype=np.int64), str(row))[0]) for row in range(7)]
    mistakes, pending, owing = [1, 0, 2, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]
    slips, turns = [0, 0, 0, 0, 0, 1, 2], [0, 1, 2, 3, 4, 5, 6]
    end = candidates(
        {"z": np.zeros((7, 2, 1))},
        node=nodes,
        mistakes=mistakes,
        pending=pending,
        owing=owing,
        slips=slips,
        turns=turns,
    )
    assert [tuple(each) for each in made._complete(end)] == [([(str(row),)], slips[row], turns[row]) for row in rows]


def test_one_level_from_end_to_end():
    """With the filter turned z is 4 − 3 + 1, −4 + 2, 3 − 1 and 4 − 2 + 1."""
    made = search({"pre_activation": [[2, -2], [2, 3]], "output": [[2, 0], [2, 3]]})
    (found,) = made.run()
    assert (found.slips, found.turns) == (0, 0)
    ((rule, shown, follows),) = found.trails
    assert (rule.id, shown.kind, follows.kind) == ("filter-rotated", "shown", "follows")
    assert search({"pre_activation": WRONG}).run() == []


def test_nothing_is_complained_about_on_the_way():
    made = search({"delta": (1e200 * np.array(WRONG)).tolist()}, input=(1e200 * np.array(KEYS["input"])).tolist())
    with np.errstate(all="raise"):
        assert made.run() == []


def test_a_search_goes_on_from_where_another_came():
    kept = Kept(1 << 25)
    attempt = {"output": [[3, 2], [0, 2]], "error": [[2, 2], [0, 1]], "loss": 9}
    first = search(attempt, kept=kept)
    assert first._where_others_came() is None
    found = first.run()
    assert (found, len(kept)) == (first.run(), 1)
    assert [found[0].trails[0][-2].id] == ["factor-two"]
    assert first.plan.order[first._first_doubtful()] == "loss"
    second = search(attempt, kept=kept)
    reached = second._where_others_came()
    assert (reached.place, reached.products) == (second.plan.order.index("loss"), first.products)
    assert second.paths.labels == reached.paths.labels
    assert reached.size == sum(each.size for each in reached.sets) > 0
    third = search(attempt, kept=kept)
    assert [(len(each.trails), each.slips, each.turns) for each in third.run()] == [
        (len(each.trails), each.slips, each.turns) for each in found
    ]
    assert third.products == first.products > 0
    assert search(attempt)._where_others_came() is None


def test_of_several_quantities_that_were_reached_the_last_is_gone_on_from():
    kept = Kept(1 << 25)
    attempt = {"pre_activation": [[2, -2], [2, 3]], "output": [[2, 0], [2, 3]], "delta": [[1, 0], [2, 2]]}
    first = search(attempt, kept=kept)
    found = first.run()
    assert len(kept) == 3
    second = search(attempt, kept=kept)
    assert second._where_others_came().place == second.plan.order.index("delta")
    (again,) = search(attempt, kept=kept).run()
    assert [getattr(each, "id", None) or each.kind for each in again.trails[0]] == [
        getattr(each, "id", None) or each.kind for each in found[0].trails[0]
    ]
    assert isinstance(kept.get(second._key(0)), Reached)
