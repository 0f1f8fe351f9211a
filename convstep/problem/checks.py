"""From plain data to a checked problem: every way in which a problem can be wrong is found here or below.

Errors name the key at fault and nothing else; where that stands in a file is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convstep.arrays import Array
from convstep.errors import ProblemError
from convstep.problem import checks_functions
from convstep.problem.checks_arrays import array, fitted, sealed
from convstep.problem.checks_attempt import attempt
from convstep.problem.checks_filter import read_filter
from convstep.problem.checks_geometry import check_channels, check_sizes, geometry_words, padding
from convstep.problem.checks_numbers import LARGEST_COUNT, flag, in_range, integer, is_list, number, pair, word
from convstep.problem.keys import KEYS, mapping, present
from convstep.problem.model import Problem, Stop
from convstep.words import quoted, spelled_shape

Given = Mapping[str, Any]

LISTED = "README, The problem file, lists all"
OPERATIONS = ("cross-correlation", "convolution")


def check(data: Mapping[str, Any], folder: str | None = None) -> Problem:
    """The problem that the data describes, with every default filled in.

    >>> check({"input": [[1, 2], [3, 4]], "filter": [[1, -1]]}).output_shape
    (2, 1)

    Args:
        data: The keys of a problem file.
        folder: Where the names of data files begin; ``None`` for the current folder.

    Raises:
        ProblemError: With the key at fault.
    """
    keys = mapping(data, (), "a mapping with input and filter")
    given = present(_without_layers(keys), KEYS, listed=LISTED)
    problem = _goal(_layer(given, folder), given, folder)
    problem = _learning(problem, given)
    problem = replace(
        problem,
        title=_title(given),
        attempt=attempt(given["attempt"]) if "attempt" in given else None,
        expected_filter=_like(given, "expected_filter", problem.filter.shape, "the shape of the filter", folder),
    )
    return problem if given.get("exact", False) is False else _exact(problem, given, folder)


def _exact(problem: Problem, given: Given, folder: str | None) -> Problem:
    """The problem in fractions, if it asks for them."""
    from convstep.problem.exact import exactness, in_fractions, refuse_irrational

    wanted = exactness(given["exact"])
    if wanted is None:
        return problem
    refuse_irrational(problem, given)
    return in_fractions(replace(problem, exact=wanted), given, folder)


def _without_layers(given: Given) -> Given:
    """Refuses what is not there yet by a reason of its own; among the keys that are known it would be offered."""
    if given.get("layers") is not None:
        raise ProblemError("chains of layers are not supported yet", ("layers",), at_key=True)
    return {key: held for key, held in given.items() if key != "layers"}


def _layer(given: Given, folder: str | None) -> Problem:
    """The forward part: what is correlated with what, and the activation."""
    _require(given, "input")
    signal = array(given["input"], ("input",), folder, (2, 3, 4), "H×W, C×H×W or N×C×H×W")
    _require(given, "filter")
    groups = integer(given.get("groups", 1), ("groups",), 1)
    shape, numbers = read_filter(given["filter"], signal.shape, groups, folder)
    check_channels(given, signal.shape, shape, groups)
    # Sizes are checked before a filter is drawn: this stand-in has the shape and takes no memory.
    draft = Problem(
        input=sealed(signal),
        filter=np.broadcast_to(0.0, shape),
        groups=groups,
        stride=pair(given.get("stride", 1), ("stride",), 1),
        dilation=pair(given.get("dilation", 1), ("dilation",), 1),
    )
    draft = replace(draft, padding=padding(given.get("padding", 0), draft.geometry))
    check_sizes(draft.geometry)
    activation = checks_functions.activation(given.get("activation", "relu"))
    return replace(
        draft,
        filter=sealed(numbers()),
        bias=_bias(given, shape),
        activation=activation,
        slope_at_zero=checks_functions.slope_at_zero(given.get("slope_at_zero"), activation),
        operation=word(given.get("operation", OPERATIONS[0]), ("operation",), OPERATIONS),
    )


def _require(given: Given, key: str) -> None:
    if key not in given:
        raise ProblemError("missing; a problem needs an input and a filter", (key,))


def _bias(given: Given, shape: tuple[int, ...]) -> Array | None:
    """One number a filter: 0-D for the one filter that has no axis F."""
    value, path = given.get("bias"), ("bias",)
    if value is None:
        return None
    filters = shape[0] if len(shape) == 4 else 1
    words = "one number" if filters == 1 else f"one number, or a list of {filters}, one for each filter"
    if not is_list(value) and not isinstance(value, np.ndarray):
        value = [number(value, path, words)]
    values = array(value, path, None, (0, 1), words)
    if values.size not in (1, filters):
        raise ProblemError(f"expected {words}, found {spelled_shape(values.shape)}", path)
    return sealed(np.broadcast_to(values, filters) if len(shape) == 4 else values.reshape(()))


def _goal(problem: Problem, given: Given, folder: str | None) -> Problem:
    """What the output is compared with, or what is sent back in its place."""
    if "target" in given and "output_gradient" in given:
        raise ProblemError("expected either target or output_gradient, found both", ("output_gradient",), at_key=True)
    through = flag(given.get("target_through_activation", False), ("target_through_activation",))
    if through and "target" not in given:
        raise ProblemError("there is no target to pass through", ("target_through_activation",), at_key=True)
    shape, reason = problem.output_shape, f"the shape of the output ({geometry_words(problem.geometry)})"
    return replace(
        problem,
        target=_like(given, "target", shape, reason, folder),
        output_gradient=_like(given, "output_gradient", shape, reason, folder),
        target_through_activation=through,
    )


def _like(given: Given, key: str, shape: tuple[int, ...], reason: str, folder: str | None) -> Array | None:
    """The array of a key, in the shape of something else."""
    return fitted(array(given[key], (key,), folder), shape, (key,), reason) if key in given else None


def _learning(problem: Problem, given: Given) -> Problem:
    """Loss, rate, optimizer and stop; what would have no effect is checked and then forgotten."""
    loss = checks_functions.loss(given.get("loss", "half_squared_error"))
    optimizer = checks_functions.optimizer(given.get("optimizer", "sgd"))
    rate = given.get("learning_rate")
    if rate is None and problem.target is not None:
        raise ProblemError("missing; a problem with a target needs one, as in learning_rate: 0.1", ("learning_rate",))
    problem = replace(
        problem,
        loss=loss if problem.target is not None else checks_functions.loss("half_squared_error"),
        optimizer=optimizer if rate is not None else checks_functions.optimizer("sgd"),
        stop=_stop(given, problem),
    )
    if rate is None and problem.stop.iterations > 1:
        raise ProblemError("missing; more than one iteration needs it, as in learning_rate: 0.1", ("learning_rate",))
    return replace(problem, learning_rate=_learning_rate(rate, problem))


def _learning_rate(value: Any, problem: Problem) -> float | None:
    if value is None or (value == "auto" and problem.forward_only):
        return None
    if value != "auto":
        return in_range(value, ("learning_rate",), above=0, others=" or auto")
    from convstep.analysis import safe_rate

    try:
        return safe_rate(problem)
    except ProblemError as error:
        error.path = error.path or ("learning_rate",)
        raise


def _stop(given: Given, problem: Problem) -> Stop:
    """When the run ends; without a target one iteration is all there is, unless the file asks for more."""
    values = present(
        mapping(given.get("stop", {}), ("stop",), "a mapping of iterations, loss and gradient"),
        ("iterations", "loss", "gradient"),
        ("stop",),
    )
    usual = Stop() if problem.target is not None else Stop(iterations=1)
    iterations = integer(values.get("iterations", usual.iterations), ("stop", "iterations"), 1, most=LARGEST_COUNT)
    return Stop(
        1 if problem.forward_only else iterations,
        in_range(values.get("loss", usual.loss), ("stop", "loss"), least=0),
        in_range(values.get("gradient", usual.gradient), ("stop", "gradient"), least=0),
    )


def _title(given: Given) -> str | None:
    title = given.get("title")
    if title is not None and not isinstance(title, str):
        hint = "; quotes make it text" if isinstance(title, (int, float)) else ""
        raise ProblemError(f"expected text, found {quoted(title)}{hint}", ("title",))
    return title
