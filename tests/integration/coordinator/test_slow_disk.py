"""A record on a disk that takes a tenth of a second for each commit, by PostgreSQL's own `commit_delay`: it is slower, and that is all."""

import asyncio

import pytest

from bus.messages import AgentStatus, TaskStatus
from bus.together import end
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar

pytestmark = pytest.mark.slow

MICROSECONDS = 100_000
"""The most that PostgreSQL allows."""
TASKS = 24
SLOW_SECONDS = 60


@pytest.fixture
async def on_slow_disk(idle_hive: Hive) -> Hive:
    [row] = await idle_hive.sql("SELECT current_database() AS name")
    for setting in (f"commit_delay = {MICROSECONDS}", "commit_siblings = 0"):
        await idle_hive.sql(f"ALTER DATABASE {row['name']} SET {setting}")
    idle_hive.start_coordinator()
    return idle_hive


async def work(sidecar: ScriptedSidecar) -> None:
    while True:
        await sidecar.complete(await sidecar.offered(SLOW_SECONDS))


@pytest.mark.timeout(150)
async def test_on_a_slow_disk_nobody_is_deposed_nobody_is_lost_and_each_task_completes_once(on_slow_disk: Hive) -> None:
    hive = on_slow_disk
    assert [row["setting"] for row in await hive.sql("SELECT setting FROM pg_settings WHERE name = 'commit_delay'")] == [
        "100000"
    ]
    sidecar = await hive.sidecar("acacia", slots=4)
    working = asyncio.create_task(work(sidecar))
    tasks = [await hive.submit() for _ in range(TASKS)]
    for task_id in tasks:
        record = await hive.ended(task_id, SLOW_SECONDS)
        assert (record.status, [attempt.status.value for attempt in record.attempts]) == (TaskStatus.COMPLETED, ["completed"])
    await end([working])
    assert [row["epoch"] for row in await hive.sql("SELECT epoch FROM leadership")] == [1]
    assert (await hive.agent("acacia")).status is AgentStatus.ONLINE
