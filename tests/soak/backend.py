"""A backend for long runs: Ollama's API, where the prompt says what becomes of it. `python -m tests.soak.backend PORT`. It remembers nothing."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from random import Random

import uvicorn
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.parts.ollama_api import OllamaApi, done, word

MODEL = "soak:latest"
SPEAK = re.compile(r"speak (\d+) ([\d.]+)")
"""So many words, so many seconds apart; what follows in the prompt is ballast."""
BREAK, FLAKY = "break", "flaky"
"""It fails inside, always and every second time."""


def speak(words: int, seconds: float) -> str:
    return f"speak {words} {seconds:.3f}"


class Backend(OllamaApi):
    model = MODEL

    def __init__(self) -> None:
        self._random = Random(1)

    async def answer(self, agent: str, said: str) -> Response:
        if said == BREAK or (said == FLAKY and self._random.random() < 0.5):
            return JSONResponse({"error": "as the prompt wants it"}, status_code=500)
        asked = SPEAK.match(said)
        words, seconds = (int(asked[1]), float(asked[2])) if asked else (1, 0.0)
        return StreamingResponse(_generate(words, seconds), media_type="application/x-ndjson")


async def _generate(words: int, seconds: float) -> AsyncIterator[bytes]:
    for number in range(words):
        await asyncio.sleep(seconds)
        yield word(f"word {number} ")
    yield done(words, words * seconds or 0.001)


if __name__ == "__main__":
    uvicorn.run(Backend().app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
