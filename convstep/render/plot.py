"""A sweep as a picture in a file, by matplotlib, which is installed only if it is wanted."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import numpy as np

from convstep.errors import UsageError
from convstep.render.sweep import title
from convstep.render.sweep_look import value_text
from convstep.sweeping.basins import STATUSES, shares
from convstep.sweeping.grids import Variation
from convstep.sweeping.limits import common_limit
from convstep.sweeping.sweep import Sweep
from convstep.words import either, visible

COLOURS = {
    "converged": "#2e9e4f",
    "stopped": "#2aa5b8",
    "oscillating": "#e3b505",
    "stationary": "#3465c4",
    "dead": "#c7322b",
    "diverged": "#a03bb8",
}
ENDINGS = (".png", ".svg")
MOST_TICKS = 12
SETTINGS = {"svg.hashsalt": "convstep", "svg.fonttype": "none"}
"""The same picture has the same bytes."""


def check_plot(path: str) -> None:
    """Whether the file can be asked for; said before anything is run.

    Raises:
        UsageError: In one line what is missing.
    """
    if not path.lower().endswith(ENDINGS):
        raise UsageError(f"--plot {visible(path, longest=200)}: expected a file that ends in {either(ENDINGS)}")
    if not os.path.isdir(os.path.dirname(path) or os.curdir):
        raise UsageError(f"--plot {visible(path, longest=200)}: there is no such folder")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib, which is not installed: pip install 'convstep[plot]'")


def write_plot(path: str, sweep: Sweep) -> None:
    """Draws the sweep into a file, whole or not at all."""
    matplotlib: Any = importlib.import_module("matplotlib")
    figures: Any = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, sweep)
    axes.set_title(title(sweep))
    kind = path.lower().rpartition(".")[2]
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with matplotlib.rc_context(SETTINGS):
            figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError(f"--plot {visible(path, longest=200)}: cannot be written: {error.strerror}") from None
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def _draw(axes: Any, sweep: Sweep) -> None:
    variations = sweep.plan.variations
    if sweep.plan.starts is not None:
        _starts(axes, sweep)
    elif len(variations) == 2:
        _map(axes, sweep, variations[0], variations[1])
    else:
        _line(axes, sweep, variations[0])
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _places(variation: Variation) -> Any:
    """Where the values stand on an axis: numbers as themselves, words one after the other."""
    return np.array(variation.values if variation.ordered else range(len(variation.values)), dtype=float)


def _label(axis: Any, variation: Variation) -> None:
    axis.set_label_text(variation.key)
    if not variation.ordered:
        axis.set_ticks(range(len(variation.values)), [value_text(value, 4) for value in variation.values])


def _line(axes: Any, sweep: Sweep, variation: Variation) -> None:
    """The iterations over the values, a colour a status."""
    places = _places(variation)
    for status in STATUSES:
        chosen = [n for n, each in enumerate(sweep.outcomes) if each is not None and each.status == status]
        if chosen:
            heights = [sweep.outcomes[n].iterations for n in chosen]  # type: ignore[union-attr]
            axes.scatter(places[chosen], heights, s=12, color=COLOURS[status], label=status)
    axes.set_yscale("log")
    axes.set_ylabel("iterations")
    if variation.logarithmic:
        axes.set_xscale("log")
    _label(axes.xaxis, variation)
    limit = common_limit(sweep.plan)
    if limit is not None:
        axes.axvline(limit, color="black", linestyle="--", linewidth=1, label="2/λ")


def _map(axes: Any, sweep: Sweep, across: Variation, down: Variation) -> None:
    """A cell for each pair of values, a colour a status."""
    numbers = [np.nan if each is None else STATUSES.index(each.status) for each in sweep.outcomes]
    grid = np.array(numbers).reshape(len(across.values), len(down.values)).T
    colours: Any = importlib.import_module("matplotlib.colors")
    painted = colours.ListedColormap([COLOURS[status] for status in STATUSES])
    axes.pcolormesh(
        _places(across), _places(down), grid, cmap=painted, vmin=-0.5, vmax=len(STATUSES) - 0.5, shading="nearest"
    )
    for variation, axis, set_scale in ((across, axes.xaxis, axes.set_xscale), (down, axes.yaxis, axes.set_yscale)):
        if variation.logarithmic:
            set_scale("log")
        _label(axis, variation)
    for share in shares(each for each in sweep.outcomes if each is not None):
        axes.scatter([], [], marker="s", color=COLOURS[share.status], label=share.status)


def _starts(axes: Any, sweep: Sweep) -> None:
    """The shares of the statuses: a bar, or a bar for each value."""
    variation = next(iter(sweep.plan.variations), None)
    count = len(variation.values) if variation else 1
    by_value = np.array([each.status if each is not None else "" for each in sweep.outcomes]).reshape(count, -1)
    base = np.zeros(count)
    for status in STATUSES:
        heights = (by_value == status).mean(axis=1)
        if heights.any():
            axes.bar(
                range(count), heights, bottom=base, width=1.0 if count > 1 else 0.5, color=COLOURS[status], label=status
            )
        base += heights
    axes.set_ylabel("share of the starts")
    axes.set_ylim(0, 1)
    axes.set_xticks([])
    if variation:
        shown = sorted({round(n * (count - 1) / MOST_TICKS) for n in range(MOST_TICKS + 1)})
        axes.set_xticks(shown, [value_text(variation.values[n], 3) for n in shown])
        axes.set_xlabel(variation.key)
