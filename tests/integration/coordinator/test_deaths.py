"""Agents that die: by notice, by silence, by being replaced. Their work goes elsewhere, once."""

import asyncio
import json
from time import monotonic

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import Conflict
from bus.messages import AgentEvent, AgentStatus, ControlAction, ModelInfo, TaskStatus
from coordinator.agents.registry import CLOSED
from coordinator.leading import term
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar


async def test_a_connection_that_closes_sends_its_work_elsewhere_within_two_seconds(hive: Hive) -> None:
    dying = await hive.distant_sidecar("acacia")
    task_id = await hive.submit()
    await dying.offered()
    other = await hive.sidecar("birch")
    await dying.lose_connection()
    died = monotonic()
    offer = await other.offered()
    assert monotonic() - died < 2
    await other.complete(offer)
    record = await hive.ended(task_id)
    assert [(attempt.agent_id, attempt.status.value) for attempt in record.attempts] == [
        ("acacia", "lost"),
        ("birch", "completed"),
    ]
    assert record.attempts[0].error is not None
    assert record.attempts[0].error.code == "agent_lost"


async def test_a_host_that_dies_is_shown_offline_within_a_second_and_given_nothing_from_then_on(
    idle_hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "SLOW_SECONDS", 60)  # what is written now and then does not help
    hive = idle_hive
    hive.start_coordinator()
    dying = await hive.distant_sidecar("acacia")
    await hive.agent_is("acacia", AgentStatus.ONLINE)
    await dying.lose_connection()
    died = monotonic()
    record = await hive.agent_is("acacia", AgentStatus.OFFLINE)
    assert monotonic() - died < 1
    assert "connection" in (record.status_reason or "")
    task_id = await hive.submit()
    await hive.stored(task_id)
    assert (await hive.call("get", task_id)).attempts == ()


async def test_what_a_leaf_says_of_who_left_it_is_believed_until_the_sidecar_speaks_again(hive: Hive) -> None:
    sidecar, other = await hive.sidecar("acacia"), await hive.sidecar("birch", models=())
    notice = json.dumps({"client": {"name": subjects.sidecar_connection(sidecar.instance)}}).encode()
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.bus.publish(subjects.SITES_DISCONNECTED, notice)
    await sidecar.beaten(15)  # longer than a grace
    assert (await hive.agent("acacia")).status is AgentStatus.ONLINE
    await sidecar.complete(offer)
    assert [attempt.status.value for attempt in (await hive.ended(task_id)).attempts] == ["completed"]
    await sidecar.vanish()
    died = monotonic()
    await hive.bus.publish(subjects.SITES_DISCONNECTED, notice)
    assert (await hive.agent_is("acacia", AgentStatus.OFFLINE)).status_reason == CLOSED
    assert monotonic() - died < 1
    assert (await hive.agent(other.agent_id)).status is AgentStatus.ONLINE


async def test_a_sidecar_that_falls_silent_loses_its_work_within_five_seconds(hive: Hive) -> None:
    silent = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await silent.offered()
    other = await hive.sidecar("birch")
    await silent.vanish()
    died = monotonic()
    offer = await other.offered()
    assert monotonic() - died < 5
    assert (offer.task_id, offer.number) == (task_id, 2)
    assert (await hive.agent_is("acacia", AgentStatus.OFFLINE)).instance is None


async def test_a_sidecar_that_only_lost_its_connection_keeps_its_work(hive: Hive) -> None:
    sidecar = await hive.distant_sidecar("acacia")
    other = await hive.sidecar("birch", models=(ModelInfo(name="smollm2:135m"),))
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await sidecar.lose_connection()
    await other.beaten(4)  # less than the grace, and longer than it takes the leader to look
    await sidecar.reconnect(await hive.connection(sidecar))
    await hive.agent_is("acacia", AgentStatus.ONLINE)
    await sidecar.complete(offer)
    assert len((await hive.ended(task_id)).attempts) == 1
    assert other.offers.empty()


async def test_a_sidecar_that_was_started_again_has_lost_what_it_ran(hive: Hive) -> None:
    old = await hive.distant_sidecar("acacia")
    task_id = await hive.submit()
    lost = await old.offered()
    await old.lose_connection()
    new = await hive.sidecar("acacia")
    offer = await new.offered()
    assert (offer.task_id, offer.number) == (task_id, 2)
    assert offer.attempt_id != lost.attempt_id
    await new.complete(offer)
    assert [attempt.status.value for attempt in (await hive.ended(task_id)).attempts] == ["lost", "completed"]


