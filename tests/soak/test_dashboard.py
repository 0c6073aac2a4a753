"""The dashboard's memory is flat: `make soak MINUTES=60`. Pages are opened, looked at and left one after the other, while others stay open and
hosts never stop telling; what a visit leaves behind would show as memory that follows their number."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import httpx
import psutil
import pytest

from bus.messages import AgentRecord, AgentStatus, ModelInfo, PerformanceMetrics, TaskRequest
from bus.nats_bus import NatsBus
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive
from tests.parts.nats import NatsServer
from tests.parts.open_page import OpenPage
from tests.soak.judge import HEADER, MIB, Allowance, Sample, judge

MINUTES: Final = float(os.environ.get("HIVE_SOAK_MINUTES", "2"))
EVERY_SECONDS: Final = 2.0
AROUND_SECONDS: Final = 120
HOSTS: Final = 50
STAYING: Final = 4
LANES: Final = 3
VISIT_SECONDS: Final = 1.0
"""From one visit of a lane to its next, at least: pages that were left are held for a time, so their number follows the pace, which a machine's other work must not set."""
PATIENCE_SECONDS: Final = 60
PATHS: Final = ("/", "/tasks", "/agents", "/agents/host-7", "/models", "/playground", "/timeline", "/settings", "/workflows")

ALLOWANCES: Final = (
    # A page that was left is held for 20 s, with what it was sent: so a level is reached soon, and moves with how many come at once.
    Allowance(pattern="gui.memory", each=1024, noise=8 * MIB),
    Allowance(pattern="gui.files", each=0.002, noise=12),
)


@pytest.fixture
async def scripted(nats_bus: NatsBus) -> AsyncIterator[ScriptedHive]:
    hive = ScriptedHive(nats_bus)
    await hive.lead()
    yield hive
    await hive.resign()


@pytest.fixture
async def gui(scripted: ScriptedHive, nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[GuiProcess]:
    gui = GuiProcess(tmp_path, nats_server.url)
    await gui.start()
    yield gui
    gui.kill()


class Visits:
    """`number` of them have ended."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http, self._random, self.number = http, Random(9), 0

    async def come_and_go(self) -> None:
        while True:
            next_at = monotonic() + VISIT_SECONDS
            async with asyncio.timeout(PATIENCE_SECONDS), OpenPage(self._http, self._random.choice(PATHS)) as page:
                await page.shown()
            self.number += 1
            await asyncio.sleep(next_at - monotonic())

    async def stay(self) -> None:
        async with OpenPage(self._http, "/"):
            await asyncio.Event().wait()


async def telling(hive: ScriptedHive) -> None:
    """Each host's figures twice a second, and a task that comes and ends."""
    for host in range(HOSTS):
        models = (ModelInfo(name="llama3.1:8b", loaded=True), ModelInfo(name="phi3:mini"))
        name = f"host-{host}"
        await hive.agent(
            AgentRecord(agent_id=name, name=name, endpoint="http://h:1", status=AgentStatus.ONLINE, slots=2, models=models)
        )
    for turn in count():
        for host in range(HOSTS):
            usage = float((turn + host) % 100)
            figures = PerformanceMetrics(
                agent_id=f"host-{host}", timestamp=datetime.now(UTC), cpu_usage=usage, gpu_usage=usage, active_tasks=1
            )
            await hive.metrics(figures)
            await asyncio.sleep(0.5 / HOSTS)
        task = await hive.add(TaskRequest(prompt="Hum.", title=f"Task {turn}"))
        await hive.assign(task.id, f"host-{turn % HOSTS}")
        await hive.complete(task.id, "Hum.")
        del hive.tasks[task.id]


async def sampled(process: psutil.Process, visits: Visits) -> list[Sample]:
    samples, began = list[Sample](), monotonic()
    while (seconds := monotonic() - began) < MINUTES * 60:
        gauges = {"gui.memory": float(process.memory_full_info().uss), "gui.files": float(process.num_fds())}
        samples.append(Sample(seconds=seconds, tasks=visits.number, gauges=gauges))
        await asyncio.sleep(EVERY_SECONDS)
    return samples


def curve(samples: list[Sample]) -> str:
    """Ten points of it."""
    some = samples[:: max(1, len(samples) // 10)]
    return "\n".join(f"{s.seconds / 60:5.1f} min  {s.tasks:6} visits  {s.gauges['gui.memory'] / MIB:6.1f} MiB" for s in some)


@pytest.mark.timeout(MINUTES * 60 + AROUND_SECONDS)
async def test_the_dashboard_keeps_nothing_of_pages_that_were_left(gui: GuiProcess, scripted: ScriptedHive) -> None:
    assert gui.process is not None
    scripted.tickets["a-ticket"] = ADMIN
    anew = httpx.Limits(
        max_keepalive_connections=0
    )  # else a connection is used again in the moment in which the server gives it up
    async with httpx.AsyncClient(base_url=gui.url, timeout=PATIENCE_SECONDS, follow_redirects=True, limits=anew) as http:
        await http.get("/login?ticket=a-ticket")
        visits = Visits(http)
        lanes = [telling(scripted), *(visits.stay() for _ in range(STAYING)), *(visits.come_and_go() for _ in range(LANES))]
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(lane) for lane in lanes]
            samples = await sampled(psutil.Process(gui.process.pid), visits)
            for lane in running:
                lane.cancel()
    found = judge(samples, ALLOWANCES)
    print(f"\n{visits.number} visits in {MINUTES:g} minutes\n{curve(samples)}\n{HEADER}", *found, sep="\n")
    assert not [growth.gauge for growth in found if growth.grows]
