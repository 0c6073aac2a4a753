"""A service's process ends when it is told to, whatever hangs."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bus.together import end

T = TypeVar("T")


async def until_stopped(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, at_most: float, graceful: float = 0
) -> None:
    """`serve` until SIGTERM or SIGINT, or until it ends by itself, and then with what it raised.

    The event that it is given is set by the signal. It has `graceful` seconds from then to end by itself, and is cancelled; after `at_most`
    seconds nobody waits for it any more.
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving, told = asyncio.create_task(serve(stopping)), asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        await serving
    await asyncio.wait({serving}, timeout=graceful)
    serving.cancel()
    await asyncio.wait({serving}, timeout=at_most - graceful)


async def unless(stopping: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What `work` gives, which may wait for ever; None when the process is told to stop first."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    await end((working, stopped))
    return None if working.cancelled() else working.result()
