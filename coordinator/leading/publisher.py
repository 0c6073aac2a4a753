"""Sends the facts of committed turns, in order, and remembers which the bus has.

Ends are sent durably; steps on the way by core publish, which their stream captures. An outbox row goes when all of its facts
are with the server; after a crash the next leader sends the rest, and the server drops what it has already.
"""

import asyncio
from collections.abc import Awaitable
from time import monotonic
from typing import Final

from bus import subjects, telemetry
from bus.client import Bus, Stored
from bus.codec import decode
from bus.errors import HiveError, InvalidRequest
from bus.messages import TaskEvent
from bus.streams import DEDUP_SECONDS
from coordinator.leading.facts import Fact

logger = telemetry.log(__name__)

MAX_UNSENT: Final = 1000
RETRY_SECONDS: Final = 0.2
CONFIRM_SECONDS: Final = 0.25
REMEMBERED_SECONDS: Final = DEDUP_SECONDS - 20
"""For so long the bus surely knows the ids of what it was told."""
MAX_UNCONFIRMED: Final = 64
"""Steps are known to be with the server by the acknowledgement of an end that was sent after them. Where none comes, after this
many turns or this long, the server is asked: a question of their own would cost each turn a round trip."""

_Batch = tuple[int | None, list[Fact]]


class Publisher:
    """`sent` collects outbox ids; the leader's next turn deletes those rows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._queue: asyncio.Queue[_Batch] = asyncio.Queue()
        self._unconfirmed: list[_Batch] = []
        self._connection = bus.connections
        self.sent: list[int] = []

    def put(self, outbox_id: int | None, facts: list[Fact]) -> None:
        """`outbox_id` None: facts that can be told again, such as an agent's status."""
        self._queue.put_nowait((outbox_id, facts))

    @property
    def behind(self) -> bool:
        """Whether the leader should wait before it commits more."""
        return self._queue.qsize() > MAX_UNSENT

    async def run(self) -> None:
        while True:
            batches = await self._next()
            self._unconfirmed += batches
            began = monotonic()
            while not await self._tell(batches):
                # Everything again, with the same ids, until the bus has it all.
                if monotonic() - began > REMEMBERED_SECONDS:
                    await self._leave_out_what_was_told()
                batches, self._connection = self._unconfirmed, self._bus.connections

    def take_sent(self) -> list[int]:
        sent, self.sent = self.sent, []
        return sent

    async def _leave_out_what_was_told(self) -> None:
        """The bus was away for so long that it has forgotten the ids."""
        try:
            self._unconfirmed = [(outbox_id, await untold(self._bus, facts)) for outbox_id, facts in self._unconfirmed]
        except HiveError as error:
            logger.warning("facts_wait", error=error.message)

    async def _next(self) -> list[_Batch]:
        """None at all when it has been quiet for a while and something is not confirmed yet."""
        try:
            async with asyncio.timeout(CONFIRM_SECONDS if self._unconfirmed else None):
                batches = [await self._queue.get()]
        except TimeoutError:
            return []
        while not self._queue.empty() and len(batches) < MAX_UNCONFIRMED:
            batches.append(self._queue.get_nowait())
        return batches

    async def _tell(self, batches: list[_Batch]) -> bool:
        facts = [fact for _, facts in batches for fact in facts]
        try:
            await self._send(facts)
            confirmed = _confirmed(self._unconfirmed)
            if not facts or len(self._unconfirmed) - confirmed > MAX_UNCONFIRMED:
                await self._bus.flush()
                confirmed = len(self._unconfirmed)
        except HiveError as error:
            logger.warning("facts_wait", count=len(facts), error=error.message)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        if self._bus.connections != self._connection:
            return False
        self.sent.extend(outbox_id for outbox_id, _ in self._unconfirmed[:confirmed] if outbox_id is not None)
        del self._unconfirmed[:confirmed]
        return True

    async def _send(self, facts: list[Fact]) -> None:
        """Returns when the ends among them are acknowledged."""
        stored: list[Awaitable[Stored]] = []
        try:
            for fact in facts:
                if fact.durable:
                    stored.append(await self._store(fact))
                else:
                    await self._bus.publish(fact.subject, fact.body.encode(), headers=_headers(fact))
        finally:
            acknowledged = await asyncio.gather(*stored, return_exceptions=True)
        for each in acknowledged:
            if isinstance(each, BaseException):
                raise each

    async def _store(self, fact: Fact) -> Awaitable[Stored]:
        headers = {subjects.HEADER_TRACEPARENT: fact.traceparent} if fact.traceparent else None
        return await self._bus.send_durable(fact.subject, fact.body.encode(), message_id=fact.message_id, headers=headers)


def _confirmed(batches: list[_Batch]) -> int:
    """How many of them, from the first, an acknowledged end shows to be with the server: all before the last end, in their order."""
    for number in range(len(batches) - 1, -1, -1):
        facts = batches[number][1]
        if any(fact.durable for fact in facts):
            return number + 1 if facts[-1].durable else number
    return 0


async def untold(bus: Bus, facts: list[Fact]) -> list[Fact]:
    """Those that the streams do not hold. BusUnavailable."""
    told = await asyncio.gather(*(_is_told(bus, fact) for fact in facts))
    return [fact for fact, is_told in zip(facts, told, strict=True) if not is_told]


async def _is_told(bus: Bus, fact: Fact) -> bool:
    """Facts are told in their order, so one that was told later on the same subject, such as a second `task.queued`, says it too."""
    stored = await bus.last(subjects.EVENTS if fact.durable else subjects.PROGRESS, fact.subject)
    if stored is None:
        return False
    if stored.headers.get(subjects.HEADER_MSG_ID) == fact.message_id:
        return True
    try:
        return stored.decode(TaskEvent).data.rank >= decode(TaskEvent, fact.body.encode()).data.rank
    except InvalidRequest:  # somebody else's word on this subject
        return False


def _headers(fact: Fact) -> dict[str, str]:
    headers = {subjects.HEADER_MSG_ID: fact.message_id}
    return headers | {subjects.HEADER_TRACEPARENT: fact.traceparent} if fact.traceparent else headers
