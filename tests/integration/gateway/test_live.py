"""`/ws` on a real server and a real bus, with a real client."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bus import auth, subjects
from bus.messages import AgentRecord, AgentStatus, Claims, ClusterStatus, EventType, Role
from bus.messages.alerts import Alert, AlertScope, AlertState, Severity
from bus.messages.events import AlertEvent, QuotaEvent
from bus.messages.usage import Quota, QuotaChange, QuotaKind, QuotaPeriod, QuotaUnit
from bus.nats_bus import NatsBus
from bus.nats_streams import declare
from bus.overview import CLUSTER
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.live.outbox import MOST_MESSAGES
from coordinator.gateway.server import Server, listen
from coordinator.gateway.settings import GatewaySettings
from tests.integration.gateway.parts import until
from tests.integration.monitor.parts import MonitorProcess
from tests.parts.nats import NatsServer
from tests.unit.monitor.events import NOON, agent_event, metrics, task_event

ADMIN, VIEWER = "sk-hive-live-admin", "sk-hive-live-viewer"
PEOPLE = {ADMIN: Claims(sub="admin", roles=(Role.ADMIN,)), VIEWER: Claims(sub="vic", roles=(Role.VIEWER,))}


class Door:
    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway, self.port = gateway, port

    def open(self, key: str | None = ADMIN, path: str = "/ws", **headers: str) -> connect:
        shown = {} if key is None else {"Authorization": f"Bearer {key}"}
        return connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=shown | headers, max_size=None)


@pytest.fixture
def silence_seconds() -> float:
    return 60.0


@pytest.fixture
async def door(nats_bus: NatsBus, silence_seconds: float) -> AsyncIterator[Door]:
    await declare(nats_bus)
    for key, claims in PEOPLE.items():
        await nats_bus.put(subjects.KV_KEYS, auth.hash_key(key), claims)
    settings = GatewaySettings(api_port=0, ws_silence_seconds=silence_seconds, stop_seconds=1)
    async with open_gateway(nats_bus, settings) as gateway:
        listener = listen("127.0.0.1", 0)
        server = Server(create_app(gateway), settings, gateway.stop)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        yield Door(gateway, listener.getsockname()[1])
        server.should_exit = True
        await serving


async def say(client: ClientConnection, kind: str, **fields: Any) -> None:
    await client.send(json.dumps({"type": kind, **fields}))


async def hear(client: ClientConnection, kind: str = "data", seconds: float = 20) -> dict[str, Any]:
    """The next message of that type; pings are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            message: dict[str, Any] = json.loads(await client.recv())
            if message["type"] == kind:
                return message
            assert message["type"] == "ping", message


async def subscribed(client: ClientConnection, *topics: str) -> None:
    for topic in topics:
        await say(client, "subscribe", topic=topic, id=topic)
        answer = await hear(client, "subscribe")
        assert (answer["id"], answer["topic"]) == (topic, topic)


async def closed(client: ClientConnection, seconds: float = 20) -> tuple[dict[str, Any], int]:
    """The error that it was told last, and the code of the close."""
    last: dict[str, Any] = {}
    async with asyncio.timeout(seconds):
        while True:
            try:
                last = json.loads(await client.recv())
            except ConnectionClosed as error:
                return last.get("data") or {}, error.rcvd.code if error.rcvd else 0


async def publish_alert(bus: NatsBus, severity: Severity) -> Alert:
    alert = Alert(
        id=uuid4(),
        rule="agent_down",
        scope=AlertScope.AGENT,
        entity="acacia",
        severity=severity,
        condition="agent_available == false",
        state=AlertState.FIRING,
        fired_at=NOON,
        changed_at=NOON,
    )
    event = AlertEvent(id=str(alert.id), type=EventType.SYSTEM_ALERT, source="monitor", timestamp=NOON, data=alert)
    subject = subjects.event(subjects.DEFAULT_TENANT, EventType.SYSTEM_ALERT, alert.id)
    await bus.publish_durable(subject, event, message_id=event.id, timeout=15)
    return alert


async def test_a_user_hears_of_their_own_quota_and_not_of_another_s(door: Door, nats_bus: NatsBus) -> None:
    async with door.open(VIEWER) as client:
        await subscribed(client, "user.vic")
        for owner in ("ann", "vic"):
            quota = Quota(
                kind=QuotaKind.USER,
                name=owner,
                unit=QuotaUnit.TOKENS,
                period=QuotaPeriod.DAY,
                most=100,
                used=81,
                since=NOON,
                set_by="admin",
            )
            data = QuotaChange(owner=owner, quota=quota, resets_at=NOON)
            event = QuotaEvent(id=owner, type=EventType.QUOTA_WARNING, source="monitor", timestamp=NOON, data=data)
            await nats_bus.publish(subjects.event("default", event.type, uuid4()), event)
        told = await hear(client)
        assert (told["topic"], told["data"]["event"], told["data"]["quota"]["used"]) == ("user.vic", "quota.warning", 81)


