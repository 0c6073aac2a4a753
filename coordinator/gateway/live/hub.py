"""One subscription on the bus for each topic that somebody follows, however many do; each message is written once for all of them."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.overview import CLUSTER
from coordinator.gateway.live.outbox import Outbox
from coordinator.gateway.live.topics import Family, Topic, heard

logger = telemetry.log(__name__)


class _Channel:
    """A topic that somebody follows."""

    def __init__(self) -> None:
        self.stack, self.followers = AsyncExitStack(), set[Outbox]()


class Hub:
    def __init__(self, bus: Bus) -> None:
        self._bus, self._numbers = bus, count(1)
        self._channels: dict[Topic, _Channel] = {}
        self._turn = asyncio.Lock()

    @property
    def topics(self) -> Iterable[Topic]:
        """Those that somebody follows."""
        return tuple(self._channels)

    async def follow(self, topic: Topic, outbox: Outbox) -> None:
        """Returns when the bus has heard of it: what is published from then on comes. BusUnavailable."""
        async with self._turn:
            channel = self._channels.get(topic)
            if channel is None:
                channel = _Channel()
                channel.followers.add(outbox)
                self._channels[topic] = channel
                try:
                    await self._open(topic, channel)
                except BaseException:
                    del self._channels[topic]
                    await channel.stack.aclose()
                    raise
            channel.followers.add(outbox)

    async def leave(self, topic: Topic, outbox: Outbox) -> None:
        async with self._turn:
            channel = self._channels.get(topic)
            if channel is not None:
                channel.followers.discard(outbox)
                if not channel.followers:
                    del self._channels[topic]
                    await channel.stack.aclose()

    def message(
        self, kind: str, topic: str | None = None, data: Mapping[str, Any] | None = None, *, answers: str | None = None
    ) -> str:
        """The seed's WebSocketMessage; `answers` is the id of what it answers."""
        told = {"id": answers or f"msg_{next(self._numbers)}", "type": kind, "topic": topic, "data": data}
        fields = {name: value for name, value in told.items() if value is not None}
        return json.dumps({**fields, "timestamp": datetime.now(UTC).isoformat()}, ensure_ascii=False, separators=(",", ":"))

    async def _open(self, topic: Topic, channel: _Channel) -> None:
        if topic.family is Family.CLUSTER:
            watch = await self._bus.watch(subjects.KV_STATUS, partial(self._status, topic, channel))
            channel.stack.push_async_callback(watch.close)
            return
        for subject in topic.subjects:
            closing = await self._bus.subscribe(subject, partial(self._heard, topic, channel))
            channel.stack.push_async_callback(closing.close)
        await self._bus.flush()

    async def _heard(self, topic: Topic, channel: _Channel, received: Received) -> None:
        self._tell(topic, channel, received.subject, received.data)

    async def _status(self, topic: Topic, channel: _Channel, key: str, value: bytes | None) -> None:
        if key == CLUSTER and value is not None:
            self._tell(topic, channel, key, value)

    def _tell(self, topic: Topic, channel: _Channel, subject: str, data: bytes) -> None:
        try:
            said = heard(topic, subject, json.loads(data))
        except (ValueError, AttributeError, KeyError, TypeError):
            logger.warning("message_not_understood", subject=subject)
            return
        if said is not None:
            text = self.message("data", said.topic, said.data)
            for outbox in channel.followers:
                outbox.put(said.topic, text)
