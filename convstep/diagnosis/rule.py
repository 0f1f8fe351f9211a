"""What a wrong way of doing one stage is."""

from __future__ import annotations

from typing import NamedTuple

from convstep.diagnosis.calculation import Compute
from convstep.geometry import Pair


class Rule(NamedTuple):
    """One wrong way of doing one stage. A mistake of the catalogue has one or more.

    Attributes:
        id: The mistake.
        stage: Where it is made.
        compute: How; a row a candidate, like the right way.
        needs: What it is computed from, beside what the right way needs.
        beside: Only where this quantity was given: before that, another mistake has the same numbers.
        without: Only where none of these was given.
        again: Only where the same mistake was made before: by itself it is another mistake.
        way: Which of the mistake's ways of doing this stage it is, counted from 0.
        size: [rows, columns] of what comes out, where that may be another size than the right one: it is not tried
            where no quantity of that size was given.
        turns: Whether the numbers come out with the other sign than the right ones of the row.
        unsigned: Whether the numbers have lost their sign: from there on, none is turned.
    """

    id: str
    stage: str
    compute: Compute
    needs: tuple[str, ...] = ()
    beside: str = ""
    without: tuple[str, ...] = ()
    again: bool = False
    way: int = 0
    size: Pair | None = None
    turns: bool = False
    unsigned: bool = False
