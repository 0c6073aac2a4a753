"""Attacks of a host that has joined: on others' words, on others' orders, on the system account, and after it was cut off. Each is
refused by the server, whose log says who tried what.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import BusUnavailable, DeadlineExceeded, NoLeader
from bus.messages import NoReply
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import host_user
from bus.settings import HiveSettings
from coordinator.agents.admitting import Admitting
from tests.parts.hosts import JoinedHost, admitting, know, log_of
from tests.parts.nats import NatsServer

WALNUT, OAK = JoinedHost("walnut", agents=("acacia",)), JoinedHost("oak")


@pytest.fixture
async def admits(nats_server: NatsServer, nats_bus: NatsBus) -> AsyncIterator[tuple[Admitting, NatsBus]]:
    await know(nats_bus, WALNUT, OAK)
    found = await admitting(nats_server)
    yield found
    await found[0].close()
    await found[1].close()


@pytest.fixture
async def walnut(nats_server: NatsServer, admits: object) -> AsyncIterator[NatsBus]:
    bus = await WALNUT.connect(nats_server)
    yield bus
    await bus.close()


async def heard(bus: NatsBus, subject: str, say: Callable[[], Awaitable[object]]) -> list[Received]:
    """What the operator hears on a subject while somebody says something."""
    found: list[Received] = []

    async def take(received: Received) -> None:
        found.append(received)

    listening = await bus.subscribe(subject, take)
    await bus.flush()
    await say()
    await bus.flush()
    await bus.request_raw("hive.echo", b"", patient=False, timeout=2)  # behind all that was said
    await listening.close()
    return found


async def logged(server: NatsServer, *words: str) -> None:
    async with asyncio.timeout(10):
        while not any(all(word in line for word in words) for line in log_of(server).splitlines()):
            await asyncio.sleep(0.02)


async def echo(bus: NatsBus) -> None:
    async def answer(_received: Received) -> NoReply:
        return NoReply()

    await bus.answer("hive.echo", answer)
    await bus.flush()


@pytest.mark.parametrize(
    "subject",
    [
        *(
            subjects.heartbeat("oak"),
            subjects.metrics("oak"),
            subjects.outcome("oak", "t", "a"),
            subjects.output("oak", "t", "a"),
        ),
        *(
            # The key is another in each process of the tests, so it is none of the test's name.
            pytest.param(subjects.key_of(subjects.KV_HOSTS, OAK.key), id="a host's key"),
            "hive.agents.walnut.control",
            "_INBOX.coordinator.x",
            subjects.kick("x"),
        ),
    ],
)
async def test_it_does_not_speak_as_another(nats_server: NatsServer, nats_bus: NatsBus, walnut: NatsBus, subject: str) -> None:
    await echo(nats_bus)

    async def say() -> None:
        await walnut.publish(subject, b"{}")
        await walnut.flush()

    assert await heard(nats_bus, subject, say) == []
    await logged(nats_server, "user:host.walnut", "Publish Violation", f'"{subject}"')


async def test_it_speaks_for_its_own_agents(nats_bus: NatsBus, walnut: NatsBus) -> None:
    await echo(nats_bus)

    async def say() -> None:
        for agent in ("walnut", "acacia"):
            await walnut.publish(subjects.heartbeat(agent), b"{}")
        await walnut.flush()

    said = await heard(nats_bus, subjects.ALL_HEARTBEATS, say)
    assert [received.subject for received in said] == [subjects.heartbeat("walnut"), subjects.heartbeat("acacia")]
    outcome = subjects.outcome("walnut", "t", "a")
    assert (
        await walnut.publish_durable(outcome, b"{}", message_id="walnuts")
    ).sequence  # the store's acknowledgement reaches it


@pytest.mark.parametrize("subject", [">", "hive.>", subjects.dispatch("oak", "i1"), "_INBOX.>", subjects.ADMISSIONS, "$SYS.>"])
async def test_it_does_not_hear_what_is_not_for_it(
    nats_server: NatsServer, nats_bus: NatsBus, walnut: NatsBus, subject: str
) -> None:
    found: list[Received] = []

    async def take(received: Received) -> None:
        found.append(received)

    await walnut.subscribe(subject, take)
    await logged(nats_server, "user:host.walnut", "Subscription Violation", f'"{subject}"')
    await nats_bus.publish(subjects.dispatch("oak", "i1"), b"secret")
    await nats_bus.flush()
    await walnut.flush()
    assert found == []


async def test_it_answers_its_orders_once_and_makes_no_consumer(
    nats_server: NatsServer, nats_bus: NatsBus, walnut: NatsBus
) -> None:
    async def obey(_received: Received) -> NoReply:
        return NoReply()

    await walnut.answer(subjects.control("walnut"), obey)
    await walnut.flush()
    await nats_bus.request(subjects.control("walnut"), NoReply(), NoReply)
    await nats_bus.put(subjects.KV_PLACEMENT, subjects.WISH_KEY, b"{}")
    assert await walnut.get(subjects.KV_PLACEMENT, subjects.WISH_KEY) == b"{}"
    consumer = f"$JS.API.CONSUMER.CREATE.KV_{subjects.KV_PLACEMENT}"
    other = f"$JS.API.DIRECT.GET.KV_{subjects.KV_PLACEMENT}.{subjects.key_of(subjects.KV_PLACEMENT, subjects.STATE_KEY)}"
    for subject in (consumer, other):
        with pytest.raises((DeadlineExceeded, NoLeader)):
            await walnut.request_raw(subject, b"{}", timeout=0.3)
        await logged(nats_server, "user:host.walnut", "Publish Violation", f'"{subject}"')


async def test_a_host_is_let_in_by_the_key_it_joined_with_and_by_no_other(
    nats_server: NatsServer, nats_bus: NatsBus, admits: object
) -> None:
    thief = JoinedHost("walnut")  # the name, and another key
    with pytest.raises(BusUnavailable, match="does not let this host in"):
        await thief.connect(nats_server, timeout=0.8)
    await logged(nats_server, "authentication error", thief.key)
    with pytest.raises(BusUnavailable, match="does not take the user"):
        await NatsBus.connect(HiveSettings(nats_url=nats_server.bare_url), "nobody", timeout=0.8)
    for user, password in (("sys", "guessed"), ("hive", ""), ("coordinator", "guessed")):
        url = nats_server.bare_url.replace("//", f"//{user}:{password}@")
        with pytest.raises(BusUnavailable):
            await NatsBus.connect(HiveSettings(nats_url=url), "nobody", timeout=0.5)


async def test_one_that_is_cut_off_is_out_at_once_and_does_not_come_back(
    nats_server: NatsServer, nats_bus: NatsBus, walnut: NatsBus, admits: tuple[Admitting, NatsBus]
) -> None:
    oak = await OAK.connect(nats_server)
    _, coordinator = admits
    await coordinator.delete(subjects.KV_HOSTS, WALNUT.key)
    began = monotonic()
    assert await end_connections(coordinator, host_user("walnut")) >= 1
    print(f"cut off in {monotonic() - began:.3f} s, with the look whether it is back")
    async with asyncio.timeout(10):
        while walnut.connected:
            await asyncio.sleep(0.01)
    refused = log_of(nats_server).count("authentication error")
    async with asyncio.timeout(20):
        while log_of(nats_server).count("authentication error") < refused + 2:  # it goes on trying
            await asyncio.sleep(0.02)
    assert not walnut.connected
    assert oak.connected
    assert oak.connections == 1
    await oak.close()


@pytest.mark.slow
async def test_without_a_coordinator_who_is_in_stays_and_who_comes_waits(nats_server: NatsServer, nats_bus: NatsBus) -> None:
    await know(nats_bus, WALNUT, OAK)
    admits, coordinator = await admitting(nats_server)
    walnut = await WALNUT.connect(nats_server)
    await admits.close()
    await coordinator.close()
    coming = asyncio.create_task(OAK.connect(nats_server, timeout=40))
    await asyncio.wait({coming}, timeout=2.5)
    assert not coming.done()
    await walnut.publish(subjects.heartbeat("walnut"), b"{}")
    await walnut.flush()
    admits, coordinator = await admitting(nats_server)
    oak = await coming
    for each in (oak, walnut, coordinator):
        await each.close()
