"""How a process of a hive is started: as a child that dies with its parent, in a session of its own, logging to a file.

A terminal's Ctrl-C must reach the supervisor only, which then stops its children in order; hence the session.
A supervisor that is killed cannot stop anybody; hence the kernel's parent-death signal (Linux; tether.py).
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

_TETHER: Final = str(Path(__file__).with_name("tether.py"))


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What the operating system needs to know to start one process."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside what the parent has itself."""
    folder: Path | None = None
    """The working directory."""
    user: tuple[int, int] | None = None
    """The uid and gid to change to."""
    stop_signal: signal.Signals = signal.SIGTERM
    files: tuple[int, ...] = ()
    """Open files, by number, that are handed down."""


class Part(Protocol):
    """An embedded server: what it takes to start it, and how to tell that it serves."""

    @property
    def name(self) -> str: ...

    def prepare(self) -> None:
        """Make its folder fit to start from, whatever happened before. Blocking; called before every start."""

    def launch(self) -> Launch: ...

    def ready(self) -> bool:
        """Whether it serves now. Blocking, for less than a second."""
        ...


def start(launch: Launch, log: Path) -> subprocess.Popen[bytes]:
    """Both outputs are appended to `log`. Call it from the main thread: the parent-death signal follows the thread.

    FileNotFoundError when there is no such program.
    """
    program, *arguments = launch.command
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"there is no program {program}")
    user = "-" if launch.user is None else f"{launch.user[0]}:{launch.user[1]}"
    with log.open("ab", buffering=0) as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", _TETHER, str(os.getpid()), user, found, *arguments],
            env={**os.environ, **launch.environment},
            cwd=launch.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=launch.files,
        )
