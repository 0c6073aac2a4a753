"""What the watch saw is kept where it can be; the watch goes on where it cannot."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import asyncpg
import pytest

from bus.messages.alerts import AlertScope
from monitor.alerting import chronicle
from monitor.alerting.chronicle import Chronicle
from monitor.alerting.samples import Samples
from tests.unit.monitor.alerting.scene import NOON


class Pool:
    """`full`: how many pages it refuses. `pages`: whether each that it took was whole."""

    def __init__(self, full: int) -> None:
        self.full, self.pages, self.asked = full, list[bool](), asyncio.Event()

    async def execute(self, statement: str, *arguments: Any) -> None:
        if not statement.startswith("INSERT"):
            return
        if self.full:
            self.full -= 1
            raise asyncpg.DiskFullError("no space left on device")
        self.pages.append(arguments[1])
        if len(self.pages) == 3:
            self.asked.set()


async def test_a_full_disk_ends_no_watch_and_the_next_page_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "EVERY", timedelta(milliseconds=1))
    samples, pool = Samples(), Pool(full=2)
    samples.add((AlertScope.QUEUE, "high"), {"waiting": 3}, NOON.timestamp())
    running = asyncio.create_task(Chronicle(cast(Any, pool), samples).run())
    async with asyncio.timeout(5):
        await pool.asked.wait()
    running.cancel()
    assert pool.pages[:3] == [True, False, False]


async def test_what_was_not_stored_is_told_by_a_whole_page() -> None:
    pool = Pool(full=0)
    kept = Chronicle(cast(Any, pool), Samples())
    await kept.write(NOON)
    pool.full = 1
    with pytest.raises(Exception, match="PostgreSQL"):
        await kept.write(NOON + timedelta(seconds=15))
    await kept.write(NOON + timedelta(seconds=30))
    assert pool.pages == [True, True]
