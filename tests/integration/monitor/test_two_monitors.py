"""Two monitors at once, as an update that starts the new one first has them: what they tell is told once."""

import asyncio
from pathlib import Path

import pytest

from bus import subjects
from bus.errors import DeadlineExceeded, Unavailable
from bus.messages import NoReply, Timings, Usage
from bus.messages.alerts import AlertList, ListAlerts
from bus.messages.readings import MonitorReadings
from bus.nats_bus import NatsBus
from tests.integration.monitor.asking import ask
from tests.integration.monitor.parts import MonitorProcess, performance, publish, publish_execution, readings
from tests.parts.nats import NatsServer
from tests.parts.otlp import receiving
from tests.unit.monitor.events import execution_event, task_event

pytestmark = pytest.mark.slow

MANY = 40
"""Answers in a row: either of two gives each, by chance."""


async def test_what_two_monitors_tell_is_told_once(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    ended, counts = 5, {"success": 5, "error": 0, "canceled": 0}
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with receiving() as receiver:
        env = {"HIVE_DATABASE_URL": database_url, "HIVE_OTLP_ENDPOINT": receiver.url}
        with MonitorProcess(nats_server, folders[0], **env) as one, MonitorProcess(nats_server, folders[1], **env) as two:
            await ask(nats_bus, "list", ListAlerts(), AlertList)
            await both_are_there(nats_bus)
            for _ in range(ended):
                event = task_event(model="m", usage=Usage(completion_tokens=10), timings=Timings(total_seconds=2))
                await publish(nats_bus, event)
                await publish_execution(nats_bus, execution_event())
            await readings(nats_bus, lambda found: found.executions == counts)
            for _ in range(MANY):
                await performance(nats_bus, lambda found: found.completed == ended)
                await readings(nats_bus, lambda found: found.executions == counts)
            for process in (one, two):
                process.stop()
            one.restart()
            await readings(nats_bus, lambda found: found.executions == counts)
    points = [point for _, point in receiver.metrics["gen_ai.client.operation.duration"]]
    last = {point.start_time_unix_nano: point.sum for point in sorted(points, key=lambda point: point.time_unix_nano)}
    assert sum(last.values()) == 2 * ended, "what each exporter said last, together"


async def both_are_there(bus: NatsBus) -> None:
    """Each listens, knows the past, and has heard of the other."""
    subject, answers = subjects.service_verb(subjects.SERVICE_METRICS, "readings"), 0
    async with asyncio.timeout(60):
        while answers < MANY:
            try:
                found = await bus.request(subject, NoReply(), MonitorReadings, timeout=2)
            except (Unavailable, DeadlineExceeded):
                answers = 0
                continue
            there = [each for each in found.services if each.service == "monitor"]
            answers = answers + 1 if len(there) == 2 else 0
