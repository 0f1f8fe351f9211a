"""The README taken apart: its blocks of code, and the commands in them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from program import ROOT

README = ROOT / "README.md"


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence.
        line: The number of its first line.
        text: What is in it.
    """

    language: str
    line: int
    text: str


@dataclass(frozen=True)
class Command:
    """A command, where it stands, and what it prints; ``None`` where the README does not say."""

    text: str
    line: int
    output: str | None = None


def blocks() -> list[Block]:
    """All fenced blocks, in their order."""
    text = README.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(match[1], text.count("\n", 0, match.start(2)) + 1, match[2]) for match in found]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a ``sh`` block, a line each, or of a ``console`` block, with what they print."""
    if block.language == "sh":
        for number, line in enumerate(block.text.splitlines()):
            if line.strip() and not line.startswith("#"):
                yield Command(line, block.line + number)
    if block.language == "console":
        for match in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            yield Command(match[1], block.line + block.text.count("\n", 0, match.start()), match[2])


SHIM = f'''#!{sys.executable}
"""A little jq, where there is no real one: -r and -c, over the package of that name."""
import json, sys
import jq

options = {{letter for word in sys.argv[1:] if word.startswith("-") for letter in word[1:]}}
(program,) = (word for word in sys.argv[1:] if not word.startswith("-"))
for value in jq.compile(program).input_text(sys.stdin.read()):
    if "r" in options and isinstance(value, str):
        print(value)
    else:
        print(json.dumps(value, separators=(",", ":")) if "c" in options else json.dumps(value, indent=2))
'''


def install_shim(folder: Path) -> None:
    """Writes the little jq into the folder."""
    path = folder / "jq"
    path.write_text(SHIM, encoding="utf-8")
    path.chmod(0o755)


def compact(text: str) -> list[object]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]
