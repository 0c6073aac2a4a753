"""Alerts of a monitor as a process: told on the bus, kept in PostgreSQL, taken up by the next one."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import uuid4

import asyncpg
import pytest

from bus import subjects
from bus.client import Received
from bus.database import migrate_by
from bus.errors import Conflict, InvalidRequest, NotFound, PermissionDenied
from bus.messages import AgentStatus, Claims, EventType, NoReply, Role, TaskStatus
from bus.messages.alerts import (
    Alert,
    AlertChanges,
    AlertList,
    AlertRef,
    AlertState,
    ChangeRule,
    CreateSilence,
    ListAlerts,
    PutRules,
    RuleSet,
    RuleSource,
    Silence,
    SilenceList,
    SilenceRef,
)
from bus.messages.events import AlertEvent, MaintenanceEvent
from bus.messages.maintenance import MaintenancePhase, MaintenanceWindow
from bus.nats_bus import NatsBus
from monitor.alerting.leading import LOCK
from monitor.alerting.rules import read
from monitor.sql import migrations
from tests.integration.monitor.asking import agent_is, ask, ask_anew
from tests.integration.monitor.parts import ROOT, MonitorProcess, publish
from tests.parts.nats import NatsServer
from tests.unit.monitor.alerting.scene import rule
from tests.unit.monitor.events import metrics, task_event

pytestmark = pytest.mark.slow

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


@pytest.fixture
def monitor(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> Iterator[MonitorProcess]:
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url) as process:
        yield process


class Told:
    """What the bus is told of alerts, as it comes."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[AlertEvent] = asyncio.Queue()

    async def hear(self, received: Received) -> None:
        self._heard.put_nowait(received.decode(AlertEvent))

    async def next(self, seconds: float = 20) -> Alert:
        async with asyncio.timeout(seconds):
            return (await self._heard.get()).data

    @property
    def quiet(self) -> bool:
        return self._heard.empty()


@pytest.fixture
async def told(nats_bus: NatsBus) -> AsyncIterator[Told]:
    told = Told()
    hearing = await nats_bus.subscribe(subjects.events("system.alert"), told.hear)
    await nats_bus.flush()
    yield told
    await hearing.close()


async def test_an_agent_that_dies_is_told_within_two_seconds_and_once_whatever_becomes_of_the_monitor(
    nats_bus: NatsBus, monitor: MonitorProcess, told: Told
) -> None:
    await agent_is(nats_bus, AgentStatus.ONLINE)
    assert await ask(nats_bus, "list", ListAlerts(), AlertList) == AlertList()
    began = monotonic()
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    fired = await told.next()
    assert (fired.rule, fired.entity, fired.state) == ("agent_down", "acacia", FIRING)
    assert monotonic() - began < 2
    monitor.kill()
    monitor.restart()
    listed = await ask_anew(nats_bus, "list", ListAlerts(), AlertList)
    assert (listed.alerts, listed.groups[0].entities) == ((fired,), ("acacia",))
    monitor.kill()
    await agent_is(nats_bus, AgentStatus.ONLINE)
    monitor.restart()
    resolved = await told.next()
    assert (resolved.id, resolved.state, resolved.rank) == (fired.id, RESOLVED, 2)
    assert told.quiet, "what fired was told once"
    assert (await ask(nats_bus, "list", ListAlerts(), AlertList)).alerts == ()
    assert (await ask(nats_bus, "list", ListAlerts(state=RESOLVED), AlertList)).alerts == (resolved,)


async def test_an_alert_is_acknowledged_by_whoever_may(
    nats_bus: NatsBus, monitor: MonitorProcess, told: Told, database_url: str
) -> None:
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    ref = AlertRef(id=(await told.next()).id)
    viewer = Claims(sub="vic", roles=(Role.VIEWER,))
    with pytest.raises(PermissionDenied):
        await ask(nats_bus, "acknowledge", ref, Alert, viewer)
    assert len((await ask(nats_bus, "list", ListAlerts(), AlertList, viewer)).alerts) == 1
    taken = await ask(nats_bus, "acknowledge", ref, Alert, Claims(sub="ann", roles=(Role.ADMIN,)))
    assert (taken.state, taken.acknowledged_by) == (AlertState.ACKNOWLEDGED, "ann")
    assert await told.next() == taken
    assert await ask(nats_bus, "acknowledge", ref, Alert) == taken
    await agent_is(nats_bus, AgentStatus.ONLINE)
    assert (await told.next()).state is RESOLVED
    with pytest.raises(Conflict):
        await ask(nats_bus, "acknowledge", ref, Alert)
    told_of = (await ask(nats_bus, "changes", ref, AlertChanges, viewer)).changes
    assert [(each.state, each.rank, each.acknowledged_by) for each in told_of] == [
        (FIRING, 1, None),
        (AlertState.ACKNOWLEDGED, 2, "ann"),
        (RESOLVED, 3, "ann"),
    ]
    for verb, answer in (("acknowledge", Alert), ("changes", AlertChanges)):
        with pytest.raises(NotFound):
            await ask(nats_bus, verb, AlertRef(id=uuid4()), answer)
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM alert_changes")  # as if a monitor of a version before had written it
    await connection.close()
    assert (await ask(nats_bus, "changes", ref, AlertChanges, viewer)).changes == told_of[2:]


