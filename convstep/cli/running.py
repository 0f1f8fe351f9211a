"""What a run needs from the world: a way to stop it, and a sign of life while it lasts."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from convstep.numbers import short

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from convstep.trace import Step

QUIET_SECONDS = 1.0
"""How long a run may last before it shows progress."""


class Interruption:
    """While it is entered, the first Ctrl-C or SIGTERM asks the run to end after the iteration at work.

    So whatever is being written is written whole. The second one ends the program at once.

    Attributes:
        signal_number: The signal that came, or ``None``.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            raise KeyboardInterrupt
        self.signal_number = number


class SignOfLife:
    """A line on standard error, on a terminal only, that appears when something lasts over a second.

    Args:
        opening: What it says until it is told more.
        silent: Whether it never appears.
    """

    def __init__(self, opening: str, silent: bool = False) -> None:
        self.opening = opening
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._timer = threading.Timer(QUIET_SECONDS, self._appear)
        self._timer.daemon = True
        self._wanted = sys.stderr.isatty() and not silent

    def __enter__(self) -> Self:
        if self._wanted:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._progress is not None:
            self._progress.stop()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = progress.add_task(self.opening)
        progress.start()
        self._progress = progress

    @property
    def shown(self) -> bool:
        """Whether it has appeared."""
        return self._progress is not None

    def say(self, text: str) -> None:
        """How far it has come."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text)


class RunSign(SignOfLife):
    """The sign of life of a run: the iteration and the loss.

    Args:
        limit: How many iterations there are at most.
        silent: Whether it never appears.
    """

    def __init__(self, limit: int, silent: bool = False) -> None:
        super().__init__("iteration 1", silent)
        self.limit = limit

    def step(self, step: Step) -> None:
        """One iteration has been done."""
        if self.shown:
            loss = f", loss {short(step.loss)}" if "loss" in step else ""
            self.say(f"iteration {step.iteration:,} of at most {self.limit:,}{loss}; Ctrl-C stops")
