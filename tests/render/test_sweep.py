"""Sweeps as pages: whole ones at three widths, and what a picture must not get wrong."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from program import SAMPLES

from convstep.problem.reader import read_source
from convstep.render import sweep_data
from convstep.render.matrix import Look
from convstep.render.sweep import sweep_lines
from convstep.render.sweep_look import LETTERS, Axis, majority, percent, value_text
from convstep.render.terminal import page_console, write
from convstep.sweeping.basins import STATUSES
from convstep.sweeping.refine import Refinement
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import Sweep, planned
from convstep.trace import Outcome

QUESTION = read_source(str(SAMPLES / "question.yaml")).data
MOMENTUM = "optimizer.sgd.momentum=0:0.9:7"
PAGES: dict[str, tuple[tuple[str, ...], Starts | None, bool]] = {
    "line": (("learning_rate=0.01:1.2:60",), None, True),
    "line-logarithmic": ((), None, False),
    "rows": (("learning_rate=0.1,0.2,0.4,0.5,1.2",), None, False),
    "words": (("activation=relu,tanh", "loss=half_squared_error,mean_squared_error"), None, False),
    "map": (("learning_rate=0.02:1.2:60", MOMENTUM), None, True),
    "map-of-words": (("activation=relu,leaky_relu,linear", "learning_rate=log:0.01:10:31"), None, False),
    "starts": (("learning_rate=0.1",), Starts(300, seed=1), False),
    "rate-and-starts": (("learning_rate=0.1:1.2:12",), Starts(100, seed=1, around=0.5), False),
}


def carried_out(*vary: str, starts: Starts | None = None, most: int | None = None) -> Sweep:
    """A sweep that has ended, or that was stopped when so many runs had."""
    sweep = Sweep(planned(QUESTION, None, vary, starts))
    for _ in sweep:
        if most is not None and sweep.ended >= most:
            break
    return sweep


def refined(sweep: Sweep) -> Refinement:
    refinement = Refinement(sweep)
    for _ in refinement:
        pass
    return refinement


def page(sweep: Sweep, width: int = 80, refinement: Refinement | None = None, color: str = "never") -> str:
    stream = io.StringIO()
    write(page_console(color, width, stream), sweep_lines(sweep, refinement, "problem.yaml", Look(width)))
    return stream.getvalue()


@pytest.fixture(scope="module")
def pages() -> Callable[[str], tuple[Sweep, Refinement | None]]:
    """The sweeps by name, each carried out once."""
    found: dict[str, tuple[Sweep, Refinement | None]] = {}

    def get(name: str) -> tuple[Sweep, Refinement | None]:
        if name not in found:
            vary, starts, refine = PAGES[name]
            sweep = carried_out(*(() if name == "starts" else vary), starts=starts)
            found[name] = sweep, refined(sweep) if refine else None
        return found[name]

    return get


@pytest.mark.parametrize("name", PAGES)
def test_whole_pages(name, pages, same_as_golden):
    sweep, refinement = pages(name)
    for width in (40, 80, 120):
        text = page(sweep, width, refinement)
        assert max(map(len, text.splitlines())) <= width
        same_as_golden(f"sweep-{name}-{width}", text)


def test_a_page_in_colours(pages, same_as_golden):
    same_as_golden("sweep-line-colour", page(*pages("line")[:1], 80, pages("line")[1], "always"))


@pytest.mark.parametrize("name", PAGES)
def test_without_colours_nothing_is_lost(name, pages):
    sweep, refinement = pages(name)
    coloured = page(sweep, 80, refinement, "always")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == page(sweep, 80, refinement)


def test_every_letter_is_where_its_value_is(pages):
    sweep, _ = pages("line")
    (line,) = [line for line in page(sweep).splitlines() if re.fullmatch(r" +[CTOSDV]{60}", line)]
    assert line.strip() == "".join(LETTERS[outcome.status] for outcome in sweep.outcomes)


def test_a_number_between_two_wide_values_is_marked_between_them():
    axis = Axis([0.1, 0.5], 8)
    assert [axis.column_of(value) for value in (0.05, 0.1, 0.2918, 0.5, 0.6)] == [None, 0, 3, None, None]
    assert Axis([0.5, 0.1, 0.0], 9).column_of(0.3) == 2


def test_every_letter_of_a_map_is_where_its_pair_is(pages):
    sweep, _ = pages("map")
    rows = re.findall(r"^ +([\d.]+) ([CTOSDV]{60})$", page(sweep), re.MULTILINE)
    assert [float(value) for value, _ in rows] == [round(0.15 * n, 4) for n in reversed(range(7))]
    for value, letters in rows:
        runs = [run for run in sweep.runs if round(run.set["optimizer.sgd.momentum"], 4) == float(value)]
        assert letters == "".join(LETTERS[run.outcome.status] for run in runs)


def test_the_limit_is_marked_at_its_place(pages):
    text = page(pages("line")[0]).splitlines()
    at = next(n for n, line in enumerate(text) if "^ 2/λ = 0.2918" in line)
    letters = next(line for line in text if re.fullmatch(r" +[CTOSDV]{60}", line))
    place = text[at].index("^") - (len(letters) - 60)
    values = pages("line")[0].plan.variations[0].values
    assert values[place] <= 0.2918 < values[place + 1]


def test_the_shares_of_starts_add_up(pages):
    text = page(pages("starts")[0])
    counts = [int(count) for count in re.findall(r"^  [CTOSDV] \w+ +(\d+) +[\d.]+ %", text, re.MULTILINE)]
    assert sum(counts) == 300
    met = Counter(outcome.status for outcome in pages("starts")[0].outcomes)
    assert counts == [met[status] for status in STATUSES if status in met]


def test_bars_of_starts_are_as_long_as_their_shares(pages):
    text = page(pages("rate-and-starts")[0], 120)
    bars = re.findall(r"^ +[\d.]+   ([CTOSDV]+)  +([\d.]+) %", text, re.MULTILINE)
    assert len(bars) == 12
    for bar, share in bars:
        assert len(bar) == 30
        assert abs(bar.count("C") / 30 - float(share) / 100) < 2 / 30


def test_a_sweep_that_was_stopped_says_so():
    sweep = carried_out("learning_rate=0.01:1.2:60", most=20)
    text = page(sweep)
    assert f"You stopped it: {sweep.ended} of 60 runs have ended." in text
    assert "· not ended" in text
    letters = re.findall(r"^ +([CTOSDV·]{60})$", text, re.MULTILINE)[0]
    assert letters.count("·") == 60 - sweep.ended


def test_a_sweep_that_was_stopped_at_once():
    sweep = Sweep(planned(QUESTION, None, ["learning_rate=0.01:1.2:60"], None))
    assert "You stopped it: 0 of 60 runs have ended." in page(sweep)


@pytest.mark.parametrize(("count", "room", "columns"), [(10, 72, 60), (60, 72, 60), (61, 60, 60), (1000, 72, 72)])
def test_each_value_has_its_place_on_an_axis(count, room, columns):
    axis = Axis(range(count), room)
    assert len(axis.buckets) == columns
    assert sorted({value for bucket in axis.buckets for value in bucket}) == list(range(count))
    assert axis.shares == (columns < count)
    marks, labels = (line.plain for line in axis.ticks(3))
    assert len(marks.rstrip()) <= len(labels) == 3 + columns
    assert labels.split()[0] == "0"
    assert labels.split()[-1] == str(count - 1)


def test_the_place_of_a_number_on_an_axis():
    axis = Axis([1.0, 2.0, 3.0], 3, 1)
    assert [axis.column_of(value) for value in (0.5, 1.0, 1.5, 2.9, 3.0)] == [None, 0, 0, 1, None]
    falling = Axis([3.0, 2.0, 1.0], 3, 1)
    assert [falling.column_of(value) for value in (3.5, 2.5, 1.5)] == [None, 0, 1]


def test_the_most_frequent_outcome_stands_for_a_column():
    short, long = (Outcome("dead", n, 1.0, np.zeros((1, 1))) for n in (3, 30))
    other = Outcome("converged", 7, 0.0, np.zeros((1, 1)))
    assert majority([short, other, long]) is long
    assert majority([None, None, other]) is None


def test_values_of_keys_are_short():
    assert value_text(0.1 + 0.2, 4) == "0.3"
    assert value_text({"leaky_relu": {"slope": 0.1}}, 4) == "{leaky_relu: {slope: 0.1…"
    assert value_text("a\x1b[2J", 4) == "a\\x1b[2J"
    assert value_text(True, 4) == "true"
    assert percent(257, 1000) == "25.7 %"


# For programs


def test_the_document(pages):
    stream = io.StringIO()
    sweep, refinement = pages("line")
    sweep_data.write_document(stream, sweep, refinement)
    document = json.loads(stream.getvalue())
    assert [*document] == ["format", "version", "keys", "limits", "boundaries", "runs"]
    assert (document["format"], document["version"], document["keys"]) == ("convstep-sweep", 1, ["learning_rate"])
    assert document["limits"]["learning_rate"] == pytest.approx(0.2918, abs=5e-5)
    assert len(document["runs"]) == 60
    for told, run in zip(document["runs"], sweep.runs, strict=True):
        assert [*told][:5] == ["set", "status", "iterations", "loss", "filter"]
        assert told["set"] == run.set
        assert (told["status"], told["iterations"], told["loss"]) == (
            run.outcome.status,
            run.outcome.iterations,
            run.outcome.loss,
        )
        assert told["filter"] == run.outcome.filter.tolist()
    assert document["boundaries"][0]["below"]["status"] == "stopped"


def test_numbers_that_are_none_are_null():
    stream = io.StringIO()
    sweep_data.write_document(stream, carried_out("learning_rate=1e300,0.1", "bias=1,2"), None)
    first = json.loads(stream.getvalue(), parse_constant=pytest.fail)["runs"][0]
    assert (first["status"], first["loss"], first["bias"]) == ("diverged", None, -5e300)


def test_starts_are_in_the_document():
    stream = io.StringIO()
    sweep_data.write_document(stream, carried_out(starts=Starts(3, seed=7)), None)
    document = json.loads(stream.getvalue())
    assert document["keys"] == ["filter"]
    assert document["starts"] == {"number": 3, "seed": 7, "initial": "he"}
    assert [np.shape(run["set"]["filter"]) for run in document["runs"]] == [(2, 2)] * 3


def test_a_stopped_sweep_is_partial():
    stream = io.StringIO()
    sweep = carried_out("learning_rate=0.01:1.2:60", most=20)
    sweep_data.write_document(stream, sweep, None)
    document = json.loads(stream.getvalue())
    assert document["partial"] is True
    assert len(document["runs"]) == sweep.ended


def test_lines_come_in_their_order_as_soon_as_they_can():
    sweep, stream = Sweep(planned(QUESTION, None, ["learning_rate=0.5,0.1,0.6"], None)), io.StringIO()
    lines, seen = sweep_data.JsonLines(stream, sweep), []
    for _ in sweep:
        lines.update()
        seen.append(stream.getvalue().count("\n"))
    assert seen[0] == 0
    assert 1 in seen
    lines.end([])
    rates = [json.loads(line)["set"]["learning_rate"] for line in stream.getvalue().splitlines()]
    assert rates == [0.5, 0.1, 0.6]


def test_lines_of_a_stopped_sweep_hold_every_run_that_has_ended():
    sweep = carried_out("learning_rate=0.01:1.2:60", most=20)
    stream = io.StringIO()
    lines = sweep_data.JsonLines(stream, sweep)
    lines.update()
    lines.end([])
    assert len(stream.getvalue().splitlines()) == sweep.ended


def test_csv(pages):
    stream = io.StringIO()
    sweep, _ = pages("rows")
    sweep_data.write_csv(stream, sweep.runs)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [*rows[0]] == [
        "set.learning_rate", "status", "iterations", "loss",
        "filter[0,0]", "filter[0,1]", "filter[1,0]", "filter[1,1]", "period",
    ]  # fmt: skip
    assert [row["set.learning_rate"] for row in rows] == ["0.1", "0.2", "0.4", "0.5", "1.2"]
    assert [row["period"] for row in rows] == ["", "", "2", "", ""]
    for row, run in zip(rows, sweep.runs, strict=True):
        assert float(row["loss"]) == run.outcome.loss
        assert float(row["filter[1,0]"]) == run.outcome.filter[1, 0]


def test_csv_of_starts_and_words():
    stream = io.StringIO()
    sweep_data.write_csv(stream, carried_out("activation=relu,{elu: {alpha: 2}}", starts=Starts(1)).runs)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [row["set.activation"] for row in rows] == ["relu", '{"elu": {"alpha": 2}}']
    assert "set.filter[1,1]" in rows[0]
