"""An Ollama over real sockets that can be told to misbehave where a real one does so only in a bad night."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from agent_sidecar.addresses import Address, parse_address

Script = Callable[["Exchange"], Awaitable[None]]
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


class Exchange:
    """One request to /api/chat, and what is said to it. Writing to a client that left ends the script."""

    def __init__(self, model: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.model, self.writer = model, writer
        self._reader = reader

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def say(self, text: str) -> None:
        await self.chunk(json.dumps({"message": {"role": "assistant", "content": text}, "done": False}).encode() + b"\n")

    async def answer(self, status: str, body: bytes, *headers: str) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
        await self.raw(head.encode() + b"\r\n\r\n" + body)

    async def left(self) -> None:
        """Until the client goes."""
        await self._reader.read()


async def well(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await exchange.say("Hello")
    done = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    await exchange.chunk(json.dumps({**done, "prompt_eval_count": 3, "eval_count": 1}).encode() + b"\n")
    await exchange.raw(b"0\r\n\r\n")


class Misbehaving:
    """`chat` is what it does when asked to generate, `tags` the body that it answers when asked for its models."""

    def __init__(self, *models: str) -> None:
        self.chat: Script = well
        self.tags: bytes = json.dumps({"models": [{"name": name, "size": 1000} for name in models]}).encode()
        self.loaded: tuple[str, ...] = models
        self.asked = 0
        self._pages: dict[str, bytes] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> Address:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        return parse_address(f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}")

    def becomes_openai(self) -> None:
        """From now on it is another server: one that speaks OpenAI's API alone."""
        models = json.dumps({"data": [{"id": model["name"]} for model in json.loads(self.tags)["models"]]}).encode()
        self._pages = {"/v1/models": models}

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            path = head.split(" ", 2)[1]
            if path == "/api/chat":
                self.asked += 1
                await self.chat(Exchange(json.loads(body)["model"], reader, writer))
            elif (page := self._page(path)) is not None:
                await Exchange("", reader, writer).answer("200 OK", page)
            else:
                await Exchange("", reader, writer).answer("404 Not Found", b"")
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left, as it may
        finally:
            writer.close()

    def _page(self, path: str) -> bytes | None:
        loaded = json.dumps({"models": [{"name": name} for name in self.loaded]}).encode()
        ollama = {"/api/version": b'{"version":"0.6.5"}', "/api/tags": self.tags, "/api/ps": loaded}
        return (self._pages or ollama).get(path)


@pytest.fixture
async def misbehaving() -> AsyncIterator[Callable[..., Misbehaving]]:
    """`misbehaving("llama3")`: one that has this model, loaded, and is well until it is told otherwise."""
    made: list[Misbehaving] = []

    def make(*models: str) -> Misbehaving:
        made.append(Misbehaving(*models))
        return made[-1]

    yield make
    for server in made:
        await server.stop()
