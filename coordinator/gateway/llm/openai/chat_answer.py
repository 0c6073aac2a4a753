"""What /v1/chat/completions answers, whole and as chunks. Pure."""

from time import time
from typing import Any, Final
from uuid import uuid4

from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import TokenLogprob, ToolCallDelta, Usage
from bus.messages.work import ToolCall
from coordinator.gateway.llm import sse
from coordinator.gateway.llm.openai.chat_request import ChatRequest
from coordinator.gateway.llm.openai.errors import body_of
from coordinator.gateway.llm.wording import Choice, Whole

DONE: Final = sse.data(b"[DONE]")


class ChatWording:
    """See coordinator.gateway.llm.wording.Wording."""

    whole_type = "application/json"
    stream_type = sse.MEDIA_TYPE

    def __init__(self, asked: ChatRequest) -> None:
        self._asked = asked
        self._choices = asked.n or 1
        self._logprobs = bool(asked.logprobs)
        self._head: dict[str, Any] = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time()), "model": asked.model}
        head = to_json({"id": self._head["id"], "object": "chat.completion.chunk", **self._head})[:-1]
        self._usage = asked.includes_usage
        self._before = b"data: " + head + b',"choices":[{"index":'
        self._no_choice = head + b',"choices":[]'
        self._after = b',"usage":null}\n\n' if self._usage else b"}\n\n"

    def whole(self, whole: Whole) -> bytes:
        return to_json(
            {
                "id": self._head["id"],
                "object": "chat.completion",
                **self._head,
                "choices": [self._choice(index, choice) for index, choice in enumerate(whole.choices)],
                "usage": usage_of(whole.usage),
            }
        )

    def _choice(self, index: int, choice: Choice) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": choice.text or (None if choice.tool_calls else "")}
        if choice.thinking:
            message["reasoning_content"] = choice.thinking
        if choice.tool_calls:
            message["tool_calls"] = [_call(call) for call in choice.tool_calls]
        logprobs = {"content": [logprob_of(each) for each in choice.logprobs]} if self._logprobs else None
        return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish_reason or "stop"}

    def stream_begin(self) -> bytes:
        return b"".join(self._chunk(index, b'{"role":"assistant","content":""}') for index in range(self._choices))

    def stream_delta(self, delta: Delta) -> bytes:
        parts: dict[str, Any] = {}
        if delta.thinking:
            parts["reasoning_content"] = delta.thinking
        if delta.text:
            parts["content"] = delta.text
        if delta.tool_calls:
            parts["tool_calls"] = [_call_delta(call) for call in delta.tool_calls]
        logprobs = {"content": [logprob_of(each) for each in delta.logprobs]} if self._logprobs and delta.logprobs else None
        return self._chunk(delta.choice, to_json(parts), logprobs=logprobs)

    def _chunk(self, index: int, delta: bytes, *, reason: str | None = None, logprobs: object = None) -> bytes:
        told = b"null" if logprobs is None else to_json(logprobs)
        ended = b"null" if reason is None else to_json(reason)
        middle = b'%d,"delta":%b,"logprobs":%b,"finish_reason":%b}]' % (index, delta, told, ended)
        return self._before + middle + self._after

    def stream_idle(self, note: str) -> bytes:
        return sse.comment(note)

    def stream_end(self, whole: Whole) -> bytes:
        ends = [self._chunk(index, b"{}", reason=choice.finish_reason or "stop") for index, choice in enumerate(whole.choices)]
        if self._usage:
            ends.append(sse.data(self._no_choice + b',"usage":' + to_json(usage_of(whole.usage)) + b"}"))
        return b"".join(ends) + DONE

    def stream_error(self, error: HiveError) -> bytes:
        """Without [DONE], which would end it well."""
        return sse.data(to_json(body_of(error)))


def usage_of(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
    if usage.cached_prompt_tokens is not None:
        found["prompt_tokens_details"] = {"cached_tokens": usage.cached_prompt_tokens}
    return found


def logprob_of(token: TokenLogprob) -> dict[str, Any]:
    top = [{"token": each.token, "logprob": each.logprob, "bytes": each.bytes} for each in token.top_logprobs]
    return {"token": token.token, "logprob": token.logprob, "bytes": token.bytes, "top_logprobs": top}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments_text}}


def _call_delta(call: ToolCallDelta) -> dict[str, Any]:
    if call.name is None:
        return {"index": call.index, "function": {"arguments": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": call.index, "id": call.id, "type": "function", "function": function}
