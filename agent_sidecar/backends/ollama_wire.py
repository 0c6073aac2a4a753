"""Ollama's own JSON: what is sent to it, and what it tells of its models. Does no I/O."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import AwareDatetime, BaseModel, JsonValue

from agent_sidecar.backends.backend import Ask
from agent_sidecar.backends.residence import HOSTS_OWN, Footing
from bus.errors import UnsupportedByBackend
from bus.messages import ChatMessage, ModelInfo, Tool, ToolCall

Json = dict[str, JsonValue]
_BESIDE_OPTIONS: Final = ("format", "think", "tools")
"""Ollama takes these beside `options`, a task has one place for all."""
_NOT_THE_REQUESTS: Final = frozenset({*_BESIDE_OPTIONS, *HOSTS_OWN, "keep_alive"})
_NOTHING: Final[Json] = {"type": "object", "properties": {}}
"""Parameters of a function that takes none."""


def chat_body(ask: Ask, footing: Footing) -> Json:
    """Of /api/chat. What the model is loaded with is not the request's (residence.py)."""
    messages: list[JsonValue] = list(_messages(ask.messages))
    return {"model": ask.model, "messages": messages, "stream": True, **_how(ask, footing)}


def generate_body(ask: Ask, footing: Footing) -> Json:
    """Of /api/generate."""
    work = ask.work
    given: Json = {"system": work.system, "suffix": work.suffix, "template": work.template}
    found: Json = {key: value for key, value in given.items() if value is not None}
    if work.images:
        found["images"] = list(work.images)
    if work.raw:
        found["raw"] = True
    if work.context is not None:
        found["context"] = list(work.context)
    return {"model": ask.model, "prompt": ask.prompt, "stream": True, **found, **_how(ask, footing)}


def embed_body(ask: Ask, footing: Footing) -> Json:
    """Of /api/embed."""
    work = ask.work
    found: Json = {"model": ask.model, "input": list(work.input or ()), **_on(footing, _options(ask))}
    if work.truncate is not None:
        found["truncate"] = work.truncate
    if work.dimensions is not None:
        found["dimensions"] = work.dimensions
    return found


def check(ask: Ask) -> None:
    """UnsupportedByBackend for what no Ollama can do."""
    choice = ask.work.tool_choice
    if choice not in ("auto", "none"):
        raise UnsupportedByBackend(
            "Ollama cannot be made to call a tool. Leave `tool_choice` at auto, or add a host with llama.cpp or vLLM."
        )


def _options(ask: Ask) -> Json:
    return {key: value for key, value in ask.options.items() if key not in _NOT_THE_REQUESTS}


def _how(ask: Ask, footing: Footing) -> Json:
    """Everything beside what the model is shown."""
    work = ask.work
    beside: Json = {key: ask.options[key] for key in _BESIDE_OPTIONS if key in ask.options}
    if work.tools and work.tool_choice != "none":
        beside["tools"] = [tool_body(tool) for tool in work.tools]
    if work.format is not None:
        beside["format"] = work.format
    if work.think is not None:
        beside["think"] = work.think
    if work.logprobs:
        beside["logprobs"], beside["top_logprobs"] = True, work.top_logprobs
    return {**_on(footing, _options(ask)), **beside}


def tool_body(tool: Tool) -> Json:
    """As OpenAI's API has it too. Ollama wants parameters."""
    function: Json = {"name": tool.name, "description": tool.description or "", "parameters": tool.parameters or _NOTHING}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


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


def _messages(messages: tuple[ChatMessage, ...]) -> Iterator[Json]:
    """A tool's answer names the tool, which may have been said by the call's id alone."""
    names = {call.id: call.name for message in messages for call in message.tool_calls if call.id is not None}
    for message in messages:
        found: Json = {"role": message.role, "content": message.content}
        if message.thinking:
            found["thinking"] = message.thinking
        if message.images:
            found["images"] = list(message.images)
        if message.tool_calls:
            found["tool_calls"] = [_call_body(index, call) for index, call in enumerate(message.tool_calls)]
        if (name := message.tool_name or names.get(message.tool_call_id or "")) is not None:
            found["tool_name"] = name
        if message.tool_call_id is not None:
            found["tool_call_id"] = message.tool_call_id
        yield found


def _call_body(index: int, call: ToolCall) -> JsonValue:
    function: Json = {"name": call.name, "arguments": call.arguments}
    if index:
        function["index"] = index
    return {"function": function} if call.id is None else {"id": call.id, "function": function}


class _Details(BaseModel):
    format: str | None = None
    family: str | None = None
    families: tuple[str, ...] | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None


class _Tag(BaseModel):
    name: str
    size: int | None = None
    digest: str | None = None
    details: _Details | None = None
    modified_at: AwareDatetime | None = None


class Tags(BaseModel):
    """/api/tags: what is on its disk."""

    models: tuple[_Tag, ...] | None = None


class _Loaded(BaseModel):
    name: str
    size: int | None = None
    size_vram: int | None = None
    context_length: int | None = None
    expires_at: AwareDatetime | None = None


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
        file_format=details.format or None,
        families=details.families or (),
        modified_at=tag.modified_at,
        expires_at=warm.expires_at if warm else None,
    )