async def test_rules_are_put_and_outlive_the_monitor(nats_bus: NatsBus, monitor: MonitorProcess, told: Told) -> None:
    before = await ask(nats_bus, "rules", NoReply(), RuleSet)
    assert (before.source, sorted(before.alerts)) == (RuleSource.DEFAULT, ["agent_down", "high_cpu", "slow_response"])
    with pytest.raises(InvalidRequest, match=r"alerts\.odd\.condition.*cpu_uses"):
        await ask(nats_bus, "put_rules", PutRules(alerts={"odd": rule("cpu_uses > 1")}), RuleSet)
    assert await ask(nats_bus, "rules", NoReply(), RuleSet) == before
    await ask(nats_bus, "put_rules", PutRules(alerts={"warm": rule("cpu_usage > 50")}), RuleSet)
    monitor.kill()
    monitor.restart()
    after = await ask_anew(nats_bus, "rules", NoReply(), RuleSet)
    assert (after.source, list(after.alerts)) == (RuleSource.STORED, ["warm"])
    await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=60))
    fired = await told.next()
    assert (fired.rule, fired.values) == ("warm", {"cpu_usage": 60})


async def test_an_agent_whose_tasks_are_tried_again_and_again_is_told(
    nats_bus: NatsBus, monitor: MonitorProcess, told: Told
) -> None:
    await ask(nats_bus, "put_rules", PutRules(alerts={"again": rule("retry_count > 3")}), RuleSet)
    with pytest.raises(InvalidRequest, match="scope queue over `waiting`"):
        await ask(nats_bus, "put_rules", PutRules(alerts={"long": rule("queue_length > 3")}), RuleSet)
    await agent_is(nats_bus, AgentStatus.ONLINE)
    await publish(nats_bus, task_event(TaskStatus.FAILED, agent_id="acacia", attempt=5))
    fired = await told.next()
    assert (fired.rule, fired.entity, fired.values) == ("again", "acacia", {"retry_count": 4})


@pytest.mark.parametrize("stored", [True, False], ids=["put", "of the file"])
async def test_a_rule_that_another_version_took_is_not_watched_and_the_others_are(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, told: Told, *, stored: bool
) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(
        'alerts: {long: {condition: "queue_length > 3", severity: info}, warm: {condition: "cpu_usage > 50", severity: info}}'
    )
    settings = {"HIVE_DATABASE_URL": database_url, "HIVE_ALERT_RULES": str(file)}
    if stored:
        connection = await asyncpg.connect(database_url)
        await migrate_by(database_url, migrations(), "monitor_migrations")
        rules = {name: each.model_dump(mode="json") for name, each in read(file.read_text()).items()}
        await connection.execute("INSERT INTO alert_rules (rules, put_by) VALUES ($1, 'ann')", json.dumps(rules))
        await connection.close()
        del settings["HIVE_ALERT_RULES"]
    with MonitorProcess(nats_server, tmp_path, **settings):
        assert sorted((await ask_anew(nats_bus, "rules", NoReply(), RuleSet)).alerts) == ["long", "warm"]
        await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=60))
        assert (await told.next()).rule == "warm"
        line = next(line for line in (tmp_path / "monitor.log").read_text().splitlines() if "rule_not_watched" in line)
        assert "queue_length" in line
        mended = {"warm": rule("cpu_usage > 50"), "long": rule("cpu_usage > 99")}
        await ask(nats_bus, "put_rules", PutRules(alerts=mended), RuleSet)


