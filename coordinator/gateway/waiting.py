"""Wait for the end of tasks: one subscription a process, and a look at the record now and then, since an event may be lost."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar
from uuid import UUID

from bus import subjects
from bus.client import Bus, Closing, Received
from bus.errors import DeadlineExceeded, NotFound, Unavailable
from bus.messages import Claims, EventType, TaskRecord, TaskRef
from coordinator.gateway import verbs

POLL_SECONDS: Final = 2.0
MAX_WAIT_SECONDS: Final = 300
_ENDS: Final = (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED)


T = TypeVar("T", bound="Settable")


class Settable(Protocol):
    """As asyncio.Event is one."""

    def set(self) -> None: ...


class Waiting:
    """`expect` before the task is published, `ended` after it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiters: defaultdict[str, set[Settable]] = defaultdict(set)
        self._subscriptions: list[Closing] = []
        self._stopped = False

    async def start(self) -> None:
        for end in _ENDS:
            self._subscriptions.append(await self._bus.subscribe(subjects.events(end), self._ended))
        await self._bus.flush()

    async def close(self) -> None:
        for subscription in self._subscriptions:
            await subscription.close()

    def stop(self) -> None:
        """Let everybody go with what there is."""
        self._stopped = True
        for events in self._waiters.values():
            for event in events:
                event.set()

    @contextmanager
    def expect(self, task_id: UUID, told: T) -> Iterator[T]:
        """`told` is set when the end of the task is announced, or when the gateway stops."""
        event, key = told, str(task_id)
        self._waiters[key].add(event)
        try:
            yield event
        finally:
            self._waiters[key].discard(event)
            if not self._waiters[key]:
                del self._waiters[key]

    async def ended(self, event: asyncio.Event, task_id: UUID, claims: Claims, seconds: float) -> TaskRecord | None:
        """The record once the task has ended, or as it is when `seconds` have passed; None when nobody can tell."""
        record = None
        try:
            async with asyncio.timeout(seconds):
                while not (self._stopped or (record and record.status.terminal)):
                    await _signal(event)
                    record = await self._look(task_id, claims) or record
        except TimeoutError:
            pass
        return record if record and record.status.terminal else await self._look(task_id, claims) or record

    async def _look(self, task_id: UUID, claims: Claims) -> TaskRecord | None:
        body = TaskRef(id=task_id)
        try:
            return await verbs.ask(self._bus, subjects.SERVICE_TASKS, "get", body, TaskRecord, claims, seconds=POLL_SECONDS)
        except (Unavailable, DeadlineExceeded, NotFound):
            return None

    async def _ended(self, received: Received) -> None:
        for event in self._waiters.get(received.subject.rpartition(".")[2], ()):
            event.set()


async def _signal(event: asyncio.Event) -> None:
    """Returns when the event is set, or when it is time for a look anyway."""
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
