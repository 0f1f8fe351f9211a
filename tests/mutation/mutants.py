"""One wrong place at a time: every small change of a module that could be a slip of the pen."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from typing import NamedTuple

SWAPPED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.LShift: (ast.RShift,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
"""What is written in the place of an operator."""

_PAIRS = (
    *(("minimum", "maximum"), ("min", "max"), ("any", "all"), ("argmax", "argmin"), ("sin", "cos")),
    *(("add", "subtract"), ("multiply", "divide")),
)
TWINS = {
    **dict(_PAIRS),
    **{second: first for first, second in _PAIRS},
    "log1p": "log",
    "expm1": "exp",
    "zeros": "ones",
}
"""Functions that are easily taken for one another."""

STRICT = "strict"
"""The keyword of ``zip`` by which it complains where two things that must be equally long are not."""

Slot = tuple[ast.AST, str, int | None]
"""Where a node stands: in which node, in which field, at which position."""


class Mutant(NamedTuple):
    """A module with one wrong place.

    Attributes:
        name: Where it is and what was changed; it stays the same when lines move.
        source: The module as it is.
        number: Which of its changes.
    """

    name: str
    source: str
    number: int

    @property
    def tree(self) -> ast.Module:
        """The module; made when it is asked for, as hundreds of trees would slow down every process split off."""
        tree = ast.parse(self.source)
        change = next(itertools.islice(_changes(tree), self.number, None))
        _put(change.slot, change.other)
        return ast.fix_missing_locations(tree)


class _Change(NamedTuple):
    """A node, where it stands, what could stand there, and the statement and the function that it is in."""

    node: ast.AST
    slot: Slot
    other: ast.AST
    statement: ast.AST
    where: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, each by itself."""
    seen: dict[str, int] = {}
    for number, (node, slot, other, statement, where) in enumerate(_changes(ast.parse(source))):
        before = _head(statement)
        _put(slot, other)
        name = f"{where}: {before}  ⟶  {_head(other if node is statement else statement)}"
        _put(slot, node)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name}  ({seen[name]})"
        yield Mutant(name, source, number)


def _changes(tree: ast.Module) -> Iterator[_Change]:
    """All changes in the order of the text."""
    for node, slot, statement, where in list(_nodes(tree, "")):
        for other in _alternatives(node):
            yield _Change(node, slot, other, statement, where)


def _nodes(
    parent: ast.AST, where: str, statement: ast.AST | None = None
) -> Iterator[tuple[ast.AST, Slot, ast.AST, str]]:
    """The nodes in which something may be changed, each with its slot, its statement and its function."""
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "bases", "type_params"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_no_code(node):
                continue
            inner = f"{where}.{node.name}".lstrip(".") if isinstance(node, _NAMED) else where
            own = node if isinstance(node, ast.stmt) else statement
            if own is not None:
                yield node, (parent, field, index), own, inner or "module"
            if not _is_any_size(parent, node):
                yield from _nodes(node, inner, own)


_NAMED = (ast.FunctionDef, ast.ClassDef)


def _is_no_code(node: ast.AST) -> bool:
    """Docstrings, imports, what is there for types alone, and complaints to programmers."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.keyword):
        return node.arg == STRICT
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
        return node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    return isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.Raise, ast.JoinedStr))


def _is_any_size(parent: ast.AST, node: ast.AST) -> bool:
    """The −1 of ``reshape(…, -1)``: NumPy takes any negative number for the size that is left."""
    return (
        isinstance(parent, ast.Call)
        and isinstance(parent.func, ast.Attribute)
        and parent.func.attr == "reshape"
        and (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub))
    )


def _put(slot: Slot, node: ast.AST) -> None:
    parent, field, index = slot
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _head(statement: ast.AST) -> str:
    """The statement, or what stands above its body, on one line."""
    statement = copy.copy(statement)
    for field in ("body", "orelse"):
        if isinstance(getattr(statement, field, None), list):
            setattr(statement, field, [])
    if isinstance(statement, _NAMED):
        statement.decorator_list, statement.body = [], [ast.Pass()]
    text = " ".join(ast.unparse(statement).split())
    return text if len(text) <= 160 else text[:160] + " …"


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """What could stand in the place of a node by mistake."""
    if isinstance(node, tuple(SWAPPED)):
        yield from (kind() for kind in SWAPPED[type(node)])
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from map(ast.Constant, _other_constants(node.value))
    elif isinstance(node, (ast.If, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        other = copy.copy(node)
        other.test = ast.UnaryOp(ast.Not(), node.test)
        yield other
    elif isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)):
        yield ast.Pass()
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)


def _other_constants(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield value + 1
    elif isinstance(value, str) and value:
        yield f"{value}XX"


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in TWINS:
        other = copy.copy(node)
        other.func = copy.copy(function)
        setattr(other.func, "attr" if isinstance(function, ast.Attribute) else "id", TWINS[name])
        yield other
    if name == "reversed":
        yield node.args[0]
    for position, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, STRICT):
            other = copy.copy(node)
            other.keywords = [each for number, each in enumerate(node.keywords) if number != position]
            yield other
