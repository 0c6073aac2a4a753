"""A call of a tool that must come, from a server whose template shows its model no tools: the model is told of them, and its grammar
lets it write nothing but a call. Does no I/O.
"""

from dataclasses import replace
from typing import Final

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_json

from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.openai_request import Json, chat_body, conversation
from bus.messages import ChatMessage, JsonObject, NamedTool, Tool, ToolCallDelta, Work
from bus.messages.work import new_call_id

_NOTHING: Final[JsonObject] = {"type": "object", "properties": {}, "additionalProperties": False}
"""Without the last part a grammar allows anything for a function that takes nothing."""
_ONE: Final = "You answer with the arguments, as a JSON object, of a call of this function: "
_SEVERAL: Final = (
    'You answer with a call of one of these functions, as a JSON object of its "name" and its "arguments". The functions: '
)


def must_call(work: Work) -> bool:
    """Whether an answer in text is not what was asked for."""
    return work.tool_choice not in ("auto", "none")


def forced_body(ask: Ask) -> Json:
    """Of /v1/chat/completions, in place of `chat_body`; `Calling` reads the answer."""
    tools = _callable(ask.work)
    plain = ask.work.model_copy(update={"tools": (), "tool_choice": "auto", "format": None})
    body = chat_body(replace(ask, messages=_told_of(tools, conversation(ask)), work=plain))
    body.pop("stop", None)  # it would end a call in the middle
    schema = {"name": "call", "schema": _schema(tools)}
    return {**body, "response_format": {"type": "json_schema", "json_schema": schema}}


def _callable(work: Work) -> tuple[Tool, ...]:
    choice = work.tool_choice
    return tuple(tool for tool in work.tools if not isinstance(choice, NamedTool) or tool.name == choice.name)


def _told_of(tools: tuple[Tool, ...], messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """In the first system message: many templates take only one, and only in front."""
    described = [to_json(tool.model_dump(exclude_none=True)).decode() for tool in tools]
    told = (_ONE if len(tools) == 1 else _SEVERAL) + "\n".join(described)
    first, *rest = messages
    if first.role == "system":
        return (first.model_copy(update={"content": f"{first.content}\n\n{told}"}), *rest)
    return (ChatMessage(role="system", content=told), *messages)


def _schema(tools: tuple[Tool, ...]) -> JsonValue:
    """What a tool's own schema refers to is somewhere in it, by its path from the root: of several, each has a place of its own there."""
    if len(tools) == 1:
        return _arguments(tools[0])
    places = {f"arguments{number}": tool for number, tool in enumerate(tools)}
    moved: Json = {place: _moved(_arguments(tool), f"#/$defs/{place}") for place, tool in places.items()}
    return {"anyOf": [_call(tool, f"#/$defs/{place}") for place, tool in places.items()], "$defs": moved}


def _call(tool: Tool, arguments: str) -> JsonValue:
    properties: Json = {"name": {"const": tool.name}, "arguments": {"$ref": arguments}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _moved(schema: JsonValue, place: str) -> JsonValue:
    """The same schema at another place of a document. A property may be named `$ref` too: what it is then is no text."""
    if isinstance(schema, list):
        return [_moved(each, place) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: place + value[1:] if key == "$ref" and isinstance(value, str) and value.startswith("#") else _moved(value, place)
        for key, value in schema.items()
    }


def _arguments(tool: Tool) -> JsonValue:
    return tool.parameters if tool.parameters.get("properties") else _NOTHING


class _Written(BaseModel):
    name: str
    arguments: JsonObject


class Calling:
    """What the model writes, as a call. Where only one tool can be called, its arguments are shown as they are written; else all at
    its end. One that was cut in the middle there is no call at all, and its finish reason says that it was cut.
    """

    def __init__(self, ask: Ask) -> None:
        self._tools, self._id = _callable(ask.work), new_call_id()
        self._text: list[str] = []

    def piece(self, piece: Piece) -> Piece:
        """Logprobs are of text, and a call is none."""
        if not piece.text:
            return replace(piece, logprobs=())
        first = not self._text
        self._text.append(piece.text)
        if len(self._tools) > 1:
            return Piece(thinking=piece.thinking)
        return Piece(thinking=piece.thinking, tool_calls=(self._part(piece.text, self._tools[0].name if first else None),))

    def _part(self, arguments: str, name: str | None) -> ToolCallDelta:
        return ToolCallDelta(index=0, id=self._id if name else None, name=name, arguments=arguments)

    def end(self, result: Result) -> tuple[Piece, Result]:
        """What is left to be shown, and how it ended."""
        last = self._gathered() if len(self._tools) > 1 else Piece()
        called = last.tool_calls or (self._text and len(self._tools) == 1)
        ended = "tool_calls" if called and result.finish_reason == "stop" else result.finish_reason
        return last, replace(result, finish_reason=ended)

    def _gathered(self) -> Piece:
        try:
            call = _Written.model_validate_json("".join(self._text))
        except ValidationError:
            return Piece()
        return Piece(tool_calls=(self._part(to_json(call.arguments).decode(), call.name),))
