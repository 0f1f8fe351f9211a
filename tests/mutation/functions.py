"""Mutants as new code for functions that exist: nothing has to be imported anew."""

from __future__ import annotations

import ast
import gc
import importlib
from collections.abc import Iterator, Set
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutation.mutants import Mutant

Change = list[tuple[FunctionType, CodeType]]
"""Functions, and the code that each gets."""

Key = tuple[str, int]
"""A function, by its name and its first line."""


class Functions:
    """The functions of an imported module.

    Attributes:
        ran: The code that ran while the tests were collected: what it made then would not be the mutant's.
    """

    def __init__(self, name: str, path: Path, ran: Set[CodeType]) -> None:
        module = importlib.import_module(name)
        self.ran = ran
        self.code = compile(ast.parse(path.read_text(encoding="utf-8")), str(path), "exec", dont_inherit=True)
        self._existing: dict[CodeType, list[FunctionType]] = {}
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__globals__ is vars(module):
                self._existing.setdefault(each.__code__, []).append(each)

    def change(self, mutant: Mutant) -> Change | None:
        """Which functions get which code; None if that does not do, as the change lies in what is run by an import."""
        code = compile(mutant.tree, self.code.co_filename, "exec", dont_inherit=True)
        if _without_functions(code) != _without_functions(self.code):
            return None
        change: Change = []
        for one, other in zip(_functions(self.code), _functions(code), strict=True):
            if one != other:
                functions = self._existing.get(one, [])
                inner = [code for code in _all_codes(one) if code is not one]
                made = any(code in self._existing for code in inner)
                if not functions or made or one.co_freevars != other.co_freevars or self.ran & {one, *inner}:
                    return None
                change += [(function, other) for function in functions]
        return change


def _functions(code: CodeType) -> Iterator[CodeType]:
    """The code of the functions and methods, without those that stand within others."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_flags & CO_OPTIMIZED:
                yield each
            else:
                yield from _functions(each)


def keys_of(code: CodeType) -> set[Key]:
    """A function's key, and those of the functions within it."""
    return {(each.co_qualname, each.co_firstlineno) for each in _all_codes(code)}


def _all_codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _all_codes(each)


def _without_functions(code: CodeType) -> object:
    """What an import runs: the module's and the classes' code, functions being no more than their names."""
    if code.co_flags & CO_OPTIMIZED:
        return code.co_qualname
    consts = tuple(_without_functions(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.co_code, code.co_names, tuple(map(repr, consts))
