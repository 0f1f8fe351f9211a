"""What somebody would write with PyTorch to see the same numbers: the loop, and a script that prints them."""

from __future__ import annotations

from typing import Any

INPUT = [[1.0, -1.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 1.0]]
FILTER = [[1.0, -1.0], [1.0, 1.0]]
TARGET = [[1.0, 0.0], [0.0, 1.0]]
SIGMOID_TARGET = [[1.0, -1.0], [0.0, 1.0]]


def record(iterations: int, activation: str, rate: float) -> list[dict[str, Any]]:
    """Every quantity of every iteration, by autograd."""
    import torch

    def matrix(rows: list[list[float]], learns: bool = False) -> Any:
        return torch.tensor([[rows]], dtype=torch.float64, requires_grad=learns)

    act = getattr(torch, activation)
    x, w = matrix(INPUT, True), matrix(FILTER, True)
    target = matrix(TARGET) if activation == "relu" else act(matrix(SIGMOID_TARGET))
    optimizer = torch.optim.SGD([w], lr=rate)
    steps = []
    for iteration in range(1, iterations + 1):
        optimizer.zero_grad()
        x.grad = None
        before = w.detach().clone()
        z = torch.nn.functional.conv2d(x, w)
        z.retain_grad()
        a = act(z)
        a.retain_grad()
        error = a - target
        loss = 0.5 * (error**2).sum()
        loss.backward()
        slope = torch.autograd.grad(act(z_again := z.detach().requires_grad_()).sum(), z_again)[0]
        optimizer.step()
        after = w.detach().clone()
        steps.append(
            {
                "iteration": iteration,
                "filter": before,
                "pre_activation": z.detach(),
                "output": a.detach(),
                "activated_target": target,
                "error": error.detach(),
                "loss": loss.item(),
                "output_gradient": a.grad,
                "activation_slope": slope,
                "delta": z.grad,
                "filter_gradient": w.grad.clone(),
                "input_gradient": x.grad,
                "filter_update": after - before,
                "new_filter": after,
            }
        )
    return steps


def main() -> None:
    """Prints three iterations of the sample `question`."""
    for step in record(3, "relu", 0.5):
        for name, value in step.items():
            print(name, value, sep="\n")


if __name__ == "__main__":
    main()
