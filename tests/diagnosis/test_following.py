"""A learner's numbers along the calculation: which are right, which follow, and what is gone on with."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.calculation import stages_of
from convstep.diagnosis.following import Begun, Followed, digits_of, follow, settled, went_on_with
from convstep.diagnosis.kept import Kept
from convstep.diagnosis.settings import setting_at
from convstep.diagnosis.worlds import true_worlds
from convstep.diagnosis.written import Written, finest

LINE = {"input": [[1, 2, 3]], "filter": [[2]], "target": [[1, 1, 1]], "learning_rate": 0.1, "activation": "linear"}
"""z = [2, 4, 6], e = δ = [1, 3, 5], ∂L/∂w = 22, Δw = −2.2, w′ = −0.2."""
PAIR = LINE | {"filter": [[2, 1]], "target": [[3, 5]], "learning_rate": 0.5}
"""z = [4, 7], e = [1, 2], ∂L/∂w = [5, 8], Δw = [−2.5, −4], w′ = [−0.5, −3]."""
ONE = {"input": [[1]], "filter": [["0.1234"]], "target": [[0]], "learning_rate": 1, "activation": "linear"}
"""z = a = e = δ = ∂L/∂w = 0.1234, w′ = 0."""
ADAGRAD = ONE | {"filter": [[0.3]], "optimizer": "adagrad"}
"""∂L/∂w = 0.3, its square 0.09, Δw = −1."""


def read(attempt):
    return {name: Written.of(value) for name, value in attempt.items()}


def course(problem, attempt, *, firm=(), kept=None, of_run=None):
    setting, written = setting_at(convstep.load(problem), 1), read(attempt)
    setting.of_run = {name: setting.full(name, np.array(value)) for name, value in (of_run or {}).items()}
    stages = stages_of(setting)
    return follow(setting, stages, written, true_worlds(setting, stages, finest(written)), frozenset(firm), kept)


def judged(problem, attempt, name, **others):
    return course(problem, attempt, **others).found[name]


def short(found):
    return found.follows, found.turned, found.true


def rows(numbers):
    return numbers.reshape(len(numbers), -1).tolist()


def went_on(problem, attempt):
    setting, written = setting_at(convstep.load(problem), 1), read(attempt)
    numbers, doubts = went_on_with(setting, stages_of(setting), written, finest(written))
    return tuple({name: each.reshape(-1).tolist() for name, each in found.items()} for found in (numbers, doubts))


def test_the_right_numbers_follow():
    found = judged(LINE, {"error": [[1, 3, 5]]}, "error")
    assert (short(found), found.fails, found.nothing, found.held, found.as_run) == ((1, 0, 1), False, False, False, 0)
    assert (rows(found.expected), rows(found.doubt), rows(found.truths)) == ([[1, 3, 5]], [[0] * 3], [[1, 3, 5]] * 2)
    plain = Followed(False, False, 0, found.expected, found.doubt, found.truths, False)
    assert (plain.held, plain.as_run, plain.fails) == (False, False, True)


def test_what_follows_from_wrong_numbers_and_what_is_right_after_them():
    wrong, after = course(LINE, {"error": [[1, 3, 4]], "filter_gradient": [[19]]}).found.values()
    assert (short(wrong), wrong.fails) == ((False, False, 0), True)
    assert (short(after), after.fails, rows(after.expected)) == ((True, False, 0), False, [[19]])
    right = judged(LINE, {"error": [[1, 3, 4]], "filter_gradient": [[22]]}, "filter_gradient")
    assert (short(right), right.fails, rows(right.expected)) == ((False, False, 1), False, [[19]])
    opposite = judged(LINE, {"error": [[1, 3, 4]], "filter_gradient": [[-22]]}, "filter_gradient")
    assert (short(opposite), opposite.fails) == ((False, False, -1), False)


def test_the_other_sign_is_carried_on():
    given = {"error": [[-1, -3, -5]], "filter_gradient": [[-22]], "filter_update": [["-2.2"]], "new_filter": [["-0.2"]]}
    found = course(LINE, given)
    assert [short(each) for each in found.found.values()] == [(1, 1, -1), (1, 0, -1), (1, 0, 1), (1, 0, 1)]
    assert rows(found.found["error"].expected) == [[1, 3, 5]]
    assert rows(found.found["filter_gradient"].expected) == [[-22]]
    assert rows(found.values["sign"]) == rows(found.values["filter_sign"]) == [[-1]] * 4
    assert rows(found.values["delta"]) == [[-1, -3, -5]] * 4


def test_the_other_sign_is_carried_on_from_what_is_right_with_it_after_wrong_numbers():
    found = course(LINE, {"error": [[1, 3, 4]], "delta": [[-1, -3, -5]], "filter_gradient": [[22]]})
    assert short(found.found["delta"]) == (False, False, -1)
    assert rows(found.values["sign"]) == [[-1]] * 2
    assert short(found.found["filter_gradient"]) == (True, True, 1)


def test_nothing_was_written():
    assert rows(course(LINE, {}).values["error"]) == [[1, 3, 5]] * 2


def test_the_sign_may_change_back():
    found = course(LINE, {"error": [[-1, -3, -5]], "filter_gradient": [[22]]})
    assert short(found.found["filter_gradient"]) == (True, True, 1)
    assert rows(found.values["sign"]) == [[-1]] * 2
    assert rows(found.values["filter_sign"]) == [[1]] * 2


@pytest.mark.parametrize("firm", [(), ("pre_activation",)])
def test_what_has_no_sign_is_not_turned(firm):
    found = judged(LINE, {"pre_activation": [[-2, -4, -6]]}, "pre_activation", firm=firm)
    assert (short(found), found.held, found.fails) == ((False, False, 0), False, True)


@pytest.mark.parametrize(
    ("error", "delta", "firm", "expected"),
    [
        ([[1, 3, 5]], [[-1, -3, -5]], (), (True, True, -1, False)),
        ([[1, 3, 5]], [[-1, -3, -5]], ("delta",), (False, False, 0, True)),
        ([[1, 3, 5]], [[1, 3, 5]], ("delta",), (True, False, 1, False)),
        ([[1, 3, 4]], [[-1, -3, -5]], ("delta",), (False, False, 0, True)),
        ([[1, 3, 4]], [[-1, -3, -7]], ("delta",), (False, False, 0, False)),
        ([[1, 3, 5]], [[-1, -3, -5]], ("error",), (True, True, -1, False)),
    ],
)
def test_a_firm_sign_does_not_change(error, delta, firm, expected):
    found = judged(LINE, {"error": error, "delta": delta}, "delta", firm=firm)
    assert (*short(found), found.held) == expected


def test_what_was_not_written_is_turned_with_what_shows_the_sign():
    values = course(LINE, {"error": [[1, 3, 5]], "delta": [[-1, None, -5]]}).values
    assert rows(values["error"]) == [[1, 3, 5]] * 2
    assert rows(values["output_gradient"]) == rows(values["delta"]) == [[-1, -3, -5]] * 2


def test_what_is_right_with_the_other_sign_after_wrong_numbers_has_that_sign():
    """Whatever sign was carried before."""
    for error in ([[1, 3, 4]], [[-1, -3, -5]]):
        given = {"error": error, "output_gradient": [[-1, -3, -4]], "delta": [[-1, -3, -5]]}
        found = course(LINE, given)
        assert short(found.found["delta"]) == (False, False, -1)
        assert rows(found.values["sign"]) == rows(found.values["filter_sign"]) == [[-1], [-1]]
        assert rows(found.values["delta"]) == [[-1, -3, -5]] * 2


@pytest.mark.parametrize(("gradient", "turned"), [("0.4", False), ("-0.4", True)])
@pytest.mark.parametrize("cells", [1, 2])
def test_where_doubt_leaves_both_signs_the_nearer_is_meant(gradient, turned, cells):
    """a is 0.66, written as 0.7; e is 0.01, or 0.05. From z to δ its doubt grows to four units, times x is 4."""
    keys = ONE | {"input": [[10] + [0] * (cells - 1)], "filter": [["0.066"] + [0] * (cells - 1)], "target": [["0.65"]]}
    given = {"output": [["0.7"]], "filter_gradient": [[gradient, None][:cells]]}
    found = judged(keys, given, "filter_gradient")
    assert short(found) == (True, turned, 0)
    assert found.expected.reshape(-1)[0] == pytest.approx(0.5)
    assert found.doubt.reshape(-1)[0] == pytest.approx(4.0)
    assert rows(found.truths)[0][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("changes", "given", "nothing"),
    [
        ({"target": [[2, 4, 6]]}, {"error": [[0, 0, 0]], "filter_gradient": [[0]]}, {"filter_gradient"}),
        ({"target": [[2, 4, 6]]}, {"error": [[0, 0, 0]], "filter_gradient": [[5]]}, set()),
        ({"target": [[2, 4, 6]]}, {"filter_update": [[0]], "new_filter": [[2]]}, {"filter_update"}),
        ({"filter": [[-2]], "activation": "relu"}, {"error": [[-1] * 3], "delta": [[0] * 3]}, {"delta"}),
        ({"filter": [[-2]], "activation": "relu"}, {"output": [[0] * 3], "delta": [[0] * 3]}, {"delta"}),
        ({"filter": [[0]]}, {"delta": [[-1] * 3], "input_gradient": [[0] * 3]}, set()),
        ({"filter": [[0]]}, {"pre_activation": [[0] * 3], "output": [[0] * 3]}, {"pre_activation", "output"}),
    ],
)
def test_what_follows_from_zeros_alone_shows_nothing(changes, given, nothing):
    found = course(LINE | changes, given).found
    assert {name for name, each in found.items() if each.nothing} == nothing


@pytest.mark.parametrize(
    ("error", "run", "true", "as_run"),
    [
        ([[2, 3, 5]], [[2, 3, 5]], 1, True),
        ([[1, 3, 5]], [[2, 3, 5]], 1, False),
        ([[1, 3, 5]], [[1, 3, 5]], 1, False),
        ([[7, 3, 5]], [[2, 3, 5]], 0, False),
        ([[-2, -3, -5]], [[2, 3, 5]], -1, False),
    ],
)
def test_what_is_right_only_as_the_run_has_it(error, run, true, as_run):
    found = judged(LINE, {"error": error}, "error", of_run={"error": run})
    assert (found.true, found.as_run) == (true, as_run)
    assert not judged(LINE, {"error": error}, "error", of_run={"delta": run}).as_run


def test_what_is_as_the_run_has_it_may_follow_as_well():
    """From 0.12, in doubt by 0.0234, 0.14 follows; of the right ones only the run's has it."""
    given = {"pre_activation": [["0.12"]], "error": [["0.14"]]}
    found = judged(ONE, given, "error", of_run={"error": [[0.14]]})
    assert (short(found), found.as_run) == ((True, False, 1), True)


