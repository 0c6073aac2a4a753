"""The monitor as a process on a real server: it counts, it survives, it stops."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bus import subjects
from bus.errors import DatabaseUnavailable
from bus.messages import AgentPerformance, NoReply, TaskStatus, Timings, Usage
from bus.messages.history import ListMetrics, MetricsHistory, Resolution, Spread
from bus.messages.workflows import ExecutionStatus
from bus.nats_bus import NatsBus
from bus.vitals import telling_vitals
from monitor.document import AsyncApiDocument
from tests.integration.monitor.parts import (
    MonitorProcess,
    agent,
    performance,
    publish,
    publish_execution,
    publish_poison,
    readings,
)
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.unit.monitor.events import execution_event, metrics, task_event


@pytest.fixture
def monitor(nats_bus: NatsBus, nats_server: NatsServer, tmp_path: Path) -> Iterator[MonitorProcess]:
    with MonitorProcess(nats_server, tmp_path) as process:
        yield process


async def test_it_tells_what_ended_and_what_was_measured(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    await performance(nats_bus, lambda found: found.completed == 0)
    usage, timings = Usage(completion_tokens=60), Timings(total_seconds=4, generation_seconds=2)
    await publish(nats_bus, task_event(agent_id="acacia", usage=usage, timings=timings))
    await publish(nats_bus, task_event(TaskStatus.FAILED, agent_id="walnut"))
    await publish(nats_bus, task_event(TaskStatus.CANCELLED, agent_id=None))
    await publish(nats_bus, task_event(TaskStatus.QUEUED))
    await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=12.5))
    found = await performance(
        nats_bus, lambda f: bool(f.completed and f.failed and f.cancelled and agent(f, "acacia").metrics is not None)
    )
    assert (found.completed, found.failed, found.cancelled, found.completion_tokens) == (1, 1, 1, 60)
    assert agent(found, "acacia") == AgentPerformance(
        agent_id="acacia",
        metrics=metrics("acacia", cpu_usage=12.5),
        completed=1,
        success_rate=1.0,
        error_rate=0.0,
        generation_tokens_per_second=30,
        mean_task_seconds=4,
    )
    assert agent(found, "walnut").failed == 1


@pytest.mark.slow
async def test_a_crash_loses_nothing_that_the_stream_still_has(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    await publish(nats_bus, task_event())
    before = await performance(nats_bus, lambda found: found.completed == 1)
    monitor.kill()
    await publish(nats_bus, task_event())
    await publish_poison(nats_bus)
    await publish(nats_bus, task_event(TaskStatus.FAILED))
    monitor.restart()
    after = await performance(nats_bus, lambda found: found.completed == 2 and found.failed == 1)
    assert after.since == before.since
    await publish(nats_bus, task_event())
    await performance(nats_bus, lambda found: found.completed == 3)


async def test_it_stops_within_five_seconds(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    await performance(nats_bus, lambda found: True)
    assert monitor.stop() < 5
    assert monitor.process.returncode == 0


@pytest.mark.slow
async def test_it_stops_within_five_seconds_while_the_server_is_away(own_nats_server: NatsServer, tmp_path: Path) -> None:
    bus = await own_nats_server.connect()
    with MonitorProcess(own_nats_server, tmp_path) as monitor:
        await performance(bus, lambda found: True)
        own_nats_server.kill()
        assert monitor.stop() < 5
        assert monitor.process.returncode == 0
    await bus.close()


@pytest.mark.slow
async def test_it_goes_on_counting_after_the_server_was_killed(own_nats_server: NatsServer, tmp_path: Path) -> None:
    bus = await own_nats_server.connect()
    with MonitorProcess(own_nats_server, tmp_path) as monitor:
        await performance(bus, lambda found: True)
        for _ in range(3):
            await publish(bus, task_event())
        await performance(bus, lambda found: found.completed == 3)
        own_nats_server.kill()
        own_nats_server.start()
        await publish(bus, task_event(TaskStatus.FAILED))
        found = await performance(bus, lambda found: found.failed == 1)
        assert found.completed == 3
        assert monitor.process.poll() is None
    await bus.close()


async def test_the_document_of_the_bus_comes_from_the_running_monitor(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    asyncapi = subjects.service_verb(subjects.SERVICE_DOCS, "asyncapi")
    found = await nats_bus.request(asyncapi, NoReply(), AsyncApiDocument, timeout=20)
    assert (found.root["asyncapi"], "submit" in str(found.root["channels"])) == ("3.0.0", True)


@pytest.mark.slow
async def test_executions_that_end_are_counted_and_a_restart_begins_nothing_anew(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url) as monitor:
        await readings(nats_bus, lambda found: found.executions == {"success": 0, "error": 0, "canceled": 0})
        for status in (ExecutionStatus.SUCCESS, ExecutionStatus.ERROR):
            await publish_execution(nats_bus, execution_event(status, timestamp=datetime.now(UTC)))
        found = await readings(nats_bus, lambda found: found.executions == {"success": 1, "error": 1, "canceled": 0})
        assert found.execution_success_rate == 0.5
        monitor.kill()
        await publish_execution(nats_bus, execution_event(timestamp=datetime.now(UTC)))
        monitor.restart()
        found = await readings(nats_bus, lambda found: found.execution_success_rate == pytest.approx(2 / 3))
        await readings(nats_bus, lambda found: found.executions == {"success": 2, "error": 1, "canceled": 0})


async def test_executions_are_not_told_while_postgresql_is_away(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    assert (await readings(nats_bus, lambda found: True)).executions == {}


async def test_it_tells_of_itself_and_of_other_processes(nats_bus: NatsBus, monitor: MonitorProcess) -> None:
    await readings(nats_bus, lambda found: True)
    sockets = [3]
    async with telling_vitals(nats_bus, "gui", lambda: sockets[0]):
        found = await readings(nats_bus, lambda found: {each.service for each in found.services} == {"gui", "monitor"})
    gui, own = found.services
    assert (gui.websocket_connections, own.websocket_connections) == (3, None)
    assert own.memory_bytes > 10_000_000


@pytest.mark.slow
async def test_it_keeps_what_was_measured_and_tells_it_as_soon_as_postgresql_is_there(
    nats_bus: NatsBus, nats_server: NatsServer, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    own_postgres.kill()
    verb = subjects.service_verb(subjects.SERVICE_METRICS, "history")
    asked = ListMetrics(agent_id="acacia", resolution=Resolution.RAW)
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=own_postgres.url):
        await performance(nats_bus, lambda found: True)
        await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", cpu_usage=12.5))
        with pytest.raises(DatabaseUnavailable):
            await nats_bus.request(verb, asked, MetricsHistory)
        own_postgres.start()
        async with asyncio.timeout(30):
            while not (found := await told(nats_bus, verb, asked)).points:
                await asyncio.sleep(0.05)
    assert found.points[0].values == {"cpu_usage": Spread(min=12.5, mean=12.5, max=12.5, n=1)}


async def told(bus: NatsBus, verb: str, asked: ListMetrics) -> MetricsHistory:
    try:
        return await bus.request(verb, asked, MetricsHistory)
    except DatabaseUnavailable:
        return MetricsHistory(agent_id=asked.agent_id, resolution=asked.resolution)
