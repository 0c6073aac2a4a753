"""What an OpenAI-compatible server streams, put together chunk by chunk. Does no I/O."""

from dataclasses import dataclass, field

from pydantic import BaseModel, Field, JsonValue, ValidationError
from pydantic_core import from_json

from agent_sidecar.backends.backend import Piece, Result
from agent_sidecar.backends.refusal import reason
from bus.errors import BackendError
from bus.messages import Timings, ToolCall, Usage


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(BaseModel):
    index: int = 0
    id: str | None = None
    function: _Function = _Function()


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_CallDelta, ...] | None = None


class _Choice(BaseModel):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0, lt=2**31)
    completion_tokens: int = Field(default=0, ge=0, lt=2**31)


class _Timings(BaseModel):
    """llama.cpp's own measurements, in milliseconds."""

    prompt_n: int = 0
    prompt_ms: float = Field(default=0, ge=0, allow_inf_nan=False)
    predicted_n: int = 0
    predicted_ms: float = Field(default=0, ge=0, allow_inf_nan=False)


class _Chunk(BaseModel):
    choices: tuple[_Choice, ...] | None = None
    error: JsonValue = None
    usage: _Usage | None = None
    timings: _Timings | None = None


@dataclass
class _Call:
    id: str | None = None
    name: str = ""
    arguments: str = ""


@dataclass
class Answer:
    """One answer as it grows."""

    _calls: dict[int, _Call] = field(default_factory=dict)
    _usage: _Usage = field(default_factory=_Usage)
    _timings: _Timings | None = None
    _finish_reason: str | None = None
    _first: float | None = None
    _last: float = 0.0

    def take(self, data: bytes, now: float) -> Piece | None:
        """The piece in one chunk; an empty one while a tool call grows, None for no progress. `now` in seconds of a monotonic
        clock. BackendError when the chunk is none.
        """
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError:
            raise BackendError(f"The backend's stream cannot be read: {reason(data)}. See its log.") from None
        if chunk.error is not None:
            raise BackendError(f"The backend failed while it generated: {reason(data)}. See its log.")
        if chunk.choices is None and chunk.usage is None:
            raise BackendError(f"The backend's stream cannot be read: {reason(data)}. See its log.")
        self._usage, self._timings = chunk.usage or self._usage, chunk.timings or self._timings
        return self._grow(chunk.choices[0], now) if chunk.choices else None

    def _grow(self, choice: _Choice, now: float) -> Piece | None:
        self._finish_reason = choice.finish_reason or self._finish_reason
        delta = choice.delta
        for part in delta.tool_calls or ():
            call = self._calls.setdefault(part.index, _Call())
            call.id = part.id or call.id
            call.name += part.function.name or ""
            call.arguments += part.function.arguments or ""
        text, thinking = delta.content or "", delta.reasoning_content or delta.reasoning or ""
        if not (text or thinking or delta.tool_calls):
            return None
        self._first = now if self._first is None else self._first
        self._last = now
        return Piece(text=text, thinking=thinking)

    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, whole: their arguments come in parts that are no JSON before the last."""
        return tuple(_whole(call) for _, call in sorted(self._calls.items()))

    def result(self) -> Result:
        """BackendError when the stream broke off before its finish reason."""
        if self._finish_reason is None:
            raise BackendError("The backend ended its stream in the middle of the answer. See its log for why.")
        usage = Usage(prompt_tokens=self._usage.prompt_tokens, completion_tokens=self._usage.completion_tokens)
        return Result(usage=usage, timings=self._measured(), finish_reason=self._finish_reason)

    def _measured(self) -> Timings:
        if self._timings is not None:
            server = self._timings
            return Timings(
                prompt_seconds=server.prompt_ms / 1000,
                generation_seconds=server.predicted_ms / 1000,
                prompt_tokens_per_second=_rate(server.prompt_n, server.prompt_ms / 1000),
                generation_tokens_per_second=_rate(server.predicted_n, server.predicted_ms / 1000),
            )
        if self._first is None:
            return Timings()
        seconds = self._last - self._first
        return Timings(
            generation_seconds=seconds,
            generation_tokens_per_second=_rate(self._usage.completion_tokens - 1, seconds),
        )


def _rate(count: int, seconds: float) -> float | None:
    return count / seconds if count > 0 and seconds > 0 else None


def _whole(call: _Call) -> ToolCall:
    try:
        arguments = from_json(call.arguments or "{}")
        return ToolCall(name=call.name, arguments=arguments, id=call.id)
    except ValueError:
        raise BackendError(f"The model called the tool {call.name[:100]} with arguments that are no JSON object.") from None
