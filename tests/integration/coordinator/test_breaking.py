"""A model that keeps failing on one agent: the leader holds it back there, says so, and so does its successor."""

import asyncio
from uuid import UUID

import pytest

from bus.messages import AgentStatus, Explanation, ModelInfo, TaskRef
from coordinator.agents import tracks
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import MODEL

HELD_SECONDS = 20
"""Long enough for a takeover in between."""
OTHER = ModelInfo(name="llama3:8b", loaded=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "SAVE_SECONDS", 0.1)


async def reason_once_heard(hive: Hive, task_id: UUID) -> str:
    """Why its one agent does not have the task, once the leader knows of it that it is there."""
    async with asyncio.timeout(10):
        while True:
            [row] = (await hive.ask("explain", TaskRef(id=task_id), Explanation)).agents
            if not row.reason.startswith(AgentStatus.OFFLINE):
                return row.reason
            await asyncio.sleep(0.02)


async def test_it_is_held_back_there_and_the_others_go_on(idle_hive: Hive) -> None:
    hive = idle_hive
    hive.start_coordinator(breaker_seconds=120)
    acacia = await hive.sidecar("acacia", models=(MODEL, OTHER))
    for _ in range(3):
        task_id = await hive.submit(model=MODEL.name, max_attempts=1)
        await acacia.fail(await acacia.offered())
        await hive.ended(task_id)
    waiting = await hive.submit(model=MODEL.name)
    other = await hive.submit(model=OTHER.name)
    offer = await acacia.offered()
    assert offer.task_id == other
    await acacia.complete(offer)

    [row] = (await hive.ask("explain", TaskRef(id=waiting), Explanation)).agents
    assert not row.able
    assert row.reason.startswith(f"{MODEL.name} is held back there: 3 tasks in a row failed, the last with backend_error;")
    async with asyncio.timeout(15):
        while list((await hive.agent("acacia")).merits.held) != [MODEL.name]:
            await asyncio.sleep(0.02)
    birch = await hive.sidecar("birch")
    assert (await birch.offered()).task_id == waiting


@pytest.mark.slow
async def test_a_successor_holds_it_too(idle_hive: Hive) -> None:
    hive = idle_hive
    hive.start_coordinator(breaker_seconds=HELD_SECONDS)
    acacia = await hive.sidecar("acacia")
    for _ in range(3):
        task_id = await hive.submit(max_attempts=1)
        await acacia.fail(await acacia.offered())
        await hive.ended(task_id)
    async with asyncio.timeout(15):
        while '"trips": 1' not in str(await hive.sql("SELECT track FROM agent_tracks WHERE slug = 'acacia'")):
            await asyncio.sleep(0.02)
    [leader] = hive.coordinators
    await hive.stop(leader)
    hive.start_coordinator(breaker_seconds=HELD_SECONDS)
    await hive.leading()
    waiting = await hive.submit()
    await hive.stored(waiting)
    assert "is held back there" in await reason_once_heard(hive, waiting)
    assert (await acacia.offered(seconds=2 * HELD_SECONDS)).task_id == waiting  # the one that tries it
