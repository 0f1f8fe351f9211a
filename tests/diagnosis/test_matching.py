"""What becomes of candidates at a quantity that was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import convstep
from convstep.diagnosis.candidates import Candidates, Layer, Marks, Paths
from convstep.diagnosis.evidence import Evidence
from convstep.diagnosis.following import Followed
from convstep.diagnosis.hand import Hand
from convstep.diagnosis.levels import Level
from convstep.diagnosis.matching import AGAIN, UNSIGNED, Matching, Verdict
from convstep.diagnosis.plan import plan_for
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.written import Written

KEYS = {
    "input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]],
    "filter": [[1, 0], [0, 1]],
    "target": [[1, 2], [3, 4]],
    "learning_rate": 0.5,
    "activation": "linear",
}
"""z is 2 5 0 2, the error and δ are 1 3 −3 −2."""
DELTA = [1.0, 3.0, -3.0, -2.0]
NOBODY = 1 << 7
"""A bit of a stage that does not lead to δ."""


class Table:
    """A search in which some quantities were given, and what it knows of δ."""

    def __init__(self, written, *, given=("delta",), slips=True, worlds=2, finest=0.0, doubt=0.0, name="delta", **keys):
        self.setting = setting_at(convstep.load(KEYS | keys), 1)
        self.plan = plan_for(self.setting, given)
        self.paths, self.worlds, self.name = Paths(), worlds, name
        truth = self.setting.truth[name]
        followed = Followed(False, False, 0, truth, np.full_like(truth, doubt), truth, False)
        self.evidence = Evidence(self.setting, name, Written.of(written), followed, finest, Hand(True, False))
        self.matching = Matching(self.setting, self.plan, Level(1, slips), self.paths, {name: self.evidence})

    def candidates(self, *rows, pending: Sequence[str | None] = (), shape=(1, 1, 2, 2), **marks) -> Candidates:
        """With these numbers in all worlds, and one mistake pending at a stage each."""
        count = len(rows)
        array = np.array(rows, dtype=float).reshape(count, 1, *shape).repeat(self.worlds, axis=1)
        arrays = {self.name: array, "sign": np.ones((count, self.worlds))}
        bits = [0 if stage is None else int(sum(self.plan.bit[each] for each in stage.split())) for stage in pending]
        first = Marks.of_one().take(np.zeros(count, dtype=int))
        if bits:
            first = first._replace(pending=np.array(bits, dtype=np.uint64))
        return Candidates((Layer(arrays, np.arange(count)),), first._replace(**marks), self.worlds)

    def matched(self, *rows, **more) -> Candidates:
        return self.matching.matched(self.candidates(*rows, **more), self.evidence)

    def verdicts(self, found: Candidates) -> list[Verdict]:
        return [self.paths.labels_of(int(node))[0][-1] for node in found.marks.node]


def sign_of(found: Candidates) -> list[float]:
    return found.array("sign")[:, 0].tolist()


def test_those_stay_that_have_the_numbers():
    table = Table([[1, 3], [-3, -2]], slips=False)
    found = table.matched(DELTA, [9, 9, 9, 9], pending=["delta", "delta"])
    assert len(found) == 1
    assert table.verdicts(found) == [Verdict("delta", "shown", False, chance=table.verdicts(found)[0].chance)]
    assert found.marks.pending.tolist() == [0]
    none = table.matched([9, 9, 9, 9], pending=["delta"])
    assert len(none) == 0
    assert none.array("delta").shape == (0, 2, 1, 1, 2, 2)


def test_leniently_where_no_mistake_is_to_be_confirmed():
    table = Table([["1.0", "3.0"], ["-3.0", "-2.0"]], slips=False, finest=0.1)
    near = [1.09, 3.0, -3.0, -2.0]
    both = table.matched(near, near, pending=[None, "delta"])
    assert [each.kind for each in table.verdicts(both)] == ["follows"]
    assert both.array("delta")[0].reshape(2, 4).tolist() == [near, DELTA]


def test_with_the_other_sign_all_that_follows_has_it():
    table = Table([[-1, -3], [3, 2]], slips=False)
    found = table.matched(DELTA)
    assert table.verdicts(found) == [Verdict("delta", "turned", True)]
    assert sign_of(found) == [-1.0]
    assert found.marks.turns.tolist() == [1]


@pytest.mark.parametrize(("given", "turns"), [(("delta",), True), (("error", "delta"), False)])
def test_what_was_not_given_has_the_other_sign_too(given, turns):
    table = Table([[-1, -3], [3, 2]], slips=False, given=given)
    candidates = table.candidates(DELTA)
    candidates = candidates.adding({"error": candidates.array("delta")})
    found = table.matching.matched(candidates, table.evidence)
    assert found.array("error")[0, 0].ravel().tolist() == [(-each if turns else each) for each in DELTA]
    right = Table([[-1, -3], [3, 2]], slips=False, given=given)
    odd = right.candidates([7, 7, 7, 7]).adding({"error": candidates.array("delta")})
    assert right.matching.matched(odd, right.evidence).array("error")[0, 0].ravel().tolist() == DELTA


def test_what_lost_its_sign_is_not_turned():
    table = Table([[-7, -5], [6, 4]], slips=False)
    assert len(table.matched([7, 5, -6, -4])) == 1
    assert len(table.matched([7, 5, -6, -4], groups=np.array([UNSIGNED]))) == 0
    assert int(UNSIGNED) == 1 << 63


@pytest.mark.parametrize(("given", "sign"), [([["0.1", 0], [0, 0]], 1), ([["-0.1", 0], [0, 0]], -1), ([[0, 0]] * 2, 1)])
def test_where_both_signs_would_do_the_nearer_is_meant(given, sign):
    """Numbers of one digit that are 0.04 in truth, for all that is known."""
    table = Table(given, slips=False, finest=0.1, doubt=0.2)
    found = table.matched([0.04, 0, 0, 0])
    assert [each.turned for each in table.verdicts(found)] == [sign == -1]


def test_a_turn_after_a_number_that_settled_the_sign_counts_much():
    table = Table([[1, 3], [-3, -2]])
    assert table.matching.cost_of_turning("delta") == 1
    table.matching.settled = frozenset({"delta"})
    assert table.matching.cost_of_turning("delta") == AGAIN
    assert table.matching.cost_of_turning("filter_gradient") == 1


def test_which_signs_a_quantity_may_have():
    table = Table([[1, 3], [-3, -2]], given=("delta", "filter_update", "new_filter"))
    assert [table.matching._signs(name) for name in ("delta", "output", "filter_update")] == [(1, -1), (1,), (1, -1)]
    alone = Table([[1, 3], [-3, -2]], given=("delta", "filter_update"))
    assert alone.matching._signs("filter_update") == (1,)


def test_right_numbers_after_wrong_ones():
    table = Table([[1, 3], [-3, -2]], slips=False)
    found = table.matched([7, 7, 7, 7], owing=np.array([NOBODY | 1], dtype=np.uint64))
    assert table.verdicts(found) == [Verdict("delta", "true", False)]
    assert found.array("delta")[0, 1].ravel().tolist() == DELTA
    assert sign_of(found) == [1.0]
    assert found.marks.turns.tolist() == [0]
    assert found.marks.owing.tolist() == [NOBODY | 1]
    assert len(table.matched([7, 7, 7, 7], pending=["delta"])) == 0


def test_right_numbers_with_the_other_sign_after_wrong_ones():
    table = Table([[-1, -3], [3, 2]], slips=False)
    found = table.matched([7, 7, 7, 7])
    assert table.verdicts(found) == [Verdict("delta", "true", True)]
    assert found.array("delta")[0, 0].ravel().tolist() == [-1, -3, 3, 2]
    assert sign_of(found) == [-1.0]
    assert found.marks.turns.tolist() == [1]


def test_what_a_number_confirms_is_no_longer_owed():
    table = Table([[1, 3], [-3, -2]], slips=False, given=("pre_activation", "delta", "filter_gradient"))
    leads, later = (int(table.plan.bit[name]) for name in ("pre_activation", "filter_gradient"))
    found = table.matched(DELTA, owing=np.array([leads | later], dtype=np.uint64))
    assert found.marks.owing.tolist() == [later]


ODD = (1, 1, 3, 3)


def test_numbers_of_the_right_size_after_odd_ones_can_only_be_right():
    table = Table([[1, 3], [-3, -2]])
    wrong = [*DELTA, *DELTA, 1.0]
    candidates = table.candidates(wrong, wrong, pending=[None, "delta"], shape=ODD)
    odd = Candidates(candidates.layers, candidates.marks, 2, frozenset({"delta", "output"}))
    found = table.matching.matched(odd, table.evidence)
    assert len(found) == 1
    assert found.array("delta").tolist() == [[[[[[1, 3], [-3, -2]]]]] * 2]
    assert found.odd == {"output"}
    assert table.verdicts(found) == [Verdict("delta", "true", False)]
    assert found.marks.turns.tolist() == [0]
    assert len(table.matched(wrong, pending=["delta"], shape=ODD)) == 0


def test_with_the_other_sign_as_well():
    table = Table([[-1, -3], [3, 2]])
    found = table.matched([0.0] * 9, shape=ODD)
    assert found.array("delta")[0, 1].ravel().tolist() == [-1, -3, 3, 2]
    assert table.verdicts(found) == [Verdict("delta", "true", True)]


@pytest.mark.parametrize("written", [[[1, 3], [-3, 7]], [[1, 3, 5, 7]]])
def test_else_they_are_nobody_s(written):
    found = Table(written).matched([0.0] * 9, shape=ODD)
    assert len(found) == 0
    assert found.array("delta").shape[0] == 0


def test_the_chance_of_several_mistakes():
    """Two mistakes make two different predictions of whole numbers from −3 to 3; one more only seems to be another."""
    table = Table([[1, 3], [-3, -2]])
    two = "pre_activation delta"
    rows = DELTA, [1, 1, 1, 1], [1, 1, 1, 1.0 + 1e-12], DELTA
    candidates = table.candidates(*rows, pending=[two, two, two, "delta"])
    assert table.matching._chance(candidates, table.evidence, 2, 4) == pytest.approx(2 / 7**4)
    assert table.matching._chance(candidates, table.evidence, 2, 1) == pytest.approx(2 / 7)
    assert table.matching._chance(candidates, table.evidence, 1, 1) == pytest.approx(1 / 7)
    tenths = Table([["1.0", "3.0"], ["-3.0", "-2.0"]], finest=0.1)
    near = tenths.candidates(DELTA, [1.04, 3.0, -3.0, -2.0], [1.06, 3.0, -3.0, -2.0], pending=[two] * 3)
    assert tenths.matching._chance(near, tenths.evidence, 2, 1) == pytest.approx(2 / 61)
    exact = Table(np.array([[0.25, 0.3125], [0.25, 0.25]]))
    small = [
        exact.candidates([0.3, 0, 0, 0.3], [0.3, 0, 0, 0.3 + apart], pending=[two] * 2) for apart in (4e-10, 1e-10)
    ]
    one, same = (exact.matching._chance(each, exact.evidence, 2, 1) for each in small)
    assert one == pytest.approx(2 * same)
    worlds = np.array([[DELTA, DELTA], [[1, 1, 1, 1], DELTA]], dtype=float).reshape(2, 2, 1, 1, 2, 2)
    in_worlds = table.candidates(DELTA, DELTA, pending=[two] * 2).adding({"delta": worlds})
    assert table.matching._chance(in_worlds, table.evidence, 2, 1) == pytest.approx(2 / 7)
    minus = tenths.candidates([0.0] * 4, [-0.0] * 4, [np.nan] * 4, pending=[two] * 3)
    assert tenths.matching._chance(minus, tenths.evidence, 2, 1) == pytest.approx(1 / 61)


def test_of_a_new_filter_the_change_speaks_alone():
    """From 1 0 0 1 to 2 0 0 0: whole numbers from −1 to 1, and not from −2 to 2."""
    table = Table([[2, 0], [0, 0]], given=("new_filter",), name="new_filter")
    candidates = table.candidates([2, 0, 0, 0], pending=["filter_gradient filter_update"])
    assert table.matching._chance(candidates, table.evidence, 2, 1) == pytest.approx(1 / 3)


def test_what_may_fit_by_chance_is_not_told():
    """Two mistakes, and one number of three possible ones."""
    two = "pre_activation delta"
    table = Table([[1, None], [None, None]], slips=False)
    assert len(table.matched([1, 5, 6, 7], pending=[two])) == 0
    assert len(table.matched([1, 5, 6, 7], pending=["delta"])) == 1
    whole = Table([[1, 3], [-3, -2]], slips=False)
    found = whole.matched(DELTA, pending=[two])
    assert whole.verdicts(found)[0].chance == pytest.approx(1 / 7**4)


@pytest.mark.parametrize(
    ("stages", "slips", "is_told"),
    [("delta", 3, True), ("pre_activation delta", 1, True), ("pre_activation delta", 2, False)],
)
def test_beside_slips_fewer_numbers_speak(stages, slips, is_told):
    """Of four whole numbers from −3 to 3 three are enough for one prediction by two mistakes, and two are not."""
    table = Table([[1, 3], [-3, -2]])
    candidates = table.candidates(DELTA, pending=[stages])
    assert table.matching._beyond_chance(candidates, table.evidence, 0, slips) is is_told


def slipped(written, predicted, *, pending=False, room=3, **more):
    table = Table(written, **more)
    return table.matching._slipped(table.evidence, np.array([predicted] * 2, dtype=float), pending, room)


def test_a_few_cells_may_be_slips():
    cells, numbers, owes = slipped([[1, 3], [-3, 9]], DELTA)
    assert (cells, owes) == ([3], False)
    assert numbers.tolist() == [DELTA] * 2
    assert slipped([[1, 3], [-3, -2]], DELTA) is None
    assert slipped([[1, 3], [8, 9]], DELTA)[0] == [2, 3]
    assert slipped([[1, 7], [8, 9]], DELTA) is None
    assert slipped([[1, 3], [8, 9]], DELTA, room=1) is None
    assert slipped([[1, None], [-3, 9]], DELTA)[0] == [3]
    assert slipped([[1, None], [None, 9]], DELTA)[0] == [3]
    assert slipped([[None, None], [None, 9]], DELTA) is None


def test_beside_a_mistake_many_slips_must_be_borne_out():
    assert slipped([[1, 3], [-3, 9]], DELTA, pending=True)[2] is False
    assert slipped([[1, 3], [8, 9]], DELTA, pending=True)[2] is True
    assert slipped([[1, 3], [8, 9]], DELTA)[2] is False


def test_the_world_that_fits_best_counts():
    table = Table([[1, 3], [-3, 9]])
    predicted = np.array([[5, 5, 5, 5], DELTA], dtype=float)
    assert table.matching._slipped(table.evidence, predicted, True, 3)[0] == [3]
    assert table.matching._slipped(table.evidence, predicted, False, 3)[0] == [3]
    off = np.array([[1, 3, np.inf, 5], [1, 3, -3, np.inf]])
    assert table.matching._slipped(table.evidence, off, False, 3) is None


def test_zeros_alone_show_no_method():
    assert slipped([[0, 0], [0, 9]], [0, 0, 0, 5], pending=True) is None
    assert slipped([[0, 0], [0, 9]], [0, 0, 0, 5])[0] == [3]
    assert slipped([[0, 2], [0, 9]], [0, 2, 0, 5], pending=True)[0] == [3]
    assert slipped([[0, 0], [None, 9]], [0, 0, 4, 5], pending=True) is None


def test_numbers_in_another_order_are_no_slips():
    """1 2 and 3 4 upside down: two of four cells are the same where the matrix is nearly so."""
    assert slipped([[1, 2], [1, 3]], [1, 3, 1, 2]) is None
    assert slipped([[1, 2], [1, 4]], [1, 3, 1, 2])[0] == [1, 3]


@pytest.mark.parametrize(
    ("written", "finest", "is_order"),
    [
        *(([[3, 4], [1, 2]], 0.0, True), ([[2, 1], [4, 3]], 0.0, True), ([[1, 3], [2, 4]], 0.0, True)),
        *(([[3, 4], [1, 2.5]], 0.0, False), ([["3.0", "4.1"], ["1.0", "2.0"]], 0.1, True)),
        *(([["3.0", "4.0"], ["0.9", "2.0"]], 0.1, True),),
        *(([["3.0", "4.2"], ["1.0", "2.0"]], 0.1, False), ([[-3, -4], [-1, -2]], 0.0, False)),
        *(([[3, 4], [1, None]], 0.0, False), ([[3, 4, 1, 2]], 0.0, False), ([[5, 6], [7, 8]], 0.0, False)),
    ],
)
def test_another_order(written, finest, is_order):
    table = Table(written, finest=finest)
    assert table.matching._is_another_order(table.evidence, np.array([1.0, 2.0, 3.0, 4.0])) is is_order


def test_an_open_cell_is_no_zero_of_another_order():
    table = Table([[3, 4], [1, None]])
    assert not table.matching._is_another_order(table.evidence, np.array([1.0, 0.0, 3.0, 4.0]))


def test_another_order_to_the_last_digit():
    table = Table([["0.1", "4.0"], ["1.0", "2.0"]], finest=0.1)
    assert table.matching._is_another_order(table.evidence, np.array([1.0, 2.0, 0.0, 4.0]))


def test_exact_numbers_in_another_order_may_differ_by_a_rounding():
    table = Table(np.array([[3e6, 4e6], [1e6, 2e6 + 0.003]]))
    assert table.matching._is_another_order(table.evidence, np.array([1e6, 2e6, 3e6, 4e6]))
    table = Table(np.array([[3e6, 4e6], [1e6, 2e6 + 0.005]]))
    assert not table.matching._is_another_order(table.evidence, np.array([1e6, 2e6, 3e6, 4e6]))


def test_a_slip_is_gone_on_from_as_written_and_as_it_should_be():
    table = Table([[1, 3], [-3, 9]])
    found = table.matched(DELTA)
    assert len(found) == 2
    assert found.array("delta")[:, 1].reshape(2, 4).tolist() == [[1, 3, -3, 9], DELTA]
    assert found.marks.slips.tolist() == [1, 1]
    assert table.verdicts(found) == [Verdict("delta", "slip", False, (3,), tuple(DELTA))] * 2


def test_a_slip_with_the_other_sign():
    table = Table([[-1, -3], [3, 9]])
    found = table.matched(DELTA)
    assert table.verdicts(found)[0] == Verdict("delta", "slip", True, (3,), (-1.0, -3.0, 3.0, 2.0))
    assert sign_of(found) == [-1.0, -1.0]
    assert found.array("delta")[:, 1].reshape(2, 4).tolist() == [[-1, -3, 3, 9], [-1, -3, 3, 2]]


def test_where_slips_must_be_borne_out_only_the_right_numbers_are_gone_on_from():
    table = Table([[1, 3], [8, 9]])
    found = table.matched(DELTA, pending=["delta"])
    assert found.array("delta")[:, 1].reshape(-1, 4).tolist() == [DELTA]
    assert found.marks.owing.tolist() == [int(table.plan.bit["delta"])]
    assert found.marks.slips.tolist() == [2]
    assert found.marks.pending.tolist() == [0]


def test_beside_a_mistake_rounding_is_no_slip():
    """1.09 for 1.04 is not the mistake's 1.04 rounded, and may be all the same."""
    table = Table([["1.0", "3.0"], ["-3.0", "-2.0"]], finest=0.1)
    near = [1.09, 3.0, -3.0, -2.0]
    found = table.matched(near, pending=["delta"])
    assert {(each.kind, each.cells) for each in table.verdicts(found)} == {("shown", ())}
    far = table.matched([1.29, 3.0, -3.0, -2.0], pending=["delta"])
    assert {(each.kind, each.cells) for each in table.verdicts(far)} == {("slip", (0,))}


