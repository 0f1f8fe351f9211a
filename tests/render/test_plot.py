"""Sweeps drawn into files: whole or not at all, the same bytes each time, and said plainly where it cannot be."""

from __future__ import annotations

import importlib.util
from xml.etree import ElementTree

import pytest
from program import SAMPLES

from convstep.errors import UsageError
from convstep.problem.reader import read_source
from convstep.render import plot
from convstep.sweeping.starts import Starts
from convstep.sweeping.sweep import Sweep, planned

QUESTION = read_source(str(SAMPLES / "question.yaml")).data
drawn = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not here")


def carried_out(*vary, starts=None):
    sweep = Sweep(planned(QUESTION, None, vary, starts))
    for _ in sweep:
        pass
    return sweep


@drawn
@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize(
    ("vary", "starts"),
    [
        (["learning_rate=log:0.01:2:20"], None),
        (["activation=relu,tanh"], None),
        (["learning_rate=0.1:1:5", "optimizer.sgd.momentum=0:0.9:4"], None),
        (["activation=relu,linear", "learning_rate=log:0.1:1:5"], None),
        (["activation=relu,linear", "loss=huber,squared_error"], None),
        ([], Starts(20)),
        (["learning_rate=0.1:1:30"], Starts(5)),
    ],
)
def test_every_kind_of_sweep(kind, vary, starts, tmp_path):
    sweep, path = carried_out(*vary, starts=starts), tmp_path / f"sweep.{kind}"
    plot.write_plot(str(path), sweep)
    first = path.read_bytes()
    plot.write_plot(str(path), sweep)
    assert path.read_bytes() == first
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    if kind == "svg":
        words = " ".join(ElementTree.fromstring(first).itertext())
        assert all(each.key in words for each in sweep.plan.variations)
        assert "converged" in words or "dead" in words
    else:
        assert first.startswith(b"\x89PNG")


@drawn
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "sweep.svg"
    path.write_text("old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plot.os, "replace", full)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        plot.write_plot(str(path), carried_out("learning_rate=0.1,0.5"))
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["sweep.svg"]


@drawn
def test_a_stopped_sweep_is_drawn_as_far_as_it_came(tmp_path):
    sweep = Sweep(planned(QUESTION, None, ["learning_rate=0.1:1:9", "bias=0,1"], None))
    plot.write_plot(str(tmp_path / "none.png"), sweep)
    for _ in sweep:
        if sweep.ended:
            break
    plot.write_plot(str(tmp_path / "some.png"), sweep)


@pytest.mark.parametrize("name", ["sweep.gif", "sweep", "png"])
def test_other_endings(name):
    with pytest.raises(UsageError, match=r"expected a file that ends in \.png or \.svg"):
        plot.check_plot(name)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        plot.check_plot(str(tmp_path / "nowhere" / "sweep.png"))


def test_without_matplotlib(monkeypatch):
    monkeypatch.setattr(plot.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as raised:
        plot.check_plot("sweep.png")
    assert str(raised.value) == "--plot needs matplotlib, which is not installed: pip install 'convstep[plot]'"
