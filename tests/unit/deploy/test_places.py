"""What the CLI tells of a task that waits, between nothing and its first word."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from bus import subjects
from bus.auth import Permission
from bus.messages import QueuePlaces, TaskIds
from bus.messages.places import Delay, QueuePlace, Rise
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from deploy.cli import places
from deploy.cli.places import in_words, with_places
from tests.unit.coordinator.parts import task

RISE = Rise(reason=Delay.HOST_LOST, before=0, position=2, own=True, at=datetime(2026, 11, 23, tzinfo=UTC))


def test_a_place_is_told_in_words() -> None:
    assert in_words(QueuePlace(position=3)) == "3 in the queue"
    place = QueuePlace(position=2, eta_seconds=11.6, rise=RISE)
    assert in_words(place) == "2 in the queue, begins in about 12 s (put back from 0 to 2: its host was lost)"


async def test_each_place_is_told_once_and_nothing_more_from_the_first_word_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOOK_SECONDS", 0.001)
    told = [QueuePlace(position=2, eta_seconds=9), QueuePlace(position=2, eta_seconds=8), QueuePlace(position=1), None]
    known, begins = task().id, asyncio.Event()
    asked = 0

    async def positions(call: Call[TaskIds]) -> QueuePlaces:
        nonlocal asked
        place = told[min(asked, len(told) - 1)]
        asked += 1
        if place is None:
            begins.set()
        return QueuePlaces(places={} if place is None else {known: place})

    async def words() -> AsyncGenerator[str, None]:
        await begins.wait()
        yield "Hello "
        yield "there."

    bus = InMemoryBus()
    verb = Endpoint(verb="positions", body=TaskIds, handler=positions, permission=Permission.TASKS_VIEW)
    await bus.serve(Service(name=subjects.SERVICE_QUEUE, version="0", description="", endpoints=(verb,)))
    async with asyncio.timeout(5):
        found = [item async for item in with_places(bus, known, words())]
    assert found == [told[0], told[2], "Hello ", "there."]
    await bus.close()


async def test_while_nobody_leads_only_the_words_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOOK_SECONDS", 0.001)
    begins = asyncio.Event()

    async def words() -> AsyncGenerator[str, None]:
        await begins.wait()
        yield "Hello."

    bus = InMemoryBus()
    asyncio.get_running_loop().call_later(0.05, begins.set)
    assert [item async for item in with_places(bus, task().id, words())] == ["Hello."]
    await bus.close()
