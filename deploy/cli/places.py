"""Where a task stands while it waits, for people: its place, when it may begin, and why it was put back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, TypeVar
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import QueuePlaces, TaskIds, TaskRecord
from bus.messages.places import QueuePlace
from bus.together import end

T = TypeVar("T")

LOOK_SECONDS: Final = 1.0
ASK_SECONDS: Final = 0.5


def place_of(record: TaskRecord) -> QueuePlace | None:
    """None for what does not wait, and while nobody knows."""
    if record.position is None:
        return None
    return QueuePlace(position=record.position, eta_seconds=record.eta_seconds, rise=record.rise)


def in_words(place: QueuePlace) -> str:
    """Such as "3 in the queue, begins in about 12 s"."""
    eta = "" if place.eta_seconds is None else f", begins in about {place.eta_seconds:.0f} s"
    risen = (
        "" if place.rise is None else f" (put back from {place.rise.before} to {place.rise.position}: {place.rise.in_words})"
    )
    return f"{place.position} in the queue{eta}{risen}"


async def with_places(bus: Bus, task_id: UUID, items: AsyncGenerator[T, None]) -> AsyncGenerator[T | QueuePlace, None]:
    """The items, and between them each new place or reason, until the first item comes."""
    first = asyncio.ensure_future(anext(items))
    try:
        async for place in _changes(bus, task_id, first):
            yield place
        yield await first
        async for item in items:
            yield item
    except StopAsyncIteration:
        return
    finally:
        await end([first])
        await items.aclose()


async def _changes(bus: Bus, task_id: UUID, until: "asyncio.Future[T]") -> AsyncIterator[QueuePlace]:
    shown: QueuePlace | None = None
    while True:
        await asyncio.wait({until}, timeout=LOOK_SECONDS)
        if until.done():
            return
        place = await _look(bus, task_id)
        if place is not None and (shown is None or (place.position, place.rise) != (shown.position, shown.rise)):
            yield place
        shown = place


async def _look(bus: Bus, task_id: UUID) -> QueuePlace | None:
    subject = subjects.service_verb(subjects.SERVICE_QUEUE, "positions")
    try:
        asked = TaskIds(ids=(task_id,))
        return (await bus.request(subject, asked, QueuePlaces, timeout=ASK_SECONDS, patient=False)).places.get(task_id)
    except HiveError:  # nobody leads just now
        return None
