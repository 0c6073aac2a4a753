"""A service's process ends when it is told to, whatever hangs."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from bus import telemetry
from bus.together import end

logger = telemetry.log(__name__)
T = TypeVar("T")

_AGAIN_SECONDS: Final = 1.0
"""A cancel may be dropped (bus/together.py)."""


async def until_stopped(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, at_most: float, graceful: float = 0
) -> None:
    """`serve` until SIGTERM or SIGINT, or until it ends by itself, and then with what it raised. Once in a process, as its last work.

    The event that it is given is set by the signal. It has `graceful` seconds from then to end by itself, and is cancelled. After `at_most`
    seconds the process is over, also where a thread or what drops a cancel would keep it.
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            _leave_after(at_most)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving, told = asyncio.create_task(serve(stopping)), asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        await serving
    until = loop.time() + at_most
    await asyncio.wait({serving}, timeout=graceful)
    while not serving.done() and loop.time() < until:
        serving.cancel()
        await asyncio.wait({serving}, timeout=_AGAIN_SECONDS)
    if serving.done() and not serving.cancelled() and (error := serving.exception()) is not None:
        logger.error("ended_with_an_error", exc_info=error)


def _leave_after(seconds: float) -> None:
    def leave() -> None:
        logger.error("stop_cut_off", after_seconds=seconds)
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


async def unless(stopping: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What `work` gives, which may wait for ever; None when the process is told to stop first."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    await end((working, stopped))
    return None if working.cancelled() else working.result()