def test_what_is_right_in_one_world_is_right():
    keys = LINE | {"filter": [["0.125"]]}
    given = {"error": [["-0.8", "-0.7", "-0.7"]]}
    found = judged(keys, given, "error", of_run={"error": [[-0.8, -0.7, -0.7]]})
    assert (short(found), found.as_run) == ((True, False, 1), False)
    in_rounded = judged(keys, {"error": [["-0.9", "-0.8", "-0.6"]]}, "error")
    in_cut = judged(keys, {"error": [["-0.9", "-0.8", "-0.7"]]}, "error")
    assert short(in_rounded) == short(in_cut) == (True, False, 1)


@pytest.mark.parametrize(
    ("problem", "update", "new", "taken_off"),
    [
        (LINE, [["2.2"]], [["-0.2"]], True),
        (LINE, [["2.2"]], [["0.0"]], True),
        (LINE, [["2.2"]], [["-0.4"]], True),
        (LINE, [["2.2"]], [["0.1"]], False),
        (LINE, [["2.2"]], [["4.2"]], False),
        (LINE | {"learning_rate": "0.005"}, [["0.1"]], [["1.9"]], False),
        (LINE | {"input": [[2]], "target": [[2]], "learning_rate": 0.5}, [[2]], [[0]], True),
        (LINE, [["11/5"]], [["-1/5"]], True),
        (LINE, [["2.2"]], [[None]], False),
        (LINE, [["2.2"]], [["-0.2", "-0.2"]], False),
        (PAIR, [["2.5", "4.0"]], [["-0.5", "-3.0"]], True),
        (PAIR, [["2.5", "4.0"]], [["-0.5", "7.0"]], False),
        (PAIR, [["2.5", "4.0"]], [["-0.5", None]], True),
        (PAIR, [["2.5", None]], [["-0.5", "-3.0"]], True),
        (PAIR, [["2.5", "4.0"]], [["-0.5"]], False),
        (PAIR, [["2.5", "4.0"]], ["-0.5", "-3.0"], True),
        (PAIR, np.array([[2.5, 4]]), np.array([[-0.5, -3 + 2e-9]]), True),
        (PAIR, np.array([[2.5, 4]]), np.array([[-0.5, -3 + 4e-9]]), False),
        (LINE, np.array([[2.2]]), np.array([[-0.2 + 1e-9]]), False),
        (PAIR | {"target": [[19, -3]]}, [["2.5", "0.0"]], [["-0.5", "1.0"]], True),
    ],
)
def test_an_update_that_was_taken_off_may_be_written_so(problem, update, new, taken_off):
    """Of either number a unit may have been lost; an update so small that adding does as well is none that shows it."""
    given = {"filter_update": update, "new_filter": new}
    found = judged(problem, given, "filter_update")
    assert short(found) == ((True, True, -1) if taken_off else (False, False, 0))


