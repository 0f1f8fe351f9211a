"""The exercise that an iteration is, after the run's own iterations or the learner's."""

from __future__ import annotations

import numpy as np
import pytest

import convstep
from convstep.diagnosis.settings import by_ending, first_state, setting_at
from convstep.errors import UsageError

KEYS = {"input": [[1, 2]], "filter": [[1]], "bias": 0.5, "target": [[2, 3]], "learning_rate": 0.25}
"""In iteration 1 z is 1.5 2.5, the error −0.5 −0.5; ∂L/∂w is −1.5 and ∂L/∂b −1: w′ is 1.375 and b′ 0.75."""
MOMENTUM = {"optimizer": {"sgd": {"momentum": 0.5}}}


def at(iteration, earlier=(), **changes):
    return setting_at(convstep.load(KEYS | changes), iteration, earlier)


def of(setting, *names):
    return [setting.truth[name].ravel().tolist() for name in names]


def test_an_iteration_of_the_run_itself():
    setting = at(2)
    assert of(setting, "filter", "bias", "pre_activation") == [[1.375], [0.75], [2.125, 3.5]]
    assert (setting.problem.filter.tolist(), float(setting.problem.bias)) == ([[1.375]], 0.75)
    assert (setting.first["filter"].ravel().tolist(), setting.first["bias"].ravel().tolist()) == ([1.0], [0.5])
    assert (setting.is_own, setting.of_run, setting.doubt, setting.accumulated) == (False, {}, 0.0, {})
    assert {name: each.ravel().tolist() for name, each in setting.earlier.items()} == {
        "filter_gradient": [-1.5],
        "bias_gradient": [-1.0],
    }
    assert at(1).earlier == {}


def test_gradients_of_all_earlier_iterations_are_summed():
    """In iteration 2 the error is 0.125 0.5: ∂L/∂w is 1.125 and ∂L/∂b 0.625."""
    setting = at(3)
    assert setting.earlier["filter_gradient"].ravel().tolist() == [-0.375]
    assert setting.earlier["bias_gradient"].ravel().tolist() == [-0.375]


def test_an_iteration_after_the_learners_own():
    setting = at(2, [{"iteration": 1, "filter_gradient": [[-3]], "new_filter": [[2]], "new_bias": 1}])
    assert of(setting, "filter", "bias", "pre_activation") == [[2.0], [1.0], [3.0, 5.0]]
    assert setting.is_own
    assert setting.problem.filter.tolist() == [[2.0]]
    assert setting.of_run["filter"].ravel().tolist() == [1.375]
    assert setting.earlier["filter_gradient"].ravel().tolist() == [-1.5]
    assert setting.accumulated["filter_gradient"].ravel().tolist() == [-3.0]
    assert "bias_gradient" not in setting.accumulated
    assert setting.first["filter"].ravel().tolist() == [1.0]
    assert setting.doubt == 0.0


def test_what_was_not_written_follows_from_what_was():
    """−3 for ∂L/∂w makes w′ 1.75; nothing was said of the bias. Exact numbers leave nothing in doubt."""
    setting = at(2, [{"filter_gradient": [[-3]]}])
    assert of(setting, "filter", "bias") == [[1.75], [0.75]]
    assert (setting.is_own, setting.doubt) == (True, 0.0)


def test_right_numbers_whose_ends_were_not_written_are_the_run():
    setting = at(2, [{"filter_gradient": [[-1.5]], "bias_gradient": -1}])
    assert (setting.is_own, setting.of_run, setting.doubt) == (False, {}, 0.0)
    assert setting.accumulated["filter_gradient"].ravel().tolist() == [-1.5]
    written = at(2, [{"new_filter": [[1.375]]}])
    assert written.is_own
    assert of(written, "filter", "bias") == [[1.375], [0.75]]
    wrong_bias = at(2, [{"bias_gradient": -2}])
    assert wrong_bias.is_own
    assert of(wrong_bias, "filter", "bias") == [[1.375], [1.0]]


def test_the_doubt_is_a_unit_of_the_coarsest_digits():
    first = at(2, [{"new_filter": [["1.38"]], "new_bias": "3/4"}])
    assert first.doubt == pytest.approx(0.01)
    other = at(2, [{"new_filter": [["11/8"]], "new_bias": "0.8"}])
    assert other.doubt == pytest.approx(0.1)
    for new in (["1.38", "11/8"], ["11/8", "1.38"]):
        two = at(2, [{"new_filter": [new], "new_bias": "3/4"}], filter=[[1, 1]], target=[[2]])
        assert two.doubt == pytest.approx(0.01)