@pytest.mark.parametrize(("stage", "kind", "cells"), [("delta", "shown", ()), (None, "slip", (0,))])
def test_beside_a_mistake_a_number_of_any_world_is_no_slip(stage, kind, cells):
    """What it should be is told with all digits."""
    table = Table([[1, 3], [-3, -2]])
    predicted = np.array([[9, 3, -3, -2], [1, 3, -3, -2]], dtype=float)
    candidates = table.candidates(DELTA, pending=[stage])
    found = table.matching._both_ways(candidates, table.evidence, 0, predicted, [0], False, False)
    for each in found:
        assert table.verdicts(each) == [Verdict("delta", kind, False, cells, (9.0, 3.0, -3.0, -2.0))]
    assert found[1].array("delta")[0].reshape(2, 4).tolist() == predicted.tolist()


def test_of_slips_there_are_three_at_most():
    table = Table([[1, 3], [-3, 9]])
    assert len(table.matched(DELTA, slips=np.array([2]))) == 2
    assert len(table.matched(DELTA, slips=np.array([3]))) == 0
    assert len(Table([[1, 3], [-3, 9]], slips=False).matched(DELTA)) == 0


def test_several_sets_are_joined():
    """One has the numbers, one has them with the other sign, one with a slip."""
    table = Table([[1, 3], [-3, -2]])
    found = table.matched(DELTA, [-1, -3, 3, 2], [1, 3, -3, 9])
    kinds = [(each.kind, each.turned) for each in table.verdicts(found)]
    assert kinds == [("follows", False), ("turned", True), ("true", False), ("slip", False), ("slip", False)]
    assert sign_of(found) == [1, -1, 1, 1, 1]
    assert (found.worlds, found.odd) == (2, frozenset())
