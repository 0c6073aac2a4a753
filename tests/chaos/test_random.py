"""Faults at random under load for as long as asked: `make chaos MINUTES=30`. The seed is printed; `SEED=n` repeats a run."""

import asyncio
import os
from random import Random, SystemRandom

import pytest

from tests.chaos.checker import judge
from tests.chaos.load import Load
from tests.chaos.nemesis import Nemesis, plan
from tests.chaos.report import table

MINUTES = float(os.environ.get("HIVE_CHAOS_MINUTES", "2"))
SEED = int(os.environ.get("HIVE_CHAOS_SEED") or SystemRandom().randrange(1_000_000))
AROUND_SECONDS = 600
"""For the start, the last fault's end, and the reading of every record and event."""


@pytest.mark.timeout(MINUTES * 60 * 1.5 + AROUND_SECONDS)
async def test_whatever_happens_nothing_acknowledged_is_lost_or_done_twice(load: Load, nemesis: Nemesis) -> None:
    print(f"chaos for {MINUTES:g} minutes, SEED={SEED}")
    random, stopped = Random(SEED), asyncio.Event()
    async with load.on():
        await load.flows()
        asyncio.get_running_loop().call_later(MINUTES * 60, stopped.set)
        await nemesis.run(plan(random), random, stopped)
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n\n{table(history)}")
    assert not verdict.broken, f"SEED={SEED}: {verdict}"
