"""Ollama, by its native API: the one that tells durations, thinking and what is loaded."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from agent_sidecar.addresses import Address
from agent_sidecar.backends.backend import Ask, Generation
from agent_sidecar.backends.http import HttpClient
from agent_sidecar.backends.ollama_wire import (
    Loaded,
    Shown,
    Tags,
    chat_body,
    chat_line,
    model_infos,
    piece,
    progress_line,
    result,
)
from bus.errors import BackendError, ModelNotOnAgent
from bus.messages import BackendKind, ModelInfo
from bus.model_names import same_model

M = TypeVar("M", bound=BaseModel)

UNLOAD_SECONDS = 30.0


class OllamaBackend:
    """See agent_sidecar.backends.backend.Backend."""

    kind: BackendKind = "ollama"

    def __init__(self, address: Address) -> None:
        self._http = HttpClient(address)

    @property
    def endpoint(self) -> str:
        return self._http.address.url

    async def models(self) -> tuple[ModelInfo, ...]:
        return model_infos(await self._ask("/api/tags", Tags), await self._ask("/api/ps", Loaded))

    async def _ask(self, path: str, answer: type[M]) -> M:
        try:
            return answer.model_validate_json(await self._http.request("GET", path))
        except (ValidationError, ModelNotOnAgent):
            raise BackendError(f"{self.endpoint}{path} answered what no Ollama answers. Check what listens there.") from None

    async def slots(self) -> int | None:
        """Ollama does not tell its OLLAMA_NUM_PARALLEL."""
        return None

    async def generate(self, ask: Ask) -> Generation:
        async with self._http.stream("POST", "/api/chat", to_json(chat_body(ask))) as response:
            while (data := await response.line()) is not None:
                line = chat_line(data)
                if more := piece(line):
                    yield more
                if line.done:
                    yield result(line)
                    return

    async def continues(self, model: str) -> bool:
        data = await self._http.request("POST", "/api/show", to_json({"model": model}))
        try:
            return Shown.model_validate_json(data).continues
        except ValidationError:
            return False

    async def pull(self, model: str) -> None:
        async with self._http.stream("POST", "/api/pull", to_json({"model": model, "stream": True})) as response:
            while (data := await response.line()) is not None:
                progress_line(data)

    async def unload(self, model: str) -> None:
        loaded = await self._ask("/api/ps", Loaded)
        if any(same_model(found.name, model) for found in loaded.models or ()):
            body = to_json({"model": model, "keep_alive": 0})
            await self._http.request("POST", "/api/generate", body, timeout=UNLOAD_SECONDS)

    async def aclose(self) -> None: ...