def test_an_update_that_could_have_been_added_as_well_is_not_taken_off():
    keys = LINE | {"learning_rate": "0.005"}  # Δw = −0.11
    assert short(judged(keys, {"filter_update": [["0.1"]], "new_filter": [["2.0"]]}, "filter_update"))[0] is False
    assert short(judged(keys, {"filter_update": [["0.1"]], "new_filter": [["1.8"]]}, "filter_update")) == (1, 1, -1)


def test_an_update_alone_is_not_taken_off():
    assert short(judged(LINE, {"filter_update": [["2.2"]]}, "filter_update")) == (False, False, 0)


def test_after_an_update_that_is_taken_off_the_new_filter_follows():
    found = course(LINE, {"filter_update": [["2.2"]], "new_filter": [["-0.2"]]})
    assert short(found.found["new_filter"]) == (True, False, 1)
    assert rows(found.values["filter_step_sign"]) == [[-1]] * 4
    assert rows(found.values["filter_sign"]) == [[1]] * 4


@pytest.mark.parametrize(("weight", "fits"), [("2.953", True), ("2.94", False), ("3.09", True), ("3.11", False)])
def test_a_whole_number_may_have_lost_half_a_unit_of_other_digits_or_be_cut(weight, fits):
    given = {"pre_activation": [[3]], "new_filter": [["0.5"]]}
    assert judged(ONE | {"filter": [[weight]]}, given, "pre_activation").follows is fits
    assert judged(ONE | {"filter": [[weight]]}, {"pre_activation": [[3]]}, "pre_activation").follows is False