async def test_rules_that_were_put_are_forgotten_and_those_of_the_file_hold_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yml"
    file.write_text('alerts: {cold: {condition: "cpu_usage < 5", severity: info}}')
    settings = {"HIVE_DATABASE_URL": database_url, "HIVE_ALERT_RULES": str(file)}
    with MonitorProcess(nats_server, tmp_path, **settings) as monitor:
        first = await ask_anew(nats_bus, "rules", NoReply(), RuleSet)
        assert (first.source, list(first.alerts)) == (RuleSource.FILE, ["cold"])
        await ask(nats_bus, "put_rules", PutRules(alerts={"warm": rule("cpu_usage > 50")}), RuleSet)
        monitor.kill()
        assert "rules_of_the_file" not in (log := tmp_path / "monitor.log").read_text()
        monitor.restart()
        assert (await ask_anew(nats_bus, "rules", NoReply(), RuleSet)).source is RuleSource.STORED
        assert '"rules_of_the_file_do_not_hold"' in log.read_text()
        viewer = Claims(sub="vic", roles=(Role.VIEWER,))
        with pytest.raises(PermissionDenied):
            await ask(nats_bus, "reset_rules", NoReply(), RuleSet, viewer)
        assert await ask(nats_bus, "reset_rules", NoReply(), RuleSet) == first
        assert await ask(nats_bus, "rules", NoReply(), RuleSet) == first
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM alert_rules") == 0, "nor after a restart"
    await connection.close()


async def test_one_rule_is_changed_beside_others_and_nobody_s_change_is_lost(
    nats_bus: NatsBus, monitor: MonitorProcess, told: Told
) -> None:
    warm, warmer = rule("cpu_usage > 50"), rule("cpu_usage > 55")
    first = await ask(nats_bus, "change_rule", ChangeRule(name="warm", rule=warm), RuleSet)
    assert (first.source, sorted(first.alerts)) == (RuleSource.STORED, ["agent_down", "high_cpu", "slow_response", "warm"])
    await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=60))
    fired = await told.next()
    assert (fired.rule, fired.state) == ("warm", FIRING)
    await ask(nats_bus, "change_rule", ChangeRule(name="warm", rule=warmer, before=warm), RuleSet)
    with pytest.raises(Conflict, match="The rule warm is not as it was"):
        await ask(nats_bus, "change_rule", ChangeRule(name="warm", rule=None, before=warm), RuleSet)
    with pytest.raises(InvalidRequest, match=r"alerts\.odd\.condition.*cpu_uses"):
        await ask(nats_bus, "change_rule", ChangeRule(name="odd", rule=rule("cpu_uses > 1")), RuleSet)
    asleep = warmer.model_copy(update={"enabled": False})
    await ask(nats_bus, "change_rule", ChangeRule(name="warm", rule=asleep, before=warmer), RuleSet)
    resolved = await told.next()
    assert (resolved.id, resolved.state, resolved.reason) == (fired.id, RESOLVED, "its rule is gone or disabled")
    left = await ask(nats_bus, "change_rule", ChangeRule(name="warm", rule=None, before=asleep), RuleSet)
    assert "warm" not in left.alerts


async def test_a_silence_holds_until_it_is_ended(nats_bus: NatsBus, monitor: MonitorProcess, told: Told) -> None:
    with pytest.raises(InvalidRequest, match="rule"):
        await ask(nats_bus, "silence", CreateSilence(minutes=5, reason="all of it"), Silence)
    wanted = CreateSilence(entity="acacia", minutes=5, reason="new card")
    silence = await ask(nats_bus, "silence", wanted, Silence, Claims(sub="ann", roles=(Role.ADMIN,)))
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    silenced = await told.next()
    assert (silenced.state, silenced.reason) == (AlertState.SILENCED, "silenced by ann: new card")
    monitor.kill()
    monitor.restart()
    assert (await ask_anew(nats_bus, "silences", NoReply(), SilenceList)).silences == (silence,)
    ended = await ask(nats_bus, "end_silence", SilenceRef(id=silence.id), Silence)
    assert ended.ends_at <= datetime.now(UTC)
    assert ((fired := await told.next()).id, fired.state) == (silenced.id, FIRING)
    with pytest.raises(NotFound):
        await ask(nats_bus, "end_silence", SilenceRef(id=silence.id), Silence)


