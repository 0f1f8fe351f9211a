"""``python warm.py``: a process that has convstep loaded and becomes it, one fork a call, for `program.answer`.

Reads a call a line from standard input, in JSON, and writes a line with its exit code when it has ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
from typing import NoReturn

import convstep
from convstep.__main__ import main

LONGEST = 60
"""How many seconds a call may take."""


def become(arguments: list[str], folder: str, environment: dict[str, str], given: str | None, said: list[str]) -> None:
    """The program, with `given` in a pipe as its standard input; `said` are the files for its output and errors."""
    signal.alarm(LONGEST)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    replace(0, os.open(os.devnull, os.O_RDONLY) if given is None else filled_pipe(given))
    for number, name in enumerate(said, 1):
        replace(number, os.open(name, os.O_WRONLY))
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    try:
        main(arguments)
    except SystemExit as left:
        os._exit(int(left.code or 0))  # What is left to do at an exit takes longer than most calls.


def replace(number: int, opened: int) -> None:
    """Makes a standard stream of what was opened."""
    os.dup2(opened, number)
    os.close(opened)


def filled_pipe(given: str) -> int:
    """The end to read from; what is given has to fit into the pipe."""
    ours, theirs = os.pipe()
    os.write(theirs, given.encode())
    os.close(theirs)
    return ours


def serve() -> NoReturn:
    """Until standard input ends."""
    for module in pkgutil.walk_packages(convstep.__path__, "convstep."):
        importlib.import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.exit()


if __name__ == "__main__":
    serve()
