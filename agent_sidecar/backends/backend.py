"""What a sidecar asks of a backend, whatever it is. The runner knows this protocol and nothing else.

Errors are those of bus.errors: BackendUnreachable, BackendError and ModelNotOnAgent let the task go elsewhere, BackendRefused
says that it would end the same everywhere. UnsupportedByBackend is raised before the first piece, or never.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from bus.messages import (
    BackendKind,
    ChatMessage,
    JsonObject,
    ModelInfo,
    TaskKind,
    Timings,
    TokenLogprob,
    ToolCallDelta,
    Usage,
    Work,
)
from bus.messages.definitions import ModelDefinition
from bus.messages.models import ModelWish

PLAIN: Final = Work()
"""Nothing beside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One generation: a conversation, or, where `kind` is another, what `work` says. `options` are in Ollama's words.

    `work` holds what goes beside: tools, format, images … Its own conversation and options are not looked at.
    """

    model: str
    messages: tuple[ChatMessage, ...] = ()
    options: JsonObject = field(default_factory=dict)
    kind: TaskKind = TaskKind.CHAT
    prompt: str = ""
    work: Work = PLAIN

    @property
    def characters(self) -> int:
        """That the model is to read, roughly: what decides its context and how long that takes."""
        said = sum(len(message.content) for message in self.messages)
        return said + len(self.prompt) + len(self.work.system or "") + len(self.work.suffix or "") + self._longest_input

    @property
    def _longest_input(self) -> int:
        return max((len(each) for each in self.work.input or ()), default=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some more output. An empty one is progress that cannot be shown yet; a backend that only stays awake yields nothing.

    Calls of tools come in parts, whose `index` counts from 0; `logprobs` are of the tokens that the text ends.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embeddings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking or self.tool_calls or self.embeddings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The last thing of a generation that went well. `timings` holds what the backend itself measured, `finish_reason` is one of
    bus.messages.output.Output; `context` is Ollama's, of a generation without a conversation.
    """

    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    finish_reason: str | None = None
    context: tuple[int, ...] | None = None


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
        """Whether it pulls, loads, unloads, deletes, copies and makes models when asked; else these raise BackendRefused."""
        ...

    def shown(self, model: str) -> JsonObject | None:
        """What it said of the model when it was first seen, as Ollama's /api/show has it; None where it says nothing."""
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

    async def copy(self, model: str, source: str) -> None:
        """Give a model that it has the name `model` too."""
        ...

    async def create(self, model: str, definition: ModelDefinition, told: Callable[[PullStep], None]) -> None:
        """Make a model of one that it has; returns when it is there."""
        ...

    def prefer(self, wishes: Iterable[ModelWish]) -> None:
        """How models are to be loaded from now on, whatever requests ask for."""
        ...

    async def aclose(self) -> None: ...