async def test_a_host_under_maintenance_calls_nobody_until_it_is_over(
    nats_bus: NatsBus, monitor: MonitorProcess, told: Told
) -> None:
    await ask(nats_bus, "list", ListAlerts(), AlertList)
    now = datetime.now(UTC)
    window = MaintenanceWindow(
        id=uuid4(),
        agents=("acacia",),
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        reason="a new card",
        by="ann",
        created_at=now,
        phase=MaintenancePhase.UNDER_WAY,
    )
    await tell_window(nats_bus, window)
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    silenced = await told.next()
    assert (silenced.state, silenced.reason) == (AlertState.SILENCED, "silenced by ann: maintenance, a new card")
    await tell_window(nats_bus, window.model_copy(update={"phase": MaintenancePhase.CANCELLED}))
    assert ((fired := await told.next()).id, fired.state) == (silenced.id, FIRING)


async def tell_window(bus: NatsBus, window: MaintenanceWindow) -> None:
    """As the coordinator does."""
    event = MaintenanceEvent(
        id=f"{window.id}.{window.phase}",
        type=EventType.SYSTEM_MAINTENANCE,
        source="coordinator",
        timestamp=window.created_at,
        data=window,
    )
    subject = subjects.event(subjects.DEFAULT_TENANT, EventType.SYSTEM_MAINTENANCE, window.id)
    await bus.publish_durable(subject, event, message_id=event.id)


async def test_a_file_has_the_rules_where_nobody_has_put_any(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    written = tmp_path / "rules.yaml"
    written.write_text("alerts: {busy: {condition: 'avg(waiting, 60) > 100', severity: info, scope: queue, for: 30}}")
    env = {"HIVE_DATABASE_URL": database_url, "HIVE_ALERT_RULES": str(written)}
    with MonitorProcess(nats_server, tmp_path, **env):
        found = await ask(nats_bus, "rules", NoReply(), RuleSet)
    assert (found.source, found.alerts["busy"].for_seconds) == (RuleSource.FILE, 30)
    written.write_text("alerts: {busy: {condition: 'wating > 100', severity: info, scope: queue}}")
    with MonitorProcess(nats_server, tmp_path, **env) as monitor:
        assert await asyncio.to_thread(monitor.process.wait, 30) == 1
    assert "monitor_cannot_start" in (tmp_path / "monitor.log").read_text()


async def test_the_command_line_lists_acknowledges_silences_and_puts_rules(
    nats_bus: NatsBus, nats_server: NatsServer, monitor: MonitorProcess, told: Told, tmp_path: Path
) -> None:
    async def hive(*words: str) -> str:
        env = {**os.environ, "NATS_URL": nats_server.url, "HIVE_DATA_DIR": str(tmp_path)}
        command = (str(Path(sys.executable).with_name("hive")), "alerts", *words)
        process = await asyncio.create_subprocess_exec(*command, env=env, cwd=ROOT, stdout=PIPE, stderr=STDOUT)
        return (await process.communicate())[0].decode()

    await ask(nats_bus, "rules", NoReply(), RuleSet)
    await agent_is(nats_bus, AgentStatus.OFFLINE)
    fired = await told.next()
    assert str(fired.id) in await hive("--json")
    assert "Acknowledged agent_down of acacia." in await hive("acknowledge", str(fired.id))
    became = await hive("changes", str(fired.id))
    assert 0 < became.index("firing") < became.index("acknowledged")
    assert '"by":"bus"' in (await hive("silence", "known", "--rule", "high_cpu", "--json")).replace(" ", "")
    rules = tmp_path / "rules.yaml"
    rules.write_text("alerts: {hot: {condition: cpu_usage > 85, severity: info, for: 20}}")
    assert "hot" in await hive("rules", "--put", str(rules))
    rules.write_text("alerts: {hot: {condition: cpu > 85, severity: info}}")
    assert "no metric of a rule" in " ".join((await hive("rules", "--put", str(rules))).split())


async def test_a_watch_whose_session_is_lost_is_taken_up_again_though_nothing_happens(
    nats_bus: NatsBus, monitor: MonitorProcess, database_url: str
) -> None:
    await ask(nats_bus, "rules", NoReply(), RuleSet)
    connection = await asyncpg.connect(database_url)
    try:
        (before,) = await _keepers(connection)
        await connection.fetchval("SELECT pg_terminate_backend($1)", before)
        async with asyncio.timeout(20):
            while not (now := await _keepers(connection)) or now == [before]:
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
    assert await ask(nats_bus, "list", ListAlerts(), AlertList) == AlertList()


async def _keepers(connection: asyncpg.Connection) -> list[int]:
    """Sessions that hold the lock of this database."""
    rows = await connection.fetch(
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE locktype = 'advisory' AND granted AND objid = $1 AND datname = current_database()",
        LOCK,
    )
    return [row["pid"] for row in rows]
