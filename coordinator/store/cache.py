"""Redis, in the seed's layout: always disposable. Doors may read it; nothing is decided by it, and without it nothing stops."""

from typing import Final
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from bus import telemetry
from bus.messages import ClusterStatus, TaskClass
from coordinator.leading.state import State

logger = telemetry.log(__name__)

CLUSTER_SECONDS: Final = 60
AGENT_SECONDS: Final = 30
QUEUE_SECONDS: Final = 30
QUEUE_MOST: Final = 1_000
"""Ids of one class: what goes next, for people and their tools, not a copy of the queue."""


class Cache:
    """`url` None: every method does nothing."""

    def __init__(self, url: str | None) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5) if url else None
        self._away = False

    async def show(self, status: ClusterStatus, state: State) -> None:
        if self._redis is None:
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipe:  # a reader never finds half a queue
                pipe.set("metrics:cluster", status.model_dump_json(), ex=CLUSTER_SECONDS)
                for agent in state.registry:
                    pipe.set(
                        f"agent:status:{agent.agent_id}", agent.record().model_dump_json(exclude_none=True), ex=AGENT_SECONDS
                    )
                for kind in TaskClass:
                    _show_queue(pipe, kind, state.queue.upcoming(kind, QUEUE_MOST))
                await pipe.execute()
            self._away = False
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                logger.warning("cache_away", error=str(error))
            self._away = True

    async def memory_bytes(self) -> int | None:
        """What it has allocated; None without it."""
        if self._redis is None:
            return None
        try:
            return int((await self._redis.info("memory"))["used_memory"])
        except (RedisError, OSError, TimeoutError, KeyError) as error:
            logger.debug("cache_memory_not_read", reason=type(error).__name__)
            return None

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()


def _show_queue(pipe: Pipeline, kind: TaskClass, upcoming: list[UUID]) -> None:
    """The next first. Where nothing waits there is no key."""
    key = f"task:queue:{kind}"
    pipe.delete(key)
    if upcoming:
        pipe.rpush(key, *map(str, upcoming))
        pipe.expire(key, QUEUE_SECONDS)
