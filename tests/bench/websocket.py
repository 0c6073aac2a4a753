"""How late `/ws` is with many clients, and what those cost that do not read: `python -m tests.bench.websocket [CLIENTS SECONDS]`

One gateway as its own process on a real bus. Clients are spread over topics: one agent, all agents, one user, one execution, the cluster's
status, alerts. A hundred events a second go out, of agents, tasks and executions in turn; each carries when it was published, and
a client's clock is the publisher's, so a delay is from before the bus to after the client's parsing. Clients run in this process, which
therefore pays for them; what the gateway itself uses is told apart. Then fifty more follow everything and never read.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Final
from uuid import UUID, uuid5

import psutil
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bus import auth, subjects
from bus.messages import (
    AgentChange,
    AgentEvent,
    AgentStatus,
    Claims,
    EventType,
    Role,
    TaskChange,
    TaskEvent,
    TaskStatus,
)
from bus.messages.events import HiveEvent, WorkflowEvent
from bus.messages.workflows import ExecutionStatus, WorkflowChange
from bus.nats_bus import NatsBus
from bus.nats_streams import declare
from bus.together import end
from tests.parts.nats import NatsServer

CLIENTS: Final = 1000
SECONDS: Final = 20.0
A_SECOND: Final = 100
DEAF: Final = 50
AGENTS: Final = 50
USERS: Final = 50
KEY: Final = "sk-hive-bench-0123456789abcdef0123456789abcdef"
ROOT: Final = Path(__file__).parents[2]
_IDS: Final = UUID("5f0c4e0a-7a0e-5d5e-9b1c-6d1a0f5c3e22")


def execution(number: int) -> UUID:
    return uuid5(_IDS, str(number % AGENTS))


def topics(number: int) -> tuple[str, ...]:
    """Of a client: one in fifty follows all agents, the others what is somebody's."""
    if number % 50 == 0:
        return ("agent.*",)
    kinds = (f"agent.host-{number % AGENTS:04}", f"user.u{number % USERS}", f"execution.{execution(number)}", "alerts.*")
    return (kinds[number % 4], "cluster.status")


def event(number: int) -> tuple[str, HiveEvent]:  # type: ignore[type-arg]
    """Subject and event; `reason` and the like carry nothing, since its timestamp is when it was made."""
    now, which = datetime.now(UTC), number // 3
    if number % 3 == 0:
        agent = f"host-{which % AGENTS:04}"
        change = AgentChange(agent_id=agent, status=AgentStatus.ONLINE, reason=f"{time():.6f}")
        made = AgentEvent(id=f"a{number}", type=EventType.AGENT_STATUS_CHANGED, source="bench", timestamp=now, data=change)
        return subjects.event("default", made.type, agent), made
    if number % 3 == 1:
        task_id = uuid5(_IDS, f"t{number}")
        of_task = TaskChange(
            task_id=task_id,
            status=TaskStatus.RUNNING,
            rank=2,
            priority=3,
            owner=f"u{which % USERS}",
            reason=f"{time():.6f}",
        )
        told = TaskEvent(id=f"t{number}", type=EventType.TASK_STARTED, source="bench", timestamp=now, data=of_task)
        return subjects.event("default", told.type, task_id), told
    of_run = WorkflowChange(
        execution_id=execution(which),
        owner=f"u{which % USERS}",
        status=ExecutionStatus.RUNNING,
        mode="manual",
        node=f"{time():.6f}",
    )
    ran = WorkflowEvent(id=f"w{number}", type=EventType.WORKFLOW_NODE_COMPLETED, source="bench", timestamp=now, data=of_run)
    return subjects.event("default", ran.type, execution(which)), ran


class Heard:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def take(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] != "data" or message["topic"] == "cluster.status":
            return
        data = message["data"]
        sent = data.get("reason") or data.get("node") or data.get("data", {}).get("node")
        if sent is not None:
            self.seconds.append(time() - float(sent))


