"""One question at each door, whole and streamed, read by hand: an answer counts where its own protocol says that it is complete."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

DOORS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "ollama": "/api/chat"}


class Cut(Exception):
    """An answer without its end."""


class Refused(Exception):
    """What the door said instead of an answer, or instead of the rest of it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`end` is why it ended, in the protocol's words."""

    task_id: str
    model: str
    text: str
    end: str


async def ask(client: httpx.AsyncClient, door: str, model: str, prompt: str, *, stream: bool, **more: Any) -> Answer:
    """Refused, Cut, and what httpx says of a connection that breaks."""
    known = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream}
    if door == "ollama":
        known["options"] = {"temperature": 0}
    else:
        known |= {"temperature": 0, "max_tokens": 4000}
    async with client.stream("POST", DOORS[door], json=known | more) as response:
        if response.status_code != 200:
            raise Refused(f"{response.status_code} {(await response.aread()).decode()}")
        text, end = "", ""
        async for piece, why in _READERS[door](response) if stream else _whole(door, response):
            if end:
                raise Cut(f"something followed the end: {piece!r}")
            text, end = text + piece, why
    if not end:
        raise Cut(f"it ends after {text[-40:]!r}")
    return Answer(task_id=response.headers["x-hive-task"], model=response.headers["x-hive-model"], text=text, end=end)


async def _whole(door: str, response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    body = json.loads(await response.aread())
    match door:
        case "openai":
            [choice] = body["choices"]
            yield choice["message"]["content"], choice["finish_reason"]
        case "anthropic":
            yield "".join(block["text"] for block in body["content"]), body["stop_reason"]
        case _:
            yield body["message"]["content"], body["done_reason"] if body["done"] else ""


async def _openai(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """`[DONE]` ends it, and names no reason: the chunk before it did."""
    reason = ""
    async for line in response.aiter_lines():
        if line == "data: [DONE]":
            yield "", reason
        elif line.startswith("data: "):
            data = json.loads(line[6:])
            if "error" in data:
                raise Refused(data["error"]["message"])
            for choice in data["choices"]:
                reason = choice["finish_reason"] or reason
                yield choice["delta"].get("content") or "", ""


async def _anthropic(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    reason = ""
    async for line in response.aiter_lines():
        if not line.startswith("data: "):
            continue
        data = json.loads(line[6:])
        match data["type"]:
            case "content_block_delta":
                yield data["delta"]["text"], ""
            case "message_delta":
                reason = data["delta"]["stop_reason"]
            case "message_stop":
                yield "", reason
            case "error":
                raise Refused(data["error"]["message"])


async def _ollama(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    async for line in response.aiter_lines():
        data = json.loads(line)
        if "error" in data:
            raise Refused(data["error"])
        yield data["message"]["content"], data["done_reason"] if data["done"] else ""


_READERS = {"openai": _openai, "anthropic": _anthropic, "ollama": _ollama}
