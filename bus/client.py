"""Bus: the one way to speak. Rooms know this interface; NatsBus stands behind it, and InMemoryBus in tests (bus/testing.py).

Both pass tests/contract/, so that what is tried in memory holds on the wire. No error of the client library leaves this room.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Final, Protocol, TypeVar

from pydantic import BaseModel

from bus import subjects, telemetry
from bus.auditing.auditor import WRITE_SECONDS, Auditor
from bus.codec import decode
from bus.errors import AuditUnavailable, HiveError, from_code
from bus.messages import Claims
from bus.service import Service

M = TypeVar("M", bound=BaseModel)

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""What a server of Hive's takes (nats.conf)."""
AUDIT_PATIENCE_SECONDS: Final = 10.0
AUDIT_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came. `sequence` and `stored_at` are set when it comes from a stream, `reply` when somebody waits for an answer."""

    subject: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    stored_at: datetime | None = None
    reply: str = ""

    def decode(self, model: type[M]) -> M:
        return decode(model, self.data)


@dataclass(frozen=True, slots=True)
class Stored:
    """The stream's acknowledgement: on disk, where the stream promises that. `duplicate`: the id was known already."""

    sequence: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class StreamState:
    """`last_sequence` is that of whatever it was given last, though it may be purged; 0 for one that is new.

    A store that was lost is made anew: then `created_at` is another, and the sequence begins with one.
    """

    created_at: datetime
    last_sequence: int


Handler = Callable[[Received], Awaitable[None]]
KeyHandler = Callable[[str, bytes | None], Awaitable[None]]


class Closing(Protocol):
    """Something that goes on until it is closed: a subscription, a served service, a watch."""

    async def close(self) -> None: ...


class Reader(Closing, Protocol):
    """One subject filter of a stream, in order, from a position on: nothing missed, nothing twice, across server restarts."""

    async def batch(self, limit: int) -> list[Received]:
        """At least one message, waiting for it; at most `limit`."""
        ...

    @property
    def caught_up(self) -> bool:
        """Whether everything that the stream held when the last message left it has been returned."""
        ...


