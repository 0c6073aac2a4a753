"""What follows a commit: facts are told again until the bus has them all, once, and only then is their row done with."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pydantic import BaseModel

from bus import subjects
from bus.client import Received, Stored
from bus.errors import BusUnavailable
from bus.messages import TaskStatus
from bus.testing import InMemoryBus
from bus.together import end
from coordinator.leading.facts import task_fact
from coordinator.leading.publisher import Publisher
from tests.unit.coordinator.parts import NOON, task

TASK = task(attempts=1)
STEP, END = task_fact(TASK, TaskStatus.ASSIGNED, NOON), task_fact(TASK, TaskStatus.COMPLETED, NOON)


class Shaky(InMemoryBus):
    """Acknowledges nothing until it is `there`; `number` is that of its connection."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.there, self.number = asyncio.Event(), asyncio.Event(), 1

    @property
    def connections(self) -> int:
        return self.number

    async def publish_durable(
        self,
        subject: str,
        message: BaseModel | bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Stored:
        self.asked.set()
        if not self.there.is_set():
            raise BusUnavailable("It is away.")
        return await super().publish_durable(subject, message, message_id=message_id, headers=headers, timeout=timeout)


@asynccontextmanager
async def publishing(bus: InMemoryBus) -> AsyncIterator[Publisher]:
    publisher = Publisher(bus)
    running = asyncio.create_task(publisher.run())
    yield publisher
    await end([running])
    await bus.close()


async def until_sent(publisher: Publisher, *rows: int) -> None:
    async with asyncio.timeout(5):
        while publisher.sent != list(rows):
            await asyncio.sleep(0.01)


async def test_what_the_bus_has_not_acknowledged_is_kept_and_told_again() -> None:
    bus = Shaky()
    async with publishing(bus) as publisher:
        publisher.put(1, [END])
        async with asyncio.timeout(5):
            await bus.asked.wait()
        assert publisher.sent == []
        bus.there.set()
        await until_sent(publisher, 1)
        assert await bus.last(subjects.EVENTS, END.subject) is not None


async def test_what_is_told_twice_is_stored_once() -> None:
    """As by a leader that took over before its predecessor's row was done with."""
    bus = InMemoryBus()
    async with publishing(bus) as publisher:
        for row in (1, 2):
            publisher.put(row, [STEP, END])
        await until_sent(publisher, 1, 2)
        assert [(await bus.stream_state(stream)).last_sequence for stream in (subjects.PROGRESS, subjects.EVENTS)] == [1, 1]


async def test_a_step_whose_connection_was_replaced_before_it_was_confirmed_is_told_again() -> None:
    """What a connection swallowed as it broke shows in no acknowledgement of the next one."""
    bus = Shaky()
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def breaks(received: Received) -> None:
        bus.number = 2
        await heard.put(received.subject)

    await bus.subscribe(STEP.subject, breaks)
    async with publishing(bus) as publisher:
        publisher.put(1, [STEP])
        async with asyncio.timeout(5):
            assert [await heard.get(), await heard.get()] == [STEP.subject] * 2
        await until_sent(publisher, 1)


async def test_an_end_confirms_what_was_told_before_it_and_not_what_comes_after() -> None:
    class Deaf(InMemoryBus):
        async def flush(self) -> None:
            raise BusUnavailable("It does not say.")

    bus = Deaf()
    later = task_fact(task(attempts=1), TaskStatus.ASSIGNED, NOON)
    async with publishing(bus) as publisher:
        publisher.put(1, [STEP])
        publisher.put(2, [END, later])
        await until_sent(publisher, 1)
        other = task_fact(task(attempts=1), TaskStatus.COMPLETED, NOON)
        publisher.put(3, [other])
        await until_sent(publisher, 1, 2, 3)
