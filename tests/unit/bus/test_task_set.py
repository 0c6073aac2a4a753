"""What a service works on ends with it."""

import asyncio
from contextlib import suppress

import pytest

from bus import together
from bus.service import TaskSet


async def test_work_that_drops_a_cancel_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that does which waits by `asyncio.wait_for` of Python 3.11, when its answer comes together with the cancel."""
    monkeypatch.setattr(together, "AGAIN_SECONDS", 0.01)
    begun, ended, running = asyncio.Event(), asyncio.Event(), TaskSet()

    async def work() -> None:
        try:
            with suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        finally:
            ended.set()

    await running.start(work)
    await begun.wait()
    await running.finish(timeout=0)
    async with asyncio.timeout(5):
        await ended.wait()
