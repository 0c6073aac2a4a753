"""What a sidecar asks of a backend, whatever it is. The runner knows this protocol and nothing else.

Errors are those of bus.errors: BackendUnreachable, BackendError and ModelNotOnAgent let the task go elsewhere, BackendRefused
says that it would end the same everywhere.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from bus.messages import BackendKind, ChatMessage, JsonObject, ModelInfo, Timings, ToolCall, Usage
from bus.messages.models import ModelWish


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One generation: a conversation, and the task's `options` in Ollama's words."""

    model: str
    messages: tuple[ChatMessage, ...]
    options: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some more output. An empty one is progress that cannot be shown yet; a backend that only stays awake yields nothing."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking or self.tool_calls)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The last thing of a generation that went well. `timings` holds what the backend itself measured."""

    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    finish_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PullStep:
    """How far a pull is: bytes of the layers that are known by now, and what the backend says it does."""

    said: str = ""
    bytes_done: int | None = None
    bytes_total: int | None = None


Generation = AsyncGenerator[Piece | Result, None]


class Backend(Protocol):
    """One backend at one address."""

    @property
    def kind(self) -> BackendKind: ...

    @property
    def endpoint(self) -> str:
        """Its address as people may see it: without a key."""
        ...

    async def models(self) -> tuple[ModelInfo, ...]:
        """What it has, and what of that is loaded. Also the sign that it lives."""
        ...

    async def slots(self) -> int | None:
        """How many generations it says it runs at once; None when it does not tell."""
        ...

    def generate(self, ask: Ask) -> Generation:
        """Pieces as they come, then one Result. Closing the generator ends the work at the backend."""
        ...

    async def continues(self, model: str) -> bool:
        """Whether it writes on behind a last message that is the assistant's, instead of beginning another answer."""
        ...

    @property
    def manages_models(self) -> bool:
        """Whether it pulls, loads, unloads and deletes models when asked; else these raise BackendRefused."""
        ...

    async def pull(self, model: str, told: Callable[[PullStep], None]) -> None:
        """Fetch a model; returns when it is there. `told` hears of each step."""
        ...

    async def load(self, model: str, num_ctx: int | None, keep_alive: float | None) -> None:
        """Into memory, with so many tokens of context, for so many seconds after its last use; None: as it would be anyway."""
        ...

    async def unload(self, model: str) -> None:
        """Free the memory that the model takes."""
        ...

    async def delete(self, model: str) -> None:
        """From its disk."""
        ...

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        """How models are to be loaded from now on, whatever requests ask for."""
        ...

    async def aclose(self) -> None: ...
