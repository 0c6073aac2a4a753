"""What hundreds of hosts cost, and how soon it is known that many have died: `python -m tests.bench.sidecars [COUNT] [SECONDS]`.

A real NATS, a real PostgreSQL, a coordinator and a monitor; COUNT simulated sidecars (1,000), each with a connection of its own,
that beat once a second and measure every five. CPU is taken over SECONDS (60) while nothing runs and while every host has work.
Then DEATHS of them lose their connections at once, each with a task: from that moment until the last task runs on another host.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from uuid import uuid4

import psutil
import uvloop

from bus import subjects
from bus.client import Received
from bus.errors import HiveError
from bus.messages import AgentEvent, AgentList, AgentStatus, ClusterStatus, NoReply, TaskClass, TaskEvent, TaskRequest
from bus.nats_bus import NatsBus
from tests.bench.hive import BenchHive
from tests.bench.load import cpu_seconds
from tests.bench.simulated_sidecars import HOLD, INSTANT, Cut

DEATHS = 100
A_PROCESS = 500
"""Sidecars in one process."""
SETTLE_SECONDS = 10.0
MEASURED = ("coordinator", "monitor")
DEADLINE_SECONDS = 120


class Watch:
    """When each agent was told to be offline, and on whom each task was placed last, by the machine's monotonic clock."""

    def __init__(self) -> None:
        self.offline: dict[str, float] = {}
        self.homes: dict[str, tuple[str, float]] = {}
        self.completed = 0

    async def agent(self, received: Received) -> None:
        change = received.decode(AgentEvent).data
        if change.status is AgentStatus.OFFLINE:
            self.offline.setdefault(change.agent_id, monotonic())

    async def started(self, received: Received) -> None:
        change = received.decode(TaskEvent).data
        if change.agent_id is not None:
            self.homes[str(change.task_id)] = (change.agent_id, monotonic())

    async def ended(self, _received: Received) -> None:
        self.completed += 1


async def cluster(bus: NatsBus) -> ClusterStatus:
    return await bus.request(subjects.service_verb(subjects.SERVICE_QUEUE, "status"), NoReply(), ClusterStatus, timeout=10)


async def present(bus: NatsBus, count: int) -> float:
    """Seconds until so many are online."""
    began = monotonic()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                if (await cluster(bus)).agents.get("online", 0) >= count:
                    return monotonic() - began
            except HiveError:
                pass
            await asyncio.sleep(0.2)


async def submit(bus: NatsBus, model: str) -> str:
    task_id = uuid4()
    body = TaskRequest(prompt="Say hello", model=model, timeout_seconds=3600).model_dump_json(exclude_defaults=True).encode()
    await bus.publish_durable(subjects.submit("default", TaskClass.MEDIUM, task_id), body, message_id=f"default.{task_id}")
    return str(task_id)


async def cost(title: str, processes: dict[str, psutil.Process], seconds: float) -> None:
    """Prints percent of a core over so many seconds."""
    before, began = cpu_seconds(processes), monotonic()
    await asyncio.sleep(seconds)
    wall = monotonic() - began
    percent = {name: (used - before[name]) / wall * 100 for name, used in cpu_seconds(processes).items()}
    together = sum(percent[name] for name in MEASURED)
    each = ", ".join(f"{name} {value:.1f}" for name, value in percent.items())
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{title}: coordinator and monitor {together:.1f} % of a core ({each}); load average {load}", flush=True)


async def deaths(bus: NatsBus, watch: Watch, groups: list[int], tasks: int) -> None:
    dying = min(DEATHS, tasks // 10) // len(groups)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(watch.homes) < tasks:
            await asyncio.sleep(0.05)
    asked = [bus.request_raw(f"bench.cut.{first}", str(dying).encode(), timeout=10) for first in groups]
    cuts = [received.decode(Cut) for received in await asyncio.gather(*asked)]
    dead = {agent_id: cut.at for cut in cuts for agent_id in cut.agents}
    theirs = {task: dead[agent_id] for task, (agent_id, _) in watch.homes.items() if agent_id in dead}
    async with asyncio.timeout(30):
        while not all(agent_id in watch.offline for agent_id in dead) or not all(
            watch.homes[task][0] not in dead for task in theirs
        ):
            await asyncio.sleep(0.01)
    known = sorted(watch.offline[agent_id] - at for agent_id, at in dead.items())
    again = sorted(watch.homes[task][1] - at for task, at in theirs.items())
    print(
        f"{len(dead)} deaths at once: offline after {known[len(known) // 2]:.2f} s (last {known[-1]:.2f}); "
        f"their {len(again)} tasks run elsewhere after {again[len(again) // 2]:.2f} s (last {again[-1]:.2f})",
        flush=True,
    )


async def measure(folder: Path, count: int, seconds: float) -> None:
    with ExitStack() as ends:
        hive = BenchHive(ends, folder)
        for name, module in (("coordinator", "coordinator.main"), ("monitor", "monitor.main")):
            hive.start(name, module)
        async with AsyncExitStack() as stack:
            bus = await hive.connect()
            stack.push_async_callback(bus.close)
            watch = Watch()
            for subject, handler in (
                (subjects.events("agent.*"), watch.agent),
                (subjects.events("task.started"), watch.started),
                (subjects.events("task.completed"), watch.ended),
            ):
                await bus.subscribe(subject, handler)
            groups = list(range(0, count, A_PROCESS))
            for first in groups:
                words = (str(first), str(min(A_PROCESS, count - first)))
                hive.processes[f"sidecars from {first}"] = hive.other(
                    "tests.bench.simulated_sidecars", *words, NATS_URL=hive.server.url
                )
            print(f"{count} sidecars are online after {await present(bus, count):.1f} s", flush=True)
            await asyncio.sleep(SETTLE_SECONDS)
            await cost("idle", hive.processes, seconds)
            for _ in range(count):
                await submit(bus, HOLD)
            await asyncio.sleep(SETTLE_SECONDS)
            await cost("each with a task", hive.processes, seconds)
            await deaths(bus, watch, groups, count)
            rate = asyncio.create_task(_trickle(bus))
            await asyncio.sleep(SETTLE_SECONDS)
            await cost("and 20 tasks/s", hive.processes, seconds)
            rate.cancel()
            listed = await bus.request(subjects.service_verb("agents", "list"), NoReply(), AgentList, timeout=30)
            print(f"{len(listed.agents)} agents listed, {watch.completed} tasks completed meanwhile")
            resident = ", ".join(f"{name} {each.memory_info().rss / 1e6:.0f}" for name, each in hive.processes.items())
            print(f"MB resident: {resident}")


async def _trickle(bus: NatsBus) -> None:
    while True:
        await submit(bus, INSTANT)
        await asyncio.sleep(0.05)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(measure(Path(folder), count, seconds))


if __name__ == "__main__":
    main()
