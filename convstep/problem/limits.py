"""How large a problem may be. Beyond these sizes a file is refused before it costs time or memory."""

from __future__ import annotations

TEXT_BYTES = 64 * 2**20
"""The largest problem file, trace files excepted: only their beginning is read."""

ARRAY_BYTES = 2 * 2**30
"""The largest array: an input, padded or not, a filter or an output."""

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
