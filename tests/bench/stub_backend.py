"""A backend in front of which gateways are compared: it answers at once, or as fast as a prompt says. `python -m tests.bench.stub_backend PORT`

A last message `TOKENS MILLISECONDS` is answered with so many times TOKEN, one every so many milliseconds. It speaks Ollama's API, which Hive and
ollama-herd ask, and OpenAI's, which LiteLLM and who asks directly do. No framework: what it takes itself is taken from those that are measured.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import uvloop

MODEL: Final = "stub:latest"
TOKEN: Final = "tok "
NOTHING_SAID: Final = (4, 0.0)
_NAMED: Final = {
    "name": MODEL,
    "model": MODEL,
    "size": 1_000_000,
    "details": {"family": "stub"},
    "modified_at": "2026-01-01T00:00:00Z",
}
_USAGE: Final = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
_FIXED: Final[dict[str, object]] = {
    "/": {"status": "running"},
    "/api/version": {"version": "0.6.5"},
    "/api/tags": {"models": [_NAMED]},
    "/api/ps": {"models": [{**_NAMED, "size_vram": 1_000_000, "context_length": 4096}]},
    "/api/show": {"template": "", "details": {"family": "stub"}, "model_info": {}},
    "/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "stub"}]},
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one API writes a stream, and a whole answer."""

    media_type: str
    token: bytes
    end: bytes
    whole: Callable[[str], object]


def _line(content: str, **more: object) -> bytes:
    said = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": content}}
    return json.dumps({**said, "done": bool(more), **more}).encode() + b"\n"


def _event(delta: object, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "stub", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _ollama_whole(text: str) -> object:
    return json.loads(_line(text, **_COUNTS))


def _openai_whole(text: str) -> object:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "stub", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": _USAGE}


_COUNTS: Final = {"done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4, "eval_duration": 1_000_000}
_PROTOCOLS: Final = {
    "/api/chat": Protocol("application/x-ndjson", _line(TOKEN), _line("", **_COUNTS), _ollama_whole),
    "/v1/chat/completions": Protocol(
        "text/event-stream", _event({"content": TOKEN}, None), _event({}, "stop") + b"data: [DONE]\n\n", _openai_whole
    ),
}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, request after request."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = _known(head.split(b" ", 2)[1].decode().partition("?")[0])
            length = head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0]
            body = await reader.readexactly(int(length or 0))
            if (protocol := _PROTOCOLS.get(path)) is not None:
                await _chat(writer, protocol, json.loads(body))
            else:
                found = _FIXED.get(path)
                _whole(
                    writer, {"error": "not found"} if found is None else found, "404 Not Found" if found is None else "200 OK"
                )
            await writer.drain()
    writer.close()


def _known(path: str) -> str:
    """Each agent may have a path of its own before `/api`."""
    return path[max(0, path.find("/api/")) :]


async def _chat(writer: asyncio.StreamWriter, protocol: Protocol, asked: dict[str, Any]) -> None:
    tokens, seconds = _wanted(asked["messages"][-1]["content"])
    if not asked.get("stream", protocol.media_type != "text/event-stream"):
        await asyncio.sleep(tokens * seconds)
        return _whole(writer, protocol.whole(TOKEN * tokens))
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {protocol.media_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    token, loop = _chunk(protocol.token), asyncio.get_running_loop()
    if not seconds:
        writer.write(token * tokens)
    began = loop.time()
    for number in range(tokens if seconds else 0):
        await asyncio.sleep(began + (number + 1) * seconds - loop.time())  # by the clock, so that no delay adds up
        writer.write(token)
        await writer.drain()
    writer.write(_chunk(protocol.end) + b"0\r\n\r\n")
    return None


def _wanted(said: object) -> tuple[int, float]:
    """Tokens, and seconds between them; a short answer to anything else."""
    words = str(said).split()
    return (
        (int(words[0]), int(words[1]) / 1000) if len(words) == 2 and all(word.isdecimal() for word in words) else NOTHING_SAID
    )


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _whole(writer: asyncio.StreamWriter, content: object, status: str = "200 OK") -> None:
    body = json.dumps(content).encode()
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "localhost", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
