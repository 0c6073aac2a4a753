"""A mail server and an MCP server that are witnesses: what reached them, by the token of its execution, while engines are killed.

Neither knows idempotency keys, so what they must not see again is said by the record, and by the Message-ID of a mail.
"""

import asyncio
import logging
import socket
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from mcp.server.mcpserver import Context, MCPServer

from workflow.outside.mcp_client import KEY_META

START_SECONDS = 30


@dataclass(slots=True, kw_only=True)
class Outside:
    """`mail_came` is awaited with the Message-ID of each mail, `call_came` with the key of each call, before it is answered; `came` is set.

    `mails`: Message-IDs by the mail's subject. `calls`: how often the tool was called, by token.
    """

    mail_came: Callable[[str], Awaitable[None]]
    call_came: Callable[[str], Awaitable[None]]
    came: asyncio.Event
    mails: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    calls: Counter[str] = field(default_factory=Counter)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the package's name
        content = envelope.content
        found = message_from_bytes(content if isinstance(content, bytes) else str(content).encode())
        self.mails[str(found["Subject"])][str(found["Message-ID"])] += 1
        self.came.set()
        await self.mail_came(str(found["Message-ID"]))
        return "250 taken"

    async def pay(self, token: str, context: Context) -> str:  # type: ignore[type-arg]
        """Has no hint, so that it is no tool that may be called twice."""
        self.calls[token] += 1
        meta: Mapping[str, Any] = context.request_context.meta or {}  # type: ignore[assignment]
        self.came.set()
        await self.call_came(str(meta[KEY_META]))
        return "paid"


@asynccontextmanager
async def mail_server(outside: Outside) -> AsyncIterator[int]:
    """Its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(outside, hostname="post.example"), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def mcp_server(outside: Outside) -> AsyncIterator[str]:
    """Its URL. Whose caller was killed is no fault of the server, and not written down."""
    for name in ("mcp", "uvicorn", "sse_starlette"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    made = MCPServer("till", log_level="CRITICAL")
    made.tool()(outside.pay)
    config = uvicorn.Config(made.streamable_http_app(), log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            async with asyncio.timeout(START_SECONDS):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            await asyncio.wait_for(task, START_SECONDS)
