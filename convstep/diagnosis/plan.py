"""Which stages matter for the quantities that were given, and which mistakes they could show."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from convstep.arrays import Array
from convstep.diagnosis.calculation import Stage, ancestors_of, stages_of
from convstep.diagnosis.mistakes_delta import delta_rules
from convstep.diagnosis.mistakes_forward import forward_rules, loss_rules
from convstep.diagnosis.mistakes_gradient import gradient_rules
from convstep.diagnosis.mistakes_update import update_rules
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting

KEEPS_SHAPE = frozenset(
    {"window_sums", "pre_activation", "output", "activation_slope", "turned_gradient", "filter_gradient"}
)
"""The stages that can go on from an array of another size."""
MERGES_AT = ("pre_activation", "output_gradient", "delta", "filter_gradient", "filter_direction", "filter_update")
"""After these stages candidates are compared with each other."""


def rules_of(setting: Setting) -> list[Rule]:
    """Every wrong way of doing a stage that exists in this exercise."""
    makers = (forward_rules, loss_rules, delta_rules, gradient_rules, update_rules)
    ways: dict[tuple[str, str], int] = {}
    rules = []
    for rule in (rule for make in makers for rule in make(setting)):
        way = ways.get((rule.id, rule.stage), 0)
        ways[rule.id, rule.stage] = way + 1
        rules.append(rule._replace(way=way))
    return rules


def twins(stage: str) -> list[str]:
    """The stage that does for the bias what this one does for the filter, or the other way round, if there is one."""
    return [stage.replace(kind, other) for kind, other in (("bias", "filter"), ("filter", "bias")) if kind in stage]


def made_for_both(rules: Sequence[Rule], every_rule: Sequence[Rule], seen: Collection[str] = ()) -> list[Rule]:
    """Mistakes as people make them: for the filter and the bias alike.

    Args:
        rules: The mistakes.
        every_rule: All that can be made.
        seen: The stages at which it would have been seen: there nothing is added.
    """
    ways = {(rule.id, rule.stage, rule.way): rule for rule in every_rule}
    added = [ways.get((rule.id, twin, rule.way)) for rule in rules for twin in twins(rule.stage)]
    return [*rules, *(each for each in added if each is not None and each.stage not in seen and each not in rules)]


class Plan:
    """The stages that lead to the given quantities.

    Attributes:
        stages: In order.
        order: Their names.
        places_given: The places in it of the given quantities.
        stage: By name.
        needs: What each is computed from, by the right way.
        rules: The wrong ways, by stage.
        bit: A bit for each stage.
        ancestors: For each stage, the bits of what leads to it, its own included.
        keeps_shape: See `KEEPS_SHAPE`.
        reaches: For each stage, the bits of the given quantities that it can be seen in before any other.
        stages_of_id: The bits of the stages in which each mistake can be made.
        merges: After which stages candidates are compared, and by which arrays.
        given: The quantities that were given.
        shape: The shape of what each stage gives, if it is done right.
    """

    def __init__(
        self, setting: Setting, every_stage: list[Stage], every_rule: list[Rule], given: Collection[str]
    ) -> None:
        self.given = frozenset(given)
        leads = ancestors_of(every_stage)
        wanted = frozenset().union(*(leads[name] for name in given))
        if "input_gradient" in given and setting.problem.learns:
            wanted |= leads["new_filter"]
        self.stages = [stage for stage in every_stage if stage.name in wanted]
        self.stage = {stage.name: stage for stage in self.stages}
        self.order = [stage.name for stage in self.stages]
        self.places_given = [place for place, name in enumerate(self.order) if name in self.given]
        self.needs = {stage.name: stage.needs for stage in self.stages}
        self.bit = {stage.name: np.uint64(1 << number) for number, stage in enumerate(self.stages)}
        self.ancestors = {
            stage.name: np.uint64(sum(int(self.bit[name]) for name in leads[stage.name])) for stage in self.stages
        }
        self.rules: dict[str, list[Rule]] = {}
        for rule in every_rule:
            if rule.stage in wanted and self._may_be_told(rule, given, wanted):
                self.rules.setdefault(rule.stage, []).append(rule)
        self.keeps_shape = KEEPS_SHAPE
        self.reaches = self._reaches()
        self.stages_of_id: dict[str, int] = {}
        for rule in every_rule:
            self.stages_of_id[rule.id] = self.stages_of_id.get(rule.id, 0) | int(self.bit.get(rule.stage, 0))
        self._chosen: dict[tuple[bool, int], dict[str, list[Rule]]] = {}
        self._ways: dict[tuple[int, tuple[str, ...], bool], str] = {}
        self.shape = {name: each.shape[1:] for name, each in right_values(setting, self.stages).items()}
        self.merges = {name: self._live_after(name) for name in MERGES_AT if name in wanted}

    def leads(self, name: str, other: str) -> bool:
        """Whether what one stage gives is used for another, or is it; False for one that is none of the plan's."""
        return bool(self.ancestors[other] & self.bit.get(name, np.uint64(0)))

    def _reaches(self) -> dict[str, int]:
        """For each stage, the bits of the given quantities that show it first: nothing given lies between."""
        found: dict[str, int] = {}
        for stage in reversed(self.stages):
            if stage.name in self.given:
                found[stage.name] = int(self.bit[stage.name])
                continue
            later = [each for each in self.stages if stage.name in each.needs]
            found[stage.name] = int(np.bitwise_or.reduce([0, *(found[each.name] for each in later)]))
        return found

    def rules_for(self, failing: Sequence[str], *, one: bool) -> dict[str, list[Rule]]:
        """The wrong ways that can explain what fails: nothing that was given, and is in order, lies between.

        Args:
            failing: The given quantities that neither follow nor are right, in order.
            one: Whether one mistake must explain the first of them.
        """
        first, every = int(self.bit[failing[0]]), sum(int(self.bit[name]) for name in failing)
        key = one, every
        if key not in self._chosen:
            ids = {rule.id for name, rules in self.rules.items() if self.reaches[name] & first for rule in rules}
            chosen = {
                name: [rule for rule in rules if not one or rule.id in ids]
                for name, rules in self.rules.items()
                if self.reaches[name] & every
            }
            self._chosen[key] = {name: rules for name, rules in chosen.items() if rules}
        return self._chosen[key]

    def ways_up_to(self, place: int, failing: Sequence[str], *, one: bool) -> str:
        """All ways that there are up to the stage at a place, and after which stages what is compared, as a text.

        See `rules_for`; where the text is the same, so is the search up to there.
        """
        key = place, tuple(failing), one
        if key not in self._ways:
            rules = self.rules_for(failing, one=one)
            self._ways[key] = " ".join(
                f"{name}({','.join(f'{rule.id}.{rule.way}' for rule in rules.get(name, ()))})"
                f"[{','.join(self.merges.get(name, ()))}]"
                for name in self.order[: place + 1]
            )
        return self._ways[key]

    @staticmethod
    def _may_be_told(rule: Rule, given: Collection[str], wanted: Collection[str]) -> bool:
        """Whether what the rule looks at was given, or was not, as it wants, and what it needs is computed."""
        if rule.beside and rule.beside not in given:
            return False
        return not any(name in given for name in rule.without) and all(name in wanted for name in rule.needs)

    def _live_after(self, name: str) -> list[str]:
        """The arrays that a later stage looks at, whether right or wrong."""
        position = next(number for number, stage in enumerate(self.stages) if stage.name == name)
        later = self.stages[position + 1 :]
        looked_at = {need for stage in later for need in stage.needs}
        looked_at |= {need for stage in later for rule in self.rules.get(stage.name, ()) for need in rule.needs}
        return [stage.name for stage in self.stages[: position + 1] if stage.name in looked_at]


@np.errstate(all="ignore")
def right_values(setting: Setting, stages: list[Stage]) -> dict[str, Array]:
    """What every stage gives, if all are done right: one row each."""
    values: dict[str, Array] = {}
    for stage in stages:
        values[stage.name] = stage.compute(setting, values)
    return values


def plan_for(setting: Setting, given: Collection[str]) -> Plan:
    """The plan for these quantities."""
    return Plan(setting, stages_of(setting), rules_of(setting), given)
