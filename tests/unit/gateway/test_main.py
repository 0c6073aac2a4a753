"""The doors as a process: a stop ends whatever it meets."""

import asyncio
from contextlib import suppress

import pytest

from bus import together
from coordinator.gateway.main import _unless


async def test_a_start_that_drops_a_cancel_ends_before_the_stop_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a connecting does that waits by `asyncio.wait_for` of Python 3.11, when its answer comes together with the cancel."""
    monkeypatch.setattr(together, "AGAIN_SECONDS", 0.01)
    ended, stopping = asyncio.Event(), asyncio.Event()

    async def connect() -> None:
        try:
            with suppress(asyncio.CancelledError):
                stopping.set()
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(5):
        assert await _unless(stopping, connect()) is None
    assert ended.is_set()


async def test_what_was_done_before_the_stop_is_given() -> None:
    async def connect() -> str:
        return "the bus"

    assert await _unless(asyncio.Event(), connect()) == "the bus"
