"""Servers that come and go, time after time, leave nothing behind in those who outlive them: no handle, no thread, no memory."""

import asyncio
import os
from datetime import UTC, datetime
from time import monotonic

import asyncpg
import httpx
import psutil
import pytest

from monitor.alerting.leading import LOCK
from tests.soak.allowances import RESTARTS
from tests.soak.backend import MODEL, speak
from tests.soak.gauges import Gauges
from tests.soak.hive import KEY, SERVICES, SoakHive
from tests.soak.judge import HEADER, Sample, judge

ROUNDS = max(12, int(6 * float(os.environ.get("HIVE_SOAK_MINUTES", "2"))))
ROUND_SECONDS = 60
"""For one server to come back, everybody to notice, and a task to go through."""


@pytest.mark.timeout(ROUNDS * ROUND_SECONDS)
async def test_servers_that_come_and_go_leave_nothing_behind(hive: SoakHive) -> None:
    samples, began = list[Sample](), monotonic()
    async with httpx.AsyncClient(base_url=hive.api, headers={"Authorization": f"Bearer {KEY}"}, timeout=10) as http:
        for number in range(ROUNDS):
            for name in ("nats", "postgres"):
                await hive.restart(name)
                since = datetime.now(UTC)
                async with asyncio.timeout(ROUND_SECONDS):
                    await goes_through(http)
                    await monitored(hive, since)
            samples.append(Sample(seconds=monotonic() - began, tasks=number, gauges=await read(hive)))
    found = [growth for growth in judge(samples, RESTARTS) if growth.gauge.partition(".")[0] in SERVICES]
    print(f"\n{ROUNDS} restarts of each server in {monotonic() - began:.0f} s\n{HEADER}")
    print("\n".join(map(str, found)))
    assert not [growth.gauge for growth in found if growth.grows]


async def goes_through(http: httpx.AsyncClient) -> None:
    """Until a task completes, which takes every server, and every service but the monitor."""
    while True:
        try:
            answer = await http.post("/api/tasks", params={"wait": 5}, json={"prompt": speak(2, 0.01), "model": MODEL})
            if answer.status_code == 201 and answer.json()["status"] == "completed":
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)


async def monitored(hive: SoakHive, since: datetime) -> None:
    """Until the monitor has all its connections again: it notices late that PostgreSQL went, and tries it every other second. By then one
    of them holds the lock of alerts, and another has counted what was used by a task that ended since.
    """
    while not await asked(hive, "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", LOCK):
        await asyncio.sleep(0.1)
    while not await asked(hive, "SELECT max(at) >= $1 FROM usage_counted", since):
        await asyncio.sleep(0.1)


async def asked(hive: SoakHive, question: str, *values: object) -> bool:
    database = await asyncpg.connect(hive.postgres.url)
    try:
        return bool(await database.fetchval(question, *values))
    finally:
        await database.close()


async def read(hive: SoakHive) -> dict[str, float]:
    async with httpx.AsyncClient(timeout=10) as http:
        database = await asyncpg.connect(hive.postgres.url)
        gauges = Gauges(hive, http, database)
        try:
            return await gauges.read()
        except psutil.NoSuchProcess:  # one that has only just gone
            return {}
        finally:
            await gauges.close()
            await database.close()