async def test_how_the_cluster_stands_is_told_whenever_its_leader_says_it(door: Door, nats_bus: NatsBus) -> None:
    async with door.open(VIEWER) as client:
        await subscribed(client, "cluster.status")
        for waiting in (3, 4):
            status = ClusterStatus(version="1", leader="first", queue={"high": waiting}, slots=8, updated_at=NOON)
            await nats_bus.put(subjects.KV_STATUS, CLUSTER, status)
            told = await hear(client)
            assert (told["topic"], ClusterStatus.model_validate(told["data"])) == ("cluster.status", status)
        await say(client, "unsubscribe", topic="cluster.status")
        await hear(client, "unsubscribe")


async def test_what_happens_comes_to_who_follows_it_and_ends_with_the_subscription(door: Door, nats_bus: NatsBus) -> None:
    async with door.open() as client, door.open() as other:
        await subscribed(client, "agent.acacia", "alerts.critical", "user.ann")
        await subscribed(other, "alerts.*")
        await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=67.2, tokens_per_second=18.5))
        await nats_bus.publish(subjects.metrics("walnut"), metrics("walnut", cpu_usage=1))
        told = await hear(client)
        assert (told["topic"], told["data"]["performance"]["tps"]) == ("agent.acacia", 18.5)
        event = agent_event("acacia", AgentStatus.OFFLINE)
        await nats_bus.publish(subjects.event("default", event.type, "acacia"), event)
        assert (await hear(client))["data"]["status"] == "offline"
        for owner in ("bob", "ann"):
            task = task_event(owner=owner)
            await nats_bus.publish(subjects.event("default", task.type, task.data.task_id), task)
        assert (await hear(client))["data"]["owner"] == "ann"
        await publish_alert(nats_bus, Severity.WARNING)
        alert = await publish_alert(nats_bus, Severity.CRITICAL)
        told = await hear(client)
        assert (told["topic"], told["data"]["id"]) == ("alerts.critical", str(alert.id))
        assert [(await hear(other))["topic"] for _ in range(2)] == ["alerts.warning", "alerts.critical"]
        await say(client, "unsubscribe", topic="alerts.critical")
        await hear(client, "unsubscribe")
        await publish_alert(nats_bus, Severity.CRITICAL)
        await hear(other)
        await say(client, "ping", id="p1")
        assert (await hear(client, "pong"))["id"] == "p1"
    await until(lambda: not tuple(door.gateway.hub.topics))


async def test_a_key_comes_by_header_cookie_or_first_message_and_never_by_address(door: Door) -> None:
    async with door.open() as client:
        await subscribed(client, "cluster.status")
    async with door.open(None, Cookie=f"hive_key={VIEWER}") as client:
        await subscribed(client, "user.vic")
    async with door.open(None) as client:
        await say(client, "authenticate", data={"key": VIEWER}, id="1")
        assert (await hear(client, "authenticate"))["id"] == "1"
        await subscribed(client, "user.vic")
    async with door.open(ADMIN, path=f"/ws?token={ADMIN}") as client:
        error, code = await closed(client)
    assert (error["code"], code, "address" in error["message"]) == ("unauthenticated", 1008, True)
    for message in ({"type": "subscribe", "topic": "cluster.status"}, {"type": "authenticate", "data": {"key": "sk-hive-no"}}):
        async with door.open(None) as client:
            await client.send(json.dumps(message))
            error, code = await closed(client)
        assert (error["code"], code) == ("unauthenticated", 1008)
    async with door.open(None, Cookie=f"hive_key={VIEWER}", Origin="https://elsewhere.example") as client:
        assert (await closed(client))[0]["code"] == "permission_denied"


async def test_what_may_not_be_followed_or_is_not_understood_is_an_error_and_the_connection_goes_on(door: Door) -> None:
    async with door.open(VIEWER) as client:
        for message, code in (
            ({"type": "subscribe", "topic": "user.ann"}, "permission_denied"),
            ({"type": "subscribe", "topic": "agents.acacia"}, "invalid_request"),
            ({"type": "subscribe"}, "invalid_request"),
            ({"type": "publish", "topic": "agent.acacia"}, "invalid_request"),
            ({"topic": "agent.acacia"}, "invalid_request"),
        ):
            await client.send(json.dumps({"id": "7", **message}))
            error = await hear(client, "error")
            assert (error["id"], error["data"]["code"]) == ("7", code)
        await client.send("{no json")
        assert (await hear(client, "error"))["data"]["code"] == "invalid_json"
        await subscribed(client, "agent.*")


