"""Work that stands and falls together: whichever ends first ends the rest.

Not asyncio.TaskGroup, which cancels each once: `asyncio.wait_for` of Python 3.11, which client libraries wait by, drops a cancel
that comes together with its answer, and whoever dropped it would go on for ever. Here it is asked again until it has ended.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")

AGAIN_SECONDS: Final = 3.0
"""Longer than what cleans up after a cancel needs."""

_let_go: Final = set[asyncio.Task[None]]()
"""Held here, since the loop holds no task that nobody else does."""


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


async def within(seconds: float | None, work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.timeout` for what client libraries do, who may drop the one cancel that it gives. TimeoutError once `work` has ended."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        await end([task])
    if task.cancelled():
        raise TimeoutError
    return task.result()


def let_go(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """`end` for whoever may not wait, as a generator that is closed: they are cancelled now, and again until they have ended."""
    tasks = [task for task in tasks if not task.done()]
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    ending = asyncio.get_running_loop().create_task(end(tasks))
    _let_go.add(ending)
    ending.add_done_callback(_let_go.discard)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels them until the last has ended. What they raised is the business of whoever asks them.

    Whoever is cancelled while it waits here, as by somebody who ends it in turn and asks again, is so once they have ended.
    """
    tasks, told = list(tasks), list[asyncio.CancelledError]()
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        waiting = asyncio.ensure_future(asyncio.wait(left, timeout=AGAIN_SECONDS))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError as cancelled:
                told.append(cancelled)
    for task in tasks:
        if not task.cancelled():
            task.exception()
    if told:
        raise told[0]
