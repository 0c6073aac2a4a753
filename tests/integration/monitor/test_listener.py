"""The FastStream handlers and the recount on a real server, within this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus import subjects
from bus.client import Received
from bus.codec import encode
from bus.messages import AgentEvent, AgentStatus, ClusterPerformance, EventType, TaskStatus
from bus.nats_bus import NatsBus
from monitor.ends import TASK_ENDS
from monitor.history import recount
from monitor.ingest import Ledger
from monitor.listener import listener, start, stop
from monitor.meters import Heard
from tests.integration.monitor.parts import agent, publish, publish_poison, wait_until
from tests.parts.nats import NatsServer
from tests.unit.monitor.events import NOON, agent_event, metrics, task_event


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(NOON, fresh_seconds=30, remembered=1000)


@asynccontextmanager
async def listening(server: NatsServer, ledger: Ledger, after: int, heard: Heard | None = None) -> AsyncIterator[None]:
    broker = listener(server.settings(), ledger, {TASK_ENDS: after}, heard)
    await start(broker)
    try:
        yield
    finally:
        await stop(broker)


def now(ledger: Ledger) -> ClusterPerformance:
    return ledger.performance(0)


async def test_a_recount_finds_every_end_and_says_where_it_stopped(nats_bus: NatsBus, ledger: Ledger) -> None:
    assert await recount(nats_bus, ledger) == 0
    for _ in range(3):
        last = await publish(nats_bus, task_event())
    await publish(nats_bus, task_event(TaskStatus.QUEUED))
    assert await recount(nats_bus, ledger) == last
    assert now(ledger).completed == 3


async def test_what_was_recounted_is_not_listened_to_again(nats_bus: NatsBus, nats_server: NatsServer, ledger: Ledger) -> None:
    await publish(nats_bus, task_event())
    position = await recount(nats_bus, ledger)
    await publish(nats_bus, task_event(TaskStatus.FAILED))
    async with listening(nats_server, ledger, position):
        await wait_until(lambda: now(ledger).failed == 1)
        assert now(ledger).completed == 1


async def test_an_event_that_was_published_twice_counts_once(
    nats_bus: NatsBus, nats_server: NatsServer, ledger: Ledger
) -> None:
    event, heard = task_event(), list[str]()
    async with listening(nats_server, ledger, 0, lambda told: heard.append(told.id)):
        first = await publish(nats_bus, event)
        assert await publish(nats_bus, event, message_id="after the window of the server's own deduplication") > first
        last = task_event(TaskStatus.CANCELLED)
        await publish(nats_bus, last)
        await wait_until(lambda: now(ledger).cancelled == 1)
        assert now(ledger).completed == 1
        await wait_until(lambda: last.id in heard)
        assert heard == [event.id, last.id]


async def test_what_cannot_be_understood_holds_nothing_up(nats_bus: NatsBus, nats_server: NatsServer, ledger: Ledger) -> None:
    async with listening(nats_server, ledger, 0):
        await publish_poison(nats_bus)
        await publish(nats_bus, task_event())
        await wait_until(lambda: now(ledger).completed == 1)


async def test_a_restart_of_the_server_counts_nothing_twice(own_nats_server: NatsServer) -> None:
    forgetful = Ledger(NOON, fresh_seconds=30, remembered=0)
    bus = await own_nats_server.connect()
    for _ in range(5):
        await publish(bus, task_event())
    position = await recount(bus, forgetful)
    async with listening(own_nats_server, forgetful, position):
        own_nats_server.kill()
        own_nats_server.start()
        await publish(bus, task_event(TaskStatus.FAILED))
        await wait_until(lambda: now(forgetful).failed == 1)
        assert now(forgetful).completed == 5
    await bus.close()


async def publish_agent(bus: NatsBus, event: AgentEvent) -> None:
    subject = subjects.event(subjects.DEFAULT_TENANT, event.type, event.data.agent_id)
    await bus.publish_durable(subject, event, message_id=event.id)


async def test_agents_are_met_and_missed(nats_bus: NatsBus, nats_server: NatsServer, ledger: Ledger) -> None:
    async with listening(nats_server, ledger, 0):
        await publish_agent(nats_bus, agent_event("acacia", AgentStatus.ONLINE, EventType.AGENT_REGISTERED))
        await wait_until(lambda: [a.agent_id for a in now(ledger).agents] == ["acacia"])
        ledger.measure(metrics("acacia", cpu_usage=1), 0)
        await publish_agent(nats_bus, agent_event("acacia", AgentStatus.OFFLINE))
        await wait_until(lambda: agent(now(ledger), "acacia").metrics is None)


async def test_only_the_stream_answers_who_published_an_event(
    nats_bus: NatsBus, nats_server: NatsServer, ledger: Ledger
) -> None:
    replies: list[bytes] = []

    async def collect(received: Received) -> None:
        replies.append(received.data)

    await nats_bus.subscribe("test.acks", collect)
    async with listening(nats_server, ledger, 0):
        event = agent_event("acacia", AgentStatus.ONLINE)
        subject = subjects.event(subjects.DEFAULT_TENANT, event.type, "acacia")
        await nats_bus.client.publish(subject, encode(event), reply="test.acks")
        await wait_until(lambda: bool(now(ledger).agents))
    await nats_bus.flush()
    await wait_until(lambda: bool(replies))
    assert [b'"stream"' in reply for reply in replies] == [True]
