"""A sidecar behind a leaf comes in by its own key and has its own subjects, as one that reaches the hive's bus itself, and is missed and put
out as soon.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import BusUnavailable
from bus.messages import NoReply
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import host_user
from tests.parts.hosts import JoinedHost, admitting, know, log_of
from tests.parts.leaf import Hub, Leaf

WALNUT, OAK = JoinedHost("walnut"), JoinedHost("oak")
NOTICED_SECONDS = 1.0
"""Two are promised from the end of a sidecar to its work's new beginning, and one of these is grace."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Hub, Leaf]]:
    hub = Hub(tmp_path / "hub")
    leaf = Leaf(tmp_path / "leaf", hub)
    try:
        hub.start()
        leaf.start()
        yield hub, leaf
    finally:
        for server in (leaf, hub):
            if server.process is not None:
                server.kill()


@pytest.fixture
async def operator(site: tuple[Hub, Leaf]) -> AsyncIterator[NatsBus]:
    found = await site[0].connect()
    await know(found, WALNUT, OAK)
    yield found
    await found.close()


@pytest.fixture
async def coordinator(site: tuple[Hub, Leaf], operator: NatsBus) -> AsyncIterator[NatsBus]:
    """It lets hosts in."""
    admits, found = await admitting(site[0])
    yield found
    await admits.close()
    await found.close()


async def listening(bus: NatsBus, subject: str) -> asyncio.Queue[Received]:
    heard: asyncio.Queue[Received] = asyncio.Queue()

    async def take(received: Received) -> None:
        heard.put_nowait(received)

    await bus.subscribe(subject, take)
    await bus.flush()
    return heard


async def test_a_host_behind_a_leaf_has_its_own_identity(
    site: tuple[Hub, Leaf], operator: NatsBus, coordinator: NatsBus
) -> None:
    leaf, heard = site[1], await listening(operator, subjects.ALL_HEARTBEATS)
    walnut = await WALNUT.connect(leaf, timeout=20)

    async def obey(_received: Received) -> NoReply:
        return NoReply()

    await walnut.answer(subjects.control("walnut"), obey)
    await walnut.publish(subjects.heartbeat("oak"), b"{}")
    await walnut.publish(subjects.heartbeat("walnut"), b"{}")
    assert (await asyncio.wait_for(heard.get(), 10)).subject == subjects.heartbeat("walnut")
    await operator.request(subjects.control("walnut"), NoReply(), NoReply, timeout=10)
    outcome = subjects.outcome("walnut", "t", "a")
    assert (await walnut.publish_durable(outcome, b"{}", message_id="walnuts", timeout=10)).sequence == 1
    assert 'Publish Violation - Subject "hive.agents.oak.heartbeat"' in log_of(leaf)
    with pytest.raises(BusUnavailable, match="does not let this host in"):
        await JoinedHost("walnut").connect(leaf, timeout=1)
    await walnut.close()


async def test_the_hive_is_told_at_once_who_left_a_leaf(site: tuple[Hub, Leaf], coordinator: NatsBus) -> None:
    heard = await listening(coordinator, subjects.SITES_DISCONNECTED)
    walnut = await WALNUT.connect(site[1], timeout=20, instance="i7")
    began = monotonic()
    await walnut.close()
    notice = json.loads((await asyncio.wait_for(heard.get(), NOTICED_SECONDS)).data)
    print(f"told in {monotonic() - began:.4f} s")
    assert subjects.parse_sidecar_connection(notice["client"]["name"]) == "i7"


@pytest.mark.parametrize(
    "subject", [subjects.SITES_DISCONNECTED, subjects.SITES_CONNECTIONS, subjects.sites_kick("x"), "$SYS.>"]
)
async def test_no_host_behind_a_leaf_says_or_hears_what_is_its_server_s(
    site: tuple[Hub, Leaf], operator: NatsBus, coordinator: NatsBus, subject: str
) -> None:
    heard = await listening(operator, subjects.SITES_DISCONNECTED)
    oak = await OAK.connect(site[1], timeout=20)
    await listening(oak, subject)
    await oak.publish(subject.replace(">", "x"), b"{}")
    await oak.flush()
    assert f'Publish Violation - Subject "{subject.replace(">", "x")}"' in log_of(site[1])
    assert f'Subscription Violation - Subject "{subject}"' in log_of(site[1])
    assert heard.empty()
    await oak.close()


async def test_a_host_that_is_removed_is_put_out_of_a_leaf_and_stays_out(site: tuple[Hub, Leaf], coordinator: NatsBus) -> None:
    leaf = site[1]
    walnut, oak = await WALNUT.connect(leaf, timeout=20), await OAK.connect(leaf, timeout=20)
    await coordinator.delete(subjects.KV_HOSTS, WALNUT.key)
    ending = asyncio.create_task(end_connections(coordinator, host_user("walnut")))
    began = monotonic()
    async with asyncio.timeout(20):
        while walnut.connected:
            await asyncio.sleep(0.005)
        print(f"cut off in {monotonic() - began:.3f} s")
        while log_of(leaf).count("authentication error") < 2:  # it goes on trying
            await asyncio.sleep(0.02)
    assert await ending >= 1
    assert not walnut.connected
    assert (oak.connected, oak.connections) == (True, 1)
    for bus in (walnut, oak):
        await bus.close()
