"""What was measured of the agents outlives whoever measured it."""

import asyncio
from datetime import UTC, datetime

import pytest

from bus import subjects
from bus.messages import Capability, Explanation, OutcomeStatus, TaskRef, Timings, Usage
from bus.messages.merits import ModelSpeed
from coordinator.agents import tracks
from coordinator.scheduling.speed import Speed
from coordinator.store.database import Statements
from tests.integration.coordinator.conftest import Hive
from tests.integration.coordinator.turns import Leader
from tests.parts.scripted_sidecar import MODEL, ScriptedSidecar

FAST = {"generation_tokens_per_second": 80.0, "prompt_tokens_per_second": 900.0, "load_seconds": 2.5, "total_seconds": 1.0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "SAVE_SECONDS", 0.1)


async def measured(hive: Hive, sidecar: ScriptedSidecar) -> ModelSpeed:
    """The word about the agent, once it holds a speed."""
    async with asyncio.timeout(15):
        while not (speeds := (await hive.agent(sidecar.agent_id)).merits.speeds):
            await asyncio.sleep(0.05)
    return speeds[MODEL.name]


async def test_a_new_leader_knows_how_fast_and_how_reliable_an_agent_is(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first, second = await hive.submit(), await hive.submit(max_attempts=1)
    for task_id, ended in ((first, OutcomeStatus.COMPLETED), (second, OutcomeStatus.FAILED)):
        offer = await sidecar.offered()
        assert offer.task_id == task_id
        timings, usage = Timings.model_validate(FAST), Usage(completion_tokens=40)
        await sidecar.report(offer, ended, timings=timings, usage=usage, retryable=ended is OutcomeStatus.FAILED)
        await hive.ended(task_id)
    wanted = ModelSpeed(generation_tokens_per_second=80, prompt_tokens_per_second=900, load_seconds=2.5)
    assert await measured(hive, sidecar) == wanted
    async with asyncio.timeout(15):
        while (await hive.agent("acacia")).merits.success_rate != 0.5:
            await asyncio.sleep(0.05)
        while '"failed": 1' not in str(await hive.sql("SELECT track FROM agent_tracks WHERE slug = 'acacia'")):
            await asyncio.sleep(0.05)
    [leader] = hive.coordinators
    await hive.stop(leader)
    await hive.bus.delete(
        subjects.KV_AGENTS, "acacia"
    )  # so that what is shown is the next one's word, which has measured nothing itself
    hive.start_coordinator()
    async with asyncio.timeout(15):
        while await hive.bus.get(subjects.KV_AGENTS, "acacia") is None:
            await asyncio.sleep(0.02)
    record = await hive.agent("acacia")
    assert record.merits.speeds[MODEL.name] == wanted
    assert record.merits.success_rate == 0.5


async def test_a_task_that_asks_for_a_least_proficiency_is_held_against_the_effective_one(hive: Hive) -> None:
    sidecar = ScriptedSidecar(hive.bus, "acacia")
    sidecar.capabilities = (Capability(name="devops", proficiency=0.9),)
    hive.sidecars.append(sidecar)
    await sidecar.start()
    first = await hive.submit(require={"capabilities": {"devops": 0.85}}, max_attempts=1)
    await sidecar.fail(await sidecar.offered())
    await hive.ended(first)
    second = await hive.submit(require={"capabilities": {"devops": 0.85}})
    await hive.stored(second)
    [row] = (await hive.ask("explain", TaskRef(id=second), Explanation)).agents
    assert (row.able, row.reason) == (False, "its proficiency in devops is 0.818, asked is 0.85")
    await sidecar.beaten(5)
    assert sidecar.offers.empty()


async def test_what_a_deposed_leader_still_saves_does_not_replace_what_came_later(leader: Leader) -> None:
    """By its epoch and not by a clock, of which every host has its own."""
    await leader.agent()
    leader.state.registry.agents["acacia"].speeds[MODEL.name] = Speed(generation_rate=80.0)
    await leader.connection.execute(
        "INSERT INTO agent_tracks VALUES ('acacia', '{\"other\": true}', now() + interval '1 hour')"
    )
    stored = "SELECT track FROM agent_tracks"
    for epoch, held in ((leader.state.epoch - 1, "other"), (leader.state.epoch, "80.0")):
        await tracks.Tracks(leader.state.registry, Statements(leader.connection), epoch).save(datetime.now(UTC))
        assert held in await leader.connection.fetchval(stored)
