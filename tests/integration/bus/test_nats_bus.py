"""What NatsBus does beside the contract that all buses keep."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from nats.js.api import StreamConfig

from bus import subjects, together
from bus.client import Received, Stored
from bus.errors import BusUnavailable, StoreFull
from bus.messages import TaskClass
from bus.nats_bus import NatsBus
from bus.nats_durable import DurableReader
from bus.nats_keys import NatsKeys
from bus.streams import STREAMS
from bus.together import end
from tests.parts.nats import NatsServer


async def test_who_leaves_a_flush_early_does_not_make_the_connection_deaf(nats_bus: NatsBus) -> None:
    """Such as a browser that closes while its door waits."""
    for turns in range(1, 8):
        leaving = asyncio.create_task(nats_bus.flush())
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
    async with asyncio.timeout(10):
        await nats_bus.flush()
        assert (await nats_bus.stream_state(subjects.TASKS)).last_sequence >= 0


async def test_who_leaves_a_subscribing_early_leaves_nothing_behind(own_nats_server: NatsServer) -> None:
    """It never waits, so there is no moment at which it is subscribed and nobody holds it."""
    bus = await own_nats_server.connect()

    async def ignore(message: Received) -> None:
        del message

    subscribing = bus.subscribe("test.left", ignore)
    with pytest.raises(StopIteration) as subscribed:
        subscribing.send(None)
    await bus.flush()
    await subscribed.value.value.close()
    await bus.close()


async def test_who_leaves_a_watch_early_leaves_nothing_behind(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    await bus.put(subjects.KV_AGENTS, "one", b"1")
    tasks, heard = asyncio.all_tasks(), asyncio.Event()

    async def take(key: str, value: bytes | None) -> None:
        del key, value
        heard.set()
        await asyncio.Event().wait()

    watching = asyncio.create_task(bus.watch(subjects.KV_AGENTS, take))
    async with asyncio.timeout(10):
        await heard.wait()
    await end([watching])
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - tasks:
            await asyncio.sleep(0)
    await bus.close()


async def test_a_closed_watch_ends_however_its_handler_takes_it(
    own_nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "AGAIN_SECONDS", 0.01)
    bus = await own_nats_server.connect()
    heard, shown = list[str](), asyncio.Event()

    async def take(key: str, value: bytes | None) -> None:
        del value
        heard.append(key)
        shown.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    watch = await bus.watch(subjects.KV_AGENTS, take)
    await bus.put(subjects.KV_AGENTS, "one", b"1")
    async with asyncio.timeout(10):
        await shown.wait()
        tasks = len(asyncio.all_tasks())
        await watch.close()
    assert len(asyncio.all_tasks()) < tasks
    assert heard == ["one"]
    await bus.close()


async def test_a_reader_or_a_watch_of_what_does_not_exist_fails_as_hive_does(nats_bus: NatsBus) -> None:
    with pytest.raises(BusUnavailable):
        await nats_bus.read("HIVE_NOWHERE", "hive.nowhere.>")
    with pytest.raises(BusUnavailable):
        await nats_bus.watch("hive_nowhere", lambda key, value: asyncio.sleep(0))


@pytest.mark.slow
async def test_asking_for_keys_leaves_the_server_nothing(nats_bus: NatsBus) -> None:
    await nats_bus.put(subjects.KV_AGENTS, "acacia", b"here")
    js = nats_bus.client.jetstream()
    for _ in range(20):
        assert await nats_bus.keys(subjects.KV_AGENTS) == ["acacia"]
    async with asyncio.timeout(20):  # the server forgets a consumer some seconds after nobody listens to it any more
        while (await js.stream_info(f"KV_{subjects.KV_AGENTS}")).state.consumer_count:
            await asyncio.sleep(0.1)


async def test_a_full_front_door_refuses_and_keeps_what_it_took(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    declared = next(config for config in STREAMS if config.name == subjects.TASKS)
    small = StreamConfig.from_response(declared.as_dict() | {"max_bytes": 20_000})
    await bus.client.jetstream().update_stream(small)
    first = subjects.submit("default", TaskClass.LOW, uuid4())
    await bus.publish_durable(first, b"x" * 1000, message_id="first")
    more = [subjects.submit("default", TaskClass.LOW, uuid4()) for _ in range(30)]
    told = await asyncio.gather(
        *(bus.publish_durable(subject, b"x" * 1000, message_id=subject) for subject in more), return_exceptions=True
    )
    assert {type(answer) for answer in told} == {Stored, StoreFull}
    assert await bus.last(subjects.TASKS, first) is not None
    await bus.close()


async def test_a_message_was_stored_at_one_time_whoever_reads_it(nats_bus: NatsBus) -> None:
    """By which databases that are filled by different readers have the same points."""
    for number in range(200):
        await nats_bus.publish(subjects.metrics(f"host-{number}"), b"{}")
    await nats_bus.flush()
    durable = await DurableReader.open(
        *(nats_bus, subjects.METRICS, subjects.ALL_METRICS, "twice"), most_unacknowledged=1000, ack_seconds=5
    )
    reader = await nats_bus.read(subjects.METRICS, subjects.ALL_METRICS)
    one, other = list[Received](), list[Received]()
    async with asyncio.timeout(10):
        while len(one) < 200:
            one += await reader.batch(200)
        while len(other) < 200:
            other += await durable.batch(200, 1)
    assert [(each.subject, each.stored_at) for each in one] == [(each.subject, each.stored_at) for each in other]
    await reader.close()
    await durable.close()


async def test_what_is_not_answered_directly_is_asked_for_otherwise_the_next_time(nats_bus: NatsBus) -> None:
    """As by way of a leaf of a cluster, where nobody says that nobody answers."""
    js = nats_bus.client.jetstream(timeout=0.2)
    await js.add_stream(name="KV_quiet", subjects=["$KV.quiet.>"])
    silent = await nats_bus.client.subscribe("$JS.API.DIRECT.GET.KV_quiet.>")
    keys = NatsKeys(js)
    await keys.put("quiet", "key", b"value")
    with pytest.raises(BusUnavailable):
        await keys.get("quiet", "key")
    assert await keys.get("quiet", "key") == b"value"
    await silent.unsubscribe()
    await js.delete_stream("KV_quiet")
