"""What /v1/messages answers, whole and as events. Pure."""

from typing import Any, Final
from uuid import uuid4

from pydantic_core import to_json

from bus.errors import BackendError, HiveError
from bus.follow import Delta
from bus.messages import ToolCallDelta, Usage
from bus.messages.work import ToolCall, new_call_id
from coordinator.gateway.llm import sse
from coordinator.gateway.llm.anthropic.errors import body_of
from coordinator.gateway.llm.anthropic.messages_request import MessagesRequest
from coordinator.gateway.llm.wording import Choice, Whole

PING: Final = sse.event("ping", b'{"type":"ping"}')
_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
Json = dict[str, Any]


class MessagesWording:
    """See coordinator.gateway.llm.wording.Wording. A stream has one block after the other; `index` counts them."""

    whole_type = "application/json"
    stream_type = sse.MEDIA_TYPE

    def __init__(self, asked: MessagesRequest, request_id: str) -> None:
        self._model, self._id, self._request_id = asked.model, f"msg_{uuid4().hex}", request_id
        self._index = -1
        self._open: str | None = None
        """What the open block is: `text`, `thinking`, `call 0` …"""
        self._calls: dict[int, int] = {}
        """Of calls, the indexes of their blocks."""

    def whole(self, whole: Whole) -> bytes:
        """BackendError where the model wrote a call that this protocol cannot hold."""
        [choice] = whole.choices
        return to_json(self._message(_content(choice), _reason(choice), usage_of(whole.usage)))

    def _message(self, content: list[Json], reason: str | None, usage: Json) -> Json:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def stream_begin(self) -> bytes:
        """Nobody knows yet how long the prompt is; the end says it."""
        return _event("message_start", message=self._message([], None, usage_of(Usage()))) + PING

    def stream_delta(self, delta: Delta) -> bytes:
        said = []
        if delta.thinking:
            said += [self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})]
            said += [self._delta({"type": "thinking_delta", "thinking": delta.thinking})]
        if delta.text:
            said += [self._begin("text", {"type": "text", "text": ""}), self._delta({"type": "text_delta", "text": delta.text})]
        said += [self._call(call) for call in delta.tool_calls]
        return b"".join(said)

    def _call(self, call: ToolCallDelta) -> bytes:
        begun = b""
        if call.index not in self._calls:
            block = {"type": "tool_use", "id": call.id or new_call_id(), "name": call.name or "", "input": {}}
            begun = self._begin(f"call {call.index}", block)
            self._calls[call.index] = self._index
        if not call.arguments:
            return begun
        return begun + self._delta({"type": "input_json_delta", "partial_json": call.arguments}, self._calls[call.index])

    def _begin(self, what: str, block: Json) -> bytes:
        """Unless it is open already."""
        if self._open == what:
            return b""
        ended = self._end()
        self._index += 1
        self._open = what
        return ended + _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: Json, index: int | None = None) -> bytes:
        return _event("content_block_delta", index=self._index if index is None else index, delta=delta)

    def _end(self) -> bytes:
        """Of the block that is open. A thought is signed by nobody: clients send it back as it came."""
        if self._open is None:
            return b""
        signed = self._delta({"type": "signature_delta", "signature": ""}) if self._open == "thinking" else b""
        self._open = None
        return signed + _event("content_block_stop", index=self._index)

    def stream_idle(self, note: str) -> bytes:
        return sse.comment(note) + PING

    def stream_end(self, whole: Whole) -> bytes:
        ended = {"stop_reason": _reason(whole.choices[0]), "stop_sequence": None}
        return self._end() + _event("message_delta", delta=ended, usage=usage_of(whole.usage)) + _event("message_stop")

    def stream_error(self, error: HiveError) -> bytes:
        """Without message_stop, which would end it well."""
        return sse.event("error", to_json(body_of(error, self._request_id)))


def usage_of(usage: Usage) -> Json:
    """Their `input_tokens` are those that had to be read."""
    cached = min(usage.cached_prompt_tokens or 0, usage.prompt_tokens)
    return {
        "input_tokens": usage.prompt_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }


def _event(name: str, **fields: Any) -> bytes:
    return sse.event(name, to_json({"type": name, **fields}))


def _reason(choice: Choice) -> str:
    """A backend does not tell which of several texts it stopped at, so that is an `end_turn` too."""
    return _REASONS.get(choice.finish_reason or "stop", "end_turn")


def _content(choice: Choice) -> list[Json]:
    found: list[Json] = []
    if choice.thinking:
        found.append({"type": "thinking", "thinking": choice.thinking, "signature": ""})
    if choice.text:
        found.append({"type": "text", "text": choice.text})
    return found + [_tool_use(call, cut=choice.finish_reason == "length") for call in choice.tool_calls]


def _tool_use(call: ToolCall, *, cut: bool) -> Json:
    """One that was cut has no arguments; `max_tokens`, as the reason of the end, says why. BackendError for one that is none."""
    if not cut and call.written is not None and not call.arguments and call.written.strip() not in ("", "{}"):
        raise BackendError(f"The model called {call.name!r} with arguments that are no JSON object. Ask again.")
    return {"type": "tool_use", "id": call.id or new_call_id(), "name": call.name, "input": call.arguments}
