"""How often `convstep.diagnose` names what was planted: rates for the tests, and a table to read.

python -m measure_diagnosis --attempts 200 --decimals 3      # from this folder, with convstep on the path
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from planted_attempts import GARBAGE, GROUPS, PLACE, Planted, garbage, is_reproduced, planted, right
from planted_layer import NAMES, READINGS

import convstep

Diagnose = Callable[..., Any]
MISTAKES = tuple(READINGS)


class Judged(NamedTuple):
    """What was said of one attempt.

    Attributes:
        attempt: What was judged.
        verdict: The verdict's word.
        told: The sets of ids, in the order in which they were told.
    """

    attempt: Planted
    verdict: str
    told: tuple[frozenset[str], ...]

    @property
    def names_it(self) -> bool:
        """Whether what was planted is among what was told."""
        return self.attempt.mistakes in self.told

    @property
    def is_alone(self) -> bool:
        """Whether nothing else was told."""
        return self.told == (self.attempt.mistakes,)

    @property
    def unfounded(self) -> tuple[frozenset[str], ...]:
        """The sets that were told and that do not give the learner's numbers in any reading known here."""
        return tuple(
            ids for ids in self.told if ids != self.attempt.mistakes and not is_reproduced(self.attempt, sorted(ids))
        )

    @property
    def is_simpler(self) -> bool:
        """Whether what was told takes fewer mistakes or conventions, and gives the same: nobody could know better."""
        return bool(self.told) and not self.names_it and all(self._takes_less(ids) for ids in self.told)

    def _takes_less(self, ids: frozenset[str]) -> bool:
        attempt = self.attempt
        if len(ids) < len(attempt.mistakes):
            return is_reproduced(attempt, sorted(ids))
        plain = bool(attempt.signs) and len(ids) == len(attempt.mistakes)
        return plain and is_reproduced(attempt, sorted(ids), [()])


def judge(attempt: Planted) -> Judged:
    """What `convstep.diagnose` says of an attempt."""
    result = convstep.diagnose(convstep.load(attempt.problem), attempt.attempt)
    told = tuple(frozenset(mistake.id for mistake in each) for each in result.explanations)
    return Judged(attempt, result.verdict, told)


def seeded(seed: int, *words: str) -> np.random.Generator:
    """The same chance for the same words, whatever is measured before."""
    return np.random.default_rng([seed, *(sum(map(ord, word)) for word in words), *(len(word) for word in words)])


def singles(id_: str, count: int, decimals: int, seed: int = 1) -> Iterator[Judged]:
    """Attempts with one mistake, judged."""
    random = seeded(seed, id_, str(decimals))
    return (judge(planted(random, (id_,), decimals)) for _ in range(count))


def possible_pairs() -> list[tuple[str, str]]:
    """All pairs of mistakes that one person could make at once, in the order of the calculation."""
    order = {name: place for place, name in enumerate(NAMES)}
    pairs = (sorted(pair, key=lambda id_: order[PLACE[id_]]) for pair in itertools.combinations(MISTAKES, 2))
    return [(first, second) for first, second in pairs if not any({first, second} <= group for group in GROUPS)]


def drawn_pairs(count: int, decimals: int, seed: int = 1, tries: int = 25) -> Iterator[Planted]:
    """Attempts with two mistakes that both show; pairs that hide each other are passed over."""
    random, pairs = seeded(seed, "pairs", str(decimals)), possible_pairs()
    while count:
        ids = pairs[random.integers(len(pairs))]
        try:
            yield planted(random, ids, decimals, tries)
        except LookupError:
            continue
        count -= 1


def pairs(count: int, decimals: int, seed: int = 1) -> Iterator[Judged]:
    """Attempts with two mistakes, judged."""
    return map(judge, drawn_pairs(count, decimals, seed))


def rights(count: int, seed: int = 1) -> Iterator[Judged]:
    """Attempts without a mistake, written with 1 to 5 decimals, judged."""
    random = seeded(seed, "right")
    return (judge(right(random, int(random.integers(1, 6)))) for _ in range(count))


def garbages(kind: str, count: int, seed: int = 1) -> Iterator[Judged]:
    """Attempts that are no method's numbers, judged."""
    random = seeded(seed, "garbage", kind)
    return (judge(garbage(random, kind, int(random.integers(1, 4)))) for _ in range(count))


def share(judged: Iterable[Judged], what: Callable[[Judged], bool]) -> float:
    """The share of attempts of which something is true."""
    answers = [what(each) for each in judged]
    return sum(answers) / len(answers)


def line(name: str, judged: list[Judged]) -> str:
    """A line of the table."""
    told = share(judged, lambda each: each.names_it)
    alone = share(judged, lambda each: each.is_alone)
    unfounded = share(judged, lambda each: bool(each.unfounded))
    simpler = share(judged, lambda each: each.is_simpler)
    missed = Counter(
        "other" if each.told else each.verdict for each in judged if not each.names_it and not each.is_simpler
    )
    rest = " ".join(f"{word} {times}" for word, times in missed.most_common())
    return f"{name:28} {len(judged):6} {told:8.1%} {alone:8.1%} {simpler:8.1%} {unfounded:8.1%}  {rest}"


HEADER = f"{'planted':28} {'tried':>6} {'told':>8} {'alone':>8} {'simpler':>8} {'unfnd.':>8}  when not told"


def table(ids: Iterable[str], count: int, decimals: int, seed: int) -> Iterator[str]:
    """The table, line by line, while it is measured."""
    yield f"{decimals} decimals, seed {seed}"
    yield HEADER
    everything: list[Judged] = []
    for id_ in ids:
        judged = list(singles(id_, count, decimals, seed))
        everything += judged
        yield line(id_, judged)
    yield line("all single mistakes", everything)
    yield line("pairs", list(pairs(10 * count, decimals, seed)))
    yield line("right attempts", list(rights(10 * count, seed)))
    for kind in GARBAGE:
        judged = list(garbages(kind, 2 * count, seed))
        verdicts = Counter(each.verdict for each in judged)
        words = " ".join(f"{word} {times}" for word, times in verdicts.most_common())
        yield f"garbage, {kind:19} {len(judged):6} {share(judged, lambda each: bool(each.told)):8.1%}  {words}"


def main(arguments: list[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="ID", help="mistakes to plant (all)")
    parser.add_argument("--attempts", type=int, default=40, help="of each mistake (40)")
    parser.add_argument("--decimals", type=int, default=3, help="written with (3)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    begun = time.perf_counter()
    for text in table(given.ids or MISTAKES, given.attempts, given.decimals, given.seed):
        print(text, flush=True)
    print(f"{time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
