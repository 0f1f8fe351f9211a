"""Every optimizer against torch.optim: 50 iterations of a run with filter and bias, state included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn_problems import SEEDS, numbers
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

from convstep.choices import Choice
from convstep.descent import descend
from convstep.optimizers import OPTIMIZERS
from convstep.problem.model import Problem, Stop
from convstep.trace import Step

torch = pytest.importorskip("torch")
from torch_layer import TorchLayer, tensor  # noqa: E402

ITERATIONS = 50

CLASSES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
STATES = {
    "sgd": {"momentum": "momentum_buffer"},
    "adam": {"momentum": "exp_avg", "square_average": "exp_avg_sq", "largest_square_average": "max_exp_avg_sq"},
    "rmsprop": {"momentum": "momentum_buffer", "square_average": "square_avg", "gradient_average": "grad_avg"},
    "adagrad": {"square_average": "sum"},
}
"""How torch.optim calls what `filter_…` and `bias_…` hold."""

DECAYS = st.sampled_from([0.0, 0.01, 0.5])
MOMENTA = st.sampled_from([0.0, 0.3, 0.9])
BETAS = st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.0, 0.9, 0.999]))


@st.composite
def sgd(draw: st.DrawFn) -> Choice:
    momentum = draw(MOMENTA)
    nesterov = momentum > 0 and draw(st.booleans())
    dampening = 0.0 if nesterov else draw(st.sampled_from([0.0, 0.25, 1.0]))
    decay = draw(DECAYS)
    return Choice("sgd", {"momentum": momentum, "nesterov": nesterov, "dampening": dampening, "weight_decay": decay})


ADAM = st.fixed_dictionaries(
    {},
    optional={
        "betas": BETAS,
        "eps": st.sampled_from([1e-8, 1e-2]),
        "weight_decay": DECAYS,
        "amsgrad": st.booleans(),
    },
)
# In centered rmsprop, v − ḡ² cancels: a sizeable eps keeps that rounding error small.
RMSPROP = st.fixed_dictionaries(
    {"eps": st.sampled_from([1e-3, 1e-2])},
    optional={
        "alpha": st.sampled_from([0.5, 0.9, 0.99]),
        "weight_decay": DECAYS,
        "momentum": MOMENTA,
        "centered": st.booleans(),
    },
)
ADAGRAD = st.fixed_dictionaries(
    {},
    optional={
        "lr_decay": st.sampled_from([0.0, 0.1, 1.0]),
        "weight_decay": DECAYS,
        "initial_accumulator_value": st.sampled_from([0.0, 0.1, 2.0]),
        "eps": st.sampled_from([1e-10, 1e-2]),
    },
)
CHOICES = st.one_of(
    sgd(),
    ADAM.map(lambda given: Choice("adam", given)),
    RMSPROP.map(lambda given: Choice("rmsprop", given)),
    ADAGRAD.map(lambda given: Choice("adagrad", given)),
)


def problem_with(choice: Choice, seed: int, rate: float, **changed: Any) -> Problem:
    """Linear, so that no kink turns a rounding error into another run."""
    facts: dict[str, Any] = {
        "input": numbers(seed, (2, 4, 4)),
        "filter": numbers(seed + 1, (2, 2, 2, 2)),
        "bias": numbers(seed + 2, (2,)),
        "target": numbers(seed + 3, (2, 3, 3)),
        "activation": Choice("linear"),
        "loss": Choice("mean_squared_error"),
        "learning_rate": rate,
        "optimizer": choice,
        "stop": Stop(ITERATIONS, -1.0, -1.0),
    }
    return Problem(**(facts | changed))


def lead(layer: TorchLayer, step: Step) -> dict[str, np.ndarray]:
    """Puts the Step's parameters and gradients into the layer."""
    names = {}
    for kind, leaf in zip(("filter", "bias"), layer.parameters, strict=True):
        names |= {kind: step.array(kind).copy(), f"{kind}_gradient": step.array(f"{kind}_gradient").copy()}
        leaf.data = tensor(names[kind])
        leaf.grad = tensor(names[f"{kind}_gradient"])
    return names