async def test_a_key_that_is_revoked_follows_nothing_more(door: Door, nats_bus: NatsBus) -> None:
    async with door.open(VIEWER) as client:
        await subscribed(client, "agent.*")
        await nats_bus.delete(subjects.KV_KEYS, auth.hash_key(VIEWER))
        await until(lambda: door.gateway.identity.held(auth.hash_key(VIEWER)) is None)
        await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=1))
        error, code = await closed(client)
        assert (error["code"], code) == ("unauthenticated", 1008)


@pytest.mark.parametrize("silence_seconds", [0.6])
async def test_a_silent_client_is_closed_and_one_that_answers_pings_is_not(door: Door) -> None:
    async with door.open() as silent, door.open() as lively:
        ending = asyncio.create_task(closed(silent))
        for _ in range(5):
            await hear(lively, "ping")
            await say(lively, "pong")
        error, code = await ending
        assert (error["code"], code) == ("invalid_request", 1008)
        await say(lively, "ping")
        await hear(lively, "pong")


async def test_a_client_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed(door: Door, nats_bus: NatsBus) -> None:
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", door.port))
    url, headers = f"ws://127.0.0.1:{door.port}/ws", {"Authorization": f"Bearer {ADMIN}"}
    task = task_event(owner="ann", model="m" * 4000)
    subject, number = subjects.event("default", task.type, task.data.task_id), 2 * MOST_MESSAGES + 1500
    async with connect(url, sock=raw, additional_headers=headers, max_queue=1) as slow, door.open() as quick:
        await subscribed(slow, "user.ann")
        await subscribed(quick, "user.ann")
        for _ in range(number // 50):
            for _ in range(50):
                await nats_bus.publish(subject, task)
            for _ in range(50):
                assert (await hear(quick))["topic"] == "user.ann"
        heard = missed = 0
        async with asyncio.timeout(30):
            while heard + missed < number // 50 * 50:
                message = json.loads(await slow.recv())
                if message["type"] == "error":
                    assert (message["topic"], message["data"]["code"]) == ("user.ann", "messages_missed")
                    missed += message["data"]["missed"]
                heard += message["type"] == "data"
        assert missed > 0
        await say(slow, "ping")
        await hear(slow, "pong")


async def test_an_agent_that_dies_is_an_alert_at_the_socket_within_two_seconds_and_is_acknowledged_by_rest(
    door: Door, nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    base, headers = f"http://127.0.0.1:{door.port}/api/alerts", {"Authorization": f"Bearer {ADMIN}"}
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url):
        async with AsyncClient(headers=headers, timeout=30) as rest, door.open(VIEWER) as client:
            await until_answers(rest, f"{base}/rules")
            await subscribed(client, "alerts.critical")
            record = AgentRecord(agent_id="acacia", name="acacia", endpoint="http://host:11434", status=AgentStatus.ONLINE)
            await nats_bus.put(subjects.KV_AGENTS, "acacia", record)
            began = monotonic()
            await nats_bus.put(subjects.KV_AGENTS, "acacia", record.model_copy(update={"status": AgentStatus.OFFLINE}))
            told = (await hear(client))["data"]
            assert (told["rule"], told["entity"], told["state"]) == ("agent_down", "acacia", "firing")
            assert monotonic() - began < 2
            assert [alert["id"] for alert in (await rest.get(base)).json()["alerts"]] == [told["id"]]
            assert (await rest.post(f"{base}/{told['id']}/acknowledge")).json()["acknowledged_by"] == "admin"
            assert (await hear(client))["data"]["state"] == "acknowledged"
            refused = await rest.put(f"{base}/rules", json={"alerts": {"odd": {"condition": "cpu > 1", "severity": "info"}}})
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
            made = await rest.post(f"{base}/silences", json={"rule": "high_cpu", "minutes": 5, "reason": "known"})
            assert made.status_code == 201
            assert (await rest.delete(f"{base}/silences/{made.json()['id']}")).status_code == 200
            assert (await rest.get(f"{base}/silences")).json() == {"silences": []}
            rules = {"hot": {"condition": "avg(cpu_usage, 60) > 90", "severity": "info", "for": 5}}
            assert (await rest.put(f"{base}/rules", json={"alerts": rules})).json()["source"] == "stored"
            assert (await hear(client))["data"]["reason"] == "its rule is gone or disabled"


async def until_answers(rest: AsyncClient, url: str) -> None:
    async with asyncio.timeout(60):
        while (await rest.get(url)).status_code != 200:
            await asyncio.sleep(0.05)
