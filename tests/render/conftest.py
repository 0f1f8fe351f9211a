"""Goldens: whole pages, compared to the character; ``pytest tests/render --update-goldens`` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def same_as_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the golden of that name, or writes it there."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if request.config.getoption("--update-goldens", default=False):
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"there is no {path.name}; pytest tests/render --update-goldens writes it"
        assert text.splitlines() == path.read_text(encoding="utf-8").splitlines()

    return compare
