"""Nothing grows with the work that was done: `make soak MINUTES=60`. Varied load on real parts, sampled every few seconds, judged at the end."""

import asyncio
import json
import os
from pathlib import Path
from random import Random
from time import monotonic

import asyncpg
import httpx
import pytest

from tests.soak.allowances import ALLOWANCES
from tests.soak.gauges import Gauges
from tests.soak.hive import SoakHive
from tests.soak.judge import HEADER, Sample, judge
from tests.soak.load import Load

MINUTES = float(os.environ.get("HIVE_SOAK_MINUTES", "2"))
EVERY_SECONDS = 3.0
AROUND_SECONDS = 300
"""For the start, for what is still running at the end, and for the stop."""


@pytest.mark.timeout(MINUTES * 60 + AROUND_SECONDS)
async def test_nothing_grows_with_the_tasks_that_were_done(hive: SoakHive, tmp_path: Path) -> None:
    load, stopped = Load(hive, Random(1)), asyncio.Event()
    running = asyncio.create_task(load.run(stopped))
    try:
        samples = await sampled(hive, load)
    finally:
        stopped.set()
        await running
    (tmp_path / "samples.json").write_text(json.dumps([[s.seconds, s.tasks, s.gauges] for s in samples]))
    found = judge(samples, ALLOWANCES)
    print(f"\n{load.tasks} tasks in {MINUTES:g} minutes: {load.ends}; wrong: {dict(load.wrong)}\n{HEADER}")
    print("\n".join(map(str, found)))
    assert not [growth.gauge for growth in found if growth.grows or growth.overflows]
    assert not load.wrong


async def sampled(hive: SoakHive, load: Load) -> list[Sample]:
    samples, began = list[Sample](), monotonic()
    async with httpx.AsyncClient(timeout=10) as http:
        database = await asyncpg.connect(hive.postgres.url)
        gauges = Gauges(hive, http, database)
        try:
            while (seconds := monotonic() - began) < MINUTES * 60:
                samples.append(Sample(seconds=seconds, tasks=load.tasks, gauges=await gauges.read()))
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            await gauges.close()
            await database.close()
    return samples
