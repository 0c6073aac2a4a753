"""A stream into a table, by position: from behind what was committed last, and from its beginning where the bus has made the stream anew."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, TypeVar

from pydantic import BaseModel

from bus import telemetry
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.errors import InvalidRequest

logger = telemetry.log(__name__)

FIRST: Final = 1
M = TypeVar("M", bound=BaseModel)
Store = Callable[[list[Received], StreamState], Awaitable[None]]
"""Commits a batch together with its position."""


async def take_in(
    bus: Bus,
    stream: str,
    subject_filter: str,
    sql: NamedStatements,
    name: str,
    store: Store,
    *,
    most: int,
    gather_seconds: float,
) -> None:
    """For ever, at most so many at once, and with a pause once all is stored. DatabaseUnavailable, BusUnavailable: begin again later, where
    the last commit ended.
    """
    state = await bus.stream_state(stream)
    reader = await bus.read(stream, subject_filter, await begin(sql, name, state))
    try:
        while True:
            await store(await reader.batch(most), state)
            if reader.caught_up:
                await asyncio.sleep(gather_seconds)
    finally:
        await reader.close()


def decoded(batch: Iterable[Received], model: type[M]) -> Iterator[tuple[Received, M]]:
    """Those that can be read; the others are told in the log."""
    for received in batch:
        try:
            yield received, received.decode(model)
        except InvalidRequest as error:
            logger.warning("message_refused", subject=received.subject, sequence=received.sequence, reason=error.message)


async def begin(sql: NamedStatements, name: str, state: StreamState) -> int:
    """`name` is under which the position is kept. DatabaseUnavailable."""
    with available():
        row = await sql.one("position", name)
    if row is None or row["created_at"] != state.created_at or row["position"] > state.last_sequence:
        return FIRST
    return int(row["position"]) + 1
