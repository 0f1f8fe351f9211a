"""Many candidates side by side: ways in which the numbers so far may have come about.

A candidate is a row. It goes through the stages; at each it may be done right or by a mistake, which makes more rows.
Its numbers are kept in several worlds, along a second axis: computed with all digits, from the numbers that the
learner wrote down, and with every step rounded or cut to the learner's digits.

Arrays are not copied when rows are chosen: each layer of arrays keeps its rows, and an index from the candidates
to them. Only what a stage asks for is put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convstep.arrays import Array, Numbers

Index = np.ndarray[tuple[int], np.dtype[np.intp]]
Bits = np.ndarray[tuple[int], np.dtype[np.uint64]]
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


def bits_set(bits: Bits) -> Counts:
    """How many bits are set in each number; NumPy has this itself from 2.0 on."""
    single = np.unpackbits(np.ascontiguousarray(bits).view(np.uint8).reshape(-1, 8), axis=1)
    counts: Counts = single.sum(axis=1, dtype=np.int64)
    return counts


class Marks(NamedTuple):
    """What is known of each candidate: arrays with an entry a row.

    Attributes:
        node: Which way it came; see `Paths`.
        mistakes: How many different mistakes are in it.
        ids: Which mistakes, a bit each.
        groups: The kinds of mistakes of which there may be one only, a bit each.
        pending: The stages at which a mistake was made that no given number has confirmed yet, a bit each.
        owing: The given quantities with a slip that a later one must bear out, a bit each.
        slips: How many single numbers are taken for slips.
        turns: How often the learner's sign changed.
    """

    node: Counts
    mistakes: Counts
    ids: Bits
    groups: Bits
    pending: Bits
    owing: Bits
    slips: Counts
    turns: Counts

    @classmethod
    def of_one(cls) -> Marks:
        """The one candidate that there is before anything was computed."""
        counts, bits = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint64)
        return cls(counts, counts, bits, bits, bits, bits, counts, counts)

    def take(self, rows: Numbers) -> Marks:
        """The marks of some rows."""
        columns: Any = (each[rows] for each in self)
        return Marks(*columns)

    @classmethod
    def joined(cls, parts: Sequence[Marks]) -> Marks:
        """The marks of several sets of rows, one after the other."""
        return Marks(*map(np.concatenate, zip(*parts, strict=True)))


class Layer(NamedTuple):
    """Arrays that came about together.

    Attributes:
        arrays: By name, rows×worlds×shape.
        rows: For each candidate, the row that is its own.
    """

    arrays: Mapping[str, Array]
    rows: Index


class Candidates:
    """Candidates whose arrays have the same shapes.

    Attributes:
        marks: What is known of each.
        worlds: In how many worlds each is computed.
        odd: The names of arrays that have another shape than in this problem.
    """

    def __init__(self, layers: tuple[Layer, ...], marks: Marks, worlds: int, odd: frozenset[str] = frozenset()) -> None:
        self.layers = layers
        self.marks = marks
        self.worlds = worlds
        self.odd = odd
        self._found: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self.marks.node)

    def __contains__(self, name: object) -> bool:
        return any(name in layer.arrays for layer in self.layers)

    @property
    def size(self) -> int:
        """How many bytes the arrays hold."""
        return sum(array.nbytes for layer in self.layers for array in layer.arrays.values())

    def array(self, name: str) -> Array:
        """The numbers of every candidate: candidates×worlds×shape.

        Raises:
            KeyError: There are none of that name.
        """
        if name not in self._found:
            for layer in reversed(self.layers):
                if name in layer.arrays:
                    self._found[name] = layer.arrays[name][layer.rows]
                    break
            else:
                raise KeyError(name)
        return self._found[name]

    def take(self, rows: Index, marks: Marks | None = None) -> Candidates:
        """Some of the candidates, in that order and as often as they are named."""
        layers = tuple(Layer(layer.arrays, layer.rows[rows]) for layer in self.layers)
        return Candidates(layers, self.marks.take(rows) if marks is None else marks, self.worlds, self.odd)

    def adding(self, arrays: Mapping[str, Array], odd: frozenset[str] | None = None) -> Candidates:
        """The candidates with more arrays, a row each."""
        layer = Layer(arrays, np.arange(len(self)))
        return Candidates((*self.layers, layer), self.marks, self.worlds, self.odd if odd is None else odd)

    def marked(self, **changes: Any) -> Candidates:
        """The candidates with other marks."""
        return Candidates(self.layers, self.marks._replace(**changes), self.worlds, self.odd)


class Rows(Mapping[str, Array]):
    """The arrays of some candidates as the stages want them: the worlds as rows."""

    def __init__(self, candidates: Candidates, rows: Index | None = None) -> None:
        self.candidates = candidates
        self.rows = rows

    def __getitem__(self, name: str) -> Array:
        array = self.candidates.array(name)
        if self.rows is not None:
            array = array[self.rows]
        return array.reshape(-1, *array.shape[2:])

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self.candidates.layers for name in layer.arrays})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self.candidates


class Paths:
    """The ways that candidates came: a tree of mistakes, in which equal candidates were joined."""

    def __init__(self) -> None:
        self.parents = [-1]
        self.labels: list[object] = [None]
        self.others: dict[int, list[int]] = {}

    def copy(self) -> Paths:
        """The same tree, to grow by itself."""
        result = Paths()
        result.take_over(self)
        return result

    def take_over(self, other: Paths) -> None:
        """Becomes the same tree as another."""
        self.parents, self.labels, self.others = list(other.parents), list(other.labels), dict(other.others)

    def grow(self, nodes: Counts, label: object) -> Counts:
        """A node below each of these, with the same label."""
        first = len(self.parents)
        self.parents.extend(nodes.tolist())
        self.labels.extend([label] * len(nodes))
        return np.arange(first, first + len(nodes))

    def join(self, kept: int, others: Sequence[int]) -> int:
        """A node that stands for several, whose candidates have the same numbers."""
        first = len(self.parents)
        self.parents.append(kept)
        self.labels.append(None)
        self.others[first] = list(others)
        return first

    def labels_of(self, node: int) -> list[tuple[object, ...]]:
        """All ways to a node, each as the labels on it from the first to the last."""
        ways: list[tuple[object, ...]] = []
        waiting: list[tuple[int, tuple[object, ...]]] = [(node, ())]
        while waiting:
            at, behind = waiting.pop()
            while at >= 0:
                waiting.extend((other, behind) for other in self.others.get(at, ()))
                if self.labels[at] is not None:
                    behind = (self.labels[at], *behind)
                at = self.parents[at]
            ways.append(behind)
        return ways
