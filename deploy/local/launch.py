"""How a process of a hive is started: as a child that dies with its parent, in a session of its own, logging to a file.

A terminal's Ctrl-C must reach the supervisor only, which then stops its children in order; hence the session.
A supervisor that is killed cannot stop anybody; hence the kernel's parent-death signal (Linux).
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


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
    """Both outputs are appended to `log`. Call it from the main thread: the parent-death signal follows the thread."""
    with log.open("ab", buffering=0) as output:
        return subprocess.Popen(
            launch.command,
            env={**os.environ, **launch.environment},
            cwd=launch.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_die_with_parent(),
            user=launch.user[0] if launch.user else None,
            group=launch.user[1] if launch.user else None,
            extra_groups=[] if launch.user else None,
        )


def _die_with_parent() -> Callable[[], None] | None:
    if _LIBC is None:
        return None
    parent, prctl = os.getpid(), _LIBC.prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return bind
