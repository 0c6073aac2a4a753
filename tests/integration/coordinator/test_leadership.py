"""One leads and the other stands ready: a takeover loses nothing, does nothing twice, and a deposed leader writes nothing."""

import asyncio
import json
from time import monotonic
from uuid import uuid4

import pytest
from pydantic import SecretStr

from bus import subjects
from bus.client import Received
from bus.errors import NoLeader
from bus.messages import AttemptStatus, ModelInfo, TaskChange, TaskEvent, TaskStatus
from coordinator.leading.facts import task_fact
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy
from tests.unit.coordinator.parts import NOON, task


async def epoch(hive: Hive) -> int:
    [row] = await hive.sql("SELECT epoch FROM leadership")
    return int(row["epoch"])


async def test_a_standby_takes_over_what_waits_and_what_runs_and_nothing_runs_twice(hive: Hive) -> None:
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    running, waiting = await hive.submit(), await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(running, TaskStatus.RUNNING)
    await hive.stored(waiting)
    before, first = await epoch(hive), (await hive.leading()).leader
    hive.start_coordinator()
    await hive.stop(leader)
    assert (await hive.leading()).leader != first
    assert await epoch(hive) == before + 1
    await sidecar.complete(offer)
    second = await sidecar.offered()
    # A leader that has not heard of it asks for the first once more: sidecars know that they have it.
    while second.attempt_id == offer.attempt_id:
        second = await sidecar.offered()
    assert (second.task_id, second.epoch) == (waiting, before + 1)
    await sidecar.complete(second)
    for task_id in (running, waiting):
        record = await hive.ended(task_id)
        assert (record.status, len(record.attempts)) == (TaskStatus.COMPLETED, 1)
    assert sidecar.offers.empty()


async def test_what_was_reported_and_submitted_while_nobody_led_is_taken_in_by_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    running = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(running, TaskStatus.RUNNING)
    await hive.stop(leader)
    await sidecar.complete(offer)
    waiting = await hive.submit()
    hive.start_coordinator()
    assert (await hive.ended(running)).status is TaskStatus.COMPLETED
    assert (await sidecar.offered()).task_id == waiting


async def test_attempts_of_an_instance_that_was_already_replaced_in_the_record_are_lost(hive: Hive) -> None:
    """The last leader stored who had started again, and died before it stored what that means."""
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await hive.stop(leader)
    await sidecar.stop_listening()
    sidecar.instance, sidecar.running = "restarted", set()
    await sidecar.listen()
    await hive.sql("""UPDATE agents SET registration = jsonb_set(registration, '{instance}', '"restarted"')""")
    hive.start_coordinator()
    await sidecar.complete(await sidecar.offered())
    record = await hive.ended(task_id)
    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.LOST, AttemptStatus.COMPLETED]


async def test_an_attempt_that_was_committed_and_never_offered_is_offered_by_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    sidecar.reply = lambda _offer: None
    task_id = await hive.submit()
    first = await sidecar.offered()
    await hive.stop(leader)
    while not sidecar.offers.empty():
        sidecar.offers.get_nowait()
    hive.start_coordinator()
    again = await sidecar.offered()
    assert (again.attempt_id, again.number) == (first.attempt_id, 1)
    await sidecar.complete(again)
    assert len((await hive.ended(task_id)).attempts) == 1


async def test_a_new_leader_hears_everybody_before_it_places(hive: Hive) -> None:
    """It knows of the cold agent by its attempt, and of the warm one only by the heartbeat that is still to come."""
    [leader] = hive.coordinators
    cold = await hive.sidecar("acacia", slots=2, models=(ModelInfo(name="smollm2:135m"),))
    await hive.submit()
    await cold.offered()
    warm = await hive.sidecar("birch")
    await hive.stop(leader)
    task_id = await hive.submit()
    hive.start_coordinator()
    assert (await warm.offered()).task_id == task_id


async def test_a_sidecar_that_died_while_nobody_led_loses_its_work_to_another(hive: Hive) -> None:
    [leader] = hive.coordinators
    dying = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await dying.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await hive.stop(leader)
    await dying.vanish()
    hive.start_coordinator()
    other = await hive.sidecar("birch")
    offer = await other.offered()
    assert (offer.task_id, offer.number) == (task_id, 2)


async def test_a_cancelled_attempt_that_goes_on_is_cancelled_by_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await sidecar.stop_listening()
    await hive.call("cancel", task_id)
    await hive.stop(leader)
    await sidecar.listen()
    hive.start_coordinator()
    assert (await sidecar.controlled()).attempt_id == offer.attempt_id


