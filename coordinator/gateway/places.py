"""Where the tasks stand that somebody watches: all are asked for by one question a second, however many watch."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from itertools import islice
from typing import Any, Final
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import QueuePlaces, TaskIds, TaskRecord, TaskStatus
from bus.messages.places import Delay, QueuePlace
from bus.together import end

LOOK_SECONDS: Final = 1.0
ASK_SECONDS: Final = 0.5
"""Longer than a leader needs; without one nobody knows a place."""
MOST_AT_ONCE: Final = 1000

POSITION: Final = "X-Hive-Queue-Position"
ETA: Final = "X-Hive-Queue-Eta-Seconds"
RISE: Final = "X-Hive-Queue-Rise"
HEADERS: Final[dict[str, dict[str, Any]]] = {
    POSITION: {"description": "its place while it waits; 1 is next", "schema": {"type": "integer"}},
    ETA: {"description": "seconds until it is predicted to begin", "schema": {"type": "number"}},
    RISE: {"description": "why it was last put back", "schema": {"type": "string", "enum": [reason.value for reason in Delay]}},
}
"""As OpenAPI describes them."""


def place_of(record: TaskRecord) -> QueuePlace | None:
    """None for what does not wait, and while nobody knows."""
    if record.position is None or record.status is not TaskStatus.QUEUED:
        return None
    return QueuePlace(position=record.position, eta_seconds=record.eta_seconds, rise=record.rise)


def place_headers(record: TaskRecord) -> Mapping[str, str]:
    """Of an answer that is about a task: its place while it waits."""
    place = place_of(record)
    if place is None:
        return {}
    headers = {POSITION: str(place.position)}
    if place.eta_seconds is not None:
        headers[ETA] = f"{place.eta_seconds:g}"
    if place.rise is not None:
        headers[RISE] = place.rise.reason
    return headers


class Places:
    """`watch` a task for as long as anybody wants to know."""

    def __init__(self, bus: Bus, look_seconds: float = LOOK_SECONDS) -> None:
        self._bus, self._look_seconds = bus, look_seconds
        self._watchers: Counter[UUID] = Counter()
        self._known: dict[UUID, QueuePlace] = {}
        self._looked = asyncio.Condition()
        self._anybody = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._task is not None:
            await end([self._task])

    async def watch(self, task_id: UUID, shown: QueuePlace | None) -> AsyncGenerator[QueuePlace, None]:
        """Each place that is not the one `shown` last; nothing while the task does not wait. Never ends by itself."""
        if shown is not None:
            yield shown
        self._watchers[task_id] += 1
        self._anybody.set()
        try:
            while True:
                async with self._looked:
                    await self._looked.wait()
                place = self._known.get(task_id)
                if place is not None and place != shown:
                    yield place
                shown = place
        finally:
            self._watchers[task_id] -= 1
            if not self._watchers[task_id]:
                del self._watchers[task_id]

    async def _look(self) -> None:
        while True:
            if not self._watchers:
                self._anybody.clear()
                await self._anybody.wait()
            await asyncio.sleep(self._look_seconds)
            self._known = await self._ask()
            async with self._looked:
                self._looked.notify_all()

    async def _ask(self) -> dict[UUID, QueuePlace]:
        subject, left, found = subjects.service_verb(subjects.SERVICE_QUEUE, "positions"), iter(list(self._watchers)), {}
        try:
            while ids := tuple(islice(left, MOST_AT_ONCE)):
                answer = await self._bus.request(subject, TaskIds(ids=ids), QueuePlaces, timeout=ASK_SECONDS, patient=False)
                found.update(answer.places)
        except HiveError:  # nobody leads just now
            return {}
        return found
