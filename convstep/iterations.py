"""Which iterations are asked for: ``1,5,10-12,last``."""

from __future__ import annotations

import re

from convstep.errors import UsageError

_PART = re.compile(r"(\d+)(?:-(\d+))?")


class Iterations:
    """A choice of iterations.

    Attributes:
        ranges: First and last of each range, in the order given.
        last: Whether the last iteration is asked for, whichever it is.
    """

    def __init__(self, ranges: tuple[tuple[int, int], ...], last: bool) -> None:
        self.ranges = ranges
        self.last = last

    @classmethod
    def parse(cls, text: str) -> Iterations:
        """Reads a choice.

        >>> wanted = Iterations.parse("1,10-12,last")
        >>> wanted.ranges, wanted.last, 11 in wanted
        (((1, 1), (10, 12)), True, True)

        Raises:
            UsageError: If it is none.
        """
        ranges, last = [], False
        for part in (part.strip() for part in text.split(",")):
            found = _PART.fullmatch(part)
            if part == "last":
                last = True
            elif found and len(part) < 40 and 1 <= int(found[1]) <= int(found[2] or found[1]):
                ranges.append((int(found[1]), int(found[2] or found[1])))
            else:
                raise UsageError(f"--iter {text[:40]!r}: expected iterations counted from 1, such as 1,5,10-12,last")
        return cls(tuple(ranges), last)

    def __contains__(self, iteration: int) -> bool:
        return any(first <= iteration <= end for first, end in self.ranges)

    @property
    def highest(self) -> int:
        """The largest number asked for, 0 if only the last iteration is."""
        return max((end for _, end in self.ranges), default=0)

    @property
    def lowest(self) -> int:
        """The smallest number asked for; 1 where the last iteration is, which has no number yet."""
        return 1 if self.last else min(first for first, _ in self.ranges)

    @property
    def count(self) -> int:
        """How many are named by their numbers, each counted once."""
        total, done = 0, 0
        for first, end in sorted(self.ranges):
            total += max(0, end - max(first - 1, done))
            done = max(done, end)
        return total

    def check_reached(self, count: int) -> None:
        """Complains if an iteration asked for is not among the `count` that there are.

        Raises:
            UsageError: It says how many there are.
        """
        if self.highest > count:
            there = "there is only 1 iteration" if count == 1 else f"there are only {count} iterations"
            missing = next(max(first, count + 1) for first, end in self.ranges if end > count)
            raise UsageError(f"iteration {missing} was not reached: {there}")
