"""Prints the table of speeds for CONTRIBUTING.md; takes up to a quarter of an hour, and wants a quiet machine."""

from __future__ import annotations

import datetime
import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

import convstep
from convstep.quantities import QUANTITIES
from tests.benchmarks import diagnosis, reasons, sweep, torch_pages
from tests.benchmarks.timing import CONVSTEP, ROOT, call_seconds, medians, peak_mebibytes, process_seconds, row

HAS_TORCH = importlib.util.find_spec("torch") is not None
IMPORTS = [sys.executable, "-c", "import numpy, click, rich.console, rich.table, yaml"]
RUN = [CONVSTEP, "run", "samples/question.yaml", "--iters", "3"]
TORCH = [sys.executable, "-m", "tests.benchmarks.torch_pages"]
LONG = [CONVSTEP, "run", "--sample", "sigmoid", "--lr", "1e-9", "--set", "stop.loss=0", "--set", "stop.gradient=0"]
TINY_ITERATIONS = 2000
LINES = 100_000


def start_up() -> None:
    """Commands from start to end, against the imports that they cannot do without, and against PyTorch."""
    commands = {"imports": IMPORTS, "run": RUN, "help": [CONVSTEP, "--help"], "bare": [sys.executable, "-c", ""]}
    if HAS_TORCH:
        commands["torch"] = TORCH
    found = medians({name: lambda each=each: process_seconds(each) for name, each in commands.items()}, 21)
    row("`run samples/question.yaml --iters 3`", f"{found['run'] * 1e3:.0f} ms")
    row("… ÷ `import numpy, click, rich.console, rich.table, yaml`", f"{found['run'] / found['imports']:.2f}", "≤ 1.25")
    if HAS_TORCH:
        row("PyTorch script printing the same ÷ it", f"{found['torch'] / found['run']:.1f}", "≥ 8")
    row("`--help` (Python alone)", f"{found['help'] * 1e3:.0f} ms ({found['bare'] * 1e3:.0f} ms)")


def explanations() -> None:
    """`explain` from start to end, and beyond its start for one cell of an input of 1024²."""
    explain = [CONVSTEP, "explain", "--iter", "1", "--sample", "question"]
    with tempfile.TemporaryDirectory() as folder:
        big = large_problem(Path(folder))
        cells = {name: [CONVSTEP, "explain", big, "--cell", f"{name}[5,5]"] for name in ("pre_activation", "input")}
        cells |= {name: [CONVSTEP, "explain", big, "--cell", f"{name}[1,1]"] for name in ("filter_gradient", "filter")}
        commands = {"imports": IMPORTS, "explain": explain}
        found = medians({name: lambda each=each: process_seconds(each) for name, each in commands.items()}, 21)
        row("`explain --iter 1` ÷ the same imports", f"{found['explain'] / found['imports']:.2f}", "≤ 1.25")
        slow = medians({name: lambda each=each: process_seconds(each) for name, each in cells.items()}, 5)
        row("`explain --cell` on 1024², beyond start-up", f"{max(slow.values()) - found['explain']:.2f} s", "< 1 s")


def large_problem(folder: Path) -> str:
    """A problem with an input of 1024²; its path."""
    random = np.random.default_rng(1)
    for name, size in (("input", 1024), ("target", 1022)):
        np.save(folder / f"{name}.npy", random.normal(size=(size, size)))
    lines = ("input: input.npy", "target: target.npy", "filter: {size: 3, seed: 1}", "learning_rate: 1e-9")
    (folder / "big.yaml").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "big.yaml")


def one_iteration() -> None:
    """A tiny problem through `descend`, every quantity recorded and read."""
    settings = {"learning_rate": 1e-3, "stop": {"iterations": TINY_ITERATIONS, "loss": 0, "gradient": 0}}
    problem = convstep.load(ROOT / "samples" / "sigmoid.yaml", settings)

    def ours() -> None:
        steps = [{name: step[name] for name in step} for step in convstep.descend(problem)]
        assert len(steps) == TINY_ITERATIONS
        assert set(steps[0]) <= set(QUANTITIES)

    def theirs() -> None:
        assert len(torch_pages.record(TINY_ITERATIONS, "sigmoid", 1e-3)) == TINY_ITERATIONS

    measures = {"ours": lambda: call_seconds(ours)}
    if HAS_TORCH:
        measures["theirs"] = lambda: call_seconds(theirs)
    found = medians(measures, 7)
    row("one iteration of a 3×3 problem, all read", f"{found['ours'] / TINY_ITERATIONS * 1e6:.1f} µs")
    if HAS_TORCH:
        row("PyTorch's autograd loop ÷ it", f"{found['theirs'] / found['ours']:.1f}", "≥ 15")


def lines() -> None:
    """Lines of JSON against scripts that write the same ones, from start to end."""
    count = str(LINES)
    commands = {"ours": [*LONG, "--format", "jsonl", "--iters", count]}
    commands["numpy"] = [sys.executable, "-m", "tests.benchmarks.lines", "numpy", count]
    if HAS_TORCH:
        commands["torch"] = [sys.executable, "-m", "tests.benchmarks.lines", "torch", count]
    found = medians({name: lambda each=each: process_seconds(each) for name, each in commands.items()}, 3)
    row(f"`--format jsonl`, {LINES:,} iterations", f"{found['ours']:.2f} s")
    row("… a NumPy script that writes them by `json.dumps` ÷ it", f"{found['numpy'] / found['ours']:.2f}", "≥ 2.5")
    if HAS_TORCH:
        row("… a PyTorch script that does ÷ it", f"{found['torch'] / found['ours']:.1f}", "≥ 5")


def long_run() -> None:
    """The memory of a long run as lines of JSON, against a hundredth of it."""
    peaks = [peak_mebibytes([*LONG, "--format", "jsonl", "--iters", str(count)]) for count in (LINES // 100, LINES)]
    row("… peak memory (a hundredth of the iterations)", f"{peaks[1]:.1f} MiB ({peaks[0]:.1f} MiB)", "the same")


def machine() -> str:
    """What it was measured on."""
    versions = f"Python {platform.python_version()}, NumPy {importlib.metadata.version('numpy')}"
    if HAS_TORCH:
        versions += f", PyTorch {importlib.metadata.version('torch')}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {versions}"


def main() -> None:
    """Measures, and prints the table."""
    print(f"{datetime.datetime.now(datetime.UTC).date()}, {machine()}\n")
    row("what", "measured", "target")
    row("---", "---:", "---:")
    start_up()
    explanations()
    one_iteration()
    lines()
    long_run()
    sweep.main()
    reasons.main()
    diagnosis.main()


if __name__ == "__main__":
    main()
