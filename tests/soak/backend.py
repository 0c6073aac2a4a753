"""A backend for long runs: Ollama's API, where the prompt says what becomes of it. `python -m tests.soak.backend PORT`. It remembers nothing."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from random import Random

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MODEL = "soak:latest"
NAMED = {"name": MODEL, "model": MODEL, "size": 1_000_000, "details": {"family": "soak"}}
SPEAK = re.compile(r"speak (\d+) ([\d.]+)")
"""So many words, so many seconds apart; what follows in the prompt is ballast."""
BREAK, FLAKY = "break", "flaky"
"""It fails inside, always and every second time."""


def speak(words: int, seconds: float) -> str:
    return f"speak {words} {seconds:.3f}"


class Backend:
    def __init__(self) -> None:
        self._random = Random(1)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{agent}/api/version", self._version),
                Route("/{agent}/api/tags", self._tags),
                Route("/{agent}/api/ps", self._loaded),
                Route("/{agent}/api/chat", self._chat, methods=["POST"]),
            ]
        )

    async def _version(self, _request: Request) -> Response:
        return JSONResponse({"version": "0.6.5"})

    async def _tags(self, _request: Request) -> Response:
        return JSONResponse({"models": [NAMED]})

    async def _loaded(self, _request: Request) -> Response:
        return JSONResponse({"models": [{**NAMED, "size_vram": 1_000_000, "context_length": 4096}]})

    async def _chat(self, request: Request) -> Response:
        said = (await request.json())["messages"][-1]["content"]
        if said == BREAK or (said == FLAKY and self._random.random() < 0.5):
            return JSONResponse({"error": "as the prompt wants it"}, status_code=500)
        asked = SPEAK.match(said)
        words, seconds = (int(asked[1]), float(asked[2])) if asked else (1, 0.0)
        return StreamingResponse(_generate(words, seconds), media_type="application/x-ndjson")


async def _generate(words: int, seconds: float) -> AsyncIterator[bytes]:
    for number in range(words):
        await asyncio.sleep(seconds)
        yield _line({"message": {"role": "assistant", "content": f"word {number} "}, "done": False})
    counts = {"prompt_eval_count": 3, "eval_count": words, "eval_duration": int((words * seconds or 0.001) * 1e9)}
    yield _line({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **counts})


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


if __name__ == "__main__":
    uvicorn.run(Backend().app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
