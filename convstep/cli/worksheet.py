"""``convstep worksheet``: a problem with empty matrices to fill in."""

from __future__ import annotations

import sys
from collections.abc import Collection

import click

from convstep.cli.opening import ProblemRequest
from convstep.cli.options import problem_options, quantity_names
from convstep.errors import UsageError

USUAL = (
    *("pre_activation", "output", "error", "activation_slope", "delta", "filter_gradient", "bias_gradient"),
    *("new_filter", "new_bias"),
)
"""The quantities to be filled in where nobody says others; what the optimizer keeps comes to them."""


@click.command("worksheet")
@problem_options
@click.option(
    "--quantities", metavar="NAMES", shell_complete=quantity_names, help="Which to fill in: delta,filter_gradient."
)
@click.option("--iter", "iteration", type=click.IntRange(1), default=1, show_default=True, help="The iteration.")
def command(request: ProblemRequest, quantities: str | None, iteration: int) -> int:
    """Print a problem with empty matrices to fill in, as a YAML file that convstep check reads.

    Cells that are left open (null) are not judged, so a half-filled sheet can be checked at any time.

    \b
      convstep worksheet problem.yaml > sheet.yaml
      convstep worksheet problem.yaml --quantities delta,new_filter --iter 2
    """
    from convstep.diagnosis.settings import setting_at
    from convstep.render.worksheet import worksheet_text

    opened = request.open()
    setting = setting_at(opened.problem, iteration)
    names = _wanted(quantities, list(setting.truth), (*USUAL, *setting.before))
    shapes = [(name, setting.own_shape(name)) for name in names]
    sys.stdout.write(worksheet_text(opened.problem, shapes, iteration))
    return 0


def _wanted(text: str | None, known: list[str], usual: Collection[str]) -> list[str]:
    """The quantities asked for, in the order of the calculation.

    Raises:
        UsageError: The iteration has no such quantity.
    """
    if text is None:
        return [name for name in known if name in usual]
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if not wanted:
        raise UsageError("--quantities: expected names of quantities, such as delta,filter_gradient")
    for name in wanted:
        if name not in known:
            from convstep.words import nearest, visible

            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"--quantities: this problem has no {visible(name)}; {hint}")
    return [name for name in known if name in wanted]
