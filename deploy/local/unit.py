"""One process that is kept running: started, watched, started again after a crash, followed by a newer one, ended on request."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from bus.errors import HiveError, Unavailable
from bus.together import end
from deploy.local.children import Inherited, Running
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
CRASHES_BEFORE_TURNING_AWAY = 3
"""In a row: the pauses between them are a second and a half together."""
FOLLOWED_SECONDS = 30.0
"""What a process that another follows already still works on may take."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What to run. `prepare` blocks and is called before every start; `ready` is asked until it says yes."""

    launch: Launch
    ready: Callable[[], Awaitable[bool]]
    prepare: Callable[[], None] = lambda: None
    full_disk: FullDisk | None = None
    """Of a server that does not get over one by itself."""
    version: Callable[[], str] = lambda: ""
    """Of what is on the disk now, which the next process will run. Blocking."""
    serves: Callable[[int], Awaitable[None]] | None = None
    """Waits until the process of that number serves. None for what cannot be there twice: a newer one begins when the older has ended."""
    turn_away: Callable[[], None] | None = None
    """Ends the connections that wait for it. Of a door that crashes again and again: for one that is back in a moment they wait."""
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
        self._running: Running | None = None
        self._next: Running | None = None
        """Runs already, and takes the place of the one that ends."""
        self._renewing = self._renewed = False
        self._backoff = Backoff()
        self._stopping = asyncio.Event()
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> ProcessStatus:
        found = self._running if self._running is not None and not self._running.exited.done() else None
        pid, version = (found.pid, found.version) if found else (None, "")
        return ProcessStatus(name=self.spec.name, pid=pid, state=self.state, restarts=self.restarts, version=version)

    def begin(self, inherited: ProcessStatus | None = None) -> None:
        """`inherited`: as the supervisor knew it which this process was before."""
        if inherited is not None and inherited.pid is not None:
            self.restarts = inherited.restarts
            self._next = Running.of(Inherited(inherited.pid), inherited.version)
            if self.spec.full_disk is not None:  # what it complained of before, it complains of again
                self.spec.full_disk.begin(self.log)
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

    async def renew(self) -> None:
        """Another process in the place of this one. Unavailable when it does not become ready; where two can be there, this one stays then."""
        running = self._running
        if running is None or running.exited.done():
            return  # whatever is started next is the newer one
        self._renewed = True
        following = await self._follow(self.spec.serves) if self.spec.serves is not None else None
        if running.exited.done():  # it crashed meanwhile, and what is started in its place is the newer one
            if following is not None:
                following.signal(signal.SIGKILL)
            return
        self._first_ready = asyncio.get_running_loop().create_future()
        self._next, self._renewing = following, True
        await running.end(self.spec.launch.stop_signal, self.spec.stop_seconds if following is None else FOLLOWED_SECONDS)
        await self.wait_ready()

    async def _follow(self, serves: Callable[[int], Awaitable[None]]) -> Running:
        """Another process beside the one that runs, once it serves."""
        try:
            following = await self._start()
        except (HiveError, OSError) as error:
            raise self._hopeless(f"could not be started: {error}") from None
        serving = asyncio.ensure_future(serves(following.pid))
        either: set[asyncio.Future[Any]] = {serving, following.exited}
        try:
            await asyncio.wait(either, timeout=self.spec.ready_seconds, return_when=asyncio.FIRST_COMPLETED)
            if following.exited.done():
                raise self._hopeless(_reason(following.exited.result()))
            if not serving.done():
                raise self._hopeless(f"was not ready within {self.spec.ready_seconds:.0f} s")
            serving.result()
        except BaseException:
            following.signal(signal.SIGKILL)
            raise
        finally:
            await end([serving])
        return following

    async def stop(self) -> None:
        """Ask it to end, and end it when it has not after `stop_seconds`."""
        self._stopping.set()
        if self._running is not None:
            await self._running.end(self.spec.launch.stop_signal, self.spec.stop_seconds)
        if self._task is not None:
            await self._task
        if self._next is not None:
            await self._next.end(self.spec.launch.stop_signal, self.spec.stop_seconds)

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            began = monotonic()
            reason = await self._run_once()
            if self._stopping.is_set():
                break
            if self._renewing:
                self._renewing = False
                continue
            self._backoff = self._backoff.after(monotonic() - began)
            if self._backoff.crashes >= CRASHES_BEFORE_GIVING_UP and not self._first_ready.done():
                self._first_ready.set_exception(self._hopeless(reason))
                self._first_ready.exception()  # so that nobody who waits no longer is no mistake
                if not self._renewed:
                    break
            self.restarts += 1
            delay = self._backoff.delay_seconds
            self._set(ProcessState.RESTARTING, f"{self.spec.name} {reason}; it is started again in {delay:g} s")
            if self.spec.turn_away is not None and self._backoff.crashes >= CRASHES_BEFORE_TURNING_AWAY:
                self.spec.turn_away()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
        self._set(ProcessState.STOPPED)

    async def _run_once(self) -> str:
        """From start to end; why it ended."""
        try:
            running = self._next or await self._start()
        except (HiveError, OSError) as error:
            return f"could not be started: {error}"
        self._running, self._next = running, None
        self._set(ProcessState.STARTING)
        meanwhile = (self._until_ready(), self._bound_log(), self._until_there_is_room())
        tasks = [asyncio.create_task(each) for each in meanwhile]
        try:
            code = await running.exited
        finally:
            await end(tasks)
        return _reason(code)

    async def _start(self) -> Running:
        """HiveError, OSError."""
        await asyncio.to_thread(self.spec.prepare)
        await asyncio.to_thread(rotate, self.log)
        if self.spec.full_disk is not None:
            await asyncio.to_thread(self.spec.full_disk.begin, self.log)
        version = await asyncio.to_thread(self.spec.version)
        if self._stopping.is_set():
            raise Unavailable("it is to stop")
        return Running.of(start(self.spec.launch, self.log), version)

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
                    self.signal(self.spec.launch.stop_signal)
                    return

    def signal(self, number: int) -> None:
        """To the process, where there is one now."""
        if self._running is not None:
            self._running.signal(number)

    def _set(self, state: ProcessState, message: str = "") -> None:
        self.state = state
        self._changed(self, message)

    def _hopeless(self, reason: str) -> Unavailable:
        return Unavailable(f"{self.spec.name} {reason}. Its log, {self.log}, ends with: {last_lines(self.log)}")


def _reason(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
