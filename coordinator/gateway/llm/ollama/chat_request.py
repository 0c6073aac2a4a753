"""A body of Ollama's /api/chat as a Job. Pure."""

from typing import Any, Final, Literal

from pydantic import Field, JsonValue

from bus.messages import ChatMessage, Tool, ToolCall
from bus.messages.base import JsonObject, Text
from coordinator.gateway.llm.ollama.common import (
    DOOR,
    Asking,
    format_of,
    images_of,
    named,
    options_of,
    read,
    think_of,
)
from coordinator.gateway.llm.reading import Foreign, wrong
from coordinator.gateway.llm.wording import Job, job_of

MOST_LOGPROBS: Final = 20


class Function(Foreign):
    name: Text
    arguments: JsonObject = Field(default_factory=dict)


class Call(Foreign):
    id: Text | None = None
    function: Function


class Message(Foreign):
    """`tool_call_id` is newer Ollamas', and so is `tool_name`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Text | None = None
    thinking: Text | None = None
    images: tuple[Text, ...] | None = None
    tool_calls: tuple[Call, ...] | None = None
    tool_name: Text | None = None
    tool_call_id: Text | None = None


class FunctionTool(Foreign):
    name: Text = Field(min_length=1, max_length=255)
    description: Text | None = None
    parameters: JsonObject | None = None


class ToolEntry(Foreign):
    type: str = "function"
    function: FunctionTool


class ChatRequest(Asking):
    messages: tuple[Message, ...] | None = None
    tools: tuple[ToolEntry, ...] | None = None
    format: JsonValue = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)


def read_chat(body: bytes) -> ChatRequest:
    """InvalidJson, InvalidRequest."""
    asked = read(ChatRequest, body)
    named(asked)
    return asked


def chat_job(asked: ChatRequest) -> Job:
    """Of one that has messages. InvalidRequest."""
    work: dict[str, Any] = {
        "messages": tuple(map(_message, range(len(asked.messages or ())), asked.messages or ())),
        "options": options_of(asked),
        "streamed": asked.streamed,
    }
    if asked.tools:
        work["tools"] = tuple(map(_tool, range(len(asked.tools)), asked.tools))
    return job_of(asked.model, work | how_of(asked), door=DOOR)


def how_of(asked: Any) -> dict[str, Any]:
    """The form of an answer and what is told beside it: the same for chat and generate."""
    found: dict[str, Any] = {}
    if (form := format_of(asked.format)) is not None:
        found["format"] = form
    if (think := think_of(asked.think)) is not None:
        found["think"] = think
    if asked.logprobs:
        found["logprobs"], found["top_logprobs"] = True, asked.top_logprobs or 0
    return found


def _message(index: int, message: Message) -> ChatMessage:
    said: dict[str, Any] = {"role": message.role, "content": message.content or ""}
    if message.images:
        said["images"] = images_of(message.images, f"messages.{index}.images")
    if message.thinking:
        said["thinking"] = message.thinking
    if message.tool_calls:
        said["tool_calls"] = tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments) for call in message.tool_calls
        )
    if message.role == "tool":
        said["tool_call_id"], said["tool_name"] = message.tool_call_id, message.tool_name
    return ChatMessage(**said)


def _tool(index: int, entry: ToolEntry) -> Tool:
    if entry.type != "function":
        raise wrong(f"tools.{index}.type", f"Tools of the type {entry.type[:64]!r} are not known; a tool is a `function`.")
    known = entry.function
    return Tool(name=known.name, description=known.description, parameters=known.parameters or {})
