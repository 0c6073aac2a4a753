"""Ollama's own JSON: what is sent to /api/chat, and what its lines mean. Does no I/O."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.refusal import reason, said
from agent_sidecar.backends.residence import HOSTS_OWN, Footing
from bus.errors import BackendError
from bus.messages import ChatMessage, ModelInfo, Timings, ToolCall, Usage

Json = dict[str, JsonValue]
_BESIDE_OPTIONS: Final = ("format", "think", "tools")
"""Ollama takes these beside `options`, a task has one place for all."""
_NOT_THE_REQUESTS: Final = frozenset({*_BESIDE_OPTIONS, *HOSTS_OWN, "keep_alive"})
_NANOSECONDS: Final = 1e9

Count = Annotated[int, Field(ge=0, lt=2**31)]
Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A backend that answers nonsense is found out here, not by the database."""


def chat_body(ask: Ask, footing: Footing) -> Json:
    """What the model is loaded with is not the request's (residence.py)."""
    options: Json = {key: value for key, value in ask.options.items() if key not in _NOT_THE_REQUESTS}
    beside: Json = {key: ask.options[key] for key in _BESIDE_OPTIONS if key in ask.options}
    messages: list[JsonValue] = [_message(message) for message in ask.messages]
    return {"model": ask.model, "messages": messages, "stream": True, **_on(footing, options), **beside}


def load_body(model: str, footing: Footing) -> Json:
    """Of /api/generate, which loads a model where it is given no prompt."""
    return {"model": model, "stream": False, **_on(footing, {})}


def _on(footing: Footing, options: Json) -> Json:
    if footing.num_ctx is not None:
        options["num_ctx"] = footing.num_ctx
    found: Json = {"options": options}
    if footing.keep_alive is not None:
        found["keep_alive"] = int(footing.keep_alive) if footing.keep_alive.is_integer() else footing.keep_alive
    return found


def characters_of(ask: Ask) -> int:
    return sum(len(message.content) for message in ask.messages)


def _message(message: ChatMessage) -> Json:
    found: Json = {"role": message.role, "content": message.content}
    if message.images:
        found["images"] = list(message.images)
    if message.tool_calls:
        found["tool_calls"] = [{"function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls]
    if message.tool_name is not None:
        found["tool_name"] = message.tool_name
    return found


class _Details(BaseModel):
    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None


class _Tag(BaseModel):
    name: str
    size: int | None = None
    digest: str | None = None
    details: _Details | None = None


class Tags(BaseModel):
    """/api/tags: what is on its disk."""

    models: tuple[_Tag, ...] | None = None


class _Loaded(BaseModel):
    name: str
    size: int | None = None
    size_vram: int | None = None
    context_length: int | None = None


class Loaded(BaseModel):
    """/api/ps: what is in memory. `size` is all of it, `size_vram` the part on the cards."""

    models: tuple[_Loaded, ...] | None = None


class Shown(BaseModel):
    """/api/show: how a conversation is put together, and what the file says of itself, under names that begin with its architecture."""

    template: str = ""
    model_info: dict[str, JsonValue] = {}

    @property
    def context_limit(self) -> int | None:
        found = self.model_info.get(f"{self.model_info.get('general.architecture')}.context_length")
        return found if isinstance(found, int) and found > 0 else None

    @property
    def continues(self) -> bool:
        """Ollama cuts an old template, one without `.Messages`, behind the last answer. A new one must itself leave a last message open."""
        return bool(self.template) and (".Messages" not in self.template or "$last" in self.template)


def model_infos(tags: Tags, loaded: Loaded, limits: Mapping[str, int | None]) -> tuple[ModelInfo, ...]:
    """`limits`: tokens of context that a model was made for, by its digest."""
    warm = {model.name: model for model in loaded.models or ()}
    return tuple(_info(tag, warm.get(tag.name), limits.get(tag.digest or "")) for tag in tags.models or ())


def _info(tag: _Tag, warm: _Loaded | None, limit: int | None) -> ModelInfo:
    details = tag.details or _Details()
    return ModelInfo(
        name=tag.name,
        loaded=warm is not None,
        size_bytes=tag.size,
        vram_bytes=warm.size_vram if warm else None,
        memory_bytes=warm.size if warm else None,
        context_length=warm.context_length if warm else None,
        context_limit=limit,
        digest=tag.digest,
        family=details.family or None,
        parameter_size=details.parameter_size or None,
        quantization=details.quantization_level or None,
    )


class _Function(BaseModel):
    name: str
    arguments: dict[str, JsonValue] = {}


class _Call(BaseModel):
    function: _Function
    id: str | None = None


class _Said(BaseModel):
    content: str | None = None
    thinking: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class ChatLine(BaseModel):
    """One line of /api/chat; durations are in nanoseconds and come with the last one."""

    message: _Said | None = None
    done: bool = False
    done_reason: str | None = None
    error: str | None = None
    load_duration: Nanoseconds | None = None
    prompt_eval_count: Count | None = None
    prompt_eval_duration: Nanoseconds | None = None
    eval_count: Count | None = None
    eval_duration: Nanoseconds | None = None


def chat_line(line: bytes) -> ChatLine:
    """Of /api/chat. BackendError when the line is an error, or nothing that Ollama says."""
    try:
        found = ChatLine.model_validate_json(line)
    except ValidationError:
        raise unreadable(line) from None
    if found.error is not None:
        raise BackendError(f"Ollama failed while it worked: {said(found.error)}. See its log.")
    if found.message is None and not found.done:
        raise unreadable(line)
    return found


def unreadable(line: bytes) -> BackendError:
    return BackendError(f"Ollama's stream cannot be read: {reason(line)}. See its log, and check what listens there.")


def piece(line: ChatLine) -> Piece:
    """What the line adds; BackendError for a call of a tool that no message can carry."""
    message = line.message or _Said()
    try:
        calls = tuple(ToolCall(name=c.function.name, arguments=c.function.arguments, id=c.id) for c in message.tool_calls or ())
    except ValidationError:
        raise BackendError(
            "The model called a tool with arguments that cannot be stored. Another attempt may do better."
        ) from None
    return Piece(text=message.content or "", thinking=message.thinking or "", tool_calls=calls)


def result(line: ChatLine) -> Result:
    """Of the last line."""
    return Result(
        usage=Usage(prompt_tokens=line.prompt_eval_count or 0, completion_tokens=line.eval_count or 0),
        timings=Timings(
            load_seconds=_seconds(line.load_duration),
            prompt_seconds=_seconds(line.prompt_eval_duration),
            generation_seconds=_seconds(line.eval_duration),
            prompt_tokens_per_second=_rate(line.prompt_eval_count, line.prompt_eval_duration),
            generation_tokens_per_second=_rate(line.eval_count, line.eval_duration),
        ),
        finish_reason=line.done_reason,
    )


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _NANOSECONDS


def _rate(count: int | None, nanoseconds: int | None) -> float | None:
    return count * _NANOSECONDS / nanoseconds if count and nanoseconds else None
