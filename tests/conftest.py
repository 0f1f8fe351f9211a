"""Its presence puts this folder on the import path, so that tests in any folder can import `strategies`."""

from __future__ import annotations

from collections.abc import Iterator

import profiles
import pytest

profiles.load()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what is in tests/golden anew")


@pytest.fixture(autouse=True, scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What was run last is not remembered among the user's own files, by processes that tests start either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
