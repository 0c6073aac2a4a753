"""Alerts that are sent: by a monitor as a process, to receivers on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from bus.errors import Conflict, InvalidRequest, NotFound, NotificationFailed, PermissionDenied
from bus.messages import AgentStatus, Claims, NoReply, Role
from bus.messages.alerts import (
    Alert,
    AlertList,
    AlertRef,
    AlertState,
    CreateSilence,
    ListAlerts,
    PutRules,
    RuleSet,
    Severity,
    Silence,
)
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetList, TargetRef, TargetSource
from bus.nats_bus import NatsBus
from tests.integration.monitor.asking import agent_is, ask, ask_anew
from tests.integration.monitor.parts import MonitorProcess
from tests.integration.monitor.receivers import JsonReceiver, mail_sink
from tests.parts.nats import NatsServer
from tests.unit.monitor.alerting.scene import rule

pytestmark = pytest.mark.slow

SECRET = "sesame-4711"


@pytest.fixture
def receiver() -> Iterator[JsonReceiver]:
    with JsonReceiver() as receiver:
        yield receiver


@pytest.fixture
async def monitor(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> AsyncIterator[MonitorProcess]:
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url) as process:
        await ask_anew(nats_bus, "list", ListAlerts(), AlertList)
        yield process


def a_target(receiver: JsonReceiver, name: str = "ops", group_seconds: float = 0) -> PutTarget:
    url = f"json://ann:{SECRET}@127.0.0.1:{receiver.port}/"
    return PutTarget(name=name, url=SecretStr(url), group_seconds=group_seconds)


async def put(bus: NatsBus, target: PutTarget) -> NotificationTarget:
    return await ask(bus, "put_target", target, NotificationTarget)


async def all_sent(bus: NatsBus) -> NotificationTarget:
    """The only target, once nothing waits for it."""
    async with asyncio.timeout(60):
        while (shown := (await ask_anew(bus, "targets", NoReply(), TargetList)).targets[0]).waiting:
            await asyncio.sleep(0.05)
    return shown


async def test_what_fires_and_ends_is_sent_once_each_and_many_at_once_are_one_message(
    nats_bus: NatsBus, monitor: MonitorProcess, receiver: JsonReceiver
) -> None:
    await put(nats_bus, a_target(receiver, group_seconds=1))
    for name in ("acacia", "oak", "walnut"):
        await agent_is(nats_bus, AgentStatus.OFFLINE, name)
    told = await receiver.next()
    assert (told["title"], told["type"]) == ("[CRITICAL] agent_down firing: acacia, oak, walnut", "failure")
    assert "acacia · firing · since" in told["message"]
    assert "agent_available false" in told["message"]
    for name in ("acacia", "oak"):
        await agent_is(nats_bus, AgentStatus.ONLINE, name)
    told = await receiver.next()
    assert (told["title"], told["type"]) == ("[RESOLVED] agent_down resolved: acacia, oak", "success")
    assert receiver.empty
    shown = await all_sent(nats_bus)
    assert shown.failure is None
    assert shown.sent_at is not None


async def test_what_was_to_be_sent_when_a_monitor_died_is_sent_by_the_next(
    nats_bus: NatsBus, monitor: MonitorProcess, receiver: JsonReceiver, database_url: str
) -> None:
    receiver.status = 503
    await put(nats_bus, a_target(receiver))
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    async with asyncio.timeout(60):
        while not receiver.refused:
            await asyncio.sleep(0.05)
        while (shown := (await ask(nats_bus, "targets", NoReply(), TargetList)).targets[0]).failure is None:
            await asyncio.sleep(0.05)
    assert (shown.failure, shown.sent_at) == ("it answered HTTP 503", None)
    monitor.kill()
    receiver.status = 200
    monitor.restart()
    assert (await receiver.next(100))["title"] == "[CRITICAL] agent_down firing: acacia"
    await all_sent(nats_bus)
    monitor.kill()
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM alert_notices WHERE sent_at IS NOT NULL") == 1
    finally:
        await connection.close()
    monitor.restart()
    await ask_anew(nats_bus, "list", ListAlerts(), AlertList)
    await agent_is(nats_bus, AgentStatus.ONLINE)
    assert (await receiver.next())["title"] == "[RESOLVED] agent_down resolved: acacia", "and what was taken is not sent again"


async def test_a_target_is_an_administrator_s_and_its_address_is_nowhere_to_be_read(
    nats_bus: NatsBus, monitor: MonitorProcess, receiver: JsonReceiver, database_url: str, tmp_path: Path
) -> None:
    for role in (Role.VIEWER, Role.DEVELOPER):
        for verb in ("targets", "put_target", "test_target", "remove_target"):
            body = a_target(receiver) if verb == "put_target" else TargetRef(name="ops") if verb != "targets" else NoReply()
            with pytest.raises(PermissionDenied):
                await ask(nats_bus, verb, body, TargetList, Claims(sub="vic", roles=(role,)))
    shown = await put(nats_bus, a_target(receiver))
    assert (shown.name, shown.kind, shown.source) == ("ops", "json", TargetSource.STORED)
    assert (await ask(nats_bus, "test_target", TargetRef(name="ops"), SentTest)).name == "ops"
    assert (await receiver.next())["title"] == "Hive: a test"
    receiver.status = 418
    with pytest.raises(NotificationFailed, match="HTTP 418") as refused:
        await ask(nats_bus, "test_target", TargetRef(name="ops"), SentTest)
    receiver.status = 200
    monitor.kill()
    monitor.restart()
    listed = await ask_anew(nats_bus, "targets", NoReply(), TargetList)
    only_critical = a_target(receiver).model_copy(update={"url": None, "severities": (Severity.CRITICAL,)})
    assert (await put(nats_bus, only_critical)).severities == (Severity.CRITICAL,)
    await ask(nats_bus, "test_target", TargetRef(name="ops"), SentTest)
    assert (await receiver.next())["title"] == "Hive: a test", "its address is as it was"
    connection = await asyncpg.connect(database_url)
    try:
        rows = [str(dict(row)) for row in await connection.fetch("SELECT * FROM alert_targets")]
    finally:
        await connection.close()
    seen = [*rows, listed.model_dump_json(), str(refused.value), (tmp_path / "monitor.log").read_text()]
    assert not [text for text in seen if SECRET in text]
    await ask(nats_bus, "remove_target", TargetRef(name="ops"), NotificationTarget)
    with pytest.raises(NotFound):
        await ask(nats_bus, "test_target", TargetRef(name="ops"), SentTest)
    for url in ("syslog://", "nonsense://somewhere", "no address", "json://"):
        with pytest.raises(InvalidRequest):
            await put(nats_bus, PutTarget(name="ops", url=SecretStr(url)))


async def test_targets_of_the_settings_get_mail_and_only_what_is_for_them(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, receiver: JsonReceiver
) -> None:
    async with mail_sink() as (sink, port):
        mail = f"mailto://127.0.0.1:{port}/ops@example.org?from=hive@example.org&smtp=127.0.0.1&mode=insecure"
        given = {
            "mail": {"url": mail, "group_seconds": 0, "rules": ["agent_down"], "also": ["acknowledged", "resolved"]},
            "infos": {"url": f"json://127.0.0.1:{receiver.port}", "group_seconds": 0, "severities": ["info"]},
        }
        env = {"HIVE_DATABASE_URL": database_url, "HIVE_ALERT_TARGETS": json.dumps(given)}
        with MonitorProcess(nats_server, tmp_path, **env):
            await ask_anew(nats_bus, "list", ListAlerts(), AlertList)
            with pytest.raises(Conflict, match="HIVE_ALERT_TARGETS"):
                await put(nats_bus, a_target(receiver, "mail"))
            await agent_is(nats_bus, AgentStatus.OFFLINE)
            told = await sink.next()
            assert (told["To"], told["Subject"]) == ("ops@example.org", "[CRITICAL] agent_down firing: acacia")
            (alert,) = (await ask(nats_bus, "list", ListAlerts(), AlertList)).alerts
            await ask(nats_bus, "acknowledge", AlertRef(id=alert.id), Alert)
            assert (await sink.next())["Subject"] == "[CRITICAL] agent_down acknowledged: acacia"
            rules = {"up": rule("agent_available == true", severity=Severity.INFO)}
            await ask(nats_bus, "put_rules", PutRules(alerts=rules), RuleSet)
            assert (await sink.next())["Subject"] == "[RESOLVED] agent_down resolved: acacia"
            await agent_is(nats_bus, AgentStatus.ONLINE)
            assert (await receiver.next())["title"] == "[INFO] up firing: acacia"
            assert sink.empty


async def test_what_is_silenced_calls_nobody_neither_when_it_begins_nor_when_it_ends(
    nats_bus: NatsBus, monitor: MonitorProcess, receiver: JsonReceiver
) -> None:
    await put(nats_bus, a_target(receiver))
    rules = {"down": rule("agent_available == false"), "up": rule("agent_available == true", inhibits=False)}
    await ask(nats_bus, "put_rules", PutRules(alerts=rules), RuleSet)
    silence = CreateSilence(rule="d*n", minutes=5, reason="known")
    await ask(nats_bus, "silence", silence, Silence)
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    async with asyncio.timeout(60):
        while not (await ask(nats_bus, "list", ListAlerts(state=AlertState.SILENCED), AlertList)).alerts:
            await asyncio.sleep(0.05)
    await agent_is(nats_bus, AgentStatus.ONLINE)
    assert (await receiver.next())["title"] == "[WARNING] up firing: acacia"
    assert receiver.empty
