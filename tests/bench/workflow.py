"""The workflow engine as it is served: `python -m tests.bench.workflow`. Real NATS and PostgreSQL (synced), one engine process, webhooks by the bus.

The door is left out: what is measured is the engine with its record. CPU is that of the engine's process. `--memory`: memory alone.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psutil

from bus import subjects
from bus.client import Bus
from bus.messages.workflows import ListWorkflows, WebhookCall, WebhookReply, WorkflowList
from tests.conftest import folder_for_others
from tests.integration.workflow.parts import Workflows
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

DATA = Path(__file__).parents[1] / "data" / "n8n" / "bench"
AT_ONCE = 16


async def call(bus: Bus, path: str, body: Any) -> WebhookReply:
    subject = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
    reply = await bus.request(subject, WebhookCall(path=path, method="POST", body=body), WebhookReply, timeout=120)
    if reply.status != 200:
        raise RuntimeError(f"{path}: {reply}")
    return reply


async def many(run: Callable[[], Awaitable[object]], count: int, at_once: int) -> None:
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await run()

    await asyncio.gather(*(work() for _ in range(at_once)))


async def measure(name: str, engine: psutil.Process, run: Callable[[], Awaitable[object]], count: int, at_once: int) -> None:
    await many(run, max(2, count // 10), at_once)
    before, began = engine.cpu_times(), perf_counter()
    await many(run, count, at_once)
    seconds, after = perf_counter() - began, engine.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    memory = engine.memory_info().rss / 1e6
    print(
        f"{name:<26}{count / seconds:>12.1f}{seconds / count * at_once * 1000:>12.1f}{cpu / count * 1000:>12.2f}{memory:>10.0f}"
    )


async def bench(bus: Bus, engine: psutil.Process) -> None:
    workflows = Workflows(bus)
    for file in sorted(DATA.glob("*.json")):
        await workflows.create(json.loads(file.read_text()), active=True)
    print(f"{'workflow':<26}{'runs/s':>12}{'ms each':>12}{'CPU ms each':>12}{'RSS MB':>10}")
    person = {"amount": 60, "name": "ann lee"}
    for name, body, count, at_once in (
        ("bench-pipeline", person, 2000, AT_ONCE),
        ("bench-pipeline-nosave", person, 2000, AT_ONCE),
        ("bench-chain100-set", {}, 100, 1),
        ("bench-chain100-noop", {}, 100, 1),
        ("bench-items-full", {"n": 1000}, 20, 1),
        ("bench-items-gen-each", {"n": 10_000}, 10, 1),
    ):
        await measure(name, engine, lambda name=name, body=body: call(bus, name, body), count, at_once)


def resident(engine: psutil.Process) -> float:
    """MB now."""
    return float(engine.memory_info().rss) / 1e6


def peak(engine: psutil.Process) -> float:
    """MB at most, since `forget_peak`."""
    lines = Path(f"/proc/{engine.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


def forget_peak(engine: psutil.Process) -> None:
    Path(f"/proc/{engine.pid}/clear_refs").write_text("5")


async def memory(bus: Bus, engine: psutil.Process) -> None:
    """Of an engine that has run nothing, then of one that runs 10,000 items in a code node for each."""
    idle = resident(engine)
    workflows = Workflows(bus)
    await workflows.create(json.loads((DATA / "bench-items-gen-each.json").read_text()), active=True)
    forget_peak(engine)
    print(f"memory: idle {idle:.0f} MB (of which pages of files {engine.memory_info().shared / 1e6:.0f})")
    for runs in (1, 9):
        await many(lambda: call(bus, "bench-items-gen-each", {"n": 10_000}), runs, 1)
        print(f"memory: 10,000 items, {runs:>2} more runs: at most {peak(engine):.0f}, then {resident(engine):.0f} MB")


async def served(nats: NatsServer, process: "subprocess.Popen[bytes]", work: Callable[..., Awaitable[None]]) -> None:
    bus = await nats.connect()
    subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "list")
    await bus.request(subject, ListWorkflows(), WorkflowList, timeout=90)
    await work(bus, psutil.Process(process.pid))
    await bus.close()


def with_engine(work: Callable[..., Awaitable[None]]) -> None:
    """In a hive of its own, so that one part leaves nothing in the memory of the other."""
    with TemporaryDirectory() as folder, folder_for_others("bench") as database:
        nats, postgres = NatsServer(Path(folder)), PostgresServer(database)
        nats.start()
        postgres.start()
        environment = {**os.environ, "NATS_URL": nats.url, "HIVE_DATABASE_URL": postgres.url, "HIVE_DATA_DIR": folder}
        with Path(folder, "engine.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "workflow.main"], env=environment, stdout=log, stderr=log)
        try:
            asyncio.run(served(nats, process, work))
        finally:
            process.terminate()
            process.wait(10)
            postgres.stop()
            nats.kill()


def main() -> None:
    with_engine(memory)
    if "--memory" not in sys.argv:
        with_engine(bench)


if __name__ == "__main__":
    main()
