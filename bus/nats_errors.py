"""What nats-py raises, and what becomes of it: rooms see bus.errors only."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from nats.errors import Error as NatsError

from bus import telemetry
from bus.errors import BusUnavailable

logger = telemetry.log(__name__)

GONE: Final = (NatsError, OSError, asyncio.TimeoutError)


@contextmanager
def available() -> Iterator[None]:
    """Turns the client library's errors into BusUnavailable."""
    try:
        yield
    except GONE as error:
        raise BusUnavailable(f"NATS did not answer: {error}", retry_after_seconds=1) from error


@contextmanager
def guard(subject: str) -> Iterator[None]:
    """A handler's error is logged here, by its name, and must not end the subscription."""
    try:
        yield
    except Exception:
        logger.exception("handler_failed", subject=subject)


class Ending:
    """bus.client.Closing by a function; that the server is away is no reason to fail."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._close = close

    async def close(self) -> None:
        try:
            await self._close()
        except GONE:
            logger.debug("closed_while_away")
