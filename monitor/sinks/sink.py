"""Writes agents' metrics to a database of time series, or to a collector, beside everything else that the monitor does.

What is to be written waits on the bus, where a durable consumer remembers how far this is. A database that is away is caught up with; what
is an hour old is lost, since the stream holds no more (ADR 0054).
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx

from bus import subjects, telemetry
from bus.errors import HiveError
from bus.exposition import Sample
from bus.nats_bus import NatsBus
from bus.nats_durable import DurableReader
from bus.streams import HOUR
from monitor.sinks.destination import Destination

logger = telemetry.log(__name__)

GATHER_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 5.0
ACK_SECONDS: Final = 15.0
"""After which another monitor gets what one has taken and not acknowledged. Written twice is written once."""
AGAIN_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
WRITE_SECONDS: Final = 10.0
SAID_AGAIN: Final = 60
"""After so many tries, five minutes of them, it is said again that somebody must correct a setting."""
_NOT_FOUND: Final = 404
_TOO_LARGE: Final = 413
_REFUSED: Final = frozenset({400, 422, _TOO_LARGE})
"""What is written again is refused again."""
_NOT_THERE: Final = frozenset({_NOT_FOUND, 405, 415, 501})
"""At an address of something else; and of a service that is there and takes no measurements."""
_MISLED: Final = _NOT_THERE | {301, 302, 303, 307, 308, 401, 403}
_FAILED: Final = 500
"""Of a service that is away, or that fails at one of the measurements: a collector says so, too, of what it will never take."""
APART_AFTER: Final = 15
"""Tries, a minute of them, after which one measurement may be to blame."""


class Away(Exception):
    """The database took nothing now, and may later: by itself, or once a setting was corrected."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status, self.misled = status, status in _MISLED


class Sink:
    """`run` until cancelled."""

    def __init__(self, bus: NatsBus, destination: Destination) -> None:
        self._bus, self._to = bus, destination
        self._waiting: int | None = None
        self._refuses: int | None = None
        """With which status it refused the last that it was given."""
        self._written = self._refused = self._failures = 0

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        which = {"sink": self._to.name}
        if self._waiting is not None:
            yield Sample("sink_waiting_samples", "gauge", "Measurements that wait for the sink.", self._waiting, which)
        yield Sample("sink_written_samples", "counter", "Measurements that the sink took.", self._written, which)
        yield Sample("sink_refused_samples", "counter", "Measurements that the sink will never take.", self._refused, which)
        yield Sample("sink_failures", "counter", "Writes that the sink did not take.", self._failures, which)

    async def run(self) -> None:
        while True:
            try:
                async with httpx.AsyncClient(timeout=WRITE_SECONDS, trust_env=False) as client:
                    await self._carry(client)
            except HiveError as error:
                logger.warning("sink_awaits_bus", sink=self._to.name, reason=error.message)
            except Exception:  # nobody waits for this task: it would be over without a word
                logger.exception("sink_failed", sink=self._to.name)
            await asyncio.sleep(AGAIN_SECONDS[-1])

    async def _carry(self, client: httpx.AsyncClient) -> None:
        reader = await DurableReader.open(
            *(self._bus, subjects.METRICS, subjects.ALL_METRICS, self._to.durable),
            most_unacknowledged=4 * self._to.batch,
            ack_seconds=ACK_SECONDS,
        )
        try:
            while True:
                batch = await reader.batch(self._to.batch, WAIT_SECONDS)
                if batch:
                    found, refused = self._to.read(batch)
                    self._refused += refused
                    await self._until_written(client, reader, found)
                    await reader.done()
                self._waiting = await reader.waiting()
                if len(batch) < self._to.batch:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            with suppress(HiveError):
                await reader.close()

    async def _until_written(self, client: httpx.AsyncClient, reader: DurableReader, found: Sequence[Any]) -> None:
        """Meanwhile others wait on the bus, for as long as it holds them: what is as old then is left behind."""
        tries, misled, failed, clock = 0, 0, False, asyncio.get_running_loop().time
        until = clock() + HOUR
        while found:
            try:
                if failed and tries % APART_AFTER == 0:
                    found = await self._without_one(client, found)
                    failed = False
                else:
                    await self._write(client, found)
                    return
            except Away as error:
                self._failures += 1
                self._tell(error, misled if error.misled else tries)
                misled += error.misled
                if clock() > until:
                    self._leave(len(found), error.status, str(error))
                    return
                await asyncio.sleep(AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS) - 1)])
                tries, failed = tries + 1, error.status == _FAILED
                self._waiting = await reader.waiting()

    async def _without_one(self, client: httpx.AsyncClient, found: Sequence[Any]) -> Sequence[Any]:
        """What is left of them, once halves that it takes are written and one is alone with the failure: that one is left behind. Where
        none was taken, it is the service that fails, and all are left. Away.
        """
        rest, took = list[Any](), False
        while len(found) > 1:
            first, second = found[: len(found) // 2], found[len(found) // 2 :]
            if await self._takes(client, first):
                found, took = second, True
            elif await self._takes(client, second):
                found, took = first, True
            else:
                found, rest = first, [*second, *rest]
        if not took:
            return [*found, *rest]
        if not await self._takes(client, found):
            self._leave(1, _FAILED, "it takes the others")
        return rest

    async def _takes(self, client: httpx.AsyncClient, found: Sequence[Any]) -> bool:
        try:
            await self._write(client, found)
        except Away as error:
            if error.status != _FAILED:
                raise
            return False
        return True

    async def _write(self, client: httpx.AsyncClient, found: Sequence[Any]) -> None:
        """Away."""
        try:
            answer = await client.post(self._to.url, content=self._to.encode(found), headers=dict(self._to.headers))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Away(type(error).__name__) from None
        status = answer.status_code
        if answer.is_success and answer.headers.get("content-type", "").startswith("text/html"):
            raise Away("it answered with a page, as a login's", _NOT_FOUND)
        if answer.is_success:
            refused, why = self._to.rejected(answer.content, found)
            self._written += len(found) - refused
            self._leave(refused, status, why)
        elif status == _TOO_LARGE and len(found) > 1:
            half = len(found) // 2
            await self._write(client, found[:half])
            await self._write(client, found[half:])
        elif status in _REFUSED or (status in _NOT_THERE and await self._takes_others(client)):
            self._leave(len(found), status, self._to.said(answer.content, answer.headers.get("content-type", "")))
        else:
            raise Away(f"it answered {status}", status)

    async def _takes_others(self, client: httpx.AsyncClient) -> bool:
        """The service is there, and has no place for measurements."""
        if self._to.sibling is None:
            return False
        try:
            return (await client.post(self._to.sibling, headers=dict(self._to.headers))).is_success
        except httpx.HTTPError as error:
            raise Away(type(error).__name__) from None

    def _tell(self, error: Away, before: int) -> None:
        """`before`: so often it was so already."""
        if error.misled and before % SAID_AGAIN == 0:
            remedy = f"correct {self._to.settings}: what is measured waits for an hour, and is lost then"
            logger.error("sink_misled", sink=self._to.name, reason=str(error), next=remedy)
        elif not error.misled and before == 0:
            logger.warning("sink_away", sink=self._to.name, reason=str(error))

    def _leave(self, refused: int, status: int, said: str) -> None:
        """Counted; told when it begins to refuse, and not with each second's."""
        self._refused += refused
        refuses = status if refused else None
        if refuses is not None and refuses != self._refuses:
            logger.error("sink_refuses", sink=self._to.name, status=refuses, samples=refused, said=said[:200])
        self._refuses = refuses
