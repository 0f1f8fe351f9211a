"""Large problems against PyTorch, and the rule that picks a scheme against the fastest of all schemes.

``python -m tests.benchmarks.correlation`` prints the tables and writes them to ``tests/benchmarks/correlation.md``. One
thread each, and the processor's time of that thread: what else goes on in the machine disturbs that least. With a
number of threads behind it, the first table is printed for so many each, by the clock; that wants a machine at rest.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TABLE = Path(__file__).with_suffix(".md")
SECONDS = 8.0
"""About how long one measurement may take."""
STEPS = (
    # batch, channels, filters, input, kernel; how many times PyTorch's speed is wanted
    ((1, 1, 1, 32, 3), 0.5),
    ((1, 1, 1, 256, 3), 1),
    ((1, 1, 1, 256, 5), 1),
    ((1, 1, 1, 256, 11), 10),
    ((1, 1, 1, 256, 31), 60),
    ((1, 1, 1, 1024, 3), 3),
    ((1, 1, 1, 1024, 5), 5),
    ((1, 1, 1, 1024, 11), 15),
    ((1, 1, 1, 1024, 31), 100),
    ((1, 1, 1, 2048, 3), 3),
    ((1, 1, 1, 2048, 5), 6),
    ((1, 1, 1, 2048, 11), 20),
    ((1, 1, 1, 2048, 31), None),
    ((8, 16, 32, 64, 3), 1),
    ((8, 64, 64, 32, 3), 0.65),
    ((8, 3, 16, 64, 5), 0.8),
)
TOO_MUCH_MEMORY = 4e9
"""PyTorch writes all windows out in float64: above so many bytes it is not asked."""
PICKS = (
    *((1, 1, 1, size, kernel) for size in (32, 64, 128, 256, 512) for kernel in (3, 5, 7, 9, 13)),
    *((1, 3, 8, 32, 3), (1, 8, 8, 16, 3), (4, 1, 4, 28, 3), (1, 3, 1, 128, 3), (1, 1, 8, 256, 3), (2, 64, 64, 16, 1)),
    *((8, 16, 32, 64, 3), (8, 3, 16, 64, 5)),
)
SLOWEST_PICK = 1.3


def start_with(threads: int) -> None:
    """Starts anew with so many threads, which the libraries only look for when they are loaded."""
    if any(os.environ.get(name) != str(threads) for name in THREADS):
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
        for slow in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            os.environ.pop(slow, None)
        os.execv(sys.executable, [sys.executable, "-m", "tests.benchmarks.correlation", str(threads)])


def seconds() -> float:
    """The processor's time of the only thread, or where there are several the clock's."""
    return time.thread_time() if os.environ[THREADS[0]] == "1" else time.perf_counter()


def problem(shape: tuple[int, ...]) -> Any:
    """A problem with random numbers that never ends."""
    import numpy as np

    from convstep.geometry import Geometry
    from convstep.problem.model import Problem, Stop

    batch, channels, filters, size, kernel = shape
    g = Geometry(batch, channels, (size, size), filters, (kernel, kernel))
    random = np.random.default_rng(1)
    arrays = [random.normal(size=each) for each in (g.input_shape, g.filter_shape, g.output_shape)]
    return Problem(*arrays[:2], target=arrays[2], learning_rate=1e-9, stop=Stop(10**12, -1.0, -1.0))


def ours(asked: Any) -> Iterator[object]:
    """A recorded iteration at a time, every quantity read."""
    import convstep

    for step in convstep.descend(asked):
        yield {name: step[name] for name in step}


def theirs(asked: Any, kind: str) -> Iterator[object]:
    """The same by autograd."""
    import torch

    dtype = getattr(torch, kind)
    x, w, target = (torch.tensor(each, dtype=dtype) for each in (asked.input, asked.filter, asked.target))
    x.requires_grad_()
    w.requires_grad_()
    optimizer = torch.optim.SGD([w], lr=1e-9)
    while True:
        optimizer.zero_grad()
        x.grad = None
        before = w.detach().clone()
        z = torch.nn.functional.conv2d(x, w)
        z.retain_grad()
        a = torch.relu(z)
        a.retain_grad()
        error = a - target
        loss = 0.5 * (error**2).sum()
        loss.backward()
        slope = (z.detach() > 0).to(dtype)
        optimizer.step()
        after = w.detach().clone()
        yield before, z, a, error, loss.item(), a.grad, slope, z.grad, w.grad.clone(), x.grad, after - before, after


def least(actions: dict[str, Callable[[], object]], rounds: int, block: int = 1) -> dict[str, float]:
    """The least seconds of each; they take turns, a block of calls each time."""
    found: dict[str, float] = dict.fromkeys(actions, float("inf"))
    began = time.monotonic()
    for _ in range(rounds):
        for name, action in actions.items():
            start = seconds()
            for _ in range(block):
                action()
            found[name] = min(found[name], (seconds() - start) / block)
        if time.monotonic() - began > SECONDS:
            break
    return found


def steps() -> Iterator[str]:
    """The first table."""
    yield "| batch×channels→filters, input, filter | ms | PyTorch float64 ÷ it | float32 ÷ it | wanted |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for shape, wanted in STEPS:
        batch, channels, filters, size, kernel = shape
        asked = problem(shape)
        runs = {"ours": ours(asked)}
        if batch * channels * kernel**2 * (size - kernel + 1) ** 2 * 8 < TOO_MUCH_MEMORY:
            runs |= {kind: theirs(asked, kind) for kind in ("float64", "float32")}
        block = 200 if size <= 32 and channels == 1 else 1
        quick = {"ours": lambda run=runs["ours"]: next(run)}
        for _ in range(3 * block):
            next(runs["ours"])
        found = least({name: lambda run=run: next(run) for name, run in runs.items()}, 9, block)
        found["ours"] = min(found["ours"], least(quick, 5, block)["ours"])
        ratios = [f"{found[kind] / found['ours']:.2f}" if kind in found else "–" for kind in ("float64", "float32")]
        name = f"{batch}×{channels}→{filters}, {size}², {kernel}×{kernel}"
        goal = "–" if wanted is None else f"≥ {wanted}"
        yield f"| {name} | {found['ours'] * 1e3:.2f} | {ratios[0]} | {ratios[1]} | {goal} |"


def picks() -> Iterator[str]:
    """The second table."""
    import numpy as np

    import convstep
    from convstep.correlation import make_correlation, pad
    from convstep.correlation.band import Band
    from convstep.correlation.fourier import Fourier
    from convstep.correlation.patches import Patches
    from convstep.correlation.taps import Taps
    from convstep.correlation.windows import Windows
    from convstep.layers import conv

    yield "| batch×channels→filters, input, filter | picked | its time ÷ the fastest's | fastest |"
    yield "| --- | --- | ---: | --- |"
    for shape in PICKS:
        asked = problem(shape)
        g = asked.geometry
        schemes = [Windows, Taps, Patches, *([Band, Fourier] if Band.suits(g) else [])]
        runs = {}
        for scheme in schemes:
            conv.make_correlation = lambda x, g, in_order, scheme=scheme: scheme(pad(x, g), g)
            runs[scheme.__name__] = convstep.descend(asked)
            next(runs[scheme.__name__])
        conv.make_correlation = make_correlation
        block = 40 if g.positions * g.filters * g.taps < 1 << 18 else 1
        found = least({name: lambda run=run: next(run) for name, run in runs.items()}, 7, block)
        picked = type(make_correlation(np.asarray(asked.input), g)).__name__
        fastest = min(found, key=found.__getitem__)
        ratio = found[picked] / found[fastest]
        mark = "" if ratio <= SLOWEST_PICK else " (!)"
        batch, channels, filters, size, kernel = shape
        yield f"| {batch}×{channels}→{filters}, {size}², {kernel}×{kernel} | {picked} | {ratio:.2f}{mark} | {fastest} |"


def main() -> None:
    """Measures, prints, writes."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    start_with(threads)
    import datetime

    import torch

    from tests.benchmarks.__main__ import machine

    torch.set_num_threads(threads)
    how = "one thread each, processor time" if threads == 1 else f"{threads} threads each, by the clock"
    lines = [f"{datetime.datetime.now(datetime.UTC).date()}, {machine()}; {how}.", ""]
    print(*lines, sep="\n")
    for table in (steps(), iter([""]), picks()) if threads == 1 else (steps(),):
        for line in table:
            print(line, flush=True)
            lines.append(line)
    if threads == 1:
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
