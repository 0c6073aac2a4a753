"""Logins in Redis, so that each replica of the dashboard knows a browser that another one let in. Disposable: this process has its own
copy, and the coordinator's record has the logins of users.

Redis vouches for nothing: each login is signed, together with the browser that it is of, by the secret that signs the cookies. So whoever
writes there lets nobody in, and moves no login to another browser.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Final

import redis.asyncio as redis
from itsdangerous import BadSignature, Signer
from pydantic import ValidationError
from redis.exceptions import RedisError

from bus import telemetry
from gui.sessions import Session

logger = telemetry.log(__name__)

SECONDS = 0.5
"""For an answer: a page does not wait for a cache."""
_SALT: Final = b"remembered login "
"""Nothing else that the secret signs, such as a cookie, is taken for a login."""


class Remembered:
    """By browser, hashed. `url` None: nothing is remembered. `secret`: one for all replicas."""

    def __init__(self, url: str | None, lasts: timedelta, secret: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) if url else None
        self._lasts, self._secret = lasts, secret

    async def keep(self, browser: str, session: Session) -> None:
        if self._redis is not None:
            try:
                await self._redis.set(_key(browser), self._signed(browser, session), ex=self._lasts)
            except (RedisError, OSError, TimeoutError) as error:
                _away(error)

    async def find(self, browser: str) -> Session | None:
        if self._redis is None:
            return None
        try:
            found = await self._redis.get(_key(browser))
        except (RedisError, OSError, TimeoutError) as error:
            _away(error)
            return None
        if found is None:
            return None
        try:
            return Session.model_validate_json(self._signer(browser).unsign(found))
        except (BadSignature, ValidationError) as error:
            logger.warning("remembered_login_refused", browser=browser[:8], reason=type(error).__name__)
            await self.forget(browser)
            return None

    async def forget(self, browser: str) -> bool:
        """Whether it is."""
        if self._redis is not None:
            try:
                await self._redis.delete(_key(browser))
            except (RedisError, OSError, TimeoutError) as error:
                _away(error)
                return False
        return True

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    def _signed(self, browser: str, session: Session) -> bytes:
        return self._signer(browser).sign(session.model_dump_json())

    def _signer(self, browser: str) -> Signer:
        return Signer(self._secret, salt=_SALT + browser.encode(), key_derivation="hmac", digest_method=sha256)


def _key(browser: str) -> str:
    return f"session:{browser}"


def _away(error: Exception) -> None:
    logger.debug("sessions_cache_away", reason=type(error).__name__)
