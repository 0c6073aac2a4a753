"""Finds out by asking what answers at an address: Ollama, an OpenAI-compatible server, or nothing that Hive can use."""

from collections.abc import Callable, Iterable
from contextlib import closing

from pydantic import BaseModel, ValidationError

from agent_sidecar.addresses import Address
from agent_sidecar.backends.backend import Ask, Backend, Generation, PullStep
from agent_sidecar.backends.http import HttpClient
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.openai import OpenAIBackend
from bus.errors import BackendError, BackendRefused, BackendUnreachable, ModelNotOnAgent
from bus.messages import BackendKind, ModelInfo
from bus.messages.base import JsonObject
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish

_OTHER = (BackendError, BackendRefused, ModelNotOnAgent)
"""An error status: something listens, but it does not know this path."""


class _Version(BaseModel):
    version: str


class _List(BaseModel):
    data: tuple[object, ...]


async def detect(address: Address, *, timeout: float = 5.0) -> BackendKind:
    """BackendUnreachable says why nothing usable answers, InvalidRequest that Hive itself does."""
    with closing(HttpClient(address)) as http:
        if await _answers(http, "/api/version", _Version, timeout):
            return "ollama"
        if await _answers(http, "/v1/models", _List, timeout):
            return "openai"
    raise BackendUnreachable(
        f"{address.url} answers, but neither as Ollama (/api/version) nor as an OpenAI-compatible server (/v1/models). "
        "Check host and port; where it asks for a key, give that too (`hive agents add --key-file`, HIVE_BACKEND_KEYS)."
    )


async def _answers(http: HttpClient, path: str, shape: type[BaseModel], timeout: float) -> bool:
    try:
        shape.model_validate_json(await http.request("GET", path, timeout=timeout))
    except (*_OTHER, ValidationError):
        return False
    return True


def backend_at(address: Address, kind: BackendKind, insecure_registries: frozenset[str] = frozenset()) -> Backend:
    return OllamaBackend(address, insecure_registries) if kind == "ollama" else OpenAIBackend(address)


class DetectedBackend:
    """A backend whose kind nobody named: it is found out when it first answers. Until then it counts as an Ollama."""

    def __init__(self, address: Address, insecure_registries: frozenset[str] = frozenset()) -> None:
        self._address, self._insecure_registries = address, insecure_registries
        self._found: Backend | None = None
        self._wishes: tuple[ModelWish, ...] = ()

    async def _backend(self) -> Backend:
        if self._found is None:
            self._found = backend_at(self._address, await detect(self._address), self._insecure_registries)
            self._found.prefer(self._wishes)
        return self._found

    @property
    def kind(self) -> BackendKind:
        return self._found.kind if self._found else "ollama"

    @property
    def endpoint(self) -> str:
        return self._address.url

    async def models(self) -> tuple[ModelInfo, ...]:
        try:
            return await (await self._backend()).models()
        except BackendError:
            await self.aclose()
            self._found = None  # something else may listen there by now
            raise

    async def slots(self) -> int | None:
        return await (await self._backend()).slots()

    async def generate(self, ask: Ask) -> Generation:
        items = (await self._backend()).generate(ask)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()

    async def continues(self, model: str) -> bool:
        return await (await self._backend()).continues(model)

    @property
    def manages_models(self) -> bool:
        return self._found is not None and self._found.manages_models

    def shown(self, model: str) -> JsonObject | None:
        return self._found.shown(model) if self._found else None

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None:
        await (await self._backend()).pull(model, told)

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        await (await self._backend()).load(model, num_ctx, keep_alive)

    async def unload(self, model: str) -> None:
        await (await self._backend()).unload(model)

    async def delete(self, model: str) -> None:
        await (await self._backend()).delete(model)

    async def copy(self, model: str, source: str) -> None:
        await (await self._backend()).copy(model, source)

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None:
        await (await self._backend()).create(model, definition, told)

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        self._wishes = tuple(wishes)
        if self._found is not None:
            self._found.prefer(self._wishes)

    async def aclose(self) -> None:
        if self._found is not None:
            await self._found.aclose()
