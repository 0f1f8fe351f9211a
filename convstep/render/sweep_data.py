"""A sweep for other programs: one JSON document, one JSON object a line, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np

from convstep.numbers import exact
from convstep.render.json import text_of
from convstep.sweeping.limits import common_limit
from convstep.sweeping.plan import Plan
from convstep.sweeping.refine import Refinement
from convstep.sweeping.sweep import Run, Sweep

FORMAT = '"format": "convstep-sweep", "version": 1'


def run_data(run: Run) -> dict[str, Any]:
    """A run as plain data."""
    outcome = run.outcome
    data: dict[str, Any] = {"set": dict(run.set), "status": outcome.status, "iterations": outcome.iterations}
    data |= {"loss": outcome.loss, "filter": outcome.filter.tolist()}
    if outcome.bias is not None:
        data["bias"] = outcome.bias.tolist()
    return data | ({"period": outcome.period} if outcome.period else {})


def write_document(stream: TextIO, sweep: Sweep, refinement: Refinement | None) -> None:
    """The whole sweep as one JSON document."""
    partial = "" if sweep.complete else ', "partial": true'
    stream.write(f'{{{FORMAT}{partial}, "keys": {text_of(sweep.plan.keys)}')
    for name, data in _extras(sweep.plan, refinement):
        stream.write(f', "{name}": {text_of(data)}')
    runs = ",\n".join(text_of(run_data(run)) for run in sweep.runs)
    stream.write(f',\n"runs": [\n{runs}]}}\n' if runs else ',\n"runs": []}\n')


def _extras(plan: Plan, refinement: Refinement | None) -> Iterator[tuple[str, Any]]:
    """What was drawn, the limit, and the boundaries, where there are any."""
    if plan.starts is not None:
        yield "starts", {key: value for key, value in plan.starts._asdict().items() if value is not None}
    limit = common_limit(plan)
    if limit is not None:
        yield "limits", {"learning_rate": limit}
    if refinement is not None:
        found = refinement.boundaries
        yield (
            "boundaries",
            [{"key": each.key, "below": run_data(each.below), "above": run_data(each.above)} for each in found],
        )


class JsonLines:
    """One run a line, in the plan's order, each written and flushed as soon as all before it have ended."""

    def __init__(self, stream: TextIO, sweep: Sweep) -> None:
        self.stream, self.sweep = stream, sweep
        self._next = 0

    def update(self) -> None:
        """Writes what can be written now."""
        outcomes = self.sweep.outcomes
        while self._next < len(outcomes) and (outcome := outcomes[self._next]) is not None:
            self.stream.write(text_of(run_data(Run(self.sweep.plan.settings[self._next], outcome))) + "\n")
            self._next += 1
        self.stream.flush()

    def end(self, more: Iterable[Run]) -> None:
        """Writes the runs that have ended although one before them has not, and those beyond the plan."""
        pairs = zip(self.sweep.plan.settings, self.sweep.outcomes, strict=True)
        rest = [Run(setting, outcome) for setting, outcome in list(pairs)[self._next :] if outcome is not None]
        for run in [*rest, *more]:
            self.stream.write(text_of(run_data(run)) + "\n")
        self.stream.flush()


def write_csv(stream: TextIO, runs: Sequence[Run]) -> None:
    """A head, then one run a line; arrays have a column for each number: ``filter[0,1]``."""
    rows = [_flat(run) for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)


def _flat(run: Run) -> dict[str, str]:
    """A run's columns by name."""
    data = run_data(run)
    cells = {f"set.{key}": value for key, value in data.pop("set").items()} | data
    row: dict[str, str] = {}
    for name, value in cells.items():
        if isinstance(value, list):
            array = np.asarray(value)
            row |= {f"{name}[{','.join(map(str, at))}]": exact(float(array[at])) for at in np.ndindex(*array.shape)}
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            row[name] = exact(float(value)).replace("null", "")
        else:
            row[name] = "" if value is None else value if isinstance(value, str) else text_of(value)
    return row
