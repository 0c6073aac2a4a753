"""A sidecar behind a leaf comes in by its own key and has its own subjects, as one that reaches the hive's bus itself, and is missed and put
out as soon.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
import pytest

from bus import nats_connections, subjects
from bus.client import Received
from bus.errors import BusUnavailable
from bus.identities import password_of
from bus.messages import NoReply
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import LEAF, host_user
from bus.together import end
from deploy.local.certificates import own
from deploy.local.data_folder import DataFolder
from deploy.local.nats import Nats
from deploy.local.ports import free_port
from tests.parts.hosts import JoinedHost, admitting, know, log_of
from tests.parts.leaf import Hub, Leaf
from tests.parts.nats import SYS_PASSWORD
from tests.parts.server import Server

WALNUT, OAK = JoinedHost("walnut"), JoinedHost("oak")
NOTICED_SECONDS = 1.0
"""Two are promised from the end of a sidecar to its work's new beginning, and one of these is grace."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = Hub(tmp_path / "hub")
    found.start()
    yield found
    found.kill()


@pytest.fixture
def leaf(tmp_path: Path, hub: Hub) -> Iterator[Leaf]:
    found = Leaf(tmp_path / "leaf", hub.leaf_port)
    found.start()
    yield found
    found.kill()


@pytest.fixture
async def operator(hub: Hub) -> AsyncIterator[NatsBus]:
    found = await hub.connect()
    await know(found, WALNUT, OAK)
    yield found
    await found.close()


@pytest.fixture
async def coordinator(hub: Hub, operator: NatsBus) -> AsyncIterator[NatsBus]:
    """It lets hosts in."""
    admits, found = await admitting(hub)
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


@asynccontextmanager
async def taken_over(hub: Hub) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """What has a leaf's password and keeps to none of a server's manners: it says and asks to hear what it likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.leaf_port)
    try:
        await reader.readline()  # what the hub says of itself
        me = {"user": LEAF, "pass": password_of(SYS_PASSWORD, LEAF), "name": "thief", "version": "2.15.1", "headers": True}
        writer.write(f"CONNECT {json.dumps(me)}\r\nPING\r\n".encode())
        yield reader, writer
    finally:
        writer.close()


async def until(reader: asyncio.StreamReader, word: str) -> list[str]:
    """The lines that came, with the one that has it."""
    lines = [""]
    async with asyncio.timeout(10):
        while word not in lines[-1]:
            lines.append((await reader.readline()).decode())
            assert lines[-1], lines
    return lines


async def test_a_leaf_that_was_taken_over_says_no_more_than_hosts_do(hub: Hub, operator: NatsBus) -> None:
    heard = await listening(operator, "hive.>")
    for subject in (
        *(subjects.kick(operator.client._server_info["server_id"]), subjects.CONNECTIONS, subjects.sites_kick("x")),
        *(subjects.SITES_CONNECTIONS, subjects.dispatch("oak", "i1"), subjects.control("oak"), "hive.svc.tasks.submit"),
        *("hive.tasks.submit.default.high.x", "hive.events.default.task.completed.x", subjects.key_of(subjects.KV_HOSTS, "k")),
        *(f"$JS.API.STREAM.{verb}.{subjects.TASKS}" for verb in ("DELETE", "PURGE")),
        f"$JS.API.CONSUMER.CREATE.KV_{subjects.KV_PLACEMENT}",
    ):
        async with taken_over(hub) as (reader, writer):
            writer.write(f"LMSG {subject} _INBOX.thief 2\r\n{{}}\r\n".encode())
            await until(reader, f"-ERR 'Permissions Violation for Publish to \"{subject}\"'")
    async with taken_over(hub) as (_, writer):
        writer.write(f"LMSG {subjects.heartbeat('oak')} 2\r\n{{}}\r\n".encode())
        assert (await asyncio.wait_for(heard.get(), 10)).subject == subjects.heartbeat("oak")


async def test_a_leaf_that_was_taken_over_hears_no_more_than_hosts_do(hub: Hub, operator: NatsBus) -> None:
    async with taken_over(hub) as (reader, writer):
        for subject in ("hive.>", "$KV.>", "$JS.>", "_INBOX.>", "hive.agents.*.control"):
            writer.write(f"LS+ {subject}\r\n".encode())
        writer.write(b"PING\r\n")
        await until(reader, "PONG")
        for subject in (
            *(subjects.key_of(subjects.KV_USERS, "ada"), subjects.output("oak", "t", "a"), subjects.SITES_DISCONNECTED),
            *("_INBOX.gateway.x", "hive.events.default.task.completed.x", subjects.control("oak")),
        ):
            await operator.publish(subject, b"{}")
        lines = await until(reader, subjects.control("oak"))
        assert [line.split()[1] for line in lines if line.startswith("LMSG")] == [subjects.control("oak")]


EVIL_ID = f"N{'A' * 55}"
EVIL_ANSWERS = (
    *(b"[]", b"x", b'{"server": {"id": "> 0"}, "data": {}}', b'{"server": [], "data": {"connections": [{}]}}'),
    json.dumps({"server": {"id": EVIL_ID}, "data": {"connections": [{"authorized_user": host_user("walnut")}]}}).encode(),
    json.dumps(
        {
            "server": {"id": EVIL_ID},
            "data": {"connections": [{"cid": number, "authorized_user": host_user("walnut")} for number in range(1000)]},
        }
    ).encode(),
)


async def test_a_leaf_that_was_taken_over_neither_prevents_nor_holds_up_the_removal_of_a_host(
    hub: Hub, leaf: Leaf, coordinator: NatsBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_connections, "SITES_DEADLINE_SECONDS", 1.5)
    walnut = await WALNUT.connect(leaf, timeout=20)
    await coordinator.delete(subjects.KV_HOSTS, WALNUT.key)
    async with taken_over(hub) as (reader, writer):
        writer.write(f"LS+ {subjects.SITES_CONNECTIONS}\r\nLS+ {subjects.sites_kick(EVIL_ID)}\r\nPING\r\n".encode())
        await until(reader, "PONG")
        began = monotonic()
        ending = asyncio.create_task(end_connections(coordinator, host_user("walnut")))
        asked = (await until(reader, f"LMSG {subjects.SITES_CONNECTIONS}"))[-1].split()
        for answer in EVIL_ANSWERS:
            writer.write(f"LMSG {asked[2]} {len(answer)}\r\n".encode() + answer + b"\r\n")
        await until(reader, f"LMSG {subjects.sites_kick(EVIL_ID)}")  # which stays without an answer
        assert await asyncio.wait_for(ending, 10) == 1
        assert monotonic() - began < 1.5 + 1
        assert not walnut.connected
    await walnut.close()


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
