"""How fast attempts are judged: a class, one with three mistakes, and one that nothing explains.

Run with ``python -m tests.benchmarks.diagnosis``.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import convstep
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.plan import rules_of
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.simulation import simulated
from tests.benchmarks.timing import row

CLASS = 1000
PROMISED = 200
"""So many attempts a second on one core."""
DECIMALS = 3
SHOWN = ("pre_activation", "output", "error", "delta", "filter_gradient", "new_filter")


def problem() -> convstep.Problem:
    """A 5×5 input, a 3×3 filter with a bias."""
    random = np.random.default_rng(3)
    return convstep.load(
        {
            "input": random.integers(-3, 4, (5, 5)).tolist(),
            "filter": random.integers(-2, 3, (3, 3)).tolist(),
            "target": random.integers(-3, 4, (3, 3)).tolist(),
            "bias": 1,
            "learning_rate": 0.1,
        }
    )


def attempt(examiner: Examiner, rules: list[Rule], names: tuple[str, ...]) -> dict[str, Any]:
    """What a learner writes who works by these rules, to three decimals."""
    exercise = examiner.exercise(1)
    numbers = simulated(exercise.setting, exercise.stages, rules)
    return {
        name: np.round(exercise.setting.shaped(name, numbers[name][0]), DECIMALS).tolist()
        for name in names
        if name in numbers
    }


def a_class(examiner: Examiner) -> list[dict[str, Any]]:
    """A thousand attempts, each with one mistake that shows, in all quantities or in some."""
    random = np.random.default_rng(1)
    rules = [rule for rule in rules_of(examiner.exercise(1).setting) if not (rule.beside or rule.again or rule.turns)]
    right = attempt(examiner, [], SHOWN)
    found: list[dict[str, Any]] = []
    while len(found) < CLASS:
        names = tuple(name for name in SHOWN if random.random() < random.choice([0.4, 0.7, 1.0]))
        made = attempt(examiner, [rules[random.integers(len(rules))]], names)
        if any(made[name] != right[name] for name in made):
            found.append(made)
    return found


def main() -> int:
    """Prints what was measured, in processor time on one core after start-up; returns 1 if less than promised."""
    examiner = Examiner(problem())
    attempts = a_class(examiner)
    examiner = Examiner(problem())
    begin = time.process_time()
    verdicts = [examiner.diagnose(each).verdict for each in attempts]
    rate = CLASS / (time.process_time() - begin)
    random = np.random.default_rng(5)
    by_id = {rule.id: rule for rule in rules_of(examiner.exercise(1).setting)}
    three = [by_id[name] for name in ("slope-forgotten", "gradient-rotated", "ascent")]
    hopeless = {"new_filter": np.round(random.normal(size=(3, 3)), DECIMALS).tolist()}
    row("`check`: a class of 1,000 attempts at a 5×5 problem", f"{rate:.0f} a second", f"≥ {PROMISED}")
    row("… of which differ from all others before them", f"{len({repr(each) for each in attempts})}")
    row("… of which explained", f"{verdicts.count('wrong') / CLASS:.1%}")
    row("… one attempt with three mistakes", _seconds(examiner, attempt(examiner, three, ("new_filter",))), "< 2 s")
    row("… one that nothing explains", _seconds(examiner, hopeless), "< 5 s")
    return 0 if rate >= PROMISED else 1


def _seconds(examiner: Examiner, made: dict[str, Any]) -> str:
    begin = time.process_time()
    verdict = examiner.diagnose(made).verdict
    return f"{time.process_time() - begin:.2f} s ({verdict})"


if __name__ == "__main__":
    raise SystemExit(main())
