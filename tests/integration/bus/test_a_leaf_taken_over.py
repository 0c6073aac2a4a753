"""A leaf that was taken over: raw connections with its password, which keep to none of a server's manners."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from bus import nats_connections, subjects
from bus.identities import password_of
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import LEAF, host_user
from tests.integration.bus.conftest import WALNUT, listening
from tests.parts.leaf import Hub, Leaf
from tests.parts.nats import SYS_PASSWORD


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


async def test_it_says_no_more_than_hosts_do(hub: Hub, operator: NatsBus) -> None:
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


async def test_it_hears_no_more_than_hosts_do(hub: Hub, operator: NatsBus) -> None:
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


async def test_it_neither_prevents_nor_holds_up_the_removal_of_a_host(
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
