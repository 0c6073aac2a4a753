"""A conversation and Ollama's options in the words of the OpenAI chat API. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

from agent_sidecar.backends.backend import Ask
from bus.messages import ChatMessage, ToolCall

Json = dict[str, JsonValue]
_PER_SERVER: Final = frozenset({"num_ctx", "keep_alive", "num_gpu", "num_thread", "num_batch", "use_mmap", "main_gpu"})
"""What these servers are told at their start and not by a request."""
_MIME: Final = {"iVBOR": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}


def chat_body(ask: Ask) -> Json:
    going_on: Json = {"continue_final_message": True, "add_generation_prompt": False}  # vLLM's; llama.cpp does so by itself
    return {
        "model": ask.model,
        "messages": list(chat_messages(ask.messages)),
        "stream": True,
        "stream_options": {"include_usage": True},
        **(going_on if ask.messages[-1].role == "assistant" else {}),
        **chat_options(ask.options),
    }


def chat_options(options: Mapping[str, JsonValue]) -> Json:
    """What has another name gets it; the rest goes as it is, since llama.cpp and vLLM know many of Ollama's by name."""
    found: Json = {key: value for key, value in options.items() if key not in _PER_SERVER}
    limit = found.pop("num_predict", None)
    if isinstance(limit, int) and limit >= 0:
        found["max_tokens"] = limit
    form = found.pop("format", None)
    if form == "json":
        found["response_format"] = {"type": "json_object"}
    elif isinstance(form, dict):
        found["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": form}}
    think = found.pop("think", None)
    if isinstance(think, bool):
        found["chat_template_kwargs"] = {"enable_thinking": think}
    return found


def chat_messages(messages: tuple[ChatMessage, ...]) -> Iterator[Json]:
    """Tool calls need ids there, and an answer names the call that it answers: the first open one of its tool."""
    open_calls: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        body: Json = {"role": message.role, "content": _content(message)}
        if message.tool_calls:
            ids = [call.id or f"call_{number}_{index}" for index, call in enumerate(message.tool_calls)]
            body["tool_calls"] = [_call(call, id_) for call, id_ in zip(message.tool_calls, ids, strict=True)]
            open_calls = [(call.name, id_) for call, id_ in zip(message.tool_calls, ids, strict=True)]
        if message.role == "tool":
            answered = next((entry for entry in open_calls if message.tool_name in (None, entry[0])), None)
            if answered:
                open_calls.remove(answered)
            body["tool_call_id"] = answered[1] if answered else f"call_{number}"
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
    return {"id": id_, "type": "function", "function": {"name": call.name, "arguments": to_json(call.arguments).decode()}}
