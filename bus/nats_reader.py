"""An ordered consumer as batches: the server pushes, this side takes as much as there is.

Positions are kept by who reads (docs/adr/0002), so a reader acknowledges nothing. nats-py makes the consumer anew after a
gap or a restart; it may then begin too early, so what was seen already is dropped here.
"""

import asyncio
from datetime import UTC, datetime
from typing import Self

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy

from bus.client import Received

BUFFERED = 2048
BUFFERED_BYTES = 32 * 1024 * 1024
"""What is held for the reader; beyond it the server's flow control waits."""
BATCH_BYTES = 8 * 1024 * 1024
"""A batch ends with the message that makes it as large as this: prompts may have megabytes."""
IDLE_HEARTBEAT_SECONDS = 0.5
"""Two missed ones and the consumer is made anew: about a second after a server's restart (FACTS: 18 s with the default)."""

_TOKENS_WITHOUT_DOMAIN = 9
"""$JS.ACK.stream.consumer.delivered.sequence.sequence.time.pending; a server with domains puts its domain and account before the stream."""


def place(reply: str) -> tuple[int, datetime, int]:
    """Sequence in the stream, when it was stored (to the microsecond that had begun), and how many are still to come: of the subject on which
    a message of a stream is acknowledged. nats-py reads all of it into an object, which costs a reader of metrics a tenth of its time, and
    divides nanoseconds by a float, so that its microsecond is another one now and then.
    """
    tokens = reply.split(".")
    at = 2 if len(tokens) == _TOKENS_WITHOUT_DOMAIN else 4
    microseconds = int(tokens[at + 5]) // 1000
    return int(tokens[at + 3]), datetime.fromtimestamp(microseconds / 1_000_000, UTC), int(tokens[at + 6])


class NatsReader:
    """See bus.client.Reader."""

    def __init__(self, start_sequence: int) -> None:
        self._queue: asyncio.Queue[Received] = asyncio.Queue(BUFFERED)
        self._bytes = 0
        self._room = asyncio.Event()
        self._last = start_sequence - 1
        self._behind = 0
        self._subscription: JetStreamContext.PushSubscription | None = None

    @classmethod
    async def open(
        cls,
        js: JetStreamContext,
        stream: str,
        subject_filter: str,
        start_sequence: int,
        policy: DeliverPolicy = DeliverPolicy.BY_START_SEQUENCE,
    ) -> Self:
        reader = cls(start_sequence)
        by_sequence = policy is DeliverPolicy.BY_START_SEQUENCE
        reader._subscription = await js.subscribe(
            subject_filter,
            stream=stream,
            cb=reader._receive,
            ordered_consumer=True,
            idle_heartbeat=IDLE_HEARTBEAT_SECONDS,
            config=ConsumerConfig(deliver_policy=policy, opt_start_seq=start_sequence if by_sequence else None),
        )
        return reader

    async def _receive(self, message: Msg) -> None:
        sequence, stored_at, behind = place(message.reply)
        if sequence <= self._last:
            return
        self._last = sequence
        while self._bytes >= BUFFERED_BYTES:
            self._room.clear()
            await self._room.wait()
        self._bytes += len(message.data)
        await self._queue.put(Received(message.subject, message.data, message.headers or {}, sequence, stored_at))
        self._behind = behind

    @property
    def caught_up(self) -> bool:
        return self._behind == 0 and self._queue.empty()

    async def batch(self, limit: int) -> list[Received]:
        found = [await self._queue.get()]
        size = len(found[0].data)
        while len(found) < limit and size < BATCH_BYTES and not self._queue.empty():
            found.append(self._queue.get_nowait())
            size += len(found[-1].data)
        self._bytes -= size
        self._room.set()
        return found

    async def close(self) -> None:
        if self._subscription is not None:
            await self._subscription.unsubscribe()