def compare(problem: Problem, rtol: float = 1e-10, *, led: bool = False) -> None:
    """Runs both side by side; `led` takes parameters and gradients from each Step.

    Two free runs part where g/√v is nearly sign(g): it makes much of the rounding errors of a small g. Led by the
    Steps, torch.optim keeps its own state through all iterations and answers each with its own update.
    """
    layer, name = TorchLayer(problem), problem.optimizer.name
    optimizer = CLASSES[name](layer.parameters, lr=problem.learning_rate, **problem.optimizer.parameters)
    steps = list(descend(problem))
    assert len(steps) == problem.stop.iterations
    for step in steps:
        before = lead(layer, step) if led else layer.iteration()
        optimizer.step()
        close = {"rtol": rtol, "atol": rtol, "err_msg": f"iteration {step.iteration} of {problem.optimizer.spelled}"}
        for kind, leaf in zip(("filter", "bias"), layer.parameters, strict=True):
            after = leaf.detach().numpy()
            np.testing.assert_allclose(step.array(kind), before[kind], **close)
            np.testing.assert_allclose(step.array(f"{kind}_gradient"), before[f"{kind}_gradient"], **close)
            np.testing.assert_allclose(step.array(f"new_{kind}"), after, **close)
            np.testing.assert_allclose(step.array(f"{kind}_update"), after - before[kind], **close)
            held = optimizer.state[leaf]
            expected = {f"{kind}_{ours}": held[its] for ours, its in STATES[name].items() if held.get(its) is not None}
            states = {f"{kind}_{state}" for states in STATES.values() for state in states}
            assert set(expected) == states & set(step)
            for state, value in expected.items():
                np.testing.assert_allclose(step.array(state), value.numpy(), **close)


def test_every_optimizer_is_compared() -> None:
    assert set(CLASSES) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_and_defaults(name: str) -> None:
    """Each parameter has PyTorch's name and default (lr and what does not change numbers aside)."""
    theirs = CLASSES[name]([torch.zeros(1, requires_grad=True)], lr=0.1).defaults
    ours = {key: parameter.default for key, parameter in OPTIMIZERS[name].parameters.items()}
    assert {key: theirs[key] for key in ours} == ours
    technical = {"lr", "maximize", "foreach", "differentiable", "fused", "capturable", "decoupled_weight_decay"}
    assert set(theirs) - technical == set(ours)


@examples(80)
@given(CHOICES, SEEDS, st.sampled_from([0.003, 0.05]))
def test_drawn_parameters(choice: Choice, seed: int, rate: float) -> None:
    problem = problem_with(choice, seed, rate)
    *_, last = descend(problem)
    assume(np.abs(last.new_filter).max() < 1e3)  # a run that explodes proves nothing
    compare(problem, led=True)


@pytest.mark.parametrize("betas", [(0.0, 0.0), (0.0, 0.9), (0.9, 0.0), (0.5, 0.999)])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_betas_at_their_limits(betas: tuple[float, float], amsgrad: bool) -> None:
    choice = Choice("adam", {"betas": betas, "amsgrad": amsgrad})
    compare(problem_with(choice, 5, 0.01), led=True)


@pytest.mark.parametrize(
    "choice",
    [
        Choice("sgd"),
        Choice("sgd", {"weight_decay": 0.5}),
        Choice("sgd", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
        Choice("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        Choice("adam"),
        Choice("adam", {"amsgrad": True, "weight_decay": 0.1, "betas": (0.5, 0.9), "eps": 1e-2}),
        Choice("rmsprop"),
        Choice("rmsprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.1, "alpha": 0.9, "eps": 1e-3}),
        Choice("adagrad"),
        Choice("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1, "eps": 1e-3}),
    ],
    ids=lambda choice: str(choice.spelled),
)
def test_each_parameter_for_sure(choice: Choice) -> None:
    compare(problem_with(choice, 7, 0.02))


def test_a_rotated_filter() -> None:
    choice = Choice("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1})
    compare(problem_with(choice, 7, 0.02, operation="convolution"))


def test_amsgrad_keeps_the_largest() -> None:
    """A gradient that shrinks, so that the largest square average is not the last one."""
    choice = Choice("adam", {"amsgrad": True, "betas": (0.9, 0.5)})
    problem = problem_with(choice, 11, 0.05)
    last = list(descend(problem))[-1]
    assert (last["filter_largest_square_average"] > last.filter_square_average).any()
    compare(problem)


def test_a_bias_of_a_plain_filter() -> None:
    compare(
        problem_with(
            Choice("adam"),
            3,
            0.05,
            input=numbers(1, (4, 4)),
            filter=numbers(2, (2, 2)),
            bias=np.array(0.5),
            target=numbers(3, (3, 3)),
        )
    )
