"""Kill -9 of any one process under light load, and of the whole hive: nothing that was acknowledged is lost or done twice."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

import psutil

from tests.chaos.checker import Client, History, Verdict, announced_ends, judge
from tests.chaos.conftest import KEY
from tests.parts.hive import Hive

EACH = ("sidecar-local", "coordinator", "gateway", "nats", "postgres", "valkey", "monitor", "gui")
LOAD_SECONDS = 1.5
BACK_SECONDS = 60
SETTLE_SECONDS = 180


async def test_any_one_process_and_then_all_of_them(hive: Hive) -> None:
    history = History()
    await under_load(hive, history, [kill(hive, name) for name in EACH])
    before = len(history.acknowledged)
    assert before > len(EACH)

    await asyncio.to_thread(kill_all, hive)
    await asyncio.to_thread(hive.start)
    await under_load(hive, history, [])
    assert len(history.acknowledged) > before

    verdict = await settle(hive, history)
    print(verdict, dict(history.refused))
    assert verdict.holds, verdict


async def under_load(hive: Hive, history: History, faults: list[Coroutine[Any, Any, None]]) -> None:
    """Faults one after the other, each after a while of load, while two clients go on submitting."""
    clients = [Client(hive.json("status")["api"], KEY, history) for _ in range(2)]
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.submit_until(stopped))
        await asyncio.sleep(LOAD_SECONDS)
        for fault in faults:
            await fault
            await asyncio.sleep(LOAD_SECONDS)
        stopped.set()
    for client in clients:
        await client.close()


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


async def settle(hive: Hive, history: History) -> Verdict:
    status = hive.json("status")
    client = Client(status["api"], KEY, history)
    try:
        records = await client.ended(SETTLE_SECONDS)
    finally:
        await client.close()
    return judge(history, records, await announced_ends(status["nats"]["url"]))
