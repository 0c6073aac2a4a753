"""A backend that goes on with what it is shown, and a text for each name: so that a seam can be checked byte for byte.

`python -m tests.parts.storyteller PORT`. A prompt `NAME TOKENS SECONDS` is answered with `story(NAME, TOKENS)`, a token every so many seconds. A
conversation whose last message is the assistant's is written on behind it; one that is not the beginning of the story is refused,
so that nothing lost or repeated there can pass. Each agent has its own path before `/api`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import uvicorn
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.parts.ollama_api import OllamaApi, done, word

MODEL = "story:latest"
WORDS = ("once", "upon", "a", "time", "straße", "日本語", "naïve", "🦊", "{", '"quoted"', "\\n", "the", "the", "end")
GAPS = (" ", " ", " ", " ", "  ", "\n", "\n\n", "")


def tokens_of(name: str, count: int) -> list[str]:
    """Words, and white space of several kinds before, behind or between them. The last one is a full stop."""
    random, found = Random(name), [name]
    while len(found) < count - 1:
        gap, said = random.choice(GAPS), random.choice(WORDS)
        found += random.choice(([gap + said], [said + gap], [gap, said] if gap else [said]))
    return [*found[: count - 1], "."]


def story(name: str, count: int) -> str:
    return "".join(tokens_of(name, count))


class Storyteller(OllamaApi):
    model = MODEL
    template = (
        "{{ range $i, $m := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}"
        "<{{ .Role }}>{{ .Content }}{{ if not $last }}</{{ .Role }}>{{ end }}{{ end }}"
    )

    async def answer(self, agent: str, said: str) -> Response:
        return self._tell(said, "")

    async def chat(self, agent: str, messages: list[dict[str, Any]]) -> Response:
        written = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        asked = messages[-2 if written else -1]["content"]
        return self._tell(asked, written)

    def _tell(self, asked: str, written: str) -> Response:
        name, count, seconds = asked.split()
        tokens = tokens_of(name, int(count))
        if not "".join(tokens).startswith(written):
            return JSONResponse({"error": f"not the beginning of the story of {name}: {written!r}"}, status_code=400)
        lines = self._lines(_behind(tokens, len(written)), float(seconds))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _lines(self, tokens: list[str], seconds: float) -> AsyncIterator[bytes]:
        for token in tokens:
            await asyncio.sleep(seconds)
            yield word(token)
        yield done(len(tokens), len(tokens) * seconds)


def _behind(tokens: list[str], seen: int) -> list[str]:
    """What follows so many characters; of a token that they end in, the rest."""
    found = []
    for token in tokens:
        if seen < len(token):
            found.append(token[seen:])
        seen = max(0, seen - len(token))
    return found


def main() -> None:
    uvicorn.run(Storyteller().app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
