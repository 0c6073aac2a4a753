"""The bus on a real NATS server, by nats-py. Reconnects for ever; a deadline belongs to each call."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any, Self

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, OutboundBufferLimitError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError, NotFoundError
from pydantic import BaseModel
from pydantic_core import from_json

from bus import subjects, telemetry
from bus.client import Bus, Closing, Handler, KeyHandler, Received, Stored, StreamState, outgoing_headers
from bus.codec import encode
from bus.errors import BusUnavailable, DeadlineExceeded, NoLeader, StoreFull
from bus.nats_client import NatsClient
from bus.nats_complaints import REFUSED, REFUSED_KEY, Complaints
from bus.nats_errors import GONE, Ending, available, guard
from bus.nats_keys import NatsKeys
from bus.nats_login import HostIdentity, login
from bus.nats_reader import NatsReader
from bus.nats_service import NatsService
from bus.service import Service
from bus.settings import HiveSettings
from bus.together import within

logger = telemetry.log(__name__)

RETRY_SECONDS = 0.05
HOST_RETRY_SECONDS = 0.5
"""One that was cut off goes on asking, and each time a coordinator is asked."""
ACK_SECONDS = 1.0
"""How long one try at a durable publish waits: what a lost connection swallowed is never acknowledged, only a repetition is."""
FLUSH_SECONDS = 5
CLOSE_SECONDS = 2.0
"""nats-py waits ten for a server that has just died, and a service must be gone in five."""
PING_SECONDS = 2
"""A server whose host vanished is given up when it owes three answers, so after six seconds at most; then comes the next of the cluster."""
MAX_PENDING_BYTES = 64 * 1024 * 1024
_STREAM_FULL = {10047, 10077}  # insufficient resources; maximum bytes, messages or age exceeded

_Send = Callable[..., Awaitable[asyncio.Future[Msg]]]


class NatsBus(Bus):
    """Made by `NatsBus.connect`."""

    def __init__(self, client: NatsClient) -> None:
        self._client = client
        self._js = client.jetstream(timeout=5)
        self._keys = NatsKeys(self._js)

    @classmethod
    async def connect(
        cls, settings: HiveSettings, name: str, *, timeout: float | None = None, host: HostIdentity | None = None
    ) -> Self:
        """`name` shows in NATS's monitoring; `host` stands in place of a user and password. Waits for the server for ever, or raises
        BusUnavailable after `timeout`.
        """
        client, servers = NatsClient(), settings.nats_servers
        refused = REFUSED if host is None else REFUSED_KEY
        complaints = Complaints(name, ",".join(servers), lambda: client.is_connected, refused)
        options: dict[str, Any] = {
            "servers": servers,
            "name": name,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.2 if host is None else HOST_RETRY_SECONDS,
            "connect_timeout": 2,
            "ping_interval": PING_SECONDS,
            "max_outstanding_pings": 2,
            "pending_size": MAX_PENDING_BYTES,
            **login(settings, host),
            "error_cb": complaints.heard,
            "disconnected_cb": partial(_gone, name),
            "reconnected_cb": partial(_back, name, complaints),
        }
        try:
            await within(timeout, client.connect(**options))
        except (TimeoutError, NatsError, OSError) as error:
            await client.close()
            raise BusUnavailable(complaints.sentence) from error
        except asyncio.CancelledError:
            await client.close()
            raise
        return cls(client)

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def clustered(self) -> bool:
        """Whether the server is one of several that keep streams together."""
        return self._client.cluster is not None

    @property
    def connections(self) -> int:
        return 1 + int(self._client.stats["reconnects"])

    @property
    def client(self) -> NatsClient:
        """For the declaration of streams (bus/nats_streams.py) and for FastStream's broker; rooms use the methods."""
        return self._client

    async def publish(self, subject: str, message: BaseModel | bytes, *, headers: Mapping[str, str] | None = None) -> None:
        try:
            await self._client.publish(subject, encode(message), headers=outgoing_headers(headers))
        except OutboundBufferLimitError:
            raise BusUnavailable("NATS has been away for so long that the buffer for it is full.") from None
        except GONE as error:
            raise BusUnavailable(f"NATS took nothing: {error}") from error

    async def publish_durable(
        self,
        subject: str,
        message: BaseModel | bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Stored:
        return await (await self.send_durable(subject, message, message_id=message_id, headers=headers, timeout=timeout))

    async def send_durable(
        self,
        subject: str,
        message: BaseModel | bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Awaitable[Stored]:
        data, deadline = encode(message), monotonic() + timeout
        all_headers = {**(outgoing_headers(headers) or {}), subjects.HEADER_MSG_ID: message_id}
        send = partial(self._client.ask, subject, data, headers=all_headers)
        try:
            sent = await send(timeout=min(ACK_SECONDS, timeout))
        except GONE as error:
            return self._stored(send, error, deadline, timeout)
        return self._stored(send, sent, deadline, timeout)

    async def _stored(self, send: _Send, sent: asyncio.Future[Msg] | Exception, deadline: float, timeout: float) -> Stored:
        """By the acknowledgement of what was sent, or of what is sent again until the deadline."""
        while True:
            try:
                if isinstance(sent, Exception):
                    raise sent
                return _acknowledged(await sent)
            except APIError as error:
                if error.err_code in _STREAM_FULL:
                    raise StoreFull("The bus holds as much as it may. Try again shortly.", retry_after_seconds=5) from None
                problem: Exception = error
            except GONE as error:
                problem = error
            if monotonic() + RETRY_SECONDS >= deadline:
                raise BusUnavailable(
                    f"NATS did not acknowledge within {timeout:g} s ({problem or 'no answer'}). Try again.",
                    retry_after_seconds=2,
                ) from problem
            await asyncio.sleep(RETRY_SECONDS)
            try:
                sent = await send(timeout=max(0.1, min(ACK_SECONDS, deadline - monotonic())))
            except GONE as error:
                sent = error

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
        deadline = monotonic() + timeout
        unheard = deadline if patience is None else min(deadline, monotonic() + patience)
        while True:
            try:
                left = max(0.05, deadline - monotonic())
                message = await self._client.request(subject, data, timeout=left, headers=outgoing_headers(headers))
                return Received(subject, message.data, message.headers or {})
            except NoRespondersError:
                if not patient or monotonic() + RETRY_SECONDS >= unheard:
                    raise NoLeader(f"Nobody answers to {subject}. Try again in a moment.", retry_after_seconds=1) from None
            except (TimeoutError, NatsTimeoutError):
                raise DeadlineExceeded(f"{subject} did not answer within {timeout:g} s.") from None
            except GONE as error:
                if monotonic() + RETRY_SECONDS >= unheard:
                    raise BusUnavailable(f"NATS is away: {error}", retry_after_seconds=1) from error
            await asyncio.sleep(RETRY_SECONDS)

    async def subscribe(self, subject: str, handler: Handler) -> Closing:
        async def receive(message: Msg) -> None:
            with guard(subject):
                await handler(Received(message.subject, message.data, message.headers or {}))

        return Ending((await self._client.subscribe(subject, cb=receive, pending_bytes_limit=MAX_PENDING_BYTES)).unsubscribe)

    async def answer(self, subject: str, handler: Callable[[Received], Awaitable[BaseModel | bytes]]) -> Closing:
        async def receive(message: Msg) -> None:
            with guard(subject):
                await message.respond(encode(await handler(Received(message.subject, message.data, message.headers or {}))))

        return Ending((await self._client.subscribe(subject, cb=receive)).unsubscribe)

    async def collect(self, subject: str, take: Callable[[Received], None]) -> Closing:
        def receive(message: Msg) -> None:
            reply = message.reply if subjects.is_inbox(message.reply) else ""
            take(Received(message.subject, message.data, message.headers or {}, reply=reply))

        subscription = await self._client.collect(subject, receive)

        async def close() -> None:
            self._client.forget(subscription)

        return Ending(close)

    async def serve(self, service: Service) -> Closing:
        return await NatsService.begin(self._client, service, self.auditor)

    async def read(self, stream: str, subject_filter: str, start_sequence: int = 1) -> NatsReader:
        with available():
            return await NatsReader.open(self._js, stream, subject_filter, start_sequence)

    async def last(self, stream: str, subject_filter: str) -> Received | None:
        try:
            message = await self._js.get_last_msg(stream, subject_filter)
        except NotFoundError:
            return None
        except GONE as error:
            raise BusUnavailable(f"NATS did not answer: {error}", retry_after_seconds=1) from error
        headers = {key: value for key, value in (message.headers or {}).items() if not key.startswith("Nats-")}
        return Received(message.subject or subject_filter, message.data or b"", headers, message.seq or 0, message.time)

    async def stream_state(self, stream: str) -> StreamState:
        with available():
            info = await self._js.stream_info(stream)
            if info.created is None:
                raise BusUnavailable(f"NATS does not say when {stream} was made. Is it a nats-server of version 2.2 or later?")
            return StreamState(info.created, int(info.state.last_seq))

    async def purge(self, stream: str, subject_filter: str, through_sequence: int) -> None:
        try:
            await self._js.purge_stream(stream, subject=subject_filter, seq=through_sequence + 1)
        except GONE as error:
            raise BusUnavailable(f"NATS did not purge: {error}") from error

    async def put(self, bucket: str, key: str, value: BaseModel | bytes) -> None:
        await self._keys.put(bucket, key, encode(value))

    async def get(self, bucket: str, key: str) -> bytes | None:
        return await self._keys.get(bucket, key)

    async def delete(self, bucket: str, key: str) -> None:
        await self._keys.delete(bucket, key)

    async def keys(self, bucket: str) -> list[str]:
        return await self._keys.keys(bucket)

    async def watch(self, bucket: str, handler: KeyHandler) -> Closing:
        return await self._keys.watch(bucket, handler)

    async def flush(self) -> None:
        with available():
            await self._client.flush(timeout=FLUSH_SECONDS)

    async def close(self) -> None:
        if self._client.is_connected:
            try:
                await within(CLOSE_SECONDS, self._client.drain())
                return
            except GONE:
                pass
        try:
            await self._client.close()
        except (RuntimeError, OSError):  # as uvloop and asyncio say that the server went before the last bytes did
            transport: Any = self._client._transport
            if transport is not None:
                transport.close()  # nats-py has given up before it came to that


def _acknowledged(message: Msg) -> Stored:
    """APIError when the stream refused it."""
    answer = from_json(message.data)
    if "error" in answer:
        raise APIError.from_error(answer["error"])
    return Stored(answer["seq"], answer.get("duplicate", False))


async def _gone(name: str) -> None:
    logger.warning("bus_disconnected", connection=name)


async def _back(name: str, complaints: Complaints) -> None:
    complaints.forget()
    logger.warning("bus_reconnected", connection=name)
