"""What Ollama answers, line by line. Does no I/O."""

from typing import Annotated, Final

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agent_sidecar.answer import call_of
from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.refusal import reason, said
from agent_sidecar.backends.vectors import check_vectors, packed
from bus.errors import BackendError, UnsupportedByBackend
from bus.messages import Timings, TokenLogprob, ToolCall, ToolCallDelta, Usage
from bus.messages.work import new_call_id

_NANOSECONDS: Final = 1e9

Count = Annotated[int, Field(ge=0, lt=2**31)]
Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A backend that answers nonsense is found out here, not by the database."""


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
