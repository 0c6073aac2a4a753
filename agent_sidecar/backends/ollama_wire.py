"""Ollama's own JSON: what is sent to /api/chat, and what its lines mean. Does no I/O."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agent_sidecar.answer import call_of
from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.refusal import reason, said
from agent_sidecar.backends.residence import HOSTS_OWN, Footing
from agent_sidecar.backends.vectors import check_vectors, packed
from bus.errors import BackendError, UnsupportedByBackend
from bus.messages import ChatMessage, ModelInfo, Timings, TokenLogprob, Tool, ToolCall, ToolCallDelta, Usage
from bus.messages.work import new_call_id

Json = dict[str, JsonValue]
_BESIDE_OPTIONS: Final = ("format", "think", "tools")
"""Ollama takes these beside `options`, a task has one place for all."""
_NOT_THE_REQUESTS: Final = frozenset({*_BESIDE_OPTIONS, *HOSTS_OWN, "keep_alive"})
_NANOSECONDS: Final = 1e9
_NOTHING: Final[Json] = {"type": "object", "properties": {}}
"""Parameters of a function that takes none."""

Count = Annotated[int, Field(ge=0, lt=2**31)]
Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A backend that answers nonsense is found out here, not by the database."""


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


class Line(BaseModel):
    """One line of /api/chat or /api/generate; durations are in nanoseconds and come with the last one."""

    message: _Said | None = None
    response: str | None = None
    thinking: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    done: bool = False
    done_reason: str | None = None
    error: str | None = None
    context: tuple[int, ...] | None = None
    load_duration: Nanoseconds | None = None
    prompt_eval_count: Count | None = None
    prompt_eval_duration: Nanoseconds | None = None
    eval_count: Count | None = None
    eval_duration: Nanoseconds | None = None


class Embedded(BaseModel):
    """Of /api/embed."""

    embeddings: tuple[tuple[float, ...], ...]
    prompt_eval_count: Count = 0
    load_duration: Nanoseconds | None = None


def line_of(data: bytes) -> Line:
    """BackendError when the line is an error, or nothing that Ollama says."""
    try:
        found = Line.model_validate_json(data)
    except ValidationError:
        raise unreadable(data) from None
    if found.error is not None:
        raise BackendError(f"Ollama failed while it worked: {said(found.error)}. See its log.")
    if found.message is None and found.response is None and not found.done:
        raise unreadable(data)
    return found


def unreadable(line: bytes) -> BackendError:
    return BackendError(f"Ollama's stream cannot be read: {reason(line)}. See its log, and check what listens there.")


class Reading:
    """Lines of one answer, as pieces and at last a result."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._calls, self._begun = ask, 0, False

    def piece(self, line: Line) -> Piece:
        """What the line adds. BackendError for a call of a tool that no message can carry, UnsupportedByBackend where an old Ollama
        knows nothing of logprobs.
        """
        message = line.message or _Said(content=line.response, thinking=line.thinking)
        if self._ask.work.logprobs and not self._begun and message.content and line.logprobs is None:
            raise UnsupportedByBackend(
                "This Ollama tells no logprobs; 0.12.11 and later do. Update it, or leave `logprobs` out."
            )
        self._begun = self._begun or bool(message.content)
        calls = tuple(self._call(call) for call in message.tool_calls or ())
        return Piece(
            text=message.content or "", thinking=message.thinking or "", tool_calls=calls, logprobs=line.logprobs or ()
        )

    def _call(self, said: _Call) -> ToolCallDelta:
        """An older Ollama gives its calls no ids, and who answers them needs one."""
        try:
            call = ToolCall(name=said.function.name, arguments=said.function.arguments, id=said.id or new_call_id())
        except ValidationError:
            raise BackendError(
                "The model called a tool with arguments that cannot be stored. Another attempt may do better."
            ) from None
        self._calls += 1
        return call_of(self._calls - 1, call)

    def result(self, line: Line) -> Result:
        """Of the last line."""
        ended = "tool_calls" if self._calls else "length" if line.done_reason == "length" else "stop"
        return Result(
            usage=Usage(prompt_tokens=line.prompt_eval_count or 0, completion_tokens=line.eval_count or 0),
            timings=Timings(
                load_seconds=_seconds(line.load_duration),
                prompt_seconds=_seconds(line.prompt_eval_duration),
                generation_seconds=_seconds(line.eval_duration),
                prompt_tokens_per_second=_rate(line.prompt_eval_count, line.prompt_eval_duration),
                generation_tokens_per_second=_rate(line.eval_count, line.eval_duration),
            ),
            finish_reason=ended,
            context=line.context,
        )


def embedded(data: bytes, ask: Ask) -> tuple[Piece, Result]:
    """BackendError when it is nothing that Ollama says, UnsupportedByBackend where an old one has taken no notice of `dimensions`."""
    try:
        found = Embedded.model_validate_json(data)
    except ValidationError:
        raise unreadable(data) from None
    check_vectors([len(vector) for vector in found.embeddings], ask)
    usage = Usage(prompt_tokens=found.prompt_eval_count)
    timings = Timings(load_seconds=_seconds(found.load_duration))
    return Piece(embeddings=tuple(map(packed, found.embeddings))), Result(usage=usage, timings=timings, finish_reason="stop")


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _NANOSECONDS


def _rate(count: int | None, nanoseconds: int | None) -> float | None:
    return count * _NANOSECONDS / nanoseconds if count and nanoseconds else None