def test_steps_that_were_not_written_are_rounded_and_cut():
    values = course(ONE | {"filter": [["0.1274"]]}, {"new_filter": [["0.00"]]}).values
    assert rows(values["pre_activation"]) == [[0.1274], [0.1274], [0.13], [0.12]]


def test_what_follows_is_gone_on_with_in_all_digits_and_what_does_not_is_not():
    values = course(ONE, {"pre_activation": [["0.12"]], "error": [["0.50"]]}).values
    assert rows(values["pre_activation"]) == [[0.1234], [0.12], [0.12], [0.12]]
    assert rows(values["error"]) == [[0.5]] * 4


def test_numbers_of_another_size_and_open_cells_are_as_expected():
    assert rows(course(LINE, {"error": [[1, 3]]}).values["error"]) == [[1, 3, 5]] * 2
    assert rows(course(LINE, {"error": [[1, None, 4]]}).values["error"]) == [[1, 3, 4]] * 2


def test_doubt_grows_by_a_unit_a_step():
    numbers, doubts = went_on(ONE, {"pre_activation": [["0.12"]]})
    assert numbers["new_filter"] == pytest.approx([0.1234 - 0.12])
    names = ("pre_activation", "output", "error", "output_gradient", "delta", "filter_gradient", "new_filter")
    expected = [0.0034, 0.0134, 0.0234, 0.0334, 0.0434, 0.0534, 0.0734]
    assert [doubts[name][0] for name in names] == pytest.approx(expected)


