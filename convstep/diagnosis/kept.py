"""What was worked out for one attempt, kept for the next: in a class, most begin with the same numbers."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from convstep.diagnosis.written import Written

Held = TypeVar("Held")


class Kept(Generic[Held]):
    """What was worked out, by what it depends on. When there is too much of it, the oldest goes first.

    Attributes:
        most: How many bytes may be held.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._bytes = 0
        self._held: dict[Hashable, tuple[Held, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Held | None:
        """What was kept under a key, or ``None``."""
        found = self._held.get(key)
        return None if found is None else found[0]

    def keep(self, key: Hashable, held: Held, size: int) -> None:
        """Keeps something of that many bytes, if it takes at most a small share of the room."""
        if size > self.most // SHARES or key in self._held:
            return
        self._held[key] = held, size
        self._bytes += size
        while self._bytes > self.most:
            oldest = next(iter(self._held))
            self._bytes -= self._held.pop(oldest)[1]


SHARES = 16
"""What would take more than this part of the room is not kept: it would drive out all the rest."""


def keys_along(
    context: Hashable, written: Mapping[str, Written], order: Sequence[str], firm: Collection[str]
) -> list[Hashable]:
    """What may be kept under: first for what comes before any written number, then for what comes after each.

    What is written later has no part in it, so that those who wrote down more or less than others share what they can.

    Args:
        context: What everything depends on, from the first stage on.
        written: The learner's numbers.
        order: The names of the stages.
        firm: The quantities that may not change the sign.
    """
    keys: list[Hashable] = [context]
    known: tuple[object, ...] = (context,)
    for name in order:
        known += (name,)
        if name not in written:
            continue
        known += (written[name].key, name in firm)
        new = f"new_{name.removesuffix('_update')}"
        if name.endswith("_update") and new in written:  # it says whether the update was meant to be taken off
            known += (written[new].key,)
        keys.append(known)
    return keys
