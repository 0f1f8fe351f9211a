"""The problem of the last ``convstep run`` in a directory, so that ``convstep explain`` needs no FILE.

One small file a directory in the user's state directory: which problem, its check sum, and the overrides; or the text
itself where it came from standard input. It is written whole or not at all, and nothing that goes wrong with it is
ever in the way of a run.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

LARGEST_TEXT = 1 << 20
"""How long a text from standard input may be to be remembered."""


class LastRun(NamedTuple):
    """What was run.

    Attributes:
        file: The absolute path of the file, if it was one.
        sample: The sample's name, if it was one.
        text: The text, if it came from standard input.
        check_sum: Of the file's or the text's bytes, to see whether they have changed.
        settings: The overrides, ``KEY=VALUE``.
    """

    file: str | None
    sample: str | None
    text: str | None
    check_sum: int
    settings: tuple[str, ...]


def state_folder() -> str:
    """Where this platform keeps what programs remember for a user.

    Raises:
        OSError: If there is no such place.
    """
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = os.environ.get("XDG_STATE_HOME", "")
        base = base if os.path.isabs(base) else os.path.join(home, ".local", "state")
    if not os.path.isabs(base):
        raise OSError("there is no home directory")
    return os.path.join(base, "convstep", "last-run")


def _place() -> tuple[str, str]:
    """The current directory, and the file that remembers its last run."""
    import zlib

    directory = os.getcwd()
    number = zlib.crc32(os.fsencode(directory))
    return directory, os.path.join(state_folder(), f"{number:08x}-{len(directory)}.json")


def remember(run: LastRun) -> None:
    """Keeps what was run; says nothing if that is not possible."""
    import json

    temporary = None
    try:
        directory, place = _place()
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        temporary = f"{place}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"directory": directory, **run._asdict()}, file)
        os.replace(temporary, place)
    except (OSError, ValueError):
        _remove(temporary)


def _remove(path: str | None) -> None:
    """Takes away what could not be finished."""
    try:
        if path is not None:
            os.remove(path)
    except OSError:
        return


def recall() -> LastRun | None:
    """What was run last in this directory, if that is known."""
    import json

    try:
        directory, place = _place()
        with open(place, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        if found.pop("directory") != directory:
            return None
        run = LastRun(**{**found, "settings": tuple(found["settings"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return run if _is_whole(run) else None


def _is_whole(run: LastRun) -> bool:
    """Whether it says what one problem was, in text."""
    named = [each for each in (run.file, run.sample, run.text) if each is not None]
    texts = [*named, *run.settings]
    return len(named) == 1 and isinstance(run.check_sum, int) and all(isinstance(each, str) for each in texts)


def check_sum_of(path: str) -> int:
    """A check sum of a file's bytes, 0 if it cannot be read."""
    import zlib

    number = 0
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                number = zlib.crc32(block, number)
    except OSError:
        return 0
    return number


def check_sum_of_text(text: str) -> int:
    """A check sum of a text."""
    import zlib

    return zlib.crc32(text.encode())
