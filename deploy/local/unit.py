"""One process that is kept running: started, watched, started again after a crash, ended on request."""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bus.errors import HiveError, Unavailable
from bus.together import end
from deploy.local.full_disk import FullDisk
from deploy.local.launch import Launch, start
from deploy.local.log_file import LOOK_SECONDS, last_lines, rotate
from deploy.local.restart import Backoff
from deploy.local.state import ProcessState, ProcessStatus

POLL_SECONDS = 0.05
NOTICE_SECONDS = 15.0
"""Who looks on wants to know what a start waits for, such as a database that was named and is away."""
ROOM_SECONDS = 2.0
CRASHES_BEFORE_GIVING_UP = 5
"""Of a process that was never ready since `hive up` began."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What to run. `prepare` blocks and is called before every start; `ready` is asked until it says yes."""

    launch: Launch
    ready: Callable[[], Awaitable[bool]]
    prepare: Callable[[], None] = lambda: None
    full_disk: FullDisk | None = None
    """Of a server that does not get over one by itself."""
    ready_seconds: float = 60.0
    stop_seconds: float = 5.0

    @property
    def name(self) -> str:
        return self.launch.name


class Unit:
    """`changed(unit, message)` is called at every change of state; the message is for a person, empty when nothing is wrong."""

    def __init__(self, spec: Spec, log: Path, changed: Callable[["Unit", str], None]) -> None:
        self.spec, self.log = spec, log
        self.state, self.restarts = ProcessState.STARTING, 0
        self._changed = changed
        self._process: subprocess.Popen[bytes] | None = None
        self._exited: asyncio.Future[int] | None = None
        self._backoff = Backoff()
        self._stopping = asyncio.Event()
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> ProcessStatus:
        running = self._process is not None and self._process.returncode is None
        pid = self._process.pid if running and self._process else None
        return ProcessStatus(name=self.spec.name, pid=pid, state=self.state, restarts=self.restarts)

    def begin(self) -> None:
        self._task = asyncio.create_task(self._keep_running(), name=self.spec.name)

    async def wait_ready(self) -> None:
        """Unavailable, with the end of its log, when the first start does not succeed."""
        seconds = self.spec.ready_seconds
        if seconds > NOTICE_SECONDS:
            if await self._ready_within(NOTICE_SECONDS):
                return
            self._changed(self, f"{self.spec.name} is still starting. Its log ends with: {last_lines(self.log, 1)}")
            seconds -= NOTICE_SECONDS
        if not await self._ready_within(seconds):
            raise self._hopeless(f"was not ready within {self.spec.ready_seconds:.0f} s")

    async def _ready_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._first_ready)
            return True
        return False

    async def stop(self) -> None:
        """Ask it to end, and end it when it has not after `stop_seconds`."""
        self._stopping.set()
        if self._exited is not None and not self._exited.done():
            self.send(self.spec.launch.stop_signal)
            await asyncio.wait({self._exited}, timeout=self.spec.stop_seconds)
            self.send(signal.SIGKILL)
        if self._task is not None:
            await self._task

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            began = monotonic()
            reason = await self._run_once()
            if self._stopping.is_set():
                break
            self._backoff = self._backoff.after(monotonic() - began)
            if self._backoff.crashes >= CRASHES_BEFORE_GIVING_UP and not self._first_ready.done():
                self._first_ready.set_exception(self._hopeless(reason))
                self._first_ready.exception()  # so that nobody who waits no longer is no mistake
                break
            self.restarts += 1
            delay = self._backoff.delay_seconds
            self._set(ProcessState.RESTARTING, f"{self.spec.name} {reason}; it is started again in {delay:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
        self._set(ProcessState.STOPPED)

    async def _run_once(self) -> str:
        """From start to end; why it ended."""
        try:
            await asyncio.to_thread(self.spec.prepare)
            await asyncio.to_thread(rotate, self.log)
            if self.spec.full_disk is not None:
                await asyncio.to_thread(self.spec.full_disk.begin, self.log)
            if self._stopping.is_set():
                return "was stopped"
            self._process = start(self.spec.launch, self.log)
        except (HiveError, OSError) as error:
            return f"could not be started: {error}"
        self._exited = watch(self._process)
        self._set(ProcessState.STARTING)
        meanwhile = (self._until_ready(), self._bound_log(), self._until_there_is_room())
        tasks = [asyncio.create_task(each) for each in meanwhile]
        try:
            code = await self._exited
        finally:
            await end(tasks)
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    async def _until_ready(self) -> None:
        while not await self.spec.ready():
            await asyncio.sleep(POLL_SECONDS)
        if not self._first_ready.done():
            self._first_ready.set_result(None)
        if not self._stopping.is_set():
            self._set(ProcessState.RUNNING)

    async def _bound_log(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(OSError):  # a full disk, which makes room when the oldest log goes: it is tried again
                await asyncio.to_thread(rotate, self.log)

    async def _until_there_is_room(self) -> None:
        """Ends a process that found the disk full, and could go on after a new start."""
        disk = self.spec.full_disk
        while disk is not None:
            await asyncio.sleep(ROOM_SECONDS)
            with suppress(OSError):
                if await asyncio.to_thread(disk.is_over, self.log):
                    self._changed(self, f"{self.spec.name} found the disk full. There is room again, so it is started anew")
                    self.send(self.spec.launch.stop_signal)
                    return

    def send(self, number: signal.Signals) -> None:
        """To the process, where there is one now."""
        if self._process is not None and self._exited is not None and not self._exited.done():
            self._process.send_signal(number)

    def _set(self, state: ProcessState, message: str = "") -> None:
        self.state = state
        self._changed(self, message)

    def _hopeless(self, reason: str) -> Unavailable:
        return Unavailable(f"{self.spec.name} {reason}. Its log, {self.log}, ends with: {last_lines(self.log)}")


def watch(process: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """The exit status, once there is one."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int] = loop.create_future()

    def settle(code: int) -> None:
        if not exited.done():
            exited.set_result(code)

    def wait() -> None:
        end_session(process.pid)
        code = process.wait()
        with suppress(RuntimeError):  # the loop is gone, and with it whoever wanted to know
            loop.call_soon_threadsafe(settle, code)

    threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()
    return exited


def end_session(leader: int) -> None:
    """Wait until a process has ended, then end what it left in its own session, while its number cannot be another's yet."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return
    with suppress(ChildProcessError, ProcessLookupError, PermissionError):
        os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        os.killpg(leader, signal.SIGKILL)
