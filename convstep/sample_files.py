"""The problem files that come with convstep."""

from __future__ import annotations

import os

from convstep.errors import UsageError

DEFAULT = "question"
"""The sample that is run where no file is given."""


def folder() -> str:
    """Where the samples lie: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "samples")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "samples")


def names() -> list[str]:
    """The samples' names, sorted, the default first."""
    found = sorted(name.removesuffix(".yaml") for name in os.listdir(folder()) if name.endswith(".yaml"))
    return sorted(found, key=lambda name: name != DEFAULT)


def path_of(name: str) -> str:
    """The file of a sample.

    Raises:
        UsageError: If there is no such sample; names the nearest.
    """
    if name not in names():
        from convstep.words import nearest, visible

        near = nearest(name, names())
        hint = f"did you mean {near}?" if near else "convstep samples lists them"
        raise UsageError(f"there is no sample {visible(name)}; {hint}")
    return os.path.join(folder(), f"{name}.yaml")


def text_of(name: str) -> str:
    """The text of a sample's file."""
    with open(path_of(name), encoding="utf-8") as file:
        return file.read()


def title_of(name: str) -> str:
    """The sample's title, from its line ``title: …``."""
    for line in text_of(name).splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip("\"'")
    return ""
