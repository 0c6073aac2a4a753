"""The end of a run: everything has ended, and the records and events of it all are read, for the checker to decide."""

import asyncio
from time import monotonic

from bus import subjects
from bus.messages import ClusterStatus, TaskEvent, TaskList, TaskRecord, TaskStatus
from bus.nats_bus import NatsBus
from tests.chaos.doors import Doors, Failed
from tests.chaos.history import Announced, Final, Log

OPEN = [status for status in TaskStatus if not status.terminal]
STUCK_SECONDS = 60
ASK_SECONDS = 60
READERS = 8


async def settle(doors: Doors, bus: NatsBus, log: Log) -> None:
    """Waits until nothing waits or runs any more, or it has become clear that it will not end; then notes what became of it."""
    await _all_ended(doors)
    for record in await _records(doors):
        log.write(Final(op=str(record.metadata.get("op", "")), record=record))
    for stream in (subjects.EVENTS, subjects.PROGRESS):
        for announced in await _announced(bus, stream):
            log.write(announced)


async def _all_ended(doors: Doors) -> None:
    """Returns too when nothing has ended for long: what has not by then is for the checker to name."""
    last, moved_at = None, monotonic()
    while monotonic() - moved_at < STUCK_SECONDS:
        if not (await _page(doors, {"status": OPEN, "limit": 1})).tasks:
            return
        left = await _left(doors)
        if left is not None and left != last:
            last, moved_at = left, monotonic()
        await asyncio.sleep(0.2)


async def _left(doors: Doors) -> int | None:
    """How many wait and run, by the leader's word; None when it does not answer."""
    try:
        status = ClusterStatus.model_validate_json((await doors.request("GET", "/api/status/cluster")).content)
    except Failed:
        return None
    return sum(status.queue.values()) + sum(status.tasks.values())


async def _records(doors: Doors) -> list[TaskRecord]:
    """Every task there is, each as `GET /api/tasks/{id}` shows it."""
    listed: list[TaskRecord] = []
    page = await _page(doors, {"limit": 500})
    listed += page.tasks
    while page.next_cursor is not None:
        page = await _page(doors, {"limit": 500, "cursor": page.next_cursor})
        listed += page.tasks
    ids, found = iter([record.id for record in listed]), list[TaskRecord]()

    async def read() -> None:
        for task_id in ids:
            answer = await doors.request("GET", f"/api/tasks/{task_id}")
            found.append(TaskRecord.model_validate_json(answer.content))

    await asyncio.gather(*(read() for _ in range(READERS)))
    return found


async def _page(doors: Doors, query: dict[str, object]) -> TaskList:
    """Asked again while it fails: this is the checker's own look, not a client's."""
    async with asyncio.timeout(ASK_SECONDS):
        while True:
            try:
                return TaskList.model_validate_json((await doors.request("GET", "/api/tasks", params=query)).content)
            except Failed:
                await asyncio.sleep(0.1)


async def _announced(bus: NatsBus, stream: str) -> list[Announced]:
    """Every task event that the stream holds."""
    subject = subjects.events("task.*")
    if await bus.last(stream, subject) is None:
        return []
    reader = await bus.read(stream, subject)
    found: list[Announced] = []
    try:
        while not (found and reader.caught_up):
            for message in await reader.batch(1000):
                found.append(Announced(stream=stream, sequence=message.sequence, event=message.decode(TaskEvent)))
        return found
    finally:
        await reader.close()
