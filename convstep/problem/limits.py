"""How large a problem may be. Beyond these sizes a file is refused before it costs time or memory."""

from __future__ import annotations

import os

TEXT_BYTES = 64 * 2**20
"""The largest problem file, trace files excepted: only their beginning is read."""

ARRAY_BYTES = 2**30
"""The largest array: an input, padded or not, a filter or an output. One iteration holds about ten of them."""

DEPTH = 100
"""How deep lists and mappings may be nested in a file."""

CONTAINERS = 1_000_000
"""How many lists and keys a JSON text may hold: each costs some hundred bytes, however short it is written."""

JSON_VALUES = 10_000_000
"""How many numbers a JSON text may hold."""

YAML_VALUES = 1_000_000
"""How many values a YAML text may hold, aliases expanded."""

ADVICE = "put large matrices into a .npy file and give its name"
"""What to do about a text that is too large."""


def machine_bytes() -> int | None:
    """How much memory this machine has; ``None`` where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def spelled_bytes(count: int) -> str:
    """A size of memory in words.

    >>> spelled_bytes(2**30), spelled_bytes(3 * 2**29)
    ('1 GiB', '1.5 GiB')
    """
    tenths = -(-count * 10 // 2**30)
    return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''} GiB"
