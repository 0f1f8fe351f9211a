"""What a learner starts from in one iteration, and in which shapes."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.arrays import without_ones
from convstep.diagnosis.paper import roundings
from convstep.diagnosis.setting import Setting

FLAT = {
    "input": [[1, 2, 3], [4, 5, 6]],
    "filter": [[1, 2]],
    "bias": -3,
    "target": [[0, 1], [2, 3]],
    "learning_rate": 0.1,
}
DEEP = {
    "input": np.arange(24.0).reshape(2, 2, 2, 3).tolist(),
    "filter": np.arange(12.0).reshape(3, 2, 1, 2).tolist(),
    "bias": [1, 2, 3],
    "target": np.arange(24.0).reshape(2, 3, 2, 2).tolist(),
    "learning_rate": 0.1,
}
"""Two images of two channels, 2×3, and three filters of 1×2."""


def setting(keys, **more):
    problem = convstep.load(keys)
    step = next(iter(convstep.descend(problem)))
    return Setting(problem, step, **{"first": problem, "before": {}, "earlier": {}, **more})


def test_what_is_not_said_is_not_there():
    made = setting(FLAT)
    assert (made.before, made.earlier, made.accumulated, made.of_run) == ({}, {}, {}, {})
    assert (made.doubt, made.is_own, made.iteration, made.outputs) == (0.0, False, 1, 4)


def test_numbers_are_kept_in_full_shapes_behind_one_row():
    momentum = {"filter_momentum": np.array([[5, 6]]), "bias_momentum": np.array(7)}
    sums, given = {"filter_gradient": np.array([[8, 9]])}, {"bias_gradient": np.array(10)}
    run, first = {"output": np.array([[1, 2], [3, 4]])}, convstep.load({**FLAT, "filter": [[3, 4]], "bias": 5})
    made = setting(
        FLAT, first=first, before=momentum, earlier=sums, accumulated=given, of_run=run, doubt=0.5, is_own=True
    )
    assert {name: each.tolist() for name, each in made.before.items()} == {
        "filter_momentum": [[[[[5, 6]]]]],
        "bias_momentum": [[7]],
    }
    assert made.earlier["filter_gradient"].tolist() == [[[[[8, 9]]]]]
    assert made.accumulated["bias_gradient"].tolist() == [[10]]
    assert made.of_run["output"].tolist() == [[[[[1, 2], [3, 4]]]]]
    assert {name: each.tolist() for name, each in made.first.items()} == {"filter": [[[[[3, 4]]]]], "bias": [[5]]}
    assert (made.doubt, made.is_own) == (0.5, True)


def test_the_right_numbers_in_full_shapes():
    """z = x + 2y − 3 for each pair of neighbours."""
    truth = setting(FLAT).truth
    assert truth["pre_activation"].tolist() == [[[[[2, 5], [11, 14]]]]]
    assert truth["loss"].shape == (1,)
    assert truth["input_gradient"].shape == (1, 1, 1, 2, 3)
    assert truth["bias"].tolist() == [[-3]]


def test_without_a_bias_there_is_only_a_filter():
    made = setting({key: value for key, value in FLAT.items() if key != "bias"})
    assert list(made.first) == ["filter"]
    assert made.own_shape("bias") == ()


@pytest.mark.parametrize(
    ("keys", "name", "full", "own"),
    [
        (FLAT, "filter_momentum", (1, 1, 1, 2), (1, 2)),
        (FLAT, "new_bias", (1,), ()),
        (FLAT, "delta", (1, 1, 2, 2), (2, 2)),
        (FLAT, "input_gradient", (1, 1, 2, 3), (2, 3)),
        (FLAT, "loss", (), ()),
        (DEEP, "filter_gradient", (3, 2, 1, 2), (3, 2, 1, 2)),
        (DEEP, "bias_update", (3,), (3,)),
        (DEEP, "error", (2, 3, 2, 2), (2, 3, 2, 2)),
        (DEEP, "input_gradient", (2, 2, 2, 3), (2, 2, 2, 3)),
        (DEEP, "loss", (), ()),
    ],
)
def test_every_quantity_has_a_full_shape_and_that_of_the_problem(keys, name, full, own):
    made = setting(keys)
    assert (made.shape(name), made.own_shape(name)) == (full, own)
    numbers = np.arange(float(np.prod(own))).reshape(own)
    assert made.full(name, numbers).shape == (1, *full)
    assert made.full(name, numbers.astype(int)).dtype == np.float64
    assert made.shaped(name, made.full(name, numbers)[0]).tolist() == numbers.tolist()


def test_numbers_of_another_size_stay_as_they_are():
    assert setting(FLAT).shaped("delta", np.zeros((1, 1, 4, 1))).shape == (1, 1, 4, 1)


@pytest.mark.parametrize(
    ("name", "full", "form"),
    [
        ("delta", (1, 1, 2, 2), (2, 2)),
        ("delta", (1, 1, 1, 2), (2,)),
        ("delta", (1, 4, 2, 2), (4, 2, 2)),
        ("delta", (2, 1, 2, 2), (2, 2, 2)),
        ("delta", (2, 1, 1, 2), (2, 1, 2)),
        ("filter", (1, 1, 3, 1), (3, 1)),
        ("filter", (2, 1, 3, 1), (2, 1, 3, 1)),
        ("bias", (1,), ()),
        ("loss", (), ()),
        ("input_gradient", (1, 2, 1, 1), (2, 1, 1)),
    ],
)
def test_numbers_are_compared_without_axes_that_the_problem_does_not_have(name, full, form):
    assert setting(FLAT).form(name, full) == form


def test_an_axis_that_the_problem_has_stays():
    made = setting(DEEP)
    assert made.form("delta", (2, 1, 2, 2)) == (2, 1, 2, 2)
    assert made.form("delta", (1, 3, 2, 2)) == (3, 2, 2)
    assert made.form("filter", (3, 1, 1, 2)) == (3, 1, 1, 2)


def test_only_leading_ones_are_left_out():
    assert without_ones((1, 1, 2, 1)) == (2, 1)
    assert without_ones((3,)) == (3,)
    assert without_ones((1, 1)) == without_ones(()) == ()


def test_the_input_and_its_squares():
    made = setting(FLAT)
    assert made.x.tolist() == [[[[[1, 2, 3], [4, 5, 6]]]]]
    assert made.squares.x.tolist() == [[[[1, 4, 9], [16, 25, 36]]]]


def test_either_a_target_or_a_gradient_is_given():
    made = setting(FLAT)
    assert made.target.tolist() == [[[[[0, 1], [2, 3]]]]]
    assert made.given_gradient is None
    sent = setting({"input": [[1, 2]], "filter": [[1]], "output_gradient": [[3, 4]]})
    assert sent.given_gradient.tolist() == [[[[[3, 4]]]]]
    assert sent.target is None


def test_a_convolution_turns_the_filter():
    w = np.arange(6.0).reshape(1, 1, 1, 2, 3)
    assert setting(FLAT).used(w) is w
    assert setting({**FLAT, "operation": "convolution"}).used(w).tolist() == [[[[[5, 4, 3], [2, 1, 0]]]]]


def test_what_is_0_on_paper_is_0():
    """Sums of whole numbers have no rounding."""
    z = np.array([[1e-17, 0.5, -1e-17]])
    assert setting(FLAT).on_paper(z) is z
    made = setting({**FLAT, "filter": [[0.1, 0.2]]})
    assert made.on_paper(z).tolist() == [[0.0, 0.5, 0.0]]
    assert setting({**FLAT, "bias": 0.5}).on_paper(z).tolist() == [[0.0, 0.5, 0.0]]
    edge = made.roundings["pre_activation"]
    assert made.on_paper(np.array([edge, -edge, 1.01 * edge])).tolist() == [0.0, 0.0, 1.01 * edge]
    assert made.roundings == roundings(made.problem, next(iter(convstep.descend(made.problem))))


def test_the_activation_and_its_slope():
    """Leaky at 0 with the problem's own convention, or with another one."""
    leaky = {"leaky_relu": {"slope": 0.25}}
    made = setting({**FLAT, "activation": leaky, "slope_at_zero": 1})
    z = np.array([[2.0, 0.0], [-4.0, 1.0]])
    assert made.value(z).tolist() == [[2, 0], [-1, 1]]
    assert made.value(z.T).tolist() == [[2, -1], [0, 1]]
    assert made.slope(z).tolist() == [[1, 1], [0.25, 1]]
    assert made.slope(z, 0.0).tolist() == [[1, 0], [0.25, 1]]
    assert made.slope(z.T).tolist() == [[1, 0.25], [1, 1]]


def test_the_loss_of_each_row():
    errors = np.array([[[1.0, 2.0]], [[0.0, -3.0]]])
    half = setting({**FLAT, "loss": "half_squared_error"})
    assert half.losses(errors).tolist() == [2.5, 4.5]
    assert half.loss_gradient(errors).tolist() == errors.tolist()
    mean = setting({**FLAT, "loss": "mean_squared_error"})
    assert mean.losses(errors).tolist() == [2.5, 4.5]
    assert mean.loss_gradient(errors).tolist() == errors.tolist()
    assert mean.loss_gradient(2 * errors[:1]).tolist() == [[[2, 4]]]