@pytest.mark.parametrize(("loss", "lost"), [("0.1", 0.0004), ("0.12", 0.0034), ("0.123", 0.0004)])
def test_the_coarsest_digits_in_use_make_the_doubt(loss, lost):
    """One decimal is few, and taken for a number whose last digits were 0 and left out."""
    _, doubts = went_on(ONE, {"loss": loss, "new_filter": [["0.500"]]})
    assert doubts["pre_activation"] == pytest.approx([lost])


def test_exact_numbers_leave_no_doubt():
    _, doubts = went_on(LINE, {"error": [[1, 3, 4]]})
    assert not any(any(each) for each in doubts.values())


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ({"pre_activation": [["0.50"]]}, "pre_activation", 0.01),
        ({"pre_activation": [["1/2"]], "loss": "0.13"}, "pre_activation", 0),
        ({"pre_activation": [[0.5]], "loss": "0.13"}, "pre_activation", 0.01),
        ({"pre_activation": [["0.12"]]}, "pre_activation", 0.0034),
        ({"pre_activation": [["0.12"]], "output": [["0.12"]]}, "output", 0.01),
        ({"pre_activation": np.array([[0.1234 * (1 + 1e-10)]])}, "pre_activation", 0),
    ],
)
def test_the_doubt_that_written_numbers_leave(given, name, expected):
    assert went_on(ONE, given)[1][name] == pytest.approx([expected], rel=1e-9, abs=0)


def test_what_is_more_than_a_billionth_of_a_number_was_lost():
    keys = ONE | {"input": [[1, "0.001"]], "filter": [[1]], "target": [[0, 0]]}
    _, doubts = went_on(keys, {"pre_activation": np.array([[1 + 5e-10, 0.001 + 5e-10]])})
    assert doubts["pre_activation"] == pytest.approx([0, 5e-10], rel=1e-4, abs=0)


@pytest.mark.parametrize(("square", "own", "doubt"), [("0.1", 0.09, 0), ("0.5", 0.5, 0.1), ("0.50", 0.5, 0.01)])
def test_one_rather_goes_on_with_the_square_average_that_was_computed(square, own, doubt):
    numbers, doubts = went_on(ADAGRAD, {"filter_square_average": [[square]]})
    assert numbers["filter_square_average"] == pytest.approx([own])
    assert doubts["filter_square_average"] == pytest.approx([doubt])


@pytest.mark.parametrize("sign", ["", "-"])
def test_but_one_may_go_on_with_the_square_average_that_was_written(sign):
    """0.3/√0.1 is 0.95, with whatever sign the gradient was carried."""
    given = {"filter_gradient": [[sign + "0.3"]], "filter_square_average": [["0.1"]]}
    for update, follows in (("-0.95", True), ("-1.00", True), ("-0.90", False), ("0.95", False)):
        found = judged(ADAGRAD, given | {"filter_update": [[update]]}, "filter_update")
        assert (found.follows, found.turned) == (follows, False)
    new = given | {"filter_update": [["-0.95"]], "new_filter": [["-0.65"]]}
    assert judged(ADAGRAD, new, "new_filter").follows


def test_where_it_was_left_open_it_is_the_computed_one():
    keys = ADAGRAD | {"input": [[1, 1]], "filter": [["0.3", 0]]}
    given = {"filter_gradient": [["-0.3", None]], "filter_square_average": [["0.1", None]]}
    for update, follows in ((["-0.95", "-1.00"], True), (["-0.95", "-0.95"], False)):
        assert judged(keys, given | {"filter_update": [update]}, "filter_update").follows is follows


@pytest.mark.parametrize(
    ("given", "sign"),
    [
        ({"filter_gradient": [[6, 9]]}, 1),
        ({"filter_gradient": [[-6, -9]]}, -1),
        ({"filter_gradient": [[-6, 1]]}, -1),
        ({"filter_gradient": [[8, -5]]}, 1),
        ({"filter_gradient": [["0.1", 0]]}, 1),
        ({"filter_gradient": [["-0.1", 0]]}, -1),
        ({"filter_gradient": [[-1, -2, -3]]}, 1),
        ({"filter_gradient": [[-5, -8]]}, -1),
        ({"error": [[-1, -2]], "filter_gradient": [[-6, -9]]}, -1),
        ({"error": [[-1, -2]], "filter_gradient": [[6, 9]]}, 1),
        ({"error": [[-1, -2]]}, -1),
    ],
)
def test_the_sign_of_a_wrong_gradient_is_told_by_where_it_points(given, sign):
    assert went_on(PAIR, given)[0]["filter_sign"] == [sign]


