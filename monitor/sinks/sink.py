"""Writes agents' metrics to a database of time series, beside everything else that the monitor does.

What is to be written waits on the bus, where a durable consumer remembers how far this is. A database that is away is caught up with; what
is an hour old is lost, since the stream holds no more (ADR 0054).
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import httpx

from bus import subjects, telemetry
from bus.errors import HiveError
from bus.exposition import Sample
from bus.nats_bus import NatsBus
from bus.nats_durable import DurableReader
from monitor.sinks.influx import Destination, lines

logger = telemetry.log(__name__)

BATCH: Final = 5000
GATHER_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 5.0
ACK_SECONDS: Final = 15.0
"""After which another monitor gets what one has taken and not acknowledged. Written twice is written once."""
AGAIN_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
WRITE_SECONDS: Final = 10.0
_TOO_LARGE: Final = 413
_REFUSED: Final = frozenset({400, 422})
"""What is written again is refused again."""


class Away(Exception):
    """The database took nothing now, and may later."""


class Sink:
    """`run` until cancelled."""

    def __init__(self, bus: NatsBus, destination: Destination) -> None:
        self._bus, self._destination = bus, destination
        self._waiting: int | None = None
        self._written = self._refused = self._failures = 0

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        if self._waiting is not None:
            yield Sample("sink_waiting_samples", "gauge", "Measurements that wait for the sink.", self._waiting)
        yield Sample("sink_written_samples", "counter", "Measurements that the sink took.", self._written)
        yield Sample("sink_refused_samples", "counter", "Measurements that the sink will never take.", self._refused)
        yield Sample("sink_failures", "counter", "Writes that the sink did not take.", self._failures)

    async def run(self) -> None:
        while True:
            try:
                async with httpx.AsyncClient(timeout=WRITE_SECONDS, trust_env=False) as client:
                    await self._carry(client)
            except HiveError as error:
                logger.warning("sink_awaits_bus", reason=error.message)
            await asyncio.sleep(AGAIN_SECONDS[-1])

    async def _carry(self, client: httpx.AsyncClient) -> None:
        reader = await DurableReader.open(
            *(self._bus, subjects.METRICS, subjects.ALL_METRICS, subjects.INFLUX_SINK),
            most_unacknowledged=4 * BATCH,
            ack_seconds=ACK_SECONDS,
        )
        try:
            while True:
                batch = await reader.batch(BATCH, WAIT_SECONDS)
                if batch:
                    found, refused = lines(batch)
                    self._refused += refused
                    await self._until_written(client, reader, found)
                    await reader.done()
                self._waiting = await reader.waiting()
                if len(batch) < BATCH:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            with suppress(HiveError):
                await reader.close()

    async def _until_written(self, client: httpx.AsyncClient, reader: DurableReader, found: Sequence[str]) -> None:
        """Meanwhile others wait on the bus."""
        tries = 0
        while found:
            try:
                await self._write(client, found)
                return
            except Away as error:
                self._failures += 1
                if tries == 0:
                    logger.warning("sink_away", reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS) - 1)])
                tries += 1
                self._waiting = await reader.waiting()

    async def _write(self, client: httpx.AsyncClient, found: Sequence[str]) -> None:
        """Away."""
        try:
            answer = await client.post(
                self._destination.url, content="\n".join(found).encode(), headers=dict(self._destination.headers)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Away(type(error).__name__) from None
        if answer.is_success:
            self._written += len(found)
        elif answer.status_code == _TOO_LARGE and len(found) > 1:
            half = len(found) // 2
            await self._write(client, found[:half])
            await self._write(client, found[half:])
        elif answer.status_code in _REFUSED or answer.status_code == _TOO_LARGE:
            self._refused += len(found)
            logger.error("sink_refuses", status=answer.status_code, samples=len(found), said=answer.text[:200])
        else:
            raise Away(f"it answered {answer.status_code}")
