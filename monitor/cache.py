"""What the monitor shows in Redis, in the seed's layout, and answers that are kept there for a moment. Always disposable.

`metrics:cluster` is the coordinator's (coordinator/store/cache.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, TypeVar

import redis.asyncio as redis
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from bus import telemetry
from bus.messages import AgentPerformance

logger = telemetry.log(__name__)
M = TypeVar("M", bound=BaseModel)

AGENT_SECONDS: Final = 60
EVERY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5
"""Twenty open pages that ask for the same make one question of PostgreSQL; nobody sees what is older than this."""
AWAY_SECONDS: Final = 5.0
"""Until a Redis that did not answer is asked again: whoever reads does not wait for it each time."""
_AWAY: Final = (RedisError, OSError, TimeoutError)


class Cache:
    """`url` None: nothing is shown, and nothing kept."""

    def __init__(self, url: str | None) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5) if url else None
        self._not_before = 0.0

    async def show(self, read: Callable[[], tuple[AgentPerformance, ...]]) -> None:
        """For ever: every agent whose metrics are fresh, as `metrics:agent:{agent_id}`."""
        while self._redis is not None:
            try:
                async with self._redis.pipeline(transaction=False) as pipe:
                    for agent in read():
                        if agent.metrics is not None:
                            key = f"metrics:agent:{agent.agent_id}"
                            pipe.set(key, agent.model_dump_json(exclude_none=True), ex=AGENT_SECONDS)
                    await pipe.execute()
            except _AWAY as error:
                self._missed(error)
            await asyncio.sleep(EVERY_SECONDS)

    async def answer(self, asked: BaseModel, model: type[M], make: Callable[[], Awaitable[M]], tenant: str | None = None) -> M:
        """What was made for the same question of the same tenant, or of all, a moment ago; else what `make` makes now."""
        name = f"{model.__name__} {tenant or '*'} {type(asked).__name__} {asked.model_dump_json()}"
        key = f"metrics:answer:{sha256(name.encode()).hexdigest()}"
        if (kept := await self._kept(key, model)) is not None:
            return kept
        made = await make()
        await self._keep(key, made)
        return made

    async def _kept(self, key: str, model: type[M]) -> M | None:
        if self._redis is None or asyncio.get_running_loop().time() < self._not_before:
            return None
        try:
            found = await self._redis.get(key)
            return None if found is None else model.model_validate_json(found)
        except ValidationError:
            return None  # of another version of Hive
        except _AWAY as error:
            self._missed(error)
            return None

    async def _keep(self, key: str, made: BaseModel) -> None:
        if self._redis is None or asyncio.get_running_loop().time() < self._not_before:
            return
        try:
            await self._redis.set(key, made.model_dump_json(), ex=ANSWER_SECONDS)
        except _AWAY as error:
            self._missed(error)

    def _missed(self, error: Exception) -> None:
        self._not_before = asyncio.get_running_loop().time() + AWAY_SECONDS
        logger.debug("cache_away", reason=type(error).__name__)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
