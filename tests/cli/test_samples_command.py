"""``convstep samples``: a line each, or one as it stands in its file."""

from __future__ import annotations

import pytest
from program import NAMES, SAMPLES, answer


def test_the_list_has_a_line_each_the_default_first(call):
    code, out, err = call("samples")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names[0] == "question"
    assert sorted(names) == NAMES
    assert "question             The filter that would not learn\n" in out
    assert all(len(line) <= 100 and len(line.split()) > 2 for line in out.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_one_is_printed_as_it_stands(call, name):
    assert call("samples", name) == (0, (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8"), "")


def test_one_can_be_redirected_edited_and_run(tmp_path):
    text = answer("samples", "question")[1].replace("learning_rate: 0.5", "learning_rate: 0.1")
    (tmp_path / "problem.yaml").write_text(text)
    code, out, _ = answer("run", "problem.yaml", "--quiet", cwd=tmp_path)
    assert (code, out[: out.index(" ─")]) == (0, "── converged after 131 iterations")
