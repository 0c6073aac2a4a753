"""One subscription on the bus for all topics on the same subjects, however many follow them; each message is read once and written once
for all who follow a topic.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Final

from bus import subjects, telemetry
from bus.auditing.auditor import Auditor
from bus.client import Bus, Received
from bus.errors import BusUnavailable
from bus.overview import CLUSTER
from bus.together import within
from coordinator.gateway.live.outbox import Outbox
from coordinator.gateway.live.topics import Family, Topic, heard

logger = telemetry.log(__name__)

OPEN_SECONDS: Final = 5.0


class _Channel:
    """What is heard on some subjects, for the topics on them that somebody follows. `turn` is held while it opens or closes."""

    def __init__(self) -> None:
        self.stack, self.turn, self.opened = AsyncExitStack(), asyncio.Lock(), False
        self.followers: dict[Topic, set[Outbox]] = {}

    def join(self, topic: Topic, outbox: Outbox) -> None:
        self.followers.setdefault(topic, set()).add(outbox)

    def part(self, topic: Topic, outbox: Outbox) -> None:
        followers = self.followers.get(topic, set())
        followers.discard(outbox)
        if not followers:
            self.followers.pop(topic, None)


class Hub:
    """No channel waits for another: `_channels` changes between two awaits, and only a channel's own turn is held over one."""

    def __init__(self, bus: Bus, *, open_seconds: float = OPEN_SECONDS) -> None:
        self._bus, self._numbers, self._open_seconds = bus, count(1), open_seconds
        self._channels: dict[tuple[str, ...], _Channel] = {}

    @property
    def auditor(self) -> Auditor:
        """For what a client may not follow."""
        return self._bus.auditor

    @property
    def topics(self) -> Iterable[Topic]:
        """Those that somebody follows."""
        return tuple(topic for channel in self._channels.values() for topic in channel.followers)

    async def follow(self, topic: Topic, outbox: Outbox) -> None:
        """Returns when the bus has heard of it: what is published from then on comes. BusUnavailable."""
        channel = self._channels.setdefault(topic.subjects, _Channel())
        channel.join(topic, outbox)
        if channel.opened:
            return
        try:
            await within(self._open_seconds, self._open(topic, channel))
        except BaseException as error:
            await self.leave(topic, outbox)
            if isinstance(error, TimeoutError):
                told = f"The bus did not take up {topic} within {self._open_seconds:g} s. Try again shortly."
                raise BusUnavailable(told, retry_after_seconds=1) from None
            raise

    async def leave(self, topic: Topic, outbox: Outbox) -> None:
        """Who follows while the last one leaves opens a channel of its own."""
        channel = self._channels.get(topic.subjects)
        if channel is None:
            return
        channel.part(topic, outbox)
        if not channel.followers:
            del self._channels[topic.subjects]
            async with channel.turn:
                await channel.stack.aclose()

    def message(
        self, kind: str, topic: str | None = None, data: Mapping[str, Any] | None = None, *, answers: str | None = None
    ) -> str:
        """The seed's WebSocketMessage; `answers` is the id of what it answers."""
        told = {"id": answers or f"msg_{next(self._numbers)}", "type": kind, "topic": topic, "data": data}
        fields = {name: value for name, value in told.items() if value is not None}
        return json.dumps({**fields, "timestamp": datetime.now(UTC).isoformat()}, ensure_ascii=False, separators=(",", ":"))

    async def _open(self, topic: Topic, channel: _Channel) -> None:
        """All of it or nothing; whoever waits for another to open it, opens it where that failed. BusUnavailable."""
        async with channel.turn:
            if channel.opened:
                return
            try:
                await self._listen(topic, channel)
            except BaseException:
                await channel.stack.aclose()
                raise
            channel.opened = True

    async def _listen(self, topic: Topic, channel: _Channel) -> None:
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

    def _tell(self, opened_for: Topic, channel: _Channel, subject: str, data: bytes) -> None:
        try:
            body = json.loads(data)
            followed = [topic for topic in opened_for.concerned(body) if topic in channel.followers]
            told = [(topic, said) for topic in followed if (said := heard(topic, subject, body)) is not None]
        except (ValueError, AttributeError, KeyError, TypeError):
            logger.warning("message_not_understood", subject=subject)
            return
        for topic, said in told:
            text = self.message("data", said.topic, said.data)
            for outbox in channel.followers[topic]:
                outbox.put(said.topic, text)
