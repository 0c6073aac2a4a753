"""A real sidecar whose backend answers at once: what remains is Hive itself. `python -m tests.bench.instant_sidecar`"""

import asyncio
from collections.abc import Callable, Iterable

from pydantic import SecretStr

from agent_sidecar.backends.backend import Ask, Generation, Piece, PullStep, Result
from agent_sidecar.process import run
from agent_sidecar.settings import SidecarSettings
from bus.messages import BackendKind, ModelInfo, Upstream, Usage
from bus.messages.base import JsonObject
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish

MODEL = ModelInfo(name="instant", loaded=True)


class InstantBackend:
    """One word, and done; after so many milliseconds as the path of its address says, at once where that says nothing."""

    kind: BackendKind = "openai"
    manages_models = False

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        said = endpoint.rpartition("/")[2]
        self._seconds = int(said) / 1000 if said.isdecimal() else 0.0

    async def models(self) -> tuple[ModelInfo, ...]:
        return (MODEL,)

    async def slots(self) -> int | None:
        return None

    async def generate(self, ask: Ask) -> Generation:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        yield Piece(text="done")
        yield Result(usage=Usage(prompt_tokens=len(ask.messages), completion_tokens=1), finish_reason="stop")

    async def continues(self, model: str) -> bool:
        return False

    def shown(self, model: str) -> JsonObject | None:
        return None

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None: ...

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None: ...

    async def unload(self, model: str) -> None: ...

    async def delete(self, model: str) -> None: ...

    async def copy(self, model: str, source: str) -> None: ...

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None: ...

    def prefer(self, wishes: Iterable[ModelWish]) -> None: ...

    async def aclose(self) -> None: ...


def open_instant(upstream: Upstream, _settings: SidecarSettings, _key: SecretStr | None) -> InstantBackend:
    return InstantBackend(upstream.url)


if __name__ == "__main__":
    run(open_instant)
