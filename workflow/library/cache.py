"""Redis, in the seed's layout: `workflow:{id}`, for people and tools that look there. Disposable; nothing is decided by it, and without it
nothing stops."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bus import telemetry
from bus.errors import HiveError
from bus.messages.workflows import WorkflowRecord
from bus.together import end

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = telemetry.log(__name__)

WORKFLOW_SECONDS: Final = 300
AWAY_SECONDS: Final = 0.5
MOST_AT_ONCE: Final = 32

Standing = tuple[int, bool]
"""The version that counts, and whether it is active."""


def key_of(workflow_id: UUID) -> str:
    return f"workflow:{workflow_id}"


class Cache:
    """`url` None: every method does nothing. `standing_of` asks the record, None where there is no such workflow."""

    def __init__(self, url: str | None, standing_of: Callable[[UUID], Awaitable[Standing | None]]) -> None:
        self._url, self._standing_of = url, standing_of
        self._redis: Redis | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def show(self, record: WorkflowRecord) -> None:
        """Beside whatever goes on. Where many are under way it is left out: the next who reads it shows it."""
        if self._url is None or len(self._tasks) >= MOST_AT_ONCE:
            return
        task = asyncio.create_task(self._told(self._show(record)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drop(self, workflow_id: UUID) -> None:
        """After a save has been committed."""
        if self._url is not None:
            await self._told(self._drop(workflow_id))

    async def close(self) -> None:
        await end(list(self._tasks))
        if self._redis is not None:
            await self._redis.aclose()

    async def _show(self, record: WorkflowRecord) -> None:
        redis = self._connected()
        await redis.set(key_of(record.id), record.model_dump_json(), ex=WORKFLOW_SECONDS)
        # who saved meanwhile has dropped nothing yet, or dropped what was there before
        if await self._standing_of(record.id) != (record.version, record.active):
            await redis.delete(key_of(record.id))

    async def _drop(self, workflow_id: UUID) -> None:
        await self._connected().delete(key_of(workflow_id))

    def _connected(self) -> "Redis":
        if self._redis is None:
            from redis.asyncio import Redis  # an engine without a cache spares the memory of its client

            self._redis = Redis.from_url(self._url or "", socket_timeout=AWAY_SECONDS, socket_connect_timeout=AWAY_SECONDS)
        return self._redis

    async def _told(self, work: Awaitable[None]) -> None:
        from redis.exceptions import RedisError

        try:
            await work
        except (RedisError, OSError, TimeoutError, HiveError) as error:
            logger.warning("cache_away", error=str(error))
