"""The rows of a search, and the ways that they came."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.diagnosis.candidates import Candidates, Layer, Marks, Paths, Rows, bits_set


def two_rows():
    """Two candidates in two worlds, of which the first has come by way of the second row of its array."""
    layer = Layer({"z": np.arange(12.0).reshape(3, 2, 2)}, np.array([1, 0]))
    marks = Marks.of_one().take(np.array([0, 0]))
    return Candidates((layer,), marks, 2)


def test_bits_are_counted():
    found = bits_set(np.array([0, 1, 3, 1 << 63, (1 << 64) - 1, 0b1011 << 20], dtype=np.uint64))
    assert found.tolist() == [0, 1, 2, 1, 64, 3]
    assert found.dtype == np.int64


def test_at_first_there_is_one_candidate_without_a_mark():
    marks = Marks.of_one()
    assert [each.tolist() for each in marks] == [[0]] * 8
    kinds = {name: getattr(marks, name).dtype for name in Marks._fields}
    assert {name for name, kind in kinds.items() if kind == np.uint64} == {"ids", "groups", "pending", "owing"}
    assert {name for name, kind in kinds.items() if kind == np.int64} == {"node", "mistakes", "slips", "turns"}


def test_marks_of_several_sets():
    one = Marks.of_one()
    other = one._replace(slips=np.array([2]), node=np.array([5]))
    both = Marks.joined([one, other])
    assert both.slips.tolist() == [0, 2]
    assert both.node.tolist() == [0, 5]
    assert both.take(np.array([1, 1])).slips.tolist() == [2, 2]


def test_arrays_by_candidate():
    candidates = two_rows()
    assert len(candidates) == 2
    assert candidates.array("z").tolist() == [[[4, 5], [6, 7]], [[0, 1], [2, 3]]]
    more = candidates.adding({"a": np.ones((2, 2, 1)), "z": np.zeros((2, 2, 2))}, frozenset({"a"}))
    assert more.array("z").any() == 0
    assert candidates.array("z").any()
    assert ("a" in more, "a" in candidates) == (True, False)
    assert (more.odd, candidates.odd, more.adding({}).odd) == ({"a"}, set(), {"a"})
    assert more.size == candidates.size + 8 * (4 + 8)
    with pytest.raises(KeyError):
        candidates.array("a")


def test_candidates_are_taken_in_any_order_and_as_often_as_wanted():
    candidates = two_rows().marked(slips=np.array([3, 4]))
    taken = candidates.take(np.array([1, 0, 1]))
    assert taken.array("z")[:, 0, 0].tolist() == [0, 4, 0]
    assert taken.marks.slips.tolist() == [4, 3, 4]
    assert candidates.take(np.array([1]), Marks.of_one()).marks.slips.tolist() == [0]


def test_worlds_are_rows_to_a_stage():
    candidates = two_rows().adding({"a": np.arange(4.0).reshape(2, 2, 1)})
    every, second = Rows(candidates), Rows(candidates, np.array([1]))
    assert every["z"].tolist() == [[4, 5], [6, 7], [0, 1], [2, 3]]
    assert second["z"].tolist() == [[0, 1], [2, 3]]
    assert second["a"].tolist() == [[2], [3]]
    assert (list(every), len(every), "a" in every, "b" in every) == (["z", "a"], 2, True, False)


def test_a_way_is_told_from_its_first_label_to_its_last():
    paths = Paths()
    first = paths.grow(np.zeros(2, dtype=np.int64), "first")
    second = paths.grow(first[:1], "second")
    assert paths.labels_of(int(second[0])) == [("first", "second")]
    assert paths.labels_of(int(first[1])) == [("first",)]
    assert paths.labels_of(0) == [()]


def test_joined_ways_are_all_told():
    paths = Paths()
    one, other, third = (int(paths.grow(np.zeros(1, dtype=np.int64), label)[0]) for label in "abc")
    node = paths.join(one, [other, third])
    (last,) = paths.grow(np.array([node]), "then")
    assert sorted(paths.labels_of(int(last))) == [("a", "then"), ("b", "then"), ("c", "then")]


def test_a_copy_grows_by_itself():
    paths = Paths()
    (node,) = paths.grow(np.zeros(1, dtype=np.int64), "a")
    joined = paths.join(int(node), [0])
    copied = paths.copy()
    assert sorted(copied.labels_of(joined)) == [(), ("a",)]
    (longer,) = copied.grow(np.array([joined]), "b")
    copied.join(int(longer), [joined])
    assert (len(paths.parents), len(copied.parents)) == (3, 5)
    assert (len(paths.labels), len(paths.others)) == (3, 1)
    paths.take_over(copied)
    assert paths.labels_of(int(longer)) == copied.labels_of(int(longer))
