"""The bus as a cluster of three servers, one of which is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from nats.js.api import PersistMode
from pydantic import SecretStr
from structlog.testing import capture_logs

from bus import streams, subjects
from bus.client import Reader
from bus.errors import BusUnavailable
from bus.messages import TaskClass
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.nats_streams import declare, declared
from bus.permissions import host_user
from bus.settings import HiveSettings
from tests.parts.hosts import JoinedHost, admitting, know
from tests.parts.nats_cluster import NatsCluster

pytestmark = pytest.mark.slow

ON_ONE = {subjects.OUTPUT, subjects.METRICS}
BEFORE, AFTER = 40, 40
DECLARED_SECONDS = 30
OFFLINE_SECONDS = 40


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    found = NatsCluster(tmp_path)
    try:
        await found.come_up()
        yield found
    finally:
        found.kill()


@pytest.fixture
async def bus(cluster: NatsCluster) -> AsyncIterator[NatsBus]:
    found = await cluster.connect()
    yield found
    await found.close()


async def reader_of_tasks(bus: NatsBus) -> Reader:
    """As whoever reads does: asks again while the servers elect who makes consumers, which the one that was killed may have been."""
    while True:
        with suppress(BusUnavailable):
            return await bus.read(subjects.TASKS, subjects.submits_of(TaskClass.MEDIUM))


async def test_promises_are_on_three_servers_and_outlive_the_one_that_led(cluster: NatsCluster, bus: NatsBus) -> None:
    places = [(server.hostname, server.port) for server in bus.client.servers]
    assert len(places) == len(set(places)) == 3, "one that is gone is not tried twice"
    js = bus.client.jetstream()
    configs = {str(each.name): (await js.stream_info(str(each.name))).config for each in (*streams.STREAMS, *streams.BUCKETS)}
    assert {name for name, config in configs.items() if config.num_replicas == 1} == ON_ONE
    assert {name for name, config in configs.items() if config.persist_mode == PersistMode.ASYNC} == ON_ONE

    acknowledged = {await put(bus) for _ in range(BEFORE)}
    leader = (await js.stream_info(subjects.TASKS)).cluster
    assert leader is not None
    cluster.servers[str(leader.leader)].kill()
    acknowledged |= {await put(bus) for _ in range(AFTER)}
    stored: list[str] = []
    async with asyncio.timeout(20):
        reader = await reader_of_tasks(bus)
        while len(stored) < len(acknowledged):
            stored += [message.subject for message in await reader.batch(100)]
    await reader.close()
    assert len(acknowledged) == BEFORE + AFTER
    assert set(stored) == acknowledged
    assert len(stored) == len(acknowledged), "one was stored twice"
    last = await bus.last(subjects.TASKS, stored[-1])
    assert last is not None
    assert last.subject == stored[-1]


async def test_two_coordinators_that_begin_at_once_make_the_streams_within_seconds(cluster: NatsCluster) -> None:
    """Of two that ask for a stream at once the cluster may answer neither."""
    both = [await NatsBus.connect(HiveSettings(nats_url=cluster.url_of("coordinator")), "test", timeout=20) for _ in range(2)]
    async with asyncio.timeout(DECLARED_SECONDS):
        await asyncio.gather(*(declare(each) for each in both))
    for each in both:
        await each.close()


async def test_services_start_while_the_one_server_that_keeps_the_output_is_away(cluster: NatsCluster, bus: NatsBus) -> None:
    kept = (await bus.client.jetstream().stream_info(subjects.OUTPUT)).cluster
    assert kept is not None
    cluster.servers[str(kept.leader)].kill()
    other = next(member for member in cluster.members if member.name != kept.leader)
    later = await NatsBus.connect(HiveSettings(nats_url=SecretStr(other.url_of("coordinator"))), "test", timeout=20)
    with capture_logs() as told:
        async with asyncio.timeout(OFFLINE_SECONDS):
            await declared(later)
            await declare(later)
    assert {line["stream"] for line in told if line["event"] == "stream_offline"} >= {subjects.OUTPUT}
    await later.close()


async def test_streams_of_one_server_that_were_restored_here_get_their_copies(bus: NatsBus) -> None:
    js = bus.client.jetstream()
    alone = {str(each.name): each for each in streams.STREAMS}
    for name in (subjects.TASKS, subjects.PROGRESS):
        await js.delete_stream(name)
        await js.add_stream(alone[name])
    await declare(bus)
    assert (await js.stream_info(subjects.TASKS)).config.num_replicas == streams.REPLICAS
    assert (await js.stream_info(subjects.PROGRESS)).config.num_replicas == 1, "what is async cannot be copied"


async def test_a_client_that_knows_one_server_finds_the_others_with_its_password(cluster: NatsCluster) -> None:
    url = cluster.url.split(",")[0]
    bus = await NatsBus.connect(HiveSettings(nats_url=SecretStr(url)), "test", timeout=10)
    await declare(bus)
    cluster.servers["nats-1"].kill()
    async with asyncio.timeout(20):
        assert await put(bus)
    await bus.close()


async def test_a_host_that_is_cut_off_is_out_at_once_on_whichever_server_it_is(cluster: NatsCluster, bus: NatsBus) -> None:
    walnut, oak = JoinedHost("walnut"), JoinedHost("oak")
    await know(bus, walnut, oak)
    first, second, _ = cluster.members
    admits, coordinator = await admitting(first)
    gone, stays = [await host.connect(second) for host in (walnut, oak)]
    places = [each.client.connected_url for each in (coordinator, gone, stays)]
    assert [place.port for place in places if place is not None] == [first.port, second.port, second.port]

    await coordinator.delete(subjects.KV_HOSTS, walnut.key)
    assert await end_connections(coordinator, host_user("walnut")) >= 1
    async with asyncio.timeout(10):
        while gone.connected:
            await asyncio.sleep(0.01)
    before = refusals(cluster)
    async with asyncio.timeout(20):
        while refusals(cluster) < before + len(cluster.members):  # it tries them all, and goes on
            await asyncio.sleep(0.02)
    assert not gone.connected
    assert (stays.connected, stays.connections) == (True, 1)
    for each in (gone, stays):
        await each.close()
    await admits.close()
    await coordinator.close()


def refusals(cluster: NatsCluster) -> int:
    return sum(server.log.read_text().count("authentication error") for server in cluster.servers.values())


async def put(bus: NatsBus) -> str:
    """One promise, asked for until it is made; its subject."""
    task_id = uuid4()
    subject = subjects.submit("default", TaskClass.MEDIUM, task_id)
    while True:
        try:
            await bus.publish_durable(subject, b"{}", message_id=str(task_id))
            return subject
        except BusUnavailable:
            continue
