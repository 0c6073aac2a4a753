"""A backend for load: Ollama's API, and answers that take a chosen short time, so that faults find generations half done.

`python -m tests.chaos.backend PORT LOG`. Each agent has its own path before `/api`. A prompt `NAME TOKENS SECONDS` is answered with as many
tokens, so many seconds apart: `NAME/G.I `, where G counts the generations that this prompt has had and I the tokens. So a text
tells which generation each part of it came from. LOG gets a line when a generation begins and when it ends: when work really ran.
Several may write to one LOG: with a third argument, G counts from the process's id on, so that no two of them have the same.
"""

import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.chaos.history import Entry, GenerationBegan, GenerationEnded, Log
from tests.parts.ollama_api import OllamaApi, done, word

MODEL = "slow:latest"
PROMPT = re.compile(r"(?P<name>\S+) (?P<tokens>\d+) (?P<seconds>[\d.]+)")


class Backend(OllamaApi):
    model = MODEL

    def __init__(self, log: Log, before: int = 0) -> None:
        self._log, self._before = log, before
        self._generations: Counter[str] = Counter()

    async def answer(self, agent: str, said: str) -> Response:
        asked = PROMPT.fullmatch(said)
        if asked is None:
            return JSONResponse({"error": f"not a prompt of this backend: {said}"}, status_code=400)
        name = asked["name"]
        self._generations[name] += 1
        lines = self._generate(
            agent, name, self._before + self._generations[name], int(asked["tokens"]), float(asked["seconds"])
        )
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _generate(self, agent: str, name: str, number: int, tokens: int, seconds: float) -> AsyncIterator[bytes]:
        self._log.write(GenerationBegan(name=name, agent_id=agent, number=number))
        whole = False
        try:
            for token in range(tokens):
                await asyncio.sleep(seconds)
                yield word(f"{name}/{number}.{token} ")
            yield done(tokens, tokens * seconds)
            whole = True
        finally:
            self._log.write(GenerationEnded(name=name, agent_id=agent, number=number, whole=whole))


def expected(name: str, number: int, tokens: int) -> str:
    """The whole text of one generation."""
    return "".join(f"{name}/{number}.{token} " for token in range(tokens))


def read_log(path: Path) -> list[Entry]:
    return Log.read(path) if path.exists() else []


def main() -> None:
    port, log = int(sys.argv[1]), Log(Path(sys.argv[2]))
    before = os.getpid() * 1000 if len(sys.argv) > 3 else 0
    uvicorn.run(Backend(log, before).app(), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
