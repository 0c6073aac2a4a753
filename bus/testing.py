"""InMemoryBus: the bus within one process, for fast tests of what decides. It passes the same tests/contract/ as the real one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

from pydantic import BaseModel

from bus import service as services
from bus import streams, subjects
from bus.client import Bus, Closing, Handler, KeyHandler, Received, Stored, StreamState, outgoing_headers
from bus.codec import encode
from bus.errors import DeadlineExceeded, NoLeader, StoreFull
from bus.service import Service


def matches(subject_filter: str, subject: str) -> bool:
    """NATS's wildcards: `*` is one token, `>` is the rest."""
    pattern, tokens = subject_filter.split("."), subject.split(".")
    if pattern[-1] == ">":
        pattern = pattern[:-1]
        if len(tokens) <= len(pattern):
            return False
        tokens = tokens[: len(pattern)]
    return len(pattern) == len(tokens) and all(wanted in ("*", token) for wanted, token in zip(pattern, tokens, strict=True))


class _Stream:
    def __init__(self, listens: list[str], max_bytes: int) -> None:
        self.listens, self.max_bytes = listens, max_bytes
        self.messages: list[Received] = []
        self.seen: dict[str, int] = {}
        self.sequence = 0
        self.grew = asyncio.Condition()

    async def store(self, received: Received, message_id: str) -> Stored:
        if message_id in self.seen:
            return Stored(self.seen[message_id], duplicate=True)
        if sum(len(held.data) for held in self.messages) + len(received.data) > self.max_bytes:
            raise StoreFull("The bus holds as much as it may. Try again shortly.", retry_after_seconds=5)
        self.sequence += 1
        self.seen[message_id] = self.sequence
        self.messages.append(Received(received.subject, received.data, received.headers, self.sequence, datetime.now(UTC)))
        async with self.grew:
            self.grew.notify_all()
        return Stored(self.sequence, duplicate=False)


class _Subscription:
    """One handler and its queue: messages in order, one after the other."""

    def __init__(self, subject_filter: str, handler: Handler, group: list["_Subscription"]) -> None:
        self.subject_filter = subject_filter
        self.queue: asyncio.Queue[Received] = asyncio.Queue()
        self._group = group
        self._task = asyncio.create_task(self._run(handler))
        group.append(self)

    async def _run(self, handler: Handler) -> None:
        while True:
            received = await self.queue.get()
            try:
                await handler(received)
            except Exception:
                services.logger.exception("handler_failed", subject=received.subject)
            finally:
                self.queue.task_done()

    async def close(self) -> None:
        self._task.cancel()
        if self in self._group:
            self._group.remove(self)


@dataclass(frozen=True, eq=False)
class _Collector:
    subject_filter: str
    take: Callable[[Received], None]
    group: list["_Collector"]

    async def close(self) -> None:
        if self in self.group:
            self.group.remove(self)


class _Reader:
    def __init__(self, stream: _Stream, subject_filter: str, start_sequence: int) -> None:
        self._stream, self._filter, self._next = stream, subject_filter, start_sequence

    def _ready(self) -> list[Received]:
        return [m for m in self._stream.messages if m.sequence >= self._next and matches(self._filter, m.subject)]

    @property
    def caught_up(self) -> bool:
        return not self._ready()

    async def batch(self, limit: int) -> list[Received]:
        async with self._stream.grew:
            await self._stream.grew.wait_for(self._ready)
        found = self._ready()[:limit]
        self._next = found[-1].sequence + 1
        return found

    async def close(self) -> None: ...


