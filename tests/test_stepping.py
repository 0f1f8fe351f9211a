"""A run that one walks through: what was computed stays what it was, and a branch is the run that it claims to be."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from derivation.test_terms import check_factor, close
from drawn_problems import question
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from program import SAMPLES
from strategies import problem_documents

import convstep
from convstep import stepping
from convstep.choices import Choice
from convstep.derivation.explanation import Derivations
from convstep.descent import Descent
from convstep.errors import ProblemError
from convstep.optimizers import make_optimizer
from convstep.problem.model import Problem, Stop
from convstep.stepping import Line, Session, changed
from convstep.trace import Step

EXAMPLES = 40
ADAM = Choice("adam", {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False})
MOMENTUM = Choice("sgd", {"momentum": 0.9, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0})


def on(problem: Problem) -> Session:
    return Session(Line(problem, Descent(problem)))


def forward(session: Session, iteration: int) -> Step:
    """Goes on to an iteration, or to the end if that comes first."""
    for step in session.ahead() if session.iteration < iteration else ():
        if step.iteration == iteration:
            break
    return session.step


def never_ending(problem: Problem, iterations: int = 1000) -> Problem:
    return replace(problem, stop=Stop(iterations, loss=0.0, gradient=0.0))


def bits(step: Step | None) -> dict[str, Any]:
    """Every number of a Step, to the bit."""
    assert step is not None
    return {name: (step.array(name).shape, step.array(name).tobytes()) for name in step} | {"iteration": step.iteration}


def numbers(step: Step) -> dict[str, Any]:
    return {name: value for name, value in bits(step).items() if name != "iteration"}


@pytest.mark.parametrize("checkpoints", [2, 3, 512])
@given(problem_documents(), st.data())
@examples(EXAMPLES)
def test_going_back_shows_the_very_numbers(checkpoints, document, data):
    problem = never_ending(convstep.load(document), 40) if "learning_rate" in document else convstep.load(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepping, "MOST_CHECKPOINTS", checkpoints)
        session = on(problem)
        seen = {1: bits(session.step)} | {step.iteration: bits(step) for step in session.ahead()}
        for iteration in data.draw(st.lists(st.sampled_from(sorted(seen)), max_size=4)):
            session.go(iteration)
            assert bits(session.step) == seen[iteration]
            assert session.before is None if iteration == 1 else bits(session.before) == seen[iteration - 1]
            assert [bits(step) for step in islice(session.ahead(), 3)] == [
                seen[after] for after in range(iteration + 1, iteration + 4) if after in seen
            ]


def test_going_back_and_on_again_ends_as_a_run_does():
    problem = convstep.load(SAMPLES / "question.yaml")
    session = on(problem)
    forward(session, 20)
    session.go(3)
    last = forward(session, 10**6)
    trace = convstep.run(problem)
    assert session.line.outcome.status == trace.outcome.status == "dead"
    assert bits(last) == bits(trace[-1])
    assert session.at_the_end


@given(
    problem_documents(optimizers=("sgd", {"sgd": {"weight_decay": 0.125}}), goals=("target",)),
    st.integers(1, 8),
    st.sampled_from(["learning_rate=0.25", "filter[0]", "activation=linear", "loss=squared_error", "bias=1"]),
)
@examples(2 * EXAMPLES)
def test_a_branch_is_a_fresh_run_with_the_same_settings(document, iteration, setting):
    problem = never_ending(convstep.load(document))
    session = on(problem)
    step = forward(session, iteration)
    if setting == "filter[0]":
        setting = f"filter{[0] * problem.filter.ndim}=2"
    session.branch(setting)
    given = {"filter": step.filter, "learning_rate": problem.learning_rate}
    given |= {"bias": step.bias} if "bias" in step else {}
    fresh = changed(replace(problem, **given), setting)
    expected = list(islice(convstep.descend(never_ending(fresh)), 6))
    found = [session.step, *islice(session.ahead(), 5)]
    assert [each.iteration for each in found] == list(range(step.iteration, step.iteration + len(found)))
    assert [numbers(each) for each in found] == [numbers(each) for each in expected]


@given(problem_documents(goals=("target",)), st.integers(1, 6), st.data())
@examples(2 * EXAMPLES)
def test_undo_brings_everything_back(document, iteration, data):
    session = on(never_ending(convstep.load(document), 12))
    forward(session, iteration)
    places = []
    for rate in (0.5, 0.25, 0.125):
        places.append((session.line, bits(session.step), session.before and bits(session.before)))
        session.branch(f"learning_rate={rate}")
        forward(session, session.iteration + data.draw(st.integers(0, 3)))
        session.go(data.draw(st.integers(1, session.iteration)))
    for rate in (0.125, 0.25, 0.5):
        assert session.undo() == f"learning_rate={rate}"
        assert (session.line, bits(session.step), session.before and bits(session.before)) == places.pop()
    assert session.undo() is None


@given(problem_documents(goals=("target",)), st.integers(1, 8))
@examples(2 * EXAMPLES)
def test_the_optimizer_goes_on_with_its_state(document, iteration):
    """A branch that changes nothing that counts is the run itself, whatever the optimizer carries along."""
    problem = never_ending(convstep.load(document), 15)
    session = on(problem)
    forward(session, iteration)
    assert session.branch("title=Another one") == ""
    found = [session.step, *session.ahead()]
    expected = [bits(step) for step in convstep.descend(problem) if step.iteration >= session.line.start.iteration]
    # The rules have a shorter memory on a branch: a run that repeats itself may be seen to do so later.
    both = min(len(found), len(expected))
    assert list(map(bits, found))[:both] == expected[:both]


@pytest.mark.parametrize(("name", "options"), [("sgd", {"momentum": 0.9}), ("adam", {}), ("rmsprop", {})])
def test_another_rate_in_the_middle_is_what_torch_does(name, options):
    torch = pytest.importorskip("torch")
    from torch_layer import TorchLayer

    choice = Choice(name, options)
    choice = make_optimizer(choice, 0.1).choice
    problem = never_ending(question(optimizer=choice, learning_rate=0.02, activation=Choice("sigmoid")), 20)
    layer = TorchLayer(problem)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}[name]
    optimizer = kind(layer.parameters, lr=0.02, **options)
    session = on(problem)
    forward(session, 5)
    session.branch("learning_rate=0.1")
    forward(session, 12)
    for iteration in range(1, 12):
        optimizer.param_groups[0]["lr"] = 0.02 if iteration < 5 else 0.1
        layer.iteration()
        optimizer.step()
    ours, theirs = session.step.filter, layer.w.detach().numpy()
    assert np.abs(ours - theirs).max() < 1e-12


@pytest.mark.parametrize(("setting", "optimizer"), [("optimizer=adam", MOMENTUM), ("bias=0.5", ADAM)])
def test_a_state_that_does_not_fit_begins_anew_and_that_is_said(setting, optimizer):
    problem = never_ending(question(optimizer=optimizer, learning_rate=0.01))
    session = on(problem)
    step = forward(session, 4)
    assert "begins anew" in session.branch(setting)
    fresh = never_ending(changed(replace(problem, filter=step.filter), setting))
    expected = [numbers(each) for each in islice(convstep.descend(fresh), 5)]
    assert [numbers(each) for each in (session.step, *islice(session.ahead(), 4))] == expected
    session.go(6)
    assert numbers(session.step) == expected[2]
    assert session.branch("learning_rate=0.01") == ""
    assert numbers(session.step) == expected[2]
    assert [numbers(each) for each in islice(session.ahead(), 2)] == expected[3:]


def test_momentum_that_is_new_starts_as_in_a_first_iteration():
    session = on(never_ending(question(learning_rate=0.1)))
    forward(session, 3)
    assert session.branch("optimizer.sgd.momentum=0.9") == ""
    assert session.step.filter_momentum.tolist() == session.step.filter_gradient.tolist()


def test_what_was_before_a_branch_is_still_there():
    session = on(question(learning_rate=0.5))
    forward(session, 4)
    before = {iteration: bits(step) for iteration, step in zip((1, 2, 3, 4), session.line.walk(1), strict=False)}
    session.branch("learning_rate=0.1")
    assert session.line.number == 1
    forward(session, 6)
    session.go(3)
    assert bits(session.step) == before[3]
    assert session.owner.number == 0
    assert [step.iteration for step in islice(session.ahead(), 3)] == [4, 5, 6]
    session.go(4)
    assert session.owner is session.line
    assert bits(session.before) == before[3]
    assert numbers(session.step) != numbers(next(session.line.parent.walk(4)))


def test_a_branch_from_before_a_branch_leaves_that_out():
    session = on(question(learning_rate=0.5))
    forward(session, 4)
    session.branch("learning_rate=0.1")
    session.go(2)
    session.branch("filter[0,0]=2")
    assert session.line.changes == ("filter[0,0]=2",)
    assert session.line.problem.learning_rate == 0.5
    session.branch("learning_rate=0.2")
    assert session.line.changes == ("filter[0,0]=2", "learning_rate=0.2")
    session.branch("learning_rate=0.3")
    assert session.line.changes == ("filter[0,0]=2", "learning_rate=0.3")
    assert [session.undo() for _ in range(3)] == ["learning_rate=0.3", "learning_rate=0.2", "filter[0,0]=2"]
    assert session.line.changes == ("learning_rate=0.1",)
    assert session.iteration == 2


def test_a_branch_at_the_first_iteration_leaves_the_run_behind():
    session = on(question(learning_rate=0.5))
    session.branch("learning_rate=0.1")
    forward(session, 10**6)
    assert (session.line.outcome.status, session.line.outcome.iterations) == ("converged", 131)
    session.go(1)
    assert session.before is None


def test_the_stop_counts_from_the_first_iteration_of_all():
    session = on(question(stop=Stop(iterations=5)))
    forward(session, 10**6)
    assert session.at_the_end
    session.branch("stop.iterations=8")
    forward(session, 10**6)
    assert session.iteration == 8
    session.branch("stop.iterations=2")
    assert session.at_the_end
    assert session.line.outcome.iterations == 8


def test_a_refused_change_changes_nothing():
    session = on(question())
    forward(session, 3)
    line, step = session.line, session.step
    for setting in (
        "learning_rate=-1",
        "filter[9,9]=1",
        "nonsense=1",
        "filter=[[1,2],[3]]",
        "layers=[]",
        "target=[[1]]",
    ):
        with pytest.raises(ProblemError):
            session.branch(setting)
    assert (session.line, session.step, session.undo()) == (line, step, None)


def test_activations_change_with_the_slope_at_zero_that_is_theirs():
    session = on(convstep.load(SAMPLES / "question.yaml"))
    session.branch("activation=sigmoid")
    assert session.line.problem.slope_at_zero is None
    session.undo()
    session.branch("slope_at_zero=0.5")
    with pytest.raises(ProblemError, match="slope_at_zero"):
        session.branch("activation=sigmoid")


def test_other_shapes_have_no_cells_that_changed():
    problem = convstep.load(
        {"input": [[1, 2, 3]], "filter": [[1, 1]], "output_gradient": 1, "learning_rate": 0.1}
        | {"output_gradient": [[1, 1]], "stop": {"iterations": 9}}
    )
    session = on(problem)
    forward(session, 3)
    session.branch("filter[0,0]=2")
    assert session.before is not None
    session.branch("output_gradient=")
    assert session.before is None
    assert session.at_the_end


def check_derivations(session: Session) -> None:
    """Every term adds up, and every factor is the number that it names."""
    source = Derivations(session.owner.problem, session.step, session.before, session.owner.start)
    for name in session.step:
        for index in source.indices(name):
            cell = source.cell(name, index)
            total, scale = sum(term.value for term in cell.terms), sum(abs(term.value) for term in cell.terms)
            assert not cell.terms or close(total, cell.value, scale), cell
            for factor in [factor for term in cell.terms for factor in term.factors]:
                if factor.iteration is not None and factor.name.startswith("new_"):
                    assert session.before is not None
                    assert factor.value == float(session.before.array(factor.name)[factor.cell])
                elif factor.iteration is None:
                    check_factor(source, factor)


@given(
    problem_documents(goals=("target",)),
    st.integers(1, 4),
    st.sampled_from(["learning_rate=0.25", "filter[0]", "optimizer=adam", "optimizer.sgd.momentum=0.5", "bias=1"]),
)
@examples(EXAMPLES)
def test_the_numbers_of_a_branch_are_explained(document, iteration, setting):
    problem = never_ending(convstep.load(document))
    session = on(problem)
    forward(session, iteration)
    session.branch(f"filter{[0] * problem.filter.ndim}=2" if setting == "filter[0]" else setting)
    check_derivations(session)
    forward(session, session.iteration + 2)
    check_derivations(session)


def test_a_cell_that_was_set_is_not_said_to_come_from_the_iteration_before():
    session = on(question())
    forward(session, 3)
    session.branch("filter[0,0]=2")
    source = Derivations(session.line.problem, session.step, session.before, session.line.start)
    assert source.cell("filter", (0, 0)).terms == ()
    assert source.cell("filter", (0, 1)).terms != ()


def test_memory_does_not_grow_with_the_iterations():
    """Scaled down from a million; what is kept of a line is its checkpoints, and their number has a bound."""
    problem = never_ending(question(learning_rate=1e-9, activation=Choice("sigmoid")), 10**7)
    session = on(problem)

    def peak(until: int) -> int:
        tracemalloc.start()
        forward(session, until)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(4_000)
    assert peak(16_000) < peak(4_000 + 16_000) + 2**21 < 2**23
    assert len(session.line._checkpoints) <= stepping.MOST_CHECKPOINTS
    session.go(7)
    assert bits(session.step) == bits(list(islice(convstep.descend(problem), 7))[-1])


def test_large_filters_have_fewer_checkpoints():
    data = np.random.default_rng(1).normal(size=(64, 64))
    problem = never_ending(question(input=data, filter=data[:40, :40], target=np.ones((25, 25)), learning_rate=1e-6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepping, "CHECKPOINT_NUMBERS", 40 * 40 * 4 * 5)
        session = on(problem)
        forward(session, 30)
        assert len(session.line._checkpoints) <= 5
        session.go(17)
        assert session.iteration == 17