@pytest.mark.parametrize("order", [1, -1])
def test_earlier_attempts_in_any_order(order):
    """The one without a number is that at iteration 1."""
    attempts = [{"new_filter": [[2]], "new_bias": 0}, {"iteration": 2, "new_filter": [[3]], "new_bias": 1}]
    setting = at(3, attempts[::order])
    assert of(setting, "filter", "bias", "pre_activation") == [[3.0], [1.0], [4.0, 7.0]]
    assert setting.iteration == 3


def test_numbers_with_the_sign_of_t_minus_a():
    """What is added up, and the momentum that is gone on with, have the right sign."""
    given = {"error": [[0.5, 0.5]], "filter_gradient": [[1.5]], "new_filter": [[1.375]]}
    setting = at(2, [given], **MOMENTUM)
    assert setting.accumulated["filter_gradient"].ravel().tolist() == [-1.5]
    assert setting.before["filter_momentum"].ravel().tolist() == [-1.5]
    assert setting.before["bias_momentum"].ravel().tolist() == [-1.0]
    adam = at(2, [given | {"new_filter": [[2]]}], optimizer="adam")
    assert adam.before["filter_momentum"].ravel()[0] < 0 < adam.before["filter_square_average"].ravel()[0]
    assert adam.before["filter_square_average"].ravel().tolist() == pytest.approx([0.001 * 2.25])


def test_an_optimizer_goes_on_counting_after_own_numbers():
    """adam at its second iteration: z is 3 5, so that ∂L/∂w is 5; m and v are divided by 1 − 0.9² and 1 − 0.999²."""
    setting = at(2, [{"new_filter": [[2]], "new_bias": 1}], optimizer="adam")
    momentum, square = 0.9 * 0.1 * -1.5 + 0.1 * 5, 0.999 * 0.001 * 2.25 + 0.001 * 25
    step = momentum / 0.19 / (np.sqrt(square / 0.001999) + 1e-8)
    assert of(setting, "filter_gradient", "filter_update") == [[5.0], [pytest.approx(-0.25 * step)]]


def test_own_numbers_of_an_exact_problem_stay_exact():
    """0.1 + 0.2 − 0.3 is 0."""
    problem = {"input": [[1, 1, 1]], "filter": [[1, 1, 1]], "target": [[1]], "learning_rate": 1, "exact": True}
    setting = setting_at(convstep.load(problem), 2, [{"new_filter": [["0.1", "0.2", "-0.3"]]}])
    assert of(setting, "filter", "pre_activation") == [[0.1, 0.2, -0.3], [0.0]]


def test_numbers_past_all_measure_raise_no_warning():
    setting = at(2, [{"delta": [[1e308, 1e308]], "new_filter": [[1]], "new_bias": 0}])
    assert of(setting, "filter", "bias") == [[1.0], [0.0]]


def test_a_problem_that_does_not_learn_has_nothing_to_go_on_with():
    problem = convstep.load({"input": [[1, 2]], "filter": [[1]]})
    assert setting_at(problem, 1, [{"iteration": 1, "output": [["1.0", "3.0"]]}]).doubt == 0.0


def test_an_iteration_that_the_run_does_not_reach():
    with pytest.raises(UsageError, match=r"^there is no iteration 9: the run ends after 2 iterations$"):
        at(9, stop={"iterations": 2})
    with pytest.raises(UsageError, match=r"^there is no iteration 3: the run ends after 1 iteration$"):
        at(3, stop={"iterations": 1})


def test_what_an_optimizer_keeps_at_first():
    found = first_state(convstep.load(KEYS | MOMENTUM))
    assert {name: each.tolist() for name, each in found.items()} == {"filter_momentum": [[0.0]], "bias_momentum": 0.0}
    started = first_state(convstep.load(KEYS | {"optimizer": {"adagrad": {"initial_accumulator_value": 2}}}))
    assert [each.ravel().tolist() for each in started.values()] == [[2.0], [2.0]]
    assert first_state(convstep.load({"input": [[1, 2]], "filter": [[1]], "output_gradient": [[1, 2]]})) == {}
    assert first_state(convstep.load({"input": [[1, 2]], "filter": [[1]], "learning_rate": 1} | MOMENTUM)) == {}


def test_states_by_their_endings():
    state = {"bias_momentum": np.array(3.0), "filter_momentum": np.array([[1.0, 2.0]]), "filter_average": np.ones(2)}
    found = by_ending(state)
    assert {name: each.tolist() for name, each in found.items()} == {"momentum": [1, 2, 3], "average": [1, 1]}
