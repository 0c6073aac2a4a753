"""How many tokens a request shows its model, as far as one can tell without the model's own tokenizer: no backend offers it to others. Pure."""

from pydantic_core import to_json

from bus.messages import ChatMessage, Tool, Work
from bus.messages.work import CHARACTERS_A_TOKEN, TOKENS_AN_IMAGE


def prompt_tokens(work: Work) -> int:
    """At least 1. The scheduler reckons by the same sizes, and leaves out what is small beside the conversation."""
    messages = work.messages or ()
    texts = (work.prompt or "", work.system or "", *(work.input or ()))
    characters = sum(map(len, texts)) + sum(map(_characters, messages)) + sum(map(_described, work.tools))
    images = len(work.images) + sum(len(message.images) for message in messages)
    return max(1, -(-characters // CHARACTERS_A_TOKEN) + TOKENS_AN_IMAGE * images)


def _characters(message: ChatMessage) -> int:
    calls = sum(len(call.name) + len(call.arguments_text) for call in message.tool_calls)
    return len(message.content) + len(message.thinking) + calls


def _described(tool: Tool) -> int:
    return len(tool.name) + len(tool.description or "") + len(to_json(tool.parameters))
