"""``python -m tests.mutation [MODULE …]``: which changes of the arithmetic would the tests not notice?

Each mutant runs its module's own tests in a process of its own. Those that survive and are not in ``survivors.txt``,
each there with its reason, are printed; then the exit code is 1.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis

from tests.mutation.collected import ALIVE, NOT_HERE, examine_collected
from tests.mutation.imported import survives
from tests.mutation.modules import ROOT, TESTS, source
from tests.mutation.mutants import Mutant, mutants

SURVIVORS = Path(__file__).with_name("survivors.txt")
WANTED = 0.9
"""The share of the mutants of each module that must be killed."""


def warm_up() -> None:
    """Imports what all mutants need, but nothing of convstep; drawn tests draw the same every time."""
    for name in ("scipy.special", "torch", "yaml", "numpy.random", "doctest", "fractions"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", phases=phases)
    hypothesis.settings.load_profile("mutation")
    assert not any(name.split(".")[0] == "convstep" for name in sys.modules)


def listed() -> dict[str, str]:
    """The survivors that are known, each with its reason."""
    if not SURVIVORS.exists():
        return {}
    blocks = SURVIVORS.read_text(encoding="utf-8").split("\n\n")
    entries = (block.strip().partition("\n") for block in blocks if not block.startswith("#"))
    return {head: " ".join(reason.split()) for head, _, reason in entries if head}


def alive(name: str, every: list[Mutant], jobs: int) -> list[Mutant] | None:
    """The mutants that nobody notices; None if the tests fail without any change."""
    outcomes = examine_collected(name, every, jobs)
    if outcomes is None:
        return None
    left = [mutant for mutant, outcome in zip(every, outcomes, strict=True) if outcome == NOT_HERE]
    with ThreadPoolExecutor(jobs) as pool:
        lives = dict(zip(left, pool.map(lambda mutant: survives(name, mutant), left), strict=True))
    return [mutant for mutant, outcome in zip(every, outcomes, strict=True) if lives.get(mutant, outcome == ALIVE)]


def examine(name: str, known: dict[str, str]) -> bool:
    """Runs all mutants of a module and prints what came of them; whether all is as it should be."""
    began = time.monotonic()
    every = list(mutants(source(name).read_text(encoding="utf-8")))
    survivors = alive(name, every, int(os.environ.get("MUTATION_JOBS", "2")))
    if survivors is None:
        print(f"{name}: its tests fail without any change")
        return False
    names = [f"{name}.{mutant.name}" for mutant in survivors]
    killed = 1 - len(survivors) / max(1, len(every))
    new = [each for each in names if each not in known]
    minutes = (time.monotonic() - began) / 60
    print(
        f"{name}: {len(every)} mutants, {killed:.1%} killed, {len(survivors)} alive, "
        f"{len(new)} of them not listed; {minutes:.1f} min"
    )
    print("".join(f"    {each}\n" for each in new), end="")
    stale = [each for each in known if each.startswith(f"{name}.") and each not in names]
    print("".join(f"    listed, but not alive: {each}\n" for each in stale), end="", flush=True)
    return killed >= WANTED and not new and not stale


def main() -> int:
    """Examines the modules named, or all."""
    os.chdir(ROOT)
    warm_up()
    known = listed()
    sound = [examine(name, known) for name in sys.argv[1:] or TESTS]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