async def follow(port: int, followed: Sequence[str]) -> ClientConnection:
    client = await connect(
        f"ws://127.0.0.1:{port}/ws",
        additional_headers={"Authorization": f"Bearer {KEY}"},
        compression=None,
        max_queue=16,
        ping_interval=None,
        open_timeout=60,
    )
    for topic in followed:
        await client.send(json.dumps({"type": "subscribe", "topic": topic}))
        while json.loads(await client.recv())["type"] != "subscribe":
            pass
    return client


async def listen(client: ClientConnection, heard: Heard) -> None:
    async for text in client:
        heard.take(str(text))


async def publish(bus: NatsBus, seconds: float) -> int:
    """A hundred a second, evenly; returns how many went out."""
    began = perf_counter()
    for number in range(int(seconds * A_SECOND)):
        await asyncio.sleep(max(0.0, began + number / A_SECOND - perf_counter()))
        subject, made = event(number)
        await bus.publish(subject, made)
    return int(seconds * A_SECOND)


def told(name: str, seconds: list[float]) -> None:
    found = sorted(seconds)
    p50, p95, p99 = (1000 * found[int(len(found) * part)] for part in (0.5, 0.95, 0.99))
    print(
        f"{name}: {len(found):,} deliveries, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, most {1000 * found[-1]:.1f} ms"
    )


async def turn(name: str, bus: NatsBus, gateway: psutil.Process, heard: Heard, seconds: float) -> None:
    heard.seconds.clear()
    before, own, began = cpu(gateway), cpu(psutil.Process()), perf_counter()
    waited = waits(gateway)
    sent = await publish(bus, seconds)
    await asyncio.sleep(1)
    wall = perf_counter() - began
    shares = f"gateway {100 * (cpu(gateway) - before) / wall:.0f} % of a core, bench {100 * (cpu(psutil.Process()) - own) / wall:.0f} %"
    shares += f"; it waited for a core {100 * (waits(gateway) - waited) / wall:.0f} % of the time"
    told(f"{name}, {sent / wall:.0f} events/s", heard.seconds)
    print(f"  {shares}; gateway has {gateway.memory_info().rss / 2**20:.0f} MB", flush=True)


def waits(process: psutil.Process) -> float:
    """Seconds that it was ready to run and had no core, as Linux counts them for its main thread: the machine's doing, not the gateway's."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def run(nats: NatsServer, folder: Path, clients: int, seconds: float) -> None:
    bus = await nats.connect()
    await declare(bus)
    await bus.put(subjects.KV_KEYS, auth.hash_key(KEY), Claims(sub="bench", roles=(Role.ADMIN,)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    env = {
        **os.environ,
        "NATS_URL": nats.url,
        "HIVE_DATA_DIR": str(folder),
        "HIVE_API_PORT": str(port),
        "HIVE_WS_SILENCE_SECONDS": "3600",
    }
    with (folder / "gateway.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "coordinator.gateway.main", cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            await bench(bus, psutil.Process(process.pid), port, clients, seconds)
        finally:
            process.terminate()
            await process.wait()
            await bus.close()


async def bench(bus: NatsBus, gateway: psutil.Process, port: int, clients: int, seconds: float) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                first = await follow(port, ())
                break
            except OSError:
                await asyncio.sleep(0.1)
    heard = Heard()
    print(f"gateway alone: {gateway.memory_info().rss / 2**20:.0f} MB")
    opened = perf_counter()
    following = []
    for number in range(clients):
        following.append(asyncio.create_task(listen(await follow(port, topics(number)), heard)))
    print(f"{clients} clients in {perf_counter() - opened:.1f} s; gateway has {gateway.memory_info().rss / 2**20:.0f} MB")
    await turn("all read", bus, gateway, heard, seconds)
    deaf = [await follow(port, ("agent.*", "user.*", "execution.*")) for _ in range(DEAF)]
    for part in range(3):
        await turn(f"{DEAF} of all do not read, part {part + 1}", bus, gateway, heard, seconds)
    await end(following)
    await first.close()
    for client in deaf:
        client.transport.abort()


def main() -> None:
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else CLIENTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with TemporaryDirectory() as folder:
        nats = NatsServer(Path(folder))
        nats.start()
        try:
            uvloop.run(run(nats, Path(folder), clients, seconds))
        finally:
            nats.kill()


if __name__ == "__main__":
    main()