class Bus(ABC):
    """Publish, request, subscribe, serve, read, and keys. Timeouts are in seconds."""

    @property
    @abstractmethod
    def connected(self) -> bool: ...

    @property
    @abstractmethod
    def connections(self) -> int:
        """How many there have been. What was published, and not flushed, before the number grew may be lost."""

    @abstractmethod
    async def publish(self, subject: str, message: BaseModel | bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """Core: at most once, to whoever listens now. BusUnavailable when the buffer of a lost connection is full."""

    @abstractmethod
    async def publish_durable(
        self,
        subject: str,
        message: BaseModel | bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Stored:
        """To the stream that listens on `subject`, again with the same id until it is acknowledged.

        StoreFull when the stream refuses; BusUnavailable when `timeout` passes, and then it may or may not be stored.
        """

    async def send_durable(
        self, subject: str, message: BaseModel | bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> Awaitable[Stored]:
        """`publish_durable` for many in their order: each is sent when this returns, and what it returns, which must be awaited, waits
        for the acknowledgement.
        """
        sending = asyncio.create_task(self.publish_durable(subject, message, message_id=message_id, headers=headers))
        await asyncio.sleep(0)
        return sending

    @abstractmethod
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
        """The answer as it came. `patient` retries "no responders" until the timeout, as doors do while a leader changes, or for
        `patience` seconds: the rest of a long timeout is then for the answer of somebody who has the request.

        NoLeader when nobody answers to the subject, DeadlineExceeded when somebody might have.
        """

    async def request(
        self,
        subject: str,
        message: BaseModel | bytes,
        answer: type[M],
        *,
        claims: Claims | None = None,
        timeout: float = 5.0,
        patient: bool = True,
        patience: float | None = None,
    ) -> M:
        """A verb's answer, or the HiveError that crossed the wire.

        An order that was not begun, since the audit log was not there, is given again while there is time for it: so a change waits for
        the next leader of a stream, as what is published does.
        """
        headers = {} if claims is None else {subjects.HEADER_CLAIMS: claims.model_dump_json(exclude_none=True)}
        data = message if isinstance(message, bytes) else message.model_dump_json(exclude_none=True).encode()
        deadline, last = monotonic() + timeout, monotonic() + min(timeout, AUDIT_PATIENCE_SECONDS) - WRITE_SECONDS
        while True:
            received = await self.request_raw(
                subject, data, headers=headers, timeout=timeout, patient=patient, patience=patience
            )
            error = _refusal_in(received)
            if error is None:
                return received.decode(answer)
            if not isinstance(error, AuditUnavailable) or not patient or monotonic() + AUDIT_AGAIN_SECONDS >= last:
                raise error
            await asyncio.sleep(AUDIT_AGAIN_SECONDS)
            timeout = deadline - monotonic()

    @abstractmethod
    async def subscribe(self, subject: str, handler: Handler) -> Closing:
        """Core: what is published from now on, one message after the other."""

    @abstractmethod
    async def answer(self, subject: str, handler: Callable[[Received], Awaitable[BaseModel | bytes]]) -> Closing:
        """Reply to requests on a subject that is not a service's verb, one after the other: a sidecar's dispatch and control."""

    @abstractmethod
    async def collect(self, subject: str, take: Callable[[Received], None]) -> Closing:
        """As `subscribe`, without a queue: `take` gets each message as it is read, must be quick, and holds what it wants held.

        Requests are answered later, many at once, by an answer that is published to their `reply`. What is not answered, whoever asks
        gives up by its own deadline.
        """

    @cached_property
    def auditor(self) -> Auditor:
        """What writes the audit log by this connection."""
        return Auditor(self._audit)

    async def _audit(self, subject: str, record: BaseModel, message_id: str) -> Stored:
        return await self.publish_durable(subject, record, message_id=message_id, timeout=WRITE_SECONDS)

    @abstractmethod
    async def serve(self, service: Service) -> Closing:
        """Answer a service's verbs until closed; instances of one service share the requests.

        Closing it takes no more requests and lets those that have come be answered, and takes some seconds at most even when the
        server is silent. BusUnavailable.
        """

    @abstractmethod
    async def read(self, stream: str, subject_filter: str, start_sequence: int = 1) -> Reader: ...

    @abstractmethod
    async def last(self, stream: str, subject_filter: str) -> Received | None:
        """The newest message of the stream that matches."""

    @abstractmethod
    async def stream_state(self, stream: str) -> StreamState:
        """BusUnavailable."""

    @abstractmethod
    async def purge(self, stream: str, subject_filter: str, through_sequence: int) -> None:
        """Remove what matches, up to and with the sequence."""

    @abstractmethod
    async def put(self, bucket: str, key: str, value: BaseModel | bytes) -> None: ...

    @abstractmethod
    async def get(self, bucket: str, key: str) -> bytes | None: ...

    @abstractmethod
    async def delete(self, bucket: str, key: str) -> None: ...

    @abstractmethod
    async def keys(self, bucket: str) -> list[str]: ...

    @abstractmethod
    async def watch(self, bucket: str, handler: KeyHandler) -> Closing:
        """Hand over every key with its value, then what changes; None when a key went. Returns once what exists was handed over.

        The newest value of a key always comes; one that was replaced at once may not, since a bucket keeps no older ones.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Wait until the server has seen everything published on this connection (see `connections`) so far.

        BusUnavailable without a connection, or when it is lost or silent meanwhile.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let running handlers end, send what is buffered, go."""


def _refusal_in(received: Received) -> HiveError | None:
    """Whoever refused on the bus has written so."""
    code = received.headers.get(subjects.HEADER_ERROR_CODE)
    if not code:
        return None
    retry = received.headers.get("Retry-After")
    error = from_code(code, received.headers.get(subjects.HEADER_ERROR, ""), int(retry) if retry else None)
    error.recorded = True
    return error


def outgoing_headers(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """The caller's headers and the trace that the caller is in."""
    traceparent = telemetry.current_traceparent()
    if traceparent is None:
        return dict(headers) if headers else None
    return {subjects.HEADER_TRACEPARENT: traceparent, **(headers or {})}
