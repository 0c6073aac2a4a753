"""Counts by the library `limits`: in Redis, so that all gateways and dashboards count together, and in this process, which goes on while Redis is away."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, time
from typing import Final

import redis.asyncio as redis
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from bus import telemetry

logger = telemetry.log(__name__)

ANSWER_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 5.0
"""Until a Redis that did not answer is asked again: whoever asks does not wait for it each time."""
_AWAY: Final = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Count:
    """`taken`: there was room. `reset_seconds`: until there is more of it."""

    taken: bool
    remaining: int
    reset_seconds: float


class Counting:
    """`url` None: this process counts for itself alone. `now` is monotonic, in seconds."""

    def __init__(self, url: str | None, now: Callable[[], float] = monotonic) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._url, self._now, self._not_before = url, now, 0.0
        self._pool: redis.ConnectionPool | None = None
        self._shared: SlidingWindowCounterRateLimiter | None = None

    async def take(self, item: RateLimitItem, *who: str) -> Count:
        """Both count each time, so that this process knows its own part of an hour when Redis goes."""
        own = await _take(self._own, item, who)
        if self._url is None or self._now() < self._not_before:
            return own
        try:
            return await _take(self._together(self._url), item, who)
        except _AWAY as error:
            self._not_before = self._now() + AWAY_SECONDS
            logger.warning("limits_counted_alone", reason=type(error).__name__)
            return own

    def _together(self, url: str) -> SlidingWindowCounterRateLimiter:
        if self._shared is None:
            self._pool = redis.ConnectionPool.from_url(
                url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
            )
            storage = RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix="hive:limits",
                connection_pool=self._pool,  # type: ignore[arg-type]
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)
        return self._shared

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


async def _take(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, who: tuple[str, ...]) -> Count:
    taken = await limiter.hit(item, *who)
    stats = await limiter.get_window_stats(item, *who)
    return Count(taken, stats.remaining, max(0.0, stats.reset_time - time()))
