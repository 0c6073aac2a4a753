"""nats-py's client, changed where the bus must rely on it.

Its read loop does not end for reasons of its own. A flush vouches for what was published before it. A subscription can be ended
without waiting for a server that may not answer. And some messages have a shorter way than through a queue and a task: replies,
since every durable publish and every offer waits for one, go from the read loop to whoever waits, and what is collected to the
function that collects it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport
from nats.errors import ConnectionClosedError, ConnectionReconnectingError, FlushTimeoutError, NoRespondersError, ProtocolError
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.protocol.command import sub_cmd, unsub_cmd

from bus.nats_errors import guard
from bus.together import end

AGAIN_SECONDS: Final = 1.0
_READS: Final = (".STREAM.INFO.", ".STREAM.MSG.GET.", ".CONSUMER.INFO.")


class _Asking(JetStreamContext):
    """While a cluster elects, a question to JetStream's API is lost: nobody has it, and nobody says so. What only reads is asked again."""

    async def _api_request(self, req_subject: str, req: bytes = b"", timeout: float = 5) -> dict[str, Any]:
        until = monotonic() + timeout
        while any(part in req_subject for part in _READS) and (left := until - monotonic()) > AGAIN_SECONDS:
            with suppress(NatsTimeoutError):
                return await super()._api_request(req_subject, req, min(AGAIN_SECONDS, left))
        return await super()._api_request(req_subject, req, max(0.1, until - monotonic()))


