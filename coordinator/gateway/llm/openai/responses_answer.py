"""What /v1/responses answers, whole and as events. Pure."""

from dataclasses import dataclass
from time import time
from typing import Any, Final
from uuid import uuid4

from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import ToolCallDelta, Usage
from bus.messages.work import new_call_id
from coordinator.gateway.llm import sse
from coordinator.gateway.llm.openai.errors import body_of
from coordinator.gateway.llm.openai.responses_request import ResponsesRequest
from coordinator.gateway.llm.wording import Whole

Json = dict[str, Any]
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Open:
    """The item that is being written."""

    what: str
    item: Json
    text: str = ""


class ResponsesWording:
    """See coordinator.gateway.llm.wording.Wording. Items come one after the other."""

    whole_type = "application/json"
    stream_type = sse.MEDIA_TYPE

    def __init__(self, asked: ResponsesRequest) -> None:
        self._sequence = -1
        self._items: list[Json] = []
        self._open: _Open | None = None
        form = asked.text.format if asked.text else None
        self._head: Json = {
            "id": f"resp_{uuid4().hex}",
            "object": "response",
            "created_at": int(time()),
            "model": asked.model,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "metadata": {},
            "parallel_tool_calls": asked.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": {"effort": asked.reasoning.effort if asked.reasoning else None, "summary": None},
            "store": False,
            "temperature": asked.temperature,
            "text": {"format": {"type": "text"} if form is None else form.model_dump(by_alias=True, exclude_none=True)},
            "tool_choice": "auto" if asked.tool_choice is None else asked.model_dump(include={"tool_choice"})["tool_choice"],
            "tools": [tool.model_dump() for tool in asked.tools or () if tool.type == "function"],
            "top_p": asked.top_p,
            "truncation": "disabled",
        }

    def whole(self, whole: Whole) -> bytes:
        """The items are those that a stream would have told."""
        choice = whole.choices[0]
        calls = tuple(
            ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments_text)
            for index, call in enumerate(choice.tool_calls)
        )
        self.stream_delta(Delta(number=1, offset=0, thinking=choice.thinking, text=choice.text, tool_calls=calls))
        self._close()
        return to_json(self._ended(whole))

    def stream_begin(self) -> bytes:
        begun = {**self._head, "status": "in_progress", "output": [], "usage": None}
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def stream_delta(self, delta: Delta) -> bytes:
        said = []
        if delta.thinking:
            said += [self._begin("reasoning", {"type": "reasoning", "id": _id("rs"), "summary": [], "content": []})]
            said += [self._grow("response.reasoning_text.delta", delta.thinking, content_index=0)]
        if delta.text:
            said += [self._message(), self._grow("response.output_text.delta", delta.text, content_index=0, logprobs=[])]
        said += [self._call(call) for call in delta.tool_calls]
        return b"".join(said)

    def _message(self) -> bytes:
        if self._open is not None and self._open.what == "message":
            return b""
        begun = self._begin("message", {"type": "message", "id": _id("msg"), "role": "assistant", "content": []})
        return begun + self._told("response.content_part.added", content_index=0, part=_part(""))

    def _call(self, call: ToolCallDelta) -> bytes:
        item = {
            "type": "function_call",
            "id": _id("fc"),
            "call_id": call.id or new_call_id(),
            "name": call.name,
            "arguments": "",
        }
        begun = self._begin(f"call {call.index}", item)
        return begun + (self._grow("response.function_call_arguments.delta", call.arguments) if call.arguments else b"")

    def _begin(self, what: str, item: Json) -> bytes:
        """Unless it is open already."""
        if self._open is not None and self._open.what == what:
            return b""
        ended = self._close()
        self._open = _Open(what, {**item, "status": "in_progress"})
        return ended + self._event("response.output_item.added", output_index=len(self._items), item=self._open.item)

    def _grow(self, event: str, text: str, /, **fields: Any) -> bytes:
        assert self._open is not None  # noqa: S101
        self._open.text += text
        return self._told(event, delta=text, **fields)

    def _told(self, event: str, /, **fields: Any) -> bytes:
        assert self._open is not None  # noqa: S101
        return self._event(event, item_id=self._open.item["id"], output_index=len(self._items), **fields)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        text, item = self._open.text, self._open.item
        match item["type"]:
            case "message":
                item["content"] = [_part(text)]
                said = self._told("response.output_text.done", content_index=0, text=text, logprobs=[])
                said += self._told("response.content_part.done", content_index=0, part=_part(text))
            case "reasoning":
                item["content"] = [{"type": "reasoning_text", "text": text}]
                said = self._told("response.reasoning_text.done", content_index=0, text=text)
            case _:
                item["arguments"] = text
                said = self._told("response.function_call_arguments.done", name=item["name"], arguments=text)
        item["status"] = "completed"
        said += self._event("response.output_item.done", output_index=len(self._items), item=item)
        self._items.append(item)
        self._open = None
        return said

    def stream_idle(self, note: str) -> bytes:
        return sse.comment(note)

    def stream_end(self, whole: Whole) -> bytes:
        closed, ended = self._close(), self._ended(whole)
        return closed + self._event(f"response.{ended['status']}", response=ended)

    def _ended(self, whole: Whole) -> Json:
        found = {**self._head, "status": "completed", "output": self._items, "usage": usage_of(whole.usage)}
        cut = _INCOMPLETE.get(whole.choices[0].finish_reason or "")
        return found if cut is None else {**found, "status": "incomplete", "incomplete_details": {"reason": cut}}

    def stream_error(self, error: HiveError) -> bytes:
        """In place of the end: the response has failed, whatever of it was told."""
        told = body_of(error)["error"]
        failed = {"code": told["code"], "message": told["message"]}
        response = {**self._head, "status": "failed", "error": failed, "output": self._items, "usage": None}
        return self._event("response.failed", response=response)

    def _event(self, name: str, /, **fields: Any) -> bytes:
        self._sequence += 1
        return sse.event(name, to_json({"type": name, "sequence_number": self._sequence, **fields}))


def usage_of(usage: Usage) -> Json:
    """How much of an answer was thought no backend tells."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_prompt_tokens or 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _id(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"
