"""Work that stands and falls together: whichever ends first ends the rest.

Not asyncio.TaskGroup, which cancels each once: `asyncio.wait_for` of Python 3.11, which client libraries wait by, drops a cancel
that comes together with its answer, and whoever dropped it would go on for ever. Here it is asked again until it has ended.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

AGAIN_SECONDS: Final = 3.0
"""Longer than what cleans up after a cancel needs."""


async def together(*works: Coroutine[Any, Any, object]) -> None:
    """Returns when the first returns, and none runs any more. Raises a group of whatever they raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
    if errors:
        raise BaseExceptionGroup("what ran together", errors)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels them until the last has ended. What they raised is the business of whoever asks them."""
    tasks = list(tasks)
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()
