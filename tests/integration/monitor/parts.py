"""A monitor as its own process, and its verb."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar
from uuid import uuid4

from pydantic import BaseModel

from bus import subjects
from bus.client import Bus
from bus.errors import DeadlineExceeded, Unavailable
from bus.messages import AgentPerformance, ClusterPerformance, EventType, NoReply, TaskEvent
from bus.messages.events import WorkflowEvent
from bus.messages.readings import MonitorReadings
from bus.permissions import MONITOR
from tests.parts.nats import NatsServer

ROOT = Path(__file__).parents[3]
M = TypeVar("M", bound=BaseModel)


class MonitorProcess:
    """`python -m monitor.main`, as the supervisor starts it."""

    def __init__(self, server: NatsServer, folder: Path, **env: str) -> None:
        self._log = (folder / "monitor.log").open("ab")
        self._env = {
            **os.environ,
            "NATS_URL": server.url_of(MONITOR),
            "HIVE_DATA_DIR": str(folder),
            "HIVE_LOG_FORMAT": "json",
            **env,
        }
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "monitor.main"]
        return subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=self._log, stderr=self._log)

    def restart(self) -> None:
        self.process = self._start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        began = monotonic()
        self.process.terminate()
        self.process.wait(timeout=10)
        return monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        self._log.close()


async def publish(bus: Bus, event: TaskEvent, *, message_id: str | None = None) -> int:
    """As the coordinator does: with the event's own id. Returns its position in the stream."""
    subject = subjects.event(subjects.DEFAULT_TENANT, event.type, event.data.task_id)
    return (await bus.publish_durable(subject, event, message_id=message_id or event.id, timeout=15)).sequence


async def publish_execution(bus: Bus, event: WorkflowEvent, *, message_id: str | None = None) -> None:
    """As an engine does."""
    subject = subjects.event(subjects.DEFAULT_TENANT, event.type, event.data.execution_id)
    await bus.publish_durable(subject, event, message_id=message_id or event.id, timeout=15)


async def performance(bus: Bus, until: Callable[[ClusterPerformance], bool], seconds: float = 20) -> ClusterPerformance:
    return await _told(bus, "performance", ClusterPerformance, until, seconds)


async def readings(bus: Bus, until: Callable[[MonitorReadings], bool], seconds: float = 20) -> MonitorReadings:
    return await _told(bus, "readings", MonitorReadings, until, seconds)


async def _told(bus: Bus, verb: str, answer: type[M], until: Callable[[M], bool], seconds: float) -> M:
    """Asks again and again until the answer is as it should be; the last answer is in the error."""
    found: M | None = None
    subject = subjects.service_verb(subjects.SERVICE_METRICS, verb)
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    found = await bus.request(subject, NoReply(), answer, timeout=2)
                except (Unavailable, DeadlineExceeded):
                    continue
                if until(found):
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s; the last answer was {found}") from None


def agent(found: ClusterPerformance, agent_id: str) -> AgentPerformance:
    return next((a for a in found.agents if a.agent_id == agent_id), AgentPerformance(agent_id=agent_id))


async def publish_poison(bus: Bus) -> None:
    """Something on the subject of an end that is no event."""
    subject = subjects.event(subjects.DEFAULT_TENANT, EventType.TASK_COMPLETED, uuid4())
    await bus.publish_durable(subject, b"no event", message_id=subject)


async def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)
