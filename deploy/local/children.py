"""Processes that a supervisor started, or that were started by the supervisor which it was before an upgrade."""

import asyncio
import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol


class Child(Protocol):
    """As subprocess.Popen is one."""

    @property
    def pid(self) -> int: ...

    def wait(self) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class Inherited:
    """A child of this process from the time when it ran another program: the kernel knows it, and subprocess does not."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    @property
    def pid(self) -> int:
        return self._pid

    def wait(self) -> int:
        if self._code is None:
            try:
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            except ChildProcessError:  # it has ended, and that was told before
                self._code = 0
        return self._code

    def send_signal(self, sig: int) -> None:
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, sig)


@dataclass(frozen=True, eq=False)
class Running:
    """`version`: of what was on the disk when it was started. `exited`: the exit status, once there is one."""

    child: Child
    version: str
    exited: "asyncio.Future[int]"

    @classmethod
    def of(cls, child: Child, version: str) -> "Running":
        return cls(child, version, watch(child))

    @property
    def pid(self) -> int:
        return self.child.pid

    def signal(self, number: int) -> None:
        if not self.exited.done():
            self.child.send_signal(number)

    async def end(self, number: int, seconds: float) -> None:
        """Ask it to end, and end it when it has not after so many seconds."""
        self.signal(number)
        await asyncio.wait({self.exited}, timeout=seconds)
        self.signal(signal.SIGKILL)


def watch(child: Child) -> "asyncio.Future[int]":
    """The exit status, once there is one."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int] = loop.create_future()

    def settle(code: int) -> None:
        if not exited.done():
            exited.set_result(code)

    def wait() -> None:
        end_session(child.pid)
        code = child.wait()
        with suppress(RuntimeError):  # the loop is gone, and with it whoever wanted to know
            loop.call_soon_threadsafe(settle, code)

    threading.Thread(target=wait, name=f"wait-{child.pid}", daemon=True).start()
    return exited


def end_session(leader: int) -> None:
    """Wait until a process has ended, then end what it left in its own session, while its number cannot be another's yet."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return
    with suppress(ChildProcessError, ProcessLookupError, PermissionError):
        os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        os.killpg(leader, signal.SIGKILL)
