"""What an offer asks of the backend, and how an attempt goes on from what earlier ones wrote. Pure.

A conversation whose last message is the assistant's is one to go on with: Ollama, llama.cpp and vLLM write behind it instead of
beginning an answer.
"""

from typing import Final

from agent_sidecar.backends.backend import Ask, Piece
from bus.messages import ChatMessage, DispatchOffer, JsonObject, Usage

_LIMITS: Final = ("num_predict", "max_tokens", "max_completion_tokens")


def ask_of(offer: DispatchOffer) -> Ask:
    """A prompt is a conversation of one message, so that the model's chat template applies to both."""
    messages = offer.messages or (ChatMessage(role="user", content=offer.prompt or ""),)
    if offer.continue_from is None:
        return Ask(model=offer.model, messages=messages, options=offer.options)
    written = ChatMessage(role="assistant", content=offer.continue_from.output.text.rstrip())
    options = _remaining(offer.options, offer.continue_from.usage.completion_tokens)
    return Ask(model=offer.model, messages=(*messages, written), options=options)


def _remaining(options: JsonObject, written_tokens: int) -> JsonObject:
    """A limit to the answer counts what was written before; what is not positive means no limit, so one token is left at least."""
    found = dict(options)
    for name in _LIMITS:
        limit = options.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
            found[name] = max(1, limit - written_tokens)
    return found


def whole_usage(offer: DispatchOffer, usage: Usage) -> Usage:
    """Of the whole answer: what an earlier attempt wrote is read by this one, and was nobody's prompt."""
    if offer.continue_from is None:
        return usage
    before = offer.continue_from.usage
    return Usage(
        prompt_tokens=max(before.prompt_tokens, usage.prompt_tokens - before.completion_tokens),
        completion_tokens=before.completion_tokens + usage.completion_tokens,
    )


class Seam:
    """Chat templates trim a message, so the model is shown the text without the white space at its end, and may write it again."""

    def __init__(self, shown_already: str) -> None:
        self._expected = shown_already

    def join(self, piece: Piece) -> Piece:
        """The piece without what stands before it already."""
        if not self._expected or not piece.text:
            return piece
        text = piece.text
        while self._expected and text and text[0] == self._expected[0]:
            text, self._expected = text[1:], self._expected[1:]
        if text:
            self._expected = ""
        return Piece(text=text, thinking=piece.thinking, tool_calls=piece.tool_calls)


def seam(offer: DispatchOffer) -> Seam:
    text = "" if offer.continue_from is None else offer.continue_from.output.text
    return Seam(text[len(text.rstrip()) :])
