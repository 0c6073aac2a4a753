"""Kill -9 of any one process of `hive up` under light load, with its real small model, and of the whole hive: nothing that was acknowledged is lost."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from tests.chaos.checker import Verdict, judge
from tests.chaos.clients import Submitter
from tests.chaos.doors import Doors
from tests.chaos.history import Acknowledged, Log, of
from tests.chaos.settling import settle
from tests.chaos.topology import KEY
from tests.parts.hive import Hive

EACH = ("sidecar-local", "coordinator", "gateway", "nats", "postgres", "valkey", "monitor", "gui")
LOAD_SECONDS = 1.5
BACK_SECONDS = 60


@pytest.mark.timeout(400)
async def test_any_one_process_and_then_all_of_them(hive: Hive, tmp_path: Path) -> None:
    history = Log(tmp_path / "history.jsonl")
    await under_load(hive, history, [kill(hive, name) for name in EACH])
    before = acknowledged(tmp_path)
    assert before > len(EACH)

    await asyncio.to_thread(kill_all, hive)
    await asyncio.to_thread(hive.start)
    await under_load(hive, history, [])
    assert acknowledged(tmp_path) > before

    verdict = await settled(hive, history, tmp_path)
    history.close()
    print(verdict)
    assert not verdict.broken, verdict


def acknowledged(folder: Path) -> int:
    return len(of(Log.read(folder / "history.jsonl"), Acknowledged))


async def under_load(hive: Hive, history: Log, faults: list[Coroutine[Any, Any, None]]) -> None:
    """Faults one after the other, each after a while of load, while two clients go on submitting."""
    doors = Doors([hive.json("status")["api"]], KEY)
    base = f"real{os.urandom(3).hex()}"
    clients = [
        Submitter(f"{base}-{number}", history, Random(number), doors, pause_seconds=0.15, real=True) for number in (1, 2)
    ]
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run(stopped))
        await asyncio.sleep(LOAD_SECONDS)
        for fault in faults:
            await fault
            await asyncio.sleep(LOAD_SECONDS)
        stopped.set()
    await doors.close()


async def kill(hive: Hive, name: str) -> None:
    """Returns when another process of that name serves."""
    async with asyncio.timeout(BACK_SECONDS):
        while name not in hive.pids():
            await asyncio.sleep(0.05)
        old = hive.pids()[name]
        os.kill(old, signal.SIGKILL)
        while hive.pids().get(name, old) == old:
            await asyncio.sleep(0.05)


def kill_all(hive: Hive) -> None:
    """Supervisor first, as a power cut has no order; the rest must follow it by themselves."""
    family = hive.family()
    family[0].kill()
    _, alive = psutil.wait_procs(family, timeout=BACK_SECONDS)
    assert not alive, f"orphans: {alive}"
    assert hive.process is not None
    hive.process.wait()


async def settled(hive: Hive, history: Log, folder: Path) -> Verdict:
    status = hive.json("status")
    doors = Doors([status["api"]], KEY)
    settings = HiveSettings.model_validate({"nats_url": status["nats"]["url"]})
    bus = await NatsBus.connect(settings, "checker", timeout=10)
    try:
        await settle(doors, bus, history)
    finally:
        await bus.close()
        await doors.close()
    return judge(Log.read(folder / "history.jsonl"))
