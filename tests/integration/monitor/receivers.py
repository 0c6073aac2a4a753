"""Where alerts are sent in tests, on loopback: an HTTP server that takes JSON, and a mail server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """What came, in order."""

    def __init__(self) -> None:
        self._came: Queue[Any] = Queue()

    def take(self, one: Any) -> None:
        self._came.put(one)

    async def next(self, seconds: float = 60) -> Any:
        return await asyncio.to_thread(self._came.get, True, seconds)

    @property
    def empty(self) -> bool:
        return self._came.empty()


class JsonReceiver(Inbox):
    """`status` is what it answers; only what it takes, with 200, comes into the inbox."""

    def __init__(self) -> None:
        super().__init__()
        self.status, self.refused = 200, 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = int(self._server.server_address[1])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if receiver.status == 200:
                    receiver.take(body)
                else:
                    receiver.refused += 1

            def log_message(self, *_: Any) -> None: ...

        return Handler

    def __enter__(self) -> "JsonReceiver":
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailSink(Inbox):
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.take(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"

    async def next(self, seconds: float = 60) -> EmailMessage:
        found: EmailMessage = await super().next(seconds)
        return found


@asynccontextmanager
async def mail_sink() -> AsyncIterator[tuple[MailSink, int]]:
    sink = MailSink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink, hostname="post.example"), "127.0.0.1", 0)
    try:
        yield sink, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
