"""What is asked for, and Ollama's options, in the words of OpenAI's API. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from agent_sidecar.backends.backend import Ask
from bus.errors import UnsupportedByBackend
from bus.messages import ChatMessage, NamedTool, Tool, ToolCall, Work

Json = dict[str, JsonValue]
_PER_SERVER: Final = frozenset({"num_ctx", "keep_alive", "num_gpu", "num_thread", "num_batch", "use_mmap", "main_gpu"})
"""What these servers are told at their start and not by a request."""
_OURS: Final = frozenset(
    {"model", "messages", "prompt", "input", "stream", "stream_options", "n", "tools", "tool_choice", "parallel_tool_calls"}
)
"""What the task says itself, and no option may say otherwise: which model a key may use, and that the answer is a stream."""
_STREAMED: Final[Json] = {"stream": True, "stream_options": {"include_usage": True}}
_MIME: Final = {"iVBOR": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}


def chat_body(ask: Ask) -> Json:
    going_on: Json = {"continue_final_message": True, "add_generation_prompt": False}  # vLLM's; llama.cpp does so by itself
    messages = conversation(ask)
    return {
        "model": ask.model,
        "messages": list(chat_messages(messages)),
        **_STREAMED,
        **(going_on if messages[-1].role == "assistant" else {}),
        **chat_options(ask.options),
        **_tools(ask.work),
        **_answer(ask.work),
        **({"logprobs": True, "top_logprobs": max(1, ask.work.top_logprobs)} if ask.work.logprobs else {}),
    }


def conversation(ask: Ask) -> tuple[ChatMessage, ...]:
    """These servers apply a model's template to conversations only."""
    if ask.messages:
        return ask.messages
    asked = ChatMessage(role="user", content=ask.prompt, images=ask.work.images)
    return (asked,) if ask.work.system is None else (ChatMessage(role="system", content=ask.work.system), asked)


def completion_body(ask: Ask) -> Json:
    """Of /v1/completions: the prompt as it is."""
    logprobs: Json = {"logprobs": max(1, ask.work.top_logprobs)} if ask.work.logprobs else {}
    return {"model": ask.model, "prompt": ask.prompt, **_STREAMED, **chat_options(ask.options), **_answer(ask.work), **logprobs}


def embed_body(ask: Ask) -> Json:
    """Of /v1/embeddings."""
    found: Json = {"model": ask.model, "input": list(ask.work.input or ()), "encoding_format": "base64"}
    return found if ask.work.dimensions is None else {**found, "dimensions": ask.work.dimensions}


def check(ask: Ask) -> None:
    """UnsupportedByBackend for what these servers cannot do."""
    work = ask.work
    for name in ("suffix", "template", "context"):
        if getattr(work, name) is not None:
            raise UnsupportedByBackend(
                f"Only Ollama takes a `{name}`, and this backend is none. Leave it out, or add an Ollama."
            )
    if work.raw and work.images:
        raise UnsupportedByBackend("This backend takes no images with a `raw` prompt. Make it a `chat`.")


def _tools(work: Work) -> Json:
    if not work.tools:
        return {}
    choice = work.tool_choice
    named: Json = {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else {}
    found: Json = {"tools": [_tool(tool) for tool in work.tools], "tool_choice": named or str(choice)}
    if work.parallel_tool_calls is not None:
        found["parallel_tool_calls"] = work.parallel_tool_calls
    return found


def _tool(tool: Tool) -> JsonValue:
    given = tool.model_dump(exclude_none=True)
    return {"type": "function", "function": {"parameters": {"type": "object", "properties": {}}, **given}}


def _answer(work: Work) -> Json:
    """The form of the answer, and whether it is thought about."""
    found: Json = {}
    if work.format is not None:
        found["response_format"] = _format(work.format)
    if work.think is not None:
        found["chat_template_kwargs"] = {"enable_thinking": work.think is not False}
    if isinstance(work.think, str):
        found["reasoning_effort"] = work.think
    return found


def _format(form: JsonValue) -> JsonValue:
    if form == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": form}}


def chat_options(options: Mapping[str, JsonValue]) -> Json:
    """What has another name gets it; the rest goes as it is, since llama.cpp and vLLM know many of Ollama's by name."""
    found: Json = {key: value for key, value in options.items() if key not in _PER_SERVER | _OURS}
    limit = found.pop("num_predict", None)
    if isinstance(limit, int) and limit >= 0:
        found["max_tokens"] = limit
    form = found.pop("format", None)
    if form == "json" or isinstance(form, dict):
        found["response_format"] = _format(form)
    think = found.pop("think", None)
    if isinstance(think, bool):
        found["chat_template_kwargs"] = {"enable_thinking": think}
    return found


def chat_messages(messages: tuple[ChatMessage, ...]) -> Iterator[Json]:
    """Tool calls need ids there, and an answer names the call that it answers: the first open one of its tool."""
    open_calls: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        body: Json = {"role": message.role, "content": _content(message)}
        if message.thinking:
            body["reasoning_content"] = message.thinking
        if message.tool_calls:
            ids = [call.id or f"call_{number}_{index}" for index, call in enumerate(message.tool_calls)]
            body["tool_calls"] = [_call(call, id_) for call, id_ in zip(message.tool_calls, ids, strict=True)]
            open_calls = [(call.name, id_) for call, id_ in zip(message.tool_calls, ids, strict=True)]
        if message.role == "tool":
            answered = next((entry for entry in open_calls if message.tool_name in (None, entry[0])), None)
            if answered and message.tool_call_id is None:
                open_calls.remove(answered)
            body["tool_call_id"] = message.tool_call_id or (answered[1] if answered else f"call_{number}")
        yield body


def _content(message: ChatMessage) -> JsonValue:
    if not message.images:
        return message.content
    images: list[JsonValue] = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return [{"type": "text", "text": message.content}, *images]


def _data_url(image: str) -> str:
    kind = next((kind for start, kind in _MIME.items() if image.startswith(start)), "png")
    return f"data:image/{kind};base64,{image}"


def _call(call: ToolCall, id_: str) -> JsonValue:
    return {"id": id_, "type": "function", "function": {"name": call.name, "arguments": call.arguments_text}}
