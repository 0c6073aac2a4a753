"""A sidecar behind a leaf comes in by its own key and has its own subjects, as one that reaches the hive's bus itself, and is missed and put
out as soon.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
import pytest

from bus import subjects
from bus.client import Received
from bus.errors import BusUnavailable
from bus.messages import NoReply
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import host_user
from bus.together import end
from deploy.local.certificates import own
from deploy.local.data_folder import DataFolder
from deploy.local.nats import Nats
from deploy.local.ports import free_port
from tests.integration.bus.conftest import OAK, WALNUT, listening
from tests.parts.hosts import JoinedHost, log_of
from tests.parts.leaf import Leaf
from tests.parts.nats import SYS_PASSWORD
from tests.parts.server import Server

NOTICED_SECONDS = 1.0
"""Two are promised from the end of a sidecar to its work's new beginning, and one of these is grace."""


async def test_a_host_behind_a_leaf_has_its_own_identity(leaf: Leaf, operator: NatsBus, coordinator: NatsBus) -> None:
    heard = await listening(operator, subjects.ALL_HEARTBEATS)
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
    await operator.put(subjects.KV_PLACEMENT, subjects.WISH_KEY, b"{}")
    assert await walnut.get(subjects.KV_PLACEMENT, subjects.WISH_KEY) == b"{}"
    with pytest.raises(BusUnavailable, match="does not let this host in"):
        await JoinedHost("walnut").connect(leaf, timeout=3)
    await walnut.close()


async def test_the_hive_is_told_at_once_who_left_a_leaf(leaf: Leaf, coordinator: NatsBus) -> None:
    heard = await listening(coordinator, subjects.SITES_DISCONNECTED)
    walnut = await WALNUT.connect(leaf, timeout=20, instance="i7")
    began = monotonic()
    await walnut.close()
    notice = json.loads((await asyncio.wait_for(heard.get(), NOTICED_SECONDS)).data)
    print(f"told in {monotonic() - began:.4f} s")
    assert subjects.parse_sidecar_connection(notice["client"]["name"]) == "i7"


async def test_no_host_behind_a_leaf_says_or_hears_what_is_its_server_s(
    leaf: Leaf, operator: NatsBus, coordinator: NatsBus
) -> None:
    heard, oak = await listening(operator, subjects.SITES_DISCONNECTED), await OAK.connect(leaf, timeout=20)
    for subject in (subjects.SITES_DISCONNECTED, subjects.SITES_CONNECTIONS, subjects.sites_kick("x"), subjects.CONNECTIONS):
        await listening(oak, subject)
        await oak.publish(subject, b"{}")
        await oak.flush()
        assert f'Publish Violation - Subject "{subject}"' in log_of(leaf)
        assert f'Subscription Violation - Subject "{subject}"' in log_of(leaf)
    assert heard.empty()
    await oak.close()


async def test_a_host_that_is_removed_is_put_out_of_a_leaf_and_stays_out(leaf: Leaf, coordinator: NatsBus) -> None:
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
    await end([ending])  # it would look again whether walnut is back
    assert not walnut.connected
    assert (oak.connected, oak.connections) == (True, 1)
    for bus in (walnut, oak):
        await bus.close()


@pytest.mark.parametrize("believed", ["hive", "other"])
def test_a_leaf_believes_the_authority_that_it_was_given_and_no_other(tmp_path: Path, believed: str) -> None:
    folders = {name: DataFolder(tmp_path / name).create() for name in ("hive", "other")}
    made = {name: own(folder, ["127.0.0.1"], datetime.now(UTC)) for name, folder in folders.items()}
    bus = Nats(
        folder=tmp_path / "nats",
        port=free_port(),
        monitor_port=free_port(),
        websocket_port=free_port(),
        password="h",
        sys_password=SYS_PASSWORD,
        tls=made["hive"],
        leaf_port=free_port(),
    )
    servers = Server(bus, tmp_path / "nats.log"), Leaf(tmp_path / "leaf", bus.leaf_port, made[believed].authority)
    try:
        for server in servers:
            server.start()
        deadline, refused, came = monotonic() + 10, False, False
        while not (refused or came) and monotonic() < deadline:
            came = '"name": "attic"' in httpx.get(f"http://127.0.0.1:{bus.monitor_port}/leafz").text
            refused = "certificate signed by unknown authority" in servers[1].log.read_text()
        assert (came, refused) == (believed == "hive", believed == "other")
    finally:
        for server in servers:
            if server.process is not None:
                server.kill()