class InMemoryBus(Bus):
    """Shared by whatever takes part in a test; `stream_bytes` bounds each stream, to try what happens when one is full."""

    def __init__(self, *, stream_bytes: int | None = None) -> None:
        self._subscriptions: list[_Subscription] = []
        self._created_at = datetime.now(UTC)
        self._responders: dict[str, Callable[[Received], Awaitable[Received]]] = {}
        self._collectors: list[_Collector] = []
        self._replies: dict[str, asyncio.Future[Received]] = {}
        self._streams = {
            config.name: _Stream(list(config.subjects or ()), stream_bytes or config.max_bytes or 0)
            for config in streams.STREAMS
        }
        self._buckets: dict[str, dict[str, bytes]] = {streams.bucket_name(config): {} for config in streams.BUCKETS}
        self._watchers: dict[str, list[KeyHandler]] = defaultdict(list)

    @property
    def connected(self) -> bool:
        return True

    @property
    def connections(self) -> int:
        return 1

    def _stream_of(self, subject: str) -> _Stream | None:
        return next((s for s in self._streams.values() if any(matches(listen, subject) for listen in s.listens)), None)

    async def publish(self, subject: str, message: BaseModel | bytes, *, headers: Mapping[str, str] | None = None) -> None:
        received = Received(subject, encode(message), outgoing_headers(headers) or {})
        if (waiting := self._replies.get(subject)) is not None and not waiting.done():
            waiting.set_result(received)
        self._hand_over(received)
        if stream := self._stream_of(subject):
            message_id = received.headers.get(subjects.HEADER_MSG_ID, f"core-{id(received)}-{stream.sequence}")
            await stream.store(received, message_id)
        await asyncio.sleep(0)

    def _hand_over(self, received: Received) -> None:
        for subscription in list(self._subscriptions):
            if matches(subscription.subject_filter, received.subject):
                subscription.queue.put_nowait(received)
        for collector in list(self._collectors):
            if matches(collector.subject_filter, received.subject):
                collector.take(received)

    async def publish_durable(
        self,
        subject: str,
        message: BaseModel | bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Stored:
        received = Received(subject, encode(message), outgoing_headers(headers) or {})
        stream = self._stream_of(subject)
        if stream is None:
            raise DeadlineExceeded(f"No stream listens on {subject}.")
        stored = await stream.store(received, message_id)
        self._hand_over(received)
        await asyncio.sleep(0)
        return stored

    async def request_raw(
        self,
        subject: str,
        data: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
        patient: bool = True,
        patience: float | None = None,
    ) -> Received:
        try:
            unheard = monotonic() + (timeout if patience is None else patience)
            async with asyncio.timeout(timeout):
                while not self._is_heard(subject):
                    if not patient or monotonic() >= unheard:
                        raise NoLeader(f"Nobody answers to {subject}. Try again in a moment.", retry_after_seconds=1)
                    await asyncio.sleep(0.01)
                received = Received(subject, data, outgoing_headers(headers) or {})
                respond = self._responder(subject)
                return await (self._collected(received) if respond is None else respond(received))
        except TimeoutError:
            if not self._is_heard(subject):
                raise NoLeader(f"Nobody answers to {subject}. Try again in a moment.", retry_after_seconds=1) from None
            raise DeadlineExceeded(f"{subject} did not answer within {timeout:g} s.") from None

    def _responder(self, subject: str) -> Callable[[Received], Awaitable[Received]] | None:
        return next((respond for name, respond in self._responders.items() if matches(name, subject)), None)

    def _is_heard(self, subject: str) -> bool:
        return self._responder(subject) is not None or any(matches(c.subject_filter, subject) for c in self._collectors)

    async def _collected(self, received: Received) -> Received:
        reply = f"_INBOX.{uuid4().hex}"
        self._replies[reply] = asyncio.get_running_loop().create_future()
        try:
            for collector in list(self._collectors):
                if matches(collector.subject_filter, received.subject):
                    collector.take(replace(received, reply=reply))
            return await self._replies[reply]
        finally:
            del self._replies[reply]

    async def collect(self, subject: str, take: Callable[[Received], None]) -> Closing:
        collector = _Collector(subject, take, self._collectors)
        self._collectors.append(collector)
        return collector

    async def subscribe(self, subject: str, handler: Handler) -> Closing:
        return _Subscription(subject, handler, self._subscriptions)

    async def answer(self, subject: str, handler: Callable[[Received], Awaitable[BaseModel | bytes]]) -> Closing:
        async def respond(received: Received) -> Received:
            return Received(subject, encode(await handler(received)))

        self._responders[subject] = respond
        return _Unregister(self._responders, (subject,))

    async def serve(self, service: Service) -> Closing:
        names = []
        for endpoint in service.endpoints:
            name = subjects.service_verb(service.name, endpoint.verb)

            async def respond(received: Received, endpoint: services.Endpoint = endpoint, name: str = name) -> Received:
                caller = None if received.subject == name else subjects.last_token(received.subject)
                answer = await services.answer(service, endpoint, received.data, received.headers, self.auditor, caller)
                return Received(received.subject, answer.data, answer.headers or {})

            names += [name, *([subjects.agents_verb(service.name, endpoint.verb, "*")] if endpoint.by_agent else [])]
            self._responders.update(dict.fromkeys(names[names.index(name) :], respond))
        return _Unregister(self._responders, tuple(names))

    async def read(self, stream: str, subject_filter: str, start_sequence: int = 1) -> _Reader:
        return _Reader(self._streams[stream], subject_filter, start_sequence)

    async def last(self, stream: str, subject_filter: str) -> Received | None:
        return next((m for m in reversed(self._streams[stream].messages) if matches(subject_filter, m.subject)), None)

    async def stream_state(self, stream: str) -> StreamState:
        return StreamState(self._created_at, self._streams[stream].sequence)

    async def purge(self, stream: str, subject_filter: str, through_sequence: int) -> None:
        held = self._streams[stream]
        held.messages = [m for m in held.messages if m.sequence > through_sequence or not matches(subject_filter, m.subject)]

    async def put(self, bucket: str, key: str, value: BaseModel | bytes) -> None:
        self._buckets[bucket][key] = encode(value)
        for handler in list(self._watchers[bucket]):
            await handler(key, encode(value))

    async def get(self, bucket: str, key: str) -> bytes | None:
        return self._buckets[bucket].get(key)

    async def delete(self, bucket: str, key: str) -> None:
        if self._buckets[bucket].pop(key, None) is not None:
            for handler in list(self._watchers[bucket]):
                await handler(key, None)

    async def keys(self, bucket: str) -> list[str]:
        return list(self._buckets[bucket])

    async def watch(self, bucket: str, handler: KeyHandler) -> Closing:
        for key, value in list(self._buckets[bucket].items()):
            await handler(key, value)
        self._watchers[bucket].append(handler)
        return _Unwatch(self._watchers[bucket], handler)

    async def flush(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.queue.join()

    async def close(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.close()


class _Unregister:
    def __init__(self, responders: dict[str, Callable[[Received], Awaitable[Received]]], names: tuple[str, ...]) -> None:
        self._responders, self._names = responders, names

    async def close(self) -> None:
        for name in self._names:
            self._responders.pop(name, None)


class _Unwatch:
    def __init__(self, watchers: list[KeyHandler], handler: KeyHandler) -> None:
        self._watchers, self._handler = watchers, handler

    async def close(self) -> None:
        if self._handler in self._watchers:
            self._watchers.remove(self._handler)
