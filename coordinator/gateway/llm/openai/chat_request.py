"""A body of /v1/chat/completions as a Job. Pure."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import to_json

from bus.messages import ChatMessage, NamedTool, Tool
from bus.messages.base import JsonObject, Text
from bus.messages.work import MAX_CHOICES, ToolChoice, call_from
from coordinator.gateway.llm.reading import Foreign, read, wrong
from coordinator.gateway.llm.wording import Job, job_of

_DATA_URL: Final = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
EXTRAS: Final = (
    *("top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "tfs_z", "mirostat", "mirostat_eta", "mirostat_tau"),
    *("num_ctx", "num_keep", "keep_alive", "ignore_eos", "min_tokens", "logit_bias"),
)
"""What clients of Ollama, llama.cpp and vLLM send beside OpenAI's parameters; it has one name everywhere."""


class ImageUrl(Foreign):
    url: Text


class Part(Foreign):
    """A part of a message's content."""

    type: str
    text: Text | None = None
    image_url: ImageUrl | Text | None = None
    refusal: Text | None = None


class Function(Foreign):
    name: Text
    arguments: Text | JsonObject = ""


class Call(Foreign):
    id: Text | None = None
    function: Function


class Message(Foreign):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | tuple[Part, ...] | None = None
    name: Text | None = None
    reasoning_content: Text | None = None
    tool_calls: tuple[Call, ...] | None = None
    tool_call_id: Text | None = None


class FunctionTool(Foreign):
    name: Text = Field(min_length=1, max_length=255)
    description: Text | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class ToolEntry(Foreign):
    type: str = "function"
    function: FunctionTool | None = None


class Named(Foreign):
    name: Text


class Choice(Foreign):
    type: str = "function"
    function: Named | None = None


class Schema(Foreign):
    schema_: JsonObject | None = Field(default=None, alias="schema")


class ResponseFormat(Foreign):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


class StreamOptions(Foreign):
    include_usage: bool | None = None


