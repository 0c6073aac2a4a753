"""Sends the facts of committed turns, in order, and remembers which the bus has acknowledged.

Ends are sent durably; steps on the way by core publish, which their stream captures. An outbox row goes when all of its facts
are with the server; after a crash the next leader sends the rest, and the server drops what it has already.
"""

import asyncio

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from coordinator.facts import Fact

logger = telemetry.log(__name__)

MAX_UNSENT = 1000
RETRY_SECONDS = 0.2


class Publisher:
    """`sent` collects outbox ids; the leader's next turn deletes those rows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._queue: asyncio.Queue[tuple[int | None, list[Fact]]] = asyncio.Queue()
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
            batches = [await self._queue.get()]
            while not self._queue.empty() and len(batches) < 64:
                batches.append(self._queue.get_nowait())
            await self._send([fact for _, facts in batches for fact in facts])
            self.sent.extend(outbox_id for outbox_id, _ in batches if outbox_id is not None)

    def take_sent(self) -> list[int]:
        sent, self.sent = self.sent, []
        return sent

    async def _send(self, facts: list[Fact]) -> None:
        """Everything again, with the same ids, until the bus has it all."""
        while True:
            try:
                await self._once(facts)
                return
            except HiveError as error:
                logger.warning("facts_wait", count=len(facts), error=error.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _once(self, facts: list[Fact]) -> None:
        stored = []
        for fact in facts:
            if fact.durable:
                stored.append(asyncio.create_task(self._store(fact)))
                # Lets the publish begin, so that facts leave in their order.
                await asyncio.sleep(0)
            else:
                await self._bus.publish(fact.subject, fact.body.encode(), headers=_headers(fact))
        if stored:
            await asyncio.gather(*stored)
        else:
            await self._bus.flush()

    async def _store(self, fact: Fact) -> None:
        headers = {subjects.HEADER_TRACEPARENT: fact.traceparent} if fact.traceparent else None
        await self._bus.publish_durable(fact.subject, fact.body.encode(), message_id=fact.message_id, headers=headers)


def _headers(fact: Fact) -> dict[str, str]:
    headers = {subjects.HEADER_MSG_ID: fact.message_id}
    return headers | {subjects.HEADER_TRACEPARENT: fact.traceparent} if fact.traceparent else headers
