"""What a sidecar asks of a backend, whatever it is. The runner knows this protocol and nothing else.

Errors are those of bus.errors: BackendUnreachable, BackendError and ModelNotOnAgent let the task go elsewhere, BackendRefused
says that it would end the same everywhere.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from bus.messages import BackendKind, ChatMessage, JsonObject, ModelInfo, Timings, ToolCall, Usage


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

    async def pull(self, model: str) -> None:
        """Fetch a model; returns when it is there."""
        ...

    async def unload(self, model: str) -> None:
        """Free the memory that the model takes."""
        ...

    async def aclose(self) -> None: ...
