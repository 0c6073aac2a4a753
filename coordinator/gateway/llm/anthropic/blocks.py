"""The blocks that Anthropic's messages consist of, and the messages of a task that they make. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator

from bus.messages import ChatMessage
from bus.messages.base import JsonObject, Text
from bus.messages.work import ToolCall
from coordinator.gateway.llm.reading import Foreign, wrong

IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")


class Source(Foreign):
    """Of an image or a document."""

    type: str
    media_type: Text | None = None
    data: Text | None = None


def _blocks(value: Any) -> Any:
    """A text in place of blocks is one of them."""
    return ({"type": "text", "text": value},) if isinstance(value, str) else value


class Block(Foreign):
    """Of any type: which fields it has depends on that."""

    type: str
    text: Text | None = None
    thinking: Text | None = None
    source: Source | None = None
    id: Text | None = None
    name: Text | None = None
    input: JsonObject | None = None
    tool_use_id: Text | None = None
    content: "Blocks | None" = None
    is_error: bool | None = None


Blocks = Annotated[tuple[Block, ...], BeforeValidator(_blocks, json_schema_input_type=str | tuple[Block, ...])]


class Message(Foreign):
    role: Literal["user", "assistant", "system"]
    content: Blocks


@dataclass(slots=True)
class _Growing:
    """One message of a task, while blocks are added to it."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)

    def message(self, role: Literal["user", "assistant", "system"]) -> ChatMessage:
        return ChatMessage(
            role=role,
            content="\n".join(self.texts),
            thinking="\n".join(self.thoughts),
            images=tuple(self.images),
            tool_calls=tuple(self.calls),
        )


def messages_of(messages: tuple[Message, ...]) -> Iterator[ChatMessage]:
    """A tool's result is a message of its own, ahead of what the user says beside it. InvalidRequest, with the place."""
    names: dict[str, str] = {}
    for number, message in enumerate(messages):
        growing, place, results = _Growing(), f"messages.{number}.content", 0
        for index, block in enumerate(message.content):
            if block.type == "tool_result" and message.role == "user":
                yield _result(block, f"{place}.{index}", names)
                results += 1
            else:
                _add(growing, block, f"{place}.{index}", message.role)
        names |= {call.id: call.name for call in growing.calls if call.id is not None}
        if not results or growing != _Growing():
            yield growing.message(message.role)


def text_of(blocks: tuple[Block, ...], place: str) -> str:
    """Of blocks that may be text only."""
    return "\n".join(_text(block, f"{place}.{index}") for index, block in enumerate(blocks))


def _add(growing: _Growing, block: Block, place: str, role: str) -> None:
    match block.type:
        case "text":
            growing.texts.append(_text(block, place))
        case "image" | "document" if role == "user":
            _attach(growing, block, place)
        case "thinking" if role == "assistant":
            growing.thoughts.append(block.thinking or "")
        case "redacted_thinking" if role == "assistant":
            pass  # nobody but Anthropic can read it
        case "tool_use" if role == "assistant":
            growing.calls.append(_call(block, place))
        case other:
            raise wrong(f"{place}.type", f"`{place}` is of the type {other[:64]!r}, which is not taken from the role {role}.")


def _text(block: Block, place: str) -> str:
    if block.type != "text" or block.text is None:
        raise wrong(f"{place}.text", f"`{place}` is not a text block with its `text`.")
    return block.text


def _attach(growing: _Growing, block: Block, place: str) -> None:
    """What is sent as it is. Nothing is fetched: an address that a client writes may be one that only this machine can reach."""
    source = block.source
    if block.type == "image" and source is not None and source.type == "base64" and source.media_type in IMAGE_TYPES:
        growing.images.append(source.data or "")
    elif block.type == "document" and source is not None and source.type == "text":
        growing.texts.append(source.data or "")
    else:
        raise wrong(
            f"{place}.source",
            f"`{place}.source` is not taken: send an image as base64 of the type {', '.join(IMAGE_TYPES)}, and a document as text.",
        )


def _call(block: Block, place: str) -> ToolCall:
    if block.id is None or block.name is None:
        raise wrong(place, f"`{place}` is a tool_use and lacks its `id` or its `name`.")
    return ToolCall(id=block.id, name=block.name, arguments=block.input or {})


def _result(block: Block, place: str, names: Mapping[str, str]) -> ChatMessage:
    """Some backends know results by the tool's name, others by the call's id."""
    if block.tool_use_id is None:
        raise wrong(f"{place}.tool_use_id", f"`{place}` is a tool_result and lacks its `tool_use_id`.")
    if block.tool_use_id not in names:
        raise wrong(
            f"{place}.tool_use_id",
            f"`{place}.tool_use_id` is that of no tool_use block in an earlier message of the assistant.",
        )
    growing = _Growing()
    for index, inner in enumerate(block.content or ()):
        _add(growing, inner, f"{place}.content.{index}", "user")
    text = "\n".join(growing.texts) or ("error" if block.is_error else "")
    return ChatMessage(
        role="tool",
        content=text,
        images=tuple(growing.images),
        tool_call_id=block.tool_use_id,
        tool_name=names[block.tool_use_id],
    )
