"""The other way round, and the two views of the input's gradient, against the definition in loops."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import given
from profiles import examples
from strategies import problem_documents

import convstep
from convstep.derivation.explanation import Derivations
from convstep.derivation.model import Use
from convstep.problem.model import Problem

EXAMPLES = 40
WITH_GRADIENT = problem_documents(goals=("target", "output_gradient"))
Key = tuple[str, tuple[int, ...]]


def source_of(document: dict[str, Any]) -> Derivations:
    problem = convstep.load(document)
    return Derivations(problem, next(iter(convstep.descend(problem))))


def shown(full: tuple[int, ...], axes: int) -> tuple[int, ...]:
    return full[4 - axes :]


def connections(problem: Problem) -> Iterator[tuple[Key, Key | None, Key]]:
    """Each meeting of the definition: the output, the input (nothing for padding), and the weight."""
    g = problem.geometry
    images, filters = problem.input.ndim == 4, problem.filter.ndim == 4
    for n, f, i, j in np.ndindex(g.batch, g.filters, *g.output):
        output = (*((n,) if images else ()), *((f,) if filters else ()), i, j)
        for c, p, q in np.ndindex(g.channels // g.groups, *g.kernel):
            channel = f // (g.filters // g.groups) * (g.channels // g.groups) + c
            y = i * g.stride[0] + p * g.dilation[0] - g.padding[0][0]
            x = j * g.stride[1] + q * g.dilation[1] - g.padding[1][0]
            tap = (p, q)
            if problem.operation == "convolution":
                tap = (g.kernel[0] - 1 - p, g.kernel[1] - 1 - q)
            inside = 0 <= y < g.size[0] and 0 <= x < g.size[1]
            met = ("input", shown((n, channel, y, x), problem.input.ndim)) if inside else None
            yield ("pre_activation", output), met, ("filter", shown((f, c, *tap), problem.filter.ndim))


def who_used(source: Derivations) -> dict[Key, Counter[tuple[Key, float]]]:
    """For each number of input and filter the outputs that used it, each with what it was multiplied by."""
    problem = source.problem
    found: dict[Key, Counter[tuple[Key, float]]] = {}
    for output, met, weight in connections(problem):
        number = 0.0 if met is None else float(problem.input[met[1]])
        found.setdefault(weight, Counter())[output, number] += 1
        if met is not None:
            found.setdefault(met, Counter())[output, float(source.step.filter[weight[1]])] += 1
    return found


def listed(uses: Any) -> Counter[tuple[Key, float]]:
    return Counter(((use.name, use.cell), use.factor.value) for use in uses)


@given(problem_documents())
@examples(EXAMPLES)
def test_all_who_used_a_number_are_named_and_nobody_else(document):
    source = source_of(document)
    found = who_used(source)
    for name in ("input", "filter"):
        for cell in source.indices(name):
            assert listed(source.uses(name, cell)) == found.get((name, cell), Counter())


@given(WITH_GRADIENT)
@examples(EXAMPLES)
def test_what_is_sent_back_adds_up_to_the_gradient(document):
    source = source_of(document)
    for name in ("input", "filter", "bias"):
        if name == "bias" and "bias" not in source.step:
            continue
        for cell in source.indices(name):
            uses = source.uses(name, cell)
            values = [sent(source, use) for use in uses]
            gradient = float(source.step.array(f"{name}_gradient")[cell])
            assert math.isclose(math.fsum(values), gradient, rel_tol=1e-12, abs_tol=1e-12 * sum(map(abs, values)))


def sent(source: Derivations, use: Use) -> float:
    """What one place sends back: its delta times the factor."""
    assert use.back is not None
    assert use.back.factors[0].name == "delta"
    assert use.back.factors[0].cell == use.cell
    assert use.back.value == float(source.step.delta[use.cell]) * use.factor.value
    return use.back.value


@given(problem_documents(goals=("target", "output_gradient")))
@examples(EXAMPLES)
def test_both_views_of_the_gradient_of_the_input_agree(document):
    """Windows scattered back, and δ spread out under the rotated filter: the same products, zeros aside."""
    source = source_of(document)
    g = source.problem.geometry
    for cell in source.indices("input_gradient"):
        scattered = source.sums.input_gradient(cell)
        rotated = source.sums.input_gradient_by_rotation(cell)
        kept = [term for term in rotated if not term.factors[0].padding]
        assert Counter(kept) == Counter(scattered)
        assert all(term.value == 0 for term in rotated if term.factors[0].padding)
        assert len(rotated) == g.group_filters * math.prod(g.kernel)
        assert Counter(term.factors[1].cell for term in rotated) == Counter(every_weight(source, cell))
        gradient = float(source.step.input_gradient[cell])
        assert math.isclose(sum(term.value for term in kept), gradient, rel_tol=1e-12, abs_tol=1e-9)


def every_weight(source: Derivations, cell: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All weights of the filters that look at the cell's channel."""
    g, problem = source.problem.geometry, source.problem
    channel = cell[-3] if len(cell) > 2 else 0
    group, c = divmod(channel, g.channels // g.groups)
    per_group = g.filters // g.groups
    for f in range(group * per_group, (group + 1) * per_group):
        for tap in np.ndindex(*g.kernel):
            yield shown((f, c, *tap), problem.filter.ndim)


def test_the_rotated_view_walks_the_filter_backwards():
    """Read from left to right it is a correlation with the filter turned by 180°; without a turn, as it is."""
    document = {"input": [[1, 2], [3, 4]], "filter": [[1, 2], [3, 4]], "output_gradient": [[5]]}
    turned = [(1, 1), (1, 0), (0, 1), (0, 0)]
    for operation, expected in (("cross-correlation", turned), ("convolution", turned[::-1])):
        source = source_of(document | {"operation": operation, "learning_rate": 1})
        terms = source.sums.input_gradient_by_rotation((0, 0))
        assert [term.factors[1].cell for term in terms] == expected
        assert [term.factors[0].padding for term in terms] == [True, True, True, False]


def test_without_a_gradient_the_uses_are_known_all_the_same():
    source = source_of({"input": [[1, 2, 3]], "filter": [[4, 5]]})
    uses = source.uses("input", (0, 1))
    assert [(use.cell, use.factor.cell, use.factor.value, use.back) for use in uses] == [
        ((0, 0), (0, 1), 5, None), ((0, 1), (0, 0), 4, None)
    ]  # fmt: skip
    assert len(uses[:1]) == 1
