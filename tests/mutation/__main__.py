"""``python -m tests.mutation [MODULE …]``: which changes of the arithmetic would the tests not notice?

Each mutant runs its module's own tests in a process of its own, split off from one that has imported the rest. Those
that survive and are not in ``survivors.txt``, each there with its reason, are printed; then the exit code is 1.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.txt")
WANTED = 0.9
"""The share of the mutants of each module that must be killed."""
SLOWDOWN, GRACE = 10, 10
"""A mutant that takes so many times as long as the true module, and so many seconds more, runs for ever."""

QUICK = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
DESCENT = ("tests/test_descent.py", "tests/test_descent_torch.py", "tests/test_stopping.py")
SCHEMES = (
    *(f"tests/correlation/test_{name}.py" for name in ("schemes", "reordered", "choice", "memory")),
    "tests/test_correlation.py",
)
"""In the order in which they are likely to notice, and quick."""
WAYS = tuple(f"tests/diagnosis/test_{name}.py" for name in ("every_way", "golden", "own_ways", "hidden_signs"))
SAID = "tests/diagnosis/test_golden.py"
JUDGING = (
    SAID,
    *(f"tests/diagnosis/test_{name}.py" for name in ("hand", "paper", "slips", "unexplained", "hidden_signs")),
)
TESTS: dict[str, tuple[str, ...]] = {
    "activations": ("tests/test_activations.py", "tests/problem/test_parameter_limits.py"),
    "activation_base": ("tests/test_activations.py", "tests/derivation"),
    "losses": ("tests/test_losses.py", "tests/problem/test_parameter_limits.py"),
    "optimizers": (
        "tests/test_optimizers.py",
        "tests/problem/test_parameter_limits.py",
        "tests/test_optimizers_torch.py",
    ),
    "geometry": ("tests/test_correlation.py", "tests/problem/test_checks.py"),
    "correlation.definition": ("tests/test_correlation.py", "tests/test_correlation_torch.py"),
    "correlation.in_order": ("tests/correlation/test_in_order.py", *SCHEMES),
    "correlation.windows": SCHEMES,
    "correlation.taps": SCHEMES,
    "correlation.band": ("tests/correlation/test_band.py", *SCHEMES),
    "correlation.patches": ("tests/correlation/test_patches.py", *SCHEMES),
    "correlation.fetched": ("tests/correlation/test_fetched.py", *SCHEMES),
    "correlation.fourier": SCHEMES,
    "correlation.reordered": SCHEMES,
    "correlation.choice": SCHEMES,
    "layers.conv": (*DESCENT, "tests/test_unrolled.py"),
    "block": (*DESCENT, "tests/test_descent_promises.py", "tests/test_unrolled.py"),
    "layers.unrolled": ("tests/test_unrolled.py",),
    "descent": (*DESCENT, "tests/test_descent_promises.py"),
    "stopping": ("tests/test_stopping.py", "tests/test_descent.py", "tests/sweeping/test_running.py"),
    "verdict": ("tests/test_verdict.py",),
    **{
        f"diagnosis.{name}": WAYS
        for name in (
            *("calculation", "other_sources", "rule", "setting", "plan"),
            *(f"mistakes_{where}" for where in ("forward", "delta", "gradient", "update")),
        )
    },
    **{
        f"diagnosis.{name}": ("tests/diagnosis/test_examples.py",)
        for name in ("catalogue", "catalogue_kinds", "examples")
    },
    "diagnosis.doubt": ("tests/diagnosis/test_doubt.py", *WAYS),
    "diagnosis.updating": ("tests/diagnosis/test_updating.py", *WAYS),
    "diagnosis.candidate_sums": ("tests/diagnosis/test_candidate_sums.py", *WAYS),
    "diagnosis.telling": (SAID, "tests/diagnosis/test_telling.py"),
    "diagnosis.terms": ("tests/diagnosis/test_terms_of_sums.py", SAID),
    "diagnosis.hand": ("tests/diagnosis/test_hand.py",),
    "diagnosis.paper": ("tests/diagnosis/test_paper.py",),
    "diagnosis.slips": ("tests/diagnosis/test_slips.py",),
    "diagnosis.kept": ("tests/diagnosis/test_class.py",),
    **{
        f"diagnosis.{name}": JUDGING
        for name in (
            *("evidence", "following", "matching", "search", "candidates", "tolerance", "worlds", "written"),
            *("levels", "report", "result", "examiner"),
        )
    },
}
"""The modules, and the tests that must notice; those of PyTorch are skipped where it is not installed."""
FIRST = {"correlation.reordered": "Patches", "correlation.fetched": "Patches"} | {
    f"correlation.{name.lower()}": name for name in ("Windows", "Taps", "Band", "Patches", "Fourier")
}
"""What the tests are called that notice soonest: they go first, and mostly no other has to."""


class MutantLoader(SourceFileLoader):
    """Loads a mutant in the place of its module."""

    def __init__(self, name: str, path: str, mutant: Mutant | None) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> Any:
        if self.mutant is None:
            return super().get_code(fullname)
        return compile(self.mutant.tree, self.path, "exec", dont_inherit=True)


class MutantFinder:
    """Finds the mutant where its module is asked for."""

    def __init__(self, name: str, path: Path, mutant: Mutant | None) -> None:
        self.name = name
        self.loader = MutantLoader(name, str(path), mutant)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return spec_from_file_location(name, self.loader.path, loader=self.loader)


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
    assert np is not None
    assert not any(name.split(".")[0] == "convstep" for name in sys.modules)


def survives(name: str, mutant: Mutant | None, seconds: float) -> bool:
    """Whether the tests pass, in a process of their own and in so much time."""
    tests = [test for test in TESTS[name] if (ROOT / test).exists()]
    path = ROOT / "convstep" / Path(*name.split(".")).with_suffix(".py")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            sys.meta_path.insert(0, MutantFinder(f"convstep.{name}", path, mutant))  # type: ignore[arg-type]
            soonest = ["-k", FIRST[name]] if name in FIRST else None
            code = int(pytest.main([*tests, *QUICK, *soonest])) if soonest else 0
            code = code or int(pytest.main([*tests, *QUICK]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status == 0
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def listed() -> dict[str, str]:
    """The survivors that are known, each with its reason."""
    if not SURVIVORS.exists():
        return {}
    blocks = SURVIVORS.read_text(encoding="utf-8").split("\n\n")
    entries = (block.strip().partition("\n") for block in blocks if not block.startswith("#"))
    return {head: " ".join(reason.split()) for head, _, reason in entries if head}


def examine(name: str, known: dict[str, str]) -> bool:
    """Runs all mutants of a module and prints what came of them; whether all is as it should be."""
    began = time.monotonic()
    if not survives(name, None, 600):
        print(f"{name}: its tests fail without any change")
        return False
    seconds = SLOWDOWN * (time.monotonic() - began) + GRACE
    every = list(mutants((ROOT / "convstep" / Path(*name.split("."))).with_suffix(".py").read_text(encoding="utf-8")))
    with ThreadPoolExecutor(int(os.environ.get("MUTATION_JOBS", "2"))) as pool:
        alive = [
            m for m, lives in zip(every, pool.map(lambda m: survives(name, m, seconds), every), strict=True) if lives
        ]
    names = [f"{name}.{mutant.name}" for mutant in alive]
    killed = 1 - len(alive) / max(1, len(every))
    new = [each for each in names if each not in known]
    minutes = (time.monotonic() - began) / 60
    print(
        f"{name}: {len(every)} mutants, {killed:.1%} killed, {len(alive)} alive, "
        f"{len(new)} of them not listed; {minutes:.1f} min"
    )
    print("".join(f"    {each}\n" for each in new), end="", flush=True)
    return killed >= WANTED and not new


def main() -> int:
    """Examines the modules named, or all."""
    os.chdir(ROOT)
    warm_up()
    known = listed()
    sound = [examine(name, known) for name in sys.argv[1:] or TESTS]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