async def test_a_leader_whose_session_is_gone_steps_down_and_somebody_leads_again(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    before = await epoch(hive)
    await hive.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    async with asyncio.timeout(10):
        while await epoch(hive) == before:
            await asyncio.sleep(0.02)
    await sidecar.complete(offer)
    assert len((await hive.ended(task_id)).attempts) == 1


async def test_the_leader_s_verbs_are_answered_by_the_one_who_leads_and_by_no_other(hive: Hive) -> None:
    first, before = (await hive.leading()).leader, await epoch(hive)
    hive.start_coordinator()
    async with asyncio.timeout(10):
        while not await hive.sql("SELECT FROM pg_stat_activity WHERE application_name = 'hive: stands by'"):
            await asyncio.sleep(0.02)
    assert (await answering(hive), await epoch(hive)) == ({first}, before)
    await hive.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    async with asyncio.timeout(10):
        while await epoch(hive) == before:
            await asyncio.sleep(0.02)
        [row] = await hive.sql("SELECT instance FROM leadership")
        while await answering(hive) != {row["instance"]}:
            await asyncio.sleep(0.02)


async def answering(hive: Hive) -> set[str | None]:
    """Who answers to a verb of the leader; each time any one of those that would."""
    return {(await hive.leading()).leader for _ in range(20)}


async def test_a_leader_that_was_deposed_without_knowing_finds_its_write_refused(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await hive.leading()
    await hive.sql("UPDATE leadership SET epoch = epoch + 10")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    assert offer.epoch == await epoch(hive) == 12
    await sidecar.complete(offer)
    assert len((await hive.ended(task_id)).attempts) == 1


async def test_a_bus_that_lost_its_store_is_read_from_its_new_beginning(own_nats_server: NatsServer, database_url: str) -> None:
    bus = await own_nats_server.connect()
    hive = Hive(own_nats_server, bus, database_url)
    first = hive.start_coordinator()
    await hive.leading()
    await hive.stop(first)
    await hive.sql("UPDATE leadership SET positions = $1", json.dumps({"medium": 1000, "outcomes": 1000}))
    hive.start_coordinator()
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    await hive.close()
    await bus.close()


async def test_events_that_were_committed_and_never_sent_are_sent_by_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    await hive.leading()
    await hive.stop(leader)
    ended = task(id=uuid4(), attempts=1)
    heard: asyncio.Queue[TaskChange] = asyncio.Queue()

    async def read(received: Received) -> None:
        await heard.put(received.decode(TaskEvent).data)

    await hive.bus.subscribe(subjects.events("task.completed"), read)
    await hive.sql("INSERT INTO outbox (facts) VALUES ($1)", [task_fact(ended, TaskStatus.COMPLETED, NOON).to_row()])
    hive.start_coordinator()
    async with asyncio.timeout(10):
        assert (await heard.get()).task_id == ended.id
        while await hive.sql("SELECT FROM outbox"):
            await asyncio.sleep(0.02)


async def test_events_that_were_sent_and_not_noted_are_not_sent_again_though_the_bus_has_forgotten_their_ids(
    hive: Hive,
) -> None:
    [leader] = hive.coordinators
    await hive.leading()
    await hive.stop(leader)
    ended = task(id=uuid4(), attempts=1)
    fact = task_fact(ended, TaskStatus.COMPLETED, NOON)
    await hive.bus.publish_durable(fact.subject, fact.body.encode(), message_id="another, since its own is forgotten by now")
    await hive.sql("INSERT INTO outbox (facts, committed_at) VALUES ($1, now() - interval '2 minutes')", [fact.to_row()])
    hive.start_coordinator()
    async with asyncio.timeout(10):
        while await hive.sql("SELECT FROM outbox"):
            await asyncio.sleep(0.02)
    reader = await hive.bus.read(subjects.EVENTS, fact.subject)
    assert len(await reader.batch(10)) == 1
    await reader.close()


async def test_events_that_were_sent_are_not_kept(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)
    async with asyncio.timeout(10):
        while await hive.sql("SELECT FROM outbox"):
            await asyncio.sleep(0.02)
    found = await hive.bus.last(subjects.EVENTS, subjects.events("task.completed", entity_id=task_id))
    assert found is not None
    assert json.loads(found.data)["data"]["status"] == "completed"


async def test_a_backlog_is_loaded_in_order_by_the_next_leader(hive: Hive) -> None:
    [leader] = hive.coordinators
    low, medium, high = [await hive.submit(priority=priority) for priority in ("low", "medium", "high")]
    for task_id in (low, medium, high):
        await hive.stored(task_id)
    await hive.stop(leader)
    hive.start_coordinator()
    sidecar = await hive.sidecar("acacia")
    order = []
    for _ in range(3):
        offer = await sidecar.offered()
        order.append(offer.task_id)
        await sidecar.complete(offer)
    assert order == [high, medium, low]


async def test_who_asked_a_leader_that_stops_before_it_could_decide_is_told_at_once(hive: Hive) -> None:
    [leader] = hive.coordinators
    task_id = await hive.submit()
    await hive.stored(task_id)
    other = await hive.database()
    async with other.transaction():
        await other.execute("SELECT FROM leadership FOR UPDATE")  # no turn can be sealed meanwhile
        asked = asyncio.create_task(hive.call("cancel", task_id))
        await asyncio.wait({asked}, timeout=0.5)
        stopping, began = asyncio.create_task(hive.stop(leader)), monotonic()
        with pytest.raises(NoLeader):
            await asked
        assert monotonic() - began < 3
    await stopping


async def test_a_coordinator_that_is_stopped_while_it_waits_for_its_database_leaves_no_connection(
    idle_hive: Hive, nats_server: NatsServer
) -> None:
    line = Proxy.to_port(nats_server.port)
    await line.start()
    url = nats_server.url.replace(str(nats_server.port), str(line.port))
    starting = idle_hive.start_coordinator(
        nats_url=SecretStr(url), database_url=SecretStr("postgresql://hive@127.0.0.1:1/hive")
    )
    async with asyncio.timeout(5):
        while not line.connections:
            await asyncio.sleep(0.02)
        await idle_hive.stop(starting)
        while line.connections:
            await asyncio.sleep(0.02)
    await line.close()
