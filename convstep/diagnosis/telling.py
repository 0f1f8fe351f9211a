"""A mistake in words, with the learner's own numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.catalogue import CATALOGUE, Mistake
from convstep.diagnosis.catalogue_kinds import BIT_OF
from convstep.diagnosis.plan import Plan
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.terms import spelled
from convstep.diagnosis.updating import goes_by_gradient
from convstep.diagnosis.wording import words
from convstep.diagnosis.worlds import STATES
from convstep.diagnosis.written import Written
from convstep.numbers import cell_text, short
from convstep.quantities import QUANTITIES
from convstep.words import spelled_shape

KINDS = ("filter", "bias")


class Sight(NamedTuple):
    """Where a mistake is best seen.

    Attributes:
        name: The quantity.
        cell: The number of it, as the problem counts.
        place: The same in the full shape.
        wrong, right: What the mistake makes of it, and what it should be, from the learner's numbers before.
        shape: The shape that the mistake gives, where it is another one.
    """

    name: str
    cell: tuple[int, ...]
    place: tuple[int, ...]
    wrong: float
    right: float
    shape: tuple[int, ...] | None = None


def told(
    setting: Setting, plan: Plan, rule: Rule, values: Mapping[str, Array], written: Mapping[str, Written] | None = None
) -> tuple[str, str]:
    """What was done, with numbers, and what to do instead.

    Args:
        setting: The exercise.
        plan: The stages that matter.
        rule: The mistake, as it was made.
        values: The learner's numbers for all stages, one row each.
        written: What was written of them: no number is told of a cell that was left open.
    """
    mistake = words(setting, rule)
    sight = _sight(setting, plan, rule, values, written or {})
    says = mistake.did if sight is None else _with_numbers(setting, mistake, sight, values)
    return f"{says} {mistake.why}", mistake.instead


@np.errstate(all="ignore")
def _sight(
    setting: Setting, plan: Plan, rule: Rule, values: Mapping[str, Array], written: Mapping[str, Written]
) -> Sight | None:
    """The first quantity on the way that the mistake changes, and the number of it that it changes most."""
    # The rule looks at what there was before its stage, not at what came of it.
    position = next(number for number, stage in enumerate(plan.stages) if stage.name == rule.stage)
    before = {stage.name: values[stage.name] for stage in plan.stages[:position]}
    wrong: dict[str, Array] = {**before, rule.stage: rule.compute(setting, before)}
    right = {**before, rule.stage: plan.stages[position].compute(setting, before)}
    if rule.stage in QUANTITIES:
        weights = _weights(rule.stage, before)
        return _compared(setting, rule.stage, wrong[rule.stage], right[rule.stage], written, weights)
    for stage in plan.stages[position + 1 :]:
        try:
            wrong[stage.name] = stage.compute(setting, wrong)
        except ValueError:  # of another shape, and nothing can be computed from it
            return None
        right[stage.name] = stage.compute(setting, right)
        unseen = stage.name.endswith(STATES) and stage.name not in plan.given
        if stage.name in QUANTITIES and not unseen:
            sight = _compared(setting, stage.name, wrong[stage.name], right[stage.name], written)
            if sight is not None:
                return sight
    return None


def _weights(name: str, values: Mapping[str, Array]) -> Array | None:
    """How much each number of a slope matters: as much as what it lets through, or stops."""
    gradient = values.get("output_gradient")
    return np.abs(gradient[0]) if name == "activation_slope" and gradient is not None else None


def _compared(
    setting: Setting,
    name: str,
    wrong: Array,
    right: Array,
    written: Mapping[str, Written],
    weights: Array | None = None,
) -> Sight | None:
    if wrong.shape[1:] != right.shape[1:]:
        return Sight(name, (), (), math.nan, math.nan, wrong.shape[1:])
    apart = np.nan_to_num(np.abs(wrong[0] - right[0]))
    if name in written and written[name].judged.size == apart.size:
        apart = np.where(written[name].judged.reshape(apart.shape), apart, 0.0)
    if not apart.any():
        return None
    if weights is not None and weights.shape == apart.shape and (apart * weights).any():
        apart = apart * weights
    # The first of those that differ most, for all that floats can tell.
    most = int((apart >= apart.max() * (1.0 - 1e-9)).argmax())
    place = tuple(int(i) for i in np.unravel_index(most, apart.shape))
    cell = _own_cell(setting, name, place)
    return Sight(name, cell, place, float(wrong[0][place]), float(right[0][place]))


def _own_cell(setting: Setting, name: str, place: tuple[int, ...]) -> tuple[int, ...]:
    """A place in the full shape as the problem counts it: without the axes that it does not have."""
    own, full = setting.own_shape(name), setting.shape(name)
    if QUANTITIES[name].like == "output":
        has_batch, has_filters = setting.problem.input.ndim == 4, setting.problem.filter.ndim == 4
        return (*(place[:1] if has_batch else ()), *(place[1:2] if has_filters else ()), *place[2:])
    return place[len(full) - len(own) :]


def _with_numbers(setting: Setting, mistake: Mistake, sight: Sight, values: Mapping[str, Array]) -> str:
    """What was done, said with the number in which it is best seen."""
    where = sight.name + (cell_text(sight.cell) if sight.cell else "")
    did, name = mistake.did, mistake.id
    if sight.shape is not None:
        shape = spelled_shape([size for size in sight.shape if size != 1] or [1])
        wanted = spelled_shape(setting.own_shape(sight.name))
        return f"{did} That makes {sight.name} {shape}; it is {wanted} here."
    of_delta = sight.name in ("delta", "activation_slope") and "output_gradient" in values
    if of_delta and name.startswith(("slope", "activation-for", "value", "upstream")):
        return _of_delta(setting, mistake, sight, values)
    if name == "ascent" and sight.name.endswith(("_update", *KINDS)):
        return _of_ascent(setting, sight, values)
    return f"{did} For {where} that gives {short(sight.wrong)}; it should be {short(sight.right)}."


def _of_delta(setting: Setting, mistake: Mistake, sight: Sight, values: Mapping[str, Array]) -> str:
    """The slope and what it does to the error, at the cell where it matters most."""
    row = (0, *sight.place)
    z, gradient = float(values["pre_activation"][row]), float(values["output_gradient"][row])
    slope = float(setting.slope(values["pre_activation"])[row])
    at, function = cell_text(sight.cell), setting.problem.activation.name
    flows = (
        "so nothing flows back"
        if not slope
        else f"so {spelled(gradient)}·{spelled(slope)} = {short(gradient * slope)} flows back"
    )
    fact = f"z there is {'exactly 0' if not z else short(z)}, where {function}'s slope is {short(slope)}, {flows}"
    number = short(sight.wrong)
    if mistake.id == "slope-forgotten":
        return f"You sent the error {short(gradient)} at {at} back as it is; but {fact}."
    if sight.name == "activation_slope":
        made = gradient * sight.wrong
        return f"{mistake.did[:-1]}, {short(sight.wrong)} at {at}, which makes {short(made)}; but {fact}."
    return f"{mistake.did[:-1]}, which makes {number} at {at}; but {fact}."


def _of_ascent(setting: Setting, sight: Sight, values: Mapping[str, Array]) -> str:
    """The step the wrong way, from where it started."""
    kind = next(each for each in KINDS if sight.name.endswith(each) or sight.name.startswith(each))
    cell = cell_text(sight.cell) if sight.cell else ""
    row = (0, *sight.place)
    start, gradient = float(values[kind][row]), float(values[f"{kind}_gradient"][row])
    wrong, right = (
        (sight.wrong, sight.right) if sight.name.startswith("new") else (start + sight.wrong, start + sight.right)
    )
    became = f"{short(start)} became {short(wrong)} in the place of {short(right)}"
    if float(values[f"{kind}_sign"][0]) < 0:
        return (
            f"Your numbers have the sign of t − a: your {kind}_gradient{cell} = {short(gradient)} already points "
            f"downhill and is to be added. You subtracted it, and {became}."
        )
    if not goes_by_gradient(setting):
        return f"You moved up the gradient, and not down: {kind}{cell} = {became}."
    way = "grew" if wrong > start else "shrank"
    went = f"{short(start)} {way} by {short(abs(wrong - start))} to {short(wrong)}"
    at = f" at {cell}" if cell else ""
    return (
        f"The gradient{at} is {short(gradient)}, and you moved with it: {went}. Against it, it becomes {short(right)}."
    )


assert set(BIT_OF) == set(CATALOGUE), "the order of frequency names every mistake once"