def test_the_bias_has_a_sign_of_its_own():
    numbers, _ = went_on(PAIR | {"bias": 1}, {"filter_gradient": [[1, 1]], "bias_gradient": [-7]})
    assert (numbers["filter_sign"], numbers["bias_sign"]) == ([1], [-1])
    assert numbers["bias_gradient"] == [-7]


def counted(problem, attempt, kept):
    """How the attempt was followed, and the stages that were computed for it."""
    setting, written = setting_at(convstep.load(problem), 1), read(attempt)
    stages, computed = stages_of(setting), []

    def noting(stage):
        return stage._replace(compute=lambda s, v: (computed.append(stage.name), stage.compute(s, v))[1])

    truths = true_worlds(setting, stages, finest(written))
    return follow(setting, [noting(each) for each in stages], written, truths, kept=kept), computed


def test_the_longest_beginning_that_is_kept_is_not_followed_again():
    kept = Kept(1 << 20)
    given = {"output": [[2, 4, 6]], "error": [[1, 3, 4]], "filter_gradient": [[19]]}
    first, every = counted(LINE, given, kept)
    assert len(kept) == 3
    again, rest = counted(LINE, given | {"filter_gradient": [[7]]}, kept)
    assert len(kept) == 4
    assert rest == every[every.index("error") + 1 :]
    assert {name: short(each) for name, each in again.found.items()} == {
        "output": (True, False, 1),
        "error": (False, False, 0),
        "filter_gradient": (False, False, 0),
    }
    assert rows(again.values["new_filter"]) == pytest.approx(np.array([[1.3]] * 2))
    assert rows(first.values["filter_gradient"]) == [[19]] * 2
    assert counted(LINE, given, kept)[1] == every[every.index("filter_gradient") + 1 :]
    other = counted(LINE, {"output": [[2, 4, 6]], "error": [[9, 9, 9]]}, kept)[1]
    assert other == every[every.index("output") + 1 :]
    assert counted(LINE, {"output": [[2, 4, 7]]}, kept)[1] == every
    assert first.keys[1] == again.keys[1]


def test_where_a_state_was_written_nothing_is_kept():
    kept = Kept(1 << 20)
    counted(ADAGRAD, {"filter_gradient": [["0.3"]], "filter_square_average": [["0.1"]]}, kept)
    assert len(kept) == 0


def test_other_digits_are_another_beginning():
    kept = Kept(1 << 20)
    given = {"pre_activation": [["0.12"]]}
    counted(ONE, given, kept)
    assert counted(ONE, given | {"new_filter": [["0.123"]]}, kept)[1][0] == "filter"


def test_the_size_of_what_is_kept():
    begun = Begun(0, {"a": np.zeros(4), "b": np.zeros(1)}, {"a": np.zeros(9)}, {"a": np.zeros(2)}, {})
    assert begun.size == 7 * 8


@pytest.mark.parametrize(
    ("problem", "given", "names"),
    [
        (PAIR, {"error": [[1, 2]], "delta": [[1, 2]]}, {"delta"}),
        (PAIR, {"error": [[0, 0]], "output_gradient": [[0, 1]], "delta": [[1, 2]]}, {"delta"}),
        (PAIR, {"pre_activation": [[1, 2]], "delta": [[1, 2]], "filter_gradient": [[1, 2]]}, set()),
        (
            {key: value for key, value in PAIR.items() if key != "target"} | {"output_gradient": [[1, 2]]},
            {"output_gradient": [[1, 2]], "delta": [[1, 2]]},
            {"output_gradient", "delta"},
        ),
    ],
)
def test_what_another_number_has_settled_the_sign_of(problem, given, names):
    assert settled(setting_at(convstep.load(problem), 1), read(given)) == names


@pytest.mark.parametrize(
    ("own", "other", "unit"),
    [("0.50", "0.333", 0.01), ("0.5", "0.333", 0.001), (2, "0.33", 0.01), (2, 3, 0), ("0.333", "0.5", 0.001)],
)
def test_a_quantity_with_few_digits_has_the_finest_of_all(own, other, unit):
    written = read({"loss": own, "error": [[other]]})
    assert digits_of(written["loss"], written) == unit
