"""Logins in Redis, so that each replica of the dashboard knows a browser that another one let in. Disposable: this process has its own
copy, and the coordinator's record has the logins of users.
"""

from datetime import timedelta

import redis.asyncio as redis
from pydantic import ValidationError
from redis.exceptions import RedisError

from bus import telemetry
from gui.sessions import Session

logger = telemetry.log(__name__)

SECONDS = 0.5
"""For an answer: a page does not wait for a cache."""


class Remembered:
    """By browser, hashed. `url` None: nothing is remembered."""

    def __init__(self, url: str | None, lasts: timedelta) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) if url else None
        self._lasts = lasts

    async def keep(self, browser: str, session: Session) -> None:
        if self._redis is not None:
            try:
                await self._redis.set(_key(browser), session.model_dump_json(), ex=self._lasts)
            except (RedisError, OSError, TimeoutError) as error:
                _away(error)

    async def find(self, browser: str) -> Session | None:
        if self._redis is None:
            return None
        try:
            found = await self._redis.get(_key(browser))
            return None if found is None else Session.model_validate_json(found)
        except ValidationError:
            return None
        except (RedisError, OSError, TimeoutError) as error:
            _away(error)
            return None

    async def forget(self, browser: str) -> None:
        if self._redis is not None:
            try:
                await self._redis.delete(_key(browser))
            except (RedisError, OSError, TimeoutError) as error:
                _away(error)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()


def _key(browser: str) -> str:
    return f"session:{browser}"


def _away(error: Exception) -> None:
    logger.debug("sessions_cache_away", reason=type(error).__name__)
