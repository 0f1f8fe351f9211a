"""The house: imports run one way, files and functions stay short, what is public is explained, samples are shipped."""

from __future__ import annotations

import ast
import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import NAMES, ROOT, SAMPLES

import convstep

PACKAGE = ROOT / "convstep"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 350
LONGEST_FUNCTION = 40

FLOORS = (
    ("cli", "__main__"),
    ("render",),
    (),
    ("problem",),
    ("analysis",),
    ("descent", "block", "stopping", "reach", "exact"),
    ("layers",),
    ("correlation", "activations", "activation_base", "losses", "optimizers"),
    (
        *("errors", "version", "words", "numbers", "choices", "arrays", "geometry"),
        *("quantities", "trace", "iterations", "sample_files"),
    ),
)
"""From the roof down: nothing imports what is above it. The last floor is known to all."""

MEANING = 2
"""Where everything else lives: what makes sense of numbers (verdict, derivation …), and shows nothing."""

MODEL = ("problem.model", "problem.document")
"""What a checked problem is, and how it is written down: known to all, other than the reading and checking of it."""

AT_HOME = {"click": ("cli",), "rich": ("render", "cli"), "yaml": ("problem",), "torch": (), "scipy": ()}
"""The rooms in which a package may be used."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """How a test about the module is called."""
    return str(path.relative_to(ROOT))


def room(path: Path) -> str:
    """The part of the package that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path, *, for_types: bool = False) -> Iterator[str]:
    """The full names of the modules that a module imports, inside functions too; what notebooks ask for left out."""
    left_out = {id(node) for node in _for_notebooks(tree(path))}
    if not for_types:
        left_out |= {id(node) for node in _for_types_only(tree(path))}
    for node in ast.walk(tree(path)):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            pytest.fail(f"{name_of(path)}:{node.lineno}: an import relative to its module; write its full name")


def _for_types_only(module: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(module):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from (inner for statement in node.body for inner in ast.walk(statement))


def _for_notebooks(module: ast.Module) -> Iterator[ast.AST]:
    """The methods by which a notebook asks an object for a view of it: the one way up that there is."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == "_repr_html_":
            yield from ast.walk(node)


def floor(module: str) -> int:
    """How far below the roof a module lies (``render.page``)."""
    if module.startswith(MODEL):
        return len(FLOORS) - 1
    return next((number for number, rooms in enumerate(FLOORS) if module.split(".")[0] in rooms), MEANING)


def every(kind: type | tuple[type, ...], path: Path) -> list[ast.AST]:
    """All nodes of a kind in a module."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, kind)]


all_modules = pytest.mark.parametrize("path", MODULES, ids=name_of)


@all_modules
def test_imports_run_one_way(path):
    own = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for name in imported(path, for_types=True):
        head, _, module = name.partition(".")
        if head == "convstep" and module not in ("", "__version__", "problem") and own != "__init__":
            if own.startswith("problem."):
                assert floor(module) >= floor("problem"), f"{name_of(path)} imports {name}"
            else:
                assert floor(module) >= floor(own), f"{name_of(path)} imports {name}"


@all_modules
def test_packages_stay_in_their_rooms(path):
    for name in imported(path, for_types=True):
        rooms = AT_HOME.get(name.split(".")[0])
        assert rooms is None or room(path) in rooms, f"{name_of(path)} imports {name}"


def test_the_face_imports_nothing_before_it_is_asked():
    names = {name for name in imported(PACKAGE / "__init__.py") if name.startswith("convstep")}
    assert names == {"convstep.version", "convstep.version.__version__"}


@all_modules
def test_only_the_command_line_prints(path):
    calls = [node for node in every(ast.Call, path) if isinstance(node.func, ast.Name) and node.func.id == "print"]
    assert not calls or room(path) == "cli"


@all_modules
def test_only_one_place_writes_a_number_for_people(path):
    """Formats such as ``:.6g`` stand in numbers.py, not where pages, messages and sentences are made."""
    if room(path) not in ("render", "cli", "verdict"):
        return
    for node in every(ast.FormattedValue, path):
        spec = node.format_spec.values[-1] if isinstance(node.format_spec, ast.JoinedStr) else None
        kind = str(spec.value)[-1:] if isinstance(spec, ast.Constant) else ""
        assert kind not in ("e", "f", "g"), f"{name_of(path)}:{node.lineno}"


@all_modules
def test_files_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in every((ast.FunctionDef, ast.AsyncFunctionDef), path):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert length <= LONGEST_FUNCTION, f"{name_of(path)}:{node.lineno}: {node.name} has {length} lines"


@all_modules
def test_no_room_for_odds_and_ends(path):
    assert path.stem not in ("util", "utils", "helpers", "misc", "common", "tools")


def public(body: list[ast.stmt]) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The functions, classes and methods that do not begin with an underscore."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", inner) for name, inner in public(node.body))


def explained_elsewhere(name: str, node: Function | ast.ClassDef) -> bool:
    """Methods are explained by their class, and a class that has a base by that."""
    return "." in name or (isinstance(node, ast.ClassDef) and bool(node.bases))


@all_modules
def test_everything_public_is_explained(path):
    module = tree(path)
    assert ast.get_docstring(module) or path.name == "__main__.py", f"{name_of(path)} has no docstring"
    for name, node in public(module.body):
        explained = ast.get_docstring(node) or explained_elsewhere(name, node)
        assert explained, f"{name_of(path)}:{node.lineno}: {name} has no docstring"


@all_modules
def test_everything_public_is_typed(path):
    for name, node in public(tree(path).body):
        if isinstance(node, ast.ClassDef):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [each.arg for each in arguments if each.annotation is None and each.arg not in ("self", "cls")]
        typed = node.returns is not None and not bare
        assert typed, f"{name_of(path)}:{node.lineno}: {name} is not typed"


def test_every_public_name_is_there():
    assert sorted(convstep.__all__) == convstep.__all__ == sorted(dir(convstep))
    for name in convstep.__all__:
        assert getattr(convstep, name) is not None
        assert name.startswith("__") or getattr(convstep, name).__doc__


def test_the_version_stands_in_one_place():
    text = (PACKAGE / "version.py").read_text(encoding="utf-8")
    assert f'"{convstep.__version__}"' in text
    assert convstep.__version__ not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_is_explained_and_runs_to_a_status(name):
    text = (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    problem = convstep.load(SAMPLES / f"{name}.yaml")
    assert problem.title
    trace = convstep.run(problem)
    assert trace.outcome.status in ("converged", "dead", "stationary", "oscillating", "diverged", "stopped")
    assert trace.reason


def test_samples_and_types_are_shipped_in_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["convstep"], "force-include": {"samples": "convstep/samples"}}
    assert (PACKAGE / "py.typed").exists()
    assert {path.suffix for path in SAMPLES.iterdir()} == {".yaml"}


def test_nothing_names_a_machine():
    """No absolute path of somebody's computer, in any file that is kept."""
    telltale = ("/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/")
    kept = [*MODULES, *SAMPLES.iterdir(), *ROOT.glob("*.md"), *ROOT.glob("*.toml"), *(ROOT / "tests").rglob("*.py")]
    for path in kept:
        text = path.read_text(encoding="utf-8")
        assert not any(each in text for each in telltale), name_of(path)
