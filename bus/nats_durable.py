"""A durable consumer of a stream: the server remembers what was taken, so whoever was away goes on where it ended.

Several processes may read by the same one; each message goes to one of them, and to another when it is not acknowledged in time.
"""

from collections.abc import Sequence
from typing import Self

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from bus.client import Received
from bus.nats_bus import NatsBus
from bus.nats_errors import available
from bus.nats_reader import place


class DurableReader:
    """Made by `open`. One batch at a time: `batch`, then `done` once it is safe."""

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription
        self._taken: list[Msg] = []

    @classmethod
    async def open(
        cls, bus: NatsBus, stream: str, subject_filter: str, name: str, *, most_unacknowledged: int, ack_seconds: float
    ) -> Self:
        """From the oldest message on, where nobody has read by this name before. BusUnavailable."""
        config = ConsumerConfig(
            durable_name=name,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_seconds,
            max_ack_pending=most_unacknowledged,
        )
        with available():
            js = bus.client.jetstream(timeout=5)
            return cls(await js.pull_subscribe(subject_filter, durable=name, stream=stream, config=config))

    async def batch(self, limit: int, seconds: float) -> Sequence[Received]:
        """As many as there are, at most `limit`; waits for the first one so long, and gives none then. BusUnavailable."""
        try:
            with available():
                self._taken = await self._fetched(limit, seconds)
        except NatsTimeoutError:
            self._taken = []
        return [_received(message) for message in self._taken]

    async def _fetched(self, limit: int, seconds: float) -> list[Msg]:
        try:
            return await self._subscription.fetch(limit, timeout=seconds)
        except (TimeoutError, NatsTimeoutError):
            return []

    async def done(self) -> None:
        """The last batch will not come again. BusUnavailable; then it may."""
        with available():
            for message in self._taken:
                await message.ack()
        self._taken = []

    async def waiting(self) -> int:
        """Messages that were not acknowledged yet, those that nobody has been given included. BusUnavailable."""
        with available():
            info = await self._subscription.consumer_info()
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    async def close(self) -> None:
        with available():
            await self._subscription.unsubscribe()


def _received(message: Msg) -> Received:
    sequence, stored_at, _ = place(message.reply)
    return Received(message.subject, message.data, message.headers or {}, sequence, stored_at)
