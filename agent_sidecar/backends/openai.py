"""Servers that speak OpenAI's chat API: llama.cpp, vLLM, LM Studio."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from time import monotonic
from typing import Final

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from agent_sidecar.addresses import Address
from agent_sidecar.backends.backend import Ask, Generation, Piece, PullStep
from agent_sidecar.backends.forced_call import Calling, forced_body, must_call
from agent_sidecar.backends.http import HttpClient
from agent_sidecar.backends.openai_answer import Answer, embedded
from agent_sidecar.backends.openai_request import Json, chat_body, check, completion_body, embed_body
from bus.errors import BackendError, BackendRefused, HiveError, ModelNotOnAgent
from bus.messages import BackendKind, ModelInfo, TaskKind
from bus.messages.base import JsonObject
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish


class _Meta(BaseModel):
    size: int | None = None
    n_ctx: int | None = None
    ftype: str | None = None


class _Model(BaseModel):
    """An entry of /v1/models: `meta` is llama.cpp's, `max_model_len` vLLM's."""

    id: str
    meta: _Meta | None = None
    max_model_len: int | None = None


_CONTINUE: Final = frozenset({"llamacpp", "vllm"})
"""As they name themselves. Of others it is not known, and one that begins again would say everything twice."""


class _Owned(BaseModel):
    id: str
    owned_by: str = ""


class _Owners(BaseModel):
    data: tuple[_Owned, ...]


class _Models(BaseModel):
    data: tuple[_Model, ...]


class _LmStudioModel(BaseModel):
    """An entry of LM Studio's own list, the only one that tells what is loaded."""

    id: str
    type: str = "llm"
    state: str = "not-loaded"
    arch: str | None = None
    quantization: str | None = None
    max_context_length: int | None = None


class _LmStudioModels(BaseModel):
    data: tuple[_LmStudioModel, ...]


class _TemplateCan(BaseModel):
    supports_tools: bool = True


class _Props(BaseModel):
    """llama.cpp's own: its slots, and what its model's template knows to say."""

    total_slots: int | None = Field(default=None, ge=1)
    chat_template_caps: _TemplateCan = _TemplateCan()


class OpenAIBackend:
    """See agent_sidecar.backends.backend.Backend."""

    kind: BackendKind = "openai"

    def __init__(self, address: Address) -> None:
        self._http = HttpClient(address)
        self._lm_studio: bool | None = None

    @property
    def endpoint(self) -> str:
        return self._http.address.url

    async def models(self) -> tuple[ModelInfo, ...]:
        if self._lm_studio is not False:
            try:
                found = _LmStudioModels.model_validate_json(await self._http.request("GET", "/api/v0/models"))
                self._lm_studio = True
                return tuple(_lm_studio_info(model) for model in found.data if model.type in ("llm", "vlm"))
            except (ModelNotOnAgent, BackendError, BackendRefused, ValidationError):
                self._lm_studio = False
        try:
            return tuple(_info(m) for m in _Models.model_validate_json(await self._http.request("GET", "/v1/models")).data)
        except ValidationError:
            raise BackendError(f"{self.endpoint}/v1/models is not a list of models. Check what listens there.") from None

    async def slots(self) -> int | None:
        """llama.cpp tells; the others do not."""
        return (await self._props()).total_slots

    async def _props(self) -> _Props:
        try:
            return _Props.model_validate_json(await self._http.request("GET", "/props"))
        except (HiveError, ValidationError):
            return _Props()

    async def generate(self, ask: Ask) -> Generation:
        check(ask)
        if ask.kind is TaskKind.EMBED:
            async with self._http.stream("POST", "/v1/embeddings", to_json(embed_body(ask))) as response:
                vectors = await response.read()
            for item in embedded(vectors, ask):
                yield item
            return
        if must_call(ask.work) and not await self._shows_tools():
            async with aclosing(self._forced(ask)) as items:
                async for item in items:
                    yield item
            return
        path, body = ("/v1/completions", completion_body) if ask.work.raw else ("/v1/chat/completions", chat_body)
        answer = Answer(logprobs=ask.work.logprobs, top=ask.work.top_logprobs, must_call=must_call(ask.work))
        async with aclosing(self._written(path, body(ask), answer)) as pieces:
            async for piece in pieces:
                yield piece
        yield answer.result()

    async def _forced(self, ask: Ask) -> Generation:
        """The call of a tool, from a model that is shown none by its template: llama.cpp would answer in text, and say nothing of it."""
        answer, calling = Answer(), Calling(ask)
        async with aclosing(self._written("/v1/chat/completions", forced_body(ask), answer)) as pieces:
            async for piece in pieces:
                yield calling.piece(piece)
        last, result = calling.end(answer.result())
        if last:
            yield last
        yield result

    async def _written(self, path: str, body: Json, answer: Answer) -> AsyncGenerator[Piece, None]:
        async with self._http.stream("POST", path, to_json(body)) as response:
            while (line := await response.line()) is not None:
                if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                    piece = answer.take(data, monotonic())
                    if piece is not None:
                        yield piece

    async def _shows_tools(self) -> bool:
        """True, too, where it is not told: then the answer shows whether it was heeded."""
        return (await self._props()).chat_template_caps.supports_tools

    async def continues(self, model: str) -> bool:
        try:
            found = _Owners.model_validate_json(await self._http.request("GET", "/v1/models")).data
        except ValidationError:
            return False
        return any(entry.id == model and entry.owned_by in _CONTINUE for entry in found)

    manages_models = False

    def shown(self, model: str) -> JsonObject | None:
        return None

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None:
        raise BackendRefused(
            f"{self.endpoint} is no Ollama and cannot pull {model}. Give the model to the server at its start."
        )

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        raise BackendRefused(f"{self.endpoint} is no Ollama and cannot be told to load {model}. It loads at its start.")

    async def unload(self, model: str) -> None:
        raise BackendRefused(f"{self.endpoint} is no Ollama and cannot unload {model}. Stop the server to free its memory.")

    async def delete(self, model: str) -> None:
        raise BackendRefused(f"{self.endpoint} is no Ollama and cannot delete {model}. Remove its file on that host.")

    async def copy(self, model: str, source: str) -> None:
        raise BackendRefused(f"{self.endpoint} is no Ollama and cannot name {source} otherwise. `hive models alias` can.")

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None:
        raise BackendRefused(
            f"{self.endpoint} is no Ollama and cannot make {model}. Give the model to the server at its start."
        )

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        """What it is loaded with was told to the server at its start."""

    async def aclose(self) -> None:
        self._http.close()


def _info(model: _Model) -> ModelInfo:
    meta = model.meta or _Meta()
    return ModelInfo(
        name=model.id,
        loaded=True,
        size_bytes=meta.size,
        context_length=meta.n_ctx or model.max_model_len,
        quantization=meta.ftype,
    )


def _lm_studio_info(model: _LmStudioModel) -> ModelInfo:
    return ModelInfo(
        name=model.id,
        loaded=model.state == "loaded",
        context_length=model.max_context_length,
        family=model.arch,
        quantization=model.quantization,
    )
