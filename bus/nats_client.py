"""nats-py's client with two changes: its read loop does not end for reasons of its own, and replies have a shorter way.

Every durable publish and every offer waits for a reply. nats-py takes it through a queue and a task to a future under
`asyncio.wait_for`; here it goes from the read loop to the future.
"""

import asyncio
from itertools import count
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError, ProtocolError
from nats.errors import TimeoutError as NatsTimeoutError


class NatsClient(Client):
    """Used like nats-py's own."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, asyncio.Future[Msg]] = {}
        self._numbers = count(1)
        self._replies_prefix = ""
        self._replies_sid = 0
        self._opening = asyncio.Lock()

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """NoRespondersError when the server knows nobody who listens, nats.errors.TimeoutError after `timeout` seconds."""
        if not self._replies_sid:
            await self._open_replies()
        token = str(next(self._numbers))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        expiry = asyncio.get_running_loop().call_later(timeout, _expire, future)
        try:
            await self.publish(subject, payload, reply=self._replies_prefix + token, headers=headers)
            message = await future
        finally:
            expiry.cancel()
            del self._waiting[token]
        if message.headers and message.headers.get("Status") == "503":
            raise NoRespondersError
        return message

    async def _open_replies(self) -> None:
        async with self._opening:
            if not self._replies_sid:
                prefix = self.new_inbox() + "."
                subscription = await self.subscribe(prefix + "*", cb=_never)
                self._replies_prefix, self._replies_sid = prefix, subscription._id

    async def _process_pong(self) -> None:
        """The answer to a flush whose caller has gone: nats-py stops reading at it, for good and without a word."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

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
        if sid != self._replies_sid or not sid:
            return message
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is not None and not future.done():
            future.set_result(message)
        return None


def _readable(token: bytes) -> bytes:
    return token if token.isascii() else token.decode(errors="replace").encode()


def _expire(future: "asyncio.Future[Msg]") -> None:
    if not future.done():
        future.set_exception(NatsTimeoutError())


async def _never(message: Msg) -> None:
    raise AssertionError(f"replies are taken in the read loop: {message.subject}")
