"""Which modules are examined, and which tests must notice that one of them is wrong."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICK = ("-x", "-q", "-p", "no:cacheprovider", "--assert=plain")
"""Without rewritten assertions: a module whose own examples are run is to be imported as it is, or as the mutant."""

DESCENT = ("tests/test_descent.py", "tests/test_descent_torch.py", "tests/test_stopping.py")
SCHEMES = (
    *(f"tests/correlation/test_{name}.py" for name in ("schemes", "reordered", "choice", "memory")),
    "tests/test_correlation.py",
)
"""In the order in which they are likely to notice, and quick."""
WAYS = tuple(f"tests/diagnosis/test_{name}.py" for name in ("every_way", "golden", "own_ways", "hidden_signs"))
EXAMPLES = ("tests/diagnosis/test_examples.py",)
SAID = "tests/diagnosis/test_golden.py"
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
    "correlation.fourier": ("tests/correlation/test_fourier.py", *SCHEMES),
    "correlation.reordered": SCHEMES,
    "correlation.choice": SCHEMES,
    "layers.conv": (*DESCENT, "tests/test_unrolled.py"),
    "block": (*DESCENT, "tests/test_descent_promises.py", "tests/test_unrolled.py"),
    "layers.unrolled": ("tests/test_unrolled.py",),
    "descent": (*DESCENT, "tests/test_descent_promises.py"),
    "stopping": ("tests/test_stopping.py", "tests/test_descent.py", "tests/sweeping/test_running.py"),
    "verdict": ("tests/test_verdict.py",),
    **{f"diagnosis.{name}": WAYS for name in ("calculation", "mistakes_forward", "mistakes_delta", "mistakes_update")},
    **{f"diagnosis.{name}": EXAMPLES for name in ("catalogue", "catalogue_kinds", "examples")},
    **{
        f"diagnosis.{name}": ("tests/diagnosis/test_mistakes_gradient.py", *WAYS)
        for name in ("mistakes_gradient", "other_sources")
    },
    "diagnosis.doubt": ("tests/diagnosis/test_doubt.py", *WAYS),
    "diagnosis.updating": ("tests/diagnosis/test_updating.py", *WAYS),
    "diagnosis.candidate_sums": ("tests/diagnosis/test_candidate_sums.py", *WAYS),
    "diagnosis.rule": ("tests/diagnosis/test_plan.py", *WAYS),
    "diagnosis.plan": ("tests/diagnosis/test_plan.py", SAID),
    "diagnosis.setting": ("tests/diagnosis/test_setting.py", SAID),
    "diagnosis.telling": ("tests/diagnosis/test_telling.py", SAID),
    "diagnosis.wording": ("tests/diagnosis/test_wording.py", SAID),
    "diagnosis.terms": ("tests/diagnosis/test_terms_of_sums.py", SAID),
    "diagnosis.tolerance": ("tests/diagnosis/test_tolerance.py", SAID),
    "diagnosis.written": ("tests/diagnosis/test_written.py", SAID),
    "diagnosis.result": ("tests/diagnosis/test_result.py", SAID),
    "diagnosis.worlds": ("tests/diagnosis/test_worlds.py", SAID),
    "diagnosis.simulation": ("tests/diagnosis/test_simulation.py", *EXAMPLES, *WAYS[:1]),
    "diagnosis.separating": ("tests/diagnosis/test_separating.py", "tests/diagnosis/test_distinguishing.py"),
    "diagnosis.distinguishing": ("tests/diagnosis/test_distinguishing.py",),
    "diagnosis.replay": ("tests/diagnosis/test_replay.py",),
    "diagnosis.settings": tuple(
        f"tests/diagnosis/test_{name}.py" for name in ("settings", "paper", "later_iterations")
    ),
    "diagnosis.candidates": ("tests/diagnosis/test_candidates.py", SAID),
    "diagnosis.evidence": ("tests/diagnosis/test_evidence.py", SAID),
    "diagnosis.matching": ("tests/diagnosis/test_matching.py", SAID, "tests/diagnosis/test_slips.py"),
    "diagnosis.hand": ("tests/diagnosis/test_hand.py",),
    "diagnosis.paper": ("tests/diagnosis/test_paper.py",),
    "diagnosis.slips": ("tests/diagnosis/test_slips.py",),
    "diagnosis.kept": ("tests/diagnosis/test_class.py",),
    **{f"diagnosis.{name}": (f"tests/diagnosis/test_{name}.py", SAID) for name in ("search", "examiner", "following")},
    "diagnosis.report": ("tests/diagnosis/test_report.py", "tests/diagnosis/test_slips.py", SAID),
    "diagnosis.levels": (SAID, "tests/diagnosis/test_examiner.py"),
}
"""The modules, and the tests that must notice; those of PyTorch are skipped where it is not installed."""


def source(name: str) -> Path:
    """Where a module is written."""
    return (ROOT / "convstep" / Path(*name.split("."))).with_suffix(".py")


def tests_of(name: str) -> list[str]:
    """The tests that must notice, as far as they exist, and the module's own examples."""
    return [*(test for test in TESTS[name] if (ROOT / test).exists()), str(source(name))]