def _strings(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Strings = Annotated[tuple[Text, ...], BeforeValidator(_strings, json_schema_input_type=str | tuple[str, ...])]


class Sampling(Foreign):
    """How to write: the same for every endpoint of OpenAI's that writes. What is not named here is kept for `options_of`."""

    model_config = ConfigDict(extra="allow")

    model: Text = Field(min_length=1, max_length=255)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = None
    stop: Strings | None = None
    n: int | None = Field(default=None, ge=1, le=MAX_CHOICES)
    max_tokens: int | None = Field(default=None, ge=1)

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(Sampling):
    messages: tuple[Message, ...] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    tools: tuple[ToolEntry, ...] | None = None
    tool_choice: Literal["auto", "none", "required"] | Choice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    modalities: tuple[str, ...] | None = None
    functions: tuple[JsonValue, ...] | None = None


def chat_job(body: bytes) -> tuple[ChatRequest, Job]:
    """InvalidJson, InvalidRequest."""
    asked = read(ChatRequest, body)
    _refuse(asked)
    work: dict[str, Any] = {
        "messages": tuple(map(_message, range(len(asked.messages)), asked.messages)),
        "options": options_of(asked, asked.max_completion_tokens),
        "streamed": bool(asked.stream),
    }
    if asked.tools:
        work["tools"] = tuple(map(_tool, range(len(asked.tools)), asked.tools))
        work["tool_choice"] = _choice(asked)
        work["parallel_tool_calls"] = asked.parallel_tool_calls
    if asked.response_format is not None and asked.response_format.type != "text":
        work["format"] = _format(asked.response_format)
    if asked.reasoning_effort is not None:
        work["think"] = think_of(asked.reasoning_effort, "reasoning_effort")
    if asked.logprobs:
        work["logprobs"], work["top_logprobs"] = True, asked.top_logprobs or 0
    if asked.n is not None and asked.n > 1:
        work["n"] = asked.n
    return asked, job_of(asked.model, work, door="openai")


def options_of(asked: Sampling, limit: int | None = None) -> JsonObject:
    """In the words of a task's options."""
    said: JsonObject = {
        "num_predict": limit or asked.max_tokens,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "frequency_penalty": asked.frequency_penalty,
        "presence_penalty": asked.presence_penalty,
        "seed": asked.seed,
        "stop": list(asked.stop) if asked.stop else None,
    }
    beside = asked.model_extra or {}
    extras: JsonObject = {name: beside[name] for name in EXTRAS if beside.get(name) is not None}
    return extras | {name: value for name, value in said.items() if value is not None}


def _refuse(asked: ChatRequest) -> None:
    if asked.functions:
        raise wrong("functions", '`functions` was replaced by `tools`; send each as {"type": "function", "function": …}.')
    if asked.modalities and "audio" in asked.modalities:
        raise wrong("modalities", "No model here speaks; leave `audio` out of `modalities`.")
    if asked.top_logprobs and not asked.logprobs:
        raise wrong("top_logprobs", "`top_logprobs` needs `logprobs` to be true.")


def _message(index: int, message: Message) -> ChatMessage:
    text, images = content_of(message.content, f"messages.{index}.content")
    role = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    said: dict[str, Any] = {"role": role, "content": text}
    if images:
        said["images"] = images
    if message.reasoning_content:
        said["thinking"] = message.reasoning_content
    if message.tool_calls:
        said["tool_calls"] = tuple(
            call_from(call.id, call.function.name, _written(call.function.arguments)) for call in message.tool_calls
        )
    if role == "tool":
        said["tool_call_id"], said["tool_name"] = message.tool_call_id, message.name
    return ChatMessage(**said)


def _written(arguments: str | JsonObject) -> str:
    return arguments if isinstance(arguments, str) else to_json(arguments).decode()


def content_of(content: str | tuple[Part, ...] | None, where: str) -> tuple[str, tuple[str, ...]]:
    """Its text, and its images in base64."""
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    images: list[str] = []
    for index, part in enumerate(content):
        match part.type:
            case "text" | "input_text" | "output_text" | "reasoning_text":
                texts.append(part.text or "")
            case "refusal":
                texts.append(part.refusal or "")
            case "image_url" | "input_image":
                images.append(image_of(part.image_url, f"{where}.{index}.image_url"))
            case other:
                raise wrong(f"{where}.{index}.type", f"Parts of the type {other[:64]!r} are not taken; send text or image_url.")
    return "\n".join(texts), tuple(images)


def image_of(url: ImageUrl | str | None, where: str) -> str:
    """Of a data: URL. Others are not fetched: an address that a client writes may be one that only this machine can reach."""
    text = url.url if isinstance(url, ImageUrl) else url or ""
    head = _DATA_URL.match(text)
    if head is None:
        raise wrong(
            where, "An image is sent as it is, in a data: URL such as data:image/png;base64,…; none is fetched from an address."
        )
    return text[head.end() :]


def _tool(index: int, entry: ToolEntry) -> Tool:
    if entry.type != "function" or entry.function is None:
        raise wrong(f"tools.{index}.type", f"Tools of the type {entry.type[:64]!r} are not known; a tool is a `function`.")
    known = entry.function
    return Tool(name=known.name, description=known.description, parameters=known.parameters or {}, strict=known.strict)


def _choice(asked: ChatRequest) -> ToolChoice:
    choice = asked.tool_choice
    if choice is None:
        return "auto"
    if not isinstance(choice, Choice):
        return choice
    names = {entry.function.name for entry in asked.tools or () if entry.function is not None}
    if choice.function is None or choice.function.name not in names:
        raise wrong("tool_choice", "`tool_choice` names no function of `tools`.")
    return NamedTool(name=choice.function.name)


def _format(form: ResponseFormat) -> Literal["json"] | JsonObject:
    if form.type == "json_object":
        return "json"
    if form.json_schema is None or form.json_schema.schema_ is None:
        raise wrong("response_format.json_schema", "A `response_format` of the type json_schema needs `json_schema.schema`.")
    return form.json_schema.schema_


def think_of(effort: str, param: str) -> bool | str:
    match effort:
        case "none":
            return False
        case "minimal" | "low":
            return "low"
        case "medium" | "high":
            return effort
        case "xhigh":
            return "high"
    raise wrong(param, f"`{param}` is {effort[:32]!r}; it is none, minimal, low, medium, high or xhigh.")
