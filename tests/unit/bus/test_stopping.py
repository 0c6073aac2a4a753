"""A stop ends whatever it meets."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from bus import together
from bus.errors import BusUnavailable
from bus.stopping import unless, until_stopped


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
        assert await unless(stopping, connect()) is None
    assert ended.is_set()


async def test_what_was_done_before_the_stop_is_given() -> None:
    async def connect() -> str:
        return "the bus"

    assert await unless(asyncio.Event(), connect()) == "the bus"


@pytest.fixture
async def told_to_stop() -> AsyncIterator[None]:
    """As soon as somebody listens to it."""
    loop = asyncio.get_running_loop()

    async def tell() -> None:
        while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)

    telling = asyncio.create_task(tell())
    yield
    await telling
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


@pytest.mark.usefixtures("told_to_stop")
async def test_what_ends_by_itself_when_told_is_not_cut_off() -> None:
    ended = False

    async def serve(stopping: asyncio.Event) -> None:
        nonlocal ended
        await stopping.wait()
        await asyncio.sleep(0.01)
        ended = True

    await until_stopped(serve, graceful=5, at_most=10)
    assert ended


@pytest.mark.usefixtures("told_to_stop")
async def test_what_hangs_is_cut_off_and_what_hangs_then_is_left() -> None:
    cancelled = asyncio.Event()

    async def serve(_stopping: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await until_stopped(serve, graceful=0.01, at_most=0.05)
    assert cancelled.is_set()


async def test_what_ends_with_an_error_says_so() -> None:
    async def serve(_stopping: asyncio.Event) -> None:
        raise BusUnavailable("nobody is there")

    with pytest.raises(BusUnavailable):
        await until_stopped(serve, at_most=1)
