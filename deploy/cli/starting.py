"""What `hive up` shows while it starts, and whenever a process has to be started again."""

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.cli.screen import console, say
from deploy.local.state import ProcessState, ProcessStatus


class Starting:
    """A progress bar on a terminal, a line for each process that is ready elsewhere; it goes away when everything runs."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("Starting")
        self._ready: set[str] = set()
        self._over = False

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over = True
        self._progress.stop()

    def show(self, statuses: Sequence[ProcessStatus], message: str) -> None:
        with suppress(OSError):  # the terminal may be gone; the hive is not
            if message:
                say(message, "yellow")
            if not self._over:
                self._advance(statuses)

    def _advance(self, statuses: Sequence[ProcessStatus]) -> None:
        ready = {status.name for status in statuses if status.state is ProcessState.RUNNING}
        waiting = ", ".join(status.name for status in statuses if status.name not in ready)
        self._progress.update(self._task, total=len(statuses), completed=len(ready), description=f"Starting {waiting}"[:60])
        if self._progress.disable:
            for name in sorted(ready - self._ready):
                say(f"{name} is ready")
        self._ready |= ready
