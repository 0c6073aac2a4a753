"""From the bus to the open pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

import pytest

from bus import subjects
from bus.auth import Permission
from bus.messages import ClusterStatus, EventType, ListTasks, NoReply, TaskList, TaskRecord, TaskStatus
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from gui.feed import Feed
from gui.frames import Frame
from gui.sight import Sight
from gui.state import HiveState
from tests.unit.gui.samples import agent, event, heartbeat, record


class Page:
    """A viewer that remembers its frames; `here` says whether the browser is connected."""

    def __init__(self, owner: str | None = None) -> None:
        self.sight, self.since, self.here = Sight(owner=owner), 0, True
        self.frames: list[tuple[float, Frame]] = []

    def review(self) -> None:
        pass

    def show(self, frame: Frame) -> bool:
        if self.here:
            self.frames.append((monotonic(), frame))
        return self.here

    async def until(self, found: Callable[[Frame], bool]) -> Frame:
        async with asyncio.timeout(5):
            while not any(found(frame) for _, frame in self.frames):
                await asyncio.sleep(0.005)
        return next(frame for _, frame in self.frames if found(frame))


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryBus]:
    bus = InMemoryBus()
    yield bus
    await bus.close()


@pytest.fixture
async def feed(bus: InMemoryBus) -> AsyncIterator[Feed]:
    feed = Feed(bus, HiveState())
    await feed.start()
    yield feed
    await feed.close()


async def serve(bus: InMemoryBus, tasks: list[TaskRecord]) -> None:
    async def listed(call: Call[ListTasks]) -> TaskList:
        return TaskList(tasks=tuple(task for task in tasks if not call.body.status or task.status in call.body.status))

    async def told(_call: Call[NoReply]) -> ClusterStatus:
        return ClusterStatus(version="1", leader="one", updated_at=datetime.now(UTC))

    listing = Endpoint(verb="list", body=ListTasks, handler=listed, permission=Permission.TASKS_VIEW)
    status = Endpoint(verb="status", body=NoReply, handler=told, permission=Permission.AGENTS_VIEW)
    for name, endpoint in ((subjects.SERVICE_TASKS, listing), (subjects.SERVICE_QUEUE, status)):
        await bus.serve(Service(name=name, version="1", description="", endpoints=(endpoint,)))


async def test_a_change_reaches_every_page_within_a_quarter_second(bus: InMemoryBus, feed: Feed) -> None:
    pages = [Page() for _ in range(3)]
    for page in pages:
        feed.attach(page)
    task_id = uuid4()
    sent = monotonic()
    await bus.publish(subjects.event("default", EventType.TASK_QUEUED, task_id), event(task_id, TaskStatus.QUEUED))
    for page in pages:
        await page.until(lambda frame: any(row.id == str(task_id) for row in frame.tasks))
        assert page.frames[-1][0] - sent < 0.25


async def test_a_flood_is_sent_as_few_frames(bus: InMemoryBus, feed: Feed) -> None:
    page = Page()
    feed.attach(page)
    last = uuid4()
    for task_id in [*(uuid4() for _ in range(300)), last]:
        await bus.publish(subjects.event("default", EventType.TASK_QUEUED, task_id), event(task_id, TaskStatus.QUEUED))
    await page.until(lambda frame: any(row.id == str(last) for row in frame.tasks))
    assert len(page.frames) <= 4


async def test_a_page_that_was_away_gets_what_it_missed(bus: InMemoryBus, feed: Feed) -> None:
    page = Page()
    feed.attach(page)
    page.here = False
    await bus.put(subjects.KV_AGENTS, "acacia", agent("acacia"))
    await bus.publish(subjects.heartbeat("acacia"), heartbeat("acacia", running=1))
    await bus.flush()
    page.here = True
    await page.until(lambda frame: any(row.id == "acacia" and row.running == 1 for row in frame.agents))


async def test_tasks_from_before_are_listed_as_soon_as_a_coordinator_answers(bus: InMemoryBus, feed: Feed) -> None:
    page = Page()
    feed.attach(page)
    await page.until(lambda frame: not frame.coordinator)
    old = record(TaskStatus.COMPLETED, attempts=1)
    await serve(bus, [old])
    frame = await page.until(lambda frame: frame.listed and frame.coordinator)
    assert page.frames[-1][1].revision >= frame.revision
    assert any(row.id == str(old.id) for _, sent in page.frames for row in sent.tasks)


async def test_a_message_that_makes_no_sense_stops_nothing(bus: InMemoryBus, feed: Feed) -> None:
    page = Page()
    feed.attach(page)
    task_id = uuid4()
    await bus.publish(subjects.event("default", EventType.TASK_QUEUED, task_id), b"{not json")
    await bus.publish(subjects.heartbeat("acacia"), b'{"agent_id": 3}')
    await bus.publish(subjects.event("default", EventType.TASK_QUEUED, task_id), event(task_id, TaskStatus.QUEUED))
    await page.until(lambda frame: any(row.id == str(task_id) for row in frame.tasks))


async def test_a_page_that_fails_does_not_keep_the_others_waiting(bus: InMemoryBus, feed: Feed) -> None:
    class Broken(Page):
        def review(self) -> None:
            pass

        def show(self, frame: Frame) -> bool:
            raise RuntimeError("this page is gone")

    feed.attach(Broken())
    page = Page()
    feed.attach(page)
    await bus.put(subjects.KV_AGENTS, "acacia", agent("acacia"))
    await page.until(lambda frame: any(row.id == "acacia" for row in frame.agents))
