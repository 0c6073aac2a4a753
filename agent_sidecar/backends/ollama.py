"""Ollama, by its native API: the one that tells durations, thinking and what is loaded."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from agent_sidecar.addresses import Address
from agent_sidecar.backends.backend import Ask, Generation, PullStep
from agent_sidecar.backends.http import HttpClient
from agent_sidecar.backends.ollama_answer import Reading, embedded, line_of
from agent_sidecar.backends.ollama_create import create_body, step_of
from agent_sidecar.backends.ollama_pull import PullProgress
from agent_sidecar.backends.ollama_wire import (
    Loaded,
    Shown,
    Tags,
    chat_body,
    check,
    embed_body,
    generate_body,
    load_body,
    model_infos,
)
from agent_sidecar.backends.residence import Residence
from bus.errors import BackendError, BackendStalled, HiveError, ModelNotOnAgent
from bus.messages import BackendKind, JsonObject, ModelInfo, TaskKind
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish
from bus.model_names import same_model, tagged

M = TypeVar("M", bound=BaseModel)

UNLOAD_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.1
LOAD_SECONDS: Final = 900.0
SHOWN_AT_ONCE: Final = 4
"""Models whose files are asked about at one look: it must not take long when there are hundreds of them."""
PULL_SILENCE_SECONDS: Final = 120.0
"""Ollama tells of a pull several times a second; at its end it checks gigabytes without a word."""


_SHOWN: Final[TypeAdapter[JsonObject]] = TypeAdapter(JsonObject)


class _Contents(NamedTuple):
    name: str
    digest: str


class OllamaBackend:
    """See agent_sidecar.backends.backend.Backend."""

    kind: BackendKind = "ollama"
    manages_models = True

    def __init__(self, address: Address, insecure_registries: frozenset[str] = frozenset()) -> None:
        self._http = HttpClient(address)
        self._insecure_registries = insecure_registries
        self._residence = Residence()
        self._limits: dict[str, int | None] = {}
        self._shown: dict[_Contents, bytes] = {}

    @property
    def endpoint(self) -> str:
        return self._http.address.url

    async def models(self) -> tuple[ModelInfo, ...]:
        tags, loaded = await self._ask("/api/tags", Tags), await self._ask("/api/ps", Loaded)
        await self._learn_limits(tags)
        return self._residence.seen(model_infos(tags, loaded, self._limits), monotonic())

    async def _learn_limits(self, tags: Tags) -> None:
        """Once for each model's contents. One that says nothing of itself is not asked again."""
        there = {_Contents(tagged(tag.name), tag.digest): tag for tag in tags.models or () if tag.digest is not None}
        self._shown = {contents: said for contents, said in self._shown.items() if contents in there}
        for contents in [each for each in there if each not in self._shown][:SHOWN_AT_ONCE]:
            found, answer = None, b""
            with suppress(HiveError, ValidationError):
                answer = await self._http.request("POST", "/api/show", to_json({"model": contents.name}))
                found = Shown.model_validate_json(answer).context_limit
            self._limits[contents.digest], self._shown[contents] = found, answer

    def shown(self, model: str) -> JsonObject | None:
        """Its own answer to /api/show: a file's path on its host stands in there, and nothing secret."""
        said = next((said for contents, said in self._shown.items() if contents.name == tagged(model)), b"")
        try:
            return _SHOWN.validate_json(said) if said else None
        except ValidationError:
            return None

    async def _ask(self, path: str, answer: type[M]) -> M:
        try:
            return answer.model_validate_json(await self._http.request("GET", path))
        except (ValidationError, ModelNotOnAgent):
            raise BackendError(f"{self.endpoint}{path} answered what no Ollama answers. Check what listens there.") from None

    async def slots(self) -> int | None:
        """Ollama does not tell its OLLAMA_NUM_PARALLEL."""
        return None

    async def generate(self, ask: Ask) -> Generation:
        check(ask)
        footing = self._residence.enter(ask.model, ask.options, ask.characters, monotonic())
        try:
            if ask.kind is TaskKind.EMBED:
                async with self._http.stream("POST", "/api/embed", to_json(embed_body(ask, footing))) as response:
                    for item in embedded(await response.read(), ask):
                        yield item
                return
            path, body = ("/api/chat", chat_body) if ask.kind is TaskKind.CHAT else ("/api/generate", generate_body)
            reading = Reading(ask)
            async with self._http.stream("POST", path, to_json(body(ask, footing))) as response:
                while (data := await response.line()) is not None:
                    line = line_of(data)
                    if more := reading.piece(line):
                        yield more
                    if line.done:
                        yield reading.result(line)
                        return
        finally:
            self._residence.leave(ask.model, monotonic())

    async def continues(self, model: str) -> bool:
        """False, too, where it cannot be told, such as of what speaks only a part of Ollama's API: then an answer begins anew."""
        try:
            data = await self._http.request("POST", "/api/show", to_json({"model": model}))
            return Shown.model_validate_json(data).continues
        except (HiveError, ValidationError):
            return False

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None:
        progress = PullProgress()
        body = {"model": model, "stream": True, "insecure": model.split("/")[0] in self._insecure_registries}
        async with self._http.stream("POST", "/api/pull", to_json(body)) as response:
            while (data := await self._line_of(response.line(), f"pull of {model}")) is not None:
                told(progress.take(data))

    async def _line_of(self, line: Awaitable[bytes | None], what: str) -> bytes | None:
        try:
            async with asyncio.timeout(PULL_SILENCE_SECONDS):
                return await line
        except TimeoutError:
            raise BackendStalled(
                f"{self.endpoint} said nothing of its {what} for {PULL_SILENCE_SECONDS:g} s. Order it again: it goes on from there."
            ) from None

    async def copy(self, model: str, source: str) -> None:
        body = to_json({"source": source, "destination": model})
        await self._http.request("POST", "/api/copy", body, timeout=UNLOAD_SECONDS)
        self._residence.drop(model)
        await self.models()

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None:
        async with self._http.stream("POST", "/api/create", to_json(create_body(model, definition))) as response:
            while (data := await self._line_of(response.line(), f"making of {model}")) is not None:
                told(step_of(data))
        self._residence.drop(model)
        await self.models()  # so that it can be shown as soon as it is there

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        self._residence.keep(model, num_ctx, keep_alive)
        footing = self._residence.enter(model, {}, 0, monotonic())
        try:
            body = to_json(load_body(model, footing))
            await self._http.request("POST", "/api/generate", body, timeout=LOAD_SECONDS)
        finally:
            self._residence.leave(model, monotonic())

    async def unload(self, model: str) -> None:
        """Ollama answers before the memory is free."""
        if not await self._is_loaded(model):
            return
        await self._http.request("POST", "/api/generate", to_json({"model": model, "keep_alive": 0}), timeout=UNLOAD_SECONDS)
        try:
            async with asyncio.timeout(UNLOAD_SECONDS):
                while await self._is_loaded(model):
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise BackendStalled(
                f"{self.endpoint} still has {model} in memory after {UNLOAD_SECONDS:g} s. Something else uses it; see Ollama's log."
            ) from None
        self._residence.drop(model)

    async def _is_loaded(self, model: str) -> bool:
        return any(same_model(found.name, model) for found in (await self._ask("/api/ps", Loaded)).models or ())

    async def delete(self, model: str) -> None:
        await self._http.request("DELETE", "/api/delete", to_json({"model": model}), timeout=UNLOAD_SECONDS)
        self._residence.drop(model)

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        self._residence.prefer(wishes)

    async def aclose(self) -> None: ...
