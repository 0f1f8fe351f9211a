"""What is said of some hundred drawn attempts, whole, and how much was tried for it: ``pytest tests/diagnosis
--update-goldens`` writes it anew.

Other tests tell whether that is right. This one tells that a change which was to change nothing has changed nothing,
and shows what another one has changed: read the difference, and be glad of it, before you commit it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import pytest
from golden_lines import golden_lines, is_same
from measure_diagnosis import MISTAKES, drawn_pairs, seeded
from planted_attempts import GARBAGE, Planted, garbage, planted, right

import convstep
from convstep.diagnosis.candidates import Candidates
from convstep.diagnosis.levels import Found
from convstep.diagnosis.search import Search
from convstep.render.check_data import Judged, check_data

SEED = 7
COUNT, AT_ONCE = 120, 12
"""How many attempts there are, and how many a test has."""
SLIPS = ("lost-minus", "swapped", "other")


def drawn() -> Iterator[tuple[str, Planted]]:
    """Attempts of all kinds, mixed, each with what was done in it."""
    kinds = (singles(), pairs(), rights(), slips(), garbages())
    return (each for each in chain(*zip_longest(*kinds)) if each is not None)


def singles() -> Iterator[tuple[str, Planted]]:
    for place, id_ in enumerate(MISTAKES):
        yield id_, planted(seeded(SEED, id_), (id_,), 2 + place % 2)


def pairs() -> Iterator[tuple[str, Planted]]:
    return (("+".join(sorted(each.mistakes)), each) for each in drawn_pairs(20, 2, SEED))


def rights() -> Iterator[tuple[str, Planted]]:
    random = seeded(SEED, "right")
    return (("right", right(random, 1 + place % 4)) for place in range(12))


def garbages() -> Iterator[tuple[str, Planted]]:
    random = seeded(SEED, "garbage")
    return ((kind, garbage(random, kind, 2)) for kind in GARBAGE for _ in range(3))


def slips() -> Iterator[tuple[str, Planted]]:
    """Right attempts and wrong ones, with one cell written down wrongly."""
    random = seeded(SEED, "slips")
    for place in range(18):
        id_ = MISTAKES[random.integers(len(MISTAKES))]
        whole = planted(random, (id_,), 2) if place % 3 == 0 else right(random, 2)
        kind = SLIPS[place % len(SLIPS)]
        slipped = with_slip(random, whole, kind)
        if slipped is not None:
            yield f"{kind} in {'+'.join(whole.mistakes) or 'right'}", slipped


def with_slip(random: np.random.Generator, whole: Planted, kind: str) -> Planted | None:
    """One cell of the largest quantity that has numbers other than 0 written wrongly."""
    attempt = copy.deepcopy(whole.attempt)
    name = max(whole.decimals, key=lambda each: np.size(attempt[each]))
    cells = np.array(attempt[name], dtype=object)
    flat = cells.reshape(-1)
    full = [i for i, cell in enumerate(flat) if float(cell)]
    if len(full) < 2:
        return None
    one, other = random.choice(full, 2, replace=False)
    if kind == "lost-minus":
        flat[one] = str(-float(flat[one]))
    elif kind == "swapped":
        flat[one], flat[other] = flat[other], flat[one]
    else:
        flat[one] = str(round(float(flat[one]) + 0.37, 2))
    attempt[name] = cells.tolist()
    return whole._replace(attempt=attempt)


class Effort:
    """How much was tried: what a search leaves out in vain, or does not leave out any more, is seen here alone.

    Attributes:
        candidates: How many there were, over all stages of all levels.
        products: How many products their sums took.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.candidates = self.products = 0.0
        done, run = Search._done, Search.run

        def counted_done(search: Search, candidates: Candidates, name: str) -> list[Candidates]:
            after = done(search, candidates, name)
            self.candidates += sum(map(len, after))
            return after

        def counted_run(search: Search) -> list[Found]:
            try:
                return run(search)
            finally:
                self.products += search.products

        patch.setattr(Search, "_done", counted_done)
        patch.setattr(Search, "run", counted_run)


def said(problem: dict[str, Any], attempt: dict[str, Any]) -> dict[str, Any]:
    """All that a diagnosis says, but for what was given, and how much was tried for it."""
    with pytest.MonkeyPatch.context() as patch:
        effort = Effort(patch)
        diagnosis = convstep.diagnose(convstep.load(problem), attempt)
    data = check_data(Judged("", diagnosis.iteration, diagnosis))
    del data["file"]
    quantities = [
        {key: value for key, value in each.items() if key not in ("given", "cells")}
        | {"cells": [[*each.cell, each.kind, each.with_cell, each.term] for each in quantity.cells]}
        for each, quantity in zip(data["quantities"], diagnosis.quantities, strict=True)
    ]
    tried = [effort.candidates, effort.products]
    return rounded({**data, "quantities": quantities, "looked_for": diagnosis.looked_for, "tried": tried})


def rounded(data: Any) -> Any:
    """Numbers to four digits, and everything as JSON has it."""
    if isinstance(data, dict):
        return {key: rounded(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [rounded(value) for value in data]
    return float(f"{data:.4g}") + 0.0 if isinstance(data, float) else data


def changes(now: dict[str, Any], before: dict[str, Any]) -> Iterator[str]:
    """What is said otherwise."""
    parts = {key: (now.get(key), before.get(key)) for key in (*now, *before) if key != "quantities"}
    parts |= {each["name"]: (each, old) for each, old in zip(now["quantities"], before["quantities"], strict=False)}
    return (f"{name}: {new} was {old}" for name, (new, old) in parts.items() if not is_same(new, old))


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return golden_lines(
        request,
        "diagnoses.jsonl",
        lambda: (
            {
                "planted": name,
                "problem": each.problem,
                "attempt": each.attempt,
                "said": said(each.problem, each.attempt),
            }
            for name, each in drawn()
        ),
    )


@pytest.mark.parametrize("first", range(0, COUNT, AT_ONCE))
def test_the_same_is_said(golden, first):
    for line in golden[first : first + AT_ONCE]:
        now = said(line["problem"], line["attempt"])
        assert is_same(now, line["said"]), (
            line["planted"],
            line["problem"],
            line["attempt"],
            *changes(now, line["said"]),
        )


def test_none_is_left_out(golden):
    assert COUNT - AT_ONCE < len(golden) <= COUNT
