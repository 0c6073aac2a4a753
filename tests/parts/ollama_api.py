"""A backend that speaks Ollama's API and does what its prompts say, for load and faults that no real model could serve."""

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class OllamaApi(ABC):
    """One model, loaded. Each agent has its own path before `/api`, so that one process serves several."""

    model: ClassVar[str]
    template: ClassVar[str] = "{{ range .Messages }}<{{ .Role }}>{{ .Content }}</{{ .Role }}>{{ end }}<assistant>"
    """It closes every message: what was broken off begins anew."""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{agent}/api/version", self._version),
                Route("/{agent}/api/tags", self._tags),
                Route("/{agent}/api/ps", self._loaded),
                Route("/{agent}/api/show", self._show, methods=["POST"]),
                Route("/{agent}/api/chat", self._chat, methods=["POST"]),
            ]
        )

    @abstractmethod
    async def answer(self, agent: str, said: str) -> Response:
        """To the last message of a chat: lines of `word` and, last, of `done`."""

    async def _version(self, _request: Request) -> Response:
        return JSONResponse({"version": "0.6.5"})

    async def _tags(self, _request: Request) -> Response:
        return JSONResponse({"models": [self._named()]})

    async def _loaded(self, _request: Request) -> Response:
        return JSONResponse({"models": [{**self._named(), "size_vram": 1_000_000, "context_length": 4096}]})

    async def _show(self, _request: Request) -> Response:
        return JSONResponse({"template": self.template, "details": {"family": "scripted"}, "model_info": {}})

    async def chat(self, agent: str, messages: list[dict[str, Any]]) -> Response:
        """To a whole conversation, where more of it counts than its last message."""
        return await self.answer(agent, messages[-1]["content"])

    async def _chat(self, request: Request) -> Response:
        return await self.chat(request.path_params["agent"], (await request.json())["messages"])

    def _named(self) -> dict[str, Any]:
        return {"name": self.model, "model": self.model, "size": 1_000_000, "details": {"family": "scripted"}}


def word(text: str) -> bytes:
    return _line({"message": {"role": "assistant", "content": text}, "done": False})


def done(tokens: int, seconds: float) -> bytes:
    counts = {"prompt_eval_count": 3, "eval_count": tokens, "eval_duration": int(seconds * 1e9)}
    return _line({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **counts})


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
