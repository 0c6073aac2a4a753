"""A body of /v1/messages as a Job, and what /v1/messages/count_tokens is asked about. Pure."""

from typing import Any, Final, Literal

from pydantic import Field

from bus.messages import NamedTool, Tool
from bus.messages.base import JsonObject, Text
from bus.messages.work import ThinkingLevel, ToolChoice
from coordinator.gateway.llm.anthropic.blocks import Blocks, Message, messages_of, text_of
from coordinator.gateway.llm.reading import Foreign, read, wrong
from coordinator.gateway.llm.wording import Job, job_of

DOOR: Final = "anthropic"


class ToolEntry(Foreign):
    """`type` is left out, or `custom`: others are tools that Anthropic's own servers run, or that its models were trained with."""

    type: str | None = None
    name: Text = Field(min_length=1, max_length=255)
    description: Text | None = None
    input_schema: JsonObject | None = None
    strict: bool | None = None


class Choice(Foreign):
    type: Literal["auto", "any", "tool", "none"]
    name: Text | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Foreign):
    """`adaptive`: as the model does by itself."""

    type: Literal["enabled", "disabled", "adaptive"]


class Format(Foreign):
    type: Literal["json_schema"]
    schema_: JsonObject = Field(alias="schema")


class OutputConfig(Foreign):
    effort: str | None = None
    format: Format | None = None


class CountRequest(Foreign):
    """What the model is shown."""

    model: Text = Field(min_length=1, max_length=255)
    messages: tuple[Message, ...] = Field(min_length=1)
    system: Blocks | None = None
    tools: tuple[ToolEntry, ...] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None


class MessagesRequest(CountRequest):
    max_tokens: int = Field(ge=1)
    stream: bool | None = None
    stop_sequences: tuple[Text, ...] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)


def messages_job(body: bytes) -> tuple[MessagesRequest, Job]:
    """InvalidJson, InvalidRequest."""
    asked = read(MessagesRequest, body)
    said: JsonObject = {
        "num_predict": asked.max_tokens,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "top_k": asked.top_k,
        "stop": list(asked.stop_sequences) if asked.stop_sequences else None,
    }
    options = {name: value for name, value in said.items() if value is not None}
    return asked, job_of(asked.model, {**_shown(asked), "options": options, "streamed": bool(asked.stream)}, door=DOOR)


def count_job(body: bytes) -> Job:
    """Its work is never done, only measured. InvalidJson, InvalidRequest."""
    asked = read(CountRequest, body)
    return job_of(asked.model, _shown(asked), door=DOOR)


def _shown(asked: CountRequest) -> dict[str, Any]:
    system = text_of(asked.system or (), "system")
    first = ({"role": "system", "content": system},) if system else ()
    work: dict[str, Any] = {"messages": (*first, *messages_of(asked.messages))}
    if asked.tools:
        work["tools"] = tuple(map(_tool, range(len(asked.tools)), asked.tools))
    if asked.tool_choice is not None:
        work |= _choice(asked.tool_choice, asked.tools or ())
    if asked.thinking is not None and asked.thinking.type != "adaptive":
        work["think"] = _think(asked.thinking, asked.output_config)
    form = asked.output_format or (asked.output_config.format if asked.output_config else None)
    if form is not None:
        work["format"] = form.schema_
    return work


def _tool(index: int, entry: ToolEntry) -> Tool:
    if entry.type not in (None, "custom"):
        place = f"tools.{index}.type"
        raise wrong(
            place, f"`{place}` is {entry.type[:64]!r}: no model here has such a tool. Send tools with an `input_schema`."
        )
    if entry.input_schema is None:
        raise wrong(f"tools.{index}.input_schema", f"`tools.{index}` lacks its `input_schema`, a JSON schema.")
    return Tool(name=entry.name, description=entry.description, parameters=entry.input_schema, strict=entry.strict)


def _choice(choice: Choice, tools: tuple[ToolEntry, ...]) -> dict[str, Any]:
    found: ToolChoice
    match choice.type:
        case "tool":
            if choice.name is None or all(choice.name != tool.name for tool in tools):
                raise wrong("tool_choice.name", "`tool_choice.name` is that of no tool in `tools`.")
            found = NamedTool(name=choice.name)
        case "any":
            if not tools:
                raise wrong("tool_choice", "`tool_choice` asks for a tool, and `tools` has none.")
            found = "required"
        case _:
            found = choice.type
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    return {"tool_choice": found, "parallel_tool_calls": parallel}


def _think(thinking: Thinking, config: OutputConfig | None) -> bool | ThinkingLevel:
    """A budget in tokens is one that no backend here takes; an effort is."""
    if thinking.type == "disabled":
        return False
    match config.effort if config else None:
        case "low" | "medium" | "high" as effort:
            return effort
        case "xhigh" | "max":
            return "high"
    return True
