"""A body of /v1/responses as a Job. Nothing is kept between requests: the client sends the whole conversation. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bus.messages import ChatMessage, NamedTool, Tool
from bus.messages.base import JsonObject, Text
from bus.messages.work import ToolCall, ToolChoice, call_from
from coordinator.gateway.llm.openai.chat_request import Part, Sampling, content_of, options_of, think_of
from coordinator.gateway.llm.reading import Foreign, read, wrong
from coordinator.gateway.llm.wording import Job, job_of


class Summary(Foreign):
    text: Text = ""


class Item(Foreign):
    """Of any type: which fields it has depends on that. A message need not name its type."""

    type: str = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Text | tuple[Part, ...] | None = None
    summary: tuple[Summary, ...] | None = None
    call_id: Text | None = None
    name: Text | None = None
    arguments: Text | None = None
    output: Text | tuple[Part, ...] | None = None


class ToolEntry(Foreign):
    type: str
    name: Text | None = Field(default=None, min_length=1, max_length=255)
    description: Text | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class Named(Foreign):
    type: str
    name: Text | None = None


class Form(Foreign):
    type: Literal["text", "json_object", "json_schema"] = "text"
    schema_: JsonObject | None = Field(default=None, alias="schema")


class TextConfig(Foreign):
    format: Form | None = None


class Reasoning(Foreign):
    effort: str | None = None


def _items(value: Any) -> Any:
    return ({"role": "user", "content": value},) if isinstance(value, str) else value


class ResponsesRequest(Sampling):
    input: Annotated[
        tuple[Item, ...], Field(min_length=1), BeforeValidator(_items, json_schema_input_type=str | tuple[Item, ...])
    ]
    instructions: Text | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    tools: tuple[ToolEntry, ...] | None = None
    tool_choice: Literal["auto", "none", "required"] | Named | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    previous_response_id: Text | None = None
    conversation: Any = None
    background: bool | None = None


@dataclass(slots=True)
class _Turn:
    """What the assistant said in one go: reasoning, a message and calls are items of their own there."""

    text: str = ""
    thinking: str = ""
    calls: list[ToolCall] = field(default_factory=list)

    def message(self) -> ChatMessage:
        return ChatMessage(role="assistant", content=self.text, thinking=self.thinking, tool_calls=tuple(self.calls))


def responses_job(body: bytes) -> tuple[ResponsesRequest, Job]:
    """InvalidJson, InvalidRequest."""
    asked = read(ResponsesRequest, body)
    _refuse(asked)
    first = (ChatMessage(role="system", content=asked.instructions),) if asked.instructions else ()
    work: dict[str, Any] = {
        "messages": (*first, *_messages(asked.input)),
        "options": options_of(asked, asked.max_output_tokens),
        "streamed": bool(asked.stream),
    }
    tools = _tools(asked.tools or ())
    if tools:
        work["tools"], work["tool_choice"] = tools, _choice(asked.tool_choice, tools)
        work["parallel_tool_calls"] = asked.parallel_tool_calls
    if asked.text is not None and asked.text.format is not None and asked.text.format.type != "text":
        work["format"] = _format(asked.text.format)
    if asked.reasoning is not None and asked.reasoning.effort is not None:
        work["think"] = think_of(asked.reasoning.effort, "reasoning.effort")
    return asked, job_of(asked.model, work, door="openai")


def _refuse(asked: ResponsesRequest) -> None:
    for name in ("previous_response_id", "conversation"):
        if getattr(asked, name) is not None:
            raise wrong(
                name,
                f"`{name}` names what a server has kept, and this one keeps nothing. Send the whole conversation in `input`.",
            )
    if asked.background:
        raise wrong("background", "`background` is not taken here. POST /api/tasks takes tasks whose output is fetched later.")
    if asked.n is not None and asked.n > 1:
        raise wrong("n", "A response is one answer; leave `n` out.")


def _messages(items: tuple[Item, ...]) -> list[ChatMessage]:
    found: list[ChatMessage] = []
    names: dict[str, str] = {}
    turn = _Turn()
    for index, item in enumerate(items):
        place = f"input.{index}"
        if item.type == "reasoning":
            turn = _thought(turn, item, place, found)
        elif item.type == "message" and item.role == "assistant":
            turn = _said(turn, content_of(item.content, f"{place}.content")[0], found)
        elif item.type == "function_call":
            call = _call(item, place)
            names[call.id or ""] = call.name
            turn.calls.append(call)
        else:
            turn = _close(turn, found)
            found.append(_message(item, place, names))
    _close(turn, found)
    return found


def _thought(turn: _Turn, item: Item, place: str, found: list[ChatMessage]) -> _Turn:
    turn = _close(turn, found)
    text = content_of(item.content, f"{place}.content")[0]
    turn.thinking = text or "\n".join(part.text for part in item.summary or ())
    return turn


def _said(turn: _Turn, text: str, found: list[ChatMessage]) -> _Turn:
    if turn.text or turn.calls:
        turn = _close(turn, found)
    turn.text = text
    return turn


def _close(turn: _Turn, found: list[ChatMessage]) -> _Turn:
    if turn != _Turn():
        found.append(turn.message())
    return _Turn()


def _call(item: Item, place: str) -> ToolCall:
    if item.call_id is None or item.name is None:
        raise wrong(place, f"`{place}` is a function_call and lacks its `call_id` or its `name`.")
    return call_from(item.call_id, item.name, item.arguments or "")


def _message(item: Item, place: str, names: dict[str, str]) -> ChatMessage:
    if item.type == "function_call_output":
        if item.call_id is None:
            raise wrong(f"{place}.call_id", f"`{place}` is a function_call_output and lacks its `call_id`.")
        text, images = content_of(item.output, f"{place}.output")
        name = names.get(item.call_id)
        return ChatMessage(role="tool", content=text, images=images, tool_call_id=item.call_id, tool_name=name)
    if item.type != "message":
        raise wrong(
            f"{place}.type",
            f"Items of the type {item.type[:64]!r} are not taken; send messages, function calls and their outputs.",
        )
    if item.role is None:
        raise wrong(f"{place}.role", f"`{place}` is a message and lacks its `role`.")
    text, images = content_of(item.content, f"{place}.content")
    return ChatMessage(role="user" if item.role == "user" else "system", content=text, images=images)


def _tools(entries: tuple[ToolEntry, ...]) -> tuple[Tool, ...]:
    """Functions alone: a model is not shown the tools that OpenAI's own servers run, and clients offer those unasked."""
    found = []
    for index, entry in enumerate(entries):
        if entry.type == "function":
            if entry.name is None:
                raise wrong(f"tools.{index}.name", f"`tools.{index}` is a function and lacks its `name`.")
            found.append(
                Tool(name=entry.name, description=entry.description, parameters=entry.parameters or {}, strict=entry.strict)
            )
    return tuple(found)


def _choice(choice: Literal["auto", "none", "required"] | Named | None, tools: tuple[Tool, ...]) -> ToolChoice:
    if not isinstance(choice, Named):
        return choice or "auto"
    if choice.name is None or all(choice.name != tool.name for tool in tools):
        raise wrong("tool_choice", "`tool_choice` names no function of `tools`.")
    return NamedTool(name=choice.name)


def _format(form: Form) -> Literal["json"] | JsonObject:
    if form.type == "json_object":
        return "json"
    if form.schema_ is None:
        raise wrong("text.format.schema", "A `text.format` of the type json_schema needs its `schema`.")
    return form.schema_
