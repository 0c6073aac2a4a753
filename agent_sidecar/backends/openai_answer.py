"""What an OpenAI-compatible server streams, put together chunk by chunk. Does no I/O."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.refusal import reason
from agent_sidecar.backends.vectors import check_vectors, length_of, packed
from bus.errors import BackendError, HiveError, UnsupportedByBackend
from bus.messages import Timings, TokenLogprob, ToolCallDelta, Usage
from bus.messages.work import new_call_id


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


class _Logprobs(BaseModel):
    content: tuple[TokenLogprob, ...] | None = None


class _Choice(BaseModel):
    """`text` is of /v1/completions."""

    delta: _Delta = _Delta()
    text: str | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Details(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0, lt=2**31)


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0, lt=2**31)
    completion_tokens: int = Field(default=0, ge=0, lt=2**31)
    prompt_tokens_details: _Details | None = None

    @property
    def told(self) -> Usage:
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        tokens = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return Usage(**tokens, cached_prompt_tokens=cached)


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


_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter"})


@dataclass
class Answer:
    """One answer as it grows. `logprobs`: they were asked for, with so many of the likeliest (llama.cpp gives none without any).
    `must_call`: an answer without a call of a tool is none.
    """

    logprobs: bool = False
    top: int = 0
    must_call: bool = False
    _calls: dict[int, int] = field(default_factory=dict)
    """Of the server's indexes, ours, which leave out none."""
    _usage: _Usage = field(default_factory=_Usage)
    _timings: _Timings | None = None
    _finish_reason: str | None = None
    _first: float | None = None
    _last: float = 0.0

    def take(self, data: bytes, now: float) -> Piece | None:
        """The piece in one chunk, None for no progress. `now` in seconds of a monotonic clock. BackendError when the chunk is none,
        UnsupportedByBackend where a server gives text without the logprobs that were asked for, or in place of a call that must come.
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
        calls = tuple(self._call(part) for part in delta.tool_calls or ())
        text, thinking = delta.content or choice.text or "", delta.reasoning_content or delta.reasoning or ""
        logprobs = self._told(choice.logprobs) if self.logprobs and choice.logprobs else ()
        if not (text or thinking or calls or logprobs):
            return None
        if self.logprobs and text and not logprobs and self._first is None:
            raise UnsupportedByBackend("This backend tells no logprobs. Leave `logprobs` out.")
        if self.must_call and not self._calls and text.strip():
            raise self._no_call()
        self._first = now if self._first is None else self._first
        self._last = now
        return Piece(text=text, thinking=thinking, tool_calls=calls, logprobs=logprobs)

    def _no_call(self) -> HiveError:
        """Another attempt may do better when the model has thought already: then something was shown."""
        kind = UnsupportedByBackend if self._first is None else BackendError
        return kind(
            "The model called no tool, though `tool_choice` says that it must. Leave it at auto, or name another model."
        )

    def _told(self, logprobs: _Logprobs) -> tuple[TokenLogprob, ...]:
        found = logprobs.content or ()
        return tuple(each.model_copy(update={"top_logprobs": each.top_logprobs[: self.top]}) for each in found)

    def _call(self, part: _CallDelta) -> ToolCallDelta:
        """The first part of a call is given the id that some servers leave out; its name comes whole and once."""
        arguments = part.function.arguments or ""
        if part.index in self._calls:
            return ToolCallDelta(index=self._calls[part.index], arguments=arguments)
        index = self._calls[part.index] = len(self._calls)
        return ToolCallDelta(index=index, id=part.id or new_call_id(), name=part.function.name or "", arguments=arguments)

    def result(self) -> Result:
        """BackendError when the stream broke off before its finish reason; as `take` where no call came."""
        if self._finish_reason is None:
            raise BackendError("The backend ended its stream in the middle of the answer. See its log for why.")
        reason = self._finish_reason if self._finish_reason in _REASONS else "stop"
        if self.must_call and not self._calls and reason != "length":
            raise self._no_call()
        if self._calls and reason == "stop":
            reason = "tool_calls"
        return Result(usage=self._usage.told, timings=self._measured(), finish_reason=reason)

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


class _Vector(BaseModel):
    index: int
    embedding: str | tuple[float, ...]


class _Vectors(BaseModel):
    data: tuple[_Vector, ...]
    usage: _Usage = _Usage()


def embedded(data: bytes, ask: Ask) -> tuple[Piece, Result]:
    """Of /v1/embeddings, whether the server packs numbers or not. BackendError when it is something else; see check_vectors."""
    try:
        found = _Vectors.model_validate_json(data)
        vectors = [each.embedding for each in sorted(found.data, key=lambda each: each.index)]
        strings = tuple(vector if isinstance(vector, str) else packed(vector) for vector in vectors)
        check_vectors([length_of(vector) for vector in strings], ask)
    except ValueError:
        raise BackendError(f"The backend's vectors cannot be read: {reason(data)}. See its log.") from None
    return Piece(embeddings=strings), Result(usage=found.usage.told, finish_reason="stop")