async def test_a_second_sidecar_for_a_living_agent_is_refused(hive: Hive) -> None:
    first = await hive.sidecar("acacia")
    with pytest.raises(Conflict, match="is alive"):
        await ScriptedSidecar(hive.bus, "acacia").register()
    task_id = await hive.submit()
    assert (await first.offered()).task_id == task_id


@pytest.mark.slow
async def test_an_accepted_attempt_that_nobody_names_is_offered_again_and_kept_while_nobody_answers(hive: Hive) -> None:
    """Its sidecar may be back with it at any moment; only a word of the sidecar, or its death, ends the attempt."""
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await sidecar.stop_listening()
    sidecar.running.clear()
    await sidecar.beaten(45)
    await sidecar.listen()
    again = await sidecar.offered()
    assert again.attempt_id == offer.attempt_id
    await sidecar.complete(again)
    assert len((await hive.ended(task_id)).attempts) == 1


async def test_what_an_agent_runs_and_nobody_waits_for_is_cancelled(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await sidecar.complete(offer)
    await hive.ended(task_id)
    sidecar.running.add(offer.attempt_id)
    control = await sidecar.controlled()
    assert (control.action, control.attempt_id) == (ControlAction.CANCEL, offer.attempt_id)
    assert control.epoch == offer.epoch  # else a leader that was deposed could stop what its successor began


async def test_every_model_that_was_ever_offered_is_known_to_the_doors_and_to_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia", models=(ModelInfo(name="llama3"),))
    await hive.model_is_known("llama3")
    sidecar.models = (ModelInfo(name="qwen3"),)
    await hive.model_is_known("qwen3")
    await sidecar.vanish()
    await hive.stop(leader)
    for name in ("llama3", "qwen3"):
        await hive.bus.delete(subjects.KV_MODELS, subjects.model_key(name))
    hive.start_coordinator()
    for name in ("llama3", "qwen3"):
        await hive.model_is_known(name)
    task_id = await hive.submit(model="llama3")
    await hive.stored(task_id)
    assert (await hive.call("get", task_id)).status is TaskStatus.QUEUED


async def test_a_draining_agent_is_given_nothing_and_ends_what_it_has(hive: Hive) -> None:
    draining = await hive.sidecar("acacia", slots=2)
    first = await hive.submit()
    offer = await draining.offered()
    draining.status = AgentStatus.DRAINING
    await hive.agent_is("acacia", AgentStatus.DRAINING)
    second = await hive.submit()
    await hive.stored(second)
    await draining.complete(offer)
    assert (await hive.ended(first)).status is TaskStatus.COMPLETED
    assert draining.offers.empty()


async def test_agents_are_announced_when_they_come_and_when_their_status_changes(hive: Hive) -> None:
    told: asyncio.Queue[AgentEvent] = asyncio.Queue()

    async def read(received: Received) -> None:
        await told.put(received.decode(AgentEvent))

    await hive.bus.subscribe(subjects.events("agent.*"), read)
    sidecar = await hive.distant_sidecar("acacia")
    await sidecar.vanish()
    await sidecar.bus.close()
    await hive.agent_is("acacia", AgentStatus.OFFLINE)
    await hive.sidecar("acacia")
    async with asyncio.timeout(10):
        events = [await told.get() for _ in range(4)]
    assert [(event.type.value, event.data.status.value) for event in events] == [
        ("agent.registered", "online"),
        ("agent.status_changed", "online"),
        ("agent.status_changed", "offline"),
        ("agent.status_changed", "online"),
    ]


async def test_nothing_is_placed_on_an_agent_whose_registration_is_still_being_written(hive: Hive) -> None:
    full = await hive.sidecar("birch")
    await hive.submit()
    await full.offered()
    task_id = await hive.submit()
    await hive.stored(task_id)
    connection, sidecar = await hive.database(), ScriptedSidecar(hive.bus, "acacia")
    hive.sidecars.append(sidecar)
    async with connection.transaction():
        await connection.execute("LOCK TABLE agents IN SHARE MODE")
        starting = asyncio.create_task(sidecar.start())
        async with asyncio.timeout(10):
            while not await hive.sql("SELECT FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.02)
        other = await hive.submit("One more, so that there is a turn")
        await hive.stored(other)
    await starting
    offer = await sidecar.offered()
    assert offer.task_id == task_id
    await sidecar.complete(offer)
    assert len((await hive.ended(task_id)).attempts) == 1
