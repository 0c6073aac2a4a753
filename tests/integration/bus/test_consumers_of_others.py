"""Attacks on consumers of others at a real server: changed, drained, paused or deleted, they would pass over what was acknowledged."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.js.api import ConsumerInfo

from bus import permissions, subjects
from bus.messages import TaskClass
from bus.nats_bus import NatsBus
from bus.nats_durable import DurableReader
from bus.nats_reader import NatsReader
from bus.permissions import ROOMS, host_user
from bus.settings import HiveSettings
from tests.parts.hosts import JoinedHost, admitting, know
from tests.parts.nats import NatsServer, violations

WALNUT = JoinedHost("walnut")
OTHERS = [*sorted(ROOMS.keys() - {permissions.COORDINATOR}), host_user(WALNUT.name)]
WATCHED = (subjects.KV_KEYS, subjects.KV_AGENTS, subjects.KV_PLACEMENT)
"""Each attacker but the host reads one of them too."""

NARROWER: dict[str, Any] = {"filter_subject": "hive.nothing", "ack_policy": "none"}
VERBS: dict[str, dict[str, Any]] = {
    "DELETE": {},
    "PAUSE": {"pause_until": "2099-01-01T00:00:00Z"},
    "RESET": {"seq": 1},
    "UNPIN": {"group": "g"},
    "LEADER.STEPDOWN": {},
    "INFO": {},
    "MSG.NEXT": {"batch": 100, "no_wait": True},
}


def attacks(stream: str, consumer: str) -> dict[str, dict[str, Any]]:
    """Subjects behind `$JS.API.CONSUMER.`, with what is sent there."""
    changed = {"stream_name": stream, "config": {**NARROWER, "name": consumer}}
    durable = {"stream_name": stream, "config": {**NARROWER, "durable_name": consumer}}
    return {
        **{f"{verb}.{stream}.{consumer}": body for verb, body in VERBS.items()},
        f"CREATE.{stream}.{consumer}": changed,
        f"CREATE.{stream}.{consumer}.hive.nothing": changed,
        f"DURABLE.CREATE.{stream}.{consumer}": durable,
        f"NAMES.{stream}": {},
        f"LIST.{stream}": {},
    }


async def connected(server: NatsServer, service: str) -> NatsBus:
    if service == host_user(WALNUT.name):
        return await WALNUT.connect(server)
    return await NatsBus.connect(HiveSettings(nats_url=server.url_of(service)), service, timeout=10)


class Victims:
    """The coordinator's reader of tasks and its watches of buckets, and the monitor's durable consumer of metrics."""

    def __init__(self, operator: NatsBus, names: dict[str, str], reader: NatsReader, sink: DurableReader) -> None:
        self._js, self._names, self.reader, self.sink = operator.client.jetstream(), names, reader, sink

    async def found(self) -> dict[str, ConsumerInfo]:
        """By stream."""
        return {stream: await self._js.consumer_info(stream, name) for stream, name in self._names.items()}


async def names_of(operator: NatsBus, stream: str) -> set[str]:
    return {info.name for info in await operator.client.jetstream().consumers_info(stream)}


@pytest.fixture
async def victims(nats_server: NatsServer, nats_bus: NatsBus) -> AsyncIterator[Victims]:
    await know(nats_bus, WALNUT)
    admits, coordinator = await admitting(nats_server)
    monitor = await connected(nats_server, permissions.MONITOR)

    async def look(_key: str, _value: bytes | None) -> None:
        pass

    streams = (subjects.TASKS, *(f"KV_{bucket}" for bucket in WATCHED), subjects.METRICS)
    there = {stream: await names_of(nats_bus, stream) for stream in streams}
    reader = await coordinator.read(subjects.TASKS, subjects.submits_of(TaskClass.HIGH))
    watches = [await coordinator.watch(bucket, look) for bucket in WATCHED]
    sink = await DurableReader.open(
        monitor, subjects.METRICS, subjects.ALL_METRICS, subjects.INFLUX_SINK, most_unacknowledged=10, ack_seconds=30
    )
    names = {stream: (await names_of(nats_bus, stream) - before).pop() for stream, before in there.items()}
    yield Victims(nats_bus, names, reader, sink)
    for each in (reader, *watches, sink, admits, coordinator, monitor):
        await each.close()
    for stream, name in names.items():
        await nats_bus.client.jetstream().delete_consumer(stream, name)


@pytest.mark.parametrize("attacker", OTHERS)
async def test_nobody_touches_a_consumer_of_another(
    nats_server: NatsServer, nats_bus: NatsBus, victims: Victims, attacker: str
) -> None:
    """Whoever attacks knows the names, which nobody tells."""
    before = await victims.found()
    await nats_bus.publish_durable(subjects.metrics("oak"), b"first", message_id=f"first {attacker}")
    bus, tried = await connected(nats_server, attacker), list[str]()
    for stream, info in before.items():
        if (attacker, stream) == (permissions.MONITOR, subjects.METRICS):
            continue  # its own
        wishes = attacks(stream, info.name)
        if not stream.startswith(
            "KV_"
        ):  # those of whom one alone may make consumers, so that a name in the body changes nothing either
            wishes[f"CREATE.{stream}"] = {"stream_name": stream, "config": {**NARROWER, "name": info.name}}
        for wish, body in wishes.items():
            tried.append(f"$JS.API.CONSUMER.{wish}")
            await bus.client.publish(tried[-1], json.dumps(body).encode() if body else b"", reply=bus.client.new_inbox())
        tried.append(f"$JS.ACK.{stream}.{info.name}.1.1.1.1795839411530938757.0")
        await bus.client.publish(tried[-1], b"+ACK")
    await bus.flush()
    await bus.close()
    refused = "\n".join(violations((nats_server.folder / "nats.log").read_text(), attacker))
    nats_server.newly_refused()  # what was tried on purpose is no fault of the tests that come next
    assert [subject for subject in tried if f'"{subject}"' not in refused] == []
    after = await victims.found()
    assert {stream: (info.name, info.config) for stream, info in after.items()} == {
        stream: (info.name, info.config) for stream, info in before.items()
    }
    assert not any(info.pause_remaining for info in after.values())
    await nats_bus.publish_durable(subjects.submit("default", TaskClass.HIGH, "t"), b"work", message_id=f"work {attacker}")
    assert [received.data for received in await victims.reader.batch(10)] == [b"work"]
    assert [received.data for received in await victims.sink.batch(10, 5)] == [b"first"]
    await victims.sink.done()
    async with asyncio.timeout(5):
        while await victims.sink.waiting():  # an acknowledgement is not answered
            await asyncio.sleep(0.01)


async def test_whoever_reads_a_stream_reads_it_by_a_name_that_the_server_makes_up(
    nats_server: NatsServer, nats_bus: NatsBus
) -> None:
    """As all rooms do. Nobody can guess it: eight letters and digits by chance."""
    gateway = await connected(nats_server, permissions.GATEWAY)
    readers = [await gateway.read(subjects.OUTPUT, subjects.ALL_OUTPUT) for _ in range(2)]
    named = await names_of(nats_bus, subjects.OUTPUT)
    assert len(named) >= 2
    assert all(len(name) == 8 and name.isalnum() for name in named)
    for each in (*readers, gateway):
        await each.close()
