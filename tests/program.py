"""The program as its users start it: a process of its own, in an environment that does not depend on the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.yaml"))
START = (sys.executable, "-m", "convstep")
SMALL = 10_000
"""As many characters fit into a pipe that nobody reads yet."""
SEEN_WARM = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "HOME", "XDG_STATE_HOME"}
"""What a process looks for in its surroundings when it is used, and not when Python starts."""
NO_FILE = "No file given: this is the built-in sample question.\n"

ENDLESS = ("--set", "stop.iterations=10000000", "--set", "stop.loss=0", "--set", "stop.gradient=0", "--lr", "1e-9")
"""Settings with which the sample `sigmoid` keeps moving for longer than any test waits."""

ENDLESS_ADVICE = (
    *(sys.executable, "-c"),
    "import sys, convstep.reasons.trials as trials\n"
    "def endless(problem, settings, budget):\n"
    "    print('trying', file=sys.stderr, flush=True)\n"
    "    while budget.spend(): pass\n"
    "trials.WORK, trials._tried = 1e15, endless\n"
    "from convstep.cli.main import main\n"
    "main(sys.argv[1:])",
)
"""The program where trying what helps lasts for hours; it says on standard error when it begins."""

_OURS = (
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "LC_ALL", "LC_CTYPE"),
    *("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONWARNINGS"),
)


def environment(**changes: str | None) -> dict[str, str]:
    """What the process sees of its surroundings: 80 columns, UTF-8, no wishes about colours."""
    kept = {key: value for key, value in os.environ.items() if key not in _OURS}
    wanted: dict[str, str | None] = {"COLUMNS": "80", "LANG": "C.UTF-8", "TERM": "xterm"}
    wanted["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    return {key: value for key, value in (kept | wanted | changes).items() if value is not None}


def start(*arguments: str, env: Mapping[str, str] | None = None, **others: Any) -> subprocess.Popen[str]:
    """Starts ``convstep`` with these arguments; its output is text."""
    settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    settings |= {"text": True, "encoding": "utf-8", "env": env or environment()}
    return subprocess.Popen([*START, *arguments], **(settings | others))


def convstep(
    *arguments: str, given: str | None = None, env: Mapping[str, str] | None = None, **others: Any
) -> subprocess.CompletedProcess[str]:
    """Runs ``convstep`` to its end; `given` is its standard input."""
    if given is not None:
        others["stdin"] = subprocess.PIPE
    process = start(*arguments, env=env, **others)
    try:
        out, err = process.communicate(given, timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def answer(*arguments: str, **others: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; from a process that is warm where nothing else is asked for."""
    if _suits_warm(**others):
        return _warm_answer(arguments, **others)
    done = convstep(*arguments, **others)
    return done.returncode, done.stdout, done.stderr


def _suits_warm(given: str = "", env: Mapping[str, str] | None = None, cwd: object = None, **others: Any) -> bool:
    changed = set((env or {}).items()) ^ set(environment().items()) if env else set()
    return hasattr(os, "fork") and not others and len(given) < SMALL and {name for name, _ in changed} <= SEEN_WARM


def _warm_answer(
    arguments: tuple[str, ...], given: str | None = None, env: Mapping[str, str] | None = None, cwd: object = "."
) -> tuple[int, str, str]:
    warm = _warm_process()
    assert warm.stdin
    assert warm.stdout
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("out", "err")]
        for each in said:
            each.touch()
        call = {"arguments": arguments, "given": given, "said": [*map(str, said)]}
        call |= {"folder": os.path.abspath(str(cwd)), "environment": dict(env or environment())}
        print(json.dumps(call), file=warm.stdin, flush=True)
        code = int(warm.stdout.readline())
        out, err = (each.read_bytes().decode() for each in said)
    return code, out, err


@cache
def _warm_process() -> subprocess.Popen[str]:
    """Ends when the tests end, with its standard input."""
    command = (sys.executable, str(ROOT / "tests" / "warm.py"))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
