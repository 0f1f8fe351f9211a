"""What others write to get a line of JSON an iteration: a PyTorch loop, and a plain NumPy one.

``python -m tests.benchmarks.lines torch 20000`` and ``… numpy 20000`` write the lines of the sample `sigmoid`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from tests.benchmarks.torch_pages import FILTER, INPUT, SIGMOID_TARGET, record

RATE = 1e-9
BATCH = 1000


def by_torch(iterations: int) -> None:
    """Lines by autograd, a thousand iterations at a time so that memory stays small."""
    for _ in range(0, iterations, BATCH):
        for step in record(min(BATCH, iterations), "sigmoid", RATE):
            line = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in step.items()}
            print(json.dumps(line), flush=True)


def by_numpy(iterations: int) -> None:
    """Lines as somebody writes them who knows the formulas."""
    x, w = np.array(INPUT), np.array(FILTER)
    t = 1.0 / (1.0 + np.exp(-np.array(SIGMOID_TARGET)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    for iteration in range(1, iterations + 1):
        z = np.einsum("ijpq,pq->ij", windows, w)
        a = 1.0 / (1.0 + np.exp(-z))
        e = a - t
        slope = a * (1.0 - a)
        delta = e * slope
        gradient = np.einsum("ijpq,ij->pq", windows, delta)
        padded = np.pad(delta, 1)
        back = np.einsum("ijpq,pq->ij", np.lib.stride_tricks.sliding_window_view(padded, (2, 2)), w[::-1, ::-1])
        update = -RATE * gradient
        new = w + update
        numbers: dict[str, Any] = {"filter": w, "pre_activation": z, "output": a, "activated_target": t, "error": e}
        numbers |= {"loss": 0.5 * (e**2).sum(), "output_gradient": e, "activation_slope": slope, "delta": delta}
        numbers |= {"filter_gradient": gradient, "input_gradient": back, "filter_update": update, "new_filter": new}
        line = {"type": "iteration", "iteration": iteration} | {name: n.tolist() for name, n in numbers.items()}
        print(json.dumps(line), flush=True)
        w = new


if __name__ == "__main__":
    {"torch": by_torch, "numpy": by_numpy}[sys.argv[1]](int(sys.argv[2]))
