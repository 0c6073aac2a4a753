"""A leader whose hour is not PostgreSQL's any more, as when that was late when its term began, and was put right."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bus import subjects
from bus.messages import TaskRecord, TaskRef
from bus.overview import CLUSTER
from coordinator import main
from coordinator.leading.steady import steady_time
from tests.integration.coordinator.conftest import Hive

HOUR = timedelta(hours=1)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """By how much the hour is late that a term begins with."""
    by = [timedelta()]

    def began(at: datetime) -> Callable[[], datetime]:
        right = steady_time(at)
        return lambda: right() - by[0]

    monkeypatch.setattr(main, "steady_time", began)
    return by


async def behind(hive: Hive) -> timedelta:
    """How far the leader's hour is."""
    return datetime.now(UTC) - (await hive.leading()).updated_at


async def said(hive: Hive, times: int) -> None:
    """Until the leader has told how it stands so many times more, as it does each second when it has looked at the clock."""
    seen = set[bytes | None]()
    async with asyncio.timeout(20):
        while len(seen) <= times:
            seen.add(await hive.bus.get(subjects.KV_STATUS, CLUSTER))
            await asyncio.sleep(0.02)


async def test_the_hour_is_set_right_once_no_task_is_judged_by_it(late: list[timedelta], hive: Hive) -> None:
    task_id = await hive.submit()
    await hive.stored(task_id)
    late[0] = HOUR
    await said(hive, 1)
    assert await behind(hive) > HOUR / 2, "a task waits: an hour on might end it for being late"
    await hive.ask("cancel", TaskRef(id=task_id), TaskRecord)
    async with asyncio.timeout(10):
        while await behind(hive) > timedelta(minutes=1):
            await asyncio.sleep(0.02)