class NatsClient(Client):
    """Used like nats-py's own."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, asyncio.Future[Msg]] = {}
        self._numbers = count(1)
        self._replies_prefix = ""
        self._at_once: dict[int, Callable[[Msg], None]] = {}
        """By subscription, what takes its messages in the read loop."""
        self._opening = asyncio.Lock()

    def jetstream(self, **opts: Any) -> JetStreamContext:
        return _Asking(self, **opts)

    @property
    def cluster(self) -> str | None:
        """The name of the cluster that the server belongs to."""
        return self._server_info.get("cluster")

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """NoRespondersError when the server knows nobody who listens, nats.errors.TimeoutError after `timeout` seconds."""
        return await (await self.ask(subject, payload, timeout, headers))

    async def ask(self, subject: str, payload: bytes, timeout: float, headers: dict[str, Any] | None) -> "asyncio.Future[Msg]":
        """A request that is on its way when this returns; the future has what `request` returns, or its error."""
        if not self._replies_prefix:
            await self._open_replies()
        token = str(next(self._numbers))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        expiry = asyncio.get_running_loop().call_later(timeout, _expire, future)

        def forget(_future: "asyncio.Future[Msg]") -> None:
            expiry.cancel()
            del self._waiting[token]

        self._waiting[token] = future
        future.add_done_callback(forget)
        try:
            await self.publish(subject, payload, reply=self._replies_prefix + token, headers=headers)
        except BaseException:
            future.cancel()
            raise
        return future

    async def _open_replies(self) -> None:
        async with self._opening:
            if not self._replies_prefix:
                prefix = self.new_inbox() + "."
                await self.collect(prefix + "*", self._answered)
                self._replies_prefix = prefix

    async def _send_subscribe(self, sub: Subscription) -> None:
        """At once: whoever was cancelled while nats-py's own waits could not leave what it had subscribed to."""
        self._send_soon(sub_cmd(sub._subject, sub._queue or "", sub._id))

    async def collect(self, subject: str, take: Callable[[Msg], None]) -> Subscription:
        """Every message goes to `take` as it is read; nothing is kept back or dropped here."""

        async def before_it_is_known(message: Msg) -> None:
            take(message)

        subscription = await self.subscribe(subject, cb=before_it_is_known)
        self._at_once[subscription._id] = take
        return subscription

    def _answered(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        if message.headers and message.headers.get("Status") == "503":
            future.set_exception(NoRespondersError())
        else:
            future.set_result(message)

    async def flush(self, timeout: float = 10) -> None:
        """Until the server has read everything that was published before, on the connection that there was then.

        ConnectionReconnectingError without a connection, or when it is lost meanwhile; FlushTimeoutError after `timeout` seconds.
        """
        if self.is_closed:
            raise ConnectionClosedError
        if not self.is_connected or self._reading_task is None or self._reading_task.done():
            raise ConnectionReconnectingError
        answered = asyncio.get_running_loop().create_future()
        await self._send_ping(answered)
        await asyncio.wait({answered}, timeout=timeout)
        if answered.cancelled():
            raise ConnectionReconnectingError
        if not answered.done():
            raise FlushTimeoutError

    async def _send_ping(self, future: "asyncio.Future[Any] | None" = None) -> None:
        """Behind what is pending, which nats-py's own overtakes."""
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        self._send_soon(PING_PROTO)

    def _send_soon(self, command: bytes) -> None:
        """Never waits, as nats-py's own does once a thousand others wait for a connection that takes nothing."""
        self._pending.append(command)
        self._pending_data_size += len(command)
        if self.is_connected and self._flush_queue is not None and self._flush_queue.empty():
            self._flush_queue.put_nowait(asyncio.get_running_loop().create_future())

    def _forget_pings(self) -> None:
        """Those of a connection that is gone: nobody answers them, and on the next they would answer for later ones."""
        for answered in self._pongs:
            answered.cancel()
        self._pongs = []
        unsent = self._pending.count(PING_PROTO)
        self._pending = [command for command in self._pending if command != PING_PROTO]
        self._pending_data_size -= unsent * len(PING_PROTO)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """nats-py leaves it to the server whether there is TLS, and would tell one that stands in between who we are.

        A cluster tells of its servers without the password that was given with their addresses. nats-py takes those for others, and
        would wait for one that is gone twice.
        """
        if initial_connection and "tls" in self.options and not info.get("tls_required"):
            raise NatsError("it speaks without TLS, and tls:// was asked for")
        known = {(server.hostname, server.port) for server in self.servers}
        told = [address for address in info.get("connect_urls") or () if _place(address) not in known]
        await super()._process_info({**info, "connect_urls": told}, initial_connection)

    async def _connect_to_server(self, server: Any) -> None:
        """nats-py lets go of a connection whose greeting failed when it makes the next, and leaves it open."""
        if isinstance(self._transport, TcpTransport) and self._transport._io_writer is not None:
            self._transport._io_writer.transport.abort()
        await super()._connect_to_server(server)

    async def _attempt_reconnect(self) -> None:
        self._forget_pings()
        await super()._attempt_reconnect()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        """nats-py cancels its reconnecting once; where that is dropped (bus/together.py) a closed client would go on trying for ever."""
        reconnecting = self._reconnection_task
        await super()._close(status, do_cbs)
        if reconnecting is not None and reconnecting is not asyncio.current_task():
            await end([reconnecting])
            self._status = status  # which a last try may have called reconnecting again

    async def _process_connect_init(self) -> None:
        self._forget_pings()
        await super()._process_connect_init()

    def leave(self, subscription: Subscription) -> None:
        """Asks the server for no more of it. What is on its way still reaches the handler, until `forget`."""
        self._send_soon(unsub_cmd(subscription._id, 0))

    def forget(self, subscription: Subscription) -> None:
        """Ends it here. It is left once more, since a connection made after `leave` has subscribed it again."""
        self._at_once.pop(subscription._id, None)
        if self._subs.pop(subscription._id, None) is not None:
            self.leave(subscription)
        subscription._closed = True
        subscription._stop_processing()

    async def _read_loop(self) -> None:
        """One that ended for a reason that nats-py does not know is a lost connection, and that is made anew."""
        await super()._read_loop()
        reading = asyncio.current_task()
        if self.is_connected and reading is not None and not reading.cancelling():
            await self._process_op_err(ProtocolError())

    def _build_message(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None) -> Msg | None:
        """Called by the read loop for each message; what it gives None for has found its way.

        nats-py's read loop ends, without a word, at a subject that is not UTF-8, and everybody on the bus may send one.
        """
        message: Msg = super()._build_message(sid, _readable(subject), _readable(reply), data, headers)
        take = self._at_once.get(sid)
        if take is None:
            return message
        with guard(message.subject):
            take(message)
        return None


def _readable(token: bytes) -> bytes:
    return token if token.isascii() else token.decode(errors="replace").encode()


def _place(address: str) -> tuple[str | None, int | None]:
    """Of `HOST:PORT`."""
    parts = urlsplit(f"nats://{address}")
    return parts.hostname, parts.port


def _expire(future: "asyncio.Future[Msg]") -> None:
    if not future.done():
        future.set_exception(NatsTimeoutError())
